/* How pairs and their open operations come back after a restart. The store knows a pair by a number that its name got
 * once and for ever: a configuration that is reordered, or loses a pair, moves nothing to another pair. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "records.h"

/* Nobody has acknowledged it, and the page may have died with the last life. */
static void page_again(struct watched *p)
{
	if (p->unordered_boot[0])
		page_send(p, "page", "ATTACK SIGNAL: boot %s of the standby without an order, not acknowledged yet",
			  p->unordered_boot);
	if (foreign_pending(p))
		foreign_page(p);
}

static struct watched *of_store(struct engine *e, uint32_t store_id)
{
	for (size_t i = 0; i < e->npairs; i++)
		if (e->pairs[i].store_id == store_id)
			return &e->pairs[i];
	return NULL;
}

static uint64_t last_op_of(const struct record *row)
{
	char digits[24];
	if (row->kind == RECORD_PAIR && text_find(row->body, "last_op", digits, sizeof(digits)))
		return strtoull(digits, NULL, 10);
	return row->op;
}

static bool is_taken(const struct record *rows, size_t n, uint32_t store_id)
{
	for (size_t i = 0; i < n; i++)
		if (rows[i].kind == RECORD_PAIR && rows[i].pair == store_id)
			return true;
	return false;
}

/* Numbers of operations and of pairs are never used twice, whether the pair is configured or not. */
static void assign_ids(struct engine *e, const struct record *rows, size_t n)
{
	char name[NAME_MAX_LEN];
	uint32_t top = (uint32_t)e->npairs;
	for (size_t i = 0; i < n; i++) {
		e->last_op = last_op_of(&rows[i]) > e->last_op ? last_op_of(&rows[i]) : e->last_op;
		if (rows[i].kind != RECORD_PAIR)
			continue;
		top = rows[i].pair > top ? rows[i].pair : top;
		uint32_t id = text_find(rows[i].body, "name", name, sizeof(name)) ? engine_pair_id(e, name) : 0;
		if (id)
			e->pairs[id - 1].store_id = rows[i].pair;
	}
	for (size_t i = 0; i < e->npairs; i++)
		if (!e->pairs[i].store_id)
			e->pairs[i].store_id = is_taken(rows, n, e->pairs[i].id) ? ++top : e->pairs[i].id;
}

/* An open operation goes on with the hosts that it began with, or not at all. */
static bool same_hosts(const struct watched *p, struct err *e)
{
	for (int r = 0; r < HOST_ROLES; r++) {
		const struct host_addr *was = &p->op.plan.site.host[r], *is = &p->opts.site.host[r];
		if (strcmp(was->v4, is->v4) == 0 && strcmp(was->v6, is->v6) == 0)
			continue;
		err_set(e, ERR_CONFLICT,
			"it began with another %s (%s %s): configure that host again and restart, or abort to give it "
			"up",
			host_role_name((enum host_role)r), was->v4, was->v6);
		return false;
	}
	return true;
}

static void restore_operation(struct watched *p, const struct record *op, const struct record *rows, size_t n)
{
	struct err err = { 0 };
	struct operation *o = &p->op;
	if (plan_parse(op->body, &o->plan, &err) == ERR_OK) {
		o->plan.pair = p->id;
		o->active = run_replay(&o->run, &o->plan, rows, n, &err) == ERR_OK && same_hosts(p, &err);
	}
	if (!o->active) {
		p->lost_op = op->op;
		strbuf_adds(&p->lost, op->body);
		snprintf(p->lost_why, sizeof(p->lost_why), "%.190s", err.text);
		p->state = PAIR_STUCK;
		page_send(p, "page", "stuck: operation %llu cannot be taken up: %s", (unsigned long long)op->op,
			  err.text);
		return;
	}
	o->open = true;
	o->began_ms = engine_now(p->e).boot_ms;
	p->interlock = o->run.facts.interlock;
	memcpy(p->owed, o->run.facts.owed,
	       sizeof(p->owed)); /* the pair's own row is as old as the last begin or grant */
	engine_log(p->e, 5, p, "operation %llu (%s) is taken up again at %s", (unsigned long long)op->op,
		   plan_kind_name(o->plan.kind), step_name(o->plan.step[o->run.at]));
}

static enum pair_state state_of_kind(enum plan_kind kind)
{
	switch (kind) {
	case PLAN_PROMOTE: return PAIR_PROMOTING;
	case PLAN_DRILL: return PAIR_DRILLING;
	case PLAN_FAILBACK:
	case PLAN_ABORT: break;
	}
	return PAIR_FAILING_BACK;
}

/* What is stored must fit together after a crash between two commits. */
static void settle_state(struct watched *p)
{
	bool over = p->op.run.stuck || p->op.run.mode == RUNNING_OVER;
	if (p->op.open && over && p->state == PAIR_STUCK)
		p->stored_state = p->state; /* its end is durable as well */
	else if (p->op.open)
		p->state = state_of_kind(p->op.plan.kind);
	else if (p->state == PAIR_PROMOTING || p->state == PAIR_DRILLING)
		p->state = PAIR_UNKNOWN; /* its begin never became durable */
	else if (p->state == PAIR_FAILING_BACK)
		p->state = PAIR_PROMOTED;
	p->stored_state = p->state;
	p->row = pair_rule(p->state, PAIR_EV_TAKEN_UP);
	if (p->state >= PAIR_PROMOTING)
		engine_log(p->e, 6, p, "%s: %s [%s]", pair_state_name(p->state), p->row->why, p->row->rule);
	p->told_epoch = p->rights_epoch;
	p->told_accepts = p->standby_accepts;
	memcpy(p->told_rehearse, p->rehearse, sizeof(p->rehearse));
}

void records_restore(struct engine *e, const struct record *rows, size_t n)
{
	struct err err = { 0 };
	assign_ids(e, rows, n);
	for (size_t i = 0; i < n; i++) {
		struct watched *p = of_store(e, rows[i].pair);
		if (rows[i].kind == RECORD_OPERATION && !p)
			engine_log(
				e, 3, NULL,
				"operation %llu is open, and its pair is not configured any more: put the pair back to "
				"end it",
				(unsigned long long)rows[i].op);
		if (rows[i].kind == RECORD_GLOBAL && strcmp(rows[i].key, "brake") == 0)
			brake_parse(rows[i].body, &e->brake);
		else if (rows[i].kind == RECORD_GLOBAL && strcmp(rows[i].key, "lift") == 0 &&
			 hold_parse(rows[i].body, &e->brake.lift, &err))
			engine_log(e, 3, NULL, "lift of the brakes: %s", err.text);
		else if (rows[i].kind == RECORD_PAIR && p && !records_pair_parse(p, rows[i].body))
			engine_log(e, 3, p, "stored state of the pair is not readable");
		else if (rows[i].kind == RECORD_HOLD && p && hold_parse(rows[i].body, &p->hold, &err))
			engine_log(e, 3, p, "%s", err.text);
		else if (rows[i].kind == RECORD_OPERATION && p)
			restore_operation(p, &rows[i], rows, n);
	}
	for (size_t i = 0; i < e->npairs; i++) {
		settle_state(&e->pairs[i]);
		page_again(&e->pairs[i]);
	}
}
