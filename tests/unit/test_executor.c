/* executor.c with a scripted driver: outcomes by the loop only, one job a session, cancel,
 * deadlines, kept sessions, stop. The threads are real; every wait is for something that must come.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/base/clock.h"
#include "../../common/net/wait.h"
#include "../../controller/real/executor.h"

#define LONG_MS 20000

/* What a test's driver does is said by verb.step. */
enum { DO_ANSWER, DO_HANG, DO_HOLD, DO_OPEN, DO_BREAK };

static struct world {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int running[4], most[4], begun, open, closed; /* running, most: by pair */
	bool release;
	struct mailbox *loop;
	struct executor *x;
	struct {
		uint64_t ticket;
		enum err_code code;
		int64_t at_ms;
	} got[64];
	size_t ngot;
} w;

static char token; /* stands for an open session */

static void change(int *what, int by)
{
	pthread_mutex_lock(&w.lock);
	*what += by;
	pthread_cond_broadcast(&w.changed);
	pthread_mutex_unlock(&w.lock);
}

static void await(const int *what, int value)
{
	pthread_mutex_lock(&w.lock);
	while (*what < value)
		pthread_cond_wait(&w.changed, &w.lock);
	pthread_mutex_unlock(&w.lock);
}

static void hold(void)
{
	pthread_mutex_lock(&w.lock);
	while (!w.release)
		pthread_cond_wait(&w.changed, &w.lock);
	pthread_mutex_unlock(&w.lock);
}

static void scripted(const struct drivers *d, const struct verb *verb, int cancel_fd, struct ssh_session **kept,
		     struct outcome *out)
{
	uint32_t pair = verb->guard.pair;

	(void)d;
	pthread_mutex_lock(&w.lock);
	w.begun++;
	if (++w.running[pair] > w.most[pair])
		w.most[pair] = w.running[pair];
	pthread_cond_broadcast(&w.changed);
	pthread_mutex_unlock(&w.lock);
	if (verb->step == DO_HANG)
		(void)!net_wait(-1, 0, verb->deadline_ms, cancel_fd, &out->err);
	if (verb->step == DO_HOLD)
		hold();
	if (verb->step == DO_OPEN && !*kept) {
		*kept = (struct ssh_session *)(void *)&token;
		change(&w.open, 1);
	}
	if (verb->step == DO_BREAK)
		*kept = NULL;
	change(&w.running[pair], -1);
}

static void count_close(struct ssh_session *s)
{
	if (s)
		change(&w.closed, 1);
}

static void record(void *arg, uint64_t ticket, const struct outcome *outcome)
{
	(void)arg;
	w.got[w.ngot].ticket = ticket;
	w.got[w.ngot].at_ms = clock_boot_ms();
	w.got[w.ngot++].code = outcome->err.code;
}

static int set_up(void **state)
{
	struct err e;
	struct executor_opts opts = { .threads = 3, .run = scripted, .close = count_close };

	(void)state;
	memset(&w, 0, sizeof(w));
	pthread_mutex_init(&w.lock, NULL);
	pthread_cond_init(&w.changed, NULL);
	w.loop = opts.loop = mailbox_new(4, NULL, NULL);
	return executor_start(&opts, &w.x, &e) ? -1 : 0;
}

static void stop(void)
{
	if (!w.x)
		return;
	executor_stop(w.x);
	mailbox_drain(w.loop);
	executor_free(w.x);
	w.x = NULL;
}

static int tear_down(void **state)
{
	(void)state;
	stop();
	mailbox_free(w.loop);
	return 0;
}

static uint64_t submit(int what, uint64_t op, uint32_t pair, int64_t within_ms)
{
	struct verb verb = { .kind = VERB_HOST_RUN,
			     .op = op,
			     .step = (uint16_t)what,
			     .guard = { pair, 1 },
			     .deadline_ms = clock_boot_ms() + within_ms };

	verb.u.host.target = HOST_STANDBY;
	return executor_ops.submit(w.x, &verb, record, NULL);
}

static void receive(size_t total)
{
	while (w.ngot < total) {
		mailbox_wait(w.loop);
		mailbox_drain(w.loop);
	}
	assert_int_equal(w.ngot, total);
}

static enum err_code code_of(uint64_t ticket)
{
	for (size_t i = 0; i < w.ngot; i++)
		if (w.got[i].ticket == ticket)
			return w.got[i].code;
	fail_msg("no outcome for ticket %llu", (unsigned long long)ticket);
	return ERR_BUG;
}

static void release_all(void)
{
	pthread_mutex_lock(&w.lock);
	w.release = true;
	pthread_cond_broadcast(&w.changed);
	pthread_mutex_unlock(&w.lock);
}

static void test_outcome_comes_by_the_loop(void **state)
{
	(void)state;
	uint64_t ticket = submit(DO_ANSWER, 0, 1, LONG_MS);
	assert_int_not_equal(ticket, 0);
	await(&w.begun, 1);
	assert_int_equal(w.ngot, 0); /* nobody drained */
	receive(1);
	assert_int_equal(code_of(ticket), ERR_OK);
}

static void test_one_job_a_session_in_order(void **state)
{
	uint64_t tickets[10];

	(void)state;
	for (int i = 0; i < 10; i++)
		tickets[i] = submit(DO_OPEN, 5, 1, LONG_MS);
	receive(10);
	assert_int_equal(w.most[1], 1);
	assert_int_equal(w.open, 1); /* kept from job to job */
	for (int i = 0; i < 10; i++)
		assert_int_equal(w.got[i].ticket, tickets[i]);
}

static void test_other_hosts_are_not_held_up(void **state)
{
	(void)state;
	submit(DO_HOLD, 5, 1, LONG_MS);
	submit(DO_HOLD, 5, 1, LONG_MS);
	uint64_t other = submit(DO_ANSWER, 6, 2, LONG_MS);
	receive(1);
	assert_int_equal(w.got[0].ticket, other);
	release_all();
	receive(3);
	assert_int_equal(w.most[1], 1);
}

static void test_outside_an_operation_nothing_is_kept(void **state)
{
	(void)state;
	submit(DO_HOLD, 0, 1, LONG_MS);
	submit(DO_HOLD, 0, 1, LONG_MS);
	await(&w.running[1], 2); /* both at once */
	release_all();
	submit(DO_OPEN, 0, 1, LONG_MS);
	receive(3);
	assert_int_equal(w.open, 1);
	assert_int_equal(w.closed, 1);
}

static void test_sessions_close_when_the_operation_ends(void **state)
{
	(void)state;
	submit(DO_OPEN, 5, 1, LONG_MS);
	submit(DO_OPEN, 6, 1, LONG_MS);
	receive(2);
	executor_ops.op_ended(w.x, 5);
	assert_int_equal(w.closed, 1);
	submit(DO_OPEN, 6, 1, LONG_MS);
	receive(3);
	assert_int_equal(w.open, 2);
	stop();
	assert_int_equal(w.closed, 2);
}

static void test_session_in_use_closes_after_its_job(void **state)
{
	(void)state;
	submit(DO_OPEN, 5, 1, LONG_MS);
	receive(1);
	submit(DO_HOLD, 5, 1, LONG_MS);
	await(&w.running[1], 1);
	executor_ops.op_ended(w.x, 5);
	assert_int_equal(w.closed, 0);
	release_all();
	receive(2);
	assert_int_equal(w.closed, 1);
}

static void test_session_that_broke_is_opened_anew(void **state)
{
	(void)state;
	submit(DO_OPEN, 5, 1, LONG_MS);
	submit(DO_BREAK, 5, 1, LONG_MS);
	submit(DO_OPEN, 5, 1, LONG_MS);
	receive(3);
	assert_int_equal(w.open, 2);
}

static void test_cancel_wakes_a_running_job(void **state)
{
	(void)state;
	uint64_t ticket = submit(DO_HANG, 5, 1, LONG_MS);
	await(&w.running[1], 1);
	int64_t began_ms = clock_boot_ms();
	executor_ops.cancel(w.x, ticket);
	assert_int_equal(w.ngot, 0); /* never inside the call */
	receive(1);
	assert_int_equal(code_of(ticket), ERR_CANCELLED);
	assert_true(w.got[0].at_ms - began_ms < LONG_MS / 2);
	executor_ops.cancel(w.x, ticket); /* too late: means nothing */
	executor_ops.cancel(w.x, 999);
	uint64_t next = submit(DO_HANG, 5, 1, 5);
	receive(2);
	assert_int_equal(code_of(next), ERR_TIMEOUT); /* an old cancel does not reach it */
}

static void test_cancel_answers_a_waiting_job(void **state)
{
	(void)state;
	submit(DO_HOLD, 5, 1, LONG_MS);
	await(&w.begun, 1);
	uint64_t waiting = submit(DO_ANSWER, 5, 1, LONG_MS);
	uint64_t last = submit(DO_ANSWER, 5, 1, LONG_MS);
	executor_ops.cancel(w.x, waiting);
	receive(1);
	assert_int_equal(code_of(waiting), ERR_CANCELLED);
	executor_ops.cancel(w.x, last); /* the end of the queue */
	receive(2);
	uint64_t after = submit(DO_ANSWER, 5, 1, LONG_MS);
	release_all();
	receive(4);
	assert_int_equal(code_of(after), ERR_OK);
	assert_int_equal(w.begun, 2); /* what was cancelled was not begun */
}

static void test_deadline_of_a_waiting_job(void **state)
{
	(void)state;
	submit(DO_HOLD, 5, 1, LONG_MS);
	await(&w.begun, 1);
	uint64_t late = submit(DO_ANSWER, 5, 1, 10);
	receive(1);
	assert_int_equal(code_of(late), ERR_TIMEOUT);
	uint64_t past = submit(DO_ANSWER, 6, 2, -1);
	receive(2);
	assert_int_equal(code_of(past), ERR_TIMEOUT);
	assert_int_equal(w.begun, 1);
	release_all();
	receive(3);
}

static void test_stop_wakes_and_then_nothing_comes(void **state)
{
	(void)state;
	for (uint32_t pair = 1; pair <= 3; pair++)
		submit(DO_HANG, 5, pair, LONG_MS);
	await(&w.begun, 3);
	submit(DO_ANSWER, 5, 1, LONG_MS);
	int64_t began_ms = clock_boot_ms();
	stop();
	assert_true(clock_boot_ms() - began_ms < LONG_MS / 2);
	assert_int_equal(w.ngot, 0);
	assert_int_equal(w.begun, 3);
}

static void test_many_jobs(void **state)
{
	(void)state;
	for (size_t round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < 20; i++) {
			uint64_t ticket = submit(i % 2 ? DO_OPEN : DO_HANG, 1 + i % 3, i % 4, 3);
			if (i % 5 == 0)
				executor_ops.cancel(w.x, ticket);
		}
		receive(20 * (round + 1));
		executor_ops.op_ended(w.x, 1 + round);
	}
	stop();
	assert_int_equal(w.open, w.closed);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_outcome_comes_by_the_loop),
		CASE(test_one_job_a_session_in_order),
		CASE(test_other_hosts_are_not_held_up),
		CASE(test_outside_an_operation_nothing_is_kept),
		CASE(test_sessions_close_when_the_operation_ends),
		CASE(test_session_in_use_closes_after_its_job),
		CASE(test_session_that_broke_is_opened_anew),
		CASE(test_cancel_wakes_a_running_job),
		CASE(test_cancel_answers_a_waiting_job),
		CASE(test_deadline_of_a_waiting_job),
		CASE(test_stop_wakes_and_then_nothing_comes),
		CASE(test_many_jobs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
