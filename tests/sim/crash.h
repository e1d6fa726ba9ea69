/*
 * Purpose:   the exhaustive pass: each scenario once for each commit and submit it makes, crashed before or after it.
 * Not its job: random faults (schedule.h).
 * Thread:    one.   Errors: 1 when a run broke a promise or did not come home.
 */
#ifndef SIM_CRASH_H
#define SIM_CRASH_H

#include "coverage.h"

int crash_all(struct coverage *coverage);
int crash_replay(struct coverage *coverage, const char *scenario, uint64_t point, bool after);

#endif
