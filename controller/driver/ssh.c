/* libssh2 in non-blocking mode: each call is repeated while it says EAGAIN, and between two calls
 * stands our own wait, so that one deadline bounds connection, authentication and command
 * together. */
#include "ssh.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../common/base/clock.h"
#include "../../common/base/mem.h"
#include "../../common/net/connect.h"
#include "../../common/net/wait.h"
#include "ssh_int.h"

/* The longest wait for a connection while another address is still untried. */
#define FIRST_CONNECT_MS 5000

enum err_code ssh_global_init(struct err *e)
{
	int rc = libssh2_init(0);

	return rc ? err_set(e, ERR_LOCAL, "libssh2: cannot start (%d)", rc) : ERR_OK;
}

enum err_code ssh_wait(struct ssh_session *s, const struct job_wait *wait, struct err *e)
{
	int directions = libssh2_session_block_directions(s->raw);
	unsigned events = 0;

	if (directions & LIBSSH2_SESSION_BLOCK_OUTBOUND)
		events |= NET_WAIT_WRITE;
	if ((directions & LIBSSH2_SESSION_BLOCK_INBOUND) || !events)
		events |= NET_WAIT_READ;
	enum err_code rc = net_wait(s->fd, events, wait->deadline_ms, wait->cancel_fd, e);
	if (rc) {
		s->broken = true;
		err_wrap(e, "%s: ssh", s->name);
	}
	return rc;
}

enum err_code ssh_fail(struct ssh_session *s, enum err_code code, const char *what, struct err *e)
{
	char *text = NULL;
	int raw = libssh2_session_last_error(s->raw, &text, NULL, 0);

	s->broken = true;
	return err_set(e, code, "%s: ssh: %s: %s (libssh2 %d)", s->name, what,
		       text && text[0] ? text : "no reason given", raw);
}

static enum err_code connect_one(const struct ssh_target *target, const char *addr, const struct job_wait *wait,
				 int *fd, struct err *e)
{
	struct net_addr to;
	bool connected = false;
	enum err_code rc = net_addr_parse(addr, target->port, &to, e);

	if (!rc)
		rc = net_connect_start(&to, fd, e);
	while (!rc && !connected) {
		rc = net_wait(*fd, NET_WAIT_WRITE, wait->deadline_ms, wait->cancel_fd, e);
		if (!rc)
			rc = net_connect_finish(*fd, &to, &connected, e);
	}
	if (!rc)
		return ERR_OK;
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	return err_wrap(e, "%s: ssh to %s", target->name, addr);
}

static enum err_code handshake(struct ssh_session *s, const struct ssh_target *target, const char *addr,
			       const struct job_wait *wait, struct err *e)
{
	int rc;
	enum err_code code = ssh_hostkey_prefer(s->raw, target, addr, e);

	if (code)
		return code;
	while ((rc = libssh2_session_handshake(s->raw, s->fd)) == LIBSSH2_ERROR_EAGAIN) {
		code = ssh_wait(s, wait, e);
		if (code)
			return code;
	}
	if (rc == LIBSSH2_ERROR_KEX_FAILURE || rc == LIBSSH2_ERROR_METHOD_NONE)
		return ssh_fail(s, ERR_PROTOCOL,
				"no common algorithm: sshd must keep aes256-ctr, hmac-sha2-512 and "
				"a host key of the pinned type",
				e);
	if (rc)
		return ssh_fail(s, ERR_REFUSED, "handshake", e);
	return ssh_hostkey_check(s->raw, target, addr, e);
}

static enum err_code authenticate(struct ssh_session *s, const struct ssh_target *target, const struct job_wait *wait,
				  struct err *e)
{
	unsigned user_len = (unsigned)strlen(target->user);
	char what[160];
	int rc;

	while ((rc = libssh2_userauth_publickey_fromfile_ex(s->raw, target->user, user_len, NULL, target->identity,
							    NULL)) == LIBSSH2_ERROR_EAGAIN) {
		enum err_code code = ssh_wait(s, wait, e);

		if (code)
			return code;
	}
	/* A host that boots accepts the key and hangs up (pam_nologin): that passes. */
	if (rc == LIBSSH2_ERROR_SOCKET_DISCONNECT || rc == LIBSSH2_ERROR_SOCKET_RECV || rc == LIBSSH2_ERROR_SOCKET_SEND)
		return ssh_fail(s, ERR_REFUSED, "connection lost at authentication", e);
	snprintf(what, sizeof(what), "key %.80s not accepted for user %.32s", target->identity, target->user);
	return rc ? ssh_fail(s, ERR_AUTH, what, e) : ERR_OK;
}

static struct ssh_session *session_new(const struct ssh_target *target, int fd)
{
	struct ssh_session *s = mem_calloc(1, sizeof(*s));

	s->fd = fd;
	(void)str_copy(s->name, sizeof(s->name), target->name);
	s->raw = libssh2_session_init();
	BUG_ON(!s->raw); /* out of memory */
	libssh2_session_set_blocking(s->raw, 0);
	return s;
}

/* `last`: no other address is left, so this one may use the whole time. */
static enum err_code open_at(const struct ssh_target *target, const char *addr, bool last, const struct job_wait *wait,
			     struct ssh_session **out, struct err *e)
{
	struct job_wait turn = *wait, dial = *wait;
	int fd = -1;

	if (!last) {
		int64_t now_ms = clock_boot_ms();
		int64_t half_ms = (wait->deadline_ms - now_ms) / 2;

		turn.deadline_ms = now_ms + half_ms;
		dial.deadline_ms = now_ms + (half_ms < FIRST_CONNECT_MS ? half_ms : FIRST_CONNECT_MS);
	}
	enum err_code rc = connect_one(target, addr, &dial, &fd, e);
	if (rc)
		return rc;
	struct ssh_session *s = session_new(target, fd);
	rc = handshake(s, target, addr, &turn, e);
	if (!rc)
		rc = authenticate(s, target, &turn, e);
	if (rc)
		ssh_close(s);
	else
		*out = s;
	return rc;
}

/* No other address of the same host would make this better. */
static bool is_final(enum err_code code)
{
	enum err_class cls = err_code_class(code);

	return cls != ERR_CLASS_TEMP && cls != ERR_CLASS_LOCAL;
}

enum err_code ssh_open(const struct ssh_target *target, const struct job_wait *wait, struct ssh_session **out,
		       struct err *e)
{
	const char *v6 = target->addr.v6, *v4 = target->addr.v4;
	struct err first = { .code = ERR_OK };

	if (!v6[0] && !v4[0])
		return err_set(e, ERR_INVALID, "%s: no address", target->name);
	enum err_code rc = ssh_identity_check(target->identity, e);
	if (rc)
		return rc;
	if (v6[0]) {
		rc = open_at(target, v6, !v4[0], wait, out, &first);
		if (rc == ERR_OK)
			return ERR_OK;
		if (is_final(rc) || !v4[0])
			return err_set(e, rc, "%s", first.text);
	}
	rc = open_at(target, v4, true, wait, out, e);
	if (rc && first.code && !is_final(rc)) {
		struct err second = *e;

		err_set(e, rc, "%.155s; %.155s", second.text, first.text);
	}
	return rc;
}

void ssh_close(struct ssh_session *s)
{
	if (!s)
		return;
	if (!s->broken)
		(void)libssh2_session_disconnect(s->raw, "done");
	/* With the socket shut, nothing in libssh2 can ask for another wait. */
	shutdown(s->fd, SHUT_RDWR);
	while (libssh2_session_free(s->raw) == LIBSSH2_ERROR_EAGAIN)
		;
	close(s->fd);
	free(s);
}

bool ssh_usable(const struct ssh_session *s)
{
	return !s->broken;
}

bool ssh_asked(const struct ssh_session *s)
{
	return s->asked;
}
