/*
 * Purpose:   the store's port: what is durable, with the epoch guard, and the faults of a database.
 * Not its job: meaning (engine), promises (ghost.h looks at each commit).
 * Thread:    one.   Ownership: rows own their bodies.   Units: _ms.
 */
#ifndef SIM_STORE_H
#define SIM_STORE_H

#include "../../controller/ports.h"

struct world;

struct store {
	struct record *rows;
	size_t n, cap;
	uint64_t epoch[16]; /* by pair id */
	uint64_t commits;
	int64_t ok_ms; /* when the last commit was answered OK */
};

extern const struct store_ops sim_store_ops;

void store_fini(struct store *s);
/* First durable row of the kind; NULL = none. op and key may be 0 and NULL: any. */
const struct record *store_find(const struct store *s, enum record_kind kind, uint32_t pair, uint64_t op,
				const char *key);

#endif
