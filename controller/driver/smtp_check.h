/*
 * Purpose:   one SMTP dialogue from here, as a verb: the very dialogue of the prober, waited for.
 * Not its job: judging the two codes (step/verify_outside.c).
 * Thread:    an executor thread; blocks until the answer, the deadline or the cancel, whichever is first.
 * Ownership: options are borrowed for the call; socket and TLS end with it.
 * Errors:    ERR_OK exactly when every recipient asked for got a code, whatever it is. Else ERR_LOCAL (ours),
 *            ERR_AGAIN (4xx, 421), ERR_TIMEOUT, ERR_REFUSED (no connection, or lost), ERR_FAILED (5xx before RCPT),
 *            ERR_INVALID, ERR_CANCELLED; answer->layer names the rung. Trouble with TLS is no error: as senders do, it
 *            goes on without trust, or in the clear, and says so in answer->tls_trouble.
 * Units:     deadline_ms absolute, on CLOCK_BOOTTIME.
 */
#ifndef COLDMX_SMTP_CHECK_H
#define COLDMX_SMTP_CHECK_H

#include "../verb.h"

struct smtp_check_opts {
	const char *addr; /* literal */
	uint16_t port;
	int family;          /* 4 or 6: the address must be of it; 0 = whichever it is */
	const char *name;    /* in the certificate; "" = no TLS */
	const char *ca_file; /* "" = the system's */
	const char *ehlo;
	const char *known;   /* "" = not asked */
	const char *unknown; /* "" = not asked */
	int64_t deadline_ms;
	int cancel_fd; /* readable = stop; -1 = none */
};

enum err_code smtp_check_run(const struct smtp_check_opts *opts, struct smtp_answer *answer, struct err *e) NODISCARD;

#endif
