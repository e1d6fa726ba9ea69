/*
 * Purpose:   one child process: argument list, short environment, input, capped output, one
 *            deadline, group kill.
 * Not its job: which hook (notify.c), what its exit means beyond ok, later, failed.
 * Thread:    an executor thread; blocks until exit, deadline or cancel.
 * Ownership: options are borrowed; no process of the group outlives the call.
 * Errors:    exit 75 ERR_AGAIN, others and signals ERR_FAILED, with command, status, last line;
 *            ERR_DENIED: the file or a folder above may be written by others; ERR_NOT_FOUND;
 *            ERR_TIMEOUT; ERR_CANCELLED; ERR_LOCAL.
 * BUGS:      a process that leaves the group (setsid) and keeps running is not found.
 */
#ifndef COLDMX_CHILD_H
#define COLDMX_CHILD_H

#include "ssh.h"

struct child_opts {
	const char *const *argv; /* argv[0] absolute; no secrets */
	const char *const *env;  /* "COLDMX_...=..." and nothing else but PATH; NULL at the end */
	const char *input;       /* its standard input: a file, so that nobody has to read it */
	size_t input_len;
	size_t output_max; /* bytes of its output that are kept; 0 = 8 KB */
	int *exit_code;    /* NULL, or where it goes; -1: it did not come to one */
};

/* `out`: standard output and error together, the last output_max of it. */
enum err_code child_run(const struct child_opts *opts, const struct job_wait *wait, struct strbuf *out,
			struct err *e) NODISCARD;
/* A program and every folder above it, symbolic links followed: owned by root or us, and not
 * writable by others, except that a sticky folder (/tmp) may hold what is ours. */
enum err_code child_check_program(const char *path, struct err *e) NODISCARD;

#endif
