/* The standby's own dialogue on loopback, then the controls that need running mail (relay matrix, listeners). */
#include "step.h"

#include "controls.h"

enum { CONTROLS = 0, DIALOGUE = 100 };

static enum step_say judge(struct step_ctx *ctx, const struct outcome *last, struct step_out *out)
{
	int64_t known = 0, unknown = 0;
	if (!step_answer_i64(last, "known", &known) || !step_answer_i64(last, "unknown", &unknown))
		return step_fail(out, ERR_PROTOCOL, "`verify-local` without known= and unknown=");
	if (known >= 500)
		return step_fail(out, ERR_UNVERIFIED, "the standby refuses the known recipient: %lld",
				 (long long)known);
	if (known != 250)
		return step_fail(out, ERR_AGAIN, "known recipient: %lld, expected 250", (long long)known);
	int64_t floor = ctx->facts->soft_bounce ? 400 : 500;
	if (unknown < floor)
		return step_fail(out, ERR_UNVERIFIED, "unknown recipient: %lld, expected %lldxx", (long long)unknown,
				 (long long)(floor / 100));
	return STEP_DONE;
}

enum step_say step_verify_local(struct step_ctx *ctx, const struct outcome *last, struct step_out *out)
{
	if (!last) {
		ctx->mem->at = DIALOGUE;
		return step_host(out, HOST_STANDBY, "verify-local %s %s", ctx->plan->site.known,
				 ctx->plan->site.unknown);
	}
	if (ctx->mem->at == DIALOGUE) {
		if (last->err.code)
			return step_fail_err(out, &last->err);
		enum step_say say = judge(ctx, last, out);
		if (say != STEP_DONE)
			return say;
		ctx->mem->at = CONTROLS;
		last = NULL;
	}
	return controls_next(ctx, true, CONTROLS, last, out);
}
