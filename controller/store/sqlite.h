/*
 * Purpose:   the database of one controller: transactions in groups, state for the engine,
 *            history for surfaces.
 * Not its job: threads and callbacks (real/store_port), what the bodies mean.
 * Thread:    one thread from open to close. Every call blocks on the disk.
 * Ownership: sqlite_store_open makes it, sqlite_store_close frees it. Rows are the caller's.
 * Errors:    ERR_STORE (ERR_NOT_FOUND from open: there is no database); the text names the file
 *            and what to do. ERR_BUG: a record that an append kind has already.
 * Units:     wall_ms milliseconds since 1970.
 *
 * While it is open nobody else can use the file, not even to read. The lock is a POSIX lock: this
 * process must never open and close the file by other means, that would drop it.
 */
#ifndef COLDMX_STORE_SQLITE_H
#define COLDMX_STORE_SQLITE_H

#include "../ports.h"
#include "rows.h"

#define HISTORY_ROWS_MAX 10000
#define STORE_BOOTS_MAX 50 /* boots of a pair that QUERY_ALL_STATE gives */

struct sqlite_store;

/* A missing file is made only when `create`; a file that is empty, foreign, damaged, newer or in
 * use is refused. What a killed predecessor left written but not synced is synced before this
 * returns. */
enum err_code sqlite_store_open(const char *path, bool create, struct sqlite_store **out, struct err *e) NODISCARD;
void sqlite_store_close(struct sqlite_store *store); /* NULL is legal */

/* All in one disk transaction, in order; rc[i] is the fate of txn[i]: a FENCED one changes nothing
 * and does not disturb the others; UNKNOWN: the commit's fsync failed, or an append row was there
 * already. `e` has the reason when any is AWAY or UNKNOWN, else it is clear. */
void sqlite_store_apply(struct sqlite_store *store, const struct txn *const *txn, size_t ntxn, enum store_rc *rc,
			struct err *e);

/* QUERY_ALL_STATE of ports.h. */
enum err_code sqlite_store_read_state(struct sqlite_store *store, struct store_rows *out, struct err *e) NODISCARD;

enum history_kind {
	HISTORY_AUDIT,      /* of a pair */
	HISTORY_AUDIT_ALL,  /* of all pairs */
	HISTORY_OPERATIONS, /* of a pair, ended ones too */
	HISTORY_OPERATIONS_ALL,
	HISTORY_OPERATION, /* one, by op */
	HISTORY_JOURNAL,   /* of one operation */
	HISTORY_TIMINGS,   /* the last operations of a pair, then the journals of the same */
	HISTORY_GRANTS,    /* of a pair */
	HISTORY_BOOTS,     /* of a pair */
};

struct history_query {
	enum history_kind kind;
	uint32_t pair;
	uint64_t op;
	uint32_t limit; /* the last so many; at most HISTORY_ROWS_MAX */
};

/* Oldest first. */
enum err_code sqlite_store_history(struct sqlite_store *store, const struct history_query *query,
				   struct store_rows *out, struct err *e) NODISCARD;

/* A walk along one audit chain, in slices, so that commits need not wait for its end. */
struct audit_walk {
	uint32_t pair;
	uint32_t rows; /* good ones so far */
	bool done;
	uint32_t bad_seq;           /* first bad row; 0 = none */
	char why[160];              /* "" = good */
	uint8_t hash[SHA256_BYTES]; /* of the last good row: the head when done and good */
};

void audit_walk_init(struct audit_walk *walk, uint32_t pair);
/* A broken chain is an answer, not an error. */
enum err_code sqlite_store_audit_verify(struct sqlite_store *store, struct audit_walk *walk, uint32_t max_rows,
					struct err *e) NODISCARD;

#endif
