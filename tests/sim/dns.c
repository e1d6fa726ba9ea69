/* Zones and their servers; see dns.h. */
#include "dns.h"

#include <stdio.h>
#include <string.h>

#include "../../common/base/mem.h"
#include "promises.h"

#define TRANSFER_MS 400
#define TRANSFER_SLOW_MS 4000

void dns_init(struct world *w, uint8_t pair)
{
	for (uint8_t z = 0; z < SIM_ZONES; z++) {
		struct dns_zone *zone = &w->pair[pair].zone[z];
		const struct plan_zone *conf = &w->opts[pair].site.zones[z];
		memset(zone, 0, sizeof(*zone));
		zone->pair = pair;
		zone->index = z;
		zone->swapped_ms = -1;
		snprintf(zone->name, sizeof(zone->name), "%s", conf->name);
		for (int s = 0; s < SIM_SERVERS; s++)
			zone->set[s] = conf->before;
	}
}

struct transfer {
	uint8_t pair, zone, server;
};

static void transfer_due(struct world *w, void *data)
{
	const struct transfer *t = data;
	struct dns_zone *zone = &w->pair[t->pair].zone[t->zone];
	zone->set[t->server] = zone->set[0];
}

static void notify_secondaries(struct world *w, const struct dns_zone *zone)
{
	int64_t limit_ms = world_fault(w, zone->pair, FAULT_DNS_SLOW) ? TRANSFER_SLOW_MS : TRANSFER_MS;
	for (uint8_t s = 1; s < SIM_SERVERS; s++) {
		struct transfer *t = mem_calloc(1, sizeof(*t));
		*t = (struct transfer){ zone->pair, zone->index, s };
		world_after(w, dice_span(&w->clock.dice, 10, limit_ms), transfer_due, t, 0);
	}
}

static struct dns_zone *find_zone(struct world *w, const struct verb *v)
{
	struct pair_world *p = world_pair(w, v->guard.pair);
	for (size_t z = 0; z < SIM_ZONES; z++)
		if (strcmp(p->zone[z].name, v->u.dns.zone) == 0)
			return &p->zone[z];
	return NULL;
}

static bool server_answers(const struct world *w, uint8_t pair, int server)
{
	if (server == 0)
		return !world_fault(w, pair, FAULT_DNS_DEAD);
	return server != 2 || !world_fault(w, pair, FAULT_DNS_SECONDARY_DEAD);
}

static void get(const struct dns_zone *zone, struct dns_answer *a)
{
	a->set = zone->set[0];
	a->has_marker = zone->has_marker;
	a->marker_op = zone->marker_op;
	a->marker_epoch = zone->marker_epoch;
}

static void swap(struct world *w, struct dns_zone *zone, const struct verb *v, struct outcome *out)
{
	const struct verb_dns *d = &v->u.dns;
	if (!mx_set_equal(&zone->set[0], &d->expect)) {
		err_set(&out->err, ERR_CONFLICT, "the prerequisite does not hold");
		return;
	}
	promise_4_swap(w, zone, v);
	zone->set[0] = d->want;
	zone->swapped_ms = w->clock.now_ms;
	if (d->marker) {
		zone->has_marker = true;
		zone->marker_op = d->op;
		zone->marker_epoch = d->epoch;
		snprintf(zone->marker_own, sizeof(zone->marker_own), "%s", d->own);
		snprintf(zone->marker_accept, sizeof(zone->marker_accept), "%s", d->accept);
	}
	world_trace(w, "%s: MX swapped, best is now %s", zone->name,
		    d->want.mx[0].preference < d->want.mx[1].preference ? d->want.mx[0].target : d->want.mx[1].target);
	notify_secondaries(w, zone);
}

bool dns_marker_record(const struct world *w, uint8_t pair, char *out, size_t size)
{
	const struct dns_zone *zone = &w->pair[pair].zone[0];
	if (!zone->has_marker || !server_answers(w, pair, 0))
		return false;
	snprintf(out, size, "coldmx-rights 1\npair=%s\nepoch=%llu\nown=%s\naccept=%s\nissued_ms=%lld\n",
		 w->opts[pair].site.pair, (unsigned long long)zone->marker_epoch, zone->marker_own, zone->marker_accept,
		 (long long)w->clock.now_ms);
	return true;
}

static void verify(struct world *w, const struct dns_zone *zone, const struct verb *v, struct verify_answer *a)
{
	a->count = SIM_SERVERS;
	for (int s = 0; s < SIM_SERVERS; s++) {
		snprintf(a->server[s].server, sizeof(a->server[s].server), "ns%d.test [10.7.0.%d]", s + 1, s + 1);
		a->server[s].answered = server_answers(w, zone->pair, s);
		a->server[s].matches = mx_set_equal(&zone->set[s], &v->u.dns.expect);
	}
}

void dns_verb(struct world *w, const struct verb *v, struct outcome *out)
{
	struct dns_zone *zone = find_zone(w, v);
	BUG_ON(!zone);
	if (v->kind == VERB_DNS_GET)
		get(zone, &out->u.dns);
	else if (v->kind == VERB_DNS_SWAP)
		swap(w, zone, v, out);
	else
		verify(w, zone, v, &out->u.verify);
}

void dns_hand(struct world *w, uint8_t pair, bool back)
{
	struct dns_zone *zone = &w->pair[pair].zone[0];
	if (zone->hand == back && back) {
		zone->set[0] = zone->before_hand;
		zone->hand = false;
		notify_secondaries(w, zone);
	} else if (!zone->hand && !back) {
		zone->before_hand = zone->set[0];
		zone->set[0].mx[1].preference = 77;
		zone->hand = true;
		notify_secondaries(w, zone);
	}
}

bool dns_resolve(struct world *w, uint8_t pair, uint8_t zone, struct mx_set *out)
{
	uint32_t first = dice_roll(&w->clock.dice, SIM_SERVERS);
	for (uint32_t i = 0; i < SIM_SERVERS; i++) {
		int s = (int)((first + i) % SIM_SERVERS);
		if (!server_answers(w, pair, s))
			continue;
		*out = w->pair[pair].zone[zone].set[s];
		return true;
	}
	return false;
}
