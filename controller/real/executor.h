/*
 * Purpose:   struct exec_ops on a bounded pool of threads; SSH sessions are kept per (operation, host).
 * Not its job: what a verb does (driver/).
 * Thread:    ops, start and stop: loop. Outcomes come back on the loop, by its mailbox.
 * Ownership: a verb is copied into its job; the executor owns jobs, sessions and threads.
 * Errors:    in outcomes; ERR_LOCAL from start.
 */
#ifndef COLDMX_EXECUTOR_H
#define COLDMX_EXECUTOR_H

#include "../driver/drivers.h"
#include "../ports.h"
#include "mailbox.h"

struct executor;

struct executor_opts {
	unsigned threads;
	struct mailbox *loop;          /* outlives the executor */
	const struct drivers *drivers; /* outlives the executor */
	/* Performs one verb; drivers_run, or a test's. */
	void (*run)(const struct drivers *, const struct verb *, int cancel_fd, struct ssh_session **kept,
		    struct outcome *);
};

enum err_code executor_start(const struct executor_opts *opts, struct executor **out, struct err *e) NODISCARD;
/* Cancels everything, waits for the threads. Outcomes still lie in the loop's mailbox: drain it, then free. */
void executor_stop(struct executor *x);
void executor_free(struct executor *x);

extern const struct exec_ops executor_ops; /* ctx: struct executor */

#endif
