/*
 * Purpose:   one SSH connection to one host, and one forced command at a time over it (libssh2).
 * Not its job: what the words mean (hooks/README.md), retries (runner), which key belongs to whom (config).
 * Thread:    one executor thread at a time; blocks only in net_wait on socket, deadline and cancel.
 * Ownership: ssh_open to ssh_close; options are borrowed for the call.
 * Errors:    ERR_AUTH: key, host key or account (PERM); ERR_TIMEOUT, ERR_REFUSED, ERR_UNREACH (TEMP); ERR_LOCAL;
 *            of a command: exit 75 ERR_AGAIN, 2 ERR_INVALID, others ERR_FAILED with its last line on stderr.
 * Units:     deadline_ms absolute, on CLOCK_BOOTTIME.
 */
#ifndef COLDMX_SSH_H
#define COLDMX_SSH_H

#include <stddef.h>
#include <stdint.h>

#include "../../common/base/strbuf.h"
#include "../verb.h"

/* How one executor job waits. */
struct job_wait {
	int64_t deadline_ms;
	int cancel_fd; /* readable = stop; -1 = none */
};

struct ssh_target {
	const char *name;        /* for messages: "mail-a standby" */
	struct host_addr addr;   /* tried in the order v6, v4 */
	uint16_t port;
	const char *user;
	const char *identity;    /* private key file, ed25519 or ECDSA; its public half lies beside it */
	const char *known_hosts; /* OpenSSH format, names not hashed: the only keys that are believed */
};

struct ssh_command {
	const char *words;
	const void *input;
	size_t input_len;
	struct strbuf *out;  /* standard output, up to out_max; more is dropped, or refused with whole */
	size_t out_max;
	bool whole;          /* cut output is an error */
};

struct ssh_session;

enum err_code ssh_global_init(struct err *e) NODISCARD; /* once, before any thread */
enum err_code ssh_open(const struct ssh_target *target, const struct job_wait *wait, struct ssh_session **out,
		       struct err *e) NODISCARD;
enum err_code ssh_run(struct ssh_session *s, const struct ssh_command *cmd, const struct job_wait *wait,
		      struct err *e) NODISCARD;
void ssh_close(struct ssh_session *s);       /* never blocks; NULL is legal */
bool ssh_usable(const struct ssh_session *s); /* false after a connection error */

/* ---- ssh_hostkey.c ---- */
struct _LIBSSH2_SESSION;
/* Before the handshake: only the type that is pinned for `addr` may be offered. ERR_AUTH when none is. */
enum err_code ssh_hostkey_prefer(struct _LIBSSH2_SESSION *raw, const struct ssh_target *target, const char *addr,
				 struct err *e) NODISCARD;
/* After the handshake: the key is the pinned one, or ERR_AUTH with both fingerprints. */
enum err_code ssh_hostkey_check(struct _LIBSSH2_SESSION *raw, const struct ssh_target *target, const char *addr,
				struct err *e) NODISCARD;

#endif
