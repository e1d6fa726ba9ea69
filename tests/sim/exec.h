/*
 * Purpose:   the executor's port: one verb, a delay, its effect, its outcome; and what can go wrong on the way.
 * Not its job: the effects themselves (hosts, dns, net).
 * Thread:    one.   Ownership: jobs are its own.   Errors: in the outcome.   Units: _ms since the world began.
 */
#ifndef SIM_EXEC_H
#define SIM_EXEC_H

#include "../../controller/ports.h"

struct world;

/* How a verb goes wrong. */
enum trouble {
	TROUBLE_NONE,
	TROUBLE_TEMP,
	TROUBLE_PERM,
	TROUBLE_AUTH,
	TROUBLE_TIMEOUT,
	TROUBLE_LOST,
	TROUBLE_UNREACH,
	TROUBLE_LOCAL,
};

struct job {
	struct job *next;
	uint64_t ticket;
	struct verb verb;
	outcome_cb *cb;
	void *arg;
	bool performed, cancelled, told;
	struct outcome outcome;
};

struct exec {
	struct job *jobs;
	uint64_t last;
	uint64_t session_op[17]; /* by pair: whose SSH sessions are kept; 0 = none */
};

extern const struct exec_ops sim_exec_ops;

/* The controller died: each effect in flight happened or not. */
void exec_crash(struct world *w);
void exec_perform(struct world *w, const struct verb *v, struct outcome *out);

#endif
