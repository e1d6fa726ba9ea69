/* The standby learns whom it may accept mail for. None kept: BLOCK, since it would refuse good mail for ever.
 * Too old: unknown recipients get 4xx, so that senders keep what the maps do not know yet.
 * A push that was under way when the operation began may still replace the kept maps: then the newer ones are put,
 * and must read back as what the standby said it installed. */
#include "step.h"

#include <stdio.h>
#include <string.h>

enum { STATUS, PUT, READ_BACK, SOFT };

static enum step_say finish(struct step_ctx *ctx, struct step_out *out)
{
	const struct plan *p = ctx->plan;
	ctx->mem->at = SOFT;
	ctx->facts->soft_bounce = p->maps_stale;
	if (p->maps_stale)
		step_degrade(ctx, "recipient maps are %lld min old: unknown recipients get 4xx",
			     (long long)(p->maps_age_ms / 60000));
	return step_host(out, HOST_STANDBY, "mail soft-bounce %s", p->maps_stale ? "on" : "off");
}

enum step_say step_maps(struct step_ctx *ctx, const struct outcome *last, struct step_out *out)
{
	const struct plan *p = ctx->plan;
	char sha256[72];
	if (!p->maps_sha256[0])
		return step_fail(out, ERR_BLOCKED,
				 "no recipient maps are kept for this pair: the standby would refuse good mail");
	if (!last)
		return step_host(out, HOST_STANDBY, "maps status");
	if (last->err.code)
		return step_fail_err(out, &last->err);
	if (ctx->mem->at == SOFT)
		return step_done(out, "%s", p->maps_stale ? "installed, too old: soft bounce" : "installed");
	(void)step_answer(last, "sha256", sha256, sizeof(sha256));
	switch (ctx->mem->at) {
	case STATUS:
		if (!strcmp(sha256, p->maps_sha256))
			return finish(ctx, out);
		ctx->mem->at = PUT;
		out->verb.u.host.input = INPUT_MAPS;
		return step_host(out, HOST_STANDBY, "maps put");
	case PUT:
		ctx->mem->at = READ_BACK;
		snprintf(ctx->mem->text, sizeof(ctx->mem->text), "%s", sha256);
		return step_host(out, HOST_STANDBY, "maps status");
	default:
		if (!sha256[0] || strcmp(sha256, ctx->mem->text) != 0)
			return step_fail(out, ERR_UNVERIFIED, "maps installed, read back with another hash");
		return finish(ctx, out);
	}
}
