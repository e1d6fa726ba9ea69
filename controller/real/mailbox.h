/*
 * Purpose:   the one lock between threads: a queue of (function, argument) from many posters to
 *            one owner.
 * Not its job: results (they travel as arguments), priorities, more than one consumer.
 * Thread:    post, try_post, close: any. drain, wait: the owner. free: the owner, when no poster
 *            is left.
 * Ownership: an argument belongs to the mailbox from post to its function's call; what was
 *            refused stays with the poster.
 * Errors:    none; a refusal is a value.
 */
#ifndef COLDMX_MAILBOX_H
#define COLDMX_MAILBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "../../common/base/attr.h"

typedef void mail_fn(void *arg);
/* Called when the queue stops being empty, under the lock: cheap, never blocks, posts nothing
 * (uv_async_send). After mailbox_close returned it is not called any more. */
typedef void mailbox_wake(void *arg);

struct mailbox;

/* `limit`: mails that may wait before try_post refuses. wake == NULL: the owner uses
 * mailbox_wait. */
struct mailbox *mailbox_new(size_t limit, mailbox_wake *wake, void *wake_arg) NODISCARD RETURNS_NONNULL;
/* What still waits is dropped without a call: drain first. NULL is legal. */
void mailbox_free(struct mailbox *mb);

/* For answers: their number is bounded by what was asked. False only when closed. */
bool mailbox_post(struct mailbox *mb, mail_fn *fn, void *arg) NODISCARD;
/* For what strangers can cause: false when closed or when `limit` mails wait already. */
bool mailbox_try_post(struct mailbox *mb, mail_fn *fn, void *arg) NODISCARD;

/* Calls, in order and without the lock, what had been posted before the call; returns how many.
 * What these functions post waits for the next drain, so that a loop turn ends. */
size_t mailbox_drain(struct mailbox *mb);
/* Blocks until there is mail (true) or the mailbox is closed and empty (false): an idle worker's
 * wait. */
bool mailbox_wait(struct mailbox *mb);
/* No more posts; wakes the owner. What waits can still be drained. */
void mailbox_close(struct mailbox *mb);

#endif
