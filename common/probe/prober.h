/*
 * Purpose:   thousands of repeated probes in one private epoll set, under one descriptor.
 * Not its job: judging results (health), one check's dialogue (round.h).
 * Thread:    one owner, the loop; nothing blocks, except the first reading of a CA file.
 * Ownership: prober_new to prober_free; options are copied; results are borrowed for the callback.
 * Errors:    in results. What we cannot do ourselves (descriptors, bad address, CA file, token, our own
 *            loop standing still) is PROBE_LOCAL.
 * Units:     _ms; moments on CLOCK_BOOTTIME, given in as arguments: it reads no clock.
 * BUGS:      a CA file that changes is read again only by a new prober.
 *
 * The owner watches prober_fd for reading, and a timer at prober_next_ms; on either, prober_process.
 * Callbacks run inside prober_process only, and may call add, hurry and remove.
 */
#ifndef COLDMX_PROBER_H
#define COLDMX_PROBER_H

#include "round.h"

#define PROBER_EVERY_MIN_MS 50 /* a shorter interval is taken as this */
#define PROBER_SLOT_MS 50      /* with many targets, starts are gathered into slots */
#define PROBER_SLOT_TARGETS 50 /* what "many" is */
#define PROBER_STALL_MS 500    /* later than this is our own standstill */
#define PROBER_LINGER_MS 1000  /* how long the answer to QUIT is awaited, after the verdict */

struct prober;

struct prober_stats {
	uint32_t targets;
	uint32_t open;    /* sockets */
	uint64_t rounds;  /* started */
	uint64_t skipped; /* rounds whose time came while the one before still ran */
};

/* `token` tells secrets by name; it is called on the loop and keeps none here. */
enum err_code prober_new(round_token_fn *token, void *token_arg, struct prober **out, struct err *e) NODISCARD;
void prober_free(struct prober *p); /* NULL is legal; no callbacks */

int prober_fd(const struct prober *p);
int64_t prober_next_ms(const struct prober *p); /* INT64_MAX: nothing is due */
void prober_process(struct prober *p, struct instant now);

/* First start after every_ms * stagger / 1000, then every every_ms from there; a deadline of
 * timeout_ms from each start; an overrun round is skipped, never queued. Returns the id, > 0. */
uint32_t prober_add(struct prober *p, const struct probe_opts *opts, result_cb *cb, void *arg, int64_t now_ms);
/* From now on every `every_ms`, beginning at once, or when the round under way ends. */
void prober_hurry(struct prober *p, uint32_t id, int64_t every_ms, int64_t now_ms);
void prober_remove(struct prober *p, uint32_t id); /* unknown ids are ignored */

void prober_stats(const struct prober *p, struct prober_stats *out);

#endif
