/* Single steps, one outcome at a time: what they ask next, when they fail, what they only degrade. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../common/base/mem.h"
#include "../../controller/step/step.h"

struct stage {
	struct plan plan;
	struct plan_zone zone[3];
	struct facts facts;
	struct step_mem mem;
	struct strbuf body;
	struct step_out out;
	int64_t now_ms;
};

static enum step_say ask(struct stage *s, step_fn *fn, const struct outcome *last)
{
	struct step_ctx ctx = { &s->plan, &s->facts, &s->mem, { s->now_ms, 1000 }, false };
	strbuf_reset(&s->body);
	s->out = (struct step_out){ .body = &s->body };
	return fn(&ctx, last, &s->out);
}

static void stage_init(struct stage *s)
{
	*s = (struct stage){ .body = STRBUF_INIT, .now_ms = 1000 };
	s->plan.kind = PLAN_PROMOTE;
	s->plan.op = 7;
	s->plan.epoch = 5;
	s->plan.site.zones = s->zone;
	s->plan.site.dns_ms = 60000;
	s->plan.site.command_ms = 60000;
	s->plan.site.boot_ms = 600000;
	strcpy(s->plan.site.host[HOST_STANDBY].v4, "192.0.2.2");
}

static struct outcome smtp(int known, int unknown, const char *tls_trouble)
{
	struct outcome o = { .u.smtp = { .known_code = known, .unknown_code = unknown } };
	snprintf(o.u.smtp.tls_trouble, sizeof(o.u.smtp.tls_trouble), "%s", tls_trouble);
	return o;
}

/* Promise 14: senders go on past a bad certificate, so does the promotion, loudly. */
static void a_bad_certificate_only_degrades(void **state)
{
	struct stage s;
	struct outcome o = smtp(250, 550, "certificate has expired");
	(void)state;
	stage_init(&s);
	assert_int_equal(ask(&s, step_verify_outside, NULL), STEP_VERB);
	assert_int_equal(ask(&s, step_verify_outside, &o), STEP_DONE);
	assert_non_null(strstr(s.facts.degrade, "IPv4: no trusted TLS: certificate has expired"));
	strbuf_fini(&s.body);
}

/* 4xx to the unknown recipient is greylisting until a later try says more; 2xx is backscatter. */
static void a_greylisted_unknown_recipient_is_asked_again(void **state)
{
	struct stage s;
	struct outcome later = smtp(250, 451, ""), good = smtp(250, 550, ""), takes_all = smtp(250, 250, "");
	(void)state;
	stage_init(&s);
	assert_int_equal(ask(&s, step_verify_outside, NULL), STEP_VERB);
	assert_int_equal(ask(&s, step_verify_outside, &later), STEP_WAIT);
	assert_non_null(strstr(s.mem.text, "greylisting"));
	assert_int_equal(ask(&s, step_verify_outside, NULL), STEP_VERB);
	assert_int_equal(ask(&s, step_verify_outside, &good), STEP_DONE);
	stage_init(&s);
	s.facts.soft_bounce = true;
	assert_int_equal(ask(&s, step_verify_outside, NULL), STEP_VERB);
	assert_int_equal(ask(&s, step_verify_outside, &later), STEP_DONE);
	stage_init(&s);
	assert_int_equal(ask(&s, step_verify_outside, NULL), STEP_VERB);
	assert_int_equal(ask(&s, step_verify_outside, &takes_all), STEP_FAIL);
	assert_int_equal(err_code_class(s.out.err.code), ERR_CLASS_PERM);
}

static const struct mx_set old_set = { 900, 1, { { 10, "mx1.example.test" } } };
static const struct mx_set new_set = { 300, 1, { { 10, "mx2.example.test" } } };

static void three_zones(struct stage *s)
{
	static const char *const names[] = { "a.test", "b.test", "c.test" };
	stage_init(s);
	s->plan.kind = PLAN_FAILBACK; /* no hello first */
	s->plan.site.strategy = DNS_SWAP;
	s->plan.site.nzones = 3;
	for (size_t i = 0; i < 3; i++) {
		(void)str_copy(s->zone[i].name, sizeof(s->zone[i].name), names[i]);
		s->zone[i].before = old_set;
		s->zone[i].after = new_set;
	}
}

/* Zones with trouble answer each GET with it; the others swap. Returns what the step says at the end of its passes. */
static enum step_say switch_zones(struct stage *s, const enum err_code trouble[3], char *order)
{
	struct outcome o;
	enum step_say say = ask(s, step_switch_dns, NULL);
	while (say == STEP_VERB || say == STEP_WAIT) {
		size_t zone = (size_t)(s->out.verb.u.dns.zone[0] - 'a');
		memset(&o, 0, sizeof(o));
		if (say == STEP_WAIT) {
			say = ask(s, step_switch_dns, NULL);
			continue;
		}
		if (s->out.verb.kind == VERB_DNS_SWAP)
			order[strlen(order)] = s->out.verb.u.dns.zone[0];
		else if (trouble[zone])
			err_set(&o.err, trouble[zone], "server of %s is sick", s->out.verb.u.dns.zone);
		else
			o.u.dns.set = old_set;
		say = ask(s, step_switch_dns, &o);
	}
	return say;
}

static void a_sick_zone_holds_back_no_other(void **state)
{
	static const struct {
		enum err_code trouble[3];
		const char *swapped;
		enum err_class worst;
	} cases[] = {
		{ { ERR_TIMEOUT, 0, 0 }, "bc", ERR_CLASS_TEMP },
		{ { ERR_DENIED, ERR_LOCAL, 0 }, "c", ERR_CLASS_PERM },
		{ { ERR_CONFLICT, 0, ERR_AUTH }, "b", ERR_CLASS_CONFLICT },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct stage s;
		char order[16] = { 0 };
		three_zones(&s);
		assert_int_equal(switch_zones(&s, cases[i].trouble, order), STEP_FAIL);
		assert_string_equal(order, cases[i].swapped);
		assert_int_equal(err_code_class(s.out.err.code), cases[i].worst);
		assert_non_null(strstr(s.out.err.text, "a.test: server of a.test is sick"));
		assert_int_equal(s.facts.old_ttl_s, 900);
		strbuf_fini(&s.body);
	}
}

/* Promise 4: with a higher epoch in one zone, this operation writes nowhere any more. */
static void a_higher_epoch_in_one_zone_ends_all(void **state)
{
	struct stage s;
	struct outcome o = { .u.dns = { .has_marker = true, .marker_epoch = 6 } };
	(void)state;
	three_zones(&s);
	assert_int_equal(ask(&s, step_switch_dns, NULL), STEP_VERB);
	assert_int_equal(ask(&s, step_switch_dns, &o), STEP_FAIL);
	assert_int_equal(s.out.err.code, ERR_STALE);
}

/* Time that a sick zone takes is not the others'. */
static void sick_zones_leave_time_for_the_others(void **state)
{
	struct stage s;
	struct outcome late = { .u.dns.has_marker = false };
	int64_t spent_ms = 0;
	(void)state;
	err_set(&late.err, ERR_TIMEOUT, "silent");
	three_zones(&s);
	enum step_say say = ask(&s, step_switch_dns, NULL);
	for (; say == STEP_VERB; say = ask(&s, step_switch_dns, &late))
		spent_ms += s.out.limit_ms;
	assert_int_equal(say, STEP_FAIL);
	assert_true(spent_ms <= s.plan.site.dns_ms / 2);
}

static struct outcome verified(bool matches, bool other_ttl)
{
	struct outcome o = { .u.verify = { .count = 1, .server = { { "ns1", true, matches, other_ttl } } } };
	return o;
}

static void a_lagging_zone_keeps_no_other_unproven(void **state)
{
	struct stage s;
	struct outcome good = verified(true, false), old = verified(false, false), sick = { .took_ms = 1 };
	(void)state;
	three_zones(&s);
	assert_int_equal(ask(&s, step_verify_dns, NULL), STEP_VERB);
	assert_int_equal(ask(&s, step_verify_dns, &old), STEP_VERB);
	assert_int_equal(ask(&s, step_verify_dns, &good), STEP_VERB);
	assert_int_equal(ask(&s, step_verify_dns, &good), STEP_WAIT);
	assert_int_equal(ask(&s, step_verify_dns, NULL), STEP_VERB); /* only what is not proven yet */
	assert_string_equal(s.out.verb.u.dns.zone, "a.test");
	err_set(&sick.err, ERR_DENIED, "REFUSED");
	assert_int_equal(ask(&s, step_verify_dns, &sick), STEP_FAIL);
	assert_non_null(strstr(s.out.err.text, "1 of 3 zones not verified: a.test: REFUSED"));
}

/* `standing`, or a set that was there already: its TTL was never ours. */
static void only_a_set_that_we_wrote_must_have_our_ttl(void **state)
{
	struct stage s;
	struct outcome other = verified(true, true);
	(void)state;
	three_zones(&s);
	s.plan.site.nzones = 1;
	assert_int_equal(ask(&s, step_verify_dns, NULL), STEP_VERB);
	assert_int_equal(ask(&s, step_verify_dns, &other), STEP_DONE);
	assert_non_null(strstr(s.facts.degrade, "a.test: published with a TTL other than configured"));
	s.mem = (struct step_mem){ .at = 0 };
	s.facts.dns_wrote = 1;
	assert_int_equal(ask(&s, step_verify_dns, NULL), STEP_VERB);
	assert_int_equal(ask(&s, step_verify_dns, &other), STEP_WAIT);
}

static void what_stood_already_was_not_written(void **state)
{
	struct stage s;
	struct outcome there = { .u.dns = { .set = new_set } }, ours = there;
	(void)state;
	three_zones(&s);
	ours.u.dns.has_marker = true;
	ours.u.dns.marker_op = s.plan.op;
	ours.u.dns.marker_epoch = s.plan.epoch;
	assert_int_equal(ask(&s, step_switch_dns, NULL), STEP_VERB);
	assert_int_equal(ask(&s, step_switch_dns, &there), STEP_VERB);
	assert_int_equal(ask(&s, step_switch_dns, &ours), STEP_VERB);
	assert_int_equal(ask(&s, step_switch_dns, &there), STEP_DONE);
	assert_int_equal(s.facts.dns_wrote, 2); /* the marker says so, after a crash too */
}

/* Counts until the step wants something else than to flush and count. */
static enum step_say drain(struct stage *s, const char *status)
{
	struct outcome o = { .took_ms = 1 };
	enum step_say say = ask(s, step_drain, NULL);
	for (int i = 0; i < 8; i++) {
		bool counted = say == STEP_VERB && strcmp(s->out.verb.u.host.words, "queue status") == 0;
		if (say == STEP_FAIL || say == STEP_DONE || (say == STEP_VERB && s->out.verb.kind == VERB_QUEUE_EXPORT))
			return say;
		snprintf(o.u.text, sizeof(o.u.text), "%s", counted ? status : "");
		say = ask(s, step_drain, say == STEP_WAIT ? NULL : &o);
	}
	return say;
}

/* A primary with a policy against the standby would have the whole queue exported: a person looks first. */
static void a_mass_refusal_stops_the_drain_once(void **state)
{
	static const char *const policy = "total=30\nrefused=8\nwaiting=22\nalike=8\nreason=550 5.7.1 SPF\n"
					  "refused_id=ABCDEF1\n";
	struct stage s;
	(void)state;
	stage_init(&s);
	assert_int_equal(drain(&s, policy), STEP_FAIL);
	assert_int_equal(err_code_class(s.out.err.code), ERR_CLASS_PERM);
	assert_non_null(strstr(s.out.err.text, "8 of 8 messages"));
	assert_non_null(strstr(s.out.err.text, "550 5.7.1 SPF"));
	s.mem = (struct step_mem){ .at = 0 }; /* `coldmx resume`: it waits first, for what was mended meanwhile */
	assert_int_equal(ask(&s, step_drain, NULL), STEP_VERB);
	struct outcome done = { .took_ms = 1 };
	while (ask(&s, step_drain, &done) == STEP_VERB)
		;
	assert_true(s.out.wait_ms >= 10000);
	s.mem.at = 0;
	assert_int_equal(drain(&s, policy), STEP_VERB);
	assert_string_equal(s.out.verb.u.queue.queue_id, "ABCDEF1");
	/* many more than that are news again */
	s.mem = (struct step_mem){ .at = 0 };
	assert_int_equal(drain(&s, "total=60\nrefused=50\nalike=1\nreason=x\nrefused_id=ABCDEF1\n"), STEP_FAIL);
}

static void single_refusals_are_stranded(void **state)
{
	static const char *const cases[] = {
		"total=5\nrefused=5\nalike=5\nreason=x\nrefused_id=ABCDEF1\n",   /* few */
		"total=20\nrefused=20\nalike=2\nreason=x\nrefused_id=ABCDEF1\n", /* each with its own words */
	};
	struct stage s;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		stage_init(&s);
		assert_int_equal(drain(&s, cases[i]), STEP_VERB);
		assert_int_equal(s.out.verb.kind, VERB_QUEUE_EXPORT);
	}
	stage_init(&s);
	s.facts.drain_from = 1000; /* most were delivered */
	assert_int_equal(drain(&s, "total=25\nrefused=25\nalike=25\nreason=x\nrefused_id=ABCDEF1\n"), STEP_VERB);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bad_certificate_only_degrades),
		cmocka_unit_test(a_sick_zone_holds_back_no_other),
		cmocka_unit_test(a_higher_epoch_in_one_zone_ends_all),
		cmocka_unit_test(sick_zones_leave_time_for_the_others),
		cmocka_unit_test(a_lagging_zone_keeps_no_other_unproven),
		cmocka_unit_test(only_a_set_that_we_wrote_must_have_our_ttl),
		cmocka_unit_test(what_stood_already_was_not_written),
		cmocka_unit_test(a_mass_refusal_stops_the_drain_once),
		cmocka_unit_test(single_refusals_are_stranded),
		cmocka_unit_test(a_greylisted_unknown_recipient_is_asked_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
