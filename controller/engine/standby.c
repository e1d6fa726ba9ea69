/* The standby while it takes the mail: probed over each family, because nobody else would notice that it stopped; dead
 * when no family lives (one that never worked says nothing beside one that does). It is
 * never acted on: there is no third host. A person repairs it, or `coldmx resume` hardens, verifies and opens it again. */
#include <stdio.h>

#include "../../common/base/mem.h"
#include "internal.h"

static bool takes_mail(const struct watched *p)
{
	return p->state == PAIR_PROMOTED && p->told_accepts;
}

bool standby_is_dead(const struct watched *p)
{
	bool any = false;
	for (int f = 0; f < FAMILIES; f++) {
		if (!p->standby_probe[f])
			continue;
		if (p->standby_dead[f] < p->opts.health.fail_after)
			return false;
		any = true;
	}
	return any;
}

static void page_when_dead(struct watched *p)
{
	bool dead = standby_is_dead(p);
	if (dead && !p->standby_paged)
		page_send(p, "page",
			  "the STANDBY takes no mail any more (%.100s): senders queue. "
			  "`coldmx resume %s` hardens, verifies and opens it again",
			  p->standby_says[p->standby_says[FAMILY_V4][0] ? FAMILY_V4 : FAMILY_V6], p->opts.site.pair);
	if (!dead && p->standby_paged)
		page_send(p, "note", "the standby takes mail again");
	if (dead != p->standby_paged)
		engine_touch(p);
	p->standby_paged = dead;
}

static void result(struct watched *p, int f, const struct probe_result *r)
{
	if (r->outcome == PROBE_LOCAL || p->health.isolated)
		return; /* a fault of ours says nothing of it */
	bool dead = r->outcome == PROBE_FAIL;
	p->standby_dead[f] = dead ? p->standby_dead[f] + 1 : 0;
	p->standby_says[f][0] = '\0';
	if (dead)
		snprintf(p->standby_says[f], sizeof(p->standby_says[f]), "%s: %.90s", probe_layer_name(r->layer),
			 r->reason);
	page_when_dead(p);
}

static void result4(void *arg, uint32_t id, const struct probe_result *r)
{
	(void)id;
	result(arg, FAMILY_V4, r);
}

static void result6(void *arg, uint32_t id, const struct probe_result *r)
{
	(void)id;
	result(arg, FAMILY_V6, r);
}

static void begin(struct watched *p)
{
	static result_cb *const cb[FAMILIES] = { result4, result6 };
	const struct host_addr *host = &p->opts.site.host[HOST_STANDBY];
	const struct ports *ports = &p->e->ports;
	for (int f = 0; f < FAMILIES; f++) {
		struct probe_opts opts = p->opts.probe[f];
		const char *addr = f == FAMILY_V4 ? host->v4 : host->v6;
		p->standby_dead[f] = 0;
		p->standby_says[f][0] = '\0';
		if (!addr[0] || !opts.addr[0])
			continue;
		(void)str_copy(opts.addr, sizeof(opts.addr), addr);
		if (opts.name[0])
			(void)str_copy(opts.name, sizeof(opts.name), p->opts.site.mx_name[HOST_STANDBY]);
		p->standby_probe[f] = ports->probe->add(ports->probe_ctx, &opts, cb[f], p);
	}
}

void standby_stop(struct watched *p)
{
	const struct ports *ports = &p->e->ports;
	for (int f = 0; f < FAMILIES; f++) {
		if (p->standby_probe[f])
			ports->probe->remove(ports->probe_ctx, p->standby_probe[f]);
		p->standby_probe[f] = 0;
	}
	p->standby_paged = false;
}

void standby_watch(struct watched *p)
{
	bool watched = p->standby_probe[FAMILY_V4] || p->standby_probe[FAMILY_V6];
	if (takes_mail(p) && !watched)
		begin(p);
	else if (!takes_mail(p) && watched)
		standby_stop(p);
}
