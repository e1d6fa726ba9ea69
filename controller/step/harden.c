/* The controls that come before mail runs; last, a fresh connection of our own: hardening never locks its owner out. */
#include "step.h"

#include "controls.h"

enum { CONTROLS = 0, FRESH = 100 };

enum step_say step_harden(struct step_ctx *ctx, const struct outcome *last, struct step_out *out)
{
	if (ctx->mem->at == FRESH) {
		if (last->err.code)
			return step_fail_err(out, &last->err);
		return step_done(out, "hardening %d/%d ok", ctx->mem->good + 1, ctx->mem->total + 1);
	}
	enum step_say say = controls_next(ctx, false, CONTROLS, last, out);
	if (say != STEP_DONE)
		return say;
	ctx->mem->at = FRESH;
	out->verb.u.host.fresh = true;
	return step_host(out, HOST_STANDBY, "hello");
}
