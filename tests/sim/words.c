/* What a host answers to the words of hooks/README.md. The order of the table there is the order here. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "promises.h"

#define COLD_CLOCK_OFF_MS 60000

static void say(struct outcome *out, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void say(struct outcome *out, const char *fmt, ...)
{
	size_t used = strlen(out->u.text);
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(out->u.text + used, sizeof(out->u.text) - used, fmt, ap);
	va_end(ap);
}

static const char *on_off(bool on)
{
	return on ? "on" : "off";
}

static void word_hello(struct world *w, struct host *h, const struct verb *v, struct outcome *out)
{
	(void)w;
	(void)v;
	say(out, "boot_id=%s\nuptime_ms=5000\nhost=%s\n", h->boot_id, host_role_name(h->role));
}

static void word_clock(struct world *w, struct host *h, const struct verb *v, struct outcome *out)
{
	bool off = world_fault(w, h->pair, FAULT_STANDBY_CLOCK);
	(void)v;
	say(out, "unix_ms=%lld\n", (long long)world_now(w).wall_ms - (off ? COLD_CLOCK_OFF_MS : 0));
}

static void word_order(struct world *w, struct host *h, const struct verb *v, struct outcome *out)
{
	(void)w;
	snprintf(h->order, sizeof(h->order), "%.63s", v->u.host.words + strlen("boot-order "));
	say(out, "boot_id=%s\n", h->boot_id);
}

static uint32_t control_bit(const struct world *w, uint8_t pair, const char *name, bool *block)
{
	const struct plan_site *s = &w->opts[pair].site;
	for (size_t i = 0; i < s->ncontrols; i++)
		if (strcmp(s->control[i].name, name) == 0) {
			*block = s->control[i].block;
			return 1U << i;
		}
	*block = false;
	return 0;
}

static void word_harden(struct world *w, struct host *h, const struct verb *v, struct outcome *out)
{
	bool block;
	uint32_t bit = control_bit(w, h->pair, v->u.host.control, &block);
	bool bad = world_fault(w, h->pair, block ? FAULT_CONTROL_BLOCKS : FAULT_CONTROL_SOFT);
	bool verify = strstr(v->u.host.words, " verify") != NULL;
	if (!bit)
		err_set(&out->err, ERR_NOT_FOUND, "no such control");
	say(out, "TAP version 13\nok X1 fine\n%s X2 %s\n1..2\n", bad ? "not ok" : "ok", v->u.host.control);
	if (verify && bad) {
		h->verified &= ~bit;
		h->blocked |= block;
	} else if (verify) {
		h->verified |= bit;
	}
	if (bad)
		err_set(&out->err, ERR_FAILED, "control %s failed", v->u.host.control);
}

static void word_maps(struct world *w, struct host *h, const struct verb *v, struct outcome *out)
{
	if (strcmp(v->u.host.words, "maps put") == 0) {
		promise_13_maps(w, h);
		snprintf(h->maps, sizeof(h->maps), "%s", w->pair[h->pair].bundle);
		say(out, "sha256=%s\ndomains=2\nrecipients=9\n", h->maps);
		return;
	}
	say(out, "sha256=%s\n", h->maps);
}

static void word_grant(struct world *w, struct host *h, const struct verb *v, struct outcome *out)
{
	struct err err = { 0 };
	if (!host_take_rights(w, h, v->u.host.rights, &err)) {
		err_set(&out->err, ERR_FAILED, "refused: %.200s", err.text);
		return;
	}
	say(out, "epoch=%llu\n", (unsigned long long)h->epoch);
}

static void word_rights(struct world *w, struct host *h, const struct verb *v, struct outcome *out)
{
	if (strcmp(v->u.host.words, "grant") == 0) {
		word_grant(w, h, v, out);
		return;
	}
	say(out, "epoch=%llu\nholder=%s\n", (unsigned long long)h->epoch, host_role_name(h->role));
}

static void word_mail(struct world *w, struct host *h, const struct verb *v, struct outcome *out)
{
	const char *what = v->u.host.words + strlen("mail ");
	if (strncmp(what, "soft-bounce ", 12) == 0) {
		h->listener_soft = strcmp(what + 12, "on") == 0;
		h->checked_outside = false;
		say(out, "soft_bounce=%s\n", on_off(h->listener_soft));
		return;
	}
	if (strcmp(what, "stop") == 0)
		h->running = h->hung = false;
	if (strcmp(what, "start") == 0 && !h->running) {
		h->checked_outside = false;
		if (world_fault(w, h->pair, FAULT_MAIL_LATE)) {
			err_set(&out->err, ERR_AGAIN, "try again: the mail service is slow to start");
			return;
		}
		host_start_mail(h);
		if (!h->running) {
			err_set(&out->err, ERR_FAILED, "failed: postfix was skipped: no right");
			return;
		}
	}
	bool listens = h->running && !h->hung;
	say(out, "running=%s\nlistening=%s\nsoft_bounce=%s\n", h->running ? "yes" : "no", listens ? "yes" : "no",
	    on_off(h->listener_soft));
}

static void word_port(struct world *w, struct host *h, const struct verb *v, struct outcome *out)
{
	const char *what = v->u.host.words + strlen("port ");
	if (strncmp(what, "open ", 5) == 0) {
		if (strcmp(what + 5, h->boot_id) != 0) {
			err_set(&out->err, ERR_FAILED, "port 25 stays shut: boot %s was verified", what + 5);
			return;
		}
		promise_5_verified(w, h, "port 25 opens");
		h->port = PORT_OPEN;
	} else if (strcmp(what, "closed") == 0) {
		promise_12_linger(w, h->pair, v);
		h->port = PORT_CLOSED;
	} else if (strncmp(what, "probes", 6) == 0) {
		h->port = PORT_PROBES;
	} else if (strncmp(what, "rehearse", 8) == 0) {
		h->port = PORT_REHEARSE;
	}
	say(out, "port=%s\n", port_state_name(h->port));
}

static void word_verify(struct world *w, struct host *h, const struct verb *v, struct outcome *out)
{
	(void)v;
	if (!h->running || h->hung) {
		say(out, "known=0\nunknown=0\n");
		return;
	}
	bool relays = world_fault(w, h->pair, FAULT_STANDBY_RELAYS);
	bool refuses = world_fault(w, h->pair, FAULT_STANDBY_REFUSES);
	int refusal = h->listener_soft ? 450 : 550;
	say(out, "known=%d\nunknown=%d\n", refuses ? 550 : 250, relays ? 250 : refusal);
}

static void word_queue(struct world *w, struct host *h, const struct verb *v, struct outcome *out)
{
	const char *what = v->u.host.words + strlen("queue ");
	if (strcmp(what, "status") == 0) {
		senders_queue_status(w, h, out);
		return;
	}
	if (strncmp(what, "hold ", 5) == 0) {
		h->hold = strcmp(what + 5, "on") == 0;
		say(out, "hold=%s\n", on_off(h->hold));
	} else if (strncmp(what, "soft-bounce ", 12) == 0) {
		h->relay_soft = strcmp(what + 12, "on") == 0;
		say(out, "soft_bounce=%s\n", on_off(h->relay_soft));
	} else if (strcmp(what, "flush") == 0) {
		senders_flush(w, h);
	} else if (strncmp(what, "remove ", 7) == 0) {
		senders_remove(w, h->pair, what + 7);
		say(out, "removed=%s\n", what + 7);
	} else {
		err_set(&out->err, ERR_INVALID, "unknown words: %.100s", v->u.host.words);
	}
}

typedef void word_fn(struct world *w, struct host *h, const struct verb *v, struct outcome *out);

static const struct {
	const char *prefix;
	word_fn *fn;
} words[] = {
	{ "hello", word_hello },          { "clock", word_clock },  { "boot-order ", word_order },
	{ "harden ", word_harden },       { "maps ", word_maps },   { "rights", word_rights },
	{ "grant", word_rights },         { "mail ", word_mail },   { "port ", word_port },
	{ "verify-local ", word_verify }, { "queue ", word_queue },
};

void host_run_word(struct world *w, struct host *h, const struct verb *v, struct outcome *out)
{
	if (!net_ssh(w, h)) {
		err_set(&out->err, ERR_UNREACH, "%s does not answer SSH", host_role_name(h->role));
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strncmp(v->u.host.words, words[i].prefix, strlen(words[i].prefix)) == 0) {
			words[i].fn(w, h, v, out);
			return;
		}
	world_fail(w, 99, "a word that no host knows: \"%s\"", v->u.host.words);
}
