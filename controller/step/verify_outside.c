/* A stranger's view before strangers come: 250 to a known recipient, a refusal to an unknown one, from outside, in
 * at least one family. The other family failing is DEGRADE. */
#include "step.h"

#include <stdio.h>

#define PAUSE_MS 1000

static enum host_role target(const struct step_ctx *ctx)
{
	return ctx->plan->kind == PLAN_PROMOTE ? HOST_STANDBY : HOST_PRIMARY;
}

static bool used(const struct step_ctx *ctx, size_t family)
{
	const struct host_addr *host = &ctx->plan->site.host[target(ctx)];
	return family == 0 ? host->v4[0] : host->v6[0];
}

static enum step_say check(struct step_ctx *ctx, struct step_out *out)
{
	struct verb_smtp *smtp = &out->verb.u.smtp;
	out->verb.kind = VERB_SMTP_CHECK;
	smtp->target = target(ctx);
	smtp->family = ctx->mem->index == 0 ? 4 : 6;
	snprintf(smtp->known, sizeof(smtp->known), "%s", ctx->plan->site.known);
	snprintf(smtp->unknown, sizeof(smtp->unknown), "%s", ctx->plan->site.unknown);
	return STEP_VERB;
}

/* False: this answer would lose mail or make backscatter, so nothing may open. 4xx does neither: it proves nothing. */
static bool harmless(const struct smtp_answer *a, struct step_out *out)
{
	if (a->known_code >= 500)
		(void)step_fail(out, ERR_UNVERIFIED, "the known recipient is refused from outside: %d", a->known_code);
	else if (a->unknown_code && a->unknown_code < 400)
		(void)step_fail(out, ERR_UNVERIFIED, "an unknown recipient gets %d from outside", a->unknown_code);
	else
		return true;
	return false;
}

/* "" = as promise 5 wants it: 250, and a refusal that lasts, or 4xx where that is declared. */
static const char *lacking(const struct step_ctx *ctx, const struct smtp_answer *a)
{
	if (a->known_code != 250)
		return "the known recipient is not accepted yet (greylisting?)";
	if (a->unknown_code < (ctx->facts->soft_bounce ? 400 : 500))
		return "an unknown recipient gets 4xx, not 5xx (greylisting?)";
	return "";
}

static void take_answer(struct step_ctx *ctx, const struct outcome *last)
{
	const struct smtp_answer *a = &last->u.smtp;
	const char *family = ctx->mem->index ? "IPv6" : "IPv4";
	const char *why = last->err.code ? last->err.text : lacking(ctx, a);
	if (!last->err.code && a->tls_trouble[0]) /* senders go on without; so does the promotion */
		step_degrade(ctx, "%s: no trusted TLS: %.120s", family, a->tls_trouble);
	ctx->facts->family_ok[ctx->mem->index] = !why[0];
	if (why[0])
		snprintf(ctx->mem->text, sizeof(ctx->mem->text), "%s: %.100s", family, why);
}

static enum step_say conclude(struct step_ctx *ctx, struct step_out *out)
{
	const bool *ok = ctx->facts->family_ok;
	if (!ok[0] && !ok[1]) {
		ctx->mem->index = 0;
		return step_wait(out, PAUSE_MS);
	}
	for (size_t f = 0; f < 2; f++)
		if (used(ctx, f) && !ok[f])
			step_degrade(ctx, "IPv%c does not work from outside: %.100s", f ? '6' : '4', ctx->mem->text);
	return step_done(out, "250 and a refusal over%s%s", ok[0] ? " IPv4" : "", ok[1] ? " IPv6" : "");
}

enum step_say step_verify_outside(struct step_ctx *ctx, const struct outcome *last, struct step_out *out)
{
	if (last) {
		if (!last->err.code && !harmless(&last->u.smtp, out))
			return STEP_FAIL;
		take_answer(ctx, last);
		ctx->mem->index++;
	} else {
		ctx->facts->family_ok[0] = ctx->facts->family_ok[1] = false;
	}
	while (ctx->mem->index < 2 && !used(ctx, ctx->mem->index))
		ctx->mem->index++;
	return ctx->mem->index < 2 ? check(ctx, out) : conclude(ctx, out);
}
