/*
 * Purpose:   what an observer outside knows of a pair: counted by itself, from what passed the ports.
 * Not its job: the comparisons (promises.h).
 * Thread:    one.   Ownership: part of the world.   Units: _ms since the world began.
 */
#ifndef SIM_GHOST_H
#define SIM_GHOST_H

#include "../../controller/engine/engine.h"
#include "dns.h"

struct world;

struct ghost_op {
	uint64_t op, epoch;
	enum plan_kind kind;
	bool automatic, scheduled, ended;
	size_t nsteps;
	enum step_id step[PLAN_STEPS_MAX];
	int64_t limit_ms[PLAN_STEPS_MAX];
	uint32_t begun; /* bit a step: its begin is durable */
	bool turned_back;
	int64_t progress_ms; /* last durable row of it */
	bool stuck;
	size_t at; /* step of the last row submitted */
	bool past_no_return;
	bool aborted; /* by the operator */
};

#define GHOST_OPS_MAX 32

struct ghost {
	struct ghost_op op[GHOST_OPS_MAX];
	size_t nops;
	/* evidence as it was told to this life of the controller */
	int dead[FAMILIES], alive[FAMILIES];
	int64_t blind_ms;        /* last moment of a fault on the controller's side; -1 = never */
	int64_t serves_since_ms; /* in truth, whatever the controller knows; -1: it does not */
	int64_t ssh_since_ms;    /* the primary would answer SSH; -1: it would not */
	int64_t last_ms[FAMILIES];
	int64_t dead_from_ms[FAMILIES], dead_to_ms[FAMILIES]; /* starts of the streak's first and last dead round */
	bool agent_serving;
	int64_t agent_ms;
	bool seen_up;          /* up_after living rounds in a row, in any life */
	int64_t down_since_ms; /* -1: the evidence does not say down */
	/* automatic promotions */
	bool latched;
	int64_t latch_ms;
	/* epochs */
	uint64_t top_epoch;        /* of any durable operation or grant */
	uint64_t told[HOST_ROLES]; /* highest epoch stored at each host */
	uint64_t glass;            /* of the last broken glass; 0 = none */
	uint64_t reported;         /* highest epoch that an agent told the controller in this life of it */
	uint32_t reported_life;
	/* what is published: per zone the sets that we or the configuration made */
	struct mx_set published[SIM_ZONES];
	uint64_t swap_epoch[SIM_ZONES];
	/* commands by people */
	uint32_t asked_failback, asked_abort, asked_resume, begun_back;
	uint32_t asked_failover, asked_drill, begun_drill;
	uint32_t operator_rows; /* durable audit rows of what the operator asked for */
	bool held;
	size_t ack_asked, release_asked; /* numbers of the questions: an answer to an older one undoes neither */
	int64_t hold_until_ms;
	uint64_t fenced_op; /* a commit of it was answered FENCED */
	uint64_t judged_op; /* its evidence was looked at, in this life */
	uint32_t judged_life;
};

void ghost_init(struct world *w, uint8_t pair);
void ghost_new_life(struct world *w);
void ghost_forget(struct world *w); /* suspension: samples are worthless */
void ghost_probe(struct world *w, uint8_t pair, enum host_role role, int family, const struct probe_result *r);
void ghost_reference(struct world *w, int index, const struct probe_result *r);
struct ghost_op *ghost_find_op(struct ghost *g, uint64_t op);
/* A commit is asked for; what it would make durable is looked at before it is. */
void ghost_submitted(struct world *w, const struct txn *txn);
/* It is durable. */
void ghost_durable(struct world *w, const struct record *rec);
void ghost_audit(struct world *w, const struct record *rec); /* one that was not there before */
int ghost_auto_today(const struct world *w, int64_t wall_ms);

#endif
