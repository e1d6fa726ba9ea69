/* Four pairs to show: one calm, one down and not acting, one promoted, one stuck with an unordered
 * boot. */
#ifndef COLDMX_FAKE_PAIRS_H
#define COLDMX_FAKE_PAIRS_H

#include "../../controller/surface/http.h"
#include "tool_view.h"

enum { FAKE_ALPHA, FAKE_BETA, FAKE_GAMMA, FAKE_DELTA, FAKE_PAIRS };

static const char *const fake_steps[] = {
	"guard",     "boot-order", "power-on",   "interlock",    "connect",  "clock",          "harden",
	"maps",      "grant",      "start-mail", "verify-local", "fence",    "open-to-probes", "verify-outside",
	"readiness", "open-port",  "switch-dns", "verify-dns",   "announce",
};

static inline void fake_begin_op(struct pair_view *v, uint64_t op, const char *kind)
{
	v->has_op = true;
	v->op = (struct view_op){ .op = op, .began_wall_ms = clock_wall_ms() };
	snprintf(v->op.kind, sizeof(v->op.kind), "%s", kind);
	snprintf(v->op.status, sizeof(v->op.status), "running");
	snprintf(v->op.actor, sizeof(v->op.actor), "root (uid 0)");
	snprintf(v->op.reason, sizeof(v->op.reason), "disk died");
	v->op.no_return = "open-port";
	v->op.nsteps = ARRAY_LEN(fake_steps);
	for (size_t i = 0; i < v->op.nsteps; i++) {
		v->op.step[i].name = fake_steps[i];
		v->op.step[i].took_ms = -1;
		snprintf(v->op.step[i].state, sizeof(v->op.step[i].state), "waiting");
	}
}

static inline void fake_end_step(struct pair_view *v, size_t i, int took_ms)
{
	struct view_step *s = &v->op.step[i];
	snprintf(s->state, sizeof(s->state), "done");
	s->took_ms = took_ms;
	if (strcmp(s->name, "harden") == 0)
		snprintf(s->note, sizeof(s->note), "41/41 controls ok");
	if (strcmp(s->name, "verify-dns") == 0)
		snprintf(s->note, sizeof(s->note), "4 of 4 servers show the new set; old set may be cached for 300 s");
}

static inline void fake_fill(struct pair_view pair[FAKE_PAIRS])
{
	static const char *const names[] = { "alpha", "beta", "gamma", "delta" };
	for (int i = 0; i < FAKE_PAIRS; i++)
		sample_view((uint32_t)i + 1, names[i], &pair[i]);
	struct pair_view *b = &pair[FAKE_BETA], *g = &pair[FAKE_GAMMA], *d = &pair[FAKE_DELTA];
	b->state = PAIR_DOWN;
	b->mode = MODE_MANUAL;
	b->verdict = HEALTH_DOWN;
	b->verdict_since_wall_ms = clock_wall_ms() - 200000;
	b->agent_age_ms[HOST_PRIMARY] = 260000;
	b->agent_known[HOST_PRIMARY] = false;
	snprintf(b->rule, sizeof(b->rule), "down-vetoed");
	snprintf(b->why, sizeof(b->why), "the primary is down, and something forbids to act");
	snprintf(b->trouble, sizeof(b->trouble), "not acting: mode is manual: `coldmx failover beta` acts");
	g->state = PAIR_PROMOTED;
	g->latched = true;
	g->cooldown_left_ms = 3600000;
	g->agent_age_ms[HOST_STANDBY] = 3000;
	g->agent_known[HOST_STANDBY] = true;
	g->agent[HOST_STANDBY] = (struct agent_report){
		.present = true, .serving = true, .has_right = true, .epoch = 4, .queue = 1234, .disk_free_mb = 9000
	};
	g->queue_waiting = 1234;
	g->stranded = 2;
	g->drill = (struct drill_result){ .wall_ms = clock_wall_ms() - 90000, .ready_ms = 41000, .says = "green" };
	snprintf(g->accept, sizeof(g->accept), "primary,standby");
	fake_begin_op(g, 11, "promote");
	snprintf(g->op.status, sizeof(g->op.status), "done");
	for (size_t i = 0; i < g->op.nsteps; i++)
		fake_end_step(g, i, 1200);
	g->op.took_ms = 54321;
	d->state = PAIR_STUCK;
	d->verdict = HEALTH_DOWN;
	snprintf(d->unordered_boot, sizeof(d->unordered_boot), "0f6c11d3-1111-4c3b-8f0e-0d0f6f2f6c11");
	fake_begin_op(d, 12, "promote");
	snprintf(d->op.status, sizeof(d->op.status), "stuck");
	d->op.past_no_return = true;
	for (size_t i = 0; i < 16; i++)
		fake_end_step(d, i, 800);
	snprintf(d->op.step[16].state, sizeof(d->op.step[16].state), "failed");
	d->op.step[16].took_ms = 300;
	d->held = true;
	d->hold = (struct hold){ .set = true, .since_wall_ms = 1790000000000, .expires_wall_ms = 1790000000001 };
	err_set(&d->op.err, ERR_CONFLICT,
		"switch-dns: example.org MX is not what we published: nothing was overwritten");
}

static inline void fake_refuse(command_cb *cb, void *arg, const char *rule, const char *hint, const char *why)
{
	struct command_answer a = { .text = "" };
	err_set(&a.err, ERR_BLOCKED, "%s", why);
	(void)str_copy(a.rule, sizeof(a.rule), rule);
	(void)str_copy(a.hint, sizeof(a.hint), hint);
	cb(arg, &a);
}

static inline void fake_history(void *ctx, const char *pair, uint32_t limit, history_cb *cb, void *arg)
{
	(void)ctx;
	(void)pair;
	(void)limit;
	struct record rows[] = {
		{ .seq = 1,
		  .body = "wall_ms=1790000000000\nboot_ms=1\nwho=coldmxd\nwhat=seen-up\nwhy=first seen up\nepoch=1\n" },
		{ .seq = 2,
		  .body = "wall_ms=1790000100000\nboot_ms=2\nwho=root (uid 0)\nwhat=hold\nwhy=maintenance "
			  "\x1b[31mred\nepoch=1\n" },
	};
	cb(arg, NULL, rows, ARRAY_LEN(rows));
}

#endif
