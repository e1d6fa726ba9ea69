/*
 * Purpose:   limits over all pairs: automatic promotions a day, and the mass brake (when many primaries
 *            seem to die at once, the controller suspects itself).
 *            A person who knows better lifts both for a while, as a hold does the opposite.
 * Not its job: one pair's latch and cool-down (pair state in engine).
 * Thread:    loop.   Ownership: value.   Units: _ms; days by wall clock.
 */
#ifndef COLDMX_BRAKE_H
#define COLDMX_BRAKE_H

#include "../../common/base/strbuf.h"
#include "../verb.h"
#include "hold.h"

struct brake_opts {
	int per_day;      /* automatic promotions over all pairs */
	int mass_count;   /* so many pairs failing at once ... */
	int mass_percent; /* ... that are also this share of all: the brake holds */
};

struct brake {
	struct brake_opts opts;
	int64_t day; /* wall_ms / 86400000 */
	int used;
	int failing, total; /* pairs SUSPECT or DOWN now, pairs in all */
	struct hold lift;   /* until it expires neither limit holds */
};

void brake_count(struct brake *b, int failing, int total);
void brake_spend(struct brake *b, struct instant now); /* one automatic promotion begins */
/* ERR_OK, or ERR_BLOCKED with value against limit. */
enum err_code brake_check_budget(struct brake *b, struct instant now, struct err *e);
enum err_code brake_check_mass(const struct brake *b, struct instant now, struct err *e);
/* The count of the day; the lift is kept by itself (hold_format). */
void brake_format(const struct brake *b, struct strbuf *out);
void brake_parse(const char *text, struct brake *b);

#endif
