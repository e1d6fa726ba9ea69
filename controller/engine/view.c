/* A pair as its readers see it: one value, complete, built on the loop. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../../common/base/mem.h"
#include "internal.h"

static const char *step_state(const struct run *r, size_t i)
{
	const struct run_step_state *s = &r->state[i];
	if (s->skipped)
		return "skipped";
	if (s->undone && s->begun)
		return "undone";
	bool undoes = i == r->at && r->mode == RUNNING_BACK;
	if (s->done && !undoes)
		return "done";
	if (i == r->at && s->begun && r->stuck)
		return "failed";
	if (undoes && s->begun)
		return "undoing";
	if (i == r->at && s->begun)
		return "running";
	return s->begun ? "failed" : "waiting";
}

static void view_step(const struct run *r, size_t i, struct instant now, struct view_step *out)
{
	const struct run_step_state *s = &r->state[i];
	out->name = step_name(r->plan->step[i]);
	(void)str_copy(out->state, sizeof(out->state), step_state(r, i));
	(void)str_copy(out->note, sizeof(out->note), s->note);
	out->took_ms = -1;
	if (!s->began_ms)
		return;
	out->took_ms = (s->ended_ms ? s->ended_ms : now.boot_ms) - s->began_ms;
	out->own_ms = s->ended_ms ? out->took_ms - s->waited_ms : 0;
}

static const char *op_status(const struct operation *o)
{
	if (o->run.stuck)
		return "stuck";
	if (o->run.mode == RUNNING_BACK)
		return "undoing";
	if (o->run.mode == RUNNING_OVER)
		return o->run.state[o->plan.nsteps - 1].done ? "done" : "undone";
	return "running";
}

static void view_op(const struct watched *p, struct instant now, struct view_op *out)
{
	const struct operation *o = &p->op;
	out->op = o->plan.op;
	(void)str_copy(out->kind, sizeof(out->kind), plan_kind_name(o->plan.kind));
	(void)str_copy(out->status, sizeof(out->status), op_status(o));
	out->past_no_return = o->run.past_no_return;
	(void)str_copy(out->actor, sizeof(out->actor), o->plan.automatic ? "auto" : o->plan.actor);
	(void)str_copy(out->reason, sizeof(out->reason), o->plan.reason);
	out->began_wall_ms = o->plan.began.wall_ms;
	out->took_ms = (o->ended_ms ? o->ended_ms : now.boot_ms) - o->began_ms;
	out->nsteps = o->plan.nsteps;
	for (size_t i = 0; i < o->plan.nsteps; i++) {
		view_step(&o->run, i, now, &out->step[i]);
		if (step_no_return(o->plan.kind, o->plan.step[i]))
			out->no_return = step_name(o->plan.step[i]);
	}
	memcpy(out->held, o->run.facts.held, sizeof(out->held));
	out->proven_off = o->run.facts.proven_off;
	out->err = o->run.err;
}

static PRINTF_LIKE(3, 4) void also(char *out, size_t size, const char *fmt, ...)
{
	va_list ap;
	size_t len = strlen(out);
	if (len && len + 3 < size)
		len += (size_t)snprintf(out + len, size - len, "; ");
	va_start(ap, fmt);
	vsnprintf(out + len, size - len, fmt, ap);
	va_end(ap);
}

static void trouble_of_hosts(const struct watched *p, char *out, size_t size)
{
	for (enum host_role role = HOST_PRIMARY; role <= HOST_STANDBY; role++) {
		const char *name = host_role_name(role);
		if (p->silence_paged[role])
			also(out, size, "%s: its agent is silent", name);
		else if (p->agent_trouble[role][0] && !p->agent_silent[role])
			also(out, size, "%s: %.100s", name, p->agent_trouble[role]);
	}
}

static void view_trouble(const struct watched *p, char *out, size_t size)
{
	const struct health *h = &p->health;
	const char *degrade = p->op.active && p->state == PAIR_PROMOTED ? p->op.run.facts.degrade : "";
	char words[240];
	out[0] = '\0';
	if (standby_is_dead(p))
		snprintf(out, size, "the STANDBY takes no mail: `coldmx resume %s` opens it again", p->opts.site.pair);
	else if (p->lost_op)
		snprintf(out, size, "operation %llu cannot be taken up: %.150s", (unsigned long long)p->lost_op,
			 p->lost_why);
	else if (p->state == PAIR_DOWN)
		also(out, size, "not acting: %.180s", p->veto);
	if (p->state == PAIR_PROMOTED && h->verdict == HEALTH_UP)
		also(out, size, "the primary is back: the standby's mail waits for `coldmx failback`");
	if (h->opts.references && h->isolated)
		also(out, size, "no reference host answers: the controller itself is cut off, nothing is concluded");
	if (h->refuses)
		also(out, size, "the primary refuses our probe with 5xx");
	if (h->busy_only)
		also(out, size, "the primary answers only 4xx");
	for (int f = 0; f < FAMILIES; f++)
		if (h->degraded[f])
			also(out, size, "IPv%c of the primary is down; the other family answers",
			     f == FAMILY_V4 ? '4' : '6');
	if (foreign_pending(p)) {
		foreign_words(p, words, sizeof(words));
		also(out, size, "%s", words);
	}
	if (p->e->beat.missed)
		also(out, size, "no heartbeat goes out: %.150s", p->e->beat.why);
	trouble_of_hosts(p, out, size);
	if (p->drill_overdue)
		also(out, size, "no green drill for too long");
	if (p->left_on_by[0])
		also(out, size, "the standby was left on by %.60s: switch it off, then `coldmx ack %s`", p->left_on_by,
		     p->opts.site.pair);
	if (degrade[0])
		also(out, size, "DEGRADE: %.180s", degrade);
}

void view_build(struct watched *p, struct pair_view *out)
{
	struct instant now = engine_now(p->e);
	memset(out, 0, sizeof(*out));
	out->id = p->id;
	out->store_id = p->store_id;
	(void)str_copy(out->name, sizeof(out->name), p->opts.site.pair);
	(void)str_copy(out->primary_site, sizeof(out->primary_site), p->opts.primary_site);
	out->state = p->state;
	out->mode = p->opts.mode;
	out->verdict = p->health.verdict;
	out->verdict_since_wall_ms = now.wall_ms - (now.boot_ms - p->health.since_ms);
	out->epoch = p->epoch;
	snprintf(out->own, sizeof(out->own), "primary");
	snprintf(out->accept, sizeof(out->accept), "%s", p->told_accepts ? "primary,standby" : "primary");
	(void)str_copy(out->rule, sizeof(out->rule), p->row->rule);
	(void)str_copy(out->why, sizeof(out->why), p->row->why);
	out->held = hold_active(&p->hold, now);
	out->hold = p->hold;
	int64_t left_ms = p->opts.cooldown_ms - (now.boot_ms - p->latch_ms);
	out->brake = p->e->brake;
	out->latched = p->latched && left_ms > 0;
	out->cooldown_left_ms = out->latched ? left_ms : 0;
	out->seen_up = p->seen_up;
	memcpy(out->family_degraded, p->health.degraded, sizeof(out->family_degraded));
	view_trouble(p, out->trouble, sizeof(out->trouble));
	out->nconditions = watch_conditions(p, out->condition, VIEW_CONDITIONS_MAX);
	for (int r = 0; r < HOST_ROLES; r++) {
		out->agent[r] = p->agent[r];
		out->agent_age_ms[r] = p->agent_ms[r] ? now.boot_ms - p->agent_ms[r] : -1;
		out->agent_known[r] = !p->agent_silent[r] && p->agent[r].present;
	}
	memcpy(out->owed, p->owed, sizeof(out->owed));
	out->maps_age_ms = p->maps_sha256[0] ? now.wall_ms - p->maps_wall_ms : -1;
	(void)str_copy(out->unordered_boot, sizeof(out->unordered_boot), p->unordered_boot);
	out->queue_waiting = out->agent_known[HOST_STANDBY] ? p->agent[HOST_STANDBY].queue : -1;
	out->stranded = p->stranded;
	out->drill = p->drill;
	out->has_op = p->op.active;
	if (p->op.active)
		view_op(p, now, &out->op);
	out->built_boot_ms = p->viewed_ms = now.boot_ms;
	out->built_wall_ms = now.wall_ms;
}
