/* The pure core: the table is complete, plans and journals survive their text form, brakes and health count. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../controller/core/brake.h"
#include "../../controller/core/health.h"
#include "../../controller/core/hold.h"
#include "../../controller/core/journal.h"
#include "../../controller/core/pair.h"
#include "../../controller/core/skip.h"
#include "../../controller/core/token.h"

static void every_cell_has_a_rule_and_a_reason(void **state)
{
	(void)state;
	for (int s = 0; s < PAIR_STATES; s++)
		for (int e = 0; e < PAIR_EVENTS; e++) {
			const struct pair_row *row = pair_rule((enum pair_state)s, (enum pair_event)e);
			assert_non_null(row->rule);
			assert_true(strlen(row->why) > 5);
			for (int s2 = 0; s2 < PAIR_STATES; s2++)
				for (int e2 = 0; e2 < PAIR_EVENTS; e2++)
					if (s2 != s || e2 != e)
						assert_string_not_equal(
							row->rule,
							pair_rule((enum pair_state)s2, (enum pair_event)e2)->rule);
		}
}

/* Promises 1 and 8 as properties of the table. */
static void no_event_but_down_or_an_operator_promotes(void **state)
{
	(void)state;
	for (int s = 0; s < PAIR_STATES; s++)
		for (int e = 0; e < PAIR_EVENTS; e++) {
			enum pair_action a = pair_rule((enum pair_state)s, (enum pair_event)e)->action;
			if (a == PAIR_ACT_PROMOTE)
				assert_true(e == PAIR_EV_DOWN_ACT || e == PAIR_EV_FAILOVER || e == PAIR_EV_RESUME);
			if (a == PAIR_ACT_FAILBACK)
				assert_int_equal(e, PAIR_EV_FAILBACK);
		}
}

static void fill_plan(struct plan *p, struct plan_zone *zone)
{
	*p = (struct plan){ .kind = PLAN_PROMOTE,
			    .op = 7,
			    .epoch = 12,
			    .pair = 3,
			    .automatic = true,
			    .maps_age_ms = 5000,
			    .began = { 1, 2 } };
	strcpy(p->reason, "two lines\nbecome one");
	strcpy(p->site.pair, "mail-a");
	strcpy(p->site.host[HOST_STANDBY].v6, "2001:db8::2");
	p->site.strategy = DNS_SWAP;
	p->site.nlevels = 2;
	p->site.level[0] = (struct plan_level){ "host", true, true };
	p->site.level[1] = (struct plan_level){ "router", false, false };
	strcpy(p->owed, "host,router");
	p->site.nzones = 1;
	p->site.zones = zone;
	strcpy(zone->name, "example.test");
	zone->before = (struct mx_set){ 300, 2, { { 10, "mx1.example.test" }, { 20, "mx2.example.test" } } };
	zone->after = (struct mx_set){ 300, 2, { { 20, "mx1.example.test" }, { 10, "mx2.example.test" } } };
	p->site.ncontrols = 1;
	p->site.control[0] = (struct plan_control){ "10-firewall", true, false };
	plan_choose_steps(p);
}

static void a_plan_survives_its_text(void **state)
{
	struct plan_zone zone = { 0 };
	struct plan a, b;
	struct err err = { 0 };
	struct strbuf text = STRBUF_INIT, again = STRBUF_INIT;
	(void)state;
	fill_plan(&a, &zone);
	plan_format(&a, &text);
	assert_int_equal(plan_parse(strbuf_str(&text), &b, &err), ERR_OK);
	plan_format(&b, &again);
	assert_string_equal(strbuf_str(&text), strbuf_str(&again));
	assert_true(mx_set_equal(&b.site.zones[0].after, &zone.after));
	plan_fini(&b);
	strbuf_fini(&text);
	strbuf_fini(&again);
}

/* What a token rests on changes it and is named; what changes by itself does not. */
static void a_token_names_what_a_plan_rests_on(void **state)
{
	struct plan_zone zone = { 0 }, other_zone = { 0 };
	struct plan p, q;
	char token[PLAN_TOKEN_SIZE], now[PLAN_TOKEN_SIZE], why[200];
	(void)state;
	fill_plan(&p, &zone);
	strcpy(p.maps_sha256, "aa");
	plan_token(&p, "conf", token);
	fill_plan(&q, &other_zone);
	strcpy(q.maps_sha256, "aa");
	q.op = 99;
	q.maps_age_ms = 77;
	q.maps_stale = true;
	q.began.boot_ms = 12345;
	strcpy(q.reason, "another");
	plan_token(&q, "conf", now);
	assert_true(plan_token_same(now, token, why, sizeof(why)));
	q.epoch++;
	other_zone.after.mx[0].preference = 30;
	plan_token(&q, "conf", now);
	assert_false(plan_token_same(now, token, why, sizeof(why)));
	assert_string_equal(why, "the MX sets, the epoch (an operation came in between)");
	q = p;
	strcpy(q.maps_sha256, "ab");
	strcpy(q.site.host[HOST_STANDBY].v4, "192.0.2.9");
	q.site.control[0].block = false;
	q.nsteps--;
	plan_token(&q, "other", now);
	assert_false(plan_token_same(now, token, why, sizeof(why)));
	assert_string_equal(why, "the steps, the hosts, the recipient maps, the hardening controls, the configuration");
	assert_false(plan_token_same(now, "deadbeef", why, sizeof(why)));
	assert_non_null(strstr(why, "no token"));
}

/* What mail, names and rights hang on, whatever order a plan puts it in. */
static void what_must_hold_is_never_skipped(void **state)
{
	static const enum step_id may[] = { STEP_POWER_ON,       STEP_CLOCK,      STEP_FENCE,
					    STEP_OPEN_TO_PROBES, STEP_VERIFY_DNS, STEP_ANNOUNCE,
					    STEP_RESCUE,         STEP_UNFENCE,    STEP_POWER_OFF };
	(void)state;
	for (int s = 0; s < STEP_IDS; s++) {
		bool free_to = false;
		for (size_t i = 0; i < ARRAY_LEN(may); i++)
			free_to |= may[i] == (enum step_id)s;
		assert_int_equal(step_skip_veto((enum step_id)s, false) == NULL, free_to);
		bool power = s == STEP_POWER_ON || s == STEP_FENCE;
		assert_int_equal(step_skip_veto((enum step_id)s, true) == NULL, power);
	}
	assert_true(step_skip_leaves_on(STEP_POWER_OFF, false) && step_skip_leaves_on(STEP_POWER_ON, true));
	assert_true(step_skip_gives_back(STEP_UNFENCE, false) && step_skip_gives_back(STEP_FENCE, true));
	assert_false(step_skip_gives_back(STEP_FENCE, false) || step_skip_gives_back(STEP_POWER_ON, true));
	assert_false(step_skip_leaves_on(STEP_POWER_ON, false) || step_skip_leaves_on(STEP_FENCE, true));
}

/* A drill goes as far as verify-local and leaves nothing on; a promotion that takes over goes on from what is on. */
static void a_drill_has_no_step_that_moves_mail(void **state)
{
	static const enum step_id never[] = { STEP_GRANT,     STEP_FENCE,      STEP_OPEN_TO_PROBES, STEP_VERIFY_OUTSIDE,
					      STEP_OPEN_PORT, STEP_SWITCH_DNS, STEP_DRAIN };
	struct plan_zone zone = { 0 };
	struct plan p;
	(void)state;
	fill_plan(&p, &zone);
	p.kind = PLAN_DRILL;
	plan_choose_steps(&p);
	for (size_t i = 0; i < p.nsteps; i++) {
		assert_false(step_no_return(p.kind, p.step[i]));
		for (size_t n = 0; n < ARRAY_LEN(never); n++)
			assert_int_not_equal(p.step[i], never[n]);
	}
	assert_int_equal(p.step[p.nsteps - 2], STEP_POWER_OFF);
	p.kind = PLAN_PROMOTE;
	plan_choose_steps(&p);
	size_t before = p.nsteps;
	p.standby_on = true;
	plan_choose_steps(&p);
	assert_int_equal(p.step[0], STEP_POWER_ON);
	assert_int_equal(p.nsteps, before);
}

static void a_newer_plan_is_refused_by_name(void **state)
{
	struct plan p;
	struct err err = { 0 };
	(void)state;
	assert_int_equal(plan_parse("plan=2\nkind=promote\nstep=guard\n", &p, &err), ERR_INVALID);
	assert_non_null(strstr(err.text, "version 2"));
	assert_int_equal(plan_parse("plan=1\nkind=promote\nstep=dance\n", &p, &err), ERR_INVALID);
	assert_non_null(strstr(err.text, "step"));
	assert_int_equal(plan_parse("plan=1\nkind=promote\nstrategy=move\nstep=guard\n", &p, &err), ERR_INVALID);
	assert_non_null(strstr(err.text, "strategy"));
}

static void a_journal_row_survives_its_text(void **state)
{
	struct journal_row a = { .event = JOURNAL_TURN_BACK, .step = 4, .when = { 5, 6 } }, b;
	struct err err = { 0 };
	struct strbuf text = STRBUF_INIT;
	(void)state;
	strcpy(a.facts.degrade, "IPv6 does not work");
	a.facts.stranded = 3;
	strcpy(a.facts.listed, "4Xyz12abc");
	a.facts.family_ok[1] = true;
	err_set(&a.err, ERR_BLOCKED, "control 10: not ok");
	journal_format(&a, &text);
	assert_int_equal(journal_parse(strbuf_str(&text), 5, &b, &err), ERR_OK);
	assert_memory_equal(&a.facts, &b.facts, sizeof(a.facts));
	assert_int_equal(b.err.code, ERR_BLOCKED);
	assert_int_equal(journal_parse(strbuf_str(&text), 4, &b, &err), ERR_INVALID);
	strbuf_fini(&text);
}

static struct health_opts dual_stack(void)
{
	return (struct health_opts){ .used = { true, true },
				     .fail_after = 3,
				     .up_after = 2,
				     .stale_ms = 60000,
				     .agent = true,
				     .references = true };
}

static void feed_both(struct health *h, struct probe_result r4, struct probe_result r6, int rounds, int64_t *now)
{
	for (int i = 0; i < rounds; i++) {
		struct instant t = { *now += 1000, 0 };
		health_references(h, true, t);
		health_reference_answered(h, t);
		r4.started = r6.started = t;
		health_smtp_result(h, FAMILY_V4, &r4, t);
		health_smtp_result(h, FAMILY_V6, &r6, t);
		health_evaluate(h, t);
	}
}

static const struct probe_result ok = { .outcome = PROBE_OK, .layer = LAYER_DONE };
static const struct probe_result dead = { .outcome = PROBE_FAIL, .layer = LAYER_CONNECT };
static const struct probe_result silent = { .outcome = PROBE_FAIL, .layer = LAYER_BANNER };
static const struct probe_result refused = { .outcome = PROBE_FAIL, .layer = LAYER_RCPT, .smtp_code = 550 };
static const struct probe_result busy = { .outcome = PROBE_BUSY, .layer = LAYER_BANNER, .smtp_code = 421 };
static const struct probe_result expired = { .outcome = PROBE_OK,
					     .layer = LAYER_DONE,
					     .tls_trouble = "certificate has expired" };
static const struct probe_result broken_tls = { .outcome = PROBE_FAIL, .layer = LAYER_STARTTLS };
static const struct probe_result tls_hangs = { .outcome = PROBE_FAIL, .layer = LAYER_STARTTLS, .hung = true };
static const struct probe_result local = { .outcome = PROBE_LOCAL, .layer = LAYER_CONNECT };

static void verdicts(void **state)
{
	const struct {
		struct probe_result r4, r6;
		enum health_verdict want;
	} cases[] = {
		{ ok, ok, HEALTH_UP },
		{ dead, dead, HEALTH_DOWN },
		{ silent, silent, HEALTH_DOWN },
		{ ok, dead, HEALTH_UP },
		{ dead, ok, HEALTH_UP },
		{ refused, refused, HEALTH_UP },
		{ busy, busy, HEALTH_UP },
		{ local, local, HEALTH_UNKNOWN },
		{ dead, local, HEALTH_UNKNOWN },
		{ dead, refused, HEALTH_UP },
		{ expired, expired, HEALTH_UP },
		{ broken_tls, broken_tls, HEALTH_UP },
		{ tls_hangs, tls_hangs, HEALTH_DOWN },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct health_opts opts = dual_stack();
		struct health h;
		int64_t now = 1000;
		health_init(&h, &opts, (struct instant){ now, 0 });
		feed_both(&h, cases[i].r4, cases[i].r6, 4, &now);
		assert_int_equal(h.verdict, cases[i].want);
	}
}

static void isolation_and_the_agents_word_veto(void **state)
{
	struct health_opts opts = dual_stack();
	struct probe_result agent = { .outcome = PROBE_OK, .agent = { .present = true, .serving = true } };
	struct health h;
	int64_t now = 1000;
	(void)state;
	health_init(&h, &opts, (struct instant){ now, 0 });
	feed_both(&h, ok, ok, 2, &now);
	feed_both(&h, dead, dead, 2, &now);
	assert_int_equal(h.verdict, HEALTH_SUSPECT);
	health_agent_result(&h, &agent, (struct instant){ now, 0 });
	feed_both(&h, dead, dead, 2, &now);
	assert_int_equal(h.verdict, HEALTH_SUSPECT);
	now += 40000; /* its word grew old */
	feed_both(&h, dead, dead, 1, &now);
	assert_int_equal(h.verdict, HEALTH_DOWN);
	health_references(&h, false, (struct instant){ now, 0 });
	assert_int_equal(health_evaluate(&h, (struct instant){ now, 0 }), HEALTH_UNKNOWN);
}

/* A cut of ours that ends before any reference was asked: the rounds lost in it are one, however many they were. */
static void rounds_without_a_reference_between_count_once(void **state)
{
	struct health_opts opts = dual_stack();
	struct instant t = { 20000, 0 };
	struct health h;
	int64_t now = 1000;
	(void)state;
	opts.agent = false;
	health_init(&h, &opts, t);
	feed_both(&h, ok, ok, 2, &now);
	assert_false(health_wants_references(&h));
	struct probe_result lost = dead, mute = silent;
	lost.started = mute.started = t;
	for (int i = 0; i < 9; i++) {
		health_smtp_result(&h, FAMILY_V4, &lost, t);
		health_smtp_result(&h, FAMILY_V6, &mute, t);
		assert_int_equal(health_evaluate(&h, t), HEALTH_SUSPECT);
	}
	assert_int_equal(h.line[FAMILY_V4].dead, 1);
	assert_int_equal(h.line[FAMILY_V4].uncounted, 8);
	assert_true(health_wants_references(&h));
	struct instant over = { t.boot_ms + 500, 0 };
	health_reference_answered(&h, over); /* the cut is over; this alone proves nothing of the primary */
	health_reference_answered(&h, over);
	assert_int_equal(health_evaluate(&h, over), HEALTH_SUSPECT);
	health_smtp_result(&h, FAMILY_V4, &lost, over); /* it began in the cut as well */
	assert_int_equal(h.line[FAMILY_V4].dead, 1);
	lost.started = over;
	health_smtp_result(&h, FAMILY_V4, &lost, over);
	health_smtp_result(&h, FAMILY_V4, &lost, over);
	assert_int_equal(h.line[FAMILY_V4].dead, 2);
	feed_both(&h, ok, ok, 1, &now);
	assert_int_equal(h.line[FAMILY_V4].uncounted, 0);
	feed_both(&h, dead, dead, 3, &now);
	assert_int_equal(h.verdict, HEALTH_DOWN);
	assert_false(health_wants_references(&h));
}

static void one_dead_round_is_never_enough_where_references_are(void **state)
{
	struct health_opts opts = dual_stack();
	struct health h;
	int64_t now = 1000;
	(void)state;
	opts.fail_after = 1;
	health_init(&h, &opts, (struct instant){ now, 0 });
	feed_both(&h, dead, dead, 1, &now);
	assert_int_equal(h.verdict, HEALTH_SUSPECT);
	feed_both(&h, dead, dead, 1, &now);
	assert_int_equal(h.verdict, HEALTH_DOWN);
	opts.references = false;
	health_init(&h, &opts, (struct instant){ now, 0 });
	feed_both(&h, dead, dead, 1, &now);
	assert_int_equal(h.verdict, HEALTH_DOWN);
}

static void the_brakes_hold(void **state)
{
	struct brake b = { .opts = { .per_day = 2, .mass_count = 3, .mass_percent = 30 } };
	struct instant now = { 0, 86400000LL * 10 };
	struct err err = { 0 };
	(void)state;
	assert_int_equal(brake_check_budget(&b, now, &err), ERR_OK);
	brake_spend(&b, now);
	brake_spend(&b, now);
	assert_int_equal(brake_check_budget(&b, now, &err), ERR_BLOCKED);
	now.wall_ms -= 86400000; /* a clock that steps back gives nothing */
	assert_int_equal(brake_check_budget(&b, now, &err), ERR_BLOCKED);
	now.wall_ms += 2 * 86400000LL;
	assert_int_equal(brake_check_budget(&b, now, &err), ERR_OK);
	brake_count(&b, 2, 4);
	assert_int_equal(brake_check_mass(&b, now, &err), ERR_OK);
	brake_count(&b, 3, 4);
	assert_int_equal(brake_check_mass(&b, now, &err), ERR_BLOCKED);
	brake_count(&b, 3, 100);
	assert_int_equal(brake_check_mass(&b, now, &err), ERR_OK);
}

static void a_lift_takes_both_brakes_away_until_it_expires(void **state)
{
	struct brake b = { .opts = { .per_day = 1, .mass_count = 1, .mass_percent = 1 } };
	struct instant now = { 0, 86400000LL * 10 };
	struct err err = { 0 };
	(void)state;
	brake_spend(&b, now);
	brake_count(&b, 4, 4);
	b.lift = (struct hold){ .set = true, .expires_wall_ms = now.wall_ms + 1000 };
	assert_int_equal(brake_check_budget(&b, now, &err), ERR_OK);
	assert_int_equal(brake_check_mass(&b, now, &err), ERR_OK);
	now.wall_ms += 1000;
	assert_int_equal(brake_check_budget(&b, now, &err), ERR_BLOCKED);
	assert_int_equal(brake_check_mass(&b, now, &err), ERR_BLOCKED);
}

static void a_hold_ends_by_the_wall_clock(void **state)
{
	struct hold h = { .set = true, .owner = "anna", .reason = "works", .expires_wall_ms = 1000 }, back;
	struct strbuf text = STRBUF_INIT;
	struct err err = { 0 };
	(void)state;
	assert_true(hold_active(&h, (struct instant){ 5000, 999 }));
	assert_false(hold_active(&h, (struct instant){ 0, 1000 }));
	hold_format(&h, &text);
	assert_int_equal(hold_parse(strbuf_str(&text), &back, &err), ERR_OK);
	assert_memory_equal(&h, &back, sizeof(h));
	assert_int_equal(hold_parse("", &back, &err), ERR_OK);
	assert_false(back.set);
	strbuf_fini(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cell_has_a_rule_and_a_reason),
		cmocka_unit_test(no_event_but_down_or_an_operator_promotes),
		cmocka_unit_test(a_plan_survives_its_text),
		cmocka_unit_test(a_token_names_what_a_plan_rests_on),
		cmocka_unit_test(what_must_hold_is_never_skipped),
		cmocka_unit_test(a_drill_has_no_step_that_moves_mail),
		cmocka_unit_test(a_newer_plan_is_refused_by_name),
		cmocka_unit_test(a_journal_row_survives_its_text),
		cmocka_unit_test(verdicts),
		cmocka_unit_test(isolation_and_the_agents_word_veto),
		cmocka_unit_test(rounds_without_a_reference_between_count_once),
		cmocka_unit_test(one_dead_round_is_never_enough_where_references_are),
		cmocka_unit_test(the_brakes_hold),
		cmocka_unit_test(a_lift_takes_both_brakes_away_until_it_expires),
		cmocka_unit_test(a_hold_ends_by_the_wall_clock),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
