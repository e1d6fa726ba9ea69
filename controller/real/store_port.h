/*
 * Purpose:   struct store_ops on the SQLite store: a thread of its own, commits gathered into
 *            groups, and the surfaces' history reads.
 * Not its job: SQL (store/), deciding what an AWAY or UNKNOWN means (engine).
 * Thread:    start, stop, the ops, trouble: loop. history and audit: any. Every callback runs on
 *            the loop, by its mailbox, in the order of the calls; never inside the call.
 * Ownership: what a call takes is copied; callback arguments are borrowed for the callback.
 * Errors:    store_rc values; the words go to on_trouble.
 */
#ifndef COLDMX_STORE_PORT_H
#define COLDMX_STORE_PORT_H

#include "../ports.h"
#include "../store/sqlite.h"
#include "mailbox.h"

/* The store's state in words changed: a new reason, or ERR_OK when it works again. */
typedef void store_trouble_cb(void *arg, const struct err *why);
/* rc other than OK: rows is empty, `why` has the reason. */
typedef void store_history_cb(void *arg, enum store_rc rc, const struct store_rows *rows, const struct err *why);
/* `walk` is done when rc is OK; a broken chain is walk->bad_seq and walk->why. */
typedef void audit_cb(void *arg, enum store_rc rc, const struct audit_walk *walk, const struct err *why);

struct store_port_opts {
	const char *path;
	bool create;                  /* make a missing database */
	struct mailbox *loop;         /* outlives the port; drained on the loop */
	store_trouble_cb *on_trouble; /* may be NULL */
	void *trouble_arg;
};

struct store_port;

/* Opens the database on its thread; ops.own says how that went, on_trouble why it failed. */
struct store_port *store_port_start(const struct store_port_opts *opts) NODISCARD RETURNS_NONNULL;
/* Finishes what was asked before, closes the database, joins the thread. The last answers are in
 * the loop's mailbox then: drain it once more, and only then call store_port_free. No calls after
 * stop. */
void store_port_stop(struct store_port *port);
void store_port_free(struct store_port *port);

/* ctx is the struct store_port. */
extern const struct store_ops store_port_ops;

/* False: too much waits already, or the store stopped; no callback comes. */
bool store_port_history(struct store_port *port, const struct history_query *query, store_history_cb *cb, void *arg);
bool store_port_audit_verify(struct store_port *port, uint32_t pair, audit_cb *cb, void *arg);

#endif
