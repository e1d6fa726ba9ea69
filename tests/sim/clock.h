/*
 * Purpose:   the simulated time: a queue of events ordered by (time, sequence), and the seeded dice.
 * Not its job: what an event does.
 * Thread:    one.   Ownership: an event owns its data (plain memory, freed after it ran or was dropped).
 * Errors:    none.   Units: _ms since the world began.
 */
#ifndef SIM_CLOCK_H
#define SIM_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct world;

typedef void event_fn(struct world *w, void *data);

struct event {
	int64_t at_ms;
	uint64_t seq; /* also its name */
	event_fn *fn;
	void *data;
	uint32_t life; /* 0: the world's; otherwise it dies with that life of the controller */
};

struct clock {
	int64_t now_ms;
	int64_t boot_base_ms, wall_base_ms; /* what the controller's clocks show beyond now_ms */
	uint64_t seq;
	struct event *heap;
	size_t n, cap;
	uint64_t dice;
	uint64_t nran;
};

void clock_init(struct clock *c, uint64_t seed);
void clock_fini(struct clock *c);
uint64_t clock_add(struct clock *c, int64_t at_ms, event_fn *fn, void *data, uint32_t life);
void clock_drop(struct clock *c, uint64_t seq);
/* What that life would have done before until_ms, it does then. */
void clock_delay_life(struct clock *c, uint32_t life, int64_t until_ms);
void clock_drop_life(struct clock *c, uint32_t life);
/* Runs the next event; false when none is due until `until_ms` (time is then there). */
bool clock_run(struct world *w, struct clock *c, int64_t until_ms);

uint64_t dice_next(uint64_t *dice);
/* 0 .. n-1 */
uint32_t dice_roll(uint64_t *dice, uint32_t n);
int64_t dice_span(uint64_t *dice, int64_t from, int64_t to);

#endif
