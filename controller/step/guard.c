/* Before anything is touched: what is published is what we last published. A difference is a person's hand. */
#include "step.h"

#include <stdio.h>

static enum step_say get_zone(struct step_ctx *ctx, struct step_out *out)
{
	const struct plan_zone *zone = &ctx->plan->site.zones[ctx->mem->index];
	out->verb.kind = VERB_DNS_GET;
	snprintf(out->verb.u.dns.zone, sizeof(out->verb.u.dns.zone), "%s", zone->name);
	return STEP_VERB;
}

enum step_say step_guard(struct step_ctx *ctx, const struct outcome *last, struct step_out *out)
{
	const struct plan_site *site = &ctx->plan->site;
	if (last) {
		const struct plan_zone *zone = &site->zones[ctx->mem->index];
		enum err_class cls = err_code_class(last->err.code);
		if (cls == ERR_CLASS_TEMP || cls == ERR_CLASS_LOCAL)
			/* a dead update server must not keep the standby dark: it is listed anyway */
			step_degrade(ctx, "%s: update server did not answer the guard", zone->name);
		else if (last->err.code)
			return step_fail_err(out, &last->err);
		else if (!mx_set_equal(&last->u.dns.set, &zone->before))
			return step_fail(out, ERR_CONFLICT,
					 "%s: the published MX set is not the one that coldmx knows; nothing "
					 "is overwritten: put back the old set of `coldmx plan %s`",
					 zone->name, site->pair);
		ctx->mem->index++;
	}
	if (ctx->mem->index == site->nzones)
		return step_done(out, "%zu MX set%s as known", site->nzones, site->nzones == 1 ? " is" : "s are");
	return get_zone(ctx, out);
}
