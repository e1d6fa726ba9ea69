/* objs: controller/store/sqlite.o controller/store/sqlite_open.o controller/store/sqlite_read.o
 * controller/store/rows.o controller/store/audit.o controller/verb.o */
/* The SQLite store: what opening refuses, what each record kind means, fences inside a group, the
 * audit chain, history. Failing disks are in test_store_disk.c, killed processes in
 * test_store_kill.c. */
#include "store_help.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>

static const struct guard nobody = { 0, 0 };

static void write_raw(const char *suffix, const char *bytes, size_t len)
{
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "%s%s", db_path, suffix);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static void sql_raw(const char *sql)
{
	sqlite3 *h;
	assert_int_equal(sqlite3_open(db_path, &h), SQLITE_OK);
	if (sqlite3_exec(h, sql, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(h));
	sqlite3_close(h);
}

static void refused(bool create, enum err_code code, const char *says)
{
	struct sqlite_store *store = NULL;
	struct err e = { 0 };
	assert_int_equal(sqlite_store_open(db_path, create, &store, &e), code);
	assert_null(store);
	if (!strstr(e.text, says) || !strstr(e.text, db_path))
		fail_msg("wanted \"%s\" in: %s", says, e.text);
}

static void test_open_create(void **state)
{
	(void)state;
	struct stat st;
	remove_db();
	refused(false, ERR_NOT_FOUND, "does not exist");
	sqlite_store_close(open_ok(true));
	assert_int_equal(stat(db_path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_nlink, 1);
	sqlite_store_close(open_ok(false));
	sqlite_store_close(open_ok(true)); /* an existing one is not made again */
	sqlite_store_close(NULL);
}

static void test_open_finishes_creation(void **state)
{
	(void)state;
	remove_db();
	write_raw(".new", "", 0); /* died before the schema */
	sqlite_store_close(open_ok(true));
	char from[PATH_MAX];
	snprintf(from, sizeof(from), "%s.new", db_path);
	assert_int_equal(rename(db_path, from), 0); /* died before the link */
	sqlite_store_close(open_ok(true));
	assert_int_equal(access(from, F_OK), -1);
}

static void test_open_refusals(void **state)
{
	(void)state;
	remove_db();
	write_raw("", "", 0);
	refused(true, ERR_STORE, "is empty");
	write_raw("", "not a database at all, but long enough to look at, really ............", 70);
	refused(true, ERR_STORE, "not a sound coldmx database");
	remove_db();
	write_raw("-wal", "x", 1);
	refused(true, ERR_STORE, "is missing, but its log");
	remove_db();
	sql_raw("PRAGMA application_id = 7; CREATE TABLE t(a);");
	refused(true, ERR_STORE, "another program (application_id 0x7)");
	remove_db();
	sql_raw("CREATE TABLE t(a);");
	refused(true, ERR_STORE, "another program (application_id 0)");
	remove_db();
	sqlite_store_close(open_ok(true));
	assert_int_equal(chmod(db_path, 0666), 0);
	refused(true, ERR_DENIED, "writable by others");
	assert_int_equal(chmod(db_path, 0600), 0);
	sql_raw("PRAGMA user_version = 9;");
	refused(true, ERR_STORE, "newer coldmx (schema 9, this one knows 1)");
	remove_db();
}

/* Random damage: a refusal or, where a body or free space was hit, the same number of rows; never
 * less. */
static void test_open_damaged(void **state)
{
	(void)state;
	char body[3000];
	struct stat st;
	remove_db();
	struct sqlite_store *store = open_ok(true);
	memset(body, 'b', sizeof(body) - 1);
	body[sizeof(body) - 1] = '\0';
	for (uint32_t i = 1; i <= 40; i++)
		put(store, nobody, rec(RECORD_PAIR, i, 0, 0, "", body));
	sqlite_store_close(store);
	assert_int_equal(stat(db_path, &st), 0);
	int refusals = 0;
	for (off_t page = 0; page < st.st_size / 4096; page++) {
		char old[16], bad[16];
		int fd = open(db_path, O_RDWR | O_CLOEXEC);
		memset(bad, 0xa5, sizeof(bad));
		assert_int_equal(pread(fd, old, sizeof(old), page * 4096), sizeof(old));
		assert_int_equal(pwrite(fd, bad, sizeof(bad), page * 4096), sizeof(bad));
		close(fd);
		struct err e = { 0 };
		store = NULL;
		if (sqlite_store_open(db_path, false, &store, &e) != ERR_OK) {
			refusals++;
			assert_non_null(strstr(e.text, "restore a backup"));
		} else {
			assert_int_equal(count_kind(store, RECORD_PAIR), 40);
			sqlite_store_close(store);
		}
		fd = open(db_path, O_RDWR | O_CLOEXEC);
		assert_int_equal(pwrite(fd, old, sizeof(old), page * 4096), sizeof(old));
		close(fd);
	}
	assert_true(refusals > st.st_size / 4096 / 2);
	store = open_ok(false);
	assert_int_equal(count_kind(store, RECORD_PAIR), 40);
	sqlite_store_close(store);
	assert_int_equal(truncate(db_path, st.st_size / 2), 0);
	refused(true, ERR_STORE, "restore a backup");
}

/* In a child: the lock belongs to a process. */
static int child_open(void)
{
	pid_t pid = fork();
	if (pid == 0) {
		struct sqlite_store *store;
		struct err e;
		if (sqlite_store_open(db_path, true, &store, &e) == ERR_OK)
			_exit(0);
		_exit(strstr(e.text, "another process uses it") ? 1 : 2);
	}
	int status = -1;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void test_open_twice(void **state)
{
	(void)state;
	remove_db();
	struct sqlite_store *store = open_ok(true);
	refused(true, ERR_STORE, "another process uses it");
	assert_int_equal(WEXITSTATUS(child_open()), 1);
	put(store, nobody, rec(RECORD_PAIR, 1, 0, 0, "", "x"));
	assert_int_equal(WEXITSTATUS(child_open()), 1);
	sqlite_store_close(store);
	assert_int_equal(child_open(), 0);
}

static void test_upsert_and_append(void **state)
{
	(void)state;
	static const struct {
		enum record_kind kind;
		size_t rows;
	} want[] = {
		{ RECORD_PAIR, 2 },     { RECORD_OPERATION, 1 }, { RECORD_JOURNAL, 2 },
		{ RECORD_AUDIT, 0 },    { RECORD_GRANT, 0 },     { RECORD_BOOT, 2 },
		{ RECORD_STRANDED, 2 }, { RECORD_HOLD, 1 },      { RECORD_GLOBAL, 1 },
	};
	remove_db();
	struct sqlite_store *store = open_ok(true);
	const struct record all[] = {
		rec(RECORD_PAIR, 2, 0, 0, "", "two"),
		rec(RECORD_PAIR, 1, 0, 0, "", "old"),
		rec(RECORD_PAIR, 1, 0, 0, "", "new"),
		rec(RECORD_OPERATION, 1, UINT64_MAX, 0, "", "status=running\n"),
		rec(RECORD_OPERATION, 1, 7, 0, "", "status=running\n"),
		rec(RECORD_OPERATION, 1, 7, 0, "", "status=ended-done\n"),
		rec(RECORD_JOURNAL, 1, UINT64_MAX, 2, "", "second"),
		rec(RECORD_JOURNAL, 1, UINT64_MAX, 1, "", "first"),
		rec(RECORD_JOURNAL, 1, 7, 1, "", "ended"),
		rec(RECORD_BOOT, 1, 0, 0, "boot-a", "x"),
		rec(RECORD_BOOT, 1, 0, 0, "boot-a", "y"),
		rec(RECORD_BOOT, 1, 0, 0, "boot-b", "x"),
		rec(RECORD_STRANDED, 1, 0, 0, "4Xyz", "x"),
		rec(RECORD_STRANDED, 2, 0, 0, "4Xyz", "x"), /* queue ids are a host's own */
		rec(RECORD_HOLD, 1, 0, 0, "", "owner=a\n"),
		rec(RECORD_HOLD, 2, 0, 0, "", "owner=b\n"),
		rec(RECORD_HOLD, 2, 0, 0, "", ""), /* released */
		rec(RECORD_GLOBAL, 0, 0, 0, "budget", "1"),
		rec(RECORD_GLOBAL, 0, 0, 0, "budget", "2"),
		rec(RECORD_GRANT, 1, 7, 0, "", "epoch=1\n"),
		rec(RECORD_GRANT, 1, 7, 0, "", "epoch=1\n"),
	};
	struct txn txn = { .rec = all, .nrec = ARRAY_LEN(all) };
	const struct txn *group = &txn;
	enum store_rc rc;
	struct err e;
	sqlite_store_apply(store, &group, 1, &rc, &e);
	assert_int_equal(rc, STORE_OK);
	for (size_t i = 0; i < ARRAY_LEN(want); i++)
		assert_int_equal(count_kind(store, want[i].kind), want[i].rows);

	struct store_rows rows = STORE_ROWS_INIT;
	assert_int_equal(sqlite_store_read_state(store, &rows, &e), ERR_OK);
	assert_string_equal(rows.rec[0].body, "new");
	assert_string_equal(rows.rec[1].body, "two");
	assert_true(rows.rec[2].op == UINT64_MAX);
	assert_string_equal(rows.rec[3].body, "first");
	assert_string_equal(rows.rec[4].body, "second");
	assert_string_equal(rows.rec[5].body, "y");
	for (size_t i = 1; i < rows.count; i++)
		assert_true(rows.rec[i - 1].kind <= rows.rec[i].kind);
	store_rows_fini(&rows);
	sqlite_store_close(store);
}

static void test_boots_are_capped(void **state)
{
	(void)state;
	remove_db();
	struct sqlite_store *store = open_ok(true);
	for (uint32_t i = 0; i < STORE_BOOTS_MAX + 10; i++) {
		char key[16];
		snprintf(key, sizeof(key), "boot-%u", i);
		put(store, nobody, rec(RECORD_BOOT, 1, 0, 0, key, "x"));
	}
	struct store_rows rows = STORE_ROWS_INIT;
	struct err e;
	assert_int_equal(sqlite_store_read_state(store, &rows, &e), ERR_OK);
	assert_int_equal(rows.count, STORE_BOOTS_MAX);
	assert_string_equal(rows.rec[0].key, "boot-10");
	store_rows_fini(&rows);
	sqlite_store_close(store);
}

static void test_fences(void **state)
{
	(void)state;
	static const struct {
		struct guard guard;
		enum store_rc rc;
	} row[] = {
		{ { 1, 5 }, STORE_OK }, { { 1, 4 }, STORE_FENCED }, { { 2, 1 }, STORE_OK },     { { 1, 5 }, STORE_OK },
		{ { 1, 6 }, STORE_OK }, { { 0, 0 }, STORE_OK },     { { 1, 5 }, STORE_FENCED },
	};
	struct record r[ARRAY_LEN(row)];
	struct txn txn[ARRAY_LEN(row)];
	const struct txn *group[ARRAY_LEN(row)];
	enum store_rc rc[ARRAY_LEN(row)];
	struct err e;
	remove_db();
	struct sqlite_store *store = open_ok(true);
	for (uint32_t i = 0; i < ARRAY_LEN(row); i++) {
		r[i] = rec(RECORD_JOURNAL, 1, 1, i, "", "x");
		txn[i] = (struct txn){ row[i].guard, &r[i], 1 };
		group[i] = &txn[i];
	}
	put(store, nobody, rec(RECORD_OPERATION, 1, 1, 0, "", "status=running\n"));
	sqlite_store_apply(store, group, ARRAY_LEN(row), rc, &e);
	assert_int_equal(e.code, ERR_OK);
	for (size_t i = 0; i < ARRAY_LEN(row); i++)
		assert_int_equal(rc[i], row[i].rc);
	assert_int_equal(count_kind(store, RECORD_JOURNAL), 5);
	sqlite_store_close(store);
	store = open_ok(false);
	assert_int_equal(put(store, (struct guard){ 1, 5 }, rec(RECORD_PAIR, 1, 0, 0, "", "x")), STORE_FENCED);
	assert_int_equal(count_kind(store, RECORD_PAIR), 0);
	sqlite_store_close(store);
}

/* The same journal row twice: that transaction is undone whole and told to read; the others stand.
 */
static void test_append_twice(void **state)
{
	(void)state;
	remove_db();
	struct sqlite_store *store = open_ok(true);
	const struct record a[] = { rec(RECORD_OPERATION, 1, 1, 0, "", "status=running\n"),
				    rec(RECORD_JOURNAL, 1, 1, 1, "", "x") };
	const struct record b[] = { rec(RECORD_PAIR, 1, 0, 0, "", "must not stay"),
				    rec(RECORD_JOURNAL, 1, 1, 1, "", "y") };
	const struct record c[] = { rec(RECORD_HOLD, 1, 0, 0, "", "owner=a\n") };
	const struct txn txn[] = { { { 1, 1 }, a, 2 }, { { 1, 9 }, b, 2 }, { { 1, 1 }, c, 1 } };
	const struct txn *group[] = { &txn[0], &txn[1], &txn[2] };
	enum store_rc rc[3];
	struct err e;
	sqlite_store_apply(store, group, 3, rc, &e);
	assert_int_equal(rc[0], STORE_OK);
	assert_int_equal(rc[1], STORE_UNKNOWN);
	assert_int_equal(rc[2], STORE_OK); /* nor did b raise the epoch */
	assert_int_equal(e.code, ERR_BUG);
	assert_non_null(strstr(e.text, "journal row 1 of operation 1 is there already"));
	assert_int_equal(count_kind(store, RECORD_PAIR), 0);
	assert_int_equal(count_kind(store, RECORD_HOLD), 1);
	sqlite_store_close(store);
}

static void verify(const char *says, uint32_t bad_seq, uint32_t rows)
{
	struct sqlite_store *store = open_ok(false);
	struct audit_walk walk;
	struct err e;
	audit_walk_init(&walk, 1);
	while (!walk.done) /* in slices, one of which ends exactly at the last row */
		assert_int_equal(sqlite_store_audit_verify(store, &walk, 2, &e), ERR_OK);
	assert_int_equal(walk.bad_seq, bad_seq);
	assert_int_equal(walk.rows, rows);
	if (says ? !strstr(walk.why, says) : walk.why[0])
		fail_msg("%s", walk.why);
	sqlite_store_close(store);
}

static void fill_audit(void)
{
	remove_db();
	struct sqlite_store *store = open_ok(true);
	for (uint32_t i = 0; i < 12; i++) { /* every key twice: a row is written once */
		char key[16];
		snprintf(key, sizeof(key), "alice-%u", i / 2);
		put(store, nobody, rec(RECORD_AUDIT, 1, 9, 0, key, "failover"));
		put(store, nobody, rec(RECORD_AUDIT, 2, 0, 77, key, "hold")); /* seq is the store's */
	}
	sqlite_store_close(store);
}

static void test_audit_chain(void **state)
{
	(void)state;
	static const struct {
		const char *sql, *says;
		uint32_t bad_seq, rows;
	} row[] = {
		{ "SELECT 1", NULL, 0, 6 },
		{ "UPDATE audit SET body = 'failbacc' WHERE pair = 1 AND seq = 3", "row 3", 3, 2 },
		{ "UPDATE audit SET key = 'mallory' WHERE pair = 1 AND seq = 1", "row 1", 1, 0 },
		{ "UPDATE audit SET wall_ms = wall_ms + 1 WHERE pair = 1 AND seq = 6", "row 6", 6, 5 },
		{ "UPDATE audit SET op = 8 WHERE pair = 1 AND seq = 2", "was changed", 2, 1 },
		{ "DELETE FROM audit WHERE pair = 1 AND seq = 4", "row 4 of pair 1 is missing", 4, 3 },
		{ "DELETE FROM audit WHERE pair = 1 AND seq > 4", "row 5 of pair 1 is missing", 5, 4 },
		{ "DELETE FROM audit WHERE pair = 1", "row 1 of pair 1 is missing", 1, 0 },
		{ "DELETE FROM audit_head WHERE pair = 1", "head of the chain", 6, 6 },
		{ "UPDATE audit_head SET hash = x'00' WHERE pair = 1", "head of the chain", 6, 6 },
	};
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		fill_audit();
		sql_raw(row[i].sql);
		verify(row[i].says, row[i].bad_seq, row[i].rows);
	}
}

static void test_history(void **state)
{
	(void)state;
	static const struct {
		struct history_query query;
		size_t rows;
		const char *first; /* body */
	} row[] = {
		{ { HISTORY_AUDIT, 1, 0, 2 }, 2, "a3" },
		{ { HISTORY_AUDIT, 1, 0, 99 }, 4, "a1" },
		{ { HISTORY_AUDIT_ALL, 0, 0, 99 }, 5, "a1" },
		{ { HISTORY_OPERATIONS, 1, 0, 9 }, 2, "status=ended-done\n" },
		{ { HISTORY_OPERATIONS_ALL, 0, 0, 1 }, 1, "status=stuck\n" },
		{ { HISTORY_OPERATION, 0, 50, 9 }, 1, "status=ended-done\n" },
		{ { HISTORY_JOURNAL, 0, 50, 9 }, 2, "j1" },
		{ { HISTORY_GRANTS, 1, 0, 9 }, 1, "g" },
		{ { HISTORY_BOOTS, 3, 0, 9 }, 0, NULL },
	};
	remove_db();
	struct sqlite_store *store = open_ok(true);
	put(store, nobody, rec(RECORD_AUDIT, 1, 0, 0, "", "a1"));
	put(store, nobody, rec(RECORD_AUDIT, 1, 0, 0, "", "a2"));
	put(store, nobody, rec(RECORD_AUDIT, 1, 0, 0, "", "a3"));
	put(store, nobody, rec(RECORD_AUDIT, 2, 0, 0, "", "b1"));
	put(store, nobody, rec(RECORD_AUDIT, 1, 0, 0, "", "a4"));
	put(store, nobody, rec(RECORD_OPERATION, 1, 50, 0, "", "status=running\n"));
	put(store, nobody, rec(RECORD_JOURNAL, 1, 50, 1, "", "j1"));
	put(store, nobody, rec(RECORD_JOURNAL, 1, 50, 2, "", "j2"));
	put(store, nobody, rec(RECORD_OPERATION, 1, 40, 0, "", "status=ended-aborted\n"));
	put(store, nobody, rec(RECORD_OPERATION, 2, 60, 0, "", "status=stuck\n"));
	put(store, nobody, rec(RECORD_OPERATION, 1, 50, 0, "", "status=ended-done\n"));
	put(store, nobody, rec(RECORD_GRANT, 1, 50, 0, "", "g"));
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		struct store_rows rows = STORE_ROWS_INIT;
		struct err e;
		assert_int_equal(sqlite_store_history(store, &row[i].query, &rows, &e), ERR_OK);
		assert_int_equal(rows.count, row[i].rows);
		if (rows.count) {
			assert_string_equal(rows.rec[0].body, row[i].first);
			assert_true(rows.mark[0].wall_ms > 0);
			assert_int_equal(strlen(rows.mark[0].hash), rows.rec[0].kind == RECORD_AUDIT ? 64 : 0);
		}
		store_rows_fini(&rows);
	}
	sqlite_store_close(store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open_create),      cmocka_unit_test(test_open_finishes_creation),
		cmocka_unit_test(test_open_refusals),    cmocka_unit_test(test_open_damaged),
		cmocka_unit_test(test_open_twice),       cmocka_unit_test(test_upsert_and_append),
		cmocka_unit_test(test_boots_are_capped), cmocka_unit_test(test_fences),
		cmocka_unit_test(test_append_twice),     cmocka_unit_test(test_audit_chain),
		cmocka_unit_test(test_history),
	};
	return cmocka_run_group_tests_name("store", tests, scratch_make, scratch_remove);
}
