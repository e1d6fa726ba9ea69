/*
 * Purpose:   what the files of the SSH driver share: the session and its two checks.
 * Not its job: an interface for others (ssh.h).
 * Thread:    as ssh.h.   Ownership: as ssh.h.   Errors: as ssh.h.
 */
#ifndef COLDMX_SSH_INT_H
#define COLDMX_SSH_INT_H

#include <libssh2.h>

#include "ssh.h"

struct ssh_session {
	LIBSSH2_SESSION *raw;
	int fd;
	bool broken; /* what was half said on this connection stays half said */
	bool asked;
	char name[96];
};

/* Waits until libssh2 can go on; anything but ERR_OK breaks the session. */
enum err_code ssh_wait(struct ssh_session *s, const struct job_wait *wait, struct err *e) NODISCARD;
/* Breaks the session; the reason is `what` and libssh2's own words. */
enum err_code ssh_fail(struct ssh_session *s, enum err_code code, const char *what, struct err *e);

/* Before the handshake: only the type pinned for `addr` may be offered, ed25519 before ECDSA. With
 * no pin, any usable type, so that the refusal can name what was offered. ERR_AUTH: RSA only. */
enum err_code ssh_hostkey_prefer(LIBSSH2_SESSION *raw, const struct ssh_target *target, const char *addr,
				 struct err *e) NODISCARD;
/* After the handshake: the key is the pinned one, or ERR_AUTH with the fingerprints. */
enum err_code ssh_hostkey_check(LIBSSH2_SESSION *raw, const struct ssh_target *target, const char *addr,
				struct err *e) NODISCARD;

/* Readable by us alone, ed25519 or ECDSA, no passphrase; else ERR_AUTH that says which. */
enum err_code ssh_identity_check(const char *path, struct err *e) NODISCARD;

#endif
