/* Nothing flows towards the standby any more: in spool mode, pushes of recipient maps are refused (engine). */
#include "step.h"

enum step_say step_interlock(struct step_ctx *ctx, const struct outcome *last, struct step_out *out)
{
	(void)last;
	ctx->facts->interlock = true;
	return step_done(out, "pushes of maps are refused until failback");
}

enum step_say step_interlock_undo(struct step_ctx *ctx, const struct outcome *last, struct step_out *out)
{
	(void)last;
	ctx->facts->interlock = false;
	return step_done(out, "pushes of maps are accepted again");
}

enum step_say step_interlock_back(struct step_ctx *ctx, const struct outcome *last, struct step_out *out)
{
	return step_interlock_undo(ctx, last, out);
}
