/* Reads: the state that a restart needs, the history that people ask for, the walk along the audit
 * chain. */
#include "sqlite_int.h"

#include <stdio.h>
#include <string.h>

#include "../../common/base/mem.h"
#include "audit.h"

#define COLUMNS "pair, op, seq, key, body, wall_ms"
#define OPEN "substr(body, 1, 12) <> 'status=ended'"
/* op < 0: the upper half of the unsigned numbers comes last. */
#define IN_ORDER " ORDER BY pair, op < 0, op, seq, id"
#define LAST(from)                                                                                                     \
	"SELECT * FROM (SELECT " COLUMNS ", x'' AS hash, id FROM " from " ORDER BY id DESC LIMIT ?3) ORDER BY id"
#define LAST_AUDIT(from)                                                                                               \
	"SELECT * FROM (SELECT " COLUMNS ", hash, id FROM " from " ORDER BY id DESC LIMIT ?3) "                        \
	"ORDER BY id"

/* NULL: not part of the state that the engine reads. */
static const char *state_sql(enum record_kind kind)
{
	switch (kind) {
	case RECORD_PAIR: return "SELECT " COLUMNS " FROM pair_state" IN_ORDER;
	case RECORD_OPERATION: return "SELECT " COLUMNS " FROM operation WHERE " OPEN IN_ORDER;
	case RECORD_JOURNAL:
		return "SELECT " COLUMNS " FROM journal WHERE op IN (SELECT op FROM operation WHERE " OPEN ")" IN_ORDER;
	case RECORD_BOOT:
		return "SELECT " COLUMNS " FROM (SELECT *, row_number() OVER (PARTITION BY pair ORDER "
		       "BY id DESC) AS age FROM boot) WHERE age <= ?1" IN_ORDER;
	case RECORD_STRANDED: return "SELECT " COLUMNS " FROM stranded" IN_ORDER;
	case RECORD_HOLD: return "SELECT " COLUMNS " FROM hold WHERE body <> ''" IN_ORDER;
	case RECORD_GLOBAL: return "SELECT " COLUMNS " FROM global_state" IN_ORDER;
	case RECORD_AUDIT:
	case RECORD_GRANT: return NULL;
	}
	return NULL;
}

static const char *history_sql(enum history_kind kind)
{
	switch (kind) {
	case HISTORY_AUDIT: return LAST_AUDIT("audit WHERE pair = ?1");
	case HISTORY_AUDIT_ALL: return LAST_AUDIT("audit");
	case HISTORY_OPERATIONS:
	case HISTORY_TIMINGS: return LAST("operation WHERE pair = ?1");
	case HISTORY_OPERATIONS_ALL: return LAST("operation");
	case HISTORY_OPERATION: return LAST("operation WHERE op = ?2");
	case HISTORY_JOURNAL: return LAST("journal WHERE op = ?2");
	case HISTORY_GRANTS: return LAST("rights WHERE pair = ?1");
	case HISTORY_BOOTS: return LAST("boot WHERE pair = ?1");
	}
	return "";
}

static enum record_kind history_record_kind(enum history_kind kind)
{
	switch (kind) {
	case HISTORY_AUDIT:
	case HISTORY_AUDIT_ALL: return RECORD_AUDIT;
	case HISTORY_OPERATIONS:
	case HISTORY_OPERATIONS_ALL:
	case HISTORY_TIMINGS:
	case HISTORY_OPERATION: return RECORD_OPERATION;
	case HISTORY_JOURNAL: return RECORD_JOURNAL;
	case HISTORY_GRANTS: return RECORD_GRANT;
	case HISTORY_BOOTS: return RECORD_BOOT;
	}
	return RECORD_AUDIT;
}

static const char *column_str(sqlite3_stmt *stmt, int column)
{
	const unsigned char *text = sqlite3_column_text(stmt, column);
	return text ? (const char *)text : "";
}

/* The body is borrowed until the next step. */
static void row_get(sqlite3_stmt *stmt, enum record_kind kind, struct record *rec, struct store_mark *mark)
{
	memset(rec, 0, sizeof(*rec));
	memset(mark, 0, sizeof(*mark));
	rec->kind = kind;
	rec->pair = (uint32_t)sqlite3_column_int64(stmt, 0);
	rec->op = (uint64_t)sqlite3_column_int64(stmt, 1);
	rec->seq = (uint32_t)sqlite3_column_int64(stmt, 2);
	(void)str_copy(rec->key, sizeof(rec->key), column_str(stmt, 3));
	rec->body = column_str(stmt, 4);
	mark->wall_ms = sqlite3_column_int64(stmt, 5);
	if (sqlite3_column_count(stmt) > 6 && sqlite3_column_bytes(stmt, 6) == SHA256_BYTES)
		sha256_hex(sqlite3_column_blob(stmt, 6), mark->hash);
}

/* Takes `stmt` and finalises it. */
static enum err_code rows_get(struct sqlite_store *store, sqlite3_stmt *stmt, enum record_kind kind,
			      struct store_rows *out, struct err *e)
{
	enum err_code rc = ERR_OK;
	int step;
	while ((step = sqlite3_step(stmt)) == SQLITE_ROW) {
		struct record rec;
		struct store_mark mark;
		row_get(stmt, kind, &rec, &mark);
		store_rows_add(out, &rec, &mark);
	}
	if (step != SQLITE_DONE)
		rc = sqlite_fail(store, "read", e);
	sqlite3_finalize(stmt);
	return rc;
}

static enum err_code read_kind(struct sqlite_store *store, enum record_kind kind, struct store_rows *out, struct err *e)
{
	const char *sql = state_sql(kind);
	sqlite3_stmt *stmt;
	if (!sql)
		return ERR_OK;
	enum err_code rc = sqlite_prepare(store, sql, &stmt, e);
	if (rc != ERR_OK)
		return rc;
	if (kind == RECORD_BOOT)
		sqlite3_bind_int64(stmt, 1, STORE_BOOTS_MAX);
	return rows_get(store, stmt, kind, out, e);
}

enum err_code sqlite_store_read_state(struct sqlite_store *store, struct store_rows *out, struct err *e)
{
	enum err_code rc = sqlite_settle(store, e);
	for (int kind = 0; kind < RECORD_KINDS && rc == ERR_OK; kind++)
		rc = read_kind(store, (enum record_kind)kind, out, e);
	if (rc != ERR_OK)
		store_rows_fini(out);
	return rc;
}

/* The journals of the operations that are in `out` already. */
static enum err_code read_journals(struct sqlite_store *store, const struct history_query *query, uint32_t limit,
				   struct store_rows *out, struct err *e)
{
	sqlite3_stmt *stmt;
	enum err_code rc = sqlite_prepare(store,
					  "SELECT " COLUMNS " FROM journal WHERE op IN (SELECT op FROM operation WHERE "
					  "pair = ?1 ORDER BY id DESC LIMIT ?2)" IN_ORDER,
					  &stmt, e);
	if (rc != ERR_OK)
		return rc;
	sqlite3_bind_int64(stmt, 1, query->pair);
	sqlite3_bind_int64(stmt, 2, limit);
	return rows_get(store, stmt, RECORD_JOURNAL, out, e);
}

enum err_code sqlite_store_history(struct sqlite_store *store, const struct history_query *query,
				   struct store_rows *out, struct err *e)
{
	uint32_t limit = query->limit < HISTORY_ROWS_MAX ? query->limit : HISTORY_ROWS_MAX;
	sqlite3_stmt *stmt;
	enum err_code rc = sqlite_settle(store, e);
	if (rc == ERR_OK)
		rc = sqlite_prepare(store, history_sql(query->kind), &stmt, e);
	if (rc != ERR_OK)
		return rc;
	/* A statement without ?1 or ?2 ignores what is bound there. */
	sqlite3_bind_int64(stmt, 1, query->pair);
	sqlite3_bind_int64(stmt, 2, (int64_t)query->op);
	sqlite3_bind_int64(stmt, 3, limit);
	rc = rows_get(store, stmt, history_record_kind(query->kind), out, e);
	if (rc == ERR_OK && query->kind == HISTORY_TIMINGS)
		rc = read_journals(store, query, limit, out, e);
	if (rc != ERR_OK)
		store_rows_fini(out);
	return rc;
}

void audit_walk_init(struct audit_walk *walk, uint32_t pair)
{
	memset(walk, 0, sizeof(*walk));
	walk->pair = pair;
}

static void walk_bad(struct audit_walk *walk, uint32_t seq, const char *what)
{
	walk->done = true;
	walk->bad_seq = seq;
	snprintf(walk->why, sizeof(walk->why), "audit row %u of pair %u %s", walk->bad_seq, walk->pair, what);
}

static void walk_row(struct audit_walk *walk, sqlite3_stmt *stmt)
{
	struct record rec;
	struct store_mark mark;
	uint8_t hash[SHA256_BYTES];
	row_get(stmt, RECORD_AUDIT, &rec, &mark);
	if (rec.seq != walk->rows + 1) {
		walk_bad(walk, walk->rows + 1, "is missing");
		return;
	}
	audit_hash(walk->hash, &rec, mark.wall_ms, hash);
	if (sqlite3_column_bytes(stmt, 6) != SHA256_BYTES ||
	    memcmp(sqlite3_column_blob(stmt, 6), hash, SHA256_BYTES) != 0) {
		walk_bad(walk, walk->rows + 1, "was changed: its hash does not match");
		return;
	}
	memcpy(walk->hash, hash, SHA256_BYTES);
	walk->rows++;
}

/* At the end: does the head, kept apart, know of rows that are gone? */
static enum err_code walk_end(struct sqlite_store *store, struct audit_walk *walk, struct err *e)
{
	sqlite3_stmt *head = store->stmt[STMT_HEAD_GET];
	uint32_t seq = 0;
	uint8_t hash[SHA256_BYTES] = { 0 };
	sqlite3_bind_int64(head, 1, walk->pair);
	int step = sqlite3_step(head);
	if (step == SQLITE_ROW) {
		seq = (uint32_t)sqlite3_column_int64(head, 0);
		if (sqlite3_column_bytes(head, 1) == SHA256_BYTES)
			memcpy(hash, sqlite3_column_blob(head, 1), SHA256_BYTES);
	}
	sqlite3_reset(head);
	if (step != SQLITE_ROW && step != SQLITE_DONE)
		return sqlite_fail(store, "read", e);
	walk->done = true;
	if (seq > walk->rows)
		walk_bad(walk, walk->rows + 1, "is missing");
	else if (seq < walk->rows || memcmp(hash, walk->hash, SHA256_BYTES) != 0)
		walk_bad(walk, walk->rows, "is not the one that the head of the chain names");
	return ERR_OK;
}

enum err_code sqlite_store_audit_verify(struct sqlite_store *store, struct audit_walk *walk, uint32_t max_rows,
					struct err *e)
{
	sqlite3_stmt *stmt;
	enum err_code rc = sqlite_settle(store, e);
	if (rc == ERR_OK)
		rc = sqlite_prepare(store,
				    "SELECT " COLUMNS ", hash FROM audit WHERE pair = ?1 AND seq > ?2 "
				    "ORDER BY seq LIMIT ?3",
				    &stmt, e);
	if (rc != ERR_OK)
		return rc;
	sqlite3_bind_int64(stmt, 1, walk->pair);
	sqlite3_bind_int64(stmt, 2, walk->rows);
	sqlite3_bind_int64(stmt, 3, max_rows);
	uint32_t seen = 0;
	int step = SQLITE_ROW;
	while (!walk->done && (step = sqlite3_step(stmt)) == SQLITE_ROW) {
		walk_row(walk, stmt);
		seen++;
	}
	if (step != SQLITE_ROW && step != SQLITE_DONE)
		rc = sqlite_fail(store, "read", e);
	sqlite3_finalize(stmt);
	if (rc == ERR_OK && !walk->done && seen < max_rows)
		rc = walk_end(store, walk, e);
	return rc;
}
