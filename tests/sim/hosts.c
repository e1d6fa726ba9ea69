/* Power, boot and the agent's gate. A host without power answers nothing; one that boots is closed until told. */
#include "hosts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/base/mem.h"
#include "../../controller/core/text.h"
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
	}
	return "?";
}

void host_init(struct world *w, uint8_t pair, enum host_role role)
{
	struct host *h = &w->pair[pair].host[role];
	memset(h, 0, sizeof(*h));
	h->pair = pair;
	h->role = role;
}

uint64_t host_epoch(const struct host *h)
{
	char text[24];
	return text_find(h->rights, "epoch", text, sizeof(text)) ? strtoull(text, NULL, 10) : 0;
}

bool host_owns(const struct host *h)
{
	char own[16];
	if (!text_find(h->rights, "own", own, sizeof(own)))
		return h->role == HOST_PRIMARY;
	return strcmp(own, host_role_name(h->role)) == 0;
}

/* A booting agent asks the controller first; when nobody answers, what it stored and then its place decide. */
bool host_gate(struct world *w, const struct host *h)
{
	char record[512], accept[32];
	bool asked = w->engine && !w->crashed && net_controller_reaches(w, h, 4) &&
		     engine_rights(w->engine, (uint32_t)h->pair + 1, record, sizeof(record));
	if (!asked)
		snprintf(record, sizeof(record), "%s", h->rights);
	if (!text_find(record, "accept", accept, sizeof(accept)))
		return h->role == HOST_PRIMARY;
	return strstr(accept, host_role_name(h->role)) != NULL;
}

bool host_serves(const struct host *h)
{
	return h->on && h->up && h->running && !h->hung && h->port == PORT_OPEN;
}

void host_start_mail(struct world *w, struct host *h)
{
	if (!h->up || h->running || !host_gate(w, h))
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
	host_start_mail(w, h);
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
	h->fenced_by_us = false;
	h->boots++;
	snprintf(h->boot_id, sizeof(h->boot_id), "boot-%u-%s-%u", h->pair, host_role_name(h->role), h->boots);
	h->order[0] = '\0';
	h->verified = 0;
	h->checked_outside = h->blocked = false;
	struct boot_ref *ref = mem_calloc(1, sizeof(*ref));
	*ref = (struct boot_ref){ h->pair, h->role, h->boots };
	bool slow = h->role == HOST_STANDBY && world_fault(w, h->pair, FAULT_STANDBY_SLOW);
	int64_t boot_ms = dice_span(&w->clock.dice, BOOT_FAST_MS, 2 * BOOT_FAST_MS);
	world_after(w, (slow ? BOOT_SLOW_MS : 0) + boot_ms + GATE_MS, boot_done, ref, 0);
}

void host_power_verb(struct world *w, const struct verb *v, struct outcome *out)
{
	uint8_t pair = (uint8_t)(v->guard.pair - 1);
	struct host *h = &w->pair[pair].host[v->u.power_target];
	if (v->kind == VERB_POWER_STATUS) {
		out->u.power = world_fault(w, pair, FAULT_POWER_UNSURE) ? POWER_UNKNOWN :
			       h->on ? POWER_STATE_ON : POWER_STATE_OFF;
		return;
	}
	if (world_fault(w, pair, FAULT_POWER_LIES))
		return;
	if (v->kind == VERB_POWER_OFF) {
		promise_9_power(w, h);
		h->fenced_by_us |= h->on;
	}
	host_power(w, h, v->kind == VERB_POWER_ON);
}
