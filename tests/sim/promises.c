/* See promises.h. Each function says in words what it compared. */
#include "../../controller/core/text.h"
#include "promises.h"

#include <stdlib.h>
#include <string.h>

#define STALE_MS 15000
#define FAIL_AFTER 3
#define SLACK_MS 8000
#define FENCED_MS 6000     /* from the last look at the primary to the row that says off, and more */
#define CONFIRMED_MS 25000 /* every question has 5 s, and three levels come after SSH */
#define SERVES_MS 8000     /* two rounds at the usual pace, and what is in flight */

/* 1. UNKNOWN never promotes; a pair never seen UP is never promoted automatically. */
void promise_1_evidence(struct world *w, uint8_t pair)
{
	const struct ghost *g = &w->pair[pair].ghost;
	if (!g->seen_up)
		world_fail(w, 1, "pair%u is promoted automatically; its primary was never seen up", pair);
	for (int f = 0; f < FAMILIES; f++) {
		int64_t age_ms = w->clock.now_ms - g->last_ms[f];
		if (g->dead[f] < FAIL_AFTER || !g->last_ms[f] || age_ms > STALE_MS)
			world_fail(w, 1,
				   "pair%u is promoted automatically on %d dead rounds over IPv%d, %d are needed, "
				   "the last is %lld ms old",
				   pair, g->dead[f], f == FAMILY_V4 ? 4 : 6, FAIL_AFTER, (long long)age_ms);
	}
}

static bool lost_in_our_cut(const struct world *w, const struct ghost *g, int f)
{
	return g->dead_from_ms[f] >= w->cut_from_ms && g->dead_to_ms[f] < w->cut_until_ms;
}

/* 2. What failed on our side, or is refused to us alone, is no evidence. */
void promise_2_our_side(struct world *w, uint8_t pair)
{
	const struct ghost *g = &w->pair[pair].ghost;
	int64_t agent_age_ms = w->clock.now_ms - g->agent_ms;
	int64_t since_ms = w->suspended_ms > w->started_ms ? w->suspended_ms : w->started_ms;
	if (w->net_cut_seen)
		world_fail(w, 2, "pair%u is promoted while no reference host answers the controller", pair);
	if (lost_in_our_cut(w, g, FAMILY_V4) && lost_in_our_cut(w, g, FAMILY_V6))
		world_fail(w, 2, "pair%u is promoted on rounds that one cut of our own network took, %lld ms long",
			   pair, (long long)(w->cut_until_ms - w->cut_from_ms));
	if (g->agent_ms && g->agent_serving && agent_age_ms < STALE_MS / 2)
		world_fail(w, 2, "pair%u is promoted, its agent said \"serving\" %lld ms ago", pair,
			   (long long)agent_age_ms);
	if (w->clock.now_ms < since_ms + w->engine_opts.grace_ms)
		world_fail(w, 2, "pair%u is promoted %lld ms after start or suspension, grace is %lld ms", pair,
			   (long long)(w->clock.now_ms - since_ms), (long long)w->engine_opts.grace_ms);
}

/* 3. One `own` at the current epoch; epochs only rise; a grant is durable before a host hears of it. */
void promise_3_grant(struct world *w, struct host *h, uint64_t epoch, bool stored)
{
	struct ghost *g = &w->pair[h->pair].ghost;
	const struct record *rec = NULL;
	char text[24];
	for (size_t i = 0; i < w->store.n; i++) {
		const struct record *r = &w->store.rows[i];
		if (r->kind == RECORD_GRANT && r->pair == (uint32_t)h->pair + 1 &&
		    text_find(r->body, "epoch", text, sizeof(text)) && strtoull(text, NULL, 10) == epoch)
			rec = r;
	}
	if (!rec && epoch > 1) /* 1: what every pair begins with */
		world_fail(w, 3, "pair%u %s is told epoch %llu, which is not durable", h->pair, host_role_name(h->role),
			   (unsigned long long)epoch);
	if (stored && epoch < g->told[h->role])
		world_fail(w, 3, "pair%u %s goes from epoch %llu back to %llu", h->pair, host_role_name(h->role),
			   (unsigned long long)g->told[h->role], (unsigned long long)epoch);
	if (stored)
		g->told[h->role] = epoch;
}

/* From the peer or the marker: an operation was journaled under that epoch before anybody could see it. */
void promise_3_learn(struct world *w, struct host *h, uint64_t epoch)
{
	struct ghost *g = &w->pair[h->pair].ghost;
	char text[24];
	bool durable = epoch == 1 || epoch == g->glass; /* what every pair begins with; by hand */
	for (size_t i = 0; i < w->store.n && !durable; i++) {
		const struct record *r = &w->store.rows[i];
		durable = (r->kind == RECORD_GRANT || r->kind == RECORD_OPERATION) &&
			  r->pair == (uint32_t)h->pair + 1 && text_find(r->body, "epoch", text, sizeof(text)) &&
			  strtoull(text, NULL, 10) == epoch;
	}
	if (!durable)
		world_fail(w, 3, "pair%u %s learns epoch %llu, which is not durable", h->pair, host_role_name(h->role),
			   (unsigned long long)epoch);
	if (epoch <= g->told[h->role])
		world_fail(w, 3, "pair%u %s goes from epoch %llu back to %llu", h->pair, host_role_name(h->role),
			   (unsigned long long)g->told[h->role], (unsigned long long)epoch);
	g->told[h->role] = epoch;
}

static void promise_3_one_owner(struct world *w, uint8_t pair)
{
	const struct host *h = w->pair[pair].host;
	uint64_t top = h[0].epoch > h[1].epoch ? h[0].epoch : h[1].epoch;
	int owners = 0;
	for (int r = 0; r < HOST_ROLES; r++)
		owners += h[r].epoch == top && h[r].may_own;
	if (owners > 1)
		world_fail(w, 3, "both hosts of pair%u hold own at epoch %llu", pair, (unsigned long long)top);
}

/* 3. What is said to be off does not run: not by the word of a device that has answered to SSH all the while. */
void promise_3_fenced(struct world *w, uint8_t pair, const struct journal_row *row)
{
	const struct host *h = &w->pair[pair].host[HOST_PRIMARY];
	int64_t since_ms = w->pair[pair].ghost.ssh_since_ms;
	int64_t row_ms = w->clock.now_ms - (world_now(w).boot_ms - row->when.boot_ms); /* it may be durable late */
	if (strcmp(row->facts.held, LEVEL_PERSON) == 0) /* judged when the person was asked for it */
		return;
	if (row->facts.proven_off && h->on && since_ms >= 0 && row_ms - since_ms > FENCED_MS)
		world_fail(w, 3,
			   "pair%u: level %s is said to have switched the primary off; it has answered SSH for %lld ms",
			   pair, row->facts.held, (long long)(row_ms - since_ms));
}

void promise_3_confirmed(struct world *w, uint8_t pair)
{
	int64_t since_ms = w->pair[pair].ghost.ssh_since_ms;
	if (since_ms >= 0 && w->clock.now_ms - since_ms > CONFIRMED_MS)
		world_fail(w, 3, "pair%u: a person confirms that the primary is off; it has answered SSH for %lld ms",
			   pair, (long long)(w->clock.now_ms - since_ms));
}

static bool ssh_works(const struct world *w, uint8_t pair)
{
	static const enum fault faults[] = { FAULT_SSH_TEMP, FAULT_SSH_PERM, FAULT_SSH_TIMEOUT,
					     FAULT_SSH_AUTH, FAULT_SSH_LOST, FAULT_LOCAL };
	for (size_t i = 0; i < ARRAY_LEN(faults); i++)
		if (world_fault(w, pair, faults[i]))
			return false;
	return net_ssh(w, &w->pair[pair].host[HOST_PRIMARY]);
}

static void promise_3_look(struct world *w, uint8_t pair)
{
	struct ghost *g = &w->pair[pair].ghost;
	if (!ssh_works(w, pair))
		g->ssh_since_ms = -1;
	else if (g->ssh_since_ms < 0)
		g->ssh_since_ms = w->clock.now_ms;
}

/* 4. Never empty; only from exactly what we last published; never by a stale epoch. */
void promise_4_swap(struct world *w, struct dns_zone *zone, const struct verb *v)
{
	struct ghost *g = &w->pair[zone->pair].ghost;
	const struct verb_dns *d = &v->u.dns;
	if (!mx_set_equal(&d->expect, &g->published[zone->index]))
		world_fail(w, 4, "%s: swapped from a set that is not the one we last published", zone->name);
	if (!mx_set_equal(&zone->set[0], &g->published[zone->index]))
		world_fail(w, 4, "%s: another hand's set is overwritten", zone->name);
	if (!d->want.count)
		world_fail(w, 4, "%s: an empty set is published", zone->name);
	if (v->guard.epoch < g->swap_epoch[zone->index])
		world_fail(w, 4, "%s: epoch %llu swaps after epoch %llu did", zone->name,
			   (unsigned long long)v->guard.epoch, (unsigned long long)g->swap_epoch[zone->index]);
	const struct plan_zone *conf = &w->opts[zone->pair].site.zones[zone->index];
	if (mx_set_equal(&d->want, &conf->after))
		promise_5_verified(w, &w->pair[zone->pair].host[HOST_STANDBY], "DNS moves");
	g->published[zone->index] = d->want;
	g->swap_epoch[zone->index] = v->guard.epoch;
}

static void promise_4_never_empty(struct world *w, uint8_t pair)
{
	for (int z = 0; z < SIM_ZONES; z++)
		for (int s = 0; s < SIM_SERVERS; s++)
			if (!w->pair[pair].zone[z].set[s].count)
				world_fail(w, 4, "%s: an empty MX set is published", w->pair[pair].zone[z].name);
}

/* 5. Nothing opens and nothing moves before hardening and the stranger's view were verified in this boot. */
void promise_5_verified(struct world *w, const struct host *standby, const char *what)
{
	const struct plan_site *s = &w->opts[standby->pair].site;
	if (standby->role != HOST_STANDBY)
		return;
	for (size_t i = 0; i < s->ncontrols; i++)
		if (s->control[i].block && !(standby->verified & (1U << i)))
			world_fail(w, 5, "pair%u: %s; control %s is not verified in this boot", standby->pair, what,
				   s->control[i].name);
	if (!standby->checked_outside)
		world_fail(w, 5, "pair%u: %s; no 250 and refusal were seen from outside in this boot", standby->pair,
			   what);
}

/* A drill moves no mail and no name, and never touches the primary. */
static void promise_drill(struct world *w, const struct verb *v)
{
	const struct verb_host *h = &v->u.host;
	bool word = v->kind == VERB_HOST_RUN;
	bool power = v->kind == VERB_POWER_ON || v->kind == VERB_POWER_OFF;
	if (v->kind == VERB_DNS_SWAP)
		world_fail(w, 4, "a drill changes a name");
	if (word && (strncmp(h->words, "port open", 9) == 0 || strncmp(h->words, "port probes", 11) == 0))
		world_fail(w, 5, "a drill opens port 25: %.60s", h->words);
	if (word && strcmp(h->words, "grant") == 0 && !strstr(h->rights, "\naccept=primary\n"))
		world_fail(w, 3, "a drill gives the standby a right to take mail");
	if ((word && h->target == HOST_PRIMARY) || (power && v->u.power_target == HOST_PRIMARY))
		world_fail(w, 10, "a drill touches the primary (%s)", verb_kind_name(v->kind));
}

/* Who may only rehearse is reached by nobody. */
static void promise_5_rehearses(struct world *w, uint8_t pair)
{
	const struct host *h = &w->pair[pair].host[HOST_STANDBY];
	if (h->on && h->running && !h->may_accept && (h->port == PORT_OPEN || h->port == PORT_PROBES))
		world_fail(w, 5, "pair%u: the standby runs mail without a right to take any, its port is %s", pair,
			   port_state_name(h->port));
}

/* 6. Intent is durable before every effect. */
void promise_6_intent(struct world *w, const struct verb *v)
{
	if (!v->op || !verb_has_effect(v))
		return;
	const struct ghost *g = &world_pair(w, v->guard.pair)->ghost;
	const struct ghost_op *o = ghost_find_op((struct ghost *)(uintptr_t)g, v->op);
	if (!o)
		world_fail(w, 6, "operation %llu acts (%s); its plan is not durable", (unsigned long long)v->op,
			   verb_kind_name(v->kind));
	else if (!(o->begun & (1U << v->step)))
		world_fail(w, 6, "operation %llu acts (%s) in step %s; the step's begin is not durable",
			   (unsigned long long)v->op, verb_kind_name(v->kind), step_name(o->step[v->step]));
	else if (o->ended)
		world_fail(w, 6, "operation %llu acts (%s) after its end", (unsigned long long)v->op,
			   verb_kind_name(v->kind));
	else if (o->epoch != v->guard.epoch)
		world_fail(w, 6, "operation %llu acts under epoch %llu, its own is %llu", (unsigned long long)v->op,
			   (unsigned long long)v->guard.epoch, (unsigned long long)o->epoch);
	else if (o->kind == PLAN_DRILL)
		promise_drill(w, v);
	if (g->fenced_op && v->op == g->fenced_op)
		world_fail(w, 3, "operation %llu acts after the store fenced it", (unsigned long long)v->op);
}

/* 7. Once per pair until acknowledged or cooled down, so many a day, never when many die at once. */
void promise_7_brakes(struct world *w, uint8_t pair)
{
	const struct ghost *g = &w->pair[pair].ghost;
	const struct brake_opts *b = &w->engine_opts.brake;
	int down = 0;
	for (size_t i = 0; i < w->npairs; i++) {
		const struct ghost *other = &w->pair[i].ghost;
		int64_t oldest_ms = other->last_ms[0] < other->last_ms[1] ? other->last_ms[0] : other->last_ms[1];
		down += other->down_since_ms >= 0 && w->clock.now_ms - other->down_since_ms > 1100 &&
			w->clock.now_ms - oldest_ms < STALE_MS - 1100;
	}
	if (g->latched && w->clock.now_ms - g->latch_ms < w->opts[pair].cooldown_ms)
		world_fail(w, 7, "pair%u is promoted automatically again after %lld ms, cool-down is %lld ms", pair,
			   (long long)(w->clock.now_ms - g->latch_ms), (long long)w->opts[pair].cooldown_ms);
	bool lifted = world_now(w).wall_ms < w->lift_until_wall_ms;
	if (!lifted && ghost_auto_today(w, world_now(w).wall_ms) >= b->per_day)
		world_fail(w, 7, "pair%u is promoted automatically; %d were today, the limit is %d", pair,
			   ghost_auto_today(w, world_now(w).wall_ms), b->per_day);
	if (!lifted && down >= b->mass_count && down * 100 >= b->mass_percent * (int)w->npairs)
		world_fail(w, 7, "pair%u is promoted automatically while %d of %u primaries are down", pair, down,
			   w->npairs);
	if (g->held && world_now(w).wall_ms < g->hold_until_ms)
		world_fail(w, 7, "pair%u is promoted automatically under a hold", pair);
	if (w->opts[pair].mode != MODE_AUTOMATIC)
		world_fail(w, 7, "pair%u is promoted automatically, its mode is %s", pair,
			   pair_mode_name(w->opts[pair].mode));
}

void promise_7_timetable(struct world *w, uint8_t pair)
{
	const struct ghost *g = &w->pair[pair].ghost;
	const struct drill_times *t = &w->opts[pair].drills;
	if (!t->at.days)
		world_fail(w, 7, "pair%u drills by schedule, and has none", pair);
	if (g->held && world_now(w).wall_ms < g->hold_until_ms)
		world_fail(w, 7, "pair%u drills by schedule under a hold", pair);
	for (size_t i = 0; t->one_at_a_time && i < w->npairs; i++) {
		const struct ghost *other = &w->pair[i].ghost;
		if (i != pair && other->nops && !other->op[other->nops - 1].ended)
			world_fail(w, 7, "pair%u drills by schedule while pair%zu is in operation %llu", pair, i,
				   (unsigned long long)other->op[other->nops - 1].op);
	}
}

/* 8. Failback is never automatic. */
void promise_8_by_hand(struct world *w, uint8_t pair, const struct ghost_op *op)
{
	struct ghost *g = &w->pair[pair].ghost;
	if (op->kind == PLAN_PROMOTE)
		return;
	if (op->kind == PLAN_DRILL && op->scheduled)
		return; /* promise_7_timetable */
	if (op->kind == PLAN_DRILL) {
		if (op->automatic || ++g->begun_drill > g->asked_drill + g->asked_resume)
			world_fail(w, 8, "pair%u: a drill began that nobody asked for", pair);
		return;
	}
	g->begun_back++;
	if (op->automatic || g->begun_back > g->asked_failback + g->asked_abort + g->asked_resume)
		world_fail(w, 8, "pair%u: a %s began that nobody asked for", pair, plan_kind_name(op->kind));
}

/* 9. An acknowledged message is somewhere; a host that holds one is never powered off by us. */
void promise_9_message(struct world *w, uint8_t pair, uint32_t id, bool acked, uint8_t where)
{
	bool listed = (where & EXPORTED) && (where & STRANDED);
	if (acked && !listed && !(where & (IN_PRIMARY_QUEUE | IN_STANDBY_QUEUE | DELIVERED)))
		world_fail(w, 9, "pair%u: message %u was acknowledged and is nowhere (%s%s)", pair, id,
			   where & EXPORTED ? "exported " : "", where & STRANDED ? "listed" : "not listed");
}

void promise_9_power(struct world *w, const struct host *h)
{
	uint32_t held = senders_count(&w->pair[h->pair].senders, IN_STANDBY_QUEUE);
	if (h->role == HOST_STANDBY && h->on && held)
		world_fail(w, 9, "pair%u: the standby is powered off with %u acknowledged messages", h->pair, held);
}

static bool truly_serves(const struct world *w, uint8_t pair)
{
	const struct host *h = &w->pair[pair].host[HOST_PRIMARY];
	bool reached = net_controller_reaches(w, h, 4) || net_controller_reaches(w, h, 6);
	return host_serves(h) && reached && !world_fault(w, pair, FAULT_PRIMARY_SMTP_FAR);
}

/* 14. Fencing is for a dead primary: never for one that serves, and has served the controller's net for a while,
 * whatever the controller knows of it. Only where it can see nothing at all an operator's own word may be wrong. */
void promise_14_fence(struct world *w, const struct verb *v)
{
	const struct host *h = &world_pair(w, v->guard.pair)->host[HOST_PRIMARY];
	struct ghost *g = &w->pair[h->pair].ghost;
	const struct ghost_op *op = ghost_find_op(g, v->op);
	int64_t since_ms = g->serves_since_ms;
	if (op && !op->automatic && g->blind_ms >= 0 && w->clock.now_ms - g->blind_ms <= SERVES_MS)
		return;
	if (h->on && since_ms >= 0 && w->clock.now_ms - since_ms > SERVES_MS)
		world_fail(w, 14, "pair%u: the primary is fenced; it has served for %lld ms", h->pair,
			   (long long)(w->clock.now_ms - since_ms));
}

static void promise_14_look(struct world *w, uint8_t pair)
{
	struct ghost *g = &w->pair[pair].ghost;
	if (world_fault(w, pair, FAULT_LOCAL))
		g->blind_ms = w->clock.now_ms;
	if (!truly_serves(w, pair))
		g->serves_since_ms = -1;
	else if (g->serves_since_ms < 0)
		g->serves_since_ms = w->clock.now_ms;
}

/* 10. A primary that nothing ails serves, whatever the controller is doing. */
static void promise_10_serves(struct world *w, uint8_t pair)
{
	const struct host *h = &w->pair[pair].host[HOST_PRIMARY];
	if (!h->on || !h->up || h->hung || h->mail_fault)
		return;
	if (!h->running || h->port != PORT_OPEN || !h->may_accept)
		world_fail(w, 10, "pair%u: nothing ails the primary, and it does not take mail (mail %s, port %s, %s)",
			   pair, h->running ? "runs" : "is stopped", port_state_name(h->port),
			   h->may_accept ? "has a right" : "has no right");
}

/* 12. Each wait has one deadline. */
void promise_12_deadline(struct world *w, const struct verb *v)
{
	int64_t left_ms = v->deadline_ms - world_now(w).boot_ms;
	if (left_ms > 120000 || left_ms < 0)
		world_fail(w, 12, "%s is submitted with a deadline in %lld ms", verb_kind_name(v->kind),
			   (long long)left_ms);
}

static int64_t linger_ms(const struct world *w, uint8_t pair)
{
	const struct plan_site *s = &w->opts[pair].site;
	return (int64_t)s->zones[0].before.ttl_s * 2 * 1000 + s->linger_margin_ms;
}

/* 12. The linger is never shorter than it should be, restarts or not. */
void promise_12_linger(struct world *w, uint8_t pair, const struct verb *v)
{
	const struct ghost_op *o = ghost_find_op(&w->pair[pair].ghost, v->op);
	if (!o || o->kind != PLAN_FAILBACK || o->step[v->step] != STEP_CLOSE_PORT)
		return;
	for (int z = 0; z < SIM_ZONES; z++) {
		int64_t since_ms = w->clock.now_ms - w->pair[pair].zone[z].swapped_ms;
		if (w->opts[pair].site.strategy == DNS_SWAP && since_ms < linger_ms(w, pair))
			world_fail(w, 12, "pair%u: port 25 closes %lld ms after the MX moved, linger is %lld ms", pair,
				   (long long)since_ms, (long long)linger_ms(w, pair));
	}
}

static void promise_12_moves(struct world *w, uint8_t pair)
{
	struct ghost *g = &w->pair[pair].ghost;
	struct ghost_op *o = g->nops ? &g->op[g->nops - 1] : NULL;
	if (!o || o->ended || o->stuck)
		return;
	if (!w->engine || !engine_ready(w->engine) || w->clock.now_ms < w->asleep_until_ms ||
	    world_fault(w, pair, FAULT_STORE_AWAY) || world_fault(w, pair, FAULT_STORE_UNKNOWN)) {
		o->progress_ms = w->clock.now_ms;
		return;
	}
	int64_t limit_ms = o->step[o->at] == STEP_LINGER ? linger_ms(w, pair) : o->limit_ms[o->at];
	if (o->turned_back)
		limit_ms = 2 * w->opts[pair].site.boot_ms;
	else if (o->kind == PLAN_PROMOTE && !o->past_no_return)
		limit_ms += 2 * w->opts[pair].site.boot_ms; /* it may wait so long for fresh evidence */
	if (w->clock.now_ms - o->progress_ms > limit_ms + SLACK_MS)
		world_fail(w, 12, "pair%u: %s stands in step %s for %lld ms, its limit is %lld ms", pair,
			   plan_kind_name(o->kind), step_name(o->step[o->at]),
			   (long long)(w->clock.now_ms - o->progress_ms), (long long)limit_ms);
}

/* 13. Maps never change at a standby that takes mail, and pushes are refused meanwhile; a promotion counts
 * from its begin on the maps that it was planned with. */
void promise_13_maps(struct world *w, const struct host *standby)
{
	if (standby->role == HOST_STANDBY && standby->running && standby->port == PORT_OPEN)
		world_fail(w, 13, "pair%u: recipient maps are installed while the standby takes mail", standby->pair);
}

static void promise_13_pushes(struct world *w, uint8_t pair)
{
	const struct host *h = &w->pair[pair].host[HOST_STANDBY];
	const struct ghost *g = &w->pair[pair].ghost;
	const struct ghost_op *o = g->nops ? &g->op[g->nops - 1] : NULL;
	bool moves = o && o->kind == PLAN_PROMOTE && !o->ended && !o->stuck && !o->turned_back;
	if (!w->engine || w->crashed || !engine_maps_wanted(w->engine, (uint32_t)pair + 1))
		return;
	if (host_serves(h))
		world_fail(w, 13, "pair%u: the standby takes mail, and pushes of maps are accepted", pair);
	else if (moves)
		world_fail(w, 13, "pair%u: a promotion is under way, and pushes of maps are accepted", pair);
}

/* What mail, names and rights hang on is never skipped. A skipped power-off leaves the standby to a person. */
void promise_skipped(struct world *w, uint8_t pair, enum step_id step, bool back)
{
	static const struct {
		enum step_id step;
		int promise;
	} never[] = {
		{ STEP_GUARD, 4 },     { STEP_SWITCH_DNS, 4 },   { STEP_HARDEN, 5 },         { STEP_MAPS, 14 },
		{ STEP_GRANT, 3 },     { STEP_VERIFY_LOCAL, 5 }, { STEP_VERIFY_OUTSIDE, 5 }, { STEP_OPEN_PORT, 5 },
		{ STEP_DRAIN, 9 },     { STEP_DRAIN_AGAIN, 9 },  { STEP_SETTLE, 9 },         { STEP_CLOSE_PORT, 9 },
		{ STEP_READINESS, 5 }, { STEP_LINGER, 12 },      { STEP_START_MAIL, 9 },
	};
	for (size_t i = 0; i < ARRAY_LEN(never); i++)
		if (never[i].step == step)
			world_fail(w, never[i].promise, "pair%u: %s was skipped", pair, step_name(step));
	if (step == (back ? STEP_POWER_ON : STEP_POWER_OFF))
		w->pair[pair].standby_by_hand = true;
	if (step == (back ? STEP_FENCE : STEP_UNFENCE))
		w->pair[pair].host[HOST_PRIMARY].fenced_by_us = false; /* who skips it switches it on */
	w->coverage->skips++;
}

void promises_check(struct world *w)
{
	for (uint8_t i = 0; i < w->npairs && !w->failure.promise; i++) {
		promise_14_look(w, i);
		promise_3_look(w, i);
		promise_3_one_owner(w, i);
		promise_4_never_empty(w, i);
		promise_5_rehearses(w, i);
		promise_10_serves(w, i);
		promise_12_moves(w, i);
		promise_13_pushes(w, i);
	}
}
