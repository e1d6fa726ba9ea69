/* One operation of a pair: the run's answers become commits, verbs and timers; what comes back goes to the run.
 * The begin is one transaction: pair, plan, audit, budget and the first step's intent. So is the end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/base/mem.h"
#include "../core/skip.h"
#include "internal.h"
#include "operate_rows.h"
#include "records.h"

#define COMMIT_RETRY_MS 500

static void feed(struct watched *p, const struct run_in *in);
static void submit_commit(void *arg);

static void fill_nonce(struct watched *p, char *out, size_t size)
{
	uint8_t bytes[12];
	size_t n = 0;
	p->e->ports.random(p->e->ports.random_ctx, bytes, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes) && n + 3 <= size; i++)
		n += (size_t)snprintf(out + n, size - n, "%02x", bytes[i]);
}

static void turn_zones(struct plan *plan, bool swap)
{
	for (size_t i = 0; swap && i < plan->site.nzones; i++) {
		struct mx_set before = plan->site.zones[i].before;
		plan->site.zones[i].before = plan->site.zones[i].after;
		plan->site.zones[i].after = before;
	}
}

void operate_plan(struct watched *p, const struct op_request *req, struct plan *out)
{
	struct instant now = engine_now(p->e);
	memset(out, 0, sizeof(*out));
	out->kind = req->kind;
	out->pair = p->id;
	out->op = p->e->last_op + 1;
	out->epoch = foreign_top(p) + 1;
	out->automatic = req->automatic;
	out->again = req->again;
	out->confirmed = req->confirmed;
	out->began = now;
	memcpy(out->owed, p->op.active ? p->op.run.facts.owed : p->owed, sizeof(out->owed));
	(void)str_copy(out->actor, sizeof(out->actor), req->actor);
	(void)str_copy(out->reason, sizeof(out->reason), req->reason);
	(void)str_copy(out->maps_sha256, sizeof(out->maps_sha256), p->maps_sha256);
	out->maps_age_ms = p->maps_wall_ms ? now.wall_ms - p->maps_wall_ms : 0;
	out->maps_stale = out->maps_age_ms > p->opts.maps_max_age_ms;
	plan_site_copy(&out->site, &p->opts.site);
	/* towards the primary; under `standing` nothing was swapped */
	turn_zones(out, plan_gives_back(req->kind) && out->site.strategy != DNS_STANDING);
	for (size_t i = 0; req->again && i < out->site.nzones; i++)
		out->site.zones[i].before = out->site.zones[i].after; /* it is published already */
	plan_choose_steps(out);
}

static void drop_operation(struct operation *o)
{
	if (o->active)
		plan_fini(&o->plan);
	run_out_fini(&o->out);
	strbuf_fini(&o->closed);
	memset(o, 0, sizeof(*o));
}

static void drop_timer(struct watched *p)
{
	if (p->op.timer)
		p->e->ports.time->drop(p->e->ports.time_ctx, p->op.timer);
	p->op.timer = 0;
}

static void drop_timers(struct watched *p)
{
	drop_timer(p);
	if (p->op.retry_timer)
		p->e->ports.time->drop(p->e->ports.time_ctx, p->op.retry_timer);
	p->op.retry_timer = 0;
}

/* What the last operation still has out must not come back to the next one. */
static void let_go(struct watched *p)
{
	drop_timers(p);
	if (p->op.ticket)
		p->e->ports.exec->cancel(p->e->ports.exec_ctx, p->op.ticket);
	if (p->op.open) /* taken over: its sessions end with it */
		p->e->ports.exec->op_ended(p->e->ports.exec_ctx, p->op.plan.op);
	p->stale_commits += p->op.committing;
}

void operate_latch(struct watched *p)
{
	p->latched = true;
	p->latch_ms = engine_now(p->e).boot_ms;
}

void operate_begin(struct watched *p, const struct op_request *req)
{
	struct operation *o = &p->op;
	struct plan plan;
	operate_plan(p, req, &plan);
	if (plan_boots(req->kind))
		fill_nonce(p, plan.nonce, sizeof(plan.nonce));
	struct facts carried = o->run.facts, handed = { 0 };
	struct strbuf closed = STRBUF_INIT;
	uint64_t closed_op = o->open ? o->plan.op : 0;
	if (closed_op && o->plan.kind == PLAN_DRILL)
		drill_hand_over(&o->plan, &carried, &plan, &handed);
	if (closed_op)
		operate_rows_plan(&o->plan, "ended-superseded", &closed);
	let_go(p);
	drop_operation(o);
	o->closed = closed;
	o->closed_op = closed_op;
	o->plan = plan;
	o->active = o->open = o->beginning = true;
	o->answer = req->answer;
	o->answer_arg = req->answer_arg;
	o->began_ms = plan.began.boot_ms;
	run_init(&o->run, &o->plan);
	o->run.facts.powered = handed.powered;
	(void)str_copy(o->run.facts.boot_id, sizeof(handed.boot_id), handed.boot_id);
	o->run.facts.interlock = p->interlock; /* the way back begins with the interlock on, and keeps it */
	if (req->kind == PLAN_ABORT)
		o->run.facts.stranded = carried.stranded;
	p->order_unseen = req->kind == PLAN_ABORT && closed_op && carried.powered && !carried.boot_id[0];
	p->e->last_op = plan.op;
	p->epoch = plan.epoch;
	if (plan.nonce[0])
		(void)str_copy(p->nonce, sizeof(p->nonce), plan.nonce);
	if (plan.automatic)
		brake_spend(&p->e->brake, plan.began);
	if (plan.automatic || req->kind == PLAN_ABORT)
		operate_latch(p);
	feed(p, &(struct run_in){ .ev = RUN_BEGIN });
}

/* ---- commits ---- */

/* The record that makes a grant durable is also what agents are told, once it is (committed). */
static bool note_grants(struct watched *p, const struct run_out *out)
{
	for (size_t i = 0; i < out->nrec; i++) {
		char accept[32], epoch[24];
		if (out->rec[i].kind != RECORD_GRANT)
			continue;
		if (text_find(out->rec[i].body, "accept", accept, sizeof(accept)) &&
		    text_find(out->rec[i].body, "epoch", epoch, sizeof(epoch))) {
			p->rights_epoch = strtoull(epoch, NULL, 10);
			p->standby_accepts = strstr(accept, "standby") != NULL;
			if (!text_find(out->rec[i].body, "rehearse", p->rehearse, sizeof(p->rehearse)))
				p->rehearse[0] = '\0';
			return true;
		}
	}
	return false;
}

/* The boot that answered `connect` is ours, unless it was told of before. */
static void learn_boot(struct watched *p, const char *boot_id)
{
	char why[160];
	if (!boot_id[0] || strcmp(p->boot_id, boot_id) == 0)
		return;
	(void)str_copy(p->boot_id, sizeof(p->boot_id), boot_id);
	if (!plan_boots(p->op.plan.kind))
		return;
	snprintf(why, sizeof(why), "boot %s of the standby, order %s", boot_id, p->op.plan.nonce);
	records_boot(p, "coldmxd", "ordered-boot", why, boot_id, p->op.plan.nonce);
}

static uint32_t strands(const struct run_out *out)
{
	uint32_t n = 0;
	for (size_t i = 0; i < out->nrec; i++)
		n += out->rec[i].kind == RECORD_STRANDED;
	return n;
}

bool operate_unsettled(const struct watched *p)
{
	const struct operation *o = &p->op;
	return o->beginning || o->ending || strands(&o->out);
}

static void learn(struct watched *p)
{
	const struct facts *f = &p->op.run.facts;
	p->interlock = f->interlock;
	memcpy(p->owed, f->owed, sizeof(p->owed));
	learn_boot(p, f->boot_id);
	for (int r = 0; r < HOST_ROLES; r++)
		if (f->stands_at[r])
			foreign_reported(p, (enum host_role)r, (uint64_t)f->stands_at[r]);
}

static void settle_end(struct watched *p)
{
	struct operation *o = &p->op;
	enum pair_event event = operate_end_event(o);
	o->end_state = pair_rule(p->state, event)->next;
	drill_judge(p);
	if (o->end == RUN_STUCK)
		return;
	bool settled = o->end == RUN_UNDONE || (o->end == RUN_DONE && o->plan.kind != PLAN_PROMOTE);
	if (settled)
		p->epoch = o->plan.epoch + 1;            /* the undo and the settling used it */
	if (o->end == RUN_DONE && !o->run.facts.left_on) /* switched off, or promoted: nobody left it on */
		p->left_on_by[0] = '\0';
	if (settled && o->plan.kind != PLAN_FAILBACK)
		p->standby_accepts = false;
	bool cancelled = o->plan.kind == PLAN_PROMOTE && o->end == RUN_UNDONE && o->run.err.code == ERR_CANCELLED;
	/* By recovery, and only the latch that this operation set: nothing was promoted; the budget stays spent. */
	if (cancelled && o->plan.automatic && p->aborted_op != o->plan.op && p->health.verdict == HEALTH_UP)
		p->latched = false;
}

static void ended(struct watched *p)
{
	struct operation *o = &p->op;
	enum pair_event event = operate_end_event(o);
	bool keep_open = o->end == RUN_STUCK || (o->end == RUN_UNDONE && event == PAIR_EV_OP_STUCK);
	o->ending = false;
	o->open = keep_open;
	p->order_unseen = p->order_unseen && (keep_open || o->run.facts.left_on);
	o->ended_ms = engine_now(p->e).boot_ms;
	p->e->ports.exec->op_ended(p->e->ports.exec_ctx, o->plan.op);
	if (event == PAIR_EV_OP_BACK && o->run.err.code)
		page_send(p, "page", "failback undone: %s", o->run.err.text);
	drill_page(p);
	p->last_event = event;
	watch_fire(p, event);
}

static void answer_durable(struct watched *p, enum store_rc rc)
{
	struct operation *o = &p->op;
	struct command_answer a = { .op = o->plan.op, .text = "" };
	if (!o->answer)
		return;
	if (rc != STORE_OK)
		err_set(&a.err, ERR_STALE, "a higher epoch is stored for this pair: another controller acts");
	engine_show(p);
	o->answer(o->answer_arg, &a);
	o->answer = NULL;
}

static void committed(void *arg, enum store_rc rc)
{
	struct watched *p = arg;
	struct operation *o = &p->op;
	struct engine *e = p->e;
	if (e->stopping)
		return;
	if (p->stale_commits) {
		p->stale_commits--;
		return;
	}
	o->committing = false;
	if (rc == STORE_AWAY || rc == STORE_UNKNOWN) {
		/* rows are keyed by (op, seq): writing them again is the same as once */
		o->retry_timer =
			e->ports.time->at(e->ports.time_ctx, engine_now(e).boot_ms + COMMIT_RETRY_MS, submit_commit, p);
		return;
	}
	if (rc == STORE_OK) {
		learn(p);
		p->told_epoch = p->rights_epoch;
		p->told_accepts = p->standby_accepts;
		memcpy(p->told_rehearse, p->rehearse, sizeof(p->rehearse));
	}
	run_out_fini(&o->out);
	memset(&o->out, 0, sizeof(o->out));
	if (o->beginning || o->ending)
		answer_durable(p, rc);
	o->beginning = false;
	engine_touch(p);
	if (o->ending)
		ended(p);
	else if (rc == STORE_OK && evidence_holds_back(p))
		evidence_wait(p);
	else
		feed(p, &(struct run_in){ .ev = RUN_COMMITTED, .rc = rc });
}

static void submit_commit(void *arg)
{
	struct watched *p = arg;
	struct operation *o = &p->op;
	struct operate_batch b = { .n = 0 };
	o->retry_timer = 0;
	if (p->e->stopping)
		return;
	bool grants = note_grants(p, &o->out);
	if (o->beginning || o->ending) {
		operate_rows_operation(&b, p);
		p->stored_state = o->ending ? o->end_state : p->state;
	}
	if (o->beginning || o->ending || grants || strands(&o->out)) {
		records_pair(p, &b.body[3]);
		operate_rows_add(&b, 3, RECORD_PAIR, p, "");
	}
	for (size_t i = 0; i < o->out.nrec; i++)
		b.rec[b.n++] = o->out.rec[i];
	for (size_t i = 0; i < b.n; i++)
		if (b.rec[i].pair)
			b.rec[i].pair = p->store_id;
	/* the end of a fenced operation is told under what the pair has now */
	struct txn txn = { { p->store_id, o->ending ? p->epoch : o->plan.epoch }, b.rec, b.n };
	o->committing = true;
	p->e->ports.store->commit(p->e->ports.store_ctx, &txn, committed, p);
	for (size_t i = 0; i < ARRAY_LEN(b.body); i++)
		strbuf_fini(&b.body[i]);
}

/* ---- verbs and time ---- */

static void have_outcome(void *arg, uint64_t ticket, const struct outcome *outcome)
{
	struct watched *p = arg;
	if (ticket != p->op.ticket || p->e->stopping)
		return;
	p->op.ticket = 0;
	if (evidence_holds_back(p))
		evidence_wait(p); /* the step is entered anew later, as after a crash */
	else
		feed(p, &(struct run_in){ .ev = RUN_OUTCOME, .outcome = outcome });
}

static void woke(void *arg)
{
	struct watched *p = arg;
	p->op.timer = 0;
	if (evidence_holds_back(p))
		evidence_wait(p);
	else
		feed(p, &(struct run_in){ .ev = RUN_WOKE });
}

static void run_ended(struct watched *p, enum run_end end)
{
	p->op.end = end;
	p->op.ending = true;
	settle_end(p);
	submit_commit(p);
}

static void feed(struct watched *p, const struct run_in *in)
{
	struct engine *e = p->e;
	struct run_out out;
	if (e->stopping)
		return;
	run_step(&p->op.run, in, engine_now(e), &out);
	engine_touch(p);
	switch (out.act) {
	case RUN_NOTHING: break;
	case RUN_COMMIT:
		p->stranded += strands(&out); /* once, however often the commit is tried */
		p->op.out = out;              /* records point into its bodies, which move with it as pointers */
		submit_commit(p);
		return;
	case RUN_VERB: p->op.ticket = e->ports.exec->submit(e->ports.exec_ctx, &out.verb, have_outcome, p); break;
	case RUN_SLEEP: p->op.timer = e->ports.time->at(e->ports.time_ctx, out.wake_ms, woke, p); break;
	case RUN_END: run_ended(p, out.end); break;
	}
	run_out_fini(&out);
}

static bool may_cancel(const struct operation *o)
{
	return o->open && !o->run.past_no_return && o->run.mode == RUNNING_FORWARD && !o->ending && !o->run.cancelled;
}

void operate_cancel(struct watched *p, const char *reason)
{
	struct operation *o = &p->op;
	if (!may_cancel(o))
		return;
	if (o->ticket)
		p->e->ports.exec->cancel(p->e->ports.exec_ctx, o->ticket);
	drop_timer(p);
	o->waiting = false;
	feed(p, &(struct run_in){ .ev = RUN_CANCEL, .reason = reason });
}

void operate_resume(struct watched *p)
{
	feed(p, &(struct run_in){ .ev = RUN_RESUME });
}

void operate_note_left_on(struct watched *p, const char *who)
{
	const struct run *r = &p->op.run;
	bool back = r->mode == RUNNING_BACK;
	if (!step_skip_leaves_on(r->plan->step[r->at], back))
		return;
	(void)str_copy(p->left_on_by, sizeof(p->left_on_by), who);
	p->order_unseen |= back && r->facts.powered && !r->facts.boot_id[0];
}

void operate_skip(struct watched *p, const char *who, const char *why)
{
	char note[160];
	snprintf(note, sizeof(note), "skipped by %.50s: %.90s", who, why);
	feed(p, &(struct run_in){ .ev = RUN_SKIP, .reason = note });
}

/* After a restart. What reached its end, or got stuck, just before it is not known as such outside its journal:
 * the pair, the operation's row and the page are made good for. */
void operate_take_up(struct watched *p)
{
	if (p->op.run.stuck)
		run_ended(p, RUN_STUCK);
	else if (p->aborted_op == p->op.plan.op && may_cancel(&p->op))
		operate_cancel(p, "aborted by an operator before the controller restarted");
	else if (evidence_holds_back(p))
		evidence_wait(p);
	else
		operate_resume(p);
}

void operate_clear(struct watched *p, const char *who, const char *why, command_cb *answer, void *arg)
{
	struct operation *o = &p->op;
	(void)str_copy(o->cleared_by, sizeof(o->cleared_by), who);
	(void)str_copy(o->cleared_why, sizeof(o->cleared_why), why);
	o->open = false;
	o->ending = true;
	o->end = RUN_UNDONE;
	err_set(&o->run.err, ERR_CANCELLED, "cleared by an operator: %.200s", o->run.err.text);
	o->end_state = pair_rule(p->state, PAIR_EV_ABORT)->next;
	o->answer = answer;
	o->answer_arg = arg;
	submit_commit(p);
}

void operate_fini(struct watched *p)
{
	drop_timers(p);
	drop_operation(&p->op);
	confirm_fini(p);
}
