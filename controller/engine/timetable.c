/* Drills by the clock. One that cannot begin in time is left out, and said; the page comes when none was green for too
 * long. What was missed while no controller ran is not made up for: the next one comes. */
#include <stdio.h>
#include <string.h>

#include "internal.h"
#include "records.h"

#define WINDOW_MS ((int64_t)2 * 3600 * 1000) /* so long a drill waits for its chance */

/* The first that is behind `after_ms` with its jitter: its own time may lie before. */
static int64_t next_due_ms(const struct watched *p, int64_t after_ms)
{
	const struct drill_times *t = &p->opts.drills;
	int64_t at_ms = after_ms - t->jitter_ms, due_ms = 0;
	while (due_ms <= after_ms) {
		at_ms = calendar_next_ms(&t->at, at_ms);
		if (at_ms == INT64_MAX)
			return at_ms;
		due_ms = at_ms + calendar_jitter_ms(p->opts.site.pair, at_ms, t->jitter_ms);
	}
	return due_ms;
}

/* Whatever runs at a machine that takes one at a time. */
static const struct watched *neighbour_at_work(const struct watched *p)
{
	const struct drill_times *t = &p->opts.drills;
	for (size_t i = 0; t->one_at_a_time && i < p->e->npairs; i++) {
		const struct watched *n = &p->e->pairs[i];
		bool busy = n->op.open || n->op.beginning || n->op.ending || n->lost_op;
		if (n != p && busy && strcmp(n->opts.drills.power_host, t->power_host) == 0)
			return n;
	}
	return NULL;
}

/* What stands against it just now; "" = nothing. */
static void obstacle(struct watched *p, struct instant now, char *why, size_t size)
{
	const struct watched *neighbour = neighbour_at_work(p);
	const struct pair_row *row = pair_rule(p->state, PAIR_EV_DRILL);
	why[0] = '\0';
	if (hold_active(&p->hold, now))
		snprintf(why, size, "held by %s", p->hold.owner);
	else if (p->opts.mode == MODE_SHADOW)
		snprintf(why, size, "mode is shadow: nothing is touched");
	else if (foreign_pending(p))
		snprintf(why, size, "somebody else gave an epoch, not acknowledged yet");
	else if (p->unordered_boot[0])
		snprintf(why, size, "an unordered boot of the standby is not acknowledged yet");
	else if (p->left_on_by[0])
		snprintf(why, size, "the standby was left on by %.60s", p->left_on_by);
	else if (now.boot_ms < p->e->grace_until_ms)
		snprintf(why, size, "grace");
	else if (row->action == PAIR_ACT_REFUSE)
		snprintf(why, size, "%.120s", row->why);
	else if (p->op.open || p->op.beginning || p->op.ending)
		snprintf(why, size, "an operation is not over");
	else if (neighbour)
		snprintf(why, size, "pair %s is at work at %s", neighbour->opts.site.pair, p->opts.drills.power_host);
}

static void begin(struct watched *p)
{
	struct op_request req = { .kind = PLAN_DRILL, .actor = TIMETABLE_ACTOR, .reason = "by schedule" };
	watch_fire(p, PAIR_EV_DRILL);
	operate_begin(p, &req);
}

static void look_at_clock(struct watched *p, struct instant now)
{
	const struct drill_times *t = &p->opts.drills;
	char why[160];
	if (!p->drill_due_ms)
		p->drill_due_ms = next_due_ms(p, now.wall_ms);
	if (now.wall_ms < p->drill_due_ms)
		return;
	bool late = now.wall_ms - p->drill_due_ms > WINDOW_MS;
	if (calendar_in_spans(t->blackout, t->nblackout, now.wall_ms)) {
		engine_log(p->e, 6, p, "no drill: a blackout");
		p->drill_due_ms = next_due_ms(p, now.wall_ms);
		return;
	}
	obstacle(p, now, why, sizeof(why));
	if (why[0] && !late)
		return;
	p->drill_due_ms = next_due_ms(p, now.wall_ms);
	if (late)
		page_send(p, "note", "the scheduled drill was left out: %s", why[0] ? why : "its time was over");
	else
		begin(p);
}

/* Since when one is wanted counts for a pair that never had any. */
static void look_at_age(struct watched *p, struct instant now)
{
	int64_t limit_ms = p->opts.drills.overdue_ms;
	int64_t since_ms = p->drill.green_wall_ms ? p->drill.green_wall_ms : p->drill.wanted_wall_ms;
	bool overdue = limit_ms && now.wall_ms - since_ms > limit_ms;
	if (overdue && !p->drill_overdue)
		page_send(p, "page", "no green drill for %lld days, wanted every %lld: `coldmx drill %s --reason ...`",
			  (long long)((now.wall_ms - since_ms) / 86400000), (long long)(limit_ms / 86400000),
			  p->opts.site.pair);
	if (overdue != p->drill_overdue)
		engine_touch(p);
	p->drill_overdue = overdue;
}

void timetable_look(struct watched *p)
{
	struct instant now = engine_now(p->e);
	if (!p->opts.drills.at.days || !p->e->ready || p->e->stopping)
		return;
	if (!p->drill.wanted_wall_ms) {
		p->drill.wanted_wall_ms = now.wall_ms;
		records_save(p, "coldmxd", "drills-wanted", "by schedule from now on", NULL, NULL);
	}
	look_at_age(p, now);
	look_at_clock(p, now);
}
