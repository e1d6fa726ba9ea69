/*
 * Purpose:   one SSH connection to one host, and one forced command at a time over it (libssh2).
 * Not its job: what the words mean (hooks/README.md), retries (runner), whose key it is (config).
 * Thread:    one executor thread at a time; blocks only in net_wait on socket, deadline, cancel.
 * Ownership: ssh_open to ssh_close; options are borrowed for the call.
 * Errors:    ERR_AUTH: key, host key or account; ERR_PROTOCOL: no common algorithm; ERR_TIMEOUT;
 *            ERR_REFUSED, ERR_UNREACH: nothing was asked; ERR_UNKNOWN: lost after the command was
 *            asked; ERR_LOCAL. Of a command: exit 75 ERR_AGAIN, 2 ERR_INVALID, others and signals
 *            ERR_FAILED, with its last line on stderr; ERR_DENIED: sshd refused to run it.
 * Units:     deadline_ms absolute, on CLOCK_BOOTTIME.
 * BUGS:      libssh2 cannot tell "exit 0" from a channel closed without a status; OpenSSH always
 *            sends one or names the signal. It also loses some 100 bytes at each login with an
 *            ECDSA key: ed25519 is the better choice for the daemon.
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
	const char *name;      /* for messages: "mail-a standby" */
	struct host_addr addr; /* tried in the order v6, v4 */
	uint16_t port;
	const char *user;
	const char *identity;    /* private key file, ed25519 or ECDSA, without passphrase */
	const char *known_hosts; /* OpenSSH format, not hashed: the only keys that are believed */
};

struct ssh_command {
	const char *words;
	const void *input;
	size_t input_len;
	struct strbuf *out; /* standard output, up to out_max; more is dropped, or refused */
	size_t out_max;
	bool whole; /* output that does not fit is an error */
	/* Instead of `out`: takes it piece by piece; out_max and whole hold as well. */
	enum err_code (*sink)(void *arg, const char *bytes, size_t len, struct err *e);
	void *sink_arg;
};

struct ssh_session;

enum err_code ssh_global_init(struct err *e) NODISCARD; /* once, before any thread */
enum err_code ssh_open(const struct ssh_target *target, const struct job_wait *wait, struct ssh_session **out,
		       struct err *e) NODISCARD;
enum err_code ssh_run(struct ssh_session *s, const struct ssh_command *cmd, const struct job_wait *wait,
		      struct err *e) NODISCARD;
void ssh_close(struct ssh_session *s);        /* never blocks; NULL is legal */
bool ssh_usable(const struct ssh_session *s); /* false after a connection error or a cancel */
/* Of the last ssh_run: false means that its command cannot have reached the host. */
bool ssh_asked(const struct ssh_session *s);

#endif
