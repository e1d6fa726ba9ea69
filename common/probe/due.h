/*
 * Purpose:   a binary heap of moments: which of many things is due first.
 * Thread:    one owner.   Ownership: entries are embedded in, and owned by, what they belong to.
 * Errors:    none.   Units: at_ms absolute, on whatever clock the owner uses.
 */
#ifndef COLDMX_DUE_H
#define COLDMX_DUE_H

#include <stdint.h>

struct due {
	int64_t at_ms;
	uint32_t pos; /* in the heap, from 1; 0 = not in it */
};

struct due_heap {
	struct due **entry; /* entry[1..count] */
	uint32_t count, cap;
};

void due_fini(struct due_heap *heap);
/* Inserts it, or moves it when it is in already. */
void due_set(struct due_heap *heap, struct due *due, int64_t at_ms);
void due_drop(struct due_heap *heap, struct due *due); /* not in it: nothing */
struct due *due_first(const struct due_heap *heap);    /* NULL: empty */

#endif
