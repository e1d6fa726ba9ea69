/* The world's life: its clock, its controller that is born and dies, and the time and other small ports. */
#include "world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/base/mem.h"
#include "apply.h"
#include "promises.h"

#define FIRST_BOOT_MS 1000000

struct instant world_now(const struct world *w)
{
	return (struct instant){ w->clock.now_ms + w->clock.boot_base_ms, w->clock.now_ms + w->clock.wall_base_ms };
}

uint64_t world_after(struct world *w, int64_t delay_ms, event_fn *fn, void *data, uint32_t life)
{
	return clock_add(&w->clock, w->clock.now_ms + delay_ms, fn, data, life);
}

struct pair_world *world_pair(struct world *w, uint32_t pair_id)
{
	BUG_ON(pair_id < 1 || pair_id > w->npairs);
	return &w->pair[pair_id - 1];
}

void world_fail(struct world *w, int promise, const char *fmt, ...)
{
	va_list ap;
	if (w->failure.promise)
		return;
	w->failure.promise = promise;
	w->failure.at_ms = w->clock.now_ms;
	va_start(ap, fmt);
	vsnprintf(w->failure.text, sizeof(w->failure.text), fmt, ap);
	va_end(ap);
	world_trace(w, "FAILED promise %d: %s", promise, w->failure.text);
}

void world_trace(const struct world *w, const char *fmt, ...)
{
	va_list ap;
	if (!w->trace)
		return;
	printf("%9.3f  ", (double)w->clock.now_ms / 1000.0);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

/* ---- the small ports ---- */

struct timer {
	timer_cb *cb;
	void *arg;
};

static struct instant port_now(void *ctx)
{
	return world_now(ctx);
}

static void timer_due(struct world *w, void *data)
{
	const struct timer *t = data;
	(void)w;
	t->cb(t->arg);
}

static uint64_t port_at(void *ctx, int64_t boot_ms, timer_cb *cb, void *arg)
{
	struct world *w = ctx;
	struct timer *t = mem_calloc(1, sizeof(*t));
	*t = (struct timer){ cb, arg };
	return clock_add(&w->clock, boot_ms - w->clock.boot_base_ms, timer_due, t, w->life);
}

static void port_drop(void *ctx, uint64_t timer)
{
	struct world *w = ctx;
	clock_drop(&w->clock, timer);
}

static const struct time_ops time_ops = { port_now, port_at, port_drop };

static void port_random(void *ctx, void *bytes, size_t len)
{
	struct world *w = ctx;
	uint8_t *at = bytes;
	for (size_t i = 0; i < len; i++)
		at[i] = (uint8_t)dice_next(&w->clock.dice);
}

static void port_log(void *ctx, int level, const char *component, const char *line)
{
	struct world *w = ctx;
	char rule[64];
	const char *bracket = strrchr(line, '[');
	world_trace(w, "log<%d> %s: %s", level, component, line);
	if (bracket && sscanf(bracket, "[%63[a-z-]]", rule) == 1)
		coverage_rule(w->coverage, rule);
}

static const enum pair_event verdict_event[] = {
	[HEALTH_UNKNOWN] = PAIR_EV_UNKNOWN,  [HEALTH_UP] = PAIR_EV_UP,           [HEALTH_SUSPECT] = PAIR_EV_SUSPECT,
	[HEALTH_DOWN] = PAIR_EV_DOWN_VETOED, [HEALTH_WOUNDED] = PAIR_EV_WOUNDED,
};

/* The row that this verdict takes: down acts when every condition is met. */
static enum pair_event event_of(const struct pair_view *view)
{
	bool all_met = view->verdict == HEALTH_DOWN;
	for (size_t i = 0; i < view->nconditions; i++)
		all_met &= view->condition[i].met;
	return all_met ? PAIR_EV_DOWN_ACT : verdict_event[view->verdict];
}

static void published(void *arg, const struct pair_view *view)
{
	struct world *w = arg;
	struct pair_world *p = world_pair(w, view->id);
	if (w->crashed)
		return;
	p->view = *view;
	p->has_view = true;
	coverage_verdict(w->coverage, view->state, event_of(view));
}

/* ---- life and death of the controller ---- */

void world_start_controller(struct world *w)
{
	const struct ports ports = {
		.store = &sim_store_ops,
		.store_ctx = w,
		.exec = &sim_exec_ops,
		.exec_ctx = w,
		.probe = &sim_probe_ops,
		.probe_ctx = w,
		.time = &time_ops,
		.time_ctx = w,
		.random = port_random,
		.random_ctx = w,
		.log = port_log,
		.log_ctx = w,
	};
	if (w->reboot) {
		w->clock.boot_base_ms = 5000 - w->clock.now_ms;
		w->reboot = false;
	}
	w->life++;
	w->crashed = false;
	w->coverage->lives++;
	w->started_ms = w->clock.now_ms;
	ghost_new_life(w);
	world_trace(w, "--- controller starts (life %u)", w->life);
	w->engine = engine_new(&ports, &w->engine_opts, published, w);
	engine_start(w->engine);
}

static void restart(struct world *w, void *data)
{
	(void)data;
	if (!w->engine)
		world_start_controller(w);
}

static void cover_crash(struct world *w)
{
	for (size_t i = 0; i < w->npairs; i++) {
		const struct ghost *g = &w->pair[i].ghost;
		const struct ghost_op *op = g->nops ? &g->op[g->nops - 1] : NULL;
		if (op && !op->ended && op->at < op->nsteps)
			w->coverage->step[op->step[op->at]][COVER_CRASH]++;
	}
}

static void reboot_standbys(struct world *w)
{
	for (size_t i = 0; i < w->npairs; i++) {
		struct host *h = &w->pair[i].host[HOST_STANDBY];
		if (!h->on)
			continue;
		host_power(w, h, false);
		host_power(w, h, true);
	}
}

void world_crash(struct world *w)
{
	if (!w->engine)
		return;
	world_trace(w, "--- controller dies (life %u)", w->life);
	cover_crash(w);
	w->crashed = true;
	engine_free(w->engine);
	w->engine = NULL;
	clock_drop_life(&w->clock, w->life);
	exec_crash(w);
	net_crash(w);
	for (size_t i = 0; i < w->npairs; i++)
		w->pair[i].has_view = false;
	if (w->standby_reboots)
		reboot_standbys(w);
	world_after(w, w->restart_ms, restart, NULL, 0);
}

bool world_crash_point(struct world *w, bool *apply)
{
	*apply = false;
	if (++w->points != w->crash_at)
		return false;
	*apply = w->crash_after;
	w->crashed = true;
	return true;
}

bool world_fault(const struct world *w, uint8_t pair, enum fault fault)
{
	return w->clock.now_ms < w->pair[pair].until_ms[fault] || w->clock.now_ms < w->until_ms[fault];
}

void world_run(struct world *w, int64_t until_ms)
{
	while (!w->failure.promise && clock_run(w, &w->clock, until_ms)) {
		if (w->crashed && w->engine)
			world_crash(w);
		promises_check(w);
	}
}

void world_init(struct world *w, const struct world_opts *opts, struct coverage *coverage)
{
	memset(w, 0, sizeof(*w));
	clock_init(&w->clock, opts->seed);
	w->seed = opts->seed;
	w->coverage = coverage;
	w->restart_ms = 700;
	w->suspended_ms = -1;
	w->clock.boot_base_ms = FIRST_BOOT_MS;
	w->clock.wall_base_ms = FIRST_WALL_MS;
	w->npairs = opts->npairs;
	w->pair = mem_calloc(w->npairs, sizeof(*w->pair));
	world_configure(w, opts);
	w->standby_reboots = opts->standby_reboots;
	for (uint8_t i = 0; i < w->npairs; i++) {
		struct pair_world *p = &w->pair[i];
		snprintf(p->maps_now, sizeof(p->maps_now), "%064x", 1);
		if (opts->maps)
			snprintf(p->bundle, sizeof(p->bundle), "%s", p->maps_now);
		host_init(w, i, HOST_PRIMARY);
		host_init(w, i, HOST_STANDBY);
		dns_init(w, i);
		ghost_init(w, i);
		if (!opts->primary_off)
			host_power(w, &p->host[HOST_PRIMARY], true);
		senders_start(w, i);
	}
	w->maps = opts->maps;
	apply_start(w);
}

void world_fini(struct world *w)
{
	if (w->engine)
		engine_free(w->engine);
	w->engine = NULL;
	w->crashed = true;
	exec_crash(w);
	clock_fini(&w->clock);
	store_fini(&w->store);
	for (size_t i = 0; i < w->npairs; i++)
		senders_fini(&w->pair[i].senders);
	for (size_t i = 0; i < w->npairs; i++)
		free(w->opts[i].site.zones);
	free(w->opts);
	free(w->pair);
}
