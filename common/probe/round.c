/* A round is connect, then either the SMTP dialogue (proto/smtp.c drives, this file moves its bytes) or the
 * agent's TLS, question and answer. Whatever goes wrong with the socket becomes a verdict at the layer
 * where it happened: decide(). */
#include "round.h"

#include <stdio.h>
#include <string.h>

#include "../base/mem.h"
#include "../net/connect.h"
#include "agent_answer.h"

#define READ_BYTES 4096

void round_init(struct round *r)
{
	memset(r, 0, sizeof(*r));
	net_stream_init(&r->stream, -1);
}

void round_fini(struct round *r)
{
	net_stream_close(&r->stream);
	strbuf_fini(&r->out);
	strbuf_fini(&r->body);
}

static void decide(struct round *r, enum probe_outcome outcome, enum probe_layer layer, int code, const char *why)
{
	if (r->decided)
		return;
	r->decided = true;
	r->outcome = outcome;
	r->layer = layer;
	r->code = code;
	(void)str_copy(r->reason, sizeof(r->reason), why);
}

static enum probe_outcome err_outcome(const struct err *e)
{
	return err_code_class(e->code) == ERR_CLASS_LOCAL ? PROBE_LOCAL : PROBE_FAIL;
}

/* The buffer may have held a token. */
static void drop_out(struct round *r)
{
	if (r->opts.kind == PROBE_AGENT && r->out.data)
		explicit_bzero(r->out.data, r->out.cap);
	strbuf_reset(&r->out);
	r->sent = 0;
}

static enum round_wait end_round(struct round *r)
{
	net_stream_close(&r->stream);
	drop_out(r);
	r->part = ROUND_PART_OVER;
	return ROUND_OVER;
}

static enum round_wait fail_round(struct round *r, enum probe_layer layer, const struct err *e)
{
	decide(r, err_outcome(e), layer, 0, e->text);
	return end_round(r);
}

void round_start(struct round *r, const struct round_opts *opts)
{
	struct err e;
	int fd;

	r->opts = *opts;
	r->decided = false;
	r->code = 0;
	r->hung = false;
	r->tls_trouble[0] = '\0';
	r->agent.present = false;
	r->part = ROUND_PART_CONNECT;
	if (net_connect_start(opts->to, &fd, &e) != ERR_OK) {
		fail_round(r, LAYER_CONNECT, &e);
		return;
	}
	net_stream_init(&r->stream, fd);
}

/* DONE: all of `out` went. */
static enum net_io flush(struct round *r, struct err *e)
{
	while (r->sent < r->out.len) {
		size_t n;
		enum net_io io = net_stream_send(&r->stream, r->out.data + r->sent, r->out.len - r->sent, &n, e);
		if (io != NET_IO_DONE)
			return io;
		r->sent += n;
	}
	drop_out(r);
	return NET_IO_DONE;
}

static void adopt_smtp(struct round *r)
{
	const struct smtp *s = &r->u.smtp;

	if (s->decided && !r->decided)
		(void)str_copy(r->tls_trouble, sizeof(r->tls_trouble), s->tls_trouble);
	if (s->decided)
		decide(r, s->outcome, s->layer, s->code, s->reason);
}

static void shake_smtp(struct round *r, enum net_io io, const struct err *e)
{
	if (io == NET_IO_DONE)
		smtp_secured(&r->u.smtp);
	else if (io == NET_IO_UNTRUSTED)
		smtp_untrusted(&r->u.smtp, e->text);
	else
		smtp_break(&r->u.smtp, err_outcome(e), e->text);
}

static void feed_smtp(struct round *r, enum net_io io, const char *bytes, size_t len, const struct err *e)
{
	if (io == NET_IO_DONE)
		smtp_feed(&r->u.smtp, bytes, len);
	else if (io == NET_IO_CLOSED)
		smtp_eof(&r->u.smtp);
	else
		smtp_break(&r->u.smtp, err_outcome(e), e->text);
}

/* One want of the dialogue. READ, WRITE: must wait; anything else: go on. */
static enum net_io serve_smtp(struct round *r, enum smtp_want want)
{
	char bytes[READ_BYTES];
	struct err e;
	size_t n;
	enum net_io io;

	switch (want) {
	case SMTP_WANT_SEND:
	case SMTP_WANT_CLOSE: return NET_IO_DONE;
	case SMTP_WANT_TLS:
		io = net_stream_secure(&r->stream, r->opts.tls, r->opts.name, &e);
		if (io != NET_IO_READ && io != NET_IO_WRITE)
			shake_smtp(r, io, &e);
		return io;
	case SMTP_WANT_RECV:
		io = net_stream_recv(&r->stream, bytes, sizeof(bytes), &n, &e);
		if (io != NET_IO_READ && io != NET_IO_WRITE)
			feed_smtp(r, io, bytes, n, &e);
		return io;
	}
	return NET_IO_FAILED;
}

static enum round_wait step_smtp(struct round *r)
{
	struct err e;

	for (;;) {
		enum net_io io = flush(r, &e);

		if (io != NET_IO_DONE && io != NET_IO_READ && io != NET_IO_WRITE) {
			/* The peer hung up; perhaps it said why (421) before: read on, that ends it. */
			drop_out(r);
			net_stream_wake(&r->stream, true);
		} else if (io != NET_IO_DONE) {
			return io == NET_IO_READ ? ROUND_READ : ROUND_WRITE;
		}
		enum smtp_want want = smtp_next(&r->u.smtp, &r->out);
		io = serve_smtp(r, want);
		adopt_smtp(r);
		if (want == SMTP_WANT_CLOSE)
			return end_round(r);
		if (io == NET_IO_READ || io == NET_IO_WRITE)
			return io == NET_IO_READ ? ROUND_READ : ROUND_WRITE;
	}
}

static enum round_wait step_tls(struct round *r)
{
	struct err e;

	switch (net_stream_secure(&r->stream, r->opts.tls, r->opts.name, &e)) {
	case NET_IO_DONE: r->part = ROUND_PART_ASK; return ROUND_READ;
	case NET_IO_READ: return ROUND_READ;
	case NET_IO_WRITE: return ROUND_WRITE;
	case NET_IO_UNTRUSTED: return fail_round(r, LAYER_CERT, &e);
	case NET_IO_CLOSED:
	case NET_IO_FAILED: break;
	}
	return fail_round(r, LAYER_AGENT, &e);
}

static bool token_is_clean(const char *token)
{
	for (const char *c = token; *c; c++)
		if (*c <= ' ' || *c > '~')
			return false;
	return token[0] != '\0';
}

static enum round_wait step_ask(struct round *r)
{
	char token[ROUND_TOKEN_MAX];
	const struct round_opts *o = &r->opts;

	if (!o->token || !o->token(o->token_arg, o->token_name, token, sizeof(token)) || !token_is_clean(token)) {
		explicit_bzero(token, sizeof(token));
		decide(r, PROBE_LOCAL, LAYER_AGENT, 0, "no usable token for the agent");
		return end_round(r);
	}
	/* One call: the secret must not stay behind in a block that was grown from. */
	strbuf_addf(&r->out,
		    "GET /v1/health HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n"
		    "Accept: application/json\r\nConnection: close\r\n\r\n",
		    o->name, token);
	explicit_bzero(token, sizeof(token));
	http_reply_init(&r->u.http, &r->body, AGENT_ANSWER_BYTES);
	r->part = ROUND_PART_ANSWER;
	return ROUND_READ;
}

static enum round_wait judge_answer(struct round *r)
{
	struct err e;
	char why[64];
	int status = r->u.http.status;

	if (status == 200) {
		if (agent_answer_parse(strbuf_str(&r->body), r->body.len, &r->agent, &e) != ERR_OK)
			return fail_round(r, LAYER_AGENT, &e);
		decide(r, PROBE_OK, LAYER_DONE, 0, "");
		return end_round(r);
	}
	snprintf(why, sizeof(why), "the agent answered %d%s", status,
		 status == 401 || status == 403 ? " (token not accepted)" : "");
	decide(r, status == 429 || status == 503 ? PROBE_BUSY : PROBE_FAIL, LAYER_AGENT, 0, why);
	return end_round(r);
}

static enum round_wait step_answer(struct round *r)
{
	char bytes[READ_BYTES];
	struct err e;

	for (;;) {
		size_t n;
		enum net_io io = flush(r, &e);

		if (io == NET_IO_DONE)
			io = net_stream_recv(&r->stream, bytes, sizeof(bytes), &n, &e);
		if (io == NET_IO_READ)
			return ROUND_READ;
		if (io == NET_IO_WRITE)
			return ROUND_WRITE;
		if (io == NET_IO_FAILED)
			return fail_round(r, LAYER_AGENT, &e);
		enum err_code rc =
			io == NET_IO_DONE ? http_reply_feed(&r->u.http, bytes, n, &e) : http_reply_eof(&r->u.http, &e);
		if (rc != ERR_OK)
			return fail_round(r, LAYER_AGENT, &e);
		if (http_reply_complete(&r->u.http))
			return judge_answer(r);
	}
}

static enum round_wait connected(struct round *r)
{
	struct err e;
	struct smtp_opts smtp = { r->opts.ehlo, r->opts.known, r->opts.unknown, r->opts.tls != NULL };

	switch (r->opts.kind) {
	case PROBE_TCP: decide(r, PROBE_OK, LAYER_DONE, 0, ""); return end_round(r);
	case PROBE_AGENT:
		BUG_ON(!r->opts.tls);
		r->part = ROUND_PART_TLS;
		return ROUND_READ;
	case PROBE_SMTP:
		if (smtp_opts_check(&smtp, &e) != ERR_OK) {
			decide(r, PROBE_LOCAL, LAYER_CONNECT, 0, e.text);
			return end_round(r);
		}
		smtp_init(&r->u.smtp, &smtp);
		r->part = ROUND_PART_SMTP;
		return ROUND_READ;
	}
	return ROUND_OVER;
}

static enum round_wait step_connect(struct round *r)
{
	struct err e;
	bool through;

	if (net_connect_finish(r->stream.fd, r->opts.to, &through, &e) != ERR_OK)
		return fail_round(r, LAYER_CONNECT, &e);
	return through ? connected(r) : ROUND_WRITE;
}

static enum round_wait step_part(struct round *r)
{
	switch (r->part) {
	case ROUND_PART_CONNECT: return step_connect(r);
	case ROUND_PART_SMTP: return step_smtp(r);
	case ROUND_PART_TLS: return step_tls(r);
	case ROUND_PART_ASK: return step_ask(r);
	case ROUND_PART_ANSWER: return step_answer(r);
	case ROUND_PART_OVER: return ROUND_OVER;
	}
	return ROUND_OVER;
}

enum round_wait round_step(struct round *r, bool closing)
{
	net_stream_wake(&r->stream, closing);
	for (;;) {
		enum round_part before = r->part;
		enum round_wait wait = step_part(r);

		if (wait == ROUND_OVER || r->part == before)
			return wait;
	}
}

/* Best effort: what the socket does not take at once is not sent. */
static void say_farewell(struct round *r)
{
	struct err e;
	bool whole_lines = r->out.len == 0;

	if (r->part == ROUND_PART_SMTP && whole_lines) {
		smtp_farewell(&r->u.smtp, &r->out);
		(void)flush(r, &e);
	}
}

void round_stop(struct round *r)
{
	say_farewell(r);
	end_round(r);
}

static enum probe_layer part_layer(const struct round *r)
{
	if (r->part == ROUND_PART_SMTP)
		return smtp_layer(&r->u.smtp);
	return r->part == ROUND_PART_CONNECT ? LAYER_CONNECT : LAYER_AGENT;
}

void round_expire(struct round *r, const char *own_fault)
{
	if (own_fault) {
		decide(r, PROBE_LOCAL, part_layer(r), 0, own_fault);
		say_farewell(r);
	} else if (r->part == ROUND_PART_SMTP && !r->decided) {
		r->hung = true;
		bool whole_lines = r->out.len == 0;
		struct err e;

		smtp_timeout(&r->u.smtp, &r->out);
		adopt_smtp(r);
		if (whole_lines)
			(void)flush(r, &e);
	} else {
		r->hung = !r->decided;
		decide(r, PROBE_FAIL, part_layer(r), 0, "no answer within the deadline");
	}
	end_round(r);
}
