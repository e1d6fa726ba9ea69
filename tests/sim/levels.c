/* See levels.h. */
#include "levels.h"

#include <string.h>

#include "../../common/base/mem.h"
#include "world.h"

#define EDGE "edge"

void levels_configure(struct plan_site *site, uint8_t n)
{
	static const struct plan_level all[] = { { "board", true, true },
						 { "host", true, false },
						 { EDGE, false, false } };
	size_t first = n < ARRAY_LEN(all); /* a board only where there are all of them */
	for (site->nlevels = 0; site->nlevels < n; site->nlevels++)
		site->level[site->nlevels] = all[first + site->nlevels];
}

/* The fault's argument names the level, by its place. */
static bool ails(const struct world *w, const struct verb *v, uint8_t pair, enum fault fault)
{
	size_t n = w->opts[pair].site.nlevels;
	return n && world_fault(w, pair, fault) && w->pair[pair].fault_arg[fault] % n == v->u.fence.index;
}

enum trouble level_trouble(struct world *w, const struct verb *v, uint8_t pair)
{
	bool machine = strcmp(v->u.fence.level, EDGE) != 0;
	if (ails(w, v, pair, FAULT_LEVEL_HANGS) || (machine && world_fault(w, pair, FAULT_POWER_HANGS)))
		return TROUBLE_TIMEOUT;
	if (machine && world_fault(w, pair, FAULT_POWER_FLAKY) && dice_roll(&w->clock.dice, 2))
		return TROUBLE_TEMP;
	return ails(w, v, pair, FAULT_LEVEL_FAILS) ? TROUBLE_PERM : TROUBLE_NONE;
}

static enum power_state state_of(const struct world *w, const struct verb *v, const struct host *h, bool edge)
{
	if (ails(w, v, h->pair, FAULT_LEVEL_BLUFFS))
		return POWER_STATE_OFF;
	if (!edge && world_fault(w, h->pair, FAULT_POWER_UNSURE))
		return POWER_UNKNOWN;
	return (edge ? h->cut_off : !h->on) ? POWER_STATE_OFF : POWER_STATE_ON;
}

void level_verb(struct world *w, const struct verb *v, struct outcome *out)
{
	struct host *h = &world_pair(w, v->guard.pair)->host[HOST_PRIMARY];
	bool edge = strcmp(v->u.fence.level, EDGE) == 0, off = v->kind == VERB_FENCE_OFF;
	if (v->kind == VERB_FENCE_STATUS) {
		out->u.power = state_of(w, v, h, edge);
		return;
	}
	if (ails(w, v, h->pair, FAULT_LEVEL_LIES) || (!edge && world_fault(w, h->pair, FAULT_POWER_LIES)))
		return;
	if (edge) {
		h->cut_off = off;
		return;
	}
	h->fenced_by_us |= off && h->on;
	host_power(w, h, !off);
}

void level_by_hand(struct world *w, uint8_t pair)
{
	struct host *h = &w->pair[pair].host[HOST_PRIMARY];
	h->cut_off = false;
	host_power(w, h, true);
	h->fenced_by_us = false;
}
