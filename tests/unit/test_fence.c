/* Fencing in levels: what is owed, the step and its undo, one answer at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "../../common/base/mem.h"
#include "../../controller/step/step.h"

/* ---- what is owed ---- */

static void what_is_owed_is_a_list_without_doubles(void **state)
{
	char owed[OWED_MAX] = "", name[LEVEL_NAME_MAX], long_name[LEVEL_NAME_MAX];
	(void)state;
	assert_false(owed_last(owed, name));
	assert_true(owed_add(owed, "host"));
	assert_true(owed_add(owed, "router"));
	assert_true(owed_add(owed, "host"));
	assert_true(owed_add(owed, "hos"));
	assert_string_equal(owed, "host,router,hos");
	owed_drop(owed, "router");
	owed_drop(owed, "rout");
	assert_string_equal(owed, "host,hos");
	assert_true(owed_last(owed, name));
	assert_string_equal(name, "hos");
	owed_drop(owed, "hos");
	owed_drop(owed, "host");
	assert_string_equal(owed, "");
	for (int i = 0; i < LEVELS_MAX; i++) {
		snprintf(long_name, sizeof(long_name), "%d23456789012345678901234", i);
		assert_true(owed_add(owed, long_name));
	}
	assert_false(owed_add(owed, "one-more"));
}

/* ---- the step ---- */

struct stage {
	struct plan plan;
	struct facts facts;
	struct step_mem mem;
	struct strbuf body;
	struct step_out out;
	int64_t now_ms;
};

static void stage_init(struct stage *s, size_t nlevels)
{
	static const struct plan_level levels[] = { { "board", true, false },
						    { "host", true, false },
						    { "edge", false, false } };
	*s = (struct stage){ .body = STRBUF_INIT, .now_ms = 1000 };
	s->plan.kind = PLAN_PROMOTE;
	s->plan.site.command_ms = 60000;
	s->plan.site.boot_ms = 600000;
	s->plan.site.nlevels = nlevels;
	memcpy(s->plan.site.level, levels, nlevels * sizeof(levels[0]));
}

static enum step_say ask(struct stage *s, step_fn *fn, const struct outcome *last)
{
	struct step_ctx ctx = { &s->plan, &s->facts, &s->mem, { s->now_ms, 1000 }, false };
	strbuf_reset(&s->body);
	s->out = (struct step_out){ .body = &s->body };
	return fn(&ctx, last, &s->out);
}

static enum step_say state_is(struct stage *s, step_fn *fn, enum power_state power)
{
	struct outcome last = { .u.power = power };
	return ask(s, fn, &last);
}

static enum step_say fails(struct stage *s, step_fn *fn, enum err_code code)
{
	struct outcome last = { .took_ms = 1 };
	err_set(&last.err, code, "it went wrong");
	return ask(s, fn, &last);
}

static void assert_asks(const struct stage *s, enum verb_kind kind, const char *level)
{
	assert_string_equal(verb_kind_name(s->out.verb.kind), verb_kind_name(kind));
	if (kind == VERB_HOST_RUN)
		assert_string_equal(s->out.verb.u.host.words, level);
	else
		assert_string_equal(s->out.verb.u.fence.level, level);
}

/* Switches the level in hand, up to its status after that. */
static void switch_level(struct stage *s, const char *level)
{
	assert_asks(s, VERB_FENCE_STATUS, level);
	assert_int_equal(state_is(s, step_fence, POWER_STATE_ON), STEP_COMMIT);
	assert_non_null(strstr(s->facts.owed, level)); /* durable before the effect */
	assert_int_equal(ask(s, step_fence, NULL), STEP_VERB);
	assert_asks(s, VERB_FENCE_OFF, level);
	assert_int_equal(state_is(s, step_fence, POWER_UNKNOWN), STEP_VERB);
	assert_asks(s, VERB_FENCE_STATUS, level);
}

static void a_level_that_holds_ends_the_step(void **state)
{
	struct stage s;
	(void)state;
	stage_init(&s, 3);
	assert_int_equal(ask(&s, step_fence, NULL), STEP_VERB);
	switch_level(&s, "board");
	assert_int_equal(s.out.verb.u.fence.index, 0);
	assert_int_equal(state_is(&s, step_fence, POWER_STATE_OFF), STEP_VERB);
	assert_asks(&s, VERB_HOST_RUN, "hello");
	assert_true(s.out.limit_ms && s.out.limit_ms < 5000);
	assert_int_equal(fails(&s, step_fence, ERR_TIMEOUT), STEP_DONE);
	assert_string_equal(s.facts.held, "board");
	assert_true(s.facts.proven_off);
	assert_string_equal(s.facts.degrade, "");
}

/* It says done, and its own status says on; it says off, and the primary answers: the next one is tried. */
static void a_level_that_lies_is_caught(void **state)
{
	struct stage s;
	(void)state;
	stage_init(&s, 3);
	assert_int_equal(ask(&s, step_fence, NULL), STEP_VERB);
	switch_level(&s, "board");
	for (int i = 0; i < 3; i++) {
		assert_int_equal(state_is(&s, step_fence, POWER_STATE_ON), STEP_WAIT);
		assert_int_equal(ask(&s, step_fence, NULL), STEP_VERB);
		assert_asks(&s, VERB_FENCE_STATUS, "board");
	}
	assert_int_equal(state_is(&s, step_fence, POWER_STATE_ON), STEP_VERB);
	switch_level(&s, "host");
	assert_int_equal(s.out.verb.u.fence.index, 1);
	assert_int_equal(state_is(&s, step_fence, POWER_STATE_OFF), STEP_VERB);
	assert_asks(&s, VERB_HOST_RUN, "hello");
	assert_int_equal(state_is(&s, step_fence, POWER_UNKNOWN), STEP_VERB); /* it answers */
	switch_level(&s, "edge");
	assert_int_equal(state_is(&s, step_fence, POWER_STATE_OFF),
			 STEP_DONE); /* behind it the primary may answer us */
	assert_string_equal(s.facts.held, "edge");
	assert_false(s.facts.proven_off);
	assert_string_equal(s.facts.owed, "board,host,edge");
	assert_non_null(strstr(s.facts.degrade,
			       "fencing held at edge only: board: off reported done, it reads back as on; "
			       "host: it says off, the primary answers"));
}

/* What was off already is looked at as well: some devices tell what was intended. */
static void off_already_is_believed_only_if_nothing_answers(void **state)
{
	static const enum err_code answers[] = { ERR_OK, ERR_AUTH, ERR_FAILED, ERR_AGAIN, ERR_DENIED };
	struct stage s;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		stage_init(&s, 1);
		assert_int_equal(ask(&s, step_fence, NULL), STEP_VERB);
		assert_int_equal(state_is(&s, step_fence, POWER_STATE_OFF), STEP_VERB);
		assert_int_equal(answers[i] ? fails(&s, step_fence, answers[i])
					    : state_is(&s, step_fence, POWER_UNKNOWN),
				 STEP_DONE);
		assert_non_null(strstr(s.facts.degrade, "not fenced: board: it says off, the primary answers"));
		assert_string_equal(s.facts.held, "");
		assert_string_equal(s.facts.owed, "");
	}
	stage_init(&s, 1);
	assert_int_equal(ask(&s, step_fence, NULL), STEP_VERB);
	assert_int_equal(state_is(&s, step_fence, POWER_STATE_OFF), STEP_VERB);
	assert_int_equal(fails(&s, step_fence, ERR_UNREACH), STEP_DONE);
	assert_string_equal(s.facts.held, "board");
	assert_string_equal(s.facts.owed, ""); /* it was so before us */
}

/* One lost answer does not leave a primary unfenced; a level that stays away costs its time and no more. */
static void a_silent_level_is_tried_for_a_while(void **state)
{
	struct stage s;
	(void)state;
	stage_init(&s, 2);
	assert_int_equal(ask(&s, step_fence, NULL), STEP_VERB);
	assert_int_equal(fails(&s, step_fence, ERR_UNREACH), STEP_WAIT);
	assert_int_equal(ask(&s, step_fence, NULL), STEP_VERB);
	assert_int_equal(state_is(&s, step_fence, POWER_STATE_ON), STEP_COMMIT);
	assert_int_equal(ask(&s, step_fence, NULL), STEP_VERB);
	assert_int_equal(fails(&s, step_fence, ERR_UNREACH), STEP_WAIT);
	assert_int_equal(ask(&s, step_fence, NULL), STEP_VERB);
	assert_asks(&s, VERB_FENCE_OFF, "board"); /* once more */
	s.now_ms += 60000;
	assert_int_equal(fails(&s, step_fence, ERR_TIMEOUT), STEP_VERB);
	assert_asks(&s, VERB_FENCE_STATUS, "host");
	assert_int_equal(fails(&s, step_fence, ERR_TIMEOUT), STEP_WAIT); /* it has a while of its own */
	assert_int_equal(ask(&s, step_fence, NULL), STEP_VERB);
	assert_int_equal(fails(&s, step_fence, ERR_DENIED), STEP_DONE);
	assert_non_null(
		strstr(s.facts.degrade, "the primary is not fenced: board: it went wrong; host: it went wrong"));
	assert_string_equal(s.facts.owed, "board"); /* its order may still have an effect */
}

/* ---- the way back ---- */

static void the_last_level_is_given_back_first(void **state)
{
	struct stage s;
	(void)state;
	stage_init(&s, 3);
	strcpy(s.facts.owed, "board,edge");
	strcpy(s.facts.held, "edge");
	assert_int_equal(ask(&s, step_unfence, NULL), STEP_VERB);
	assert_asks(&s, VERB_FENCE_STATUS, "edge");
	assert_int_equal(state_is(&s, step_unfence, POWER_STATE_OFF), STEP_VERB);
	assert_asks(&s, VERB_FENCE_ON, "edge");
	assert_int_equal(state_is(&s, step_unfence, POWER_UNKNOWN), STEP_VERB);
	assert_asks(&s, VERB_FENCE_STATUS, "edge");
	assert_int_equal(state_is(&s, step_unfence, POWER_STATE_ON), STEP_VERB);
	assert_string_equal(s.facts.owed, "board");
	assert_string_equal(s.facts.held, "");
	assert_asks(&s, VERB_FENCE_STATUS, "board");
	assert_int_equal(state_is(&s, step_unfence, POWER_STATE_ON), STEP_DONE); /* it had lied */
	assert_string_equal(s.facts.owed, "");
	memset(&s.mem, 0, sizeof(s.mem));
	assert_int_equal(ask(&s, step_unfence, NULL), STEP_DONE);
}

/* A power switch that fails: the primary itself is asked, since a person may have pressed the button. */
static void a_broken_switch_does_not_hide_a_primary_that_answers(void **state)
{
	struct stage s;
	(void)state;
	stage_init(&s, 3);
	strcpy(s.facts.owed, "host");
	assert_int_equal(ask(&s, step_unfence, NULL), STEP_VERB);
	assert_int_equal(fails(&s, step_unfence, ERR_FAILED), STEP_VERB);
	assert_asks(&s, VERB_HOST_RUN, "hello");
	assert_int_equal(fails(&s, step_unfence, ERR_UNREACH), STEP_FAIL);
	assert_int_equal(err_code_class(s.out.err.code), ERR_CLASS_TEMP);
	assert_non_null(strstr(s.out.err.text, "it went wrong"));
	assert_string_equal(s.facts.owed, "host");
	memset(&s.mem, 0, sizeof(s.mem));
	assert_int_equal(ask(&s, step_unfence, NULL), STEP_VERB);
	assert_int_equal(fails(&s, step_unfence, ERR_FAILED), STEP_VERB);
	assert_int_equal(state_is(&s, step_unfence, POWER_UNKNOWN), STEP_DONE);
	assert_string_equal(s.facts.owed, "");
}

/* An edge that cannot be opened leaves the primary without mail, however well it answers the controller. */
static void a_closed_edge_is_never_given_back_by_an_answer(void **state)
{
	struct stage s;
	(void)state;
	stage_init(&s, 3);
	strcpy(s.facts.owed, "edge");
	assert_int_equal(ask(&s, step_unfence, NULL), STEP_VERB);
	assert_int_equal(fails(&s, step_unfence, ERR_AGAIN), STEP_FAIL);
	assert_non_null(strstr(s.out.err.text, "cannot open it (it went wrong): open it, then resume"));
	assert_string_equal(s.facts.owed, "edge");
	memset(&s.mem, 0, sizeof(s.mem));
	strcpy(s.facts.owed, "gone"); /* renamed, or removed */
	assert_int_equal(ask(&s, step_unfence, NULL), STEP_VERB);
	assert_int_equal(s.out.verb.u.fence.index, LEVELS_MAX);
	assert_int_equal(fails(&s, step_unfence, ERR_INVALID), STEP_FAIL);
	assert_non_null(strstr(s.out.err.text, "gone, which is no longer configured"));
	assert_string_equal(s.facts.owed, "gone");
}

static void a_failback_opens_the_edge_before_it_greets(void **state)
{
	struct stage s;
	(void)state;
	stage_init(&s, 3);
	strcpy(s.facts.owed, "edge");
	assert_int_equal(ask(&s, step_verify_primary, NULL), STEP_VERB);
	assert_asks(&s, VERB_FENCE_STATUS, "edge");
	assert_int_equal(state_is(&s, step_verify_primary, POWER_STATE_OFF), STEP_VERB);
	assert_asks(&s, VERB_FENCE_ON, "edge");
	assert_int_equal(state_is(&s, step_verify_primary, POWER_UNKNOWN), STEP_VERB);
	assert_int_equal(state_is(&s, step_verify_primary, POWER_STATE_ON), STEP_VERB);
	assert_asks(&s, VERB_HOST_RUN, "hello");
	assert_int_equal(state_is(&s, step_verify_primary, POWER_UNKNOWN), STEP_VERB);
	assert_asks(&s, VERB_HOST_RUN, "mail status");
}

/* Nothing is switched, and so nothing is owed. */
static void a_person_stands_for_a_level(void **state)
{
	struct stage s;
	(void)state;
	stage_init(&s, 2);
	s.plan.confirmed = true;
	strcpy(s.plan.actor, "anna");
	assert_int_equal(ask(&s, step_fence, NULL), STEP_DONE);
	assert_string_equal(s.facts.held, "person");
	assert_true(s.facts.proven_off);
	assert_string_equal(s.facts.owed, "");
	assert_string_equal(s.out.note, "off, as anna confirms; nothing answered");
}

static void a_level_at_the_primarys_site_is_warned_of(void **state)
{
	struct stage s;
	struct strbuf text = STRBUF_INIT;
	(void)state;
	stage_init(&s, 3);
	s.plan.site.level[1].shares_site = true;
	plan_describe(&s.plan, &text);
	assert_non_null(strstr(strbuf_str(&text), "WARN: host is at the primary's own site"));
	assert_null(strstr(strbuf_str(&text), "WARN: board"));
	assert_non_null(strstr(strbuf_str(&text), "edge            cuts it off; it runs on behind it"));
	strbuf_fini(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_owed_is_a_list_without_doubles),
		cmocka_unit_test(a_level_that_holds_ends_the_step),
		cmocka_unit_test(a_level_that_lies_is_caught),
		cmocka_unit_test(off_already_is_believed_only_if_nothing_answers),
		cmocka_unit_test(a_silent_level_is_tried_for_a_while),
		cmocka_unit_test(the_last_level_is_given_back_first),
		cmocka_unit_test(a_broken_switch_does_not_hide_a_primary_that_answers),
		cmocka_unit_test(a_closed_edge_is_never_given_back_by_an_answer),
		cmocka_unit_test(a_failback_opens_the_edge_before_it_greets),
		cmocka_unit_test(a_person_stands_for_a_level),
		cmocka_unit_test(a_level_at_the_primarys_site_is_warned_of),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
