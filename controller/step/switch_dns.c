/* Compare and swap, zone by zone: absolute old and new sets from the journal. Trouble in one zone (a conflict, a dead
 * server, a refused key) never holds back the others: it is noted, and tried again after them. Only a higher epoch
 * ends it all. A lost reply is settled by reading. */
#include "step.h"

#include <stdio.h>
#include <string.h>

enum { GET, SWAP, HELLO, PAUSE };

#define PASSES 3 /* over zones with temporary trouble, while others are refused for good */
#define PAUSE_MS 500
#define ZONE_LEAST_MS 2000

/* Sick zones together never use up more than half of the step's time: each gets half of the one before. */
static int64_t zone_limit_ms(const struct step_ctx *ctx)
{
	const struct plan_site *site = &ctx->plan->site;
	int64_t limit_ms = site->dns_ms / 4 >> (ctx->mem->bad < 16 ? ctx->mem->bad : 16);
	if (limit_ms < ZONE_LEAST_MS)
		limit_ms = ZONE_LEAST_MS;
	return limit_ms < site->command_ms ? limit_ms : site->command_ms;
}

static enum step_say ask(struct step_ctx *ctx, enum verb_kind kind, struct step_out *out)
{
	const struct plan *p = ctx->plan;
	const struct plan_zone *zone = &p->site.zones[ctx->mem->index];
	struct verb_dns *dns = &out->verb.u.dns;
	out->verb.kind = kind;
	out->limit_ms = zone_limit_ms(ctx);
	snprintf(dns->zone, sizeof(dns->zone), "%s", zone->name);
	dns->expect = zone->before;
	dns->want = zone->after;
	dns->op = p->op;
	dns->epoch = p->epoch;
	dns->marker = p->site.marker;
	/* every operation moves the MX while both may accept; the standby's right ends when its queue is empty */
	snprintf(dns->own, sizeof(dns->own), "primary");
	snprintf(dns->accept, sizeof(dns->accept), "primary,standby");
	return STEP_VERB;
}

static enum step_say get_zone(struct step_ctx *ctx, struct step_out *out)
{
	ctx->mem->at = GET;
	ctx->mem->tries = 0;
	return ask(ctx, VERB_DNS_GET, out);
}

/* Every zone was tried. What only needs time is tried again by the runner, or here when a person is needed anyway. */
static enum step_say conclude(struct step_ctx *ctx, struct step_out *out)
{
	struct step_mem *mem = ctx->mem;
	size_t n = ctx->plan->site.nzones;
	if (!mem->bad)
		return step_done(out, "%zu MX set%s switched", n, n == 1 ? "" : "s");
	if (mem->worst_class != ERR_CLASS_TEMP && mem->temporary && ++mem->total < PASSES) {
		mem->at = PAUSE;
		return step_wait(out, PAUSE_MS);
	}
	if (mem->worst_class == ERR_CLASS_CONFLICT)
		return step_fail(out, mem->worst,
				 "changed by another hand, nothing overwritten: %s: put back the old set of "
				 "`coldmx plan %.40s%s`",
				 mem->text, ctx->plan->site.pair, ctx->plan->kind == PLAN_PROMOTE ? "" : " --failback");
	return step_fail(out, mem->worst, "%d of %zu zones not switched: %s", mem->bad, n, mem->text);
}

static enum step_say next_zone(struct step_ctx *ctx, struct step_out *out)
{
	ctx->mem->index = step_next_zone(ctx, ctx->mem->index + 1);
	return ctx->mem->index < ctx->plan->site.nzones ? get_zone(ctx, out) : conclude(ctx, out);
}

static enum step_say zone_done(struct step_ctx *ctx, bool ours, struct step_out *out)
{
	ctx->mem->done |= UINT64_C(1) << ctx->mem->index;
	if (ours)
		ctx->facts->dns_wrote |= UINT64_C(1) << ctx->mem->index;
	return next_zone(ctx, out);
}

static enum step_say zone_bad(struct step_ctx *ctx, enum err_code code, const char *why, struct step_out *out)
{
	step_note_zone(ctx, code, why);
	return next_zone(ctx, out);
}

static enum step_say after_get(struct step_ctx *ctx, const struct outcome *last, struct step_out *out)
{
	const struct plan_zone *zone = &ctx->plan->site.zones[ctx->mem->index];
	const struct dns_answer *dns = &last->u.dns;
	if (last->err.code)
		return zone_bad(ctx, last->err.code, last->err.text, out);
	if (dns->has_marker && dns->marker_epoch > ctx->plan->epoch)
		return step_fail(out, ERR_STALE, "%s: the marker shows epoch %llu, ours is %llu", zone->name,
				 (unsigned long long)dns->marker_epoch, (unsigned long long)ctx->plan->epoch);
	if (mx_set_equal(&dns->set, &zone->after))
		return zone_done(ctx, dns->has_marker && dns->marker_op == ctx->plan->op, out);
	if (!mx_set_equal(&dns->set, &zone->before))
		return zone_bad(ctx, ERR_CONFLICT, "another MX set is published", out);
	if (dns->set.ttl_s > ctx->facts->old_ttl_s)
		ctx->facts->old_ttl_s = dns->set.ttl_s; /* what caches hold, whatever configuration says */
	if (ctx->mem->tries++ == 2)
		return zone_bad(ctx, ERR_CONFLICT, "two replies lost, the old set stands", out);
	ctx->mem->at = SWAP;
	return ask(ctx, VERB_DNS_SWAP, out);
}

static enum step_say after_swap(struct step_ctx *ctx, const struct outcome *last, struct step_out *out)
{
	if (!last->err.code)
		return zone_done(ctx, true, out);
	if (last->err.code == ERR_STALE)
		return step_fail_err(out, &last->err);
	if (last->err.code != ERR_UNKNOWN)
		return zone_bad(ctx, last->err.code, last->err.text, out);
	ctx->mem->at = GET; /* done or not: read */
	return ask(ctx, VERB_DNS_GET, out);
}

static enum step_say begin_pass(struct step_ctx *ctx, struct step_out *out)
{
	step_forget_zones(ctx);
	ctx->mem->index = step_next_zone(ctx, 0);
	return ctx->mem->index < ctx->plan->site.nzones ? get_zone(ctx, out) : conclude(ctx, out);
}

/* After a pause (stuck, a dead controller) the verified standby may have gone or booted anew, with its port closed. */
static enum step_say after_hello(struct step_ctx *ctx, const struct outcome *last, struct step_out *out)
{
	enum step_say say = step_same_boot(ctx, last, out);
	return say == STEP_DONE ? begin_pass(ctx, out) : say;
}

enum step_say step_switch_dns(struct step_ctx *ctx, const struct outcome *last, struct step_out *out)
{
	if (ctx->plan->site.strategy == DNS_STANDING)
		return step_done(out, "standing: both hosts are listed, nothing to change");
	if (!last && (ctx->mem->at == PAUSE || ctx->plan->kind != PLAN_PROMOTE))
		return begin_pass(ctx, out);
	if (!last) {
		ctx->mem->at = HELLO;
		return step_host(out, HOST_STANDBY, "hello");
	}
	switch (ctx->mem->at) {
	case HELLO: return after_hello(ctx, last, out);
	case GET: return after_get(ctx, last, out);
	default: return after_swap(ctx, last, out);
	}
}
