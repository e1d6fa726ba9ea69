/*
 * Purpose:   random schedules from a seed: what happens when; running one, shrinking one that fails, printing it.
 * Not its job: what an action does (apply.h).
 * Thread:    one.   Errors: 1 when a schedule fails.   Units: _ms since the world began.
 */
#ifndef SIM_SCHEDULE_H
#define SIM_SCHEDULE_H

#include "coverage.h"

/* plain: stops at the first failure, and does not shrink it. */
int schedule_random(struct coverage *coverage, uint64_t seed, int64_t seconds, bool plain);
/* keep: "3,7,9" = only these entries happen; NULL = all. */
int schedule_replay(struct coverage *coverage, uint64_t seed, const char *keep);

#endif
