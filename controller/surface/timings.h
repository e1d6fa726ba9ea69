/*
 * Purpose:   how long the steps of a pair's operations took, and what was achieved against what is wanted: read out of the
 *            journal's rows, as JSON (docs/openapi.yaml).
 * Not its job: reading the store (server), text for people (cli).
 * Thread:    any (pure).   Ownership: appends to the caller's text; rows are borrowed.
 * Errors:    none: a row that cannot be read counts for nothing.   Units: _ms.
 */
#ifndef COLDMX_TIMINGS_H
#define COLDMX_TIMINGS_H

#include "../../common/base/strbuf.h"
#include "../verb.h"

struct timings_wanted {
	int64_t time_ms;     /* from the begin of a promotion until the world is told; 0 = none */
	int64_t data_age_ms; /* of what the standby knows, at the begin; 0 = none */
};

/* `rows`: of one pair, operations oldest first, then the journals of the same operations in their order. */
void timings_json(const char *pair, const struct timings_wanted *wanted, const struct record *rows, size_t n,
		  struct strbuf *out);

#endif
