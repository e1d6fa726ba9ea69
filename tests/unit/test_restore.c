/* What a restarted engine makes of its journal when the configuration lists its pairs in another order, lost one, or
 * gave one another host. The ports are the smallest that the engine starts on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "../../common/base/mem.h"
#include "../../controller/core/text.h"
#include "../../controller/engine/engine.h"

#define PAIRS 3
#define STANDBY "192.0.2.20"
#define FAIL_AFTER 3

static const struct record *rows;
static size_t nrows;
static struct pair_view seen[PAIRS];
static struct txn last_txn;
static uint64_t last_op;
static char last_events[80]; /* of the journal, in the last commit that had one */
static char last_rule[NAME_MAX_LEN];
static uint32_t other_pair; /* a record of a commit that names another pair than its guard */
static timer_cb *timers[64];
static void *timer_args[64];
static size_t ntimers;
static result_cb *standby_cb; /* of the probe at the standby; NULL = it is not watched */
static void *standby_arg;

static void note_events(const struct txn *txn)
{
	char event[24];
	size_t used = 0;
	for (size_t i = 0; i < txn->nrec; i++)
		if (txn->rec[i].kind == RECORD_JOURNAL && text_find(txn->rec[i].body, "ev", event, sizeof(event)))
			used += (size_t)snprintf(last_events + used, sizeof(last_events) - used, "%s ", event);
}

static void port_commit(void *ctx, const struct txn *txn, commit_cb *cb, void *arg)
{
	(void)ctx;
	(void)cb;
	(void)arg;
	last_txn = *txn;
	note_events(txn);
	for (size_t i = 0; i < txn->nrec; i++) {
		if (txn->rec[i].kind == RECORD_OPERATION)
			last_op = txn->rec[i].op;
		if (txn->rec[i].pair && txn->rec[i].pair != txn->guard.pair)
			other_pair = txn->rec[i].pair;
	}
}

static void port_read(void *ctx, const struct query *query, rows_cb *cb, void *arg)
{
	(void)ctx;
	(void)query;
	cb(arg, STORE_OK, rows, nrows);
}

static void port_own(void *ctx, owner_cb *cb, void *arg)
{
	(void)ctx;
	cb(arg, true);
}

static uint64_t port_submit(void *ctx, const struct verb *verb, outcome_cb *cb, void *arg)
{
	(void)ctx;
	(void)verb;
	(void)cb;
	(void)arg;
	return 1;
}

static void port_cancel(void *ctx, uint64_t ticket)
{
	(void)ctx;
	(void)ticket;
}

static uint32_t port_add(void *ctx, const struct probe_opts *opts, result_cb *cb, void *arg)
{
	(void)ctx;
	if (strcmp(opts->addr, STANDBY) == 0) {
		standby_cb = cb;
		standby_arg = arg;
	}
	return 1;
}

static void port_hurry(void *ctx, uint32_t id, int64_t every_ms)
{
	(void)ctx;
	(void)id;
	(void)every_ms;
}

static void port_remove(void *ctx, uint32_t id)
{
	(void)ctx;
	(void)id;
}

static struct instant port_now(void *ctx)
{
	(void)ctx;
	return (struct instant){ 1000000, 1790000000000 };
}

static uint64_t port_at(void *ctx, int64_t boot_ms, timer_cb *cb, void *arg)
{
	(void)ctx;
	(void)boot_ms;
	assert_true(ntimers < 64);
	timers[ntimers] = cb;
	timer_args[ntimers++] = arg;
	return ntimers;
}

static void port_drop(void *ctx, uint64_t timer)
{
	(void)ctx;
	timers[timer - 1] = NULL;
}

static void port_random(void *ctx, void *bytes, size_t len)
{
	(void)ctx;
	memset(bytes, 7, len);
}

static void port_log(void *ctx, int level, const char *component, const char *line)
{
	(void)ctx;
	(void)level;
	(void)component;
	(void)line;
}

static void publish(void *arg, const struct pair_view *view)
{
	(void)arg;
	seen[view->id - 1] = *view;
}

static const struct store_ops store = { port_commit, port_read, port_own };
static const struct exec_ops exec = { port_submit, port_cancel, port_cancel };
static const struct probe_ops probe = { port_add, port_hurry, port_remove };
static const struct time_ops clocks = { port_now, port_at, port_drop };

static struct engine *start(const char *const *names, size_t n)
{
	struct ports ports = {
		.store = &store, .exec = &exec, .probe = &probe, .time = &clocks, .random = port_random, .log = port_log
	};
	struct engine_pair pairs[PAIRS];
	struct engine_opts opts = { .npairs = n, .pairs = pairs, .brake = { 5, 3, 50 } };
	memset(pairs, 0, sizeof(pairs));
	memset(seen, 0, sizeof(seen));
	ntimers = 0;
	last_op = other_pair = 0;
	standby_cb = NULL;
	for (size_t i = 0; i < n; i++) {
		(void)str_copy(pairs[i].site.pair, sizeof(pairs[i].site.pair), names[i]);
		snprintf(pairs[i].site.host[HOST_PRIMARY].v4, ADDR_TEXT_MAX, "192.0.2.%c",
			 names[i][0] == 'a' ? '1' : '2');
		(void)str_copy(pairs[i].site.host[HOST_STANDBY].v4, ADDR_TEXT_MAX, STANDBY);
		(void)str_copy(pairs[i].probe[FAMILY_V4].addr, ADDR_TEXT_MAX, pairs[i].site.host[HOST_PRIMARY].v4);
		pairs[i].health.fail_after = FAIL_AFTER;
		pairs[i].every_ms = pairs[i].fast_every_ms = 1000;
	}
	struct engine *e = engine_new(&ports, &opts, publish, NULL);
	engine_start(e);
	for (size_t i = 0; i < ntimers && ntimers < 32; i++) /* the first tick publishes */
		if (timers[i])
			timers[i](timer_args[i]);
	return e;
}

#define PAIR_ROW(n, name, epoch, op)                                                                                   \
	"pair=1\nname=" name "\nstate=up\nepoch=" epoch "\nrights_epoch=" epoch "\nlast_op=" op "\nfingerprint=\n"

static void taken(void *arg, const struct command_answer *a)
{
	*(int *)arg = (int)a->err.code;
	(void)str_copy(last_rule, sizeof(last_rule), a->rule);
}

static void pairs_keep_what_is_theirs(void **state)
{
	static const struct record kept[] = {
		{ .kind = RECORD_PAIR, .pair = 1, .body = PAIR_ROW(1, "b", "7", "40") },
		{ .kind = RECORD_PAIR, .pair = 2, .body = PAIR_ROW(2, "a", "3", "12") },
		{ .kind = RECORD_PAIR, .pair = 3, .body = PAIR_ROW(3, "gone", "9", "99") },
	};
	static const char *const names[] = { "a", "b", "c" };
	struct command order = { .kind = CMD_FAILOVER, .pair = "b", .who = "root", .reason = "test" };
	int answered = -1;
	(void)state;
	rows = kept;
	nrows = ARRAY_LEN(kept);
	struct engine *e = start(names, 3);
	assert_int_equal(seen[0].epoch, 3);
	assert_int_equal(seen[0].store_id, 2);
	assert_int_equal(seen[1].epoch, 7);
	assert_int_equal(seen[1].store_id, 1);
	assert_int_equal(seen[2].store_id, 4); /* 3 is gone's for ever */
	engine_command(e, &order, taken, &answered);
	assert_int_equal(last_txn.guard.pair, 1);
	assert_int_equal(last_txn.guard.epoch, 8);
	assert_int_equal(last_op, 100); /* past every number that was ever given */
	assert_int_equal(other_pair, 0);
	engine_free(e);
}

static void another_host_is_not_operated_on(void **state)
{
	static const struct record kept[] = {
		{ .kind = RECORD_PAIR, .pair = 1, .body = PAIR_ROW(1, "a", "3", "5") },
		{ .kind = RECORD_OPERATION,
		  .pair = 1,
		  .op = 5,
		  .body = "status=running\nplan=1\nkind=promote\npair=1\nstrategy=swap\nop=5\nepoch=3\nname=a\n"
			  "primary4=198.51.100.9\nstep=guard\nstep=announce\n" },
	};
	static const char *const names[] = { "a" };
	struct command order = { .kind = CMD_RESUME, .pair = "a", .who = "root", .reason = "test" };
	int answered = -1;
	(void)state;
	rows = kept;
	nrows = ARRAY_LEN(kept);
	struct engine *e = start(names, 1);
	assert_int_equal(seen[0].state, PAIR_STUCK);
	assert_non_null(strstr(seen[0].trouble, "it began with another primary (198.51.100.9"));
	engine_command(e, &order, taken, &answered);
	assert_int_equal(answered, ERR_BLOCKED);
	order.kind = CMD_ABORT;
	engine_command(e, &order, taken, &answered);
	assert_int_equal(last_op, 5);
	assert_int_equal(last_txn.guard.pair, 1);
	engine_free(e);
}

/* The promotion is over and not read back: what the standby does now must count all the same. */
static void a_promoted_standby_is_watched_after_a_restart(void **state)
{
	static const struct record kept[] = {
		{ .kind = RECORD_PAIR,
		  .pair = 1,
		  .body = "pair=1\nname=a\nstate=promoted\nepoch=3\nrights_epoch=3\nlast_op=5\nstandby_accepts=1\n" },
	};
	static const char *const names[] = { "a" };
	const struct probe_result dead = { .outcome = PROBE_FAIL, .layer = LAYER_CONNECT, .reason = "no answer" };
	struct command order = { .kind = CMD_RESUME, .pair = "a", .who = "root", .reason = "test" };
	int answered = -1;
	(void)state;
	rows = kept;
	nrows = ARRAY_LEN(kept);
	struct engine *e = start(names, 1);
	assert_non_null(standby_cb);
	engine_command(e, &order, taken, &answered);
	assert_int_equal(answered, ERR_BLOCKED); /* nothing ails it */
	for (int i = 0; i < FAIL_AFTER; i++)
		standby_cb(standby_arg, 1, &dead);
	engine_command(e, &order, taken, &answered);
	assert_int_equal(last_op, 6);
	engine_free(e);
}

/* Stuck in the step of this number: 0 guard, 1 switch-dns, 2 verify-dns, 3 announce. */
static struct engine *start_stuck(int step)
{
	static char begun[80], stuck[160];
	static struct record kept[] = {
		{ .kind = RECORD_PAIR,
		  .pair = 1,
		  .body = "pair=1\nname=a\nstate=stuck\nepoch=3\nrights_epoch=3\nlast_op=5\n" },
		{ .kind = RECORD_OPERATION,
		  .pair = 1,
		  .op = 5,
		  .body = "status=stuck\nplan=1\nkind=failback\npair=1\nstrategy=swap\nop=5\nepoch=3\nname=a\n"
			  "primary4=192.0.2.1\nstandby4=192.0.2.20\nstep=guard\nstep=switch-dns\nstep=verify-dns\n"
			  "step=announce\n" },
		{ .kind = RECORD_JOURNAL, .pair = 1, .op = 5, .seq = 1, .body = begun },
		{ .kind = RECORD_JOURNAL, .pair = 1, .op = 5, .seq = 2, .body = stuck },
	};
	static const char *const names[] = { "a" };
	snprintf(begun, sizeof(begun), "journal=1\nev=begin\nstep=%d\nboot_ms=1\nwall_ms=2\n", step);
	snprintf(stuck, sizeof(stuck),
		 "journal=1\nev=stuck\nstep=%d\nboot_ms=1\nwall_ms=2\ncode=denied\nerror=it does not work\n", step);
	rows = kept;
	nrows = ARRAY_LEN(kept);
	last_events[0] = '\0';
	return start(names, 1);
}

/* Only the step at hand, and only one that a person can answer for; then the journal says who did. */
static void a_stuck_step_is_skipped_by_its_name(void **state)
{
	struct command order = { .kind = CMD_RESUME, .pair = "a", .who = "anna", .reason = "the list server is gone" };
	int answered = -1;
	(void)state;
	struct engine *e = start_stuck(1);
	assert_int_equal(seen[0].state, PAIR_STUCK);
	strcpy(order.skip, "switch-dns");
	engine_command(e, &order, taken, &answered);
	assert_int_equal(answered, ERR_BLOCKED);
	assert_string_equal(last_rule, "never-skipped");
	strcpy(order.skip, "verify-dns");
	engine_command(e, &order, taken, &answered);
	assert_string_equal(last_rule, "not-at-hand");
	assert_string_equal(last_events, "");
	engine_free(e);
	e = start_stuck(2);
	engine_command(e, &order, taken, &answered);
	assert_string_equal(last_events, "skip done begin ");
	assert_string_equal(seen[0].op.step[2].state, "failed");
	order.kind = CMD_ABORT;
	engine_command(e, &order, taken, &answered);
	assert_int_equal(answered, ERR_INVALID);
	engine_free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pairs_keep_what_is_theirs),
		cmocka_unit_test(another_host_is_not_operated_on),
		cmocka_unit_test(a_stuck_step_is_skipped_by_its_name),
		cmocka_unit_test(a_promoted_standby_is_watched_after_a_restart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
