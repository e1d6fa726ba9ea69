/*
 * Purpose:   the levels of fencing of a primary: a management board, its machine's host, an edge; what they do, and how
 *            they fail, lie and hang.
 * Not its job: what the controller makes of it (promises.h).
 * Thread:    one.   Ownership: static rows.
 */
#ifndef SIM_LEVELS_H
#define SIM_LEVELS_H

#include "../../controller/core/plan.h"
#include "exec.h"

struct world;

/* `n` levels, 0 to 3, as a pair's configuration has them. */
void levels_configure(struct plan_site *site, uint8_t n);
/* VERB_FENCE_* */
void level_verb(struct world *w, const struct verb *v, struct outcome *out);
/* A person gives back what all of them took, and says so. */
void level_by_hand(struct world *w, uint8_t pair);
enum trouble level_trouble(struct world *w, const struct verb *v, uint8_t pair);

#endif
