/* libssh2 in non-blocking mode: each call is repeated while it says EAGAIN, and between two calls stands our own
 * wait, so that one deadline bounds connection, authentication and command together. */
#include "ssh.h"

#include <libssh2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../common/base/clock.h"
#include "../../common/base/mem.h"
#include "../../common/net/connect.h"
#include "../../common/net/wait.h"

#define EXIT_TEMPORARY 75
#define EXIT_UNKNOWN_WORD 2
#define STDERR_MAX 4096

struct ssh_session {
	LIBSSH2_SESSION *raw;
	int fd;
	bool broken;
	char name[96];
};

enum err_code ssh_global_init(struct err *e)
{
	int rc = libssh2_init(0);
	return rc ? err_set(e, ERR_LOCAL, "libssh2: cannot start (%d)", rc) : ERR_OK;
}

static enum err_code wait_ready(struct ssh_session *s, const struct job_wait *wait, struct err *e)
{
	int directions = libssh2_session_block_directions(s->raw);
	unsigned events = 0;
	if (directions & LIBSSH2_SESSION_BLOCK_OUTBOUND)
		events |= NET_WAIT_WRITE;
	if ((directions & LIBSSH2_SESSION_BLOCK_INBOUND) || !events)
		events |= NET_WAIT_READ;
	enum err_code rc = net_wait(s->fd, events, wait->deadline_ms, wait->cancel_fd, e);
	if (rc) {
		s->broken = true; /* whatever was half said on this connection stays half said */
		err_wrap(e, "%s: ssh", s->name);
	}
	return rc;
}

static enum err_code fail(struct ssh_session *s, enum err_code code, const char *what, struct err *e)
{
	char *text = NULL;
	int raw = libssh2_session_last_error(s->raw, &text, NULL, 0);
	s->broken = true;
	return err_set(e, code, "%s: %s: %s (%d)", s->name, what, text && text[0] ? text : "no reason given", raw);
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
	return err_wrap(e, "%s", target->name);
}

static enum err_code handshake(struct ssh_session *s, const struct ssh_target *target, const char *addr,
			       const struct job_wait *wait, struct err *e)
{
	int rc;
	enum err_code code = ssh_hostkey_prefer(s->raw, target, addr, e);
	if (code)
		return code;
	while ((rc = libssh2_session_handshake(s->raw, s->fd)) == LIBSSH2_ERROR_EAGAIN) {
		code = wait_ready(s, wait, e);
		if (code)
			return code;
	}
	if (rc == LIBSSH2_ERROR_KEX_FAILURE || rc == LIBSSH2_ERROR_METHOD_NONE)
		return fail(s, ERR_AUTH, "no common algorithm: sshd must keep aes256-ctr, hmac-sha2-512 and a host key of "
			    "the pinned type", e);
	if (rc)
		return fail(s, ERR_REFUSED, "handshake", e);
	return ssh_hostkey_check(s->raw, target, addr, e);
}

static enum err_code authenticate(struct ssh_session *s, const struct ssh_target *target, const struct job_wait *wait,
				  struct err *e)
{
	int rc;
	while ((rc = libssh2_userauth_publickey_fromfile_ex(s->raw, target->user, (unsigned)strlen(target->user), NULL,
							    target->identity, NULL)) == LIBSSH2_ERROR_EAGAIN) {
		enum err_code code = wait_ready(s, wait, e);
		if (code)
			return code;
	}
	if (rc == LIBSSH2_ERROR_SOCKET_DISCONNECT || rc == LIBSSH2_ERROR_SOCKET_RECV)
		return fail(s, ERR_REFUSED, "connection lost at authentication", e);
	if (rc)
		return fail(s, ERR_AUTH, "key not accepted (it must be ed25519 or ECDSA)", e);
	return ERR_OK;
}

static enum err_code open_at(const struct ssh_target *target, const char *addr, const struct job_wait *wait,
			     struct ssh_session **out, struct err *e)
{
	int fd = -1;
	enum err_code rc = connect_one(target, addr, wait, &fd, e);
	if (rc)
		return rc;
	struct ssh_session *s = mem_calloc(1, sizeof(*s));
	s->fd = fd;
	snprintf(s->name, sizeof(s->name), "%.60s", target->name);
	s->raw = libssh2_session_init();
	BUG_ON(!s->raw);
	libssh2_session_set_blocking(s->raw, 0);
	rc = handshake(s, target, addr, wait, e);
	if (!rc)
		rc = authenticate(s, target, wait, e);
	if (rc)
		ssh_close(s);
	else
		*out = s;
	return rc;
}

enum err_code ssh_open(const struct ssh_target *target, const struct job_wait *wait, struct ssh_session **out,
		       struct err *e)
{
	const char *addrs[] = { target->addr.v6, target->addr.v4 };
	enum err_code rc = err_set(e, ERR_INVALID, "%s: no address", target->name);
	for (size_t i = 0; i < ARRAY_LEN(addrs); i++) {
		if (!addrs[i][0])
			continue;
		struct job_wait turn = *wait;
		if (i == 0 && addrs[1][0]) {
			/* a dead family leaves the other half of the time */
			int64_t now_ms = clock_boot_ms();
			turn.deadline_ms = now_ms + (wait->deadline_ms - now_ms) / 2;
		}
		rc = open_at(target, addrs[i], &turn, out, e);
		if (rc == ERR_OK || rc == ERR_AUTH || rc == ERR_CANCELLED)
			return rc;
	}
	return rc;
}

void ssh_close(struct ssh_session *s)
{
	if (!s)
		return;
	if (!s->broken)
		(void)libssh2_session_disconnect(s->raw, "done");
	(void)libssh2_session_free(s->raw);
	close(s->fd);
	free(s);
}

bool ssh_usable(const struct ssh_session *s)
{
	return !s->broken;
}

static enum err_code open_channel(struct ssh_session *s, const struct job_wait *wait, LIBSSH2_CHANNEL **out,
				  struct err *e)
{
	while (!(*out = libssh2_channel_open_session(s->raw))) {
		if (libssh2_session_last_errno(s->raw) != LIBSSH2_ERROR_EAGAIN)
			return fail(s, ERR_REFUSED, "channel", e);
		enum err_code rc = wait_ready(s, wait, e);
		if (rc)
			return rc;
	}
	return ERR_OK;
}

static enum err_code start_command(struct ssh_session *s, LIBSSH2_CHANNEL *ch, const char *words,
				   const struct job_wait *wait, struct err *e)
{
	int rc;
	while ((rc = libssh2_channel_exec(ch, words)) == LIBSSH2_ERROR_EAGAIN) {
		enum err_code code = wait_ready(s, wait, e);
		if (code)
			return code;
	}
	return rc ? fail(s, ERR_REFUSED, "exec", e) : ERR_OK;
}

/* True when anything moved. */
static bool read_some(LIBSSH2_CHANNEL *ch, int stream, struct strbuf *to, size_t max, bool *cut)
{
	char buf[8192];
	ssize_t n = libssh2_channel_read_ex(ch, stream, buf, sizeof(buf));
	if (n <= 0)
		return false;
	size_t room = to->len < max ? max - to->len : 0;
	if ((size_t)n > room)
		*cut = true;
	strbuf_add(to, buf, (size_t)n < room ? (size_t)n : room);
	return true;
}

static bool write_some(LIBSSH2_CHANNEL *ch, const struct ssh_command *cmd, size_t *sent, bool *eof_sent)
{
	if (*sent < cmd->input_len) {
		ssize_t n = libssh2_channel_write(ch, (const char *)cmd->input + *sent, cmd->input_len - *sent);
		if (n > 0)
			*sent += (size_t)n;
		return n > 0;
	}
	if (!*eof_sent && libssh2_channel_send_eof(ch) == 0)
		return *eof_sent = true;
	return false;
}

static enum err_code converse(struct ssh_session *s, LIBSSH2_CHANNEL *ch, const struct ssh_command *cmd,
			      const struct job_wait *wait, struct strbuf *complaint, bool *cut, struct err *e)
{
	size_t sent = 0;
	bool eof_sent = false, ignore = false;
	for (;;) {
		bool moved = write_some(ch, cmd, &sent, &eof_sent);
		moved |= read_some(ch, 0, cmd->out, cmd->out_max, cut);
		moved |= read_some(ch, SSH_EXTENDED_DATA_STDERR, complaint, STDERR_MAX, &ignore);
		if (moved)
			continue;
		if (libssh2_channel_eof(ch))
			return ERR_OK;
		int raw = libssh2_session_last_errno(s->raw);
		if (raw && raw != LIBSSH2_ERROR_EAGAIN)
			return fail(s, ERR_UNKNOWN, "connection lost during the command", e);
		enum err_code rc = wait_ready(s, wait, e);
		if (rc)
			return rc;
	}
}

static enum err_code finish(struct ssh_session *s, LIBSSH2_CHANNEL *ch, const struct job_wait *wait, int *status,
			    struct err *e)
{
	int rc;
	while ((rc = libssh2_channel_close(ch)) == LIBSSH2_ERROR_EAGAIN ||
	       (!rc && (rc = libssh2_channel_wait_closed(ch)) == LIBSSH2_ERROR_EAGAIN)) {
		enum err_code code = wait_ready(s, wait, e);
		if (code)
			return code;
	}
	if (rc)
		return fail(s, ERR_UNKNOWN, "connection lost before the exit status", e);
	*status = libssh2_channel_get_exit_status(ch);
	return ERR_OK;
}

static const char *last_line(struct strbuf *sb)
{
	while (sb->len && sb->data[sb->len - 1] == '\n')
		sb->data[--sb->len] = '\0';
	const char *text = strbuf_str(sb), *nl = strrchr(text, '\n');
	return nl ? nl + 1 : text;
}

static enum err_code judge(const struct ssh_session *s, const struct ssh_command *cmd, int status,
			   struct strbuf *complaint, struct err *e)
{
	enum err_code code = status == EXIT_TEMPORARY	? ERR_AGAIN :
			     status == EXIT_UNKNOWN_WORD ? ERR_INVALID :
							   ERR_FAILED;
	if (!status)
		return ERR_OK;
	const char *why = last_line(complaint);
	return err_set(e, code, "%s: `%.60s` exit %d: %.180s", s->name, cmd->words, status,
		       why[0] ? why : "it gave no reason");
}

enum err_code ssh_run(struct ssh_session *s, const struct ssh_command *cmd, const struct job_wait *wait, struct err *e)
{
	LIBSSH2_CHANNEL *ch = NULL;
	struct strbuf complaint = STRBUF_INIT;
	int status = -1;
	bool cut = false;
	enum err_code rc = open_channel(s, wait, &ch, e);
	if (!rc)
		rc = start_command(s, ch, cmd->words, wait, e);
	if (!rc)
		rc = converse(s, ch, cmd, wait, &complaint, &cut, e);
	if (!rc)
		rc = finish(s, ch, wait, &status, e);
	if (!rc)
		rc = judge(s, cmd, status, &complaint, e);
	if (!rc && cut && cmd->whole)
		rc = err_set(e, ERR_FAILED, "%s: `%.60s` says more than %zu bytes", s->name, cmd->words, cmd->out_max);
	if (ch)
		(void)libssh2_channel_free(ch);
	strbuf_fini(&complaint);
	return rc;
}
