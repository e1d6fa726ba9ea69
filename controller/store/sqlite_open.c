/* Opening is mostly refusing: an empty start over a lost or damaged database would forget who holds
 * the right to take mail. A new database is built beside its name, complete, and then linked there,
 * so that under the name there is a whole database or nothing. */
#include "sqlite_int.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../common/base/file.h"
#include "../../common/base/mem.h"

#define APPLICATION_ID 0x636d7831 /* "cmx1" */
#define SCHEMA_VERSION 1
#define TEXT2(x) #x
#define TEXT(x) TEXT2(x)
#define IDENTITY                                                                                                       \
	"PRAGMA application_id = " TEXT(APPLICATION_ID) ";"                                                            \
							"PRAGMA user_version = " TEXT(SCHEMA_VERSION) ";"

#define COLUMNS                                                                                                        \
	"(id INTEGER PRIMARY KEY, pair INTEGER NOT NULL, op INTEGER NOT NULL, seq INTEGER NOT "                        \
	"NULL, key TEXT NOT NULL, body TEXT NOT NULL, wall_ms INTEGER NOT NULL"

static const char schema[] = "BEGIN IMMEDIATE;"
			     "CREATE TABLE epoch(pair INTEGER PRIMARY KEY, epoch INTEGER NOT NULL) STRICT;"
			     "CREATE TABLE pair_state" COLUMNS ", UNIQUE(pair)) STRICT;"
			     "CREATE TABLE operation" COLUMNS ", UNIQUE(op)) STRICT;"
			     "CREATE INDEX operation_pair ON operation(pair);"
			     "CREATE INDEX operation_open ON operation(pair) WHERE substr(body, 1, 12) <> "
			     "'status=ended';"
			     "CREATE TABLE journal" COLUMNS ", UNIQUE(op, seq)) STRICT;"
			     "CREATE TABLE audit" COLUMNS ", hash BLOB NOT NULL, UNIQUE(pair, seq)) STRICT;"
			     "CREATE TABLE audit_head(pair INTEGER PRIMARY KEY, seq INTEGER NOT NULL, hash BLOB NOT "
			     "NULL) "
			     "STRICT;"
			     "CREATE TABLE rights" COLUMNS ") STRICT;"
			     "CREATE INDEX rights_pair ON rights(pair);"
			     "CREATE TABLE boot" COLUMNS ", UNIQUE(pair, key)) STRICT;"
			     "CREATE TABLE stranded" COLUMNS ", UNIQUE(pair, key)) STRICT;"
			     "CREATE TABLE hold" COLUMNS ", UNIQUE(pair)) STRICT;"
			     "CREATE TABLE global_state" COLUMNS ", UNIQUE(key)) STRICT;" IDENTITY "COMMIT;";

static void handle_free(struct sqlite_store *store)
{
	for (size_t i = 0; i < STMT_COUNT; i++)
		sqlite3_finalize(store->stmt[i]);
	for (size_t i = 0; i < RECORD_KINDS; i++)
		sqlite3_finalize(store->put[i]);
	sqlite3_close(store->handle);
	free(store->path);
	free(store);
}

/* EXCLUSIVE before the first read: the lock is then held until close, and there is no shared-memory
 * file. */
static enum err_code handle_open(const char *path, struct sqlite_store **out, struct err *e)
{
	struct sqlite_store *store = mem_calloc(1, sizeof(*store));
	store->path = mem_strdup(path);
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
	enum err_code rc = ERR_OK;
	if (sqlite3_open_v2(path, &store->handle, flags, NULL) != SQLITE_OK)
		rc = sqlite_fail(store, "open", e);
	if (rc == ERR_OK && sqlite3_db_readonly(store->handle, "main") != 0)
		rc = err_set(e, ERR_STORE,
			     "database %s is read-only: it, its directory and the mount must be "
			     "writable by the user of coldmxd",
			     path);
	if (rc == ERR_OK)
		rc = sqlite_run(store,
				"PRAGMA locking_mode = EXCLUSIVE; PRAGMA trusted_schema = OFF;"
				"PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY;"
				"PRAGMA synchronous = FULL; BEGIN EXCLUSIVE; COMMIT;",
				e);
	if (rc != ERR_OK) {
		handle_free(store);
		return rc;
	}
	*out = store;
	return ERR_OK;
}

static enum err_code pragma_text(struct sqlite_store *store, const char *sql, char *out, size_t size, struct err *e)
{
	sqlite3_stmt *stmt;
	enum err_code rc = sqlite_prepare(store, sql, &stmt, e);
	if (rc != ERR_OK)
		return rc;
	int step = sqlite3_step(stmt);
	const char *text = step == SQLITE_ROW ? (const char *)sqlite3_column_text(stmt, 0) : NULL;
	if (step != SQLITE_ROW && step != SQLITE_DONE)
		rc = sqlite_fail(store, sql, e);
	else
		(void)str_copy(out, size, text ? text : "");
	sqlite3_finalize(stmt);
	return rc;
}

static enum err_code pragma_number(struct sqlite_store *store, const char *sql, long long *out, struct err *e)
{
	char text[32] = "";
	enum err_code rc = pragma_text(store, sql, text, sizeof(text), e);
	*out = strtoll(text, NULL, 10);
	return rc;
}

/* Whose file is it, and can this version read it? */
static enum err_code check_identity(struct sqlite_store *store, struct err *e)
{
	long long id = 0, version = 0;
	enum err_code rc = pragma_number(store, "PRAGMA application_id", &id, e);
	if (rc == ERR_OK)
		rc = pragma_number(store, "PRAGMA user_version", &version, e);
	if (rc != ERR_OK)
		return rc;
	if (id != APPLICATION_ID)
		return err_set(e, ERR_STORE,
			       "%s is a database of another program (application_id %#llx): name "
			       "another file in the configuration",
			       store->path, (unsigned long long)id);
	if (version > SCHEMA_VERSION)
		return err_set(e, ERR_STORE,
			       "database %s was written by a newer coldmx (schema %lld, this one "
			       "knows %d): install that version again",
			       store->path, version, SCHEMA_VERSION);
	if (version < SCHEMA_VERSION)
		return err_set(e, ERR_STORE, "database %s has the unknown schema %lld: restore a backup", store->path,
			       version);
	return ERR_OK;
}

/* quick_check reads the whole file, at every start: damage found while a promotion runs is found
 * too late. */
static enum err_code check_damage(struct sqlite_store *store, struct err *e)
{
	char text[160] = "";
	enum err_code rc = pragma_text(store, "PRAGMA quick_check(1)", text, sizeof(text), e);
	if (rc != ERR_OK || strcmp(text, "ok") == 0)
		return rc;
	char *line_end = strchr(text, '\n');
	if (line_end)
		*line_end = ' ';
	return err_set(e, ERR_STORE, "database %s is damaged (%s): move it and %s-wal away and restore a backup",
		       store->path, text, store->path);
}

static enum err_code log_mode(struct sqlite_store *store, struct err *e)
{
	char mode[16] = "";
	enum err_code rc = pragma_text(store, "PRAGMA journal_mode = WAL", mode, sizeof(mode), e);
	if (rc == ERR_OK && strcmp(mode, "wal") != 0)
		rc = err_set(e, ERR_STORE, "database %s: cannot use a write-ahead log (mode is %s)", store->path, mode);
	if (rc == ERR_OK)
		rc = sqlite_run(store, "PRAGMA journal_size_limit = 67108864", e);
	return rc;
}

/* A leftover of a crash is finished rather than removed; its lock keeps a second creator out. */
static enum err_code build(const char *tmp, struct err *e)
{
	int fd = open(tmp, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_set_errno(e, ERR_STORE, errno, "create database %s", tmp);
	close(fd);
	struct sqlite_store *store;
	enum err_code rc = handle_open(tmp, &store, e);
	if (rc != ERR_OK)
		return rc;
	long long id = 0;
	rc = pragma_number(store, "PRAGMA application_id", &id, e);
	if (rc == ERR_OK && id == 0)
		rc = sqlite_run(store, schema, e);
	handle_free(store);
	return rc;
}

static enum err_code create_database(const char *path, struct err *e)
{
	char tmp[PATH_MAX];
	int n = snprintf(tmp, sizeof(tmp), "%s.new", path);
	if (n < 0 || (size_t)n >= sizeof(tmp))
		return err_set(e, ERR_INVALID, "path too long: %.200s...", path);
	enum err_code rc = build(tmp, e);
	if (rc != ERR_OK)
		return rc;
	/* link, not rename: never over a database that appeared meanwhile. */
	if (link(tmp, path) < 0 && errno != EEXIST)
		return err_set_errno(e, ERR_STORE, errno, "create database %s", path);
	if (unlink(tmp) < 0)
		return err_set_errno(e, ERR_STORE, errno, "remove %s", tmp);
	return file_sync_dir(path, e);
}

static enum err_code check_missing(const char *path, bool create, struct err *e)
{
	char wal[PATH_MAX];
	struct stat st;
	int n = snprintf(wal, sizeof(wal), "%s-wal", path);
	if (n < 0 || (size_t)n >= sizeof(wal))
		return err_set(e, ERR_INVALID, "path too long: %.200s...", path);
	if (stat(wal, &st) == 0)
		return err_set(e, ERR_STORE,
			       "database %s is missing, but its log %s exists: restore both from a "
			       "backup, or move the log away",
			       path, wal);
	if (!create)
		return err_set(e, ERR_NOT_FOUND,
			       "database %s does not exist: restore a backup, or make a new one with coldmxd --init",
			       path);
	return create_database(path, e);
}

static enum err_code check_file(const char *path, bool create, struct err *e)
{
	struct stat st;
	if (stat(path, &st) < 0)
		return errno == ENOENT ? check_missing(path, create, e)
				       : err_set_errno(e, ERR_STORE, errno, "database %s", path);
	if (file_check(path, FILE_OWNED, e) != ERR_OK)
		return err_wrap(e, "database");
	if (st.st_size == 0)
		return err_set(e, ERR_STORE,
			       "database %s is empty, which coldmx never leaves behind: restore a "
			       "backup, or remove it and have a new one made",
			       path);
	return ERR_OK;
}

enum err_code sqlite_store_open(const char *path, bool create, struct sqlite_store **out, struct err *e)
{
	enum err_code rc = check_file(path, create, e);
	if (rc != ERR_OK)
		return rc;
	struct sqlite_store *store;
	rc = handle_open(path, &store, e);
	if (rc != ERR_OK)
		return rc;
	rc = check_identity(store, e);
	if (rc == ERR_OK)
		rc = check_damage(store, e);
	if (rc == ERR_OK)
		rc = log_mode(store, e);
	store->unsettled = true;
	if (rc == ERR_OK)
		rc = sqlite_settle(store, e);
	if (rc == ERR_OK)
		rc = sqlite_prepare_all(store, e);
	if (rc != ERR_OK) {
		handle_free(store);
		return rc;
	}
	*out = store;
	return ERR_OK;
}

void sqlite_store_close(struct sqlite_store *store)
{
	if (store)
		handle_free(store);
}
