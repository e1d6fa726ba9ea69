/*
 * Purpose:   a connection that waits for the loop or the store: suspended, answered once, bounded
 *            by a deadline.
 * Not its job: what is asked and what the answer looks like.
 * Thread:    park, reply: the connection's; done: any, once an asker; tick: loop. One lock
 *            inside.
 * Ownership: a parked connection has two holders, its request and whoever was asked; the last one
 *            frees it.
 * Errors:    an answer that does not come in time is ERR_TIMEOUT, at shutdown ERR_CANCELLED.
 * Units:     deadline_ms on CLOCK_BOOTTIME.
 */
#ifndef COLDMX_PARKING_H
#define COLDMX_PARKING_H

#include <stdbool.h>
#include <stdint.h>

#include "../../common/base/basic.h"
#include "../../common/base/err.h"

struct MHD_Connection;
struct parking;
struct parked;

/* What came back; every asker fills what it knows. */
struct reply {
	struct err err;
	char rule[NAME_MAX_LEN], hint[200];
	uint64_t op;
	bool yes;
	char *text; /* heap; NULL = none */
	char token[40];
};

struct parking *parking_new(void) NODISCARD RETURNS_NONNULL;
/* Answers every waiting connection with ERR_CANCELLED; new ones are answered so at once. Before MHD
 * stops. */
void parking_close(struct parking *p);
/* After the last asker is gone: frees what was asked and never answered. NULL is legal. */
void parking_free(struct parking *p);
/* Answers what waits past its deadline. */
void parking_tick(struct parking *p, int64_t boot_ms);

/* Suspends the connection. Then ask, with the result as the asker's argument. */
struct parked *parking_park(struct parking *p, struct MHD_Connection *conn,
			    int64_t deadline_ms) NODISCARD RETURNS_NONNULL;
/* The asker's one call: takes reply->text. Resumes the connection if it still waits. */
void parked_done(struct parked *q, struct reply *reply);
/* NULL while it waits. */
const struct reply *parked_reply(const struct parked *q);
/* The request is over. NULL is legal. */
void parked_drop(struct parked *q);

#endif
