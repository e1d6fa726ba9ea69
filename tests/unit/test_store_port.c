/* objs: controller/real/store_port.o controller/real/mailbox.o controller/store/sqlite.o
 * controller/store/sqlite_open.o controller/store/sqlite_read.o controller/store/rows.o
 * controller/store/audit.o controller/verb.o */
/* The store port: answers come later, in order and on the loop; a read sees the commits before it;
 * a database that does not open is AWAY in words; stop answers everything. This thread plays the
 * loop. */
#include "store_help.h"

#include <stdio.h>

#include "../../controller/real/store_port.h"

static struct mailbox *loop;
static struct store_port *port;
static const struct store_ops *ops = &store_port_ops;

static enum store_rc answer[4096];
static size_t answers;
static struct err trouble;
static int troubles;

static void on_commit(void *arg, enum store_rc rc)
{
	assert_ptr_equal(arg, &answer[answers]); /* in the order of the calls */
	answer[answers++] = rc;
}

static void on_trouble(void *arg, const struct err *why)
{
	(void)arg;
	trouble = *why;
	troubles++;
}

static void start(bool create)
{
	struct store_port_opts opts = { .path = db_path, .create = create, .on_trouble = on_trouble };
	loop = opts.loop = mailbox_new(16, NULL, NULL);
	answers = 0;
	troubles = 0;
	err_clear(&trouble);
	port = store_port_start(&opts);
}

static void finish(void)
{
	store_port_stop(port);
	while (mailbox_drain(loop))
		;
	store_port_free(port);
	mailbox_free(loop);
}

static void turn(void)
{
	assert_true(mailbox_wait(loop));
	mailbox_drain(loop);
}

static void commit(uint32_t pair, uint64_t epoch, const struct record *rec, size_t n, size_t nth)
{
	struct txn txn = { { pair, epoch }, rec, n };
	ops->commit(port, &txn, on_commit, &answer[nth]);
}

static void commit_audit(size_t nth)
{
	char body[32]; /* gone before the store thread looks: the port must copy */
	snprintf(body, sizeof(body), "row %zu", nth);
	struct record r = rec(RECORD_AUDIT, 1, 0, 0, "", body);
	commit(1, 1, &r, 1, nth);
	memset(body, 'z', sizeof(body) - 1);
}

static void on_own(void *arg, bool won)
{
	*(int *)arg = won;
}

static void test_own(void **state)
{
	(void)state;
	int won = -1, second = -1;
	remove_db();
	start(true);
	ops->own(port, on_own, &won);
	assert_int_equal(won, -1); /* never inside the call */
	turn();
	assert_int_equal(won, 1);
	assert_int_equal(troubles, 0);

	/* A second controller on the same database. */
	struct store_port *first = port;
	struct mailbox *first_loop = loop;
	start(true);
	ops->own(port, on_own, &second);
	turn();
	assert_int_equal(second, 0);
	assert_int_equal(troubles, 1);
	assert_non_null(strstr(trouble.text, "another process uses it"));
	commit_audit(0);
	turn();
	assert_int_equal(answer[0], STORE_AWAY);
	assert_int_equal(troubles, 1); /* the same words once */
	finish();
	port = first;
	loop = first_loop;
	finish();
}

static void test_missing(void **state)
{
	(void)state;
	int won = -1;
	remove_db();
	start(false);
	ops->own(port, on_own, &won);
	turn();
	assert_int_equal(won, 0);
	assert_int_equal(trouble.code, ERR_NOT_FOUND);
	finish();
}

static size_t state_rows;
static char last_body[64];

static void on_rows(void *arg, enum store_rc rc, const struct record *rows, size_t nrows)
{
	*(enum store_rc *)arg = rc;
	state_rows = nrows;
	if (nrows)
		(void)str_copy(last_body, sizeof(last_body), rows[nrows - 1].body);
}

static void on_history(void *arg, enum store_rc rc, const struct store_rows *rows, const struct err *why)
{
	*(enum store_rc *)arg = rc;
	assert_string_equal(why->text, "");
	state_rows = rows->count;
	for (size_t i = 0; i < rows->count; i++) {
		char want[32];
		snprintf(want, sizeof(want), "row %zu", i);
		assert_string_equal(rows->rec[i].body, want);
	}
}

static void on_audit(void *arg, enum store_rc rc, const struct audit_walk *walk, const struct err *why)
{
	(void)why;
	assert_int_equal(rc, STORE_OK);
	*(struct audit_walk *)arg = *walk;
}

static void test_read_sees_commits(void **state)
{
	(void)state;
	enum store_rc rc = STORE_AWAY;
	const struct query query = { QUERY_ALL_STATE };
	const struct record r = rec(RECORD_PAIR, 1, 0, 0, "", "first");
	const struct record again = rec(RECORD_PAIR, 1, 0, 0, "", "second");
	remove_db();
	start(true);
	commit(1, 2, &r, 1, 0);
	commit(1, 1, &again, 1, 1); /* fenced by the one before */
	ops->read(port, &query, on_rows, &rc);
	commit(1, 2, &again, 1, 2);
	while (answers < 3)
		turn();
	assert_int_equal(answer[0], STORE_OK);
	assert_int_equal(answer[1], STORE_FENCED);
	assert_int_equal(answer[2], STORE_OK);
	assert_int_equal(rc, STORE_OK);
	assert_int_equal(state_rows, 1);
	assert_string_equal(last_body, "first");
	assert_int_equal(troubles, 0);
	finish();
}

static void test_many_and_history(void **state)
{
	(void)state;
	enum { MANY = 3000 }; /* more than a group, and more than a slice of the audit walk */
	enum store_rc rc = STORE_AWAY;
	struct history_query query = { HISTORY_AUDIT, 1, 0, 10000 };
	struct audit_walk walk = { 0 };
	remove_db();
	start(true);
	for (size_t i = 0; i < MANY; i++)
		commit_audit(i);
	while (answers < MANY)
		turn();
	for (size_t i = 0; i < MANY; i++)
		assert_int_equal(answer[i], STORE_OK);
	assert_true(store_port_history(port, &query, on_history, &rc));
	assert_true(store_port_audit_verify(port, 1, on_audit, &walk));
	while (!walk.done)
		turn();
	assert_int_equal(rc, STORE_OK);
	assert_int_equal(state_rows, MANY);
	assert_int_equal(walk.rows, MANY);
	assert_int_equal(walk.bad_seq, 0);
	finish();
}

static void test_stop_answers_all(void **state)
{
	(void)state;
	remove_db();
	start(true);
	for (size_t i = 0; i < 1000; i++)
		commit_audit(i);
	finish();
	assert_int_equal(answers, 1000);
	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(answer[i], STORE_OK);
}

/* The loop went first: no answers, and nothing leaks (checked by ASan). */
static void test_loop_is_gone(void **state)
{
	(void)state;
	remove_db();
	start(true);
	mailbox_close(loop);
	for (size_t i = 0; i < 100; i++)
		commit_audit(i);
	finish();
	assert_int_equal(answers, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_read_sees_commits),
		cmocka_unit_test(test_many_and_history),
		cmocka_unit_test(test_stop_answers_all),
		cmocka_unit_test(test_loop_is_gone),
	};
	return cmocka_run_group_tests_name("store port", tests, scratch_make, scratch_remove);
}
