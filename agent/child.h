/*
 * Purpose:   one short program, without a shell: postconf, systemctl, the notify hook.
 * Not its job: what it is for.
 * Thread:    any; blocks until the program has ended, 10 s at most; then its process group is killed.
 * Ownership: `out` is the caller's.
 * Errors:    ERR_FAILED: it did not exit with 0, or says more than 64 KiB; ERR_TIMEOUT; ERR_LOCAL.
 */
#ifndef COLDMX_AGENT_CHILD_H
#define COLDMX_AGENT_CHILD_H

#include "../common/base/err.h"
#include "../common/base/strbuf.h"

/* Appends its standard output. `input` NULL: it reads nothing. */
enum err_code child_run(const char *const argv[], const char *input, struct strbuf *out, struct err *e) NODISCARD;

#endif
