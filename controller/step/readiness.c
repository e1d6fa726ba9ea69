/* The last look before the point of no return: what BLOCKs stops, what degrades is said with the plan's words. All that
 * was verified holds for one boot of the standby: another one is caught here, where everything can still be undone. */
#include "step.h"

enum step_say step_readiness(struct step_ctx *ctx, const struct outcome *last, struct step_out *out)
{
	const struct facts *f = ctx->facts;
	if (!last)
		return step_host(out, HOST_STANDBY, "hello");
	enum step_say say = step_same_boot(ctx, last, out);
	if (say != STEP_DONE)
		return say;
	if (ctx->plan->kind != PLAN_DRILL && !f->family_ok[0] && !f->family_ok[1])
		return step_fail(out, ERR_BLOCKED, "no family was verified from outside");
	if (!f->interlock)
		return step_fail(out, ERR_BLOCKED, "the interlock is not set: maps could still be pushed");
	if (f->degrade[0])
		return step_done(out, "DEGRADE: %.140s", f->degrade);
	for (size_t i = 0; i < ctx->plan->site.nlevels; i++)
		if (ctx->plan->site.level[i].shares_site)
			return step_done(out, "ready; WARN: fencing level %s is at the primary's own site",
					 ctx->plan->site.level[i].name);
	return step_done(out, "ready");
}
