/* Numbered messages on their way. A 250 makes a host answer for the message; every move is judged at once. */
#include "senders.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/base/mem.h"
#include "promises.h"

#define TICK_MS 1000
#define NEW_EVERY 3 /* ticks */
#define RETRY_EVERY 5
#define QUEUE_RUN_EVERY 30
#define REFUSED_ONE_IN 23
#define MESSAGES_MAX 2000

struct sender_tick {
	uint8_t pair;
	uint32_t n;
};

static void place(struct world *w, uint8_t pair, struct message *m, uint8_t where)
{
	m->where = where;
	promise_9_message(w, pair, m->id, m->acked, where);
}

static enum host_role role_of(const struct world *w, uint8_t pair, const char *target)
{
	return strcmp(w->opts[pair].site.mx_name[HOST_PRIMARY], target) == 0 ? HOST_PRIMARY : HOST_STANDBY;
}

/* False: the sender tries the next MX. */
static bool offer(struct world *w, uint8_t pair, struct message *m, enum host_role role)
{
	struct pair_world *p = &w->pair[pair];
	const struct host *h = &p->host[role];
	if (!net_sender_reaches(w, h) || !host_serves(h))
		return false;
	if (role == HOST_PRIMARY && world_fault(w, pair, FAULT_PRIMARY_BUSY))
		return false;
	if (role == HOST_PRIMARY && (m->refused || world_fault(w, pair, FAULT_PRIMARY_REFUSES))) {
		place(w, pair, m, 0); /* a 5xx: it is the sender's again */
		return true;
	}
	m->acked = true;
	w->coverage->acked++;
	if (role == HOST_STANDBY) {
		p->senders.accepted_standby_ms = w->clock.now_ms;
		p->senders.at_standby++;
	}
	place(w, pair, m, role == HOST_PRIMARY ? IN_PRIMARY_QUEUE : IN_STANDBY_QUEUE);
	return true;
}

static bool refresh_cache(struct world *w, uint8_t pair, uint8_t zone)
{
	struct senders *s = &w->pair[pair].senders;
	int64_t age_ms = w->clock.now_ms - s->cached_ms[zone];
	if (s->has_cache[zone] && age_ms < (int64_t)s->cache[zone].ttl_s * 1000)
		return true;
	if (!dns_resolve(w, pair, zone, &s->cache[zone]))
		return false;
	s->has_cache[zone] = true;
	s->cached_ms[zone] = w->clock.now_ms;
	return true;
}

static void try_message(struct world *w, uint8_t pair, struct message *m)
{
	struct senders *s = &w->pair[pair].senders;
	uint32_t tried = 0;
	if (!refresh_cache(w, pair, m->zone))
		return;
	const struct mx_set *set = &s->cache[m->zone];
	for (size_t n = 0; n < set->count; n++) {
		size_t best = MX_SET_MAX;
		for (size_t i = 0; i < set->count; i++)
			if (!(tried & (1U << i)) &&
			    (best == MX_SET_MAX || set->mx[i].preference < set->mx[best].preference))
				best = i;
		BUG_ON(best == MX_SET_MAX);
		tried |= 1U << best;
		if (offer(w, pair, m, role_of(w, pair, set->mx[best].target)))
			return;
	}
}

static void add_message(struct world *w, uint8_t pair)
{
	struct senders *s = &w->pair[pair].senders;
	if (s->n == MESSAGES_MAX)
		return;
	if (s->n == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 64;
		s->msg = mem_realloc(s->msg, s->cap, sizeof(*s->msg));
	}
	struct message *m = &s->msg[s->n++];
	memset(m, 0, sizeof(*m));
	m->id = s->n;
	m->zone = (uint8_t)(s->n % SIM_ZONES);
	m->where = AT_SENDER;
	m->refused = s->n % REFUSED_ONE_IN == 0;
	try_message(w, pair, m);
}

static bool settled(const struct message *m)
{
	return m->where == 0 || m->where & DELIVERED || m->where == (EXPORTED | STRANDED);
}

static void skip_settled(struct senders *s)
{
	while (s->first_open < s->n && settled(&s->msg[s->first_open]))
		s->first_open++;
}

static void deliver_at_primary(struct world *w, uint8_t pair)
{
	struct senders *s = &w->pair[pair].senders;
	const struct host *h = &w->pair[pair].host[HOST_PRIMARY];
	if (!h->up || !h->running || h->hung)
		return;
	for (uint32_t i = s->first_open; i < s->n; i++)
		if (s->msg[i].where & IN_PRIMARY_QUEUE)
			place(w, pair, &s->msg[i], (uint8_t)((s->msg[i].where & ~IN_PRIMARY_QUEUE) | DELIVERED));
}

static void tick(struct world *w, void *data)
{
	const struct sender_tick *t = data;
	struct senders *s = &w->pair[t->pair].senders;
	deliver_at_primary(w, t->pair);
	skip_settled(s);
	if (t->n % QUEUE_RUN_EVERY == 0)
		senders_flush(w, &w->pair[t->pair].host[HOST_STANDBY]);
	for (uint32_t i = s->first_open; i < s->n; i++)
		if (s->msg[i].where == AT_SENDER && (t->n + i) % RETRY_EVERY == 0)
			try_message(w, t->pair, &s->msg[i]);
	if (t->n % NEW_EVERY == 0 && !w->quiet_senders)
		add_message(w, t->pair);
	struct sender_tick *next = mem_calloc(1, sizeof(*next));
	*next = (struct sender_tick){ t->pair, t->n + 1 };
	world_after(w, TICK_MS, tick, next, 0);
}

void senders_start(struct world *w, uint8_t pair)
{
	struct sender_tick *t = mem_calloc(1, sizeof(*t));
	*t = (struct sender_tick){ pair, 1 };
	world_after(w, 10 + pair, tick, t, 0);
}

void senders_fini(struct senders *s)
{
	free(s->msg);
	memset(s, 0, sizeof(*s));
}

uint32_t senders_count(const struct senders *s, enum place where)
{
	uint32_t n = 0;
	for (uint32_t i = s->first_open; i < s->n; i++)
		n += (s->msg[i].where & where) != 0;
	return n;
}

/* ---- the standby's queue ---- */

void senders_queue_status(struct world *w, const struct host *h, struct outcome *out)
{
	const struct senders *s = &w->pair[h->pair].senders;
	enum place where = h->role == HOST_PRIMARY ? IN_PRIMARY_QUEUE : IN_STANDBY_QUEUE;
	uint32_t total = senders_count(s, where), refused = 0, listed = 0;
	for (uint32_t i = s->first_open; i < s->n; i++)
		refused += (s->msg[i].where & where) && s->msg[i].refused_seen;
	int n = snprintf(out->u.text, sizeof(out->u.text),
			 "total=%u\nrefused=%u\nwaiting=%u\nhold=%s\nsoft_bounce=%s\n", total, refused, total - refused,
			 h->hold ? "on" : "off", h->relay_soft ? "on" : "off");
	for (uint32_t i = s->first_open; i < s->n && listed < 32; i++)
		if ((s->msg[i].where & where) && s->msg[i].refused_seen) {
			n += snprintf(out->u.text + n, sizeof(out->u.text) - (size_t)n, "refused_id=Q%u\n",
				      s->msg[i].id);
			listed++;
		}
}

static void relay(struct world *w, const struct host *standby, struct message *m)
{
	uint8_t pair = standby->pair;
	if (m->refused || world_fault(w, pair, FAULT_PRIMARY_REFUSES)) {
		m->refused_seen = true;
		if (!standby->relay_soft) /* a bounce: the message is gone from both hosts */
			place(w, pair, m, (uint8_t)(m->where & ~IN_STANDBY_QUEUE));
		return;
	}
	m->refused_seen = false;
	place(w, pair, m, (uint8_t)((m->where & ~IN_STANDBY_QUEUE) | IN_PRIMARY_QUEUE));
}

void senders_flush(struct world *w, struct host *standby)
{
	struct pair_world *p = &w->pair[standby->pair];
	if (!standby->up || !standby->running || standby->hold)
		return;
	if (!host_serves(&p->host[HOST_PRIMARY]) || world_fault(w, standby->pair, FAULT_PRIMARY_BUSY))
		return;
	for (uint32_t i = p->senders.first_open; i < p->senders.n; i++)
		if (p->senders.msg[i].where & IN_STANDBY_QUEUE)
			relay(w, standby, &p->senders.msg[i]);
}

static struct message *find_message(struct world *w, uint8_t pair, const char *queue_id)
{
	struct senders *s = &w->pair[pair].senders;
	unsigned id;
	if (sscanf(queue_id, "Q%u", &id) != 1 || id < 1 || id > s->n)
		return NULL;
	return &s->msg[id - 1];
}

bool senders_export(struct world *w, uint8_t pair, const char *queue_id)
{
	struct message *m = find_message(w, pair, queue_id);
	if (!m || !(m->where & IN_STANDBY_QUEUE))
		return false;
	place(w, pair, m, m->where | EXPORTED);
	return true;
}

void senders_remove(struct world *w, uint8_t pair, const char *queue_id)
{
	struct message *m = find_message(w, pair, queue_id);
	if (m && m->where & IN_STANDBY_QUEUE) {
		place(w, pair, m, (uint8_t)(m->where & ~IN_STANDBY_QUEUE));
		w->coverage->stranded++;
	}
}

void senders_listed(struct world *w, uint8_t pair, const char *queue_id)
{
	struct message *m = find_message(w, pair, queue_id);
	if (m)
		place(w, pair, m, m->where | STRANDED);
}
