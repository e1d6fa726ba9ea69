/* See exec.h. Whether and how a verb goes wrong is decided when it is submitted; what it does, when it runs. */
#include "exec.h"

#include <stdlib.h>
#include <string.h>

#include "../../common/base/mem.h"
#include "levels.h"
#include "promises.h"

struct job_ref {
	uint64_t ticket;
	enum trouble trouble;
};

static struct job *find_job(struct world *w, uint64_t ticket)
{
	for (struct job *j = w->exec.jobs; j; j = j->next)
		if (j->ticket == ticket)
			return j;
	return NULL;
}

static void unlink_job(struct world *w, const struct job *job)
{
	for (struct job **at = &w->exec.jobs; *at; at = &(*at)->next) {
		if (*at == job) {
			*at = job->next;
			return;
		}
	}
}

void exec_perform(struct world *w, const struct verb *v, struct outcome *out)
{
	switch (v->kind) {
	case VERB_POWER_ON:
	case VERB_POWER_OFF:
	case VERB_POWER_STATUS: host_power_verb(w, v, out); return;
	case VERB_FENCE_ON:
	case VERB_FENCE_OFF:
	case VERB_FENCE_STATUS: level_verb(w, v, out); return;
	case VERB_HOST_RUN: host_run_word(w, &world_pair(w, v->guard.pair)->host[v->u.host.target], v, out); return;
	case VERB_SMTP_CHECK: net_smtp_check(w, v, out); return;
	case VERB_DNS_GET:
	case VERB_DNS_SWAP:
	case VERB_DNS_VERIFY: dns_verb(w, v, out); return;
	case VERB_QUEUE_EXPORT: {
		const struct host *h = &world_pair(w, v->guard.pair)->host[v->u.queue.target];
		if (!net_ssh(w, h))
			err_set(&out->err, ERR_UNREACH, "%s does not answer SSH", host_role_name(h->role));
		else if (!senders_export(w, (uint8_t)(v->guard.pair - 1), v->u.queue.queue_id))
			err_set(&out->err, ERR_NOT_FOUND, "no such message");
		else
			memset(out->u.text, 'a', 64);
		return;
	}
	case VERB_NOTIFY: return;
	case VERB_HEARTBEAT: w->coverage->beats++; return;
	}
}

/* ---- troubles ---- */

static enum trouble power_trouble(struct world *w, const struct verb *v, uint8_t pair)
{
	bool change = v->kind != VERB_POWER_STATUS;
	if (world_fault(w, pair, FAULT_POWER_HANGS))
		return TROUBLE_TIMEOUT;
	if (world_fault(w, pair, FAULT_POWER_FLAKY) && dice_roll(&w->clock.dice, 2))
		return TROUBLE_TEMP;
	return change && world_fault(w, pair, FAULT_POWER_FAILS) ? TROUBLE_PERM : TROUBLE_NONE;
}

static enum trouble ssh_trouble(struct world *w, enum host_role role, uint8_t pair)
{
	static const struct {
		enum fault fault;
		enum trouble trouble;
	} list[] = {
		{ FAULT_SSH_TEMP, TROUBLE_TEMP }, { FAULT_SSH_PERM, TROUBLE_PERM },
		{ FAULT_SSH_AUTH, TROUBLE_AUTH }, { FAULT_SSH_TIMEOUT, TROUBLE_TIMEOUT },
		{ FAULT_SSH_LOST, TROUBLE_LOST },
	};
	for (size_t i = 0; i < ARRAY_LEN(list); i++)
		if (world_fault(w, pair, list[i].fault) && w->pair[pair].fault_arg[list[i].fault] == (uint8_t)role)
			return list[i].trouble;
	return TROUBLE_NONE;
}

static enum trouble dns_trouble(struct world *w, const struct verb *v, uint8_t pair)
{
	if (v->kind == VERB_DNS_VERIFY)
		return TROUBLE_NONE;
	if (world_fault(w, pair, FAULT_DNS_DEAD))
		return dice_roll(&w->clock.dice, 2) ? TROUBLE_UNREACH : TROUBLE_TIMEOUT;
	if (world_fault(w, pair, FAULT_DNS_AUTH))
		return TROUBLE_AUTH;
	return v->kind == VERB_DNS_SWAP && world_fault(w, pair, FAULT_DNS_LOST) ? TROUBLE_LOST : TROUBLE_NONE;
}

static enum trouble choose_trouble(struct world *w, const struct verb *v)
{
	uint8_t pair = v->guard.pair ? (uint8_t)(v->guard.pair - 1) : 0; /* faults of hooks are of all pairs */
	if (world_fault(w, pair, FAULT_LOCAL) && dice_roll(&w->clock.dice, 2))
		return TROUBLE_LOCAL;
	if (v->kind == VERB_HEARTBEAT)
		return world_fault(w, pair, FAULT_NOTIFY) ? TROUBLE_TIMEOUT : TROUBLE_NONE; /* it hangs */
	if (v->kind == VERB_NOTIFY)
		return world_fault(w, pair, FAULT_NOTIFY) ? TROUBLE_TEMP : TROUBLE_NONE;
	if (world_fault(w, pair, FAULT_CUT_OFF))
		return TROUBLE_UNREACH;
	switch (v->kind) {
	case VERB_POWER_ON:
	case VERB_POWER_OFF:
	case VERB_POWER_STATUS: return power_trouble(w, v, pair);
	case VERB_FENCE_ON:
	case VERB_FENCE_OFF:
	case VERB_FENCE_STATUS: return level_trouble(w, v, pair);
	case VERB_HOST_RUN: return ssh_trouble(w, v->u.host.target, pair);
	case VERB_QUEUE_EXPORT: return ssh_trouble(w, v->u.queue.target, pair);
	case VERB_DNS_GET:
	case VERB_DNS_SWAP:
	case VERB_DNS_VERIFY: return dns_trouble(w, v, pair);
	case VERB_SMTP_CHECK:
	case VERB_NOTIFY:
	case VERB_HEARTBEAT: break;
	}
	return TROUBLE_NONE;
}

/* True: the verb has its effect all the same. */
static bool take_trouble(struct world *w, enum trouble trouble, struct outcome *out)
{
	switch (trouble) {
	case TROUBLE_NONE: return true;
	case TROUBLE_TEMP: err_set(&out->err, ERR_AGAIN, "simulated: try again"); return false;
	case TROUBLE_PERM: err_set(&out->err, ERR_FAILED, "simulated: failed"); return false;
	case TROUBLE_AUTH: err_set(&out->err, ERR_AUTH, "simulated: key not accepted"); return false;
	case TROUBLE_TIMEOUT:
		err_set(&out->err, ERR_TIMEOUT, "simulated: no reply in time");
		return dice_roll(&w->clock.dice, 2);
	case TROUBLE_LOST:
		err_set(&out->err, ERR_UNKNOWN, "simulated: the reply was lost");
		return dice_roll(&w->clock.dice, 2);
	case TROUBLE_UNREACH: err_set(&out->err, ERR_UNREACH, "simulated: no route"); return false;
	case TROUBLE_LOCAL: err_set(&out->err, ERR_LOCAL, "simulated: too many open files"); return false;
	}
	return true;
}

/* ---- the port ---- */

static void cover_outcome(struct world *w, const struct job *j)
{
	const struct ghost_op *op = ghost_find_op(&world_pair(w, j->verb.guard.pair)->ghost, j->verb.op);
	if (!op || j->verb.step >= op->nsteps || !j->outcome.err.code)
		return;
	enum err_class cls = err_code_class(j->outcome.err.code);
	enum cover c = j->outcome.err.code == ERR_TIMEOUT                ? COVER_TIMEOUT
		       : cls == ERR_CLASS_TEMP || cls == ERR_CLASS_LOCAL ? COVER_TEMP
									 : COVER_PERM;
	w->coverage->step[op->step[j->verb.step]][c]++;
}

static void job_run(struct world *w, void *data)
{
	const struct job_ref *ref = data;
	struct job *j = find_job(w, ref->ticket);
	if (!j || j->performed)
		return;
	j->performed = true;
	bool happens = take_trouble(w, ref->trouble, &j->outcome);
	struct err err = j->outcome.err;
	if (happens)
		exec_perform(w, &j->verb, &j->outcome);
	if (err.code)
		j->outcome.err = err;
}

static void job_end(struct world *w, void *data)
{
	const struct job_ref *ref = data;
	struct job *j = find_job(w, ref->ticket);
	if (!j)
		return;
	if (j->cancelled)
		err_set(&j->outcome.err, ERR_CANCELLED, "cancelled");
	else if (!j->performed)
		err_set(&j->outcome.err, ERR_TIMEOUT, "no reply in time");
	unlink_job(w, j);
	world_trace(w, "outcome %s: %s %s", verb_kind_name(j->verb.kind), err_code_name(j->outcome.err.code),
		    j->outcome.err.text);
	if (j->verb.op)
		cover_outcome(w, j);
	j->cb(j->arg, j->ticket, &j->outcome);
	free(j);
}

static void add_event(struct world *w, event_fn *fn, uint64_t ticket, enum trouble trouble, int64_t delay_ms)
{
	struct job_ref *ref = mem_calloc(1, sizeof(*ref));
	*ref = (struct job_ref){ ticket, trouble };
	world_after(w, delay_ms, fn, ref, w->life);
}

static int64_t choose_delay_ms(struct world *w, const struct verb *v, enum trouble trouble)
{
	int64_t left_ms = v->deadline_ms - world_now(w).boot_ms;
	int64_t took_ms = dice_span(&w->clock.dice, 4, 60);
	if (trouble == TROUBLE_TIMEOUT)
		took_ms = left_ms;
	else if (trouble == TROUBLE_UNREACH)
		took_ms = 1000;
	else if (v->kind == VERB_HOST_RUN && !net_ssh(w, &world_pair(w, v->guard.pair)->host[v->u.host.target]))
		took_ms = 1000;
	else if (v->kind == VERB_POWER_ON || v->kind == VERB_POWER_OFF || v->kind == VERB_FENCE_ON ||
		 v->kind == VERB_FENCE_OFF)
		took_ms = dice_span(&w->clock.dice, 50, 400);
	if (took_ms > left_ms)
		took_ms = left_ms;
	return took_ms > 1 ? took_ms : 1;
}

static bool is_fence(const struct verb *v)
{
	return v->kind == VERB_FENCE_ON || v->kind == VERB_FENCE_OFF || v->kind == VERB_FENCE_STATUS;
}

static void trace_verb(const struct world *w, const struct verb *v, uint64_t ticket)
{
	world_trace(w, "verb %llu op %llu step %u: %s %s", (unsigned long long)ticket, (unsigned long long)v->op,
		    v->step, verb_kind_name(v->kind),
		    v->kind == VERB_HOST_RUN   ? v->u.host.words
		    : v->kind == VERB_NOTIFY   ? v->u.notify.text
		    : v->kind == VERB_DNS_SWAP ? v->u.dns.zone
		    : is_fence(v)              ? v->u.fence.level
					       : "");
}

/* Sessions are kept for one operation of a pair at a time: who takes over ends the one before. */
static void keep_session(struct world *w, const struct verb *v)
{
	uint64_t *kept = &w->exec.session_op[v->guard.pair];
	if (v->kind != VERB_HOST_RUN || !v->op)
		return;
	if (*kept && *kept != v->op)
		world_fail(w, 6, "operation %llu runs, the sessions of operation %llu were never closed",
			   (unsigned long long)v->op, (unsigned long long)*kept);
	*kept = v->op;
}

static uint64_t port_submit(void *ctx, const struct verb *verb, outcome_cb *cb, void *arg)
{
	struct world *w = ctx;
	struct outcome lost = { 0 };
	uint64_t ticket = ++w->exec.last;
	bool apply;
	if (w->crashed)
		return ticket;
	w->coverage->verbs++;
	trace_verb(w, verb, ticket);
	promise_6_intent(w, verb);
	promise_12_deadline(w, verb);
	if (verb->kind == VERB_HEARTBEAT && w->store.ok_ms != w->clock.now_ms)
		world_fail(w, 6, "a heartbeat goes out, and nothing has just become durable");
	keep_session(w, verb);
	if (world_crash_point(w, &apply)) {
		if (apply)
			exec_perform(w, verb, &lost);
		return ticket;
	}
	struct job *j = mem_calloc(1, sizeof(*j));
	*j = (struct job){ .next = w->exec.jobs, .ticket = ticket, .verb = *verb, .cb = cb, .arg = arg };
	w->exec.jobs = j;
	if (verb->kind == VERB_FENCE_OFF) /* as it is decided; the order may be on its way when the controller stops */
		promise_14_fence(w, verb);
	enum trouble trouble = choose_trouble(w, verb);
	int64_t took_ms = choose_delay_ms(w, verb, trouble);
	add_event(w, job_run, ticket, trouble, took_ms / 2);
	add_event(w, job_end, ticket, trouble, took_ms);
	return ticket;
}

static void port_cancel(void *ctx, uint64_t ticket)
{
	struct world *w = ctx;
	struct job *j = w->crashed ? NULL : find_job(w, ticket);
	if (!j || j->cancelled)
		return;
	j->cancelled = true;
	if (!j->performed) {
		j->performed = true;
		if (dice_roll(&w->clock.dice, 2))
			exec_perform(w, &j->verb, &j->outcome);
	}
	add_event(w, job_end, ticket, TROUBLE_NONE, 5);
}

static void port_op_ended(void *ctx, uint64_t op)
{
	struct world *w = ctx;
	for (size_t i = 0; i < ARRAY_LEN(w->exec.session_op); i++)
		if (w->exec.session_op[i] == op)
			w->exec.session_op[i] = 0;
}

const struct exec_ops sim_exec_ops = { port_submit, port_cancel, port_op_ended };

void exec_crash(struct world *w)
{
	memset(w->exec.session_op, 0, sizeof(w->exec.session_op));
	while (w->exec.jobs) {
		struct job *j = w->exec.jobs;
		w->exec.jobs = j->next;
		if (!j->performed && verb_has_effect(&j->verb) && dice_roll(&w->clock.dice, 2) && j->verb.guard.pair &&
		    !world_fault(w, (uint8_t)(j->verb.guard.pair - 1), FAULT_CUT_OFF))
			exec_perform(w, &j->verb, &j->outcome);
		free(j);
	}
}
