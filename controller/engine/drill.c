/* What only drills need: when one is too far on its way out to become a promotion, what it hands to one, how it went. */
#include <stdio.h>
#include <string.h>

#include "../../common/base/mem.h"
#include "internal.h"

static size_t place_of(const struct plan *p, enum step_id step)
{
	size_t i = 0;
	while (i < p->nsteps && p->step[i] != step)
		i++;
	return i;
}

bool drill_leaves(const struct watched *p)
{
	const struct operation *o = &p->op;
	if (!o->open || o->plan.kind != PLAN_DRILL)
		return false;
	return o->beginning || o->ending || o->run.mode != RUNNING_FORWARD ||
	       o->run.at >= place_of(&o->plan, STEP_SETTLE);
}

void drill_hand_over(const struct plan *drill, const struct facts *facts, struct plan *plan, struct facts *to)
{
	to->powered = plan->standby_on = facts->powered;
	plan_choose_steps(plan);
	(void)str_copy(to->boot_id, sizeof(to->boot_id), facts->boot_id);
	(void)str_copy(plan->nonce, sizeof(plan->nonce), drill->nonce);
}

void drill_judge(struct watched *p)
{
	const struct operation *o = &p->op;
	const struct run *r = &o->run;
	struct drill_result *d = &p->drill;
	if (o->plan.kind != PLAN_DRILL || r->err.code == ERR_CANCELLED)
		return;
	const struct run_step_state *ready = &r->state[place_of(&o->plan, STEP_VERIFY_LOCAL)];
	*d = (struct drill_result){ .wall_ms = engine_now(p->e).wall_ms,
				    .ready_ms = ready->done && ready->ended_ms ? ready->ended_ms - o->began_ms : -1,
				    .red = o->end != RUN_DONE,
				    .wanted_wall_ms = d->wanted_wall_ms,
				    .green_wall_ms = o->end == RUN_DONE ? engine_now(p->e).wall_ms : d->green_wall_ms };
	if (d->red)
		snprintf(d->says, sizeof(d->says), "red: %.150s", r->err.text);
	else if (r->facts.degrade[0])
		snprintf(d->says, sizeof(d->says), "green, DEGRADE: %.140s", r->facts.degrade);
	else
		snprintf(d->says, sizeof(d->says), "green");
}

void drill_page(struct watched *p)
{
	if (p->op.plan.kind == PLAN_DRILL && p->op.end == RUN_UNDONE && p->op.run.err.code != ERR_CANCELLED)
		page_send(p, "page", "the drill is RED: a promotion would fail. %.300s", p->op.run.err.text);
}
