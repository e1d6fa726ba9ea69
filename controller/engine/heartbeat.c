/* The dead man's switch: while this daemon really works, a hook runs every few seconds; an outside watcher misses it when
 * it does not. Each beat proves one thing after the other: the loop by the timer, the probes by a result that is fresh,
 * the store by a commit that came back, the executor by the hook itself. Nothing waits for a beat: one that fails, or does
 * not come back, is told, and the next one is due at its time. */
#include <stdio.h>
#include <string.h>

#include "../../common/base/mem.h"
#include "internal.h"

#define HOOK_LIMIT_MS 10000
#define PAGE_AFTER 3 /* missed beats in a row */

/* Two rounds of the pair that is asked least, and the time for its answer. */
static int64_t patience_ms(const struct engine *e)
{
	int64_t longest_ms = 0;
	for (size_t i = 0; i < e->npairs; i++)
		for (int f = 0; f < FAMILIES; f++) {
			const struct engine_pair *opts = &e->pairs[i].opts;
			int64_t round_ms = 2 * opts->every_ms + opts->probe[f].timeout_ms;
			longest_ms = round_ms > longest_ms ? round_ms : longest_ms;
		}
	return longest_ms;
}

static void missed(struct engine *e, const char *why)
{
	struct heartbeat *b = &e->beat;
	if (strcmp(b->why, why) != 0)
		engine_log(e, 4, NULL, "no heartbeat: %s", why);
	(void)str_copy(b->why, sizeof(b->why), why);
	if (++b->missed == PAGE_AFTER)
		page_send_all(e, "page", "no heartbeat went out %d times in a row: %s", b->missed, why);
	for (size_t i = 0; i < e->npairs; i++)
		engine_touch(&e->pairs[i]);
}

static void beaten(void *arg, uint64_t ticket, const struct outcome *outcome)
{
	struct engine *e = arg;
	char why[sizeof(e->beat.why)];
	(void)ticket;
	if (e->stopping)
		return;
	e->beat.busy = false;
	if (outcome->err.code) {
		snprintf(why, sizeof(why), "the hook failed: %.120s", outcome->err.text);
		missed(e, why);
		return;
	}
	if (e->beat.missed)
		engine_log(e, 5, NULL, "the heartbeat goes out again");
	e->beat.missed = 0;
	e->beat.why[0] = '\0';
}

static void stored(void *arg, enum store_rc rc)
{
	struct engine *e = arg;
	struct verb verb = { .kind = VERB_HEARTBEAT };
	if (e->stopping)
		return;
	if (rc != STORE_OK) {
		e->beat.busy = false;
		missed(e, "the store does not answer");
		return;
	}
	verb.deadline_ms = engine_now(e).boot_ms + HOOK_LIMIT_MS;
	e->ports.exec->submit(e->ports.exec_ctx, &verb, beaten, e);
}

static void prove_store(struct engine *e)
{
	struct strbuf body = STRBUF_INIT;
	text_put_i64(&body, "wall_ms", engine_now(e).wall_ms);
	struct record rec = { .kind = RECORD_GLOBAL, .key = "heartbeat", .body = strbuf_str(&body) };
	struct txn txn = { { 0, 0 }, &rec, 1 };
	e->beat.busy = true;
	e->ports.store->commit(e->ports.store_ctx, &txn, stored, e);
	strbuf_fini(&body);
}

static void due(void *arg)
{
	struct engine *e = arg;
	struct heartbeat *b = &e->beat;
	int64_t now_ms = engine_now(e).boot_ms;
	b->timer = 0;
	if (e->stopping)
		return;
	if (b->busy)
		missed(e, "the last one has not come back from the store or from its hook");
	else if (e->npairs && now_ms - b->probed_ms > patience_ms(e))
		missed(e, "no probe has ended for too long");
	else
		prove_store(e);
	b->timer = e->ports.time->at(e->ports.time_ctx, now_ms + b->every_ms, due, e);
}

void heartbeat_start(struct engine *e)
{
	struct heartbeat *b = &e->beat;
	int64_t now_ms = engine_now(e).boot_ms;
	b->probed_ms = now_ms;
	if (b->every_ms)
		b->timer = e->ports.time->at(e->ports.time_ctx, now_ms + b->every_ms, due, e);
}

void heartbeat_probed(struct engine *e, const struct probe_result *r)
{
	if (r->outcome != PROBE_LOCAL)
		e->beat.probed_ms = engine_now(e).boot_ms;
}
