/* The standby's machine is switched on and read back; a device that only says so is caught. Undo: off again, if
 * it was off before, and only when its queue is known to be empty. */
#include "step.h"

enum { ASK, NOTE, SWITCH, READ_BACK, QUEUE };

enum step_say step_power_on(struct step_ctx *ctx, const struct outcome *last, struct step_out *out)
{
	if (last && last->err.code)
		return step_fail_err(out, &last->err);
	if (ctx->mem->at == NOTE) {
		ctx->mem->at = SWITCH;
		return step_power(out, VERB_POWER_ON, HOST_STANDBY);
	}
	if (!last)
		return step_power(out, VERB_POWER_STATUS, HOST_STANDBY);
	if (ctx->mem->at == SWITCH) {
		ctx->mem->at = READ_BACK;
		return step_power(out, VERB_POWER_STATUS, HOST_STANDBY);
	}
	if (last->u.power == POWER_STATE_ON && !ctx->facts->powered && ctx->plan->kind == PLAN_DRILL)
		return step_fail(out, ERR_BLOCKED,
				 "the standby is on, and not by this drill, which begins with a host that "
				 "is off: switch it off when nobody needs it");
	if (last->u.power == POWER_STATE_ON)
		return step_done(out, ctx->facts->powered ? "on, read back" : "is on already");
	if (ctx->mem->at == ASK) {
		ctx->facts->powered = true;    /* durable first: the undo must know */
		ctx->facts->boot_id[0] = '\0'; /* whatever ran before, this is another boot */
		ctx->mem->at = NOTE;
		return STEP_COMMIT;
	}
	return step_fail(out, ERR_AGAIN, "power-on reported done, the machine reads back as %s",
			 power_state_name(last->u.power));
}

static enum step_say after_queue(struct step_ctx *ctx, const struct outcome *last, struct step_out *out)
{
	int64_t total = 0;
	if (last->err.code)
		return step_fail(out, ERR_AGAIN,
				 "the standby is on and does not say whether its queue is empty: %.200s",
				 last->err.text);
	if (!step_answer_i64(last, "total", &total))
		return step_fail(out, ERR_PROTOCOL, "`queue status` without total=");
	ctx->facts->queue = total;
	if (total)
		return step_fail(out, ERR_BLOCKED, "the standby holds %lld messages: it stays on", (long long)total);
	ctx->mem->at = SWITCH;
	return step_power(out, VERB_POWER_OFF, HOST_STANDBY);
}

enum step_say step_power_on_undo(struct step_ctx *ctx, const struct outcome *last, struct step_out *out)
{
	if (!ctx->facts->powered)
		return step_done(out, "not switched on by this operation, and left as it is");
	if (last && ctx->mem->at == QUEUE)
		return after_queue(ctx, last, out);
	if (last && last->err.code)
		return step_fail_err(out, &last->err);
	if (!last)
		return step_power(out, VERB_POWER_STATUS, HOST_STANDBY);
	if (ctx->mem->at == SWITCH) {
		ctx->mem->at = READ_BACK;
		return step_power(out, VERB_POWER_STATUS, HOST_STANDBY);
	}
	if (last->u.power == POWER_STATE_OFF)
		return step_done(out, "off, read back");
	if (ctx->mem->at == READ_BACK)
		return step_fail(out, ERR_AGAIN, "power-off reported done, the standby reads back as %s",
				 power_state_name(last->u.power));
	ctx->mem->at = QUEUE;
	return step_host(out, HOST_STANDBY, "queue status");
}
