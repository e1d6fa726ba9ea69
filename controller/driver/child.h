/*
 * Purpose:   one child process: argument list, short environment, JSON in, capped output, one deadline, group kill.
 * Not its job: which hook (notify.c), what its exit means beyond ok, later, failed.
 * Thread:    an executor thread; blocks until exit, deadline or cancel.
 * Ownership: options are borrowed.   Errors: exit 75 ERR_AGAIN, others ERR_FAILED with command, status, last line;
 *            ERR_DENIED: the file or a parent may be written by others; ERR_TIMEOUT; ERR_CANCELLED; ERR_LOCAL.
 */
#ifndef COLDMX_CHILD_H
#define COLDMX_CHILD_H

#include "ssh.h"

struct child_opts {
	const char *const *argv; /* argv[0] absolute; no secrets */
	const char *const *env;  /* "COLDMX_...=..." and nothing else but PATH; NULL at the end */
	const char *input;
	size_t input_len;
};

enum err_code child_run(const struct child_opts *opts, const struct job_wait *wait, struct strbuf *out,
			struct err *e) NODISCARD;
/* A program and every folder above it: owned by root or us, not writable by others. */
enum err_code child_check_program(const char *path, struct err *e) NODISCARD;

#endif
