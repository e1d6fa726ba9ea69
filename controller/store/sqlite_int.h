/*
 * Purpose:   what the three files of the SQLite store share.
 * Thread, Ownership, Errors: as sqlite.h.
 */
#ifndef COLDMX_STORE_SQLITE_INT_H
#define COLDMX_STORE_SQLITE_INT_H

#include <sqlite3.h>

#include "sqlite.h"

#define RECORD_KINDS (RECORD_GLOBAL + 1)

enum stmt_id {
	STMT_BEGIN,
	STMT_COMMIT,
	STMT_ROLLBACK,
	STMT_SAVE, /* SAVEPOINT of one transaction of the group */
	STMT_RELEASE,
	STMT_BACK, /* ROLLBACK TO it */
	STMT_EPOCH_GET,
	STMT_EPOCH_PUT,
	STMT_HEAD_GET,
	STMT_HEAD_PUT,
	STMT_JOURNAL_GET,
	STMT_AUDIT,
	STMT_AUDIT_KNOWN,
};
#define STMT_COUNT (STMT_AUDIT_KNOWN + 1)

struct sqlite_store {
	sqlite3 *handle;
	char *path;
	bool unsettled; /* the log may hold frames that no fsync confirmed: see sqlite_settle */
	sqlite3_stmt *stmt[STMT_COUNT];
	sqlite3_stmt *put[RECORD_KINDS]; /* all kinds but AUDIT */
};

/* "database PATH: DOING: reason: what to do"; ERR_STORE. */
enum err_code sqlite_fail(const struct sqlite_store *store, const char *doing, struct err *e);
enum err_code sqlite_run(struct sqlite_store *store, const char *sql, struct err *e) NODISCARD;
enum err_code sqlite_prepare(struct sqlite_store *store, const char *sql, sqlite3_stmt **out, struct err *e) NODISCARD;
enum err_code sqlite_prepare_all(struct sqlite_store *store, struct err *e) NODISCARD;
/* After a commit that failed, and at the start: makes the file hold exactly what a read shows,
 * durably. */
enum err_code sqlite_settle(struct sqlite_store *store, struct err *e) NODISCARD;
const char *sqlite_table_name(enum record_kind kind);

#endif
