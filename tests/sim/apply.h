/*
 * Purpose:   making one entry of a schedule happen; and the operator, who repairs and brings pairs home.
 * Not its job: when (schedule.c).
 * Thread:    one.   Units: _ms.
 */
#ifndef SIM_APPLY_H
#define SIM_APPLY_H

#include "world.h"

void apply_start(struct world *w);
void apply_action(struct world *w, const struct action *a);
/* people.c. extra: by the token of the plan that was read last; CMD_PLAN: of a failback. */
void apply_command(struct world *w, uint8_t pair, enum command_kind kind, bool extra);
bool apply_asleep(const struct world *w); /* the controller hears nothing now */
/* Every fault is over, machines are repaired; operators work until each pair is home. */
void apply_calm(struct world *w);
/* Empty text: the pair is home. */
bool apply_is_home(const struct world *w, uint8_t pair, char *why, size_t size);

#endif
