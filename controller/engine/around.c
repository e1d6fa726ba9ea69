/* Before one primary is believed dead, others are looked at: when many die at once the fault may be ours. A few
 * neighbours are asked at once, so that the brake is not as slow as their usual pace. */
#include "internal.h"

#define LOOK_AT 16    /* pairs; enough to see a share that the brake is about */
#define SLACK_MS 1000 /* from a probe's limit to its result */
/* A pair that was promoted so long ago died apart from those that die now. */
#define AT_ONCE_MS ((int64_t)10 * 60 * 1000)

static struct watched *neighbour(const struct watched *p, size_t step)
{
	return &p->e->pairs[(p->id - 1 + step) % p->e->npairs];
}

static size_t neighbours(const struct watched *p)
{
	return p->e->npairs - 1 < LOOK_AT ? p->e->npairs - 1 : LOOK_AT;
}

void around_look(struct watched *p)
{
	const struct ports *ports = &p->e->ports;
	p->looked_ms = engine_now(p->e).boot_ms;
	for (size_t i = 1; i <= neighbours(p); i++) {
		struct watched *n = neighbour(p, i);
		for (int f = 0; f < FAMILIES; f++)
			if (n->probe[f] && !n->hurried) /* the next start is at once; the pace stays */
				ports->probe->hurry(ports->probe_ctx, n->probe[f], n->opts.every_ms);
	}
}

static bool answered_since(const struct watched *n, int64_t since_ms)
{
	bool any = false, probed = false;
	for (int f = 0; f < FAMILIES; f++) {
		probed |= n->probe[f] != 0;
		any |= n->probe[f] && n->health.line[f].last_ms >= since_ms;
	}
	return any || !probed;
}

static int64_t patience_ms(const struct watched *n)
{
	int64_t longest_ms = 0;
	for (int f = 0; f < FAMILIES; f++)
		if (n->probe[f] && n->opts.probe[f].timeout_ms > longest_ms)
			longest_ms = n->opts.probe[f].timeout_ms;
	return longest_ms + SLACK_MS;
}

bool around_pending(const struct watched *p)
{
	int64_t waited_ms = engine_now(p->e).boot_ms - p->looked_ms;
	for (size_t i = 1; i <= neighbours(p); i++) {
		const struct watched *n = neighbour(p, i);
		if (!answered_since(n, p->looked_ms) && waited_ms <= patience_ms(n))
			return true;
	}
	return false;
}

static bool died_apart(const struct watched *p, struct instant now)
{
	bool served = p->state == PAIR_PROMOTED || p->state == PAIR_FAILING_BACK || p->state == PAIR_STUCK;
	return served && now.boot_ms - p->failing_since_ms > AT_ONCE_MS;
}

void around_count(struct watched *p)
{
	struct brake *brake = &p->e->brake;
	struct instant now = engine_now(p->e);
	bool dead = p->health.verdict == HEALTH_SUSPECT || p->health.verdict == HEALTH_DOWN;
	/* to know nothing more of a dead primary does not make it alive */
	dead |= p->health.verdict == HEALTH_UNKNOWN && p->failing;
	if (!dead)
		p->failing_since_ms = 0;
	else if (!p->failing_since_ms)
		p->failing_since_ms = now.boot_ms;
	bool failing = dead && !died_apart(p, now);
	if (failing != p->failing)
		brake_count(brake, brake->failing + (failing ? 1 : -1), (int)p->e->npairs);
	p->failing = failing;
}
