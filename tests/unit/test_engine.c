/* The engine over ports that only note what they are asked: after the stop it asks for nothing, and a commit whose
 * answer was lost is asked for under the same audit key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../common/base/mem.h"
#include "../../controller/engine/engine.h"

#define TIMERS_MAX 32
#define COMMITS_MAX 16

struct world {
	struct instant now;
	uint64_t last;
	struct {
		uint64_t id;
		int64_t due_ms;
		timer_cb *cb;
		void *arg;
	} timer[TIMERS_MAX];
	struct {
		commit_cb *cb;
		void *arg;
		char audit_key[NAME_MAX_LEN];
	} commit[COMMITS_MAX];
	size_t commits, answered, verbs, others;
	struct pair_view view; /* the last that was published */
	result_cb *agent;      /* of the standby's agent */
	void *agent_arg;
	uint64_t begun; /* epoch of the last operation that was to be made durable */
	char paged[1024];
	size_t beats;
	outcome_cb *beat;
	void *beat_arg;
	owner_cb *own;
	rows_cb *read;
	void *own_arg, *read_arg;
};

static struct world w;

static void commit(void *ctx, const struct txn *txn, commit_cb *cb, void *arg)
{
	(void)ctx;
	assert_true(w.commits < COMMITS_MAX);
	w.commit[w.commits].cb = cb;
	w.commit[w.commits].arg = arg;
	for (size_t i = 0; i < txn->nrec; i++) {
		const char *epoch = strstr(txn->rec[i].body, "\nepoch=");
		if (txn->rec[i].kind == RECORD_AUDIT)
			(void)str_copy(w.commit[w.commits].audit_key, sizeof(w.commit[0].audit_key), txn->rec[i].key);
		if (txn->rec[i].kind == RECORD_OPERATION && epoch)
			w.begun = strtoull(epoch + 7, NULL, 10);
	}
	w.commits++;
}

static void read_rows(void *ctx, const struct query *query, rows_cb *cb, void *arg)
{
	(void)ctx;
	(void)query;
	w.others++;
	w.read = cb;
	w.read_arg = arg;
}

static void own(void *ctx, owner_cb *cb, void *arg)
{
	(void)ctx;
	w.others++;
	w.own = cb;
	w.own_arg = arg;
}

static uint64_t submit(void *ctx, const struct verb *verb, outcome_cb *cb, void *arg)
{
	(void)ctx;
	if (verb->kind == VERB_HEARTBEAT) {
		w.beats++;
		w.beat = cb;
		w.beat_arg = arg;
	}
	if (verb->kind == VERB_NOTIFY &&
	    (strstr(verb->u.notify.text, "epoch") || strstr(verb->u.notify.text, "heartbeat")))
		(void)str_copy(w.paged, sizeof(w.paged), verb->u.notify.text);
	w.verbs++;
	return ++w.last;
}

static void ignore_id(void *ctx, uint64_t id)
{
	(void)ctx;
	(void)id;
}

static uint32_t probe_add(void *ctx, const struct probe_opts *opts, result_cb *cb, void *arg)
{
	(void)ctx;
	if (opts->kind == PROBE_AGENT) {
		w.agent = cb;
		w.agent_arg = arg;
	}
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

static struct instant time_now(void *ctx)
{
	(void)ctx;
	return w.now;
}

static uint64_t time_at(void *ctx, int64_t boot_ms, timer_cb *cb, void *arg)
{
	size_t i = 0;
	(void)ctx;
	while (i < TIMERS_MAX && w.timer[i].id)
		i++;
	if (i == TIMERS_MAX)
		abort();
	w.timer[i].id = ++w.last;
	w.timer[i].due_ms = boot_ms;
	w.timer[i].cb = cb;
	w.timer[i].arg = arg;
	return w.timer[i].id;
}

static void time_drop(void *ctx, uint64_t id)
{
	(void)ctx;
	for (size_t i = 0; i < TIMERS_MAX; i++)
		if (w.timer[i].id == id)
			w.timer[i].id = 0;
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

static const struct store_ops store = { commit, read_rows, own };
static const struct exec_ops exec = { submit, ignore_id, ignore_id };
static const struct probe_ops probe = { probe_add, probe_hurry, probe_remove };
static const struct time_ops clock_ops = { time_now, time_at, time_drop };

/* Every timer that stands now, once, whenever it is due. */
static void fire_timers(void)
{
	uint64_t last = w.last;
	w.now.boot_ms += (int64_t)3600 * 1000;
	for (size_t i = 0; i < TIMERS_MAX; i++) {
		if (!w.timer[i].id || w.timer[i].id > last)
			continue;
		w.timer[i].id = 0;
		w.timer[i].cb(w.timer[i].arg);
	}
}

static void answer_commits(enum store_rc rc)
{
	for (size_t n = w.commits; w.answered < n; w.answered++)
		w.commit[w.answered].cb(w.commit[w.answered].arg, rc);
}

static void no_answer(void *arg, const struct command_answer *answer)
{
	(void)arg;
	(void)answer;
}

static void command(struct engine *e, enum command_kind kind)
{
	struct command cmd = { .kind = kind, .pair = "mail-a", .who = "anna", .reason = "works" };
	cmd.expires_wall_ms = INT64_MAX;
	engine_command(e, &cmd, no_answer, NULL);
}

static void published(void *arg, const struct pair_view *view)
{
	(void)arg;
	w.view = *view;
}

static int64_t heartbeat_ms; /* of the engines that are started; 0 = none */

/* Ready, one pair, nothing stored, nothing probed. */
static struct engine *start(void)
{
	static const struct ports ports = { .store = &store,
					    .exec = &exec,
					    .probe = &probe,
					    .time = &clock_ops,
					    .random = random_bytes,
					    .log = log_nothing };
	struct engine_pair pair = { .mode = MODE_MANUAL };
	struct engine_opts opts = { .npairs = 1, .pairs = &pair, .heartbeat_ms = heartbeat_ms };
	pair.every_ms = heartbeat_ms ? (int64_t)2 * 3600 * 1000 : 0;
	w = (struct world){ .now = { 1000, 1790000000000 } };
	strcpy(pair.site.pair, "mail-a");
	strcpy(pair.agent[HOST_STANDBY].addr, "192.0.2.2");
	pair.agent[HOST_STANDBY].kind = PROBE_AGENT;
	struct engine *e = engine_new(&ports, &opts, published, NULL);
	engine_start(e);
	w.own(w.own_arg, true);
	w.read(w.read_arg, STORE_OK, NULL, 0);
	assert_true(engine_ready(e));
	return e;
}

/* As at `systemctl stop` with a full disk: commits wait for their next try, and the store goes away. */
static void after_the_stop_no_timer_asks_for_anything(void **state)
{
	struct engine *e = start();
	(void)state;
	command(e, CMD_HOLD);
	size_t before = w.commits;
	answer_commits(STORE_AWAY);
	fire_timers();
	assert_int_equal(w.commits, before + 1); /* it is tried again, as long as it runs */
	answer_commits(STORE_AWAY);
	command(e, CMD_FAILOVER);
	answer_commits(STORE_AWAY);
	before = w.commits;
	fire_timers();
	assert_int_equal(w.commits, before + 1); /* the begin; the hold waits for it */
	answer_commits(STORE_AWAY);
	engine_stop(e);
	before = w.commits;
	size_t verbs = w.verbs, others = w.others;
	fire_timers();
	command(e, CMD_RELEASE);
	assert_int_equal(w.commits, before);
	assert_int_equal(w.verbs, verbs);
	assert_int_equal(w.others, others);
	engine_free(e);
}

static void a_lost_answer_does_not_double_an_audit_row(void **state)
{
	struct engine *e = start();
	(void)state;
	command(e, CMD_HOLD);
	answer_commits(STORE_UNKNOWN);
	fire_timers();
	assert_int_equal(w.commits, 2);
	assert_true(w.commit[0].audit_key[0] != '\0');
	assert_string_equal(w.commit[0].audit_key, w.commit[1].audit_key);
	answer_commits(STORE_OK);
	command(e, CMD_RELEASE);
	assert_string_not_equal(w.commit[0].audit_key, w.commit[2].audit_key);
	answer_commits(STORE_OK);
	command(e, CMD_FAILOVER);
	answer_commits(STORE_UNKNOWN);
	fire_timers();
	assert_int_equal(w.commits, 5);
	assert_true(w.commit[3].audit_key[0] != '\0');
	assert_string_equal(w.commit[3].audit_key, w.commit[4].audit_key);
	engine_stop(e);
	engine_free(e);
}

static void standby_stands_at(uint64_t epoch)
{
	struct probe_result r = { .outcome = PROBE_OK, .agent = { .present = true, .epoch = epoch } };
	w.paged[0] = '\0';
	w.agent(w.agent_arg, 1, &r);
	answer_commits(STORE_OK);
	fire_timers();
}

/* A glass that was broken, or a runbook by hand: told until a person has seen it, and never undercut. */
static void an_epoch_from_elsewhere_is_told_and_planned_above(void **state)
{
	struct engine *e = start();
	(void)state;
	standby_stands_at(1);
	standby_stands_at(0);
	assert_string_equal(w.paged, "");
	standby_stands_at(1007);
	assert_non_null(strstr(w.paged, "the standby's agent is at epoch 1007, above the controller's 1"));
	assert_non_null(strstr(w.view.trouble, "epoch 1007"));
	standby_stands_at(1007);
	standby_stands_at(1003);
	assert_string_equal(w.paged, ""); /* once */
	command(e, CMD_ACK);
	answer_commits(STORE_OK);
	fire_timers();
	assert_null(strstr(w.view.trouble, "epoch 1007"));
	command(e, CMD_FAILOVER);
	assert_int_equal(w.begun, 1008);
	answer_commits(STORE_OK);
	standby_stands_at(1009); /* the undo's */
	assert_string_equal(w.paged, "");
	standby_stands_at(1010);
	assert_non_null(strstr(w.paged, "epoch 1010, above the controller's 1009"));
	engine_stop(e);
	engine_free(e);
}

/* Whoever lies must not use up the epochs. */
static void an_impossible_epoch_is_not_believed(void **state)
{
	struct engine *e = start();
	(void)state;
	standby_stands_at(INT64_MAX);
	assert_non_null(strstr(w.paged, "it is not believed"));
	standby_stands_at(INT64_MAX);
	assert_string_equal(w.paged, "");
	command(e, CMD_FAILOVER);
	assert_int_equal(w.begun, 2);
	engine_stop(e);
	engine_free(e);
}

/* What a turn of the loop does, and nobody answers. */
static void turn(void)
{
	w.paged[0] = '\0';
	fire_timers();
}

static void hook_says(enum err_code code)
{
	struct outcome outcome = { 0 };
	if (code)
		err_set(&outcome.err, code, "the watcher is not there");
	w.beat(w.beat_arg, 1, &outcome);
}

/* Each part must work: the store, the hook, the probes; and what does not come back holds nothing up. */
static void a_heartbeat_proves_what_it_says(void **state)
{
	heartbeat_ms = 1000;
	struct engine *e = start();
	(void)state;
	turn();
	assert_int_equal(w.commits, 1);
	assert_int_equal(w.beats, 0); /* not before it is durable */
	answer_commits(STORE_OK);
	assert_int_equal(w.beats, 1);
	turn();
	turn();
	assert_int_equal(w.commits, 1); /* the hook hangs: no second one beside it */
	assert_string_equal(w.paged, "");
	hook_says(ERR_TIMEOUT);
	assert_non_null(strstr(w.paged, "coldmxd: no heartbeat went out 3 times in a row"));
	command(e, CMD_HOLD);
	assert_int_equal(w.commits, 2); /* commands are taken as ever */
	answer_commits(STORE_OK);
	turn();
	assert_non_null(strstr(w.view.trouble, "no heartbeat goes out: the hook failed"));
	answer_commits(STORE_AWAY);
	assert_int_equal(w.beats, 1); /* the store is away */
	engine_stop(e);
	engine_free(e);
	e = start();
	turn();
	answer_commits(STORE_OK);
	hook_says(ERR_OK);
	turn();
	answer_commits(STORE_OK);
	hook_says(ERR_OK);
	assert_int_equal(w.beats, 2);
	for (int i = 0; i < 4; i++)
		turn();
	assert_int_equal(w.beats, 2); /* no probe has ended for hours */
	assert_true(w.commits <= 4);
	engine_stop(e);
	engine_free(e);
	heartbeat_ms = 0;
}

static void brake_command(struct engine *e, enum command_kind kind)
{
	struct command cmd = { .kind = kind, .who = "anna", .reason = "the hall lost power" };
	cmd.expires_wall_ms = w.now.wall_ms + 60000;
	engine_command(e, &cmd, no_answer, NULL);
}

static void the_brakes_are_lifted_when_it_is_durable_and_back_at_once(void **state)
{
	struct engine *e = start();
	(void)state;
	brake_command(e, CMD_BRAKE_LIFT);
	assert_int_equal(w.commits, 1);
	answer_commits(STORE_AWAY);
	fire_timers();
	assert_int_equal(w.commits, 2);
	assert_false(w.view.brake.lift.set);
	answer_commits(STORE_OK);
	assert_true(w.view.brake.lift.set);
	assert_string_equal(w.view.brake.lift.owner, "anna");
	brake_command(e, CMD_BRAKE_RESTORE);
	fire_timers();
	assert_false(w.view.brake.lift.set);
	answer_commits(STORE_OK);
	brake_command(e, CMD_BRAKE_RESTORE); /* refused: there is nothing to restore */
	assert_int_equal(w.commits, 3);
	engine_stop(e);
	engine_free(e);
}

static void a_late_try_of_a_lift_does_not_come_after_a_later_word(void **state)
{
	struct engine *e = start();
	(void)state;
	brake_command(e, CMD_BRAKE_LIFT);
	answer_commits(STORE_AWAY);
	brake_command(e, CMD_BRAKE_LIFT);
	answer_commits(STORE_OK);
	brake_command(e, CMD_BRAKE_RESTORE);
	answer_commits(STORE_OK);
	fire_timers();
	answer_commits(STORE_OK);
	assert_int_equal(w.commits, 3);
	assert_false(w.view.brake.lift.set);
	engine_stop(e);
	engine_free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_heartbeat_proves_what_it_says),
		cmocka_unit_test(an_epoch_from_elsewhere_is_told_and_planned_above),
		cmocka_unit_test(an_impossible_epoch_is_not_believed),
		cmocka_unit_test(after_the_stop_no_timer_asks_for_anything),
		cmocka_unit_test(a_lost_answer_does_not_double_an_audit_row),
		cmocka_unit_test(the_brakes_are_lifted_when_it_is_durable_and_back_at_once),
		cmocka_unit_test(a_late_try_of_a_lift_does_not_come_after_a_later_word),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
