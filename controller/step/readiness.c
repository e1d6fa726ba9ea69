/* The last look before the point of no return: what BLOCKs stops, what degrades is said with the plan's words. */
#include "step.h"

enum step_say step_readiness(struct step_ctx *ctx, const struct outcome *last, struct step_out *out)
{
	const struct facts *f = ctx->facts;
	(void)last;
	if (!f->family_ok[0] && !f->family_ok[1])
		return step_fail(out, ERR_BLOCKED, "no family was verified from outside");
	if (!f->interlock)
		return step_fail(out, ERR_BLOCKED, "the interlock is not set: maps could still be pushed");
	return step_done(out, f->degrade[0] ? "DEGRADE: %.140s" : "ready", f->degrade);
}
