/* Probe results become a verdict, the verdict becomes an event of the pair's table, the table's row acts. */
#include <stdio.h>
#include <string.h>

#include "internal.h"
#include "records.h"

#define VIEW_OLD_MS ((int64_t)15 * 1000) /* a calm pair's view shows no older probe than this and one round */

static bool in_operation(const struct watched *p)
{
	return p->state == PAIR_PROMOTING || p->state == PAIR_FAILING_BACK || p->state == PAIR_DRILLING;
}

#define SHADOW_WOULD "mode is shadow: would have promoted now"

/* What forbids it whatever the mode; "" = nothing. */
static void veto_words(struct watched *p, char *why, size_t size)
{
	struct engine *e = p->e;
	struct instant now = engine_now(e);
	struct err err = { 0 };
	why[0] = '\0';
	if (p->op.ending)
		snprintf(why, size, "the last operation is just ending");
	else if (hold_active(&p->hold, now))
		snprintf(why, size, "held by %s: %.120s", p->hold.owner, p->hold.reason);
	else if (now.boot_ms < e->grace_until_ms)
		snprintf(why, size, "grace: %lld s left", (long long)(e->grace_until_ms - now.boot_ms) / 1000);
	else if (foreign_pending(p))
		foreign_words(p, why, size);
	else if (!p->seen_up)
		snprintf(why, size, "the primary was never seen up since its configuration changed");
	else if (p->latched && now.boot_ms - p->latch_ms < p->opts.cooldown_ms)
		snprintf(why, size,
			 "promoted automatically before, or aborted by an operator: `coldmx ack %s --reason ...` or "
			 "wait",
			 p->opts.site.pair);
	else if (brake_check_budget(&e->brake, now, &err) || brake_check_mass(&e->brake, now, &err))
		snprintf(why, size, "%.190s", err.text);
}

bool watch_veto(struct watched *p, char *why, size_t size)
{
	char words[200];
	if (p->opts.mode == MODE_MANUAL) {
		snprintf(why, size, "mode is manual: `coldmx failover %s` acts", p->opts.site.pair);
		return true;
	}
	veto_words(p, words, sizeof(words));
	if (p->opts.mode != MODE_SHADOW)
		snprintf(why, size, "%s", words);
	else if (words[0])
		snprintf(why, size, "mode is shadow: would not have promoted: %.140s", words);
	else
		snprintf(why, size, SHADOW_WOULD);
	return why[0];
}

void watch_hurry(struct watched *p, bool fast)
{
	for (int f = 0; f < FAMILIES; f++)
		if (p->probe[f])
			p->e->ports.probe->hurry(p->e->ports.probe_ctx, p->probe[f],
						 fast ? p->opts.fast_every_ms : p->opts.every_ms);
	p->hurried = fast;
}

static void act(struct watched *p, enum pair_event event)
{
	struct op_request req = { .kind = PLAN_PROMOTE, .actor = "auto", .reason = p->row->why, .automatic = true };
	switch (p->row->action) {
	case PAIR_ACT_HURRY:
	case PAIR_ACT_CALM: watch_hurry(p, p->row->action == PAIR_ACT_HURRY); return;
	case PAIR_ACT_PROMOTE:
		if (event == PAIR_EV_DOWN_ACT)
			operate_begin(p, &req);
		return; /* an operator's begin comes from command.c, with its reason */
	case PAIR_ACT_PAGE:
		if (event == PAIR_EV_DOWN_VETOED)
			page_send(p, "page", "primary is DOWN; not acting: %s", p->veto);
		else if (event == PAIR_EV_OP_STUCK)
			page_send(p, "page", "stuck: %s. Then `coldmx resume %s --reason ...`, or `coldmx abort`",
				  p->op.run.err.text, p->opts.site.pair);
		else if (event == PAIR_EV_WOUNDED)
			page_send(p, "page", "the primary refuses good mail");
		return;
	case PAIR_ACT_CANCEL:
		if (event == PAIR_EV_UP)
			operate_cancel(p, "the primary answers again");
		return;
	case PAIR_ACT_SETTLE: watch_evaluate(p); return;
	case PAIR_ACT_NONE:
	case PAIR_ACT_FAILBACK:
	case PAIR_ACT_DRILL:
	case PAIR_ACT_ABORT:
	case PAIR_ACT_RESUME:
	case PAIR_ACT_REFUSE: return; /* command.c */
	}
}

const struct pair_row *watch_fire(struct watched *p, enum pair_event event)
{
	const struct pair_row *row = pair_rule(p->state, event);
	enum pair_state before = p->state;
	if (row->action == PAIR_ACT_REFUSE)
		return row;
	p->last_event = event;
	p->state = row->next;
	if (before != row->next || row->action != PAIR_ACT_NONE || before == PAIR_PROMOTED) {
		p->row = row;
		engine_log(p->e, before == row->next ? 6 : 5, p, "%s -> %s: %s [%s]", pair_state_name(before),
			   pair_state_name(row->next), row->why, row->rule);
		engine_touch(p);
		act(p, event);
	}
	return row;
}

/* All that shadow mode does: it says what automatic mode would have done; at the moment of DOWN that page says it. */
static void tell_shadow(struct watched *p)
{
	bool would = strcmp(p->veto, SHADOW_WOULD) == 0;
	if (would && !p->shadow_told && p->state == PAIR_DOWN)
		page_send(p, "page", "%s", p->veto);
	p->shadow_told = would;
}

static enum pair_event choose_event(struct watched *p)
{
	switch (p->health.verdict) {
	case HEALTH_UNKNOWN: return PAIR_EV_UNKNOWN;
	case HEALTH_UP: return PAIR_EV_UP;
	case HEALTH_SUSPECT: return PAIR_EV_SUSPECT;
	case HEALTH_WOUNDED: return PAIR_EV_WOUNDED;
	case HEALTH_DOWN: break;
	}
	if (around_pending(p) || drill_leaves(p)) /* a moment only; not yet a word that somebody is woken for */
		return PAIR_EV_SUSPECT;
	char before[sizeof(p->veto)];
	memcpy(before, p->veto, sizeof(before));
	bool vetoed = watch_veto(p, p->veto, sizeof(p->veto));
	if (strcmp(before, p->veto) != 0)
		engine_touch(p);
	tell_shadow(p);
	return vetoed ? PAIR_EV_DOWN_VETOED : PAIR_EV_DOWN_ACT;
}

static void note_seen_up(struct watched *p)
{
	if (p->seen_up || !health_recovered(&p->health))
		return;
	p->seen_up = true;
	engine_touch(p);
	records_save(p, "coldmxd", "seen-up", "first seen up since the configuration changed", NULL, NULL);
}

/* References are hosts of others: asked fast only while a streak of dead rounds needs their word. */
static void note_wish(struct watched *p)
{
	struct engine *e = p->e;
	bool wants = health_wants_references(&p->health);
	if (wants == p->wants_references)
		return;
	p->wants_references = wants;
	size_t before = e->wanting;
	e->wanting = wants ? before + 1 : before - 1;
	if (before && e->wanting)
		return;
	for (size_t i = 0; i < e->nreferences; i++) {
		int64_t every_ms = e->references[i].every_ms;
		if (wants && e->wanted_ms < every_ms)
			every_ms = e->wanted_ms;
		e->ports.probe->hurry(e->ports.probe_ctx, e->reference_probe[i], every_ms);
	}
}

void watch_judge(struct watched *p)
{
	health_evaluate(&p->health, engine_now(p->e));
	around_count(p);
	note_wish(p);
}

static void page_back(struct watched *p)
{
	char count[48] = "mail waits";
	if (!agents_silent(p, HOST_STANDBY) && p->agent[HOST_STANDBY].queue >= 0)
		snprintf(count, sizeof(count), "%lld messages wait", (long long)p->agent[HOST_STANDBY].queue);
	page_send(p, "note", "the primary is back: %s at the standby; `coldmx failback %s` delivers them", count,
		  p->opts.site.pair);
}

/* Past open-port a promotion goes forward. */
static bool may_turn_back(const struct watched *p)
{
	const struct run *r = &p->op.run;
	return health_recovered(&p->health) && !r->past_no_return && !r->cancelled && r->mode == RUNNING_FORWARD &&
	       !p->op.ending;
}

void watch_evaluate(struct watched *p)
{
	if (!p->e->ready || p->e->stopping)
		return;
	enum health_verdict before = p->health.verdict;
	watch_judge(p);
	if (before != p->health.verdict)
		engine_touch(p);
	note_seen_up(p);
	agents_listen(p);
	trouble_page(p);
	standby_watch(p);
	enum pair_event event = choose_event(p);
	evidence_reconsider(p);
	if (event == PAIR_EV_UP && p->state == PAIR_PROMOTING) {
		if (may_turn_back(p)) /* whatever came before: an UP that stands cancels */
			watch_fire(p, event);
		return;
	}
	if (event == PAIR_EV_UP && p->state == PAIR_PROMOTED && p->last_event != PAIR_EV_UP)
		page_back(p);
	if (event != p->last_event || (event == PAIR_EV_DOWN_ACT && !in_operation(p)) ||
	    pair_rule(p->state, event)->next != p->state)
		watch_fire(p, event);
}

static void smtp_result(struct watched *p, enum health_family family, const struct probe_result *r)
{
	const struct health_line *line = &p->health.line[family];
	int dead = line->dead;
	heartbeat_probed(p->e, r);
	health_smtp_result(&p->health, family, r, engine_now(p->e));
	bool old = engine_now(p->e).boot_ms - p->viewed_ms >= VIEW_OLD_MS;
	if ((dead == 0) != (line->dead == 0) || old)
		engine_touch(p);
	watch_evaluate(p);
}

static void smtp4_result(void *arg, uint32_t id, const struct probe_result *r)
{
	(void)id;
	smtp_result(arg, FAMILY_V4, r);
}

static void smtp6_result(void *arg, uint32_t id, const struct probe_result *r)
{
	(void)id;
	smtp_result(arg, FAMILY_V6, r);
}

void watch_start(struct watched *p)
{
	static result_cb *const smtp_cb[FAMILIES] = { smtp4_result, smtp6_result };
	static result_cb *const agent_cb[HOST_ROLES] = { agents_primary_result, agents_standby_result };
	const struct ports *ports = &p->e->ports;
	for (int f = 0; f < FAMILIES; f++)
		if (p->opts.probe[f].addr[0])
			p->probe[f] = ports->probe->add(ports->probe_ctx, &p->opts.probe[f], smtp_cb[f], p);
	for (int r = 0; r < HOST_ROLES; r++)
		if (p->opts.agent[r].addr[0])
			p->agent_probe[r] = ports->probe->add(ports->probe_ctx, &p->opts.agent[r], agent_cb[r], p);
}

void watch_stop(struct watched *p)
{
	const struct ports *ports = &p->e->ports;
	standby_stop(p);
	for (int f = 0; f < FAMILIES; f++)
		if (p->probe[f])
			ports->probe->remove(ports->probe_ctx, p->probe[f]);
	for (int r = 0; r < HOST_ROLES; r++)
		if (p->agent_probe[r])
			ports->probe->remove(ports->probe_ctx, p->agent_probe[r]);
}

static void judge_references(struct engine *e)
{
	struct instant now = engine_now(e);
	bool any = false, all_seen = true;
	for (size_t i = 0; i < e->nreferences; i++) {
		int64_t fresh_ms = e->references[i].every_ms * 2 + e->references[i].timeout_ms;
		any |= e->reference_ok_ms[i] && now.boot_ms - e->reference_ok_ms[i] <= fresh_ms;
		all_seen &= e->reference_seen_ms[i] != 0;
	}
	if (!any && !all_seen)
		return;
	for (size_t i = 0; i < e->npairs; i++)
		health_references(&e->pairs[i].health, any, now);
}

static void reference_result(void *arg, uint32_t id, const struct probe_result *r)
{
	struct engine *e = arg;
	for (size_t i = 0; i < e->nreferences; i++) {
		if (e->reference_probe[i] != id)
			continue;
		e->reference_seen_ms[i] = engine_now(e).boot_ms;
		bool answers = r->outcome == PROBE_OK || r->outcome == PROBE_BUSY;
		e->reference_ok_ms[i] = answers ? engine_now(e).boot_ms : 0;
		for (size_t k = 0; answers && k < e->npairs; k++)
			health_reference_answered(&e->pairs[k].health, engine_now(e));
	}
	judge_references(e);
}

void watch_start_references(struct engine *e)
{
	for (size_t i = 0; i < e->nreferences; i++)
		e->reference_probe[i] = e->ports.probe->add(e->ports.probe_ctx, &e->references[i], reference_result, e);
}

static void add_condition(struct condition *c, const char *name, bool met, const char *limit, const char *value)
{
	*c = (struct condition){ .met = met, .age_ms = 0 };
	snprintf(c->name, sizeof(c->name), "%s", name);
	snprintf(c->value, sizeof(c->value), "%.110s", value);
	snprintf(c->limit, sizeof(c->limit), "%.70s", limit);
	snprintf(c->source, sizeof(c->source), "controller");
}

static void hold_words(const struct watched *p, struct instant now, char *out, size_t size)
{
	long long left_s = (long long)(p->hold.expires_wall_ms - now.wall_ms) / 1000;
	if (hold_active(&p->hold, now))
		snprintf(out, size, "%.40s: %.60s (%lld s left)", p->hold.owner, p->hold.reason, left_s);
	else
		snprintf(out, size, "none");
}

static void lift_words(const struct hold *lift, struct instant now, char *out, size_t size)
{
	long long left_s = (long long)(lift->expires_wall_ms - now.wall_ms) / 1000;
	if (hold_active(lift, now))
		snprintf(out, size, "; lifted by %.40s (%lld s left)", lift->owner, left_s);
	else
		out[0] = '\0';
}

size_t watch_conditions(struct watched *p, struct condition *out, size_t max)
{
	struct engine *e = p->e;
	struct instant now = engine_now(e);
	struct err err = { 0 };
	char text[160], limit[80], lifted[80];
	BUG_ON(max < 13);
	size_t n = health_explain(&p->health, now, out, max);
	add_condition(&out[n++], "mode", p->opts.mode == MODE_AUTOMATIC, "automatic", pair_mode_name(p->opts.mode));
	bool held = hold_active(&p->hold, now);
	hold_words(p, now, text, sizeof(text));
	add_condition(&out[n++], "hold", !held, "none", text);
	int64_t grace_ms = e->grace_until_ms - now.boot_ms;
	if (grace_ms > 0)
		snprintf(text, sizeof(text), "%lld s left", (long long)(grace_ms + 999) / 1000);
	else
		snprintf(text, sizeof(text), "over");
	add_condition(&out[n++], "grace", grace_ms <= 0, "over", text);
	add_condition(&out[n++], "seen-up", p->seen_up, "once since the configuration changed",
		      p->seen_up ? "yes" : "never since the configuration changed");
	snprintf(text, sizeof(text), "epoch %llu at an agent, ours is %llu", (unsigned long long)foreign_top(p),
		 (unsigned long long)p->epoch);
	add_condition(&out[n++], "epoch", !foreign_pending(p), "no agent above the controller, or acknowledged",
		      foreign_pending(p) ? text : "none above");
	bool latched = p->latched && now.boot_ms - p->latch_ms < p->opts.cooldown_ms;
	add_condition(&out[n++], "latch", !latched, "acknowledged or cooled down",
		      latched ? "promoted automatically, or aborted by an operator; not acknowledged" : "clear");
	bool spent = brake_check_budget(&e->brake, now, &err) != ERR_OK;
	lift_words(&e->brake.lift, now, lifted, sizeof(lifted));
	snprintf(text, sizeof(text), "%d automatic promotions today, all pairs%s", e->brake.used, lifted);
	snprintf(limit, sizeof(limit), "fewer than %d a day", e->brake.opts.per_day);
	add_condition(&out[n++], "budget", !spent, limit, text);
	bool mass = brake_check_mass(&e->brake, now, &err) != ERR_OK;
	snprintf(text, sizeof(text), "%d of %d primaries fail%s%s", e->brake.failing, e->brake.total,
		 around_pending(p) ? ", others are looked at first" : "", lifted);
	snprintf(limit, sizeof(limit), "fewer than %d, or below %d %% of all", e->brake.opts.mass_count,
		 e->brake.opts.mass_percent);
	add_condition(&out[n++], "mass-brake", !mass, limit, text);
	return n;
}
