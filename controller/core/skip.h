/*
 * Purpose:   which steps a person may skip when an operation is stuck in them, and why the others never.
 * Not its job: whether it is stuck there (engine), skipping (run).
 * Thread:    any; pure.   Errors: none.
 */
#ifndef COLDMX_SKIP_H
#define COLDMX_SKIP_H

#include "plan.h"

/* NULL: it may be skipped. `back`: its undo is what is stuck. */
const char *step_skip_veto(enum step_id step, bool back);
/* Skipping it (`back`: its undo) leaves the standby switched on. */
bool step_skip_leaves_on(enum step_id step, bool back);
/* Skipping it (`back`: its undo) says that a person gave the primary back what fencing took. */
bool step_skip_gives_back(enum step_id step, bool back);

#endif
