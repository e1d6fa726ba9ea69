/*
 * Purpose:   running the harden.d controls of one phase: apply, verify, TAP; shared by harden and verify-local.
 * Thread:    loop; pure.   Errors: a BLOCK control that is not ok is ERR_BLOCKED and names the control's line.
 */
#ifndef COLDMX_CONTROLS_H
#define COLDMX_CONTROLS_H

#include "step.h"

/* Uses mem->index, mem->at (from `base` on), mem->good and mem->total. STEP_DONE: all of the phase are through. */
enum step_say controls_next(struct step_ctx *ctx, bool with_mail, int base, const struct outcome *last,
			    struct step_out *out);

#endif
