/* Reachability, and what the controller's probes and checks see of it. */
#include "net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/base/mem.h"
#include "promises.h"

#define QUICK_MS 6

bool net_controller_reaches(const struct world *w, const struct host *h, int family)
{
	if (!h->on || !h->up || world_fault(w, h->pair, FAULT_CUT_OFF))
		return false;
	if (h->role == HOST_STANDBY)
		return family == 4 || !world_fault(w, h->pair, FAULT_STANDBY_V6_CUT);
	if (world_fault(w, h->pair, FAULT_PRIMARY_FAR))
		return false;
	return !world_fault(w, h->pair, family == 4 ? FAULT_PRIMARY_V4_CUT : FAULT_PRIMARY_V6_CUT);
}

bool net_sender_reaches(const struct world *w, const struct host *h)
{
	if (h->role == HOST_STANDBY)
		return true;
	return !h->cut_off &&
	       (!world_fault(w, h->pair, FAULT_PRIMARY_V4_CUT) || !world_fault(w, h->pair, FAULT_PRIMARY_V6_CUT));
}

bool net_ssh(const struct world *w, const struct host *h)
{
	return net_controller_reaches(w, h, 4) || net_controller_reaches(w, h, 6);
}

/* The controller's SMTP dialogue: how far it comes. */
static void smtp_dialogue(const struct world *w, const struct host *h, int family, struct probe_result *r)
{
	bool primary = h->role == HOST_PRIMARY;
	r->outcome = PROBE_FAIL;
	r->layer = LAYER_CONNECT;
	if (!net_controller_reaches(w, h, family) || h->port == PORT_CLOSED ||
	    (primary && world_fault(w, h->pair, FAULT_PRIMARY_SMTP_FAR)))
		snprintf(r->reason, sizeof(r->reason), "no answer");
	else if (h->hung) {
		r->layer = LAYER_BANNER;
		snprintf(r->reason, sizeof(r->reason), "no banner");
	} else if (!h->running)
		snprintf(r->reason, sizeof(r->reason), "refused");
	else if (primary && world_fault(w, h->pair, FAULT_PRIMARY_BUSY)) {
		r->outcome = PROBE_BUSY;
		r->smtp_code = 421;
		r->layer = LAYER_BANNER;
	} else if (world_fault(w, h->pair, primary ? FAULT_PRIMARY_REFUSES : FAULT_STANDBY_REFUSES)) {
		r->smtp_code = 550;
		r->layer = LAYER_RCPT;
	} else {
		r->outcome = PROBE_OK;
		r->layer = LAYER_DONE;
	}
}

static void agent_answer(struct world *w, const struct host *h, struct probe_result *r)
{
	r->outcome = PROBE_FAIL;
	r->layer = LAYER_CONNECT;
	if (!net_controller_reaches(w, h, 4) ||
	    (h->role == HOST_PRIMARY && world_fault(w, h->pair, FAULT_AGENT_SILENT)))
		return;
	r->outcome = PROBE_OK;
	r->layer = LAYER_DONE;
	r->agent.present = true;
	snprintf(r->agent.boot_id, sizeof(r->agent.boot_id), "%s", h->boot_id);
	snprintf(r->agent.boot_order, sizeof(r->agent.boot_order), "%s", h->order);
	r->agent.serving = h->running && !h->hung;
	r->agent.has_right = h->may_accept;
	r->agent.epoch = h->epoch;
	r->agent.queue = (int64_t)senders_count(&w->pair[h->pair].senders,
						h->role == HOST_PRIMARY ? IN_PRIMARY_QUEUE : IN_STANDBY_QUEUE);
}

static void probe_answer(struct world *w, const struct sim_probe *p, struct probe_result *r)
{
	memset(r, 0, sizeof(*r));
	r->started = world_now(w);
	if (world_fault(w, p->pair, FAULT_LOCAL)) {
		r->outcome = PROBE_LOCAL;
		snprintf(r->reason, sizeof(r->reason), "too many open files");
	} else if (p->reference) {
		r->outcome = world_fault(w, 0, FAULT_CUT_OFF) ? PROBE_FAIL : PROBE_OK;
	} else if (p->opts.kind == PROBE_AGENT) {
		agent_answer(w, &w->pair[p->pair].host[p->role], r);
	} else {
		smtp_dialogue(w, &w->pair[p->pair].host[p->role], p->family, r);
	}
}

/* ---- the port ---- */

struct round {
	uint32_t id;
	struct probe_result result;
};

static struct sim_probe *find_probe(struct world *w, uint32_t id)
{
	struct sim_probe *p = &w->net.probe[id % SIM_PROBES_MAX];
	return p->id == id ? p : NULL;
}

static void probe_start(struct world *w, void *data);

static void schedule(struct world *w, struct sim_probe *p, int64_t delay_ms)
{
	uint32_t *id = mem_calloc(1, sizeof(*id));
	*id = p->id;
	p->timer = world_after(w, delay_ms, probe_start, id, w->life);
}

static void tell_ghost(struct world *w, const struct sim_probe *p, const struct probe_result *r)
{
	if (p->reference)
		ghost_reference(w, p->opts.addr[strlen(p->opts.addr) - 1] - '1', r);
	else
		ghost_probe(w, p->pair, p->role, p->opts.kind == PROBE_AGENT ? 0 : p->family, r);
}

static void probe_over(struct world *w, void *data)
{
	struct round *round = data;
	struct sim_probe *p = find_probe(w, round->id);
	if (!p)
		return;
	round->result.took_ms = world_now(w).boot_ms - round->result.started.boot_ms;
	tell_ghost(w, p, &round->result);
	p->cb(p->arg, p->id, &round->result);
}

static void probe_start(struct world *w, void *data)
{
	const uint32_t *id = data;
	struct sim_probe *p = find_probe(w, *id);
	if (!p)
		return;
	struct round *round = mem_calloc(1, sizeof(*round));
	round->id = p->id;
	probe_answer(w, p, &round->result);
	bool waits = round->result.outcome == PROBE_FAIL && !round->result.smtp_code &&
		     strcmp(round->result.reason, "refused") != 0;
	world_after(w, waits ? p->opts.timeout_ms : QUICK_MS, probe_over, round, w->life);
	schedule(w, p, p->every_ms > p->opts.timeout_ms || !waits ? p->every_ms : p->opts.timeout_ms + 1);
}

/* "10.0.P.R", "fd00::P:R", "10.8.0.N" */
static void place_probe(struct sim_probe *p)
{
	unsigned net, pair, role;
	p->family = strchr(p->opts.addr, ':') ? 6 : 4;
	if (p->family == 6)
		net = 0;
	if (sscanf(p->opts.addr, p->family == 6 ? "fd00::%u:%u" : "10.0.%u.%u", &pair, &role) == 2) {
		p->pair = (uint8_t)pair;
		p->role = role == 1 ? HOST_PRIMARY : HOST_STANDBY;
		return;
	}
	p->reference = sscanf(p->opts.addr, "10.8.0.%u", &net) == 1;
	BUG_ON(!p->reference);
}

static uint32_t port_add(void *ctx, const struct probe_opts *opts, result_cb *cb, void *arg)
{
	struct world *w = ctx;
	uint32_t id = ++w->net.last;
	for (int taken = 0; w->net.probe[id % SIM_PROBES_MAX].id; id = ++w->net.last)
		BUG_ON(++taken > SIM_PROBES_MAX);
	struct sim_probe *p = &w->net.probe[id % SIM_PROBES_MAX];
	*p = (struct sim_probe){ .id = id, .opts = *opts, .cb = cb, .arg = arg, .every_ms = opts->every_ms };
	place_probe(p);
	schedule(w, p, dice_span(&w->clock.dice, 1, opts->every_ms));
	return id;
}

static void port_hurry(void *ctx, uint32_t id, int64_t every_ms)
{
	struct world *w = ctx;
	struct sim_probe *p = find_probe(w, id);
	BUG_ON(!p);
	p->every_ms = every_ms;
	clock_drop(&w->clock, p->timer);
	schedule(w, p, 1);
}

static void port_remove(void *ctx, uint32_t id)
{
	struct world *w = ctx;
	struct sim_probe *p = find_probe(w, id);
	BUG_ON(!p);
	clock_drop(&w->clock, p->timer);
	memset(p, 0, sizeof(*p));
}

const struct probe_ops sim_probe_ops = { port_add, port_hurry, port_remove };

void net_crash(struct world *w)
{
	memset(w->net.probe, 0, sizeof(w->net.probe));
}

void net_smtp_check(struct world *w, const struct verb *v, struct outcome *out)
{
	struct host *h = &world_pair(w, v->guard.pair)->host[v->u.smtp.target];
	struct probe_result r = { 0 };
	smtp_dialogue(w, h, v->u.smtp.family, &r);
	struct smtp_answer *a = &out->u.smtp;
	if (r.outcome != PROBE_OK && !r.smtp_code) {
		err_set(&out->err, ERR_UNREACH, "%s", r.reason);
		snprintf(a->layer, sizeof(a->layer), "%s", probe_layer_name(r.layer));
		return;
	}
	bool relays = h->role == HOST_STANDBY && world_fault(w, h->pair, FAULT_STANDBY_RELAYS);
	a->known_code = r.outcome == PROBE_OK ? 250 : r.smtp_code;
	a->unknown_code = r.outcome == PROBE_BUSY ? 421 : relays ? 250 : h->listener_soft ? 450 : 550;
	snprintf(a->layer, sizeof(a->layer), "%s", r.outcome == PROBE_OK ? "" : "rcpt");
	if (a->known_code == 250 && !relays)
		h->checked_outside = true;
}
