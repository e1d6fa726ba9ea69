/* A phase is one command and its reply. `say` tells whose turn it is inside the phase.
 * feed() -> on_reply() judges the reply and enters the next phase; next() says its command.
 * The first blame stays: what follows a bad reply (the other recipient, RSET, QUIT) cannot repair it. */
#include "smtp.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "../base/mem.h"
#include "printable.h"

#define SMTP_TEXT_BYTES 255 /* ehlo name or recipient: the command stays below 512 bytes (4.5.3.1.4) */

const char *smtp_phase_name(enum smtp_phase phase)
{
	switch (phase) {
	case SMTP_BANNER: return "connection";
	case SMTP_EHLO: return "EHLO";
	case SMTP_STARTTLS: return "STARTTLS";
	case SMTP_HANDSHAKE: return "TLS handshake";
	case SMTP_MAIL: return "MAIL";
	case SMTP_KNOWN: return "RCPT";
	case SMTP_UNKNOWN: return "RCPT (unknown recipient)";
	case SMTP_RSET: return "RSET";
	case SMTP_QUIT: return "QUIT";
	case SMTP_END: return "end";
	}
	return "?";
}

static enum probe_layer phase_layer(enum smtp_phase phase)
{
	switch (phase) {
	case SMTP_BANNER: return LAYER_BANNER;
	case SMTP_EHLO: return LAYER_EHLO;
	case SMTP_STARTTLS:
	case SMTP_HANDSHAKE: return LAYER_STARTTLS;
	case SMTP_MAIL: return LAYER_MAIL;
	case SMTP_KNOWN:
	case SMTP_UNKNOWN: return LAYER_RCPT;
	case SMTP_RSET:
	case SMTP_QUIT:
	case SMTP_END: return LAYER_DONE;
	}
	return LAYER_DONE;
}

enum probe_layer smtp_layer(const struct smtp *s)
{
	return phase_layer(s->phase);
}

static bool text_fits(const char *text)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~' || text[i] == '<' || text[i] == '>')
			return false;
	return len <= SMTP_TEXT_BYTES;
}

enum err_code smtp_opts_check(const struct smtp_opts *opts, struct err *e)
{
	if (!opts->ehlo[0] || !text_fits(opts->ehlo))
		return err_set(e, ERR_INVALID, "the EHLO name cannot stand in a command");
	if (!text_fits(opts->known) || !text_fits(opts->unknown))
		return err_set(e, ERR_INVALID, "the probe recipient cannot stand in a command");
	return ERR_OK;
}

void smtp_init(struct smtp *s, const struct smtp_opts *opts)
{
	memset(s, 0, sizeof(*s));
	s->opts = *opts;
	s->phase = SMTP_BANNER;
	s->outcome = PROBE_OK;
	s->layer = LAYER_DONE;
	smtp_reply_reset(&s->reply);
}

static void enter(struct smtp *s, enum smtp_phase phase)
{
	s->phase = phase;
	s->say = true;
	smtp_reply_reset(&s->reply);
}

PRINTF_LIKE(4, 5)
static void blame(struct smtp *s, enum probe_outcome outcome, int code, const char *fmt, ...)
{
	if (s->blamed || s->decided)
		return;
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(s->reason, sizeof(s->reason), fmt, ap);
	va_end(ap);
	s->blamed = true;
	s->outcome = outcome;
	s->layer = phase_layer(s->phase);
	s->code = code;
}

static void conclude(struct smtp *s, enum smtp_phase next)
{
	s->decided = true;
	enter(s, next);
}

/* Blames the reply that just ended by its first digit (RFC 5321 4.2.1). */
static void blame_reply(struct smtp *s)
{
	char line[SMTP_LINE_KEPT];
	int code = s->reply.code;

	proto_printable(line, sizeof(line), s->reply.line, strlen(s->reply.line));
	blame(s, code / 100 == 4 ? PROBE_BUSY : PROBE_FAIL, code, "%s was answered: %s", smtp_phase_name(s->phase),
	      line);
}

static void refuse(struct smtp *s)
{
	blame_reply(s);
	conclude(s, SMTP_QUIT);
}

static void begin_mail(struct smtp *s)
{
	if (s->opts.known[0] || s->opts.unknown[0])
		enter(s, SMTP_MAIL);
	else
		conclude(s, SMTP_QUIT);
}

static void note_tls(struct smtp *s, const char *why)
{
	(void)str_copy(s->tls_trouble, sizeof(s->tls_trouble), why);
}

static void after_ehlo(struct smtp *s)
{
	if (s->opts.tls && !s->secured && s->offers_tls) {
		enter(s, SMTP_STARTTLS);
		return;
	}
	if (s->opts.tls && !s->secured)
		note_tls(s, "STARTTLS is not offered");
	begin_mail(s);
}

/* RFC 3207 4: after 454 or 501 the client decides; most senders go on in the clear. */
static void after_starttls(struct smtp *s)
{
	char line[SMTP_LINE_KEPT], why[SMTP_TROUBLE_MAX];

	if (s->reply.code == 220) {
		enter(s, SMTP_HANDSHAKE);
	} else if (s->reply.code == 421) {
		refuse(s);
	} else {
		proto_printable(line, sizeof(line), s->reply.line, strlen(s->reply.line));
		snprintf(why, sizeof(why), "STARTTLS was answered: %.80s", line);
		note_tls(s, why);
		begin_mail(s);
	}
}

/* A refused known recipient does not end the dialogue: the other one's code is wanted too. 421 does. */
static void on_rcpt(struct smtp *s)
{
	int code = s->reply.code;
	bool known = s->phase == SMTP_KNOWN;

	if (known)
		s->known_code = code;
	else
		s->unknown_code = code;
	if (code == 421) {
		refuse(s);
		return;
	}
	if (known && code / 100 != 2)
		blame_reply(s);
	if (known && s->opts.unknown[0]) {
		enter(s, SMTP_UNKNOWN);
		return;
	}
	if (!s->blamed)
		s->code = known ? code : s->known_code;
	conclude(s, SMTP_RSET);
}

static void on_reply(struct smtp *s)
{
	int code = s->reply.code;

	switch (s->phase) {
	case SMTP_BANNER:
		if (code == 220)
			enter(s, SMTP_EHLO);
		else
			refuse(s);
		break;
	case SMTP_EHLO:
		s->code = code;
		if (code == 250)
			after_ehlo(s);
		else
			refuse(s);
		break;
	case SMTP_STARTTLS: after_starttls(s); break;
	case SMTP_MAIL:
		if (code != 250)
			refuse(s);
		else
			enter(s, s->opts.known[0] ? SMTP_KNOWN : SMTP_UNKNOWN);
		break;
	case SMTP_KNOWN:
	case SMTP_UNKNOWN: on_rcpt(s); break;
	case SMTP_RSET: enter(s, SMTP_QUIT); break;
	case SMTP_HANDSHAKE:
	case SMTP_QUIT:
	case SMTP_END: enter(s, SMTP_END); break;
	}
}

static void on_bad(struct smtp *s)
{
	char line[64];
	bool greeted = s->phase != SMTP_BANNER && s->phase != SMTP_QUIT;

	proto_printable(line, sizeof(line), s->reply.line, strnlen(s->reply.line, sizeof(line)));
	blame(s, PROBE_FAIL, 0, "the answer to %s %s: %s", smtp_phase_name(s->phase), s->reply.bad, line);
	conclude(s, greeted ? SMTP_QUIT : SMTP_END);
}

/* A reply while the turn was ours. Only 421 may come unasked (RFC 5321 3.8); a server that answers what
 * it was not asked proves nothing by its answers. */
static void on_early(struct smtp *s)
{
	if (s->reply.code == 421)
		refuse(s);
	else
		blame(s, PROBE_FAIL, s->reply.code, "answered before %s was said", smtp_phase_name(s->phase));
	conclude(s, SMTP_END);
}

/* RFC 5321 4.1.1.1: ehlo-line = keyword *( SP param ), after a first line with the domain. */
static void note_offer(struct smtp *s)
{
	const char *text = smtp_reply_text(&s->reply);

	if (s->phase == SMTP_EHLO && s->reply.lines > 1 && strncasecmp(text, "STARTTLS", 8) == 0 &&
	    (text[8] == '\0' || text[8] == ' '))
		s->offers_tls = true;
}

void smtp_feed(struct smtp *s, const char *bytes, size_t len)
{
	while (len && s->phase != SMTP_END) {
		size_t used;

		if (s->phase == SMTP_HANDSHAKE) {
			blame(s, PROBE_FAIL, 0, "bytes in the clear behind the reply to STARTTLS");
			conclude(s, SMTP_END);
			return;
		}
		enum smtp_reply_rc rc = smtp_reply_feed(&s->reply, bytes, len, &used);
		bytes += used;
		len -= used;
		switch (rc) {
		case SMTP_REPLY_MORE: return;
		case SMTP_REPLY_LINE: note_offer(s); break;
		case SMTP_REPLY_LAST:
			note_offer(s);
			if (s->say)
				on_early(s);
			else
				on_reply(s);
			break;
		case SMTP_REPLY_BAD: on_bad(s); break;
		}
	}
}

static void say_command(struct smtp *s, struct strbuf *out)
{
	switch (s->phase) {
	case SMTP_EHLO: strbuf_addf(out, "EHLO %s\r\n", s->opts.ehlo); break;
	case SMTP_STARTTLS: strbuf_adds(out, "STARTTLS\r\n"); break;
	case SMTP_MAIL: strbuf_adds(out, "MAIL FROM:<>\r\n"); break;
	case SMTP_KNOWN: strbuf_addf(out, "RCPT TO:<%s>\r\n", s->opts.known); break;
	case SMTP_UNKNOWN: strbuf_addf(out, "RCPT TO:<%s>\r\n", s->opts.unknown); break;
	case SMTP_RSET: strbuf_adds(out, "RSET\r\n"); break;
	case SMTP_QUIT: strbuf_adds(out, "QUIT\r\n"); break;
	case SMTP_BANNER:
	case SMTP_HANDSHAKE:
	case SMTP_END: break;
	}
}

enum smtp_want smtp_next(struct smtp *s, struct strbuf *out)
{
	if (s->phase == SMTP_END)
		return SMTP_WANT_CLOSE;
	if (s->phase == SMTP_HANDSHAKE)
		return SMTP_WANT_TLS;
	if (!s->say)
		return SMTP_WANT_RECV;
	s->say = false;
	say_command(s, out);
	return SMTP_WANT_SEND;
}

void smtp_secured(struct smtp *s)
{
	s->secured = true;
	s->offers_tls = false;
	enter(s, SMTP_EHLO);
}

void smtp_untrusted(struct smtp *s, const char *why)
{
	note_tls(s, why);
	smtp_secured(s);
}

void smtp_break(struct smtp *s, enum probe_outcome outcome, const char *why)
{
	blame(s, outcome, 0, "%s: %s", smtp_phase_name(s->phase), why);
	conclude(s, SMTP_END);
}

void smtp_eof(struct smtp *s)
{
	if (s->phase == SMTP_BANNER)
		smtp_break(s, PROBE_FAIL, "closed before the greeting ended");
	else
		smtp_break(s, PROBE_FAIL, "closed without an answer");
}

void smtp_farewell(struct smtp *s, struct strbuf *out)
{
	bool understood = s->phase != SMTP_BANNER && s->phase != SMTP_STARTTLS && s->phase != SMTP_HANDSHAKE &&
			  s->phase != SMTP_END;

	if (understood && (s->phase != SMTP_QUIT || s->say))
		strbuf_adds(out, "QUIT\r\n");
	conclude(s, SMTP_END);
}

void smtp_timeout(struct smtp *s, struct strbuf *out)
{
	if (s->phase == SMTP_BANNER && s->reply.lines)
		blame(s, PROBE_BUSY, 0, "the greeting began (220-) and goes on past the deadline");
	else
		blame(s, PROBE_FAIL, 0, "%s: no answer within the deadline", smtp_phase_name(s->phase));
	smtp_farewell(s, out);
}
