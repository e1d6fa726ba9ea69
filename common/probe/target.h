/*
 * Purpose:   inside the prober: the compact form of probe_opts, and the table that turns ids into targets.
 * Not its job: time, sockets (prober.c).
 * Thread:    the prober's.   Ownership: the table owns the targets; a target's strings lie behind it.
 * Errors:    a target with a bad address is kept and marked `broken`: each round tells it.
 */
#ifndef COLDMX_TARGET_H
#define COLDMX_TARGET_H

#include "due.h"
#include "round.h"

/* One CA file, read when first needed; kept until the prober ends. */
struct target_ca {
	struct target_ca *next;
	struct tls_ctx *ctx; /* NULL: not read yet, or unreadable so far */
	char file[];
};

struct target {
	struct due due; /* first member: due_first() is cast back */
	uint32_t id;
	uint32_t turn; /* counts rounds, so that a late event finds no other round */
	enum probe_kind kind;
	bool reported; /* this round's result was given; only QUIT's answer is awaited */
	bool hurried;  /* the next start is at once, whatever the grid says */
	bool broken;   /* the address is not one */
	struct net_addr to;
	int64_t every_ms, timeout_ms;
	int64_t next_ms; /* start of the next round */
	struct instant started;
	struct round *round;  /* NULL: idle */
	struct target_ca *ca; /* NULL: no TLS */
	result_cb *cb;
	void *arg;
	const char *name, *ehlo, *recipient, *token_name; /* into text */
	char text[];
};

struct target_slot {
	struct target *target; /* NULL: free */
	uint32_t generation;
	uint32_t next_free; /* index + 1; 0 = none */
};

struct target_table {
	struct target_slot *slot;
	uint32_t cap, used, free_head, count;
	struct target_ca *cas;
};

uint32_t target_add(struct target_table *table, const struct probe_opts *opts, struct target **out);
struct target *target_find(const struct target_table *table, uint32_t id); /* NULL: removed */
void target_remove(struct target_table *table, struct target *target);     /* frees it */
void target_table_fini(struct target_table *table);

#endif
