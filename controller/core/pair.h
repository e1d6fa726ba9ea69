/*
 * Purpose:   the pair's machine: one table, state x event -> next state, action, rule id and reason.
 * Not its job: doing the action (engine), the verdict (health), the vetoes (engine asks brake and hold and
 *            chooses between PAIR_EV_DOWN_ACT and PAIR_EV_DOWN_VETOED).
 * Thread:    any; pure.   Errors: none; every cell of the table is written, ignoring is a row too.
 */
#ifndef COLDMX_PAIR_H
#define COLDMX_PAIR_H

#include <stdbool.h>

#include "../../common/base/strbuf.h"

enum pair_state {
	PAIR_UNKNOWN,
	PAIR_UP,
	PAIR_SUSPECT,
	PAIR_DOWN,
	PAIR_PROMOTING,
	PAIR_PROMOTED,
	PAIR_FAILING_BACK,
	PAIR_DRILLING,
	PAIR_STUCK,
};
#define PAIR_STATES 9

enum pair_event {
	PAIR_EV_UNKNOWN, /* verdict UNKNOWN */
	PAIR_EV_UP,      /* verdict UP, confirmed */
	PAIR_EV_SUSPECT,
	PAIR_EV_DOWN_VETOED, /* verdict DOWN, and something forbids to act */
	PAIR_EV_DOWN_ACT,    /* verdict DOWN, automatic mode, no veto */
	PAIR_EV_WOUNDED,
	PAIR_EV_FAILOVER, /* operator */
	PAIR_EV_FAILBACK,
	PAIR_EV_DRILL,
	PAIR_EV_ABORT,        /* operator, operation before its point of no return or none */
	PAIR_EV_ABORT_LATE,   /* operator, promotion past its point of no return */
	PAIR_EV_RESUME,       /* operator, a promotion */
	PAIR_EV_RESUME_BACK,  /* operator, a failback or an abort */
	PAIR_EV_RESUME_DRILL, /* operator, a drill */
	PAIR_EV_TAKEN_UP,     /* the controller has restarted, and this is what its journal says */
	PAIR_EV_OP_DONE,      /* the running operation reached its end */
	PAIR_EV_OP_UNDONE,    /* it was cancelled and everything is undone */
	PAIR_EV_OP_BACK,      /* a failback was cancelled: the standby still holds the mail */
	PAIR_EV_OP_STUCK,
};
#define PAIR_EVENTS 19

enum pair_action {
	PAIR_ACT_NONE,
	PAIR_ACT_HURRY, /* probe fast */
	PAIR_ACT_CALM,  /* probe at the usual pace */
	PAIR_ACT_PAGE,  /* tell a person */
	PAIR_ACT_PROMOTE,
	PAIR_ACT_FAILBACK,
	PAIR_ACT_DRILL,
	PAIR_ACT_CANCEL, /* undo the running operation */
	PAIR_ACT_ABORT,  /* start the abort operation */
	PAIR_ACT_RESUME,
	PAIR_ACT_SETTLE, /* an operation ended: evaluate afresh */
	PAIR_ACT_REFUSE, /* a command that makes no sense now: the reason is the answer */
};

struct pair_row {
	enum pair_state next;
	enum pair_action action;
	const char *rule; /* stable id, reaches log, audit, JSON */
	const char *why;
};

/* Never NULL. */
const struct pair_row *pair_rule(enum pair_state state, enum pair_event event);
const char *pair_state_name(enum pair_state state);
const char *pair_event_name(enum pair_event event);
const char *pair_action_name(enum pair_action action);
bool pair_state_parse(const char *name, enum pair_state *out);
/* The table as a diagram; rows that stay and do nothing are left out. */
void pair_print_dot(struct strbuf *out);
void pair_print_mermaid(struct strbuf *out);

#endif
