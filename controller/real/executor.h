/*
 * Purpose:   struct exec_ops on a bounded pool of threads; SSH sessions are kept per (op, host).
 * Not its job: what a verb does (driver/).
 * Thread:    ops, start and stop: loop. Outcomes come back on the loop, by its mailbox; none comes
 *            after executor_stop began.
 * Ownership: a verb is copied into its job; the executor owns jobs, sessions and threads.
 * Errors:    in outcomes: what was cancelled or late while it waited for a thread or a session is
 *            ERR_CANCELLED or ERR_TIMEOUT and was not begun. ERR_LOCAL from start.
 * BUGS:      while every thread is busy, a waiting job's deadline is noticed when one is free;
 *            a verb submitted after its op_ended opens a session that stays until the stop.
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
	void (*close)(struct ssh_session *); /* NULL: ssh_close */
};

enum err_code executor_start(const struct executor_opts *opts, struct executor **out, struct err *e) NODISCARD;
/* Cancels everything, waits for the threads. Outcomes still lie in the loop's mailbox: drain it,
 * then free. */
void executor_stop(struct executor *x);
void executor_free(struct executor *x); /* NULL is legal */

extern const struct exec_ops executor_ops; /* ctx: struct executor */

#endif
