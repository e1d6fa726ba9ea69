/*
 * Purpose:   one check from connect to verdict (tcp, smtp, agent), as a step function over one socket.
 * Not its job: when (prober), waiting (prober's epoll, or net_wait for an executor's smtp-check).
 * Thread:    one owner; no call blocks.
 * Ownership: the round owns socket, TLS and buffers; what round_opts points to is borrowed until the round
 *            is over. Buffers live on from one start to the next.
 * Errors:    a verdict with layer and words; our own faults are PROBE_LOCAL.
 * Units:     none: it knows no clock, the owner says when the deadline passed.
 */
#ifndef COLDMX_ROUND_H
#define COLDMX_ROUND_H

#include <stdbool.h>

#include "../net/addr.h"
#include "../net/stream.h"
#include "../proto/http_reply.h"
#include "../proto/smtp.h"
#include "probe.h"

#define ROUND_TOKEN_MAX 256

/* Writes the secret of that name; false: there is none. */
typedef bool round_token_fn(void *arg, const char *name, char *out, size_t size);

struct round_opts {
	enum probe_kind kind;
	const struct net_addr *to;
	struct tls_ctx *tls; /* NULL: no TLS (never for PROBE_AGENT: a token is not shown in the clear) */
	const char *name;    /* in the certificate */
	const char *ehlo, *known, *unknown;
	const char *token_name;
	round_token_fn *token;
	void *token_arg;
};

enum round_wait { ROUND_READ, ROUND_WRITE, ROUND_OVER };

enum round_part {
	ROUND_PART_OVER,
	ROUND_PART_CONNECT,
	ROUND_PART_SMTP,
	ROUND_PART_TLS,
	ROUND_PART_ASK,
	ROUND_PART_ANSWER,
};

struct round {
	struct round *next; /* for the owner's pool */
	struct round_opts opts;
	enum round_part part;
	struct net_stream stream;
	struct strbuf out;
	size_t sent; /* of out */
	struct strbuf body;
	bool decided; /* the four below stand; what may follow is only politeness (QUIT) */
	enum probe_outcome outcome;
	enum probe_layer layer;
	int code;
	bool hung; /* the deadline decided */
	char reason[SMTP_REASON_MAX];
	char tls_trouble[SMTP_TROUBLE_MAX]; /* why it went on without trusted TLS; "" = as wanted */
	struct agent_report agent;
	union {
		struct smtp smtp;
		struct http_reply http;
	} u;
};

void round_init(struct round *r);
void round_fini(struct round *r);

/* Begins to connect. May be decided and over at once (LOCAL). */
void round_start(struct round *r, const struct round_opts *opts);
/* Goes as far as it can without waiting. READ, WRITE: call again when the socket is; `closing`: an end or
 * error was signalled, or is unknown. OVER: the socket is closed. */
enum round_wait round_step(struct round *r, bool closing);
/* The deadline passed, and the silence is the host's; or, with a reason, it was our own fault: LOCAL. */
void round_expire(struct round *r, const char *own_fault);
/* Ends it without a verdict, politely. */
void round_stop(struct round *r);

#endif
