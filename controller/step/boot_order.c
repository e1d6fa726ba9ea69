/* A boot without an order is an attack signal, so the order is durable before the power. */
#include "step.h"

#include <stdio.h>

enum step_say step_boot_order(struct step_ctx *ctx, const struct outcome *last, struct step_out *out)
{
	(void)last;
	if (ctx->mem->at == 1)
		return step_done(out, "order %s", ctx->plan->nonce);
	ctx->mem->at = 1;
	out->rec.kind = RECORD_BOOT;
	snprintf(out->rec.key, sizeof(out->rec.key), "%s", ctx->plan->nonce);
	strbuf_addf(out->body, "order=%s\nwall_ms=%lld\nreason=%s\n", ctx->plan->nonce, (long long)ctx->now.wall_ms,
		    plan_kind_name(ctx->plan->kind));
	return STEP_COMMIT;
}
