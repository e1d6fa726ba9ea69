/* Power goes only from a standby whose queue was read as empty, and "off" is read back. */
#include "step.h"

enum { ASK, QUEUE, SWITCH, READ_BACK };

#define PAUSE_MS 1000

static enum step_say after_queue(struct step_ctx *ctx, const struct outcome *last, struct step_out *out)
{
	int64_t total = -1;
	if (!step_answer_i64(last, "total", &total) || total)
		return step_fail(out, ERR_BLOCKED, "the standby's queue is not empty (%lld): it stays on",
				 (long long)total);
	ctx->mem->at = SWITCH;
	return step_power(out, VERB_POWER_OFF, HOST_STANDBY);
}

enum step_say step_power_off(struct step_ctx *ctx, const struct outcome *last, struct step_out *out)
{
	if (last && last->err.code)
		return step_fail_err(out, &last->err);
	switch (ctx->mem->at) {
	case ASK:
		if (!last)
			return step_power(out, VERB_POWER_STATUS, HOST_STANDBY);
		if (last->u.power == POWER_STATE_OFF)
			return step_done(out, "off, read back");
		ctx->mem->at = QUEUE;
		return step_host(out, HOST_STANDBY, "queue status");
	case QUEUE: return after_queue(ctx, last, out);
	case SWITCH: ctx->mem->at = READ_BACK; return step_power(out, VERB_POWER_STATUS, HOST_STANDBY);
	default:
		if (!last)
			return step_power(out, VERB_POWER_STATUS, HOST_STANDBY);
		if (last->u.power == POWER_STATE_OFF)
			return step_done(out, "off, read back");
		return step_wait(out, PAUSE_MS);
	}
}
