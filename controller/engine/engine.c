/* Life of the engine: own the store, read the journal, watch, tick. The journal is read before any probe counts. */
#include "internal.h"
#include "records.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/base/mem.h"

#define TICK_MS 1000
#define PUBLISH_EVERY_MS 100
#define STORE_RETRY_MS 1000

struct instant engine_now(const struct engine *e)
{
	return e->ports.time->now(e->ports.time_ctx);
}

void engine_log(const struct engine *e, int level, const struct watched *p, const char *fmt, ...)
{
	char line[600], component[NAME_MAX_LEN + 8];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (p)
		snprintf(component, sizeof(component), "pair %s", p->opts.site.pair);
	e->ports.log(e->ports.log_ctx, level, p ? component : "engine", line);
}

void engine_show(struct watched *p)
{
	if (!p->e->publish || p->e->stopping)
		return;
	p->dirty = false;
	struct pair_view *view = mem_calloc(1, sizeof(*view));
	view_build(p, view);
	p->e->publish(p->e->publish_arg, view);
	free(view);
}

static void publish_due(void *arg)
{
	struct engine *e = arg;
	e->publish_timer = 0;
	if (e->stopping)
		return;
	e->published_ms = engine_now(e).boot_ms;
	for (size_t i = 0; i < e->npairs; i++) {
		if (e->pairs[i].dirty)
			engine_show(&e->pairs[i]);
	}
}

void engine_touch(struct watched *p)
{
	struct engine *e = p->e;
	p->dirty = true;
	if (e->publish_timer || !e->publish)
		return;
	int64_t now_ms = engine_now(e).boot_ms;
	int64_t due_ms = e->published_ms + PUBLISH_EVERY_MS;
	e->publish_timer = e->ports.time->at(e->ports.time_ctx, due_ms > now_ms ? due_ms : now_ms, publish_due, e);
}

static void pair_init(struct engine *e, size_t i, const struct engine_pair *opts)
{
	struct watched *p = &e->pairs[i];
	p->e = e;
	p->id = (uint32_t)i + 1;
	p->opts = *opts;
	plan_site_copy(&p->opts.site, &opts->site);
	p->state = PAIR_UNKNOWN;
	p->row = pair_rule(PAIR_UNKNOWN, PAIR_EV_UNKNOWN);
	p->epoch = 1;
	p->rights_epoch = p->told_epoch = 1;
	health_init(&p->health, &opts->health, engine_now(e));
}

struct engine *engine_new(const struct ports *ports, const struct engine_opts *opts, publish_cb *publish,
			  void *publish_arg)
{
	struct engine *e = mem_calloc(1, sizeof(*e));
	e->ports = *ports;
	e->publish = publish;
	e->publish_arg = publish_arg;
	e->brake.opts = opts->brake;
	brake_count(&e->brake, 0, (int)opts->npairs);
	e->grace_ms = opts->grace_ms;
	e->beat.every_ms = opts->heartbeat_ms;
	e->npairs = opts->npairs;
	e->pairs = mem_calloc(opts->npairs, sizeof(*e->pairs));
	e->wanted_ms = INT64_MAX;
	for (size_t i = 0; i < opts->npairs; i++) {
		pair_init(e, i, &opts->pairs[i]);
		if (e->wanted_ms > opts->pairs[i].fast_every_ms)
			e->wanted_ms = opts->pairs[i].fast_every_ms;
	}
	e->nreferences = opts->nreferences;
	e->references = mem_calloc(opts->nreferences, sizeof(*e->references));
	if (opts->nreferences)
		memcpy(e->references, opts->references, opts->nreferences * sizeof(*e->references));
	e->reference_probe = mem_calloc(opts->nreferences, sizeof(*e->reference_probe));
	e->reference_ok_ms = mem_calloc(opts->nreferences, sizeof(*e->reference_ok_ms));
	e->reference_seen_ms = mem_calloc(opts->nreferences, sizeof(*e->reference_seen_ms));
	return e;
}

static void tick(void *arg)
{
	struct engine *e = arg;
	e->tick_timer = 0;
	if (e->stopping)
		return;
	for (size_t i = 0; i < e->npairs; i++)
		watch_judge(&e->pairs[i]); /* all of them first: the mass brake looks at everybody */
	bool grace = engine_now(e).boot_ms < e->grace_until_ms + (int64_t)2 * TICK_MS;
	for (size_t i = 0; i < e->npairs; i++) {
		watch_evaluate(&e->pairs[i]);
		timetable_look(&e->pairs[i]);
		if (grace || e->pairs[i].state != PAIR_UP)
			engine_touch(&e->pairs[i]); /* somebody may be reading `explain` */
	}
	e->tick_timer = e->ports.time->at(e->ports.time_ctx, engine_now(e).boot_ms + TICK_MS, tick, e);
}

static void begin_watch(struct engine *e)
{
	e->ready = true;
	e->grace_until_ms = engine_now(e).boot_ms + e->grace_ms;
	watch_start_references(e);
	for (size_t i = 0; i < e->npairs; i++) {
		watch_start(&e->pairs[i]);
		engine_touch(&e->pairs[i]);
	}
	for (size_t i = 0; i < e->npairs; i++)
		if (e->pairs[i].op.open && e->pairs[i].state != PAIR_STUCK)
			operate_take_up(&e->pairs[i]);
	heartbeat_start(e);
	tick(e);
}

static void retry_start(void *arg)
{
	struct engine *e = arg;
	e->retry_timer = 0;
	if (!e->stopping)
		engine_start(e);
}

static void start_later(struct engine *e, const char *why)
{
	engine_log(e, 4, NULL, "%s: trying again", why);
	e->retry_timer = e->ports.time->at(e->ports.time_ctx, engine_now(e).boot_ms + STORE_RETRY_MS, retry_start, e);
}

static void have_rows(void *arg, enum store_rc rc, const struct record *rows, size_t n)
{
	struct engine *e = arg;
	if (e->stopping)
		return;
	if (rc != STORE_OK) {
		start_later(e, "the store does not answer");
		return;
	}
	records_restore(e, rows, n);
	begin_watch(e);
}

static void have_owner(void *arg, bool won)
{
	struct engine *e = arg;
	struct query query = { QUERY_ALL_STATE };
	if (e->stopping)
		return;
	if (!won) {
		start_later(e, "the store is not ours yet");
		return;
	}
	e->ports.store->read(e->ports.store_ctx, &query, have_rows, e);
}

void engine_start(struct engine *e)
{
	e->ports.store->own(e->ports.store_ctx, have_owner, e);
}

bool engine_ready(const struct engine *e)
{
	return e->ready;
}

void engine_suspended(struct engine *e)
{
	struct instant now = engine_now(e);
	e->grace_until_ms = now.boot_ms + e->grace_ms;
	e->beat.probed_ms = now.boot_ms;
	for (size_t i = 0; i < e->npairs; i++) {
		struct watched *p = &e->pairs[i];
		health_forget(&p->health, now);
		memset(p->standby_dead, 0, sizeof(p->standby_dead));
		memset(p->agent_due_ms, 0, sizeof(p->agent_due_ms)); /* who was silent while we slept is not late */
		engine_touch(p);
	}
	engine_log(e, 4, NULL, "this machine slept or was stopped: samples are discarded, grace begins again");
}

uint32_t engine_pair_id(const struct engine *e, const char *name)
{
	for (size_t i = 0; i < e->npairs; i++)
		if (strcmp(e->pairs[i].opts.site.pair, name) == 0)
			return e->pairs[i].id;
	return 0;
}

static void drop_timer(struct engine *e, uint64_t *timer)
{
	if (*timer)
		e->ports.time->drop(e->ports.time_ctx, *timer);
	*timer = 0;
}

void engine_stop(struct engine *e)
{
	e->stopping = true;
}

void engine_free(struct engine *e)
{
	if (!e)
		return;
	e->stopping = true;
	drop_timer(e, &e->tick_timer);
	drop_timer(e, &e->publish_timer);
	drop_timer(e, &e->beat.timer);
	drop_timer(e, &e->retry_timer);
	for (size_t i = 0; i < e->nreferences; i++)
		if (e->reference_probe[i])
			e->ports.probe->remove(e->ports.probe_ctx, e->reference_probe[i]);
	for (size_t i = 0; i < e->npairs; i++) {
		watch_stop(&e->pairs[i]);
		operate_fini(&e->pairs[i]);
		strbuf_fini(&e->pairs[i].lost);
		plan_site_fini(&e->pairs[i].opts.site);
	}
	records_drop_saves(e);
	page_drop_all(e);
	free(e->pairs);
	free(e->references);
	free(e->reference_probe);
	free(e->reference_ok_ms);
	free(e->reference_seen_ms);
	free(e);
}

const char *pair_mode_name(enum pair_mode mode)
{
	switch (mode) {
	case MODE_MANUAL: return "manual";
	case MODE_AUTOMATIC: return "automatic";
	case MODE_SHADOW: return "shadow";
	}
	return "?";
}
