/* objs: controller/store/sqlite.o controller/store/sqlite_open.o controller/store/sqlite_read.o
 * controller/store/rows.o controller/store/audit.o controller/verb.o */
/* The store on failing disks: fsync errors, full and read-only filesystems, power loss. Power loss
 * is played by copies: at any time the image of a file is what its last fsync covered, and a file
 * never synced is empty. */
#include "store_help.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "../../common/base/file.h"
#include "fault_vfs.h"

static const struct guard nobody = { 0, 0 };
static char synced_path[96]; /* the image as it grows */
static char image_path[96];  /* a copy of it, opened as after a restart */

static bool is_log(const struct fault_file *file)
{
	size_t len = strlen(file->name);
	return len > 4 && strcmp(file->name + len - 4, "-wal") == 0;
}

/* -- errors ----------------------------------------------------------------------------------- */

static int fail_code, fails_left;

static int fail_log_sync(enum fault_point point, struct fault_file *file)
{
	if (point != FAULT_BEFORE_SYNC || !is_log(file) || !fails_left)
		return SQLITE_OK;
	fails_left--;
	return fail_code;
}

static int fail_write(enum fault_point point, struct fault_file *file)
{
	(void)file;
	if (point != FAULT_BEFORE_WRITE || !fails_left)
		return SQLITE_OK;
	fails_left--;
	return fail_code;
}

static enum store_rc put_failing(struct sqlite_store *store, fault_hook *hook, int code, int times, struct err *e)
{
	struct record r = rec(RECORD_PAIR, 2, 0, 0, "", "maybe");
	struct txn txn = { .guard = { 2, 1 }, .rec = &r, .nrec = 1 };
	const struct txn *group = &txn;
	enum store_rc rc;
	fault_do = hook;
	fail_code = code;
	fails_left = times;
	sqlite_store_apply(store, &group, 1, &rc, e);
	return rc;
}

static void test_fsync_fails_once(void **state)
{
	(void)state;
	struct err e;
	remove_db();
	struct sqlite_store *store = open_ok(true);
	put(store, nobody, rec(RECORD_PAIR, 1, 0, 0, "", "sure"));
	assert_int_equal(put_failing(store, fail_log_sync, SQLITE_IOERR_FSYNC, 1, &e), STORE_UNKNOWN);
	assert_int_equal(e.code, ERR_STORE);
	assert_non_null(strstr(e.text, db_path));
	assert_non_null(strstr(e.text, "disk"));
	/* The read tells the truth, and a restart does not change it. */
	assert_int_equal(count_kind(store, RECORD_PAIR), 1);
	assert_int_equal(put(store, nobody, rec(RECORD_HOLD, 1, 0, 0, "", "owner=a\n")), STORE_OK);
	sqlite_store_close(store);
	store = open_ok(false);
	assert_int_equal(count_kind(store, RECORD_PAIR), 1);
	assert_int_equal(count_kind(store, RECORD_HOLD), 1);
	sqlite_store_close(store);
}

static void test_fsync_fails_on(void **state)
{
	(void)state;
	struct err e;
	struct store_rows rows = STORE_ROWS_INIT;
	remove_db();
	struct sqlite_store *store = open_ok(true);
	assert_int_equal(put_failing(store, fail_log_sync, SQLITE_IOERR_FSYNC, 100, &e), STORE_UNKNOWN);
	/* Until the disk works, nothing is promised: no commit, and no read that could be wrong. */
	assert_int_equal(put(store, nobody, rec(RECORD_HOLD, 1, 0, 0, "", "x")), STORE_AWAY);
	assert_int_equal(sqlite_store_read_state(store, &rows, &e), ERR_STORE);
	assert_int_equal(rows.count, 0);
	fails_left = 0;
	assert_int_equal(count_kind(store, RECORD_PAIR), 0);
	assert_int_equal(put(store, nobody, rec(RECORD_HOLD, 1, 0, 0, "", "x")), STORE_OK);
	sqlite_store_close(store);
}

static void test_write_fails(void **state)
{
	(void)state;
	static const struct {
		int code;
		const char *says;
	} row[] = {
		{ SQLITE_FULL, "free space on its filesystem" },
		{ SQLITE_IOERR_WRITE, "look for disk errors" },
	};
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		struct err e;
		remove_db();
		struct sqlite_store *store = open_ok(true);
		assert_int_equal(put_failing(store, fail_write, row[i].code, 1, &e), STORE_AWAY);
		assert_non_null(strstr(e.text, row[i].says));
		assert_non_null(strstr(e.text, db_path));
		assert_int_equal(count_kind(store, RECORD_PAIR), 0);
		/* The epoch of the lost one was not raised either. */
		assert_int_equal(put(store, (struct guard){ 2, 0 }, rec(RECORD_PAIR, 1, 0, 0, "", "x")), STORE_OK);
		sqlite_store_close(store);
	}
	fault_do = NULL;
}

/* In a child with its own mounts. Exit 77: not allowed here. */
static int full_disk_child(void)
{
	struct err e = { 0 };
	struct sqlite_store *store;
	char body[2000];
	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", scratch, "tmpfs", 0, "size=400k") < 0)
		return 77;
	if (sqlite_store_open(db_path, true, &store, &e) != ERR_OK)
		return 1;
	memset(body, 'x', sizeof(body));
	body[sizeof(body) - 1] = '\0';
	enum store_rc rc = STORE_OK;
	size_t stored = 0;
	for (uint32_t i = 1; rc == STORE_OK && i < 1000; i++) {
		struct record r = rec(RECORD_PAIR, i, 0, 0, "", body);
		struct txn txn = { .rec = &r, .nrec = 1 };
		const struct txn *group = &txn;
		sqlite_store_apply(store, &group, 1, &rc, &e);
		stored += rc == STORE_OK;
	}
	if (rc != STORE_AWAY || !strstr(e.text, "free space"))
		return fprintf(stderr, "%s: %s\n", store_rc_name(rc), e.text), 2;
	sqlite_store_close(store);
	if (mount("none", scratch, "tmpfs", MS_REMOUNT, "size=4m") < 0 ||
	    sqlite_store_open(db_path, false, &store, &e) != ERR_OK)
		return fprintf(stderr, "%s\n", e.text), 3;
	if (count_kind(store, RECORD_PAIR) != stored)
		return 4;
	sqlite_store_close(store);
	if (mount("none", scratch, "tmpfs", MS_REMOUNT | MS_RDONLY, "size=4m") < 0)
		return 77;
	if (sqlite_store_open(db_path, false, &store, &e) != ERR_STORE ||
	    !strstr(e.text, "is read-only: it, its directory and the mount"))
		return fprintf(stderr, "%s\n", e.text), 5;
	return 0;
}

static int no_right_child(void)
{
	struct err e = { 0 };
	struct sqlite_store *store;
	if (chmod(scratch, 0755) < 0 || setresuid(65534, 65534, 65534) < 0)
		return 77;
	if (sqlite_store_open(db_path, true, &store, &e) != ERR_STORE || !strstr(e.text, "create database") ||
	    !strstr(e.text, "Permission denied"))
		return fprintf(stderr, "%s\n", e.text), 1;
	return 0;
}

/* Its own file, but no right to make the log beside it. */
static int no_log_child(void)
{
	struct err e = { 0 };
	struct sqlite_store *store;
	if (chmod(scratch, 0755) < 0 || sqlite_store_open(db_path, true, &store, &e) != ERR_OK)
		return 1;
	sqlite_store_close(store);
	if (chown(db_path, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0)
		return 77;
	if (sqlite_store_open(db_path, true, &store, &e) != ERR_STORE ||
	    !strstr(e.text, "it and its directory must be writable"))
		return fprintf(stderr, "%s\n", e.text), 2;
	return 0;
}

static void run_child(int (*child)(void))
{
	int status = -1;
	pid_t pid = fork();
	if (pid == 0)
		_exit(child());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_full_disk(void **state)
{
	(void)state;
	remove_db();
	run_child(full_disk_child);
}

static void test_no_right(void **state)
{
	(void)state;
	remove_db();
	run_child(no_right_child);
	run_child(no_log_child);
}

/* -- power loss ------------------------------------------------------------------------------- */

static void image_name(const char *name, char *out, size_t size)
{
	snprintf(out, size, "%s%s", synced_path, name + strlen(db_path));
}

static void copy_image(struct fault_file *file)
{
	char to[PATH_MAX], buf[4096];
	sqlite3_int64 size = 0;
	image_name(file->name, to, sizeof(to));
	int fd = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(file->real->xFileSize(file->file, &size), SQLITE_OK);
	for (sqlite3_int64 at = 0; at < size; at += (sqlite3_int64)sizeof(buf)) {
		int n = (int)(size - at < (sqlite3_int64)sizeof(buf) ? size - at : (sqlite3_int64)sizeof(buf));
		assert_int_equal(file->real->xRead(file->file, buf, n, at), SQLITE_OK);
		assert_int_equal(write(fd, buf, (size_t)n), n);
	}
	close(fd);
}

static int copy_synced(enum fault_point point, struct fault_file *file)
{
	if (point == FAULT_AFTER_SYNC && (strcmp(file->name, db_path) == 0 || is_log(file)))
		copy_image(file);
	return SQLITE_OK;
}

static void remove_image(const char *path)
{
	char log[PATH_MAX];
	unlink(path);
	snprintf(log, sizeof(log), "%s-wal", path);
	unlink(log);
}

static void copy_file(const char *suffix)
{
	char from[PATH_MAX], to[PATH_MAX], *bytes;
	size_t len;
	struct err e;
	snprintf(from, sizeof(from), "%s%s", synced_path, suffix);
	snprintf(to, sizeof(to), "%s%s", image_path, suffix);
	assert_int_equal(file_read(from, 64 << 20, FILE_ANY, &bytes, &len, &e), ERR_OK);
	assert_int_equal(file_replace(to, bytes, len, 0600, &e), ERR_OK);
	free(bytes);
}

/* What a cut power line leaves of a write that was not synced: half of something else. */
static void tear_log(void)
{
	char path[PATH_MAX], junk[2500];
	memset(junk, 0x37, sizeof(junk));
	snprintf(path, sizeof(path), "%s-wal", image_path);
	int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (fd < 0)
		return;
	assert_int_equal(write(fd, junk, sizeof(junk)), (ssize_t)sizeof(junk));
	close(fd);
}

/* Opens the image as a machine would after the power came back. */
static void check_image(uint32_t committed)
{
	char live[sizeof(db_path)];
	fault_hook *hook = fault_do;
	struct audit_walk walk;
	struct err e;
	memcpy(live, db_path, sizeof(live));
	memcpy(db_path, image_path, sizeof(db_path));
	fault_do = NULL;
	struct sqlite_store *store = open_ok(false);
	assert_int_equal(count_kind(store, RECORD_STRANDED), committed);
	audit_walk_init(&walk, 1);
	assert_int_equal(sqlite_store_audit_verify(store, &walk, 10000, &e), ERR_OK);
	assert_int_equal(walk.bad_seq, 0);
	assert_int_equal(walk.rows, committed);
	sqlite_store_close(store);
	memcpy(db_path, live, sizeof(db_path));
	fault_do = hook;
}

static void test_power_loss(void **state)
{
	(void)state;
	char body[1500], key[32];
	remove_db();
	fault_do = copy_synced;
	struct sqlite_store *store = open_ok(true);
	memset(body, 'x', sizeof(body));
	body[sizeof(body) - 1] = '\0';
	/* Long enough for several checkpoints, where the log starts again over old frames. */
	for (uint32_t i = 1; i <= 400; i++) {
		snprintf(key, sizeof(key), "q%u", i);
		const struct record r[] = { rec(RECORD_STRANDED, 1, 0, 0, key, body),
					    rec(RECORD_AUDIT, 1, 0, 0, "", body) };
		struct txn txn = { .guard = { 1, i }, .rec = r, .nrec = 2 };
		const struct txn *group = &txn;
		enum store_rc rc;
		struct err e;
		sqlite_store_apply(store, &group, 1, &rc, &e);
		assert_int_equal(rc, STORE_OK);
		if (i % 97 && i > 3)
			continue;
		copy_file("");
		copy_file("-wal");
		if (i % 2)
			tear_log();
		check_image(i);
		remove_image(image_path);
	}
	sqlite_store_close(store);
	fault_do = NULL;
	remove_image(synced_path);
}

static bool die_at_log_sync;

static int copy_or_die(enum fault_point point, struct fault_file *file)
{
	if (die_at_log_sync && point == FAULT_BEFORE_SYNC && is_log(file))
		raise(SIGKILL);
	return copy_synced(point, file);
}

static enum store_rc put_stranded(struct sqlite_store *store, const char *key)
{
	const struct record r[] = { rec(RECORD_STRANDED, 1, 0, 0, key, "x"), rec(RECORD_AUDIT, 1, 0, 0, "", "x") };
	struct txn txn = { .rec = r, .nrec = 2 };
	const struct txn *group = &txn;
	enum store_rc rc;
	struct err e;
	sqlite_store_apply(store, &group, 1, &rc, &e);
	return rc;
}

/* Killed between write and fsync, restarted, and then the power fails: what the restart read and
 * acted on must still be there. */
static void test_power_loss_after_kill(void **state)
{
	(void)state;
	int status = -1;
	remove_db();
	pid_t pid = fork();
	if (pid == 0) {
		fault_do = copy_or_die;
		struct sqlite_store *store = open_ok(true);
		(void)put_stranded(store, "sure");
		die_at_log_sync = true;
		(void)put_stranded(store, "unanswered");
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	fault_do = copy_synced;
	struct sqlite_store *store = open_ok(false);
	assert_int_equal(count_kind(store, RECORD_STRANDED), 2);
	copy_file("");
	copy_file("-wal");
	check_image(2);
	sqlite_store_close(store);
	fault_do = NULL;
	remove_image(synced_path);
	remove_image(image_path);
}

static int make(void **state)
{
	fault_install();
	if (scratch_make(state) < 0)
		return -1;
	snprintf(synced_path, sizeof(synced_path), "%s/synced", scratch);
	snprintf(image_path, sizeof(image_path), "%s/image", scratch);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fsync_fails_once),
		cmocka_unit_test(test_fsync_fails_on),
		cmocka_unit_test(test_write_fails),
		cmocka_unit_test(test_full_disk),
		cmocka_unit_test(test_no_right),
		cmocka_unit_test(test_power_loss),
		cmocka_unit_test(test_power_loss_after_kill),
	};
	return cmocka_run_group_tests_name("store on failing disks", tests, make, scratch_remove);
}
