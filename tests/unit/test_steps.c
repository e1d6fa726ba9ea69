/* Single steps, asked as the runner asks them: what they make of one answer after the other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../controller/step/step.h"

struct asked {
	struct plan plan;
	struct facts facts;
	struct step_mem mem;
	struct step_out out;
	struct strbuf body;
};

static enum step_say ask(struct asked *a, step_fn *step, const struct outcome *last)
{
	struct step_ctx ctx = { &a->plan, &a->facts, &a->mem, { 1000, 2000 }, false };
	a->out = (struct step_out){ .body = &a->body };
	return step(&ctx, last, &a->out);
}

static enum step_say ask_text(struct asked *a, step_fn *step, const char *answer)
{
	struct outcome last = { 0 };
	snprintf(last.u.text, sizeof(last.u.text), "%s", answer);
	return ask(a, step, &last);
}

static enum step_say ask_error(struct asked *a, step_fn *step, enum err_code code)
{
	struct outcome last = { 0 };
	err_set(&last.err, code, "it went wrong");
	return ask(a, step, &last);
}

static void assert_words(const struct asked *a, const char *words)
{
	assert_int_equal(a->out.verb.kind, VERB_HOST_RUN);
	assert_string_equal(a->out.verb.u.host.words, words);
}

/* A push that was under way at the begin: what is kept is newer than what the plan names. */
static void newer_maps_are_installed_not_refused(void **state)
{
	struct asked a = { .plan = { .maps_sha256 = "old" } };
	(void)state;
	assert_int_equal(ask(&a, step_maps, NULL), STEP_VERB);
	assert_int_equal(ask_text(&a, step_maps, "sha256=older\n"), STEP_VERB);
	assert_words(&a, "maps put");
	assert_int_equal(ask_text(&a, step_maps, "sha256=new\nrecipients=7\n"), STEP_VERB);
	assert_words(&a, "maps status");
	assert_int_equal(ask_text(&a, step_maps, "sha256=new\n"), STEP_VERB);
	assert_words(&a, "mail soft-bounce off");
	assert_int_equal(ask_text(&a, step_maps, "soft_bounce=off\n"), STEP_DONE);
}

static void maps_that_read_back_otherwise_are_not_trusted(void **state)
{
	static const char *const wrong[] = { "sha256=other\n", "sha256=\n", "" };
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct asked a = { .plan = { .maps_sha256 = "old" } };
		assert_int_equal(ask(&a, step_maps, NULL), STEP_VERB);
		assert_int_equal(ask_text(&a, step_maps, ""), STEP_VERB);
		assert_int_equal(ask_text(&a, step_maps, i == 2 ? "" : "sha256=new\n"), STEP_VERB);
		assert_int_equal(ask_text(&a, step_maps, wrong[i]), STEP_FAIL);
		assert_int_equal(a.out.err.code, ERR_UNVERIFIED);
	}
}

/* Killed between listing a stranded message and removing it: listed and counted once. */
static void a_listed_message_is_only_removed(void **state)
{
	struct asked a = { .facts = { .stranded = 1, .listed = "4Xyz12abc" } };
	(void)state;
	assert_int_equal(ask(&a, step_drain, NULL), STEP_VERB);
	while (strcmp(a.out.verb.u.host.words, "queue status") != 0)
		assert_int_equal(ask_text(&a, step_drain, ""), STEP_VERB);
	assert_int_equal(ask_text(&a, step_drain, "total=2\nrefused=2\nrefused_id=4Xyz12abc\nrefused_id=4Xyz12abd\n"),
			 STEP_VERB);
	assert_words(&a, "queue remove 4Xyz12abc");
	assert_int_equal(a.facts.stranded, 1);
	assert_int_equal(ask_text(&a, step_drain, "removed=4Xyz12abc\n"), STEP_VERB);
	assert_words(&a, "queue status");
	assert_int_equal(ask_text(&a, step_drain, "total=1\nrefused=1\nrefused_id=4Xyz12abd\n"), STEP_VERB);
	assert_int_equal(a.out.verb.kind, VERB_QUEUE_EXPORT);
}

/* Somebody told the host a higher epoch by hand: the refusal is looked into, so that the next try goes above. */
static void a_refused_grant_asks_where_the_host_stands(void **state)
{
	struct asked a = { .plan = { .kind = PLAN_FAILBACK, .epoch = 8 } };
	(void)state;
	assert_int_equal(ask(&a, step_grant, NULL), STEP_COMMIT);
	assert_int_equal(ask(&a, step_grant, NULL), STEP_VERB);
	assert_words(&a, "grant");
	assert_int_equal(ask_error(&a, step_grant, ERR_FAILED), STEP_VERB);
	assert_words(&a, "rights");
	assert_int_equal(ask_text(&a, step_grant, "epoch=1007\nholder=primary\n"), STEP_FAIL);
	assert_non_null(strstr(a.out.err.text, "it went wrong: somebody else told it"));
	assert_int_equal(a.facts.stands_at[HOST_PRIMARY], 1007);
	a.mem = (struct step_mem){ .at = 2 };
	a.facts.stands_at[HOST_PRIMARY] = 0;
	assert_int_equal(ask_error(&a, step_grant, ERR_TIMEOUT), STEP_FAIL); /* nobody refused anything */
	assert_int_equal(ask_error(&a, step_grant, ERR_FAILED), STEP_VERB);
	assert_int_equal(ask_text(&a, step_grant, "epoch=9\n"), STEP_FAIL); /* an epoch of this operation's own */
	assert_int_equal(a.facts.stands_at[HOST_PRIMARY], 0);
	strbuf_fini(&a.body);
}

/* The standby is empty and stopped: what it keeps by another hand does not hold back its way off. */
static void settling_goes_on_below_an_epoch_by_hand(void **state)
{
	struct asked a = { .plan = { .kind = PLAN_FAILBACK, .epoch = 8 }, .mem = { .at = 4 } };
	(void)state;
	assert_int_equal(ask_error(&a, step_settle, ERR_FAILED), STEP_VERB);
	assert_words(&a, "rights");
	assert_int_equal(ask_text(&a, step_settle, "epoch=1007\n"), STEP_DONE);
	assert_int_equal(a.facts.stands_at[HOST_STANDBY], 1007);
	assert_non_null(strstr(a.facts.degrade, "somebody else"));
	a.mem = (struct step_mem){ .at = 4 };
	assert_int_equal(ask_error(&a, step_settle, ERR_FAILED), STEP_VERB);
	assert_int_equal(ask_text(&a, step_settle, "nonsense"), STEP_FAIL);
	strbuf_fini(&a.body);
}

/* The right first, durable and told, then the firewall; the text is the same in every try, or the standby would refuse it. */
static void a_rehearsal_is_told_before_mail_runs(void **state)
{
	static const char *const record =
		"coldmx-rights 1\npair=a\nepoch=9\nown=primary\naccept=primary\nissued_ms=1000\n"
		"rehearse=boot-1 43\n";
	struct asked a = { .plan = { .kind = PLAN_DRILL, .epoch = 9, .began = { 0, 1000 } } };
	(void)state;
	strcpy(a.plan.site.pair, "a");
	strcpy(a.plan.site.host[HOST_PRIMARY].v4, "192.0.2.1");
	strcpy(a.plan.site.host[HOST_PRIMARY].v6, "2001:db8::1");
	a.plan.site.boot_ms = 1000;
	a.plan.site.command_ms = 1000;
	strcpy(a.facts.boot_id, "boot-1");
	assert_int_equal(ask(&a, step_rehearse, NULL), STEP_COMMIT);
	assert_int_equal(a.out.rec.kind, RECORD_GRANT);
	assert_string_equal(strbuf_str(&a.body), record);
	assert_int_equal(ask(&a, step_rehearse, NULL), STEP_VERB);
	assert_words(&a, "grant");
	assert_string_equal(a.out.verb.u.host.rights, record);
	assert_int_equal(ask_text(&a, step_rehearse, "epoch=9\n"), STEP_VERB);
	assert_words(&a, "port rehearse");
	assert_int_equal(ask_text(&a, step_rehearse, "port=closed\n"), STEP_FAIL);
	a.mem = (struct step_mem){ .at = 2 };
	a.plan.site.drill_blackhole = true;
	assert_int_equal(ask_text(&a, step_rehearse, "epoch=9\n"), STEP_VERB);
	assert_words(&a, "port rehearse 192.0.2.1 2001:db8::1");
	assert_int_equal(ask_text(&a, step_rehearse, "port=rehearse\n"), STEP_DONE);
	strbuf_fini(&a.body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_refused_grant_asks_where_the_host_stands),
		cmocka_unit_test(settling_goes_on_below_an_epoch_by_hand),
		cmocka_unit_test(newer_maps_are_installed_not_refused),
		cmocka_unit_test(maps_that_read_back_otherwise_are_not_trusted),
		cmocka_unit_test(a_listed_message_is_only_removed),
		cmocka_unit_test(a_rehearsal_is_told_before_mail_runs),
	};
	return cmocka_run_group_tests_name("steps", tests, NULL, NULL);
}
