/*
 * Purpose:   the rows of an operation's begin and end: its own, the audit trail's, the daily budget's.
 * Not its job: when they are committed (operate.c), the journal's rows (core/journal.h).
 * Thread:    loop.   Ownership: a batch owns its bodies; its records point into them.
 */
#ifndef COLDMX_ENGINE_OPERATE_ROWS_H
#define COLDMX_ENGINE_OPERATE_ROWS_H

#include "internal.h"

struct operate_batch {
	struct strbuf body[5];
	struct record rec[TXN_RECORDS_MAX];
	size_t n;
};

void operate_rows_plan(const struct plan *plan, const char *status, struct strbuf *out);
void operate_rows_add(struct operate_batch *b, size_t body, enum record_kind kind, const struct watched *p,
		      const char *key);
/* The operation's row and what begins or ends with it. */
void operate_rows_operation(struct operate_batch *b, const struct watched *p);
/* What its end means to the pair's machine. */
enum pair_event operate_end_event(const struct operation *o);

#endif
