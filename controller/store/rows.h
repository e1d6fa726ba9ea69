/*
 * Purpose:   rows as the store gives them back: records, and beside each when it was written and
 *            its hash.
 * Not its job: SQL.
 * Thread:    any (one owner; it travels from the store thread to the loop).
 * Ownership: keeps copies of the bodies; store_rows_fini frees.
 * Units:     wall_ms milliseconds since 1970.
 */
#ifndef COLDMX_STORE_ROWS_H
#define COLDMX_STORE_ROWS_H

#include "../../common/base/sha256.h"
#include "../verb.h"

struct store_mark {
	int64_t wall_ms;
	char hash[SHA256_HEX_SIZE]; /* audit rows; "" otherwise */
};

struct store_rows {
	struct record *rec;
	struct store_mark *mark; /* mark[i] belongs to rec[i] */
	size_t count, cap;
};

#define STORE_ROWS_INIT                                                                                                \
	{                                                                                                              \
		NULL, NULL, 0, 0                                                                                       \
	}

/* Copies the body. */
void store_rows_add(struct store_rows *rows, const struct record *rec, const struct store_mark *mark);
void store_rows_fini(struct store_rows *rows);

#endif
