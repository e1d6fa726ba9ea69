/*
 * Purpose:   what the store's test programs share: a scratch directory, one-record transactions,
 *            counting.
 * Thread:    one.   Ownership: static.
 */
#ifndef COLDMX_TEST_STORE_HELP_H
#define COLDMX_TEST_STORE_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../common/base/mem.h"
#include "../../controller/store/sqlite.h"

static char scratch[64];
static char db_path[96];

static UNUSED void remove_file(const char *suffix)
{
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "%s%s", db_path, suffix);
	unlink(path);
}

static UNUSED void remove_db(void)
{
	remove_file("");
	remove_file("-wal");
	remove_file("-journal");
	remove_file(".new");
	remove_file(".new-journal");
}

static UNUSED int scratch_make(void **state)
{
	(void)state;
	/* In memory where possible: what is tested is order, not the disk's patience. */
	snprintf(scratch, sizeof(scratch), "%s/coldmx-test.XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (!mkdtemp(scratch))
		return -1;
	snprintf(db_path, sizeof(db_path), "%s/coldmx.db", scratch);
	return 0;
}

static UNUSED int scratch_remove(void **state)
{
	(void)state;
	remove_db();
	return rmdir(scratch);
}

static UNUSED struct record rec(enum record_kind kind, uint32_t pair, uint64_t op, uint32_t seq, const char *key,
				const char *body)
{
	struct record r = { .kind = kind, .pair = pair, .op = op, .seq = seq, .body = body };
	(void)str_copy(r.key, sizeof(r.key), key);
	return r;
}

static UNUSED enum store_rc put(struct sqlite_store *store, struct guard guard, struct record r)
{
	struct txn txn = { .guard = guard, .rec = &r, .nrec = 1 };
	const struct txn *group = &txn;
	enum store_rc rc;
	struct err e;
	sqlite_store_apply(store, &group, 1, &rc, &e);
	return rc;
}

static UNUSED struct sqlite_store *open_ok(bool create)
{
	struct sqlite_store *store = NULL;
	struct err e = { 0 };
	if (sqlite_store_open(db_path, create, &store, &e) != ERR_OK)
		fail_msg("%s", e.text);
	return store;
}

/* How many rows of a kind the engine would read. */
static UNUSED size_t count_kind(struct sqlite_store *store, enum record_kind kind)
{
	struct store_rows rows = STORE_ROWS_INIT;
	struct err e;
	size_t n = 0;
	assert_int_equal(sqlite_store_read_state(store, &rows, &e), ERR_OK);
	for (size_t i = 0; i < rows.count; i++)
		n += rows.rec[i].kind == kind;
	store_rows_fini(&rows);
	return n;
}

#endif
