/* What people and agents ask of the engine. Each answer names the rule, and where one exists the command that
 * would work. A change is answered when it is durable. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/base/mem.h"
#include "../core/skip.h"
#include "internal.h"
#include "records.h"

struct request {
	struct watched *p;
	const struct command *cmd;
	command_cb *cb;
	void *arg;
};

static void answer(const struct request *r, const struct command_answer *a)
{
	r->cb(r->arg, a);
}

static void refuse(const struct request *r, const char *rule, const char *hint, const char *fmt, ...) PRINTF_LIKE(4, 5);

static void refuse(const struct request *r, const char *rule, const char *hint, const char *fmt, ...)
{
	struct command_answer a = { .text = "" };
	char text[ERR_TEXT_MAX];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	err_set(&a.err, ERR_BLOCKED, "%s", text);
	(void)str_copy(a.rule, sizeof(a.rule), rule);
	(void)str_copy(a.hint, sizeof(a.hint), hint);
	answer(r, &a);
}

static void hint_for(const struct watched *p, char *out, size_t size)
{
	const char *name = p->opts.site.pair;
	switch (p->state) {
	case PAIR_PROMOTED: snprintf(out, size, "coldmx failback %s --reason ...", name); return;
	case PAIR_STUCK: snprintf(out, size, "coldmx resume %s --reason ..., or coldmx abort", name); return;
	case PAIR_PROMOTING:
	case PAIR_FAILING_BACK:
	case PAIR_DRILLING: snprintf(out, size, "coldmx status %s --watch, or coldmx abort", name); return;
	case PAIR_UP:
		snprintf(out, size, "coldmx plan %s, which shows the steps; coldmx drill tries the standby", name);
		return;
	case PAIR_UNKNOWN:
	case PAIR_SUSPECT:
	case PAIR_DOWN: snprintf(out, size, "coldmx failover %s --reason ...", name); return;
	}
}

static const char *states_for(enum command_kind kind)
{
	switch (kind) {
	case CMD_FAILOVER: return "unknown, suspect or down";
	case CMD_FAILBACK: return "promoted";
	case CMD_DRILL: return "up";
	case CMD_ABORT: return "promoting, drilling, promoted or stuck";
	case CMD_RESUME: return "stuck";
	case CMD_ACK:
	case CMD_HOLD:
	case CMD_RELEASE:
	case CMD_PLAN:
	case CMD_BRAKE_LIFT:
	case CMD_BRAKE_RESTORE: break;
	}
	return "any";
}

static void refuse_by_row(const struct request *r, const struct pair_row *row)
{
	char hint[200];
	const struct health *h = &r->p->health;
	hint_for(r->p, hint, sizeof(hint));
	long long since_s = (long long)(engine_now(r->p->e).boot_ms - h->since_ms) / 1000;
	refuse(r, row->rule, hint, "%s (the pair is %s, needed: %s; the primary is %s for %lld s)", row->why,
	       pair_state_name(r->p->state), states_for(r->cmd->kind), health_verdict_name(h->verdict), since_s);
}

static struct op_request op_request(const struct request *r, enum plan_kind kind)
{
	return (struct op_request){
		.kind = kind, .actor = r->cmd->who, .reason = r->cmd->reason, .answer = r->cb, .answer_arg = r->arg
	};
}

static void describe(const struct request *r, enum plan_kind kind)
{
	struct command_answer a = { 0 };
	struct strbuf text = STRBUF_INIT;
	struct op_request req = op_request(r, kind);
	struct plan plan;
	operate_plan(r->p, &req, &plan);
	plan_describe(&plan, &text);
	plan_token(&plan, r->p->opts.fingerprint, a.token);
	a.text = strbuf_str(&text);
	answer(r, &a);
	plan_fini(&plan);
	strbuf_fini(&text);
}

/* Somebody has read a plan, and the world has moved since: what would be done now is another thing. */
static bool refuse_other_plan(const struct request *r, enum plan_kind kind)
{
	struct op_request req = op_request(r, kind);
	char now[PLAN_TOKEN_SIZE], why[200], hint[NAME_MAX_LEN + 40];
	struct plan plan;
	if (!r->cmd->plan[0])
		return false;
	operate_plan(r->p, &req, &plan);
	plan_token(&plan, r->p->opts.fingerprint, now);
	plan_fini(&plan);
	if (plan_token_same(now, r->cmd->plan, why, sizeof(why)))
		return false;
	snprintf(hint, sizeof(hint), "coldmx plan %s%s", r->p->opts.site.pair,
		 kind == PLAN_FAILBACK ? " --failback" : "");
	refuse(r, "plan-changed", hint, "not the plan that was read (%.40s, now %s); changed: %s", r->cmd->plan, now,
	       why);
	return true;
}

/* What is being written to the journal is over in a moment, and only then known to be so. */
static bool refuse_settling(const struct request *r)
{
	const struct operation *o = &r->p->op;
	if (o->beginning || o->ending)
		refuse(r, "settling", "", "an operation is just %s: try again in a second",
		       o->ending ? "ending" : "beginning");
	return o->beginning || o->ending;
}

/* A drill of a living primary becomes no promotion; one that switches the standby off just now is waited for. */
static bool refuse_during_drill(const struct request *r)
{
	const struct watched *p = r->p;
	char hint[NAME_MAX_LEN + 60];
	if (p->state != PAIR_DRILLING)
		return false;
	snprintf(hint, sizeof(hint), "coldmx abort %s --reason ..., which ends the drill", p->opts.site.pair);
	if (p->health.verdict == HEALTH_UP)
		refuse(r, "up-failover", hint, "%s", pair_rule(PAIR_UP, PAIR_EV_FAILOVER)->why);
	else if (drill_leaves(p))
		refuse(r, "settling", "", "the drill is just switching the standby off: try again when it is over");
	return p->health.verdict == HEALTH_UP || drill_leaves(p);
}

static void begin(const struct request *r, enum pair_event event, enum plan_kind kind)
{
	const struct pair_row *row = pair_rule(r->p->state, event);
	struct op_request req = op_request(r, kind);
	if (row->action == PAIR_ACT_REFUSE) {
		refuse_by_row(r, row);
		return;
	}
	if (refuse_settling(r) || refuse_during_drill(r) || refuse_other_plan(r, kind))
		return;
	if (r->cmd->dry_run) {
		describe(r, kind);
		return;
	}
	if (r->cmd->confirm_fenced) {
		if (!confirm_start(r->p, r->cmd, r->cb, r->arg))
			refuse(r, "settling", "", "such a confirmation is being looked at: try again in a second");
		return;
	}
	watch_fire(r->p, event);
	operate_begin(r->p, &req);
}

/* What cannot be taken up again is taken off the table; what it left behind is the operator's to see to. */
static void abandon(const struct request *r)
{
	struct watched *p = r->p;
	operate_latch(p); /* before the look afresh, which might act */
	watch_fire(p, PAIR_EV_ABORT);
	p->stored_state = p->state;
	records_abandon(p, r->cmd->who, r->cmd->reason, r->cb, r->arg);
	p->lost_op = 0;
}

/* Everything was undone: the operation is taken off the table. */
static void clear(const struct request *r)
{
	struct watched *p = r->p;
	bool open = p->op.open;
	if (p->op.plan.kind != PLAN_DRILL)
		operate_latch(p);
	if (open)
		operate_clear(p, r->cmd->who, r->cmd->reason, r->cb, r->arg);
	watch_fire(p, PAIR_EV_ABORT);
	if (open)
		return;
	p->stored_state = p->state; /* its end is durable already: a higher epoch took its place */
	records_save_for_op(p, r->cmd->who, "abort", r->cmd->reason, r->cb, r->arg);
}

static void cancel(const struct request *r)
{
	struct watched *p = r->p;
	char reason[240];
	snprintf(reason, sizeof(reason), "aborted by %s: %.150s", r->cmd->who, r->cmd->reason);
	watch_fire(p, PAIR_EV_ABORT);
	p->aborted_op = p->op.plan.op;
	if (p->op.plan.kind != PLAN_DRILL) /* who ends a drill says nothing against a promotion */
		operate_latch(p);
	records_save_for_op(p, r->cmd->who, "abort", r->cmd->reason, r->cb, r->arg);
	operate_cancel(p, reason);
}

/* Before the point of no return an abort undoes; after it (and once promoted) it is an operation of its own. */
static void abort_operation(const struct request *r)
{
	struct watched *p = r->p;
	if (p->lost_op) {
		abandon(r);
		return;
	}
	const struct operation *o = &p->op;
	bool late = p->state == PAIR_PROMOTED || (o->open && o->run.past_no_return);
	bool undone = p->state == PAIR_STUCK && o->active && o->run.mode == RUNNING_OVER;
	enum pair_event event = late ? PAIR_EV_ABORT_LATE : PAIR_EV_ABORT;
	const struct pair_row *row = pair_rule(p->state, event);
	char hint[NAME_MAX_LEN + 40];
	snprintf(hint, sizeof(hint), "coldmx resume %s --reason ...", p->opts.site.pair);
	if (row->action == PAIR_ACT_REFUSE || (late && o->plan.kind != PLAN_PROMOTE)) {
		if (row->action == PAIR_ACT_REFUSE)
			refuse_by_row(r, row);
		else
			refuse(r, "way-back", hint, "the way back cannot be aborted, only resumed");
		return;
	}
	if (late)
		begin(r, event, PLAN_ABORT);
	else if (o->ending)
		(void)refuse_settling(r);
	else if (p->state == PAIR_STUCK && o->run.mode == RUNNING_BACK)
		refuse(r, "half-undone", hint, "the undo is not finished: resume goes on with it");
	else if (p->state == PAIR_STUCK && !undone)
		refuse(r, "way-back", hint, "%s is stuck: it cannot be aborted, only resumed",
		       plan_kind_name(o->plan.kind));
	else if (undone)
		clear(r);
	else
		cancel(r);
}

/* Promoted, and the standby takes no mail: the same steps once more; there is no way back but failback and abort. */
static void open_again(const struct request *r)
{
	struct op_request req = op_request(r, PLAN_PROMOTE);
	if (!standby_is_dead(r->p)) {
		char hint[200];
		hint_for(r->p, hint, sizeof(hint));
		refuse(r, "standby-serves", hint, "the standby is not seen dead: there is nothing to resume");
		return;
	}
	req.again = true;
	watch_fire(r->p, PAIR_EV_RESUME);
	operate_begin(r->p, &req);
}

static void skip_step(const struct request *r, enum pair_event event)
{
	struct watched *p = r->p;
	char what[NAME_MAX_LEN];
	snprintf(what, sizeof(what), "skip-%.40s", r->cmd->skip);
	operate_note_left_on(p, r->cmd->who);
	watch_fire(p, event);
	p->stored_state = p->state;
	records_save_for_op(p, r->cmd->who, what, r->cmd->reason, r->cb, r->arg);
	operate_skip(p, r->cmd->who, r->cmd->reason);
}

/* Only the step in which it is stuck, and only one that a person can answer for. */
static bool refuse_skip(const struct request *r, const struct pair_row *row)
{
	const struct run *run = &r->p->op.run;
	const char *name = r->p->opts.site.pair;
	char hint[200];
	if (!r->p->op.active || !run->stuck || run->mode == RUNNING_OVER) {
		refuse(r, "nothing-to-skip", "", "no step is stuck: there is nothing to skip");
		return true;
	}
	if (r->p->op.committing) {
		refuse(r, "settling", "", "that it is stuck is just being written: try again in a second");
		return true;
	}
	if (row->action == PAIR_ACT_REFUSE) {
		refuse_by_row(r, row);
		return true;
	}
	enum step_id step = run->plan->step[run->at];
	const char *at_hand = step_name(step), *veto = step_skip_veto(step, run->mode == RUNNING_BACK);
	if (strcmp(at_hand, r->cmd->skip) != 0) {
		snprintf(hint, sizeof(hint), "coldmx resume %s --skip %s --reason ...", name, at_hand);
		refuse(r, "not-at-hand", veto ? "" : hint, "it is stuck in %s, not in %.40s", at_hand, r->cmd->skip);
		return true;
	}
	snprintf(hint, sizeof(hint), "coldmx resume %s --reason ..., when what the error names is mended", name);
	if (veto)
		refuse(r, "never-skipped", hint, "%s is never skipped: %s", at_hand, veto);
	return veto != NULL;
}

static enum pair_event resume_event(enum plan_kind kind)
{
	switch (kind) {
	case PLAN_PROMOTE: return PAIR_EV_RESUME;
	case PLAN_DRILL: return PAIR_EV_RESUME_DRILL;
	case PLAN_FAILBACK:
	case PLAN_ABORT: break;
	}
	return PAIR_EV_RESUME_BACK;
}

static void resume(const struct request *r)
{
	struct watched *p = r->p;
	enum pair_event event = resume_event(p->op.plan.kind);
	const struct pair_row *row = pair_rule(p->state, event);
	if (p->lost_op) {
		refuse(r, "lost-operation", "coldmx abort", "operation %llu cannot be taken up: %s",
		       (unsigned long long)p->lost_op, p->lost_why);
		return;
	}
	if (refuse_settling(r))
		return;
	if (r->cmd->skip[0]) {
		if (!refuse_skip(r, row))
			skip_step(r, event);
		return;
	}
	if (p->state == PAIR_PROMOTED) {
		open_again(r);
		return;
	}
	if (row->action == PAIR_ACT_REFUSE || !p->op.active) {
		refuse_by_row(r, row);
		return;
	}
	if (p->op.run.mode == RUNNING_OVER && p->op.plan.kind == PLAN_PROMOTE && p->health.verdict == HEALTH_UP) {
		char hint[200];
		snprintf(hint, sizeof(hint), "coldmx abort %s --reason ...",
			 p->opts.site.pair); /* takes it off the table */
		refuse(r, "up-failover", hint, "%s", pair_rule(PAIR_UP, PAIR_EV_FAILOVER)->why);
		return;
	}
	if (p->op.run.mode == RUNNING_OVER) { /* undone: the same again, as a new operation */
		struct op_request req = op_request(r, p->op.plan.kind);
		watch_fire(p, event);
		operate_begin(p, &req);
		return;
	}
	watch_fire(p, event);
	p->stored_state = p->state;
	records_save_for_op(p, r->cmd->who, "resume", r->cmd->reason, r->cb, r->arg);
	operate_resume(p);
}

static void save(const struct request *r, const char *what)
{
	engine_touch(r->p);
	records_save(r->p, r->cmd->who, what, r->cmd->reason, r->cb, r->arg);
}

static void set_hold(const struct request *r)
{
	struct watched *p = r->p;
	struct instant now = engine_now(p->e);
	if (r->cmd->expires_wall_ms <= now.wall_ms) {
		struct command_answer a = { .text = "" };
		err_set(&a.err, ERR_INVALID, "a hold needs an expiry in the future: --for \"2 h\"");
		answer(r, &a);
		return;
	}
	p->hold =
		(struct hold){ .set = true, .since_wall_ms = now.wall_ms, .expires_wall_ms = r->cmd->expires_wall_ms };
	(void)str_copy(p->hold.owner, sizeof(p->hold.owner), r->cmd->who);
	(void)str_copy(p->hold.reason, sizeof(p->hold.reason), r->cmd->reason);
	save(r, "hold");
}

static void release(const struct request *r)
{
	if (!r->p->hold.set) {
		refuse(r, "no-hold", "coldmx hold", "no hold is set: there is nothing to release");
		return;
	}
	memset(&r->p->hold, 0, sizeof(r->p->hold));
	save(r, "release");
}

/* What is not durable yet cannot be acknowledged: the latch that is still being written would come after. */
static void acknowledge(const struct request *r)
{
	if (refuse_settling(r))
		return;
	r->p->latched = false;
	r->p->foreign_acked = r->p->foreign_epoch;
	r->p->unordered_boot[0] = r->p->left_on_by[0] = '\0';
	save(r, "ack");
}

static void pair_command(const struct request *r)
{
	const struct command *cmd = r->cmd;
	switch (cmd->kind) {
	case CMD_FAILOVER: begin(r, PAIR_EV_FAILOVER, PLAN_PROMOTE); return;
	case CMD_FAILBACK: begin(r, PAIR_EV_FAILBACK, PLAN_FAILBACK); return;
	case CMD_DRILL: begin(r, PAIR_EV_DRILL, PLAN_DRILL); return;
	case CMD_ABORT: abort_operation(r); return;
	case CMD_RESUME: resume(r); return;
	case CMD_ACK: acknowledge(r); return;
	case CMD_HOLD: set_hold(r); return;
	case CMD_RELEASE: release(r); return;
	case CMD_PLAN: describe(r, cmd->failback ? PLAN_FAILBACK : PLAN_PROMOTE); return;
	case CMD_BRAKE_LIFT:
	case CMD_BRAKE_RESTORE: return; /* of no pair */
	}
}

void engine_command(struct engine *e, const struct command *cmd, command_cb *cb, void *arg)
{
	struct command_answer a = { .text = "" };
	bool brake = cmd->kind == CMD_BRAKE_LIFT || cmd->kind == CMD_BRAKE_RESTORE;
	uint32_t id = brake ? 0 : engine_pair_id(e, cmd->pair);
	if (!id && !brake)
		err_set(&a.err, ERR_NOT_FOUND, "no pair is named \"%s\"", cmd->pair);
	else if (!e->ready)
		err_set(&a.err, ERR_AGAIN, "the controller is still reading its journal");
	else if (!cmd->reason[0] && cmd->kind != CMD_PLAN && !cmd->dry_run)
		err_set(&a.err, ERR_INVALID, "a reason is required: --reason \"...\"");
	else if (cmd->plan[0] && cmd->kind != CMD_FAILOVER && cmd->kind != CMD_FAILBACK)
		err_set(&a.err, ERR_INVALID, "a plan's token belongs to failover and failback");
	else if (cmd->confirm_fenced && cmd->kind != CMD_FAILOVER)
		err_set(&a.err, ERR_INVALID, "confirm_fenced belongs to failover");
	else if (cmd->skip[0] && cmd->kind != CMD_RESUME)
		err_set(&a.err, ERR_INVALID, "a step is skipped by resume only");
	if (a.err.code)
		cb(arg, &a);
	else if (brake)
		brakes_command(e, cmd, cb, arg);
	else if (id)
		pair_command(&(struct request){ &e->pairs[id - 1], cmd, cb, arg });
}
