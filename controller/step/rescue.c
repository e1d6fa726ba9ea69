/* What the old primary still holds from before its death is counted and said; spool mode leaves it to its own queue. */
#include "step.h"

enum step_say step_rescue(struct step_ctx *ctx, const struct outcome *last, struct step_out *out)
{
	if (!last)
		return step_host(out, HOST_PRIMARY, "queue status");
	if (last->err.code || !step_answer_i64(last, "total", &ctx->facts->primary_queue)) {
		ctx->facts->primary_queue = -1;
		step_degrade(ctx, "the primary's own queue could not be counted");
		return step_done(out, "the primary's queue: unknown");
	}
	return step_done(out, "the primary's own queue: %lld messages", (long long)ctx->facts->primary_queue);
}
