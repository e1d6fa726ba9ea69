/* A promotion acts only while its reason stands. Until the point of no return each of its moves looks at the verdict
 * again: after a restart, a suspension or a cut of our own it waits for fresh evidence instead of going on blind. A
 * primary that answers again cancels it (watch.c); one of which nothing is known for too long cancels it here. */
#include <stdio.h>

#include "internal.h"

#define WAIT_BOOTS 2 /* so many boot limits: as long as an undo may take */

static bool reason_stands(const struct watched *p)
{
	const struct health *h = &p->health;
	struct err err = { 0 };
	if (p->op.plan.automatic)
		return h->verdict == HEALTH_DOWN && brake_check_mass(&p->e->brake, engine_now(p->e), &err) == ERR_OK;
	if (h->verdict == HEALTH_UNKNOWN) /* an operator's order stands where nothing more can be learnt */
		return engine_now(p->e).boot_ms >= p->e->grace_until_ms;
	return h->verdict != HEALTH_UP;
}

bool evidence_holds_back(const struct watched *p)
{
	const struct run *r = &p->op.run;
	if (p->op.plan.kind != PLAN_PROMOTE || r->mode != RUNNING_FORWARD || r->past_no_return || r->stuck)
		return false;
	return !r->cancelled && !reason_stands(p);
}

void evidence_wait(struct watched *p)
{
	struct operation *o = &p->op;
	struct run_step_state *s = &o->run.state[o->run.at];
	o->run.in_flight = false;
	o->waiting = true;
	o->waiting_since_ms = engine_now(p->e).boot_ms;
	snprintf(s->note, sizeof(s->note), "waits: the primary's verdict is %s, not known to be down",
		 health_verdict_name(p->health.verdict));
	watch_hurry(p, true);
	engine_touch(p);
}

void evidence_reconsider(struct watched *p)
{
	struct operation *o = &p->op;
	int64_t limit_ms = WAIT_BOOTS * o->plan.site.boot_ms;
	if (!o->waiting)
		return;
	if (!evidence_holds_back(p)) {
		o->waiting = false;
		o->run.state[o->run.at].note[0] = '\0';
		operate_resume(p);
	} else if (engine_now(p->e).boot_ms - o->waiting_since_ms > limit_ms) {
		char why[160];
		snprintf(why, sizeof(why), "for %lld s nothing has said that the primary is down: verdict %s",
			 (long long)limit_ms / 1000, health_verdict_name(p->health.verdict));
		operate_cancel(p, why);
	}
}
