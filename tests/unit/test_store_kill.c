/* objs: controller/store/sqlite.o controller/store/sqlite_open.o controller/store/sqlite_read.o
 * controller/store/rows.o controller/store/audit.o controller/verb.o */
/* SIGKILL before every write, before and after every fsync, of a database's life: creation,
 * commits, a checkpoint, a restart. The next process must find everything that was answered OK, at
 * most one group more, and never half of one. */
#include "store_help.h"

#include <signal.h>
#include <sys/wait.h>

#include "fault_vfs.h"

#define GROUPS 4

static long kill_at, seen_points;
static int answers; /* pipe: one byte for each group answered OK */

static int kill_here(enum fault_point point, struct fault_file *file)
{
	(void)file;
	if (point != FAULT_AFTER_WRITE && ++seen_points == kill_at)
		raise(SIGKILL);
	return SQLITE_OK;
}

/* Two transactions of two rows each, which must appear together. */
static enum store_rc put_group(struct sqlite_store *store, uint32_t i)
{
	char key[16], other[16];
	snprintf(key, sizeof(key), "a%u", i);
	snprintf(other, sizeof(other), "b%u", i);
	const struct record a[] = { rec(RECORD_STRANDED, 1, 0, 0, key, "x"), rec(RECORD_AUDIT, 1, 0, 0, "", "x") };
	const struct record b[] = { rec(RECORD_STRANDED, 2, 0, 0, other, "x"), rec(RECORD_AUDIT, 1, 0, 0, "", "x") };
	const struct txn txn[] = { { { 1, i }, a, 2 }, { { 2, i }, b, 2 } };
	const struct txn *group[] = { &txn[0], &txn[1] };
	enum store_rc rc[2];
	struct err e;
	sqlite_store_apply(store, group, 2, rc, &e);
	return rc[0] == rc[1] ? rc[0] : STORE_UNKNOWN;
}

static int child_life(void)
{
	struct sqlite_store *store;
	struct err e;
	for (uint32_t i = 1; i <= GROUPS; i++) {
		/* Every second group starts with a restart, and so with a checkpoint. */
		if (i % 2 == 1 && sqlite_store_open(db_path, true, &store, &e) != ERR_OK)
			return 1;
		if (put_group(store, i) != STORE_OK || write(answers, "+", 1) != 1)
			return 1;
		if (i % 2 == 0)
			sqlite_store_close(store);
	}
	return 0;
}

static size_t run_child(int *status)
{
	int pipe_fd[2];
	char buf[GROUPS];
	size_t answered = 0;
	ssize_t n;
	assert_int_equal(pipe(pipe_fd), 0);
	pid_t pid = fork();
	if (pid == 0) {
		answers = pipe_fd[1];
		fault_do = kill_here;
		_exit(child_life());
	}
	close(pipe_fd[1]);
	while ((n = read(pipe_fd[0], buf, sizeof(buf))) > 0)
		answered += (size_t)n;
	close(pipe_fd[0]);
	assert_int_equal(waitpid(pid, status, 0), pid);
	return answered;
}

static void check_survivor(size_t answered)
{
	struct sqlite_store *store = open_ok(true);
	struct audit_walk walk;
	struct err e;
	size_t rows = count_kind(store, RECORD_STRANDED);
	if (rows % 2 || rows / 2 < answered || rows / 2 > answered + 1)
		fail_msg("point %ld: %zu groups answered, %zu rows", kill_at, answered, rows);
	audit_walk_init(&walk, 1);
	assert_int_equal(sqlite_store_audit_verify(store, &walk, 1000, &e), ERR_OK);
	assert_int_equal(walk.bad_seq, 0);
	assert_int_equal(walk.rows, rows);
	assert_int_equal(put_group(store, 99), STORE_OK);
	sqlite_store_close(store);
}

static void test_kill_everywhere(void **state)
{
	(void)state;
	int status = -1;
	for (kill_at = 1;; kill_at++) {
		remove_db();
		size_t answered = run_child(&status);
		check_survivor(answered);
		if (WIFEXITED(status))
			break;
		assert_int_equal(WTERMSIG(status), SIGKILL);
	}
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_true(kill_at > 50); /* the hook was really there */
	print_message("killed at %ld points\n", kill_at - 1);
}

static int make(void **state)
{
	fault_install();
	return scratch_make(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kill_everywhere),
	};
	return cmocka_run_group_tests_name("store under SIGKILL", tests, make, scratch_remove);
}
