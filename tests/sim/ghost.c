/* The observer's own book-keeping: evidence, operations, commands. It shares no code with health or engine. */
#include "ghost.h"

#include <stdlib.h>
#include <string.h>

#include "../../controller/core/journal.h"
#include "../../controller/core/text.h"
#include "../../controller/core/skip.h"
#include "levels.h"
#include "promises.h"

#define DAY_MS 86400000

void ghost_init(struct world *w, uint8_t pair)
{
	struct ghost *g = &w->pair[pair].ghost;
	memset(g, 0, sizeof(*g));
	g->down_since_ms = g->serves_since_ms = g->blind_ms = g->ssh_since_ms = -1;
	g->latch_ms = -1;
	for (size_t z = 0; z < SIM_ZONES; z++)
		g->published[z] = w->opts[pair].site.zones[z].before;
}

void ghost_forget(struct world *w)
{
	for (size_t i = 0; i < w->npairs; i++) {
		struct ghost *g = &w->pair[i].ghost;
		memset(g->dead, 0, sizeof(g->dead));
		memset(g->alive, 0, sizeof(g->alive));
		memset(g->last_ms, 0, sizeof(g->last_ms));
		g->agent_ms = 0;
		g->agent_serving = false;
		g->down_since_ms = -1;
		if (g->nops)
			g->op[g->nops - 1].progress_ms = w->clock.now_ms;
	}
}

void ghost_new_life(struct world *w)
{
	ghost_forget(w);
	for (size_t i = 0; i < w->npairs; i++) {
		struct ghost *g = &w->pair[i].ghost;
		if (g->latched)
			g->latch_ms = w->clock.now_ms; /* a cool-down starts again whole */
	}
	w->net_cut_seen = false;
}

static void judge_down(struct world *w, struct ghost *g)
{
	bool down = g->dead[FAMILY_V4] >= 3 && g->dead[FAMILY_V6] >= 3;
	if (!down)
		g->down_since_ms = -1;
	else if (g->down_since_ms < 0)
		g->down_since_ms = w->clock.now_ms;
}

void ghost_probe(struct world *w, uint8_t pair, enum host_role role, int family, const struct probe_result *r)
{
	struct ghost *g = &w->pair[pair].ghost;
	if (!family && r->agent.present && (r->agent.epoch > g->reported || g->reported_life != w->life)) {
		g->reported = r->agent.epoch;
		g->reported_life = w->life;
	}
	if (role != HOST_PRIMARY || r->outcome == PROBE_LOCAL)
		return;
	if (!family) {
		if (r->agent.present) {
			g->agent_ms = w->clock.now_ms;
			g->agent_serving = r->agent.serving;
		}
		return;
	}
	enum health_family f = family == 4 ? FAMILY_V4 : FAMILY_V6;
	bool dead = r->outcome == PROBE_FAIL && r->smtp_code < 400;
	if (dead && w->net_cut_seen)
		return;
	g->dead_to_ms[f] = w->clock.now_ms - r->took_ms;
	if (dead && !g->dead[f])
		g->dead_from_ms[f] = g->dead_to_ms[f];
	g->dead[f] = dead ? g->dead[f] + 1 : 0;
	g->alive[f] = dead ? 0 : g->alive[f] + 1;
	g->last_ms[f] = w->clock.now_ms;
	g->seen_up |= g->alive[f] >= 2;
	judge_down(w, g);
}

void ghost_reference(struct world *w, int index, const struct probe_result *r)
{
	if (r->outcome == PROBE_LOCAL)
		return;
	w->reference_ok[index] = r->outcome == PROBE_OK;
	bool was = w->net_cut_seen;
	w->net_cut_seen = !w->reference_ok[0] && !w->reference_ok[1];
	if (was || !w->net_cut_seen)
		return;
	for (size_t i = 0; i < w->npairs; i++) { /* what we know now to have been lost on our side */
		memset(w->pair[i].ghost.dead, 0, sizeof(w->pair[i].ghost.dead));
		w->pair[i].ghost.down_since_ms = -1;
	}
}

struct ghost_op *ghost_find_op(struct ghost *g, uint64_t op)
{
	for (size_t i = g->nops; i-- > 0;)
		if (g->op[i].op == op)
			return &g->op[i];
	return NULL;
}

int ghost_auto_today(const struct world *w, int64_t wall_ms)
{
	int n = 0;
	for (size_t i = 0; i < w->auto_count; i++)
		n += w->auto_wall_ms[i] / DAY_MS == wall_ms / DAY_MS;
	return n;
}

static bool is_new_operation(struct world *w, const struct record *rec, struct plan *plan)
{
	struct err err = { 0 };
	if (rec->kind != RECORD_OPERATION || strncmp(rec->body, "status=running", 14) != 0)
		return false;
	if (ghost_find_op(&world_pair(w, rec->pair)->ghost, rec->op))
		return false;
	if (plan_parse(rec->body, plan, &err) == ERR_OK)
		return true;
	world_fail(w, 6, "operation %llu is journaled with a plan that cannot be read: %s", (unsigned long long)rec->op,
		   err.text);
	return false;
}

void ghost_submitted(struct world *w, const struct txn *txn)
{
	struct plan plan;
	for (size_t i = 0; i < txn->nrec; i++) {
		const struct record *rec = &txn->rec[i];
		if (!is_new_operation(w, rec, &plan))
			continue;
		struct ghost *g = &world_pair(w, rec->pair)->ghost;
		if (plan.confirmed)
			promise_3_confirmed(w, (uint8_t)(rec->pair - 1));
		bool again = g->judged_op == rec->op && g->judged_life == w->life; /* a commit tried again */
		g->judged_op = rec->op;
		g->judged_life = w->life;
		if (!again && g->reported_life == w->life && plan.epoch <= g->reported)
			world_fail(w, 3, "operation %llu takes epoch %llu, and an agent has told of %llu",
				   (unsigned long long)rec->op, (unsigned long long)plan.epoch,
				   (unsigned long long)g->reported);
		if (plan.automatic && plan.kind == PLAN_PROMOTE && !again) {
			promise_1_evidence(w, (uint8_t)(rec->pair - 1));
			promise_2_our_side(w, (uint8_t)(rec->pair - 1));
			promise_7_brakes(w, (uint8_t)(rec->pair - 1));
		}
		if (plan.kind == PLAN_DRILL && strcmp(plan.actor, "schedule") == 0 && !again)
			promise_7_timetable(w, (uint8_t)(rec->pair - 1));
		plan_fini(&plan);
	}
}

static void operation_begins(struct world *w, const struct plan *plan)
{
	struct ghost *g = &world_pair(w, plan->pair)->ghost;
	BUG_ON(g->nops == GHOST_OPS_MAX);
	struct ghost_op *o = &g->op[g->nops++];
	*o = (struct ghost_op){ .op = plan->op,
				.epoch = plan->epoch,
				.kind = plan->kind,
				.automatic = plan->automatic,
				.scheduled = strcmp(plan->actor, "schedule") == 0,
				.nsteps = plan->nsteps,
				.progress_ms = w->clock.now_ms };
	memcpy(o->step, plan->step, sizeof(o->step));
	for (size_t i = 0; i < o->nsteps; i++)
		o->limit_ms[i] = plan_step_limit_ms(plan, plan->step[i]);
	if (plan->epoch <= g->top_epoch)
		world_fail(w, 3, "operation %llu takes epoch %llu, and %llu was given before",
			   (unsigned long long)plan->op, (unsigned long long)plan->epoch,
			   (unsigned long long)g->top_epoch);
	g->top_epoch = plan->epoch;
	w->coverage->operations++;
	w->coverage->promotions += plan->kind == PLAN_PROMOTE;
	w->coverage->failbacks += plan->kind == PLAN_FAILBACK;
	w->coverage->aborts += plan->kind == PLAN_ABORT;
	w->coverage->drills += plan->kind == PLAN_DRILL;
	if (plan->automatic) {
		g->latched = true;
		g->latch_ms = w->clock.now_ms;
		if (w->auto_count < ARRAY_LEN(w->auto_wall_ms))
			w->auto_wall_ms[w->auto_count++] = plan->began.wall_ms;
	}
	promise_8_by_hand(w, (uint8_t)(plan->pair - 1), o);
}

static void operation_row(struct world *w, const struct record *rec)
{
	struct ghost *g = &world_pair(w, rec->pair)->ghost;
	struct ghost_op *o = ghost_find_op(g, rec->op);
	if (!o)
		return;
	o->progress_ms = w->clock.now_ms;
	o->ended = strncmp(rec->body, "status=ended", 12) == 0;
	o->stuck = !o->ended && strncmp(rec->body, "status=running", 14) != 0;
	if (strncmp(rec->body, "status=ended-undone", 19) == 0 && o->automatic && !o->aborted)
		g->latched = false; /* nothing was promoted */
}

static void journal_row(struct world *w, const struct record *rec)
{
	struct ghost_op *o = ghost_find_op(&world_pair(w, rec->pair)->ghost, rec->op);
	struct journal_row row;
	struct err err = { 0 };
	if (!o || journal_parse(rec->body, o->nsteps, &row, &err))
		return;
	o->progress_ms = w->clock.now_ms;
	o->at = row.step;
	switch (row.event) {
	case JOURNAL_BEGIN:
		o->begun |= 1U << row.step;
		o->past_no_return |= step_no_return(o->kind, o->step[row.step]);
		break;
	case JOURNAL_TURN_BACK:
		o->turned_back = true;
		if (row.err.code == ERR_CANCELLED)
			w->coverage->step[o->step[row.step]][COVER_CANCEL]++;
		break;
	case JOURNAL_STUCK: o->stuck = true; break;
	case JOURNAL_SKIP:
		promise_skipped(w, (uint8_t)(rec->pair - 1), o->step[row.step], o->turned_back);
		o->stuck = false;
		if (step_skip_gives_back(o->step[row.step], o->turned_back))
			level_by_hand(w, (uint8_t)(rec->pair - 1));
		break;
	case JOURNAL_RESUME: o->stuck = false; break;
	case JOURNAL_DONE:
		if (o->step[row.step] == STEP_FENCE)
			promise_3_fenced(w, (uint8_t)(rec->pair - 1), &row);
		break;
	case JOURNAL_UNDONE:
	case JOURNAL_NOTE: break;
	}
}

void ghost_audit(struct world *w, const struct record *rec)
{
	char who[24];
	if (!text_find(rec->body, "who", who, sizeof(who)) || strcmp(who, "operator") != 0)
		return;
	if (rec->pair)
		world_pair(w, rec->pair)->ghost.operator_rows++;
	else
		w->controller_rows++;
}

static void lift_row(struct world *w, const struct record *rec)
{
	char until[24];
	w->lift_until_wall_ms = text_find(rec->body, "expires", until, sizeof(until)) ? strtoll(until, NULL, 10) : 0;
}

void ghost_durable(struct world *w, const struct record *rec)
{
	struct plan plan;
	char text[24];
	if (is_new_operation(w, rec, &plan)) {
		operation_begins(w, &plan);
		plan_fini(&plan);
	} else if (rec->kind == RECORD_OPERATION) {
		operation_row(w, rec);
	} else if (rec->kind == RECORD_JOURNAL) {
		journal_row(w, rec);
	} else if (rec->kind == RECORD_GLOBAL && strcmp(rec->key, "lift") == 0) {
		lift_row(w, rec);
	} else if (rec->kind == RECORD_STRANDED) {
		senders_listed(w, (uint8_t)(rec->pair - 1), rec->key);
	} else if (rec->kind == RECORD_GRANT && text_find(rec->body, "epoch", text, sizeof(text))) {
		struct ghost *g = &world_pair(w, rec->pair)->ghost;
		uint64_t epoch = strtoull(text, NULL, 10);
		g->top_epoch = epoch > g->top_epoch ? epoch : g->top_epoch;
	}
}
