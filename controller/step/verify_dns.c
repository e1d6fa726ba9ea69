/* Every authoritative server that answers must show exactly the new set; a silent one cannot serve the old one
 * either, and is listed. */
#include "step.h"

#include <stdio.h>
#include <string.h>

#define PAUSE_MS 300

static enum step_say ask(struct step_ctx *ctx, struct step_out *out)
{
	const struct plan_site *site = &ctx->plan->site;
	const struct plan_zone *zone = &site->zones[ctx->mem->index];
	out->verb.kind = VERB_DNS_VERIFY;
	snprintf(out->verb.u.dns.zone, sizeof(out->verb.u.dns.zone), "%s", zone->name);
	out->verb.u.dns.expect = site->strategy == DNS_STANDING ? zone->before : zone->after;
	return STEP_VERB;
}

static enum step_say lagging(struct step_ctx *ctx, const char *why, struct step_out *out)
{
	snprintf(ctx->mem->text, sizeof(ctx->mem->text), "%.50s: %.100s", ctx->plan->site.zones[ctx->mem->index].name,
		 why);
	return step_wait(out, PAUSE_MS);
}

/* A dead server does not hold the operation up; who it is stands beside the step, whatever else status has to say. */
static enum step_say finish(struct step_ctx *ctx, const struct verify_answer *v, struct step_out *out)
{
	char silent[100] = "";
	for (size_t i = 0; v && i < v->count; i++) {
		size_t used = strlen(silent);
		if (!v->server[i].answered)
			snprintf(silent + used, sizeof(silent) - used, "%s%.60s",
				 used ? ", " : "; silent: ", v->server[i].server);
	}
	return step_done(out, "seen on %d authoritative addresses%s", ctx->mem->good, silent);
}

enum step_say step_verify_dns(struct step_ctx *ctx, const struct outcome *last, struct step_out *out)
{
	if (last) {
		const struct verify_answer *v = &last->u.verify;
		if (last->err.code)
			return step_fail_err(out, &last->err);
		int answered = 0;
		for (size_t i = 0; i < v->count; i++) {
			answered += v->server[i].answered;
			if (v->server[i].answered && !v->server[i].matches)
				return lagging(ctx, v->server[i].server, out);
		}
		if (!answered)
			return lagging(ctx, "no authoritative server answers", out);
		for (size_t i = 0; i < v->count; i++)
			if (!v->server[i].answered)
				step_degrade(ctx, "name server %s does not answer", v->server[i].server);
		ctx->mem->good += answered;
		ctx->mem->index++;
	}
	if (ctx->mem->index == ctx->plan->site.nzones)
		return finish(ctx, last ? &last->u.verify : NULL, out);
	return ask(ctx, out);
}
