/*
 * Purpose:   what the runs have reached: rows of the pair's machine, faults at steps, schedules; printed at the end.
 * Not its job: passing or failing.
 * Thread:    one.   Ownership: values; lives longer than a world.
 */
#ifndef SIM_COVERAGE_H
#define SIM_COVERAGE_H

#include "../../controller/core/pair.h"
#include "../../controller/core/plan.h"

enum cover { COVER_CRASH, COVER_TEMP, COVER_PERM, COVER_TIMEOUT, COVER_CANCEL };
#define COVERS 5

struct coverage {
	uint64_t schedules, events, faults, with_operation, operations, promotions, failbacks, aborts, drills;
	uint64_t lives, verbs, commits, acked, stranded, skips, beats;
	uint64_t row[PAIR_STATES][PAIR_EVENTS];
	uint64_t step[STEP_IDS][COVERS];
};

void coverage_rule(struct coverage *c, const char *rule);
void coverage_verdict(struct coverage *c, enum pair_state state, enum pair_event event);
void coverage_add(struct coverage *sum, const struct coverage *c);
void coverage_print(const struct coverage *c);

#endif
