/* Power, boot and the agent's gate. A host without power answers nothing; one that boots is closed until told. */
#include "hosts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/base/mem.h"
#include "../../common/rights.h"
#include "promises.h"

#define BOOT_FAST_MS 2000
#define BOOT_SLOW_MS 25000
#define GATE_MS 1500

struct boot_ref {
	uint8_t pair;
	enum host_role role;
	uint32_t boots;
};

const char *port_state_name(enum port_state port)
{
	switch (port) {
	case PORT_CLOSED: return "closed";
	case PORT_PROBES: return "probes";
	case PORT_OPEN: return "open";
	case PORT_REHEARSE: return "rehearse";
	}
	return "?";
}

static bool stored_record(const struct host *h, struct rights_record *out)
{
	struct err err = { 0 };
	return h->rights[0] && rights_parse(h->rights, strlen(h->rights), out, &err) == ERR_OK;
}

static void store_record(struct host *h, const struct rights_record *r)
{
	struct strbuf text = STRBUF_INIT;
	rights_format(r, &text);
	snprintf(h->rights, sizeof(h->rights), "%s", strbuf_str(&text));
	strbuf_fini(&text);
}

static enum rights_place place_of(const struct host *h)
{
	return h->role == HOST_PRIMARY ? RIGHTS_PRIMARY : RIGHTS_STANDBY;
}

/* Parsed once per change, since the promises ask after every event. */
static void decide(const struct world *w, struct host *h)
{
	struct rights_record r;
	struct rights_answer a;
	const struct rights_site site = {
		.role = place_of(h),
		.boot_id = h->boot_id,
		.now_s = world_now(w).wall_ms / 1000,
		.policy = { RIGHTS_SPOOL, RIGHTS_RETURNING_SERVE, RIGHTS_ALONE_SERVE },
	};
	bool has = stored_record(h, &r);
	rights_decide(has ? &r : NULL, &site, &a);
	h->epoch = has ? r.epoch : 0;
	h->may_accept = a.may_accept;
	h->may_own = a.may_own;
	h->may_rehearse = a.may_rehearse;
}

static void obey(const struct world *w, struct host *h)
{
	decide(w, h);
	if (!h->may_accept && !h->may_rehearse)
		h->running = false;
}

void host_init(struct world *w, uint8_t pair, enum host_role role)
{
	struct host *h = &w->pair[pair].host[role];
	memset(h, 0, sizeof(*h));
	h->pair = pair;
	h->role = role;
	decide(w, h);
}

bool host_take_rights(struct world *w, struct host *h, const char *text, struct err *e)
{
	struct rights_record now, new;
	bool has = stored_record(h, &now);
	if (rights_parse(text, strlen(text), &new, e)) {
		world_fail(w, 3, "pair%u %s is told rights that it cannot read: %s", h->pair, host_role_name(h->role),
			   e->text);
		return false;
	}
	bool taken = rights_accept_new(has ? &now : NULL, &new, e) == ERR_OK;
	promise_3_grant(w, h, new.epoch, taken);
	if (taken)
		snprintf(h->rights, sizeof(h->rights), "%s", text);
	obey(w, h);
	return taken;
}

/* What nobody confirms: only a higher epoch is taken. */
static void learn_rights(struct world *w, struct host *h, const char *text)
{
	struct err err = { 0 };
	struct rights_record now, seen;
	bool has = stored_record(h, &now), raised = false;
	if (rights_parse(text, strlen(text), &seen, &err) != ERR_OK ||
	    (rights_learn(has ? &now : NULL, place_of(h), &seen, &raised, &err) != ERR_OK &&
	     !w->pair[h->pair].ghost.glass)) {
		world_fail(w, 3, "pair%u %s is shown rights that cannot be: %s", h->pair, host_role_name(h->role),
			   err.text);
		return;
	}
	if (!raised)
		return;
	promise_3_learn(w, h, seen.epoch);
	store_record(h, &seen);
	world_trace(w, "pair%u %s learns epoch %llu without the controller", h->pair, host_role_name(h->role),
		    (unsigned long long)seen.epoch);
	obey(w, h);
}

void host_ask_rights(struct world *w, struct host *h)
{
	struct err err = { 0 };
	char text[512];
	const struct host *peer = &w->pair[h->pair].host[!h->role];
	if (w->engine && !w->crashed && net_controller_reaches(w, h, 4) &&
	    engine_rights(w->engine, (uint32_t)h->pair + 1, text, sizeof(text))) {
		(void)host_take_rights(w, h, text, &err);
		return;
	}
	if (!h->up)
		return;
	if (peer->up && peer->rights[0] && !world_fault(w, h->pair, FAULT_AGENT_SILENT))
		learn_rights(w, h, peer->rights);
	if (dns_marker_record(w, h->pair, text, sizeof(text)))
		learn_rights(w, h, text);
}

void host_break_glass(struct world *w, struct host *h)
{
	struct ghost *g = &w->pair[h->pair].ghost;
	struct rights_record was, r;
	if (!h->up)
		return;
	rights_break_glass(stored_record(h, &was) ? &was : NULL, 0, place_of(h), &r);
	snprintf(r.pair, sizeof(r.pair), "%s", w->opts[h->pair].site.pair);
	store_record(h, &r);
	g->glass = g->told[h->role] = r.epoch;
	obey(w, h);
}

bool host_serves(const struct host *h)
{
	return h->on && h->up && h->running && !h->hung && h->port == PORT_OPEN;
}

void host_start_mail(struct host *h)
{
	if (!h->up || h->running || (!h->may_accept && !h->may_rehearse))
		return;
	h->running = true;
	h->mail_fault = false;
}

void host_kill_mail(struct host *h)
{
	h->running = h->hung = false;
	h->mail_fault = true;
}

static void boot_done(struct world *w, void *data)
{
	const struct boot_ref *ref = data;
	struct host *h = &w->pair[ref->pair].host[ref->role];
	if (!h->on || h->boots != ref->boots)
		return;
	h->up = true;
	h->port = h->role == HOST_PRIMARY ? PORT_OPEN : PORT_CLOSED;
	host_ask_rights(w, h);
	host_start_mail(h);
	world_trace(w, "pair%u %s is up (%s), mail %s", h->pair, host_role_name(h->role), h->boot_id,
		    h->running ? "runs" : "does not run");
}

static void host_off(struct host *h)
{
	h->on = h->up = h->running = h->hung = false;
	h->port = PORT_CLOSED;
}

void host_power(struct world *w, struct host *h, bool on)
{
	if (h->on == on)
		return;
	world_trace(w, "pair%u %s: power %s", h->pair, host_role_name(h->role), on ? "on" : "off");
	if (!on) {
		host_off(h);
		return;
	}
	h->on = true;
	h->fenced_by_us = h->boot_is_ours = false;
	h->boots++;
	snprintf(h->boot_id, sizeof(h->boot_id), "boot-%u-%s-%u", h->pair, host_role_name(h->role), h->boots);
	h->order[0] = '\0';
	h->verified = 0;
	h->checked_outside = h->blocked = false;
	struct boot_ref *ref = mem_calloc(1, sizeof(*ref));
	*ref = (struct boot_ref){ h->pair, h->role, h->boots };
	bool slow = h->role == HOST_STANDBY && world_fault(w, h->pair, FAULT_STANDBY_SLOW);
	int64_t boot_ms = dice_span(&w->clock.dice, BOOT_FAST_MS, (int64_t)2 * BOOT_FAST_MS);
	world_after(w, (slow ? BOOT_SLOW_MS : 0) + boot_ms + GATE_MS, boot_done, ref, 0);
}

void host_power_verb(struct world *w, const struct verb *v, struct outcome *out)
{
	uint8_t pair = (uint8_t)(v->guard.pair - 1);
	struct host *h = &w->pair[pair].host[v->u.power_target];
	if (v->kind == VERB_POWER_STATUS) {
		out->u.power = world_fault(w, pair, FAULT_POWER_UNSURE) ? POWER_UNKNOWN
			       : h->on                                  ? POWER_STATE_ON
									: POWER_STATE_OFF;
		return;
	}
	if (world_fault(w, pair, FAULT_POWER_LIES))
		return;
	if (v->kind == VERB_POWER_OFF)
		promise_9_power(w, h);
	bool boots = v->kind == VERB_POWER_ON && !h->on;
	host_power(w, h, v->kind == VERB_POWER_ON);
	h->boot_is_ours |= boots;
}
