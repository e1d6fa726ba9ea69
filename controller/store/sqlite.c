/* Commits: one BEGIN..COMMIT for a group, one savepoint for each transaction in it. The order of
 * the checks is what keeps the promise: the epoch first, then the rows, then the raised epoch, then
 * one fsync for all. */
#include "sqlite_int.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../../common/base/clock.h"
#include "audit.h"

#define AUDIT_KEYS_KNOWN 1000 /* rows of a pair in which a key counts as written */

static const char *advice(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_FULL: return ": free space on its filesystem";
	case SQLITE_READONLY:
	case SQLITE_CANTOPEN:
	case SQLITE_PERM: return ": it and its directory must be writable by the user of coldmxd";
	case SQLITE_BUSY:
	case SQLITE_LOCKED: return ": another process uses it, a second coldmxd or a sqlite3 shell";
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return ": not a sound coldmx database; move it and its -wal file away and "
		       "restore a backup";
	case SQLITE_IOERR: return ": look for disk errors in the kernel's log";
	default: return "";
	}
}

enum err_code sqlite_fail(const struct sqlite_store *store, const char *doing, struct err *e)
{
	int rc = sqlite3_extended_errcode(store->handle);
	int errnum = sqlite3_system_errno(store->handle);
	char sys[128] = "", *text = sys;
	bool io = (rc & 0xff) == SQLITE_IOERR || (rc & 0xff) == SQLITE_CANTOPEN;
	if (io && errnum)
		text = strerror_r(errnum, sys, sizeof(sys));
	return err_set(e, ERR_STORE, "database %s: %s: %s%s%s%s", store->path, doing, sqlite3_errmsg(store->handle),
		       *text ? ": " : "", text, advice(rc));
}

enum err_code sqlite_run(struct sqlite_store *store, const char *sql, struct err *e)
{
	if (sqlite3_exec(store->handle, sql, NULL, NULL, NULL) == SQLITE_OK)
		return ERR_OK;
	char doing[32];
	snprintf(doing, sizeof(doing), "%.*s", (int)strcspn(sql, ";"), sql);
	return sqlite_fail(store, doing, e);
}

enum err_code sqlite_prepare(struct sqlite_store *store, const char *sql, sqlite3_stmt **out, struct err *e)
{
	*out = NULL;
	if (sqlite3_prepare_v3(store->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL) != SQLITE_OK)
		return sqlite_fail(store, "prepare", e);
	return ERR_OK;
}

const char *sqlite_table_name(enum record_kind kind)
{
	switch (kind) {
	case RECORD_PAIR: return "pair_state";
	case RECORD_OPERATION: return "operation";
	case RECORD_JOURNAL: return "journal";
	case RECORD_AUDIT: return "audit";
	case RECORD_GRANT: return "rights";
	case RECORD_BOOT: return "boot";
	case RECORD_STRANDED: return "stranded";
	case RECORD_HOLD: return "hold";
	case RECORD_GLOBAL: return "global_state";
	}
	return "?";
}

/* The columns that say which row is replaced; NULL = append. */
static const char *upsert_key(enum record_kind kind)
{
	switch (kind) {
	case RECORD_PAIR:
	case RECORD_HOLD: return "pair";
	case RECORD_OPERATION: return "op";
	case RECORD_BOOT:
	case RECORD_STRANDED: return "pair, key";
	case RECORD_GLOBAL: return "key";
	case RECORD_JOURNAL:
	case RECORD_AUDIT:
	case RECORD_GRANT: return NULL;
	}
	return NULL;
}

static const char *stmt_sql(enum stmt_id id)
{
	switch (id) {
	case STMT_BEGIN: return "BEGIN IMMEDIATE";
	case STMT_COMMIT: return "COMMIT";
	case STMT_ROLLBACK: return "ROLLBACK";
	case STMT_SAVE: return "SAVEPOINT txn";
	case STMT_RELEASE: return "RELEASE txn";
	case STMT_BACK: return "ROLLBACK TO txn";
	case STMT_EPOCH_GET: return "SELECT epoch FROM epoch WHERE pair = ?1";
	case STMT_EPOCH_PUT:
		return "INSERT INTO epoch(pair, epoch) VALUES(?1, ?2) "
		       "ON CONFLICT(pair) DO UPDATE SET epoch = excluded.epoch";
	case STMT_HEAD_GET: return "SELECT seq, hash FROM audit_head WHERE pair = ?1";
	case STMT_HEAD_PUT:
		return "INSERT INTO audit_head(pair, seq, hash) VALUES(?1, ?2, ?3) "
		       "ON CONFLICT(pair) DO UPDATE SET seq = excluded.seq, hash = excluded.hash";
	case STMT_JOURNAL_GET: return "SELECT body FROM journal WHERE op = ?1 AND seq = ?2";
	case STMT_AUDIT:
		return "INSERT INTO audit(pair, op, seq, key, body, wall_ms, hash) "
		       "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)";
	case STMT_AUDIT_KNOWN: return "SELECT 1 FROM audit WHERE pair = ?1 AND seq > ?2 AND key = ?3 LIMIT 1";
	}
	return "";
}

static enum err_code prepare_put(struct sqlite_store *store, enum record_kind kind, struct err *e)
{
	char sql[400];
	const char *key = upsert_key(kind);
	int n = snprintf(sql, sizeof(sql),
			 "INSERT INTO %s(pair, op, seq, key, body, wall_ms) "
			 "VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
			 sqlite_table_name(kind));
	if (key)
		snprintf(sql + n, sizeof(sql) - (size_t)n,
			 " ON CONFLICT(%s) DO UPDATE SET pair = excluded.pair, op = excluded.op, "
			 "seq = excluded.seq, key = excluded.key, body = excluded.body, "
			 "wall_ms = excluded.wall_ms",
			 key);
	return sqlite_prepare(store, sql, &store->put[kind], e);
}

enum err_code sqlite_prepare_all(struct sqlite_store *store, struct err *e)
{
	enum err_code rc = ERR_OK;
	for (int i = 0; i < STMT_COUNT && rc == ERR_OK; i++)
		rc = sqlite_prepare(store, stmt_sql((enum stmt_id)i), &store->stmt[i], e);
	for (int k = 0; k < RECORD_KINDS && rc == ERR_OK; k++)
		if (k != RECORD_AUDIT)
			rc = prepare_put(store, (enum record_kind)k, e);
	return rc;
}

/* A commit whose fsync failed leaves frames in the log which a restart could take for committed,
 * and an fsync that succeeds later does not prove that they reached the disk. Moving everything
 * that counts into the database file, cutting the log and syncing the cut settles it. At the start
 * the same makes durable what a killed predecessor had written but not synced. */
enum err_code sqlite_settle(struct sqlite_store *store, struct err *e)
{
	if (!store->unsettled)
		return ERR_OK;
	int log = 0, done = 0;
	if (sqlite3_wal_checkpoint_v2(store->handle, "main", SQLITE_CHECKPOINT_TRUNCATE, &log, &done) != SQLITE_OK)
		return sqlite_fail(store, "checkpoint", e);
	sqlite3_file *wal = NULL;
	sqlite3_file_control(store->handle, "main", SQLITE_FCNTL_JOURNAL_POINTER, &wal);
	if (wal && wal->pMethods && wal->pMethods->xSync(wal, SQLITE_SYNC_FULL) != SQLITE_OK)
		return err_set(e, ERR_STORE, "database %s: fsync of its log failed%s", store->path,
			       advice(SQLITE_IOERR));
	store->unsettled = false;
	return ERR_OK;
}

/* SQLITE_DONE on success; the statement is ready to be used again. */
static int step_once(struct sqlite_store *store, enum stmt_id id)
{
	int rc = sqlite3_step(store->stmt[id]);
	sqlite3_reset(store->stmt[id]);
	return rc;
}

static int64_t stored_int(uint64_t n)
{
	return (int64_t)n; /* the same 64 bits; SQLite has no unsigned ones */
}

static int bind_record(sqlite3_stmt *stmt, const struct record *rec, uint32_t seq, int64_t wall_ms)
{
	sqlite3_bind_int64(stmt, 1, rec->pair);
	sqlite3_bind_int64(stmt, 2, stored_int(rec->op));
	sqlite3_bind_int64(stmt, 3, seq);
	sqlite3_bind_text(stmt, 4, rec->key, -1, SQLITE_STATIC);
	return sqlite3_bind_int64(stmt, 6, wall_ms) | sqlite3_bind_text(stmt, 5, rec->body, -1, SQLITE_STATIC);
}

/* A row with a key is written once, however often a writer whose answer was lost asks for it: SQLITE_ROW, it is there.
 * Such a writer comes back within seconds, so the newest rows of its pair are enough to look at. */
static int find_audit(struct sqlite_store *store, const struct record *rec)
{
	sqlite3_stmt *known = store->stmt[STMT_AUDIT_KNOWN];
	if (!rec->key[0])
		return SQLITE_DONE;
	sqlite3_bind_int64(known, 1, rec->pair);
	sqlite3_bind_int64(known, 2, (int64_t)rec->seq - AUDIT_KEYS_KNOWN);
	sqlite3_bind_text(known, 3, rec->key, -1, SQLITE_STATIC);
	int rc = sqlite3_step(known);
	sqlite3_reset(known);
	sqlite3_clear_bindings(known);
	return rc;
}

static int put_audit(struct sqlite_store *store, const struct record *given, int64_t wall_ms)
{
	uint8_t hash[SHA256_BYTES] = { 0 };
	struct record rec = *given;
	sqlite3_stmt *head = store->stmt[STMT_HEAD_GET];
	rec.seq = 1;
	sqlite3_bind_int64(head, 1, rec.pair);
	int rc = sqlite3_step(head);
	if (rc == SQLITE_ROW) {
		rec.seq = (uint32_t)sqlite3_column_int64(head, 0) + 1;
		if (sqlite3_column_bytes(head, 1) == SHA256_BYTES)
			memcpy(hash, sqlite3_column_blob(head, 1), SHA256_BYTES);
	}
	sqlite3_reset(head);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return rc;
	rc = find_audit(store, &rec);
	if (rc != SQLITE_DONE)
		return rc == SQLITE_ROW ? SQLITE_DONE : rc;

	audit_hash(hash, &rec, wall_ms, hash);
	sqlite3_stmt *row = store->stmt[STMT_AUDIT];
	bind_record(row, &rec, rec.seq, wall_ms);
	sqlite3_bind_blob(row, 7, hash, SHA256_BYTES, SQLITE_STATIC);
	rc = step_once(store, STMT_AUDIT);
	sqlite3_clear_bindings(row);
	if (rc != SQLITE_DONE)
		return rc;
	sqlite3_stmt *put = store->stmt[STMT_HEAD_PUT];
	sqlite3_bind_int64(put, 1, rec.pair);
	sqlite3_bind_int64(put, 2, rec.seq);
	sqlite3_bind_blob(put, 3, hash, SHA256_BYTES, SQLITE_STATIC);
	rc = step_once(store, STMT_HEAD_PUT);
	sqlite3_clear_bindings(put);
	return rc;
}

static int put_record(struct sqlite_store *store, const struct record *rec, int64_t wall_ms)
{
	if (rec->kind == RECORD_AUDIT)
		return put_audit(store, rec, wall_ms);
	sqlite3_stmt *stmt = store->put[rec->kind];
	int rc = bind_record(stmt, rec, rec->seq, wall_ms);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
	return rc;
}

/* SQLITE_DONE, or what went wrong; *fenced when a higher epoch is stored. */
static int check_epoch(struct sqlite_store *store, const struct guard *guard, bool *fenced)
{
	*fenced = false;
	if (guard->pair == 0)
		return SQLITE_DONE;
	sqlite3_stmt *get = store->stmt[STMT_EPOCH_GET];
	sqlite3_bind_int64(get, 1, guard->pair);
	int rc = sqlite3_step(get);
	if (rc == SQLITE_ROW) {
		*fenced = (uint64_t)sqlite3_column_int64(get, 0) > guard->epoch;
		rc = SQLITE_DONE;
	}
	sqlite3_reset(get);
	return rc;
}

static int raise_epoch(struct sqlite_store *store, const struct guard *guard)
{
	if (guard->pair == 0)
		return SQLITE_DONE;
	sqlite3_bind_int64(store->stmt[STMT_EPOCH_PUT], 1, guard->pair);
	sqlite3_bind_int64(store->stmt[STMT_EPOCH_PUT], 2, stored_int(guard->epoch));
	return step_once(store, STMT_EPOCH_PUT);
}

static int put_rows(struct sqlite_store *store, const struct txn *txn, int64_t wall_ms, struct err *e)
{
	int rc = SQLITE_DONE;
	for (size_t i = 0; i < txn->nrec && rc == SQLITE_DONE; i++) {
		rc = put_record(store, &txn->rec[i], wall_ms);
		if ((rc & 0xff) == SQLITE_CONSTRAINT)
			err_set(e, ERR_BUG,
				"database %s: pair %" PRIu32 ": %s row %" PRIu32 " of operation "
				"%" PRIu64 " is there already",
				store->path, txn->rec[i].pair, record_kind_name(txn->rec[i].kind), txn->rec[i].seq,
				txn->rec[i].op);
	}
	return rc == SQLITE_DONE ? raise_epoch(store, &txn->guard) : rc;
}

static bool has_row(struct sqlite_store *store, const struct record *rec)
{
	sqlite3_stmt *get = store->stmt[STMT_JOURNAL_GET];
	sqlite3_bind_int64(get, 1, stored_int(rec->op));
	sqlite3_bind_int64(get, 2, rec->seq);
	const char *body = sqlite3_step(get) == SQLITE_ROW ? (const char *)sqlite3_column_text(get, 0) : NULL;
	bool same = body && strcmp(body, rec->body) == 0;
	sqlite3_reset(get);
	return same;
}

/* Its answer was lost and it is asked for again: all its journal rows are there, word for word. */
static bool is_repeat(struct sqlite_store *store, const struct txn *txn)
{
	for (size_t i = 0; i < txn->nrec; i++)
		if (txn->rec[i].kind == RECORD_JOURNAL && !has_row(store, &txn->rec[i]))
			return false;
	return true;
}

/* False: the whole group is lost, `e` says why. */
static bool apply_one(struct sqlite_store *store, const struct txn *txn, int64_t wall_ms, enum store_rc *rc,
		      struct err *e)
{
	bool fenced;
	int step = check_epoch(store, &txn->guard, &fenced);
	if (step == SQLITE_DONE && fenced) {
		*rc = STORE_FENCED;
		return true;
	}
	if (step == SQLITE_DONE)
		step = step_once(store, STMT_SAVE);
	if (step == SQLITE_DONE)
		step = put_rows(store, txn, wall_ms, e);
	if (step == SQLITE_DONE)
		step = step_once(store, STMT_RELEASE);
	if (step == SQLITE_DONE) {
		*rc = STORE_OK;
		return true;
	}
	/* Written before, or else the writer's picture is not the store's: it must read before it goes on. */
	if ((step & 0xff) == SQLITE_CONSTRAINT && step_once(store, STMT_BACK) == SQLITE_DONE &&
	    step_once(store, STMT_RELEASE) == SQLITE_DONE) {
		*rc = is_repeat(store, txn) ? STORE_OK : STORE_UNKNOWN;
		return true;
	}
	sqlite_fail(store, "write", e);
	return false;
}

static void roll_back(struct sqlite_store *store)
{
	/* SQLite may have rolled back by itself; then there is nothing to do. */
	if (!sqlite3_get_autocommit(store->handle))
		step_once(store, STMT_ROLLBACK);
}

/* A fence that another transaction of a lost group raised was never there: AWAY, too. */
static void mark_lost(enum store_rc *rc, size_t ntxn, enum store_rc written)
{
	for (size_t i = 0; i < ntxn; i++)
		rc[i] = rc[i] == STORE_OK ? written : rc[i] == STORE_FENCED ? STORE_AWAY : rc[i];
}

/* The frame that ends a transaction is written last: when a write failed, it is not there, and
 * nothing was written. After any other failure (fsync above all) it may be. */
static void commit_failed(struct sqlite_store *store, enum store_rc *rc, size_t ntxn, struct err *e)
{
	int code = sqlite3_extended_errcode(store->handle);
	bool nothing = code == SQLITE_FULL || code == SQLITE_IOERR_WRITE;
	sqlite_fail(store, "commit", e);
	roll_back(store);
	store->unsettled = !nothing;
	mark_lost(rc, ntxn, nothing ? STORE_AWAY : STORE_UNKNOWN);
}

void sqlite_store_apply(struct sqlite_store *store, const struct txn *const *txn, size_t ntxn, enum store_rc *rc,
			struct err *e)
{
	err_clear(e);
	for (size_t i = 0; i < ntxn; i++)
		rc[i] = STORE_AWAY;
	if (sqlite_settle(store, e) != ERR_OK)
		return;
	if (step_once(store, STMT_BEGIN) != SQLITE_DONE) {
		sqlite_fail(store, "begin", e);
		return;
	}
	int64_t wall_ms = clock_wall_ms();
	for (size_t i = 0; i < ntxn; i++) {
		if (!apply_one(store, txn[i], wall_ms, &rc[i], e)) {
			roll_back(store);
			mark_lost(rc, ntxn, STORE_AWAY);
			return;
		}
	}
	if (step_once(store, STMT_COMMIT) != SQLITE_DONE)
		commit_failed(store, rc, ntxn, e);
}
