/* A person's word that the primary is off, held against the world: what is asked, and that one answer refuses it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../common/base/mem.h"
#include "../../controller/engine/engine.h"

static struct verb asked; /* the last verb that was submitted, and where its outcome goes */
static outcome_cb *asked_cb;
static void *asked_arg;
static char operation[4096]; /* the last one that was to be made durable */
static struct command_answer answered;
static int answers;
static owner_cb *own_cb;
static rows_cb *read_cb;
static void *own_arg, *read_arg;
static uint64_t last;

static void commit(void *ctx, const struct txn *txn, commit_cb *cb, void *arg)
{
	(void)ctx;
	(void)cb;
	(void)arg;
	for (size_t i = 0; i < txn->nrec; i++)
		if (txn->rec[i].kind == RECORD_OPERATION)
			(void)str_copy(operation, sizeof(operation), txn->rec[i].body);
}

static void read_rows(void *ctx, const struct query *query, rows_cb *cb, void *arg)
{
	(void)ctx;
	(void)query;
	read_cb = cb;
	read_arg = arg;
}

static void own(void *ctx, owner_cb *cb, void *arg)
{
	(void)ctx;
	own_cb = cb;
	own_arg = arg;
}

static uint64_t submit(void *ctx, const struct verb *verb, outcome_cb *cb, void *arg)
{
	(void)ctx;
	asked = *verb;
	asked_cb = cb;
	asked_arg = arg;
	return ++last;
}

static void ignore_id(void *ctx, uint64_t id)
{
	(void)ctx;
	(void)id;
}

static uint32_t probe_add(void *ctx, const struct probe_opts *opts, result_cb *cb, void *arg)
{
	(void)ctx;
	(void)opts;
	(void)cb;
	(void)arg;
	return 1;
}

static void probe_hurry(void *ctx, uint32_t id, int64_t every_ms)
{
	(void)ctx;
	(void)id;
	(void)every_ms;
}

static void probe_remove(void *ctx, uint32_t id)
{
	(void)ctx;
	(void)id;
}

static struct instant now(void *ctx)
{
	(void)ctx;
	return (struct instant){ 1000, 1790000000000 };
}

static uint64_t at(void *ctx, int64_t boot_ms, timer_cb *cb, void *arg)
{
	(void)ctx;
	(void)boot_ms;
	(void)cb;
	(void)arg;
	return ++last;
}

static void random_bytes(void *ctx, void *bytes, size_t len)
{
	(void)ctx;
	memset(bytes, 7, len);
}

static void log_nothing(void *ctx, int level, const char *component, const char *line)
{
	(void)ctx;
	(void)level;
	(void)component;
	(void)line;
}

static void published(void *arg, const struct pair_view *view)
{
	(void)arg;
	(void)view;
}

static void keep_answer(void *arg, const struct command_answer *answer)
{
	(void)arg;
	answered = *answer;
	answers++;
}

/* One pair with an edge and a power level; a person says that its primary is off. */
static struct engine *confirm(void)
{
	static const struct store_ops store = { commit, read_rows, own };
	static const struct exec_ops exec = { submit, ignore_id, ignore_id };
	static const struct probe_ops probe = { probe_add, probe_hurry, probe_remove };
	static const struct time_ops time = { now, at, ignore_id };
	static const struct ports ports = { .store = &store,
					    .exec = &exec,
					    .probe = &probe,
					    .time = &time,
					    .random = random_bytes,
					    .log = log_nothing };
	struct engine_pair pair = { .mode = MODE_MANUAL };
	struct engine_opts opts = { .npairs = 1, .pairs = &pair };
	struct command cmd = { .kind = CMD_FAILOVER,
			       .pair = "mail-a",
			       .who = "anna",
			       .reason = "I pulled the plug",
			       .confirm_fenced = true };
	strcpy(pair.site.pair, "mail-a");
	strcpy(pair.site.host[HOST_PRIMARY].v4, "192.0.2.1");
	strcpy(pair.site.host[HOST_PRIMARY].v6, "2001:db8::1");
	pair.site.nlevels = 2;
	pair.site.level[0] = (struct plan_level){ "edge", false, false };
	pair.site.level[1] = (struct plan_level){ "board", true, false };
	struct engine *e = engine_new(&ports, &opts, published, NULL);
	engine_start(e);
	own_cb(own_arg, true);
	read_cb(read_arg, STORE_OK, NULL, 0);
	operation[0] = '\0';
	answers = 0;
	engine_command(e, &cmd, keep_answer, NULL);
	return e;
}

static void end(struct engine *e)
{
	engine_stop(e);
	engine_free(e);
}

static void say(enum err_code code, const char *layer, enum power_state power)
{
	struct outcome o = { .took_ms = 1 };
	if (code)
		err_set(&o.err, code, "no answer");
	if (asked.kind == VERB_SMTP_CHECK)
		(void)str_copy(o.u.smtp.layer, sizeof(o.u.smtp.layer), layer);
	else
		o.u.power = power;
	asked_cb(asked_arg, last, &o);
}

/* Up to and with SSH: nothing. */
static void silence(void)
{
	assert_int_equal(asked.kind, VERB_SMTP_CHECK);
	assert_int_equal(asked.u.smtp.family, 4);
	assert_int_equal(asked.u.smtp.target, HOST_PRIMARY);
	say(ERR_TIMEOUT, "connect", POWER_UNKNOWN);
	assert_int_equal(asked.u.smtp.family, 6);
	say(ERR_REFUSED, "connect", POWER_UNKNOWN);
	assert_int_equal(asked.kind, VERB_HOST_RUN);
	assert_string_equal(asked.u.host.words, "hello");
}

static void assert_refused(const char *why)
{
	assert_int_equal(answers, 1);
	assert_int_equal(answered.err.code, ERR_BLOCKED);
	assert_string_equal(answered.rule, "confirm-answered");
	if (!strstr(answered.err.text, why))
		fail_msg("refused with: %s", answered.err.text);
	assert_string_equal(operation, "");
}

static void silence_lets_a_person_stand_for_a_level(void **state)
{
	struct engine *e = confirm();
	(void)state;
	silence();
	say(ERR_UNREACH, "", POWER_UNKNOWN);
	assert_int_equal(asked.kind, VERB_FENCE_STATUS);
	assert_string_equal(asked.u.fence.level, "board"); /* an edge says nothing of the machine behind it */
	say(ERR_OK, "", POWER_STATE_OFF);
	assert_non_null(strstr(operation, "kind=promote\n"));
	assert_non_null(strstr(operation, "confirmed=1\n"));
	assert_non_null(strstr(operation, "actor=anna\n"));
	assert_non_null(strstr(operation, "step=fence\n"));
	end(e);
}

static void a_silent_level_is_no_contradiction(void **state)
{
	struct engine *e = confirm();
	(void)state;
	silence();
	say(ERR_TIMEOUT, "", POWER_UNKNOWN);
	say(ERR_UNREACH, "", POWER_UNKNOWN);
	assert_non_null(strstr(operation, "confirmed=1\n"));
	end(e);
}

static void any_answer_refuses_it(void **state)
{
	(void)state;
	struct engine *e = confirm();
	say(ERR_TIMEOUT, "banner", POWER_UNKNOWN); /* it hangs, and is on */
	assert_refused("it answers on port 25");
	end(e);
	e = confirm();
	silence();
	say(ERR_AUTH, "", POWER_UNKNOWN);
	assert_refused("it answers SSH");
	end(e);
	e = confirm();
	silence();
	say(ERR_REFUSED, "", POWER_UNKNOWN); /* no sshd there, and a machine that says so */
	assert_refused("it answers SSH");
	end(e);
	e = confirm();
	silence();
	say(ERR_UNREACH, "", POWER_UNKNOWN);
	say(ERR_OK, "", POWER_STATE_ON);
	assert_refused("level board says that it is on");
	end(e);
	e = confirm();
	say(ERR_LOCAL, "connect", POWER_UNKNOWN); /* we could not ask */
	assert_refused("not asked, so not confirmed");
	end(e);
}

static void a_stop_in_between_asks_and_answers_nothing(void **state)
{
	struct engine *e = confirm();
	(void)state;
	silence();
	engine_stop(e);
	say(ERR_UNREACH, "", POWER_UNKNOWN);
	assert_int_equal(answers, 0);
	assert_string_equal(operation, "");
	engine_free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(silence_lets_a_person_stand_for_a_level),
		cmocka_unit_test(a_silent_level_is_no_contradiction),
		cmocka_unit_test(any_answer_refuses_it),
		cmocka_unit_test(a_stop_in_between_asks_and_answers_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
