/* One command over an open session: input up, output and complaint down, exit status last. A
 * channel ends in the order end-of-file, status, close; only after the host's own close is the
 * status believed, since libssh2 reads a missing one as 0. */
#include <stdio.h>
#include <string.h>

#include "../../common/base/clock.h"
#include "../../common/net/wait.h"
#include "../../common/proto/printable.h"
#include "ssh_int.h"

#define EXIT_TEMPORARY 75
#define EXIT_UNKNOWN_WORD 2
#define COMPLAINT_MAX 4096

struct talk {
	struct ssh_session *s;
	LIBSSH2_CHANNEL *ch;
	const struct ssh_command *cmd;
	const struct job_wait *wait;
	size_t sent, got;
	bool eof_sent, cut;
	unsigned long window; /* bytes that the host would take when the last write got stuck */
	struct strbuf complaint;
	struct err sink_err;
	int status;
	char signal[24]; /* "" = it exited by itself */
};

static enum err_code open_channel(struct talk *t, struct err *e)
{
	while (!(t->ch = libssh2_channel_open_session(t->s->raw))) {
		if (libssh2_session_last_errno(t->s->raw) != LIBSSH2_ERROR_EAGAIN)
			return ssh_fail(t->s, ERR_REFUSED, "no channel", e);
		enum err_code rc = ssh_wait(t->s, t->wait, e);
		if (rc)
			return rc;
	}
	return ERR_OK;
}

static enum err_code start_command(struct talk *t, struct err *e)
{
	int rc;

	t->s->asked = true;
	while ((rc = libssh2_channel_exec(t->ch, t->cmd->words)) == LIBSSH2_ERROR_EAGAIN) {
		enum err_code code = ssh_wait(t->s, t->wait, e);

		if (code)
			return code;
	}
	if (rc == LIBSSH2_ERROR_CHANNEL_REQUEST_DENIED)
		return ssh_fail(t->s, ERR_DENIED, "sshd refuses to run commands", e);
	return rc ? ssh_fail(t->s, ERR_UNKNOWN, "connection lost as the command was asked", e) : ERR_OK;
}

/* BAD_USE: another packet is half sent; it goes out first. */
static bool would_block(ssize_t rc)
{
	return rc == 0 || rc == LIBSSH2_ERROR_EAGAIN || rc == LIBSSH2_ERROR_BAD_USE;
}

/* Each of push and pull: 1 moved, 0 would block, below 0 libssh2's error. */
static int push(struct talk *t)
{
	const struct ssh_command *cmd = t->cmd;

	if (libssh2_channel_eof(t->ch))
		return 0; /* a program that ended does not read on */
	if (t->sent < cmd->input_len) {
		ssize_t n = libssh2_channel_write(t->ch, (const char *)cmd->input + t->sent, cmd->input_len - t->sent);
		if (n > 0) {
			t->sent += (size_t)n;
			return 1;
		}
		t->window = libssh2_channel_window_write(t->ch);
		return would_block(n) ? 0 : (int)n;
	}
	if (t->eof_sent)
		return 0;
	int rc = libssh2_channel_send_eof(t->ch);
	t->eof_sent = rc == 0;
	return t->eof_sent ? 1 : would_block(rc) ? 0 : rc;
}

static void take_output(struct talk *t, const char *bytes, size_t len)
{
	const struct ssh_command *cmd = t->cmd;
	size_t room = cmd->out_max - t->got;

	t->cut |= len > room;
	if (len > room)
		len = room;
	t->got += len;
	if (!cmd->sink && cmd->out)
		strbuf_add(cmd->out, bytes, len);
	else if (cmd->sink && len && !t->sink_err.code)
		t->sink_err.code = cmd->sink(cmd->sink_arg, bytes, len, &t->sink_err);
}

/* The end of it is what counts. */
static void take_complaint(struct talk *t, const char *bytes, size_t len)
{
	strbuf_add(&t->complaint, bytes, len);
	if (t->complaint.len > COMPLAINT_MAX)
		strbuf_drop_front(&t->complaint, t->complaint.len - COMPLAINT_MAX);
}

static int pull(struct talk *t, int stream)
{
	char buf[16384];
	ssize_t n = libssh2_channel_read_ex(t->ch, stream, buf, sizeof(buf));

	if (n <= 0)
		return would_block(n) ? 0 : (int)n;
	if (stream == SSH_EXTENDED_DATA_STDERR)
		take_complaint(t, buf, (size_t)n);
	else
		take_output(t, buf, (size_t)n);
	return 1;
}

/* Each call drains the socket, for the others too: what came for a call that was already made in
 * this round makes no descriptor readable any more. */
static bool has_news(const struct talk *t)
{
	if (libssh2_channel_eof(t->ch) || libssh2_poll_channel_read(t->ch, 0) || libssh2_poll_channel_read(t->ch, 1))
		return true;
	return t->sent < t->cmd->input_len && !t->window && libssh2_channel_window_write(t->ch);
}

/* A host that never stops talking does not outrun deadline and cancel. */
static enum err_code check_time(struct talk *t, struct err *e)
{
	struct err ignore;

	if (net_wait(-1, 0, 0, t->wait->cancel_fd, &ignore) == ERR_CANCELLED) {
		t->s->broken = true;
		return err_set(e, ERR_CANCELLED, "%s: ssh: cancelled", t->s->name);
	}
	if (clock_boot_ms() < t->wait->deadline_ms)
		return ERR_OK;
	t->s->broken = true;
	return err_set(e, ERR_TIMEOUT, "%s: ssh: the deadline passed amid its output", t->s->name);
}

static enum err_code converse(struct talk *t, struct err *e)
{
	while (!libssh2_channel_eof(t->ch)) {
		int up = push(t), out = pull(t, 0), complaint = pull(t, SSH_EXTENDED_DATA_STDERR);

		if (up < 0 || out < 0 || complaint < 0)
			return ssh_fail(t->s, ERR_UNKNOWN, "connection lost during the command", e);
		if (t->sink_err.code) {
			t->s->broken = true;
			return err_set(e, t->sink_err.code, "%s", t->sink_err.text);
		}
		bool moved = up || out || complaint || has_news(t);
		enum err_code rc = moved ? check_time(t, e) : ssh_wait(t->s, t->wait, e);
		if (rc)
			return rc;
	}
	return ERR_OK;
}

static enum err_code read_exit(struct talk *t, struct err *e)
{
	char *signal = NULL;
	size_t len = 0;
	int rc;

	while ((rc = libssh2_channel_wait_closed(t->ch)) == LIBSSH2_ERROR_EAGAIN) {
		enum err_code code = ssh_wait(t->s, t->wait, e);

		if (code)
			return code;
	}
	if (rc)
		return ssh_fail(t->s, ERR_UNKNOWN, "connection lost before the exit status", e);
	t->status = libssh2_channel_get_exit_status(t->ch);
	if (!libssh2_channel_get_exit_signal(t->ch, &signal, &len, NULL, NULL, NULL, NULL) && signal) {
		proto_printable(t->signal, sizeof(t->signal), signal, len);
		libssh2_free(t->s->raw, signal);
	}
	return ERR_OK;
}

static enum err_code end_channel(struct talk *t, struct err *e)
{
	while (libssh2_channel_free(t->ch) == LIBSSH2_ERROR_EAGAIN) {
		enum err_code rc = ssh_wait(t->s, t->wait, e);

		if (rc)
			return rc;
	}
	return ERR_OK;
}

static void last_line(struct strbuf *sb, char *out, size_t size)
{
	while (sb->len && (sb->data[sb->len - 1] == '\n' || sb->data[sb->len - 1] == '\r'))
		sb->data[--sb->len] = '\0';
	const char *text = strbuf_str(sb);
	const char *newline = sb->len ? memrchr(text, '\n', sb->len) : NULL;
	const char *line = newline ? newline + 1 : text;

	proto_printable(out, size, line, sb->len - (size_t)(line - text));
}

static enum err_code judge(struct talk *t, struct err *e)
{
	const char *name = t->s->name, *words = t->cmd->words;
	char why[200];

	if (t->signal[0])
		return err_set(e, ERR_FAILED, "%s: `%.60s` was killed by SIG%s", name, words, t->signal);
	if (!t->status && t->cut && t->cmd->whole)
		return err_set(e, ERR_FAILED, "%s: `%.60s` says more than %zu bytes", name, words, t->cmd->out_max);
	if (!t->status)
		return ERR_OK;
	last_line(&t->complaint, why, sizeof(why));
	enum err_code code = t->status == EXIT_TEMPORARY      ? ERR_AGAIN
			     : t->status == EXIT_UNKNOWN_WORD ? ERR_INVALID
							      : ERR_FAILED;
	return err_set(e, code, "%s: `%.60s` exit %d: %s", name, words, t->status, why[0] ? why : "it gave no reason");
}

enum err_code ssh_run(struct ssh_session *s, const struct ssh_command *cmd, const struct job_wait *wait, struct err *e)
{
	struct talk t = { .s = s, .cmd = cmd, .wait = wait, .complaint = STRBUF_INIT };

	s->asked = false;
	enum err_code rc = open_channel(&t, e);
	if (!rc)
		rc = start_command(&t, e);
	if (!rc)
		rc = converse(&t, e);
	if (!rc)
		rc = read_exit(&t, e);
	if (!rc)
		rc = judge(&t, e);
	if (t.ch && !s->broken) {
		struct err late;

		(void)!end_channel(&t, &late); /* the answer is known; a loss only ends the session */
	}
	strbuf_fini(&t.complaint);
	return rc;
}
