/* Compare and swap, zone by zone: absolute old and new sets from the journal. A conflict in one zone never holds
 * back the others; a lost reply is settled by reading. */
#include "step.h"

#include <stdio.h>
#include <string.h>

enum { GET, SWAP, HELLO };

static enum step_say ask(struct step_ctx *ctx, enum verb_kind kind, struct step_out *out)
{
	const struct plan *p = ctx->plan;
	const struct plan_zone *zone = &p->site.zones[ctx->mem->index];
	struct verb_dns *dns = &out->verb.u.dns;
	out->verb.kind = kind;
	snprintf(dns->zone, sizeof(dns->zone), "%s", zone->name);
	dns->expect = zone->before;
	dns->want = zone->after;
	dns->op = p->op;
	dns->epoch = p->epoch;
	dns->marker = p->site.marker;
	return STEP_VERB;
}

static void note_conflict(struct step_ctx *ctx, const char *why)
{
	size_t used = strlen(ctx->mem->text);
	snprintf(ctx->mem->text + used, sizeof(ctx->mem->text) - used, "%s%s: %.60s", used ? "; " : "",
		 ctx->plan->site.zones[ctx->mem->index].name, why);
}

static enum step_say next_zone(struct step_ctx *ctx, struct step_out *out)
{
	ctx->mem->index++;
	ctx->mem->at = GET;
	ctx->mem->tries = 0;
	if (ctx->mem->index < ctx->plan->site.nzones)
		return ask(ctx, VERB_DNS_GET, out);
	if (ctx->mem->text[0])
		return step_fail(out, ERR_CONFLICT,
				 "changed by another hand, nothing overwritten: %s: put back the old set of "
				 "`coldmx plan %s%s`",
				 ctx->mem->text, ctx->plan->site.pair,
				 ctx->plan->kind == PLAN_PROMOTE ? "" : " --failback");
	return step_done(out, "%zu MX set%s switched", ctx->plan->site.nzones, ctx->plan->site.nzones == 1 ? "" : "s");
}

static enum step_say after_get(struct step_ctx *ctx, const struct outcome *last, struct step_out *out)
{
	const struct plan_zone *zone = &ctx->plan->site.zones[ctx->mem->index];
	const struct dns_answer *dns = &last->u.dns;
	if (last->err.code)
		return step_fail_err(out, &last->err);
	if (dns->has_marker && dns->marker_epoch > ctx->plan->epoch)
		return step_fail(out, ERR_STALE, "%s: the marker shows epoch %llu, ours is %llu", zone->name,
				 (unsigned long long)dns->marker_epoch, (unsigned long long)ctx->plan->epoch);
	if (mx_set_equal(&dns->set, &zone->after))
		return next_zone(ctx, out);
	if (!mx_set_equal(&dns->set, &zone->before)) {
		note_conflict(ctx, "another MX set is published");
		return next_zone(ctx, out);
	}
	if (ctx->mem->tries++ == 2) {
		note_conflict(ctx, "two replies lost, the old set stands");
		return next_zone(ctx, out);
	}
	ctx->mem->at = SWAP;
	return ask(ctx, VERB_DNS_SWAP, out);
}

/* After a pause (stuck, a dead controller) the verified standby may have gone or booted anew, with its port closed. */
static enum step_say after_hello(struct step_ctx *ctx, const struct outcome *last, struct step_out *out)
{
	enum step_say say = step_same_boot(ctx, last, out);
	if (say != STEP_DONE)
		return say;
	ctx->mem->at = GET;
	return ask(ctx, VERB_DNS_GET, out);
}

enum step_say step_switch_dns(struct step_ctx *ctx, const struct outcome *last, struct step_out *out)
{
	if (ctx->plan->site.strategy == DNS_STANDING)
		return step_done(out, "standing: both hosts are listed, nothing to change");
	if (!last) {
		ctx->mem->index = 0;
		ctx->mem->at = ctx->plan->kind == PLAN_PROMOTE ? HELLO : GET;
		return ctx->mem->at == GET ? ask(ctx, VERB_DNS_GET, out) : step_host(out, HOST_STANDBY, "hello");
	}
	if (ctx->mem->at == HELLO)
		return after_hello(ctx, last, out);
	if (ctx->mem->at == GET)
		return after_get(ctx, last, out);
	if (!last->err.code)
		return next_zone(ctx, out);
	if (last->err.code == ERR_CONFLICT) {
		note_conflict(ctx, last->err.text);
		return next_zone(ctx, out);
	}
	if (last->err.code != ERR_UNKNOWN)
		return step_fail_err(out, &last->err);
	ctx->mem->at = GET; /* done or not: read */
	return ask(ctx, VERB_DNS_GET, out);
}
