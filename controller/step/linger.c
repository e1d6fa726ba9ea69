/* Caches may send mail to the standby for a while yet: twice the TTL and a margin. After a restart it starts again
 * whole, never shorter. */
#include "step.h"

#define LINGER_TTLS 2

static int64_t linger_ms(const struct plan_site *site, const struct facts *facts)
{
	int64_t ttl_s = facts->old_ttl_s; /* as published, whatever configuration says */
	for (size_t i = 0; i < site->nzones; i++) {
		ttl_s = site->zones[i].before.ttl_s > ttl_s ? site->zones[i].before.ttl_s : ttl_s;
		ttl_s = site->zones[i].after.ttl_s > ttl_s ? site->zones[i].after.ttl_s : ttl_s;
	}
	return LINGER_TTLS * ttl_s * 1000 + site->linger_margin_ms;
}

enum step_say step_linger(struct step_ctx *ctx, const struct outcome *last, struct step_out *out)
{
	int64_t span_ms = linger_ms(&ctx->plan->site, ctx->facts);
	(void)last;
	if (!ctx->mem->at) {
		ctx->mem->at = 1;
		ctx->mem->mark_ms = ctx->now.boot_ms + span_ms;
	}
	if (ctx->now.boot_ms >= ctx->mem->mark_ms)
		return step_done(out, "%lld s", (long long)(span_ms / 1000));
	return step_wait(out, ctx->mem->mark_ms - ctx->now.boot_ms);
}
