/*
 * Purpose:   all that the deciding code can do to the world. Real: real/. Simulated: tests/sim/.
 * Thread:    loop only; nothing here blocks, and nothing completes inside the call.
 * Ownership: what a call takes is copied before it returns; callback arguments are borrowed
 *            for the callback.
 * Errors:    values in the callbacks.   Units: _ms; deadlines on CLOCK_BOOTTIME.
 */
#ifndef COLDMX_PORTS_H
#define COLDMX_PORTS_H

#include "../common/probe/probe.h"
#include "verb.h"

enum store_rc {
	STORE_OK,
	STORE_FENCED,  /* a higher epoch is stored for the pair: nothing was written */
	STORE_AWAY,    /* nothing was written; the store does not answer */
	STORE_UNKNOWN, /* written or not: read before going on */
};

struct txn {
	struct guard guard; /* epoch: FENCED when the stored epoch of the pair is higher */
	const struct record *rec;
	size_t nrec;
};

enum query_kind {
	QUERY_ALL_STATE, /* PAIR, HOLD, GLOBAL of all, open OPERATIONs and their JOURNAL, STRANDED, BOOT */
};

struct query {
	enum query_kind kind;
};

typedef void commit_cb(void *arg, enum store_rc rc);
/* rows: ordered by kind, pair, op, seq; borrowed. rc other than OK: no rows. */
typedef void rows_cb(void *arg, enum store_rc rc, const struct record *rows, size_t nrows);
typedef void owner_cb(void *arg, bool won);

struct store_ops {
	void (*commit)(void *ctx, const struct txn *txn, commit_cb *cb, void *arg);
	void (*read)(void *ctx, const struct query *query, rows_cb *cb, void *arg);
	void (*own)(void *ctx, owner_cb *cb, void *arg);
};

typedef void outcome_cb(void *arg, uint64_t ticket, const struct outcome *outcome);

struct exec_ops {
	/* Keeps SSH sessions per (op, host). Ticket is never 0. */
	uint64_t (*submit)(void *ctx, const struct verb *verb, outcome_cb *cb, void *arg);
	void (*cancel)(void *ctx, uint64_t ticket); /* the outcome still arrives */
	void (*op_ended)(void *ctx, uint64_t op);   /* sessions kept for it may close */
};

struct probe_ops {
	uint32_t (*add)(void *ctx, const struct probe_opts *opts, result_cb *cb, void *arg); /* id > 0 */
	void (*hurry)(void *ctx, uint32_t id, int64_t every_ms);                             /* next start at once */
	void (*remove)(void *ctx, uint32_t id); /* no callback afterwards */
};

typedef void timer_cb(void *arg);

struct time_ops {
	struct instant (*now)(void *ctx);
	uint64_t (*at)(void *ctx, int64_t boot_ms, timer_cb *cb, void *arg); /* timer > 0, fires once */
	void (*drop)(void *ctx, uint64_t timer);
};

struct ports {
	const struct store_ops *store;
	void *store_ctx;
	const struct exec_ops *exec;
	void *exec_ctx;
	const struct probe_ops *probe;
	void *probe_ctx;
	const struct time_ops *time;
	void *time_ctx;
	void (*random)(void *ctx, void *bytes, size_t len); /* nonces */
	void *random_ctx;
	void (*log)(void *ctx, int level, const char *component, const char *line);
	void *log_ctx;
};

const char *store_rc_name(enum store_rc rc);

#endif
