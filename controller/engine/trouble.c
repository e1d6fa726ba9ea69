/* What a person must hear although nothing is done about it: a primary that is only busy, that refuses us alone, that lost
 * a family, or of which nothing certain is known for too long. Each is paged once, until it is over. */
#include <stdio.h>

#include "internal.h"

#define BUSY_PAGE_MS ((int64_t)15 * 60 * 1000)
#define DOUBT_PAGE_MS ((int64_t)5 * 60 * 1000)

static void page_busy(struct watched *p)
{
	const struct health *h = &p->health;
	bool busy = h->busy_only && engine_now(p->e).boot_ms - h->busy_since_ms >= BUSY_PAGE_MS;
	if (busy && !p->busy_paged)
		page_send(p, "page", "the primary has answered only 4xx for 15 minutes");
	if (h->refuses && !p->refuse_paged)
		page_send(p, "page",
			  "the primary refuses our probe with 5xx; nothing is done: look at it, "
			  "at the probe recipient and at our address on its lists");
	if (h->tls_trouble && !p->tls_paged)
		page_send(p, "note", "the primary answers, without trusted TLS: %.120s", h->tls_trouble);
	p->tls_paged = h->tls_trouble != NULL;
	p->busy_paged = busy;
	p->refuse_paged = h->refuses;
}

static void page_degraded(struct watched *p)
{
	const struct health *h = &p->health;
	for (int f = 0; f < FAMILIES; f++) {
		const struct probe_result *last = &h->line[f].last;
		if (h->degraded[f] == p->degrade_paged[f])
			continue;
		p->degrade_paged[f] = h->degraded[f];
		engine_touch(p);
		if (h->degraded[f])
			page_send(p, "page",
				  "the primary does not answer over IP%s (%s: %.100s) and answers over the other "
				  "family: nothing is promoted, mend that family",
				  health_family_name((enum health_family)f), probe_layer_name(last->layer),
				  last->reason);
	}
}

/* Neither up nor down: an agent that vouches for a silent SMTP service, a family that we cannot use, references that do
 * not answer. Nobody acts on it, so somebody must look. */
static void page_doubt(struct watched *p)
{
	const struct health *h = &p->health;
	bool doubt = h->verdict == HEALTH_SUSPECT || h->verdict == HEALTH_UNKNOWN;
	int64_t now_ms = engine_now(p->e).boot_ms;
	if (!doubt)
		p->doubt_since_ms = 0;
	else if (!p->doubt_since_ms)
		p->doubt_since_ms = now_ms;
	bool due = doubt && now_ms - p->doubt_since_ms >= DOUBT_PAGE_MS;
	if (due && !p->doubt_paged)
		page_send(p, "page",
			  "the primary is neither known to be up nor down for 5 min (verdict %s): nothing is done; "
			  "`coldmx explain %s` says which evidence is missing",
			  health_verdict_name(h->verdict), p->opts.site.pair);
	p->doubt_paged = due;
}

/* A stuck drill holds back what would be a promotion: whoever is on call must clear it first. */
static void page_in_the_way(struct watched *p)
{
	const struct run *r = &p->op.run;
	bool mute = p->state == PAIR_STUCK && p->op.active && p->op.plan.kind == PLAN_DRILL && r->stuck &&
		    p->health.verdict == HEALTH_DOWN;
	if (mute && !p->drill_in_the_way)
		page_send(p, "page",
			  "the primary is DOWN, and a stuck drill is in the way: `coldmx resume %s --skip %s --reason "
			  "...`, "
			  "then `coldmx failover %s --reason ...`",
			  p->opts.site.pair, step_name(r->plan->step[r->at]), p->opts.site.pair);
	p->drill_in_the_way = mute;
}

void trouble_page(struct watched *p)
{
	page_in_the_way(p);
	page_busy(p);
	page_degraded(p);
	page_doubt(p);
}
