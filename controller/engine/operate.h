/*
 * Purpose:   one operation of a pair, from its begin to its end: the run, and what of it is out at the ports.
 * Not its job: whether it may begin (watch.c, command.c), what its steps do (step/).
 * Thread:    loop.   Ownership: a pair owns its operation.   Units: _ms.
 */
#ifndef COLDMX_ENGINE_OPERATE_H
#define COLDMX_ENGINE_OPERATE_H

#include "../core/journal.h"
#include "engine.h"

#define TXN_RECORDS_MAX 10

struct watched;

struct operation {
	struct plan plan;
	struct run run;
	bool active;            /* plan and run are valid: running, stuck or last */
	bool open;              /* not ended: commands and replay concern it */
	uint64_t ticket;        /* verb in flight; 0 = none */
	uint64_t timer;         /* sleeping; 0 = no */
	struct run_out out;     /* what is being committed; kept for the retry */
	bool beginning, ending; /* this commit also begins or ends the operation */
	uint64_t retry_timer;
	bool committing; /* a commit is out */
	bool waiting;    /* for fresh evidence (evidence.c): nothing is out, the step is entered anew */
	int64_t waiting_since_ms;
	enum pair_state end_state;
	struct strbuf closed; /* the operation that this one takes over from, marked as ended */
	uint64_t closed_op;
	enum run_end end;
	command_cb *answer; /* the command that waits for the begin, or for the end, to be durable */
	void *answer_arg;
	char cleared_by[NAME_MAX_LEN], cleared_why[200]; /* a person took it off the table */
	int64_t began_ms, ended_ms;
};

struct op_request {
	enum plan_kind kind;
	const char *actor, *reason;
	bool automatic, again;
	bool confirmed; /* the actor says that the primary is off, and nothing spoke against it */
	command_cb *answer;
	void *answer_arg;
};
void operate_plan(struct watched *p, const struct op_request *req, struct plan *out);
void operate_begin(struct watched *p, const struct op_request *req);
/* No automatic promotion until `ack` or the cool-down: after one, and after an operator said no. */
void operate_latch(struct watched *p);
/* What it changes of the pair is on its way to the store: nothing else of the pair may overtake that. */
bool operate_unsettled(const struct watched *p);
void operate_cancel(struct watched *p, const char *reason);
void operate_resume(struct watched *p);
/* Behind the step in which it is stuck; whether that may be is asked before (core/skip.h). */
void operate_skip(struct watched *p, const char *who, const char *why);
/* A skipped power-off leaves on a boot that was ordered, whether it was seen or not. */
void operate_note_left_on(struct watched *p, const char *who);
void operate_take_up(struct watched *p); /* after a restart */
/* An operator takes a stuck, undone operation off the table; answered when that is durable. */
void operate_clear(struct watched *p, const char *who, const char *why, command_cb *answer, void *arg);
void operate_fini(struct watched *p);

#endif
