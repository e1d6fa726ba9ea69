/* Spool mode: best effort. The old primary is switched off if that can be had; what cannot be verified is said and
 * degrades, since a primary that still takes mail only splits it. Undo gives back the power that was there. */
#include "step.h"

enum { ASK, NOTE, SWITCH, READ_BACK };

#define READ_BACK_TRIES 3
#define PAUSE_MS 1000

/* A power host that is slow or restarts is asked again, for as long as one command may take: one that died with the
 * primary must not keep the standby dark for the whole limit of this step. */
static bool time_left(struct step_ctx *ctx)
{
	const struct plan_site *site = &ctx->plan->site;
	int64_t span_ms = site->command_ms < site->boot_ms / 2 ? site->command_ms : site->boot_ms / 2;
	if (!ctx->mem->mark_ms)
		ctx->mem->mark_ms = ctx->now.boot_ms + span_ms;
	return ctx->now.boot_ms + PAUSE_MS < ctx->mem->mark_ms;
}

static enum step_say give_up(struct step_ctx *ctx, const char *why, struct step_out *out)
{
	step_degrade(ctx, "the primary is not fenced: %.120s", why);
	return step_done(out, "not fenced: %.120s", why);
}

static enum step_say read_back(struct step_ctx *ctx, const struct outcome *last, struct step_out *out)
{
	if (last->u.power == POWER_STATE_OFF)
		return step_done(out, "off, read back");
	if (ctx->mem->tries++ == READ_BACK_TRIES)
		return give_up(ctx, "power-off reported done, it reads back as on", out);
	return step_wait(out, PAUSE_MS);
}

static enum step_say after_error(struct step_ctx *ctx, const struct err *err, struct step_out *out)
{
	enum err_class cls = err_code_class(err->code);
	if ((cls != ERR_CLASS_TEMP && cls != ERR_CLASS_LOCAL) || !time_left(ctx))
		return give_up(ctx, err->text, out);
	if (ctx->mem->at == SWITCH)
		ctx->mem->at = NOTE; /* off once more: it does no harm twice */
	return step_wait(out, PAUSE_MS);
}

enum step_say step_fence(struct step_ctx *ctx, const struct outcome *last, struct step_out *out)
{
	(void)time_left(ctx); /* counts from the first call */
	if (last && last->err.code)
		return after_error(ctx, &last->err, out);
	switch (ctx->mem->at) {
	case ASK:
		if (!last)
			return step_power(out, VERB_POWER_STATUS, HOST_PRIMARY);
		if (last->u.power == POWER_STATE_OFF)
			return step_done(out, "was off already");
		ctx->facts->primary_fenced = true; /* durable first: the undo must know */
		ctx->mem->at = NOTE;
		return STEP_COMMIT;
	case NOTE: ctx->mem->at = SWITCH; return step_power(out, VERB_POWER_OFF, HOST_PRIMARY);
	case SWITCH: ctx->mem->at = READ_BACK; return step_power(out, VERB_POWER_STATUS, HOST_PRIMARY);
	default:
		if (!last)
			return step_power(out, VERB_POWER_STATUS, HOST_PRIMARY);
		return read_back(ctx, last, out);
	}
}

enum step_say step_fence_undo(struct step_ctx *ctx, const struct outcome *last, struct step_out *out)
{
	if (!ctx->facts->primary_fenced)
		return step_done(out, "nothing was switched off");
	if (last && last->err.code)
		return step_fail_err(out, &last->err);
	if (!last || ctx->mem->at == SWITCH) {
		ctx->mem->at = last ? READ_BACK : ASK;
		return step_power(out, VERB_POWER_STATUS, HOST_PRIMARY);
	}
	if (last->u.power == POWER_STATE_ON) {
		ctx->facts->primary_fenced = false;
		return step_done(out, "the primary is on again");
	}
	if (ctx->mem->at == READ_BACK)
		return step_fail(out, ERR_AGAIN, "the primary's power reads back as %s",
				 power_state_name(last->u.power));
	ctx->mem->at = SWITCH;
	return step_power(out, VERB_POWER_ON, HOST_PRIMARY);
}
