/* Every authoritative server that answers must show exactly the new set; a silent one cannot serve the old one
 * either, and is listed. A zone that lags or is sick does not keep the others from being proven. The TTL is ours only
 * where this operation wrote the set: elsewhere another one is told, not demanded. */
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

static bool in_order(const struct server_answer *s, bool wrote)
{
	return !s->answered || (s->matches && !(wrote && s->other_ttl));
}

static void degrade_zone(struct step_ctx *ctx, const struct verify_answer *v)
{
	for (size_t i = 0; i < v->count; i++) {
		if (!v->server[i].answered)
			step_degrade(ctx, "name server %s does not answer", v->server[i].server);
		else if (v->server[i].other_ttl)
			step_degrade(ctx,
				     "%.60s: published with a TTL other than configured, caches may hold it longer",
				     ctx->plan->site.zones[ctx->mem->index].name);
	}
}

static void judge_zone(struct step_ctx *ctx, const struct outcome *last)
{
	const struct verify_answer *v = &last->u.verify;
	uint64_t bit = UINT64_C(1) << ctx->mem->index;
	int answered = 0;
	if (last->err.code) {
		step_note_zone(ctx, last->err.code, last->err.text);
		return;
	}
	for (size_t i = 0; i < v->count; i++) {
		answered += v->server[i].answered;
		if (!in_order(&v->server[i], ctx->facts->dns_wrote & bit)) {
			step_note_zone(ctx, ERR_AGAIN, v->server[i].server);
			return;
		}
	}
	if (!answered) {
		step_note_zone(ctx, ERR_AGAIN, "no authoritative server answers");
		return;
	}
	degrade_zone(ctx, v);
	ctx->mem->good += answered;
	ctx->mem->done |= bit;
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

static enum step_say conclude(struct step_ctx *ctx, const struct outcome *last, struct step_out *out)
{
	const struct step_mem *mem = ctx->mem;
	size_t n = ctx->plan->site.nzones;
	if (!mem->bad)
		return finish(ctx, last ? &last->u.verify : NULL, out);
	if (mem->worst_class != ERR_CLASS_TEMP && !mem->temporary)
		return step_fail(out, mem->worst, "%d of %zu zones not verified: %s", mem->bad, n, mem->text);
	return step_wait(out, PAUSE_MS);
}

enum step_say step_verify_dns(struct step_ctx *ctx, const struct outcome *last, struct step_out *out)
{
	if (last) {
		judge_zone(ctx, last);
		ctx->mem->index = step_next_zone(ctx, ctx->mem->index + 1);
	} else {
		step_forget_zones(ctx);
		ctx->mem->index = step_next_zone(ctx, 0);
	}
	return ctx->mem->index < ctx->plan->site.nzones ? ask(ctx, out) : conclude(ctx, last, out);
}
