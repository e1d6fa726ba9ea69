/*
 * Purpose:   DESIGN's promises as comparisons: one function a promise, asked after each event and at each effect.
 * Not its job: gathering what they compare with (ghost.h).
 * Thread:    one.   Errors: world_fail with the promise's number and both sides of the comparison.
 */
#ifndef SIM_PROMISES_H
#define SIM_PROMISES_H

#include "../../controller/core/journal.h"
#include "world.h"

/* After every event. */
/* A person had this step (or its undo) skipped. */
void promise_skipped(struct world *w, uint8_t pair, enum step_id step, bool back);
void promises_check(struct world *w);
/* An automatic promotion is being made durable: promises 1, 2 and 7. */
void promise_1_evidence(struct world *w, uint8_t pair);
void promise_2_our_side(struct world *w, uint8_t pair);
void promise_7_brakes(struct world *w, uint8_t pair);
/* What begins without a person begins by its rules: a drill by schedule. */
void promise_7_timetable(struct world *w, uint8_t pair);
void promise_3_grant(struct world *w, struct host *h, uint64_t epoch, bool stored);
void promise_3_learn(struct world *w, struct host *h, uint64_t epoch);
/* A person's word that the primary is off is about to count. */
void promise_3_confirmed(struct world *w, uint8_t pair);
/* The journal says what fencing came to. */
void promise_3_fenced(struct world *w, uint8_t pair, const struct journal_row *row);
void promise_4_swap(struct world *w, struct dns_zone *zone, const struct verb *v);
void promise_5_verified(struct world *w, const struct host *standby, const char *what);
void promise_6_intent(struct world *w, const struct verb *v);
void promise_8_by_hand(struct world *w, uint8_t pair, const struct ghost_op *op);
void promise_14_fence(struct world *w, const struct verb *v);
void promise_9_power(struct world *w, const struct host *h);
void promise_9_message(struct world *w, uint8_t pair, uint32_t id, bool acked, uint8_t where);
void promise_12_deadline(struct world *w, const struct verb *v);
void promise_12_linger(struct world *w, uint8_t pair, const struct verb *v);
void promise_13_maps(struct world *w, const struct host *standby);

#endif
