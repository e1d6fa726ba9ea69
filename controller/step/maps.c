/* The standby learns whom it may accept mail for. None kept: BLOCK, since it would refuse good mail for ever.
 * Too old: unknown recipients get 4xx, so that senders keep what the maps do not know yet. */
#include "step.h"

#include <stdio.h>
#include <string.h>

enum { STATUS, PUT, SOFT };

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
	bool same = step_answer(last, "sha256", sha256, sizeof(sha256)) && !strcmp(sha256, p->maps_sha256);
	if (same)
		return finish(ctx, out);
	if (ctx->mem->at == PUT)
		return step_fail(out, ERR_UNVERIFIED, "maps installed, read back with another hash");
	ctx->mem->at = PUT;
	out->verb.u.host.input = INPUT_MAPS;
	return step_host(out, HOST_STANDBY, "maps put");
}
