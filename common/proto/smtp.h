/*
 * Purpose:   the SMTP dialogue of a check: banner, EHLO, STARTTLS, MAIL, RCPT, RSET, QUIT. Bytes in, bytes out.
 * Not its job: sockets, TLS, time (../probe/round.h); judging the host (health).
 * Thread:    any (one owner).   Ownership: flat; the option strings are borrowed for its whole life.
 * Errors:    an outcome with layer, code and words. LOCAL never comes from here, except by smtp_break.
 *
 * Who drives it:  for (;;) switch (smtp_next(s, out)) {
 *   SEND: send `out`   RECV: read, smtp_feed   TLS: handshake, smtp_secured   CLOSE: close }
 * DATA is never sent, so nothing is ever delivered; MAIL FROM is the null sender (RFC 5321 4.5.5),
 * so nothing can ever bounce to anybody.
 */
#ifndef COLDMX_SMTP_H
#define COLDMX_SMTP_H

#include <stdbool.h>
#include <stddef.h>

#include "../base/err.h"
#include "../base/strbuf.h"
#include "ladder.h"
#include "smtp_reply.h"

#define SMTP_REASON_MAX 200
#define SMTP_TROUBLE_MAX 120

enum smtp_phase {
	SMTP_BANNER,
	SMTP_EHLO,
	SMTP_STARTTLS,
	SMTP_HANDSHAKE,
	SMTP_MAIL,
	SMTP_KNOWN,
	SMTP_UNKNOWN,
	SMTP_RSET,
	SMTP_QUIT,
	SMTP_END,
};

enum smtp_want { SMTP_WANT_SEND, SMTP_WANT_RECV, SMTP_WANT_TLS, SMTP_WANT_CLOSE };

struct smtp_opts {
	const char *ehlo;
	const char *known;   /* envelope recipient that counts; "" = none */
	const char *unknown; /* envelope recipient whose code is only recorded; "" = none */
	bool tls;            /* STARTTLS is wanted; as for most senders, mail goes on without */
};

struct smtp {
	struct smtp_opts opts;
	enum smtp_phase phase;
	bool say; /* our turn: the command of `phase` waits to be sent */
	bool secured, offers_tls;
	bool blamed;  /* outcome, layer, code and reason are set; the first blame stays */
	bool decided; /* nothing more is to be learnt: what follows is politeness */
	struct smtp_reply reply;
	enum probe_outcome outcome;
	enum probe_layer layer; /* LAYER_DONE when OK */
	int code;               /* that decided; 0 = none */
	int known_code, unknown_code;
	char reason[SMTP_REASON_MAX];       /* "" when OK */
	char tls_trouble[SMTP_TROUBLE_MAX]; /* why it goes on without trusted TLS; "" = as wanted */
};

/* ERR_INVALID when a string could not stand in a command line (space, control, <, >, too long). */
enum err_code smtp_opts_check(const struct smtp_opts *opts, struct err *e) NODISCARD;
/* Options that smtp_opts_check let pass. */
void smtp_init(struct smtp *s, const struct smtp_opts *opts);

/* What to do now. SEND: a command line was appended to `out`, with CRLF (RFC 5321 2.3.8); one at a time,
 * never pipelined (RFC 2920 needs an offer). Pure otherwise: RECV is answered until bytes came. */
enum smtp_want smtp_next(struct smtp *s, struct strbuf *out);

/* The peer's bytes, split anywhere. Greeting: RFC 5321 3.1, 4.3.1 (220, 554). EHLO reply: 4.1.1.1.
 * STARTTLS: RFC 3207 4; bytes behind its 220 in the clear are an injection (CVE-2011-0411) and fail. Codes: 4.2.1 (first digit decides), 421 at any time (4.2.2, 3.8). */
void smtp_feed(struct smtp *s, const char *bytes, size_t len);

/* TLS is up and the certificate good: forgets what was offered in the clear (RFC 3207 4.2). */
void smtp_secured(struct smtp *s);
/* TLS is up, the certificate is not good: that is noted, and the dialogue goes on, since nothing secret is said. */
void smtp_untrusted(struct smtp *s, const char *why);

/* The peer closed; the transport broke. A verdict that stands is not changed. */
void smtp_eof(struct smtp *s);
void smtp_break(struct smtp *s, enum probe_outcome outcome, const char *why);
/* For whoever closes early: appends QUIT if the server would understand it and has none yet
 * (RFC 5321 4.1.1.10); never before the greeting (postscreen counts that) nor inside a handshake. */
void smtp_farewell(struct smtp *s, struct strbuf *out);
/* The deadline passed: BUSY after "220-" lines, where postscreen(8) makes newcomers wait, else FAIL.
 * Says farewell. */
void smtp_timeout(struct smtp *s, struct strbuf *out);

enum probe_layer smtp_layer(const struct smtp *s);  /* the rung it stands on now */
const char *smtp_phase_name(enum smtp_phase phase); /* "RCPT" */

#endif
