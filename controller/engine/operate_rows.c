/* See operate_rows.h. */
#include "operate_rows.h"

#include <stdio.h>

#include "../../common/base/mem.h"
#include "records.h"

void operate_rows_plan(const struct plan *plan, const char *status, struct strbuf *out)
{
	text_put(out, "status", status);
	plan_format(plan, out);
}

void operate_rows_add(struct operate_batch *b, size_t body, enum record_kind kind, const struct watched *p,
		      const char *key)
{
	struct record *rec = &b->rec[b->n++];
	*rec = (struct record){ .kind = kind,
				.pair = kind == RECORD_GLOBAL ? 0 : p->id,
				.op = p->op.plan.op,
				.body = strbuf_str(&b->body[body]) };
	if (kind == RECORD_PAIR || kind == RECORD_GLOBAL || kind == RECORD_AUDIT)
		rec->op = 0;
	(void)str_copy(rec->key, sizeof(rec->key), key);
}

enum pair_event operate_end_event(const struct operation *o)
{
	switch (o->end) {
	case RUN_DONE: return PAIR_EV_OP_DONE;
	case RUN_UNDONE:
		if (o->plan.kind == PLAN_DRILL)
			return PAIR_EV_OP_UNDONE; /* red or not, the primary serves as before */
		if (o->plan.kind == PLAN_FAILBACK)
			return PAIR_EV_OP_BACK; /* the standby still has the mail, whatever the reason */
		return o->run.err.code == ERR_CANCELLED ? PAIR_EV_OP_UNDONE : PAIR_EV_OP_STUCK;
	case RUN_STUCK:
	case RUN_FENCED: return PAIR_EV_OP_STUCK;
	}
	return PAIR_EV_OP_STUCK;
}

static const char *end_status(const struct operation *o)
{
	switch (o->end) {
	case RUN_DONE: return "ended-done";
	case RUN_UNDONE:
		return operate_end_event(o) == PAIR_EV_OP_STUCK ? "undone"
								: "ended-undone"; /* open: a person must look */
	case RUN_STUCK: return "stuck";
	case RUN_FENCED: return "ended-fenced";
	}
	return "?";
}

void operate_rows_operation(struct operate_batch *b, const struct watched *p)
{
	const struct operation *o = &p->op;
	operate_rows_plan(&o->plan, o->ending ? end_status(o) : "running", &b->body[0]);
	operate_rows_add(b, 0, RECORD_OPERATION, p, "");
	if (o->beginning && o->closed_op)
		b->rec[b->n++] = (struct record){
			.kind = RECORD_OPERATION, .pair = p->id, .op = o->closed_op, .body = strbuf_str(&o->closed)
		};
	const char *event = o->cleared_by[0] ? "abort" : o->ending ? run_end_name(o->end) : "begin";
	const char *who = o->cleared_by[0] ? o->cleared_by : o->plan.automatic ? "auto" : o->plan.actor;
	const char *why = o->ending && o->run.err.code ? o->run.err.text : o->plan.reason;
	char what[48];
	snprintf(what, sizeof(what), "%s-%s", plan_kind_name(o->plan.kind), event);
	records_audit(p, who, o->cleared_by[0] ? event : what, o->cleared_by[0] ? o->cleared_why : why,
		      engine_now(p->e), &b->body[1]);
	text_put_i64(&b->body[1], "op", (int64_t)o->plan.op);
	if (o->plan.nonce[0])
		text_put(&b->body[1], "boot_order", o->plan.nonce);
	if (o->ending && o->run.facts.held[0])
		text_put(&b->body[1], o->run.facts.proven_off ? "off_by" : "cut_off_by", o->run.facts.held);
	char key[NAME_MAX_LEN]; /* once, however often its commit is tried */
	snprintf(key, sizeof(key), "op-%llu-%u-%s", (unsigned long long)o->plan.op, o->run.seq, event);
	operate_rows_add(b, 1, RECORD_AUDIT, p, key);
	if (o->beginning && o->plan.automatic) {
		brake_format(&p->e->brake, &b->body[2]);
		operate_rows_add(b, 2, RECORD_GLOBAL, p, "brake");
	}
}
