/*
 * Purpose:   everything that listens: the status endpoint, the command socket, the agents' listener; started and
 *            stopped as one, joined to the loop by its mailbox.
 * Not its job: a request's meaning (http, agent_api), deciding (engine).
 * Thread:    start, stop, free: loop.   Ownership: options outlive the server.
 * Errors:    ERR_LOCAL, ERR_INVALID from start, naming address or file.
 */
#ifndef COLDMX_SERVER_H
#define COLDMX_SERVER_H

#include "../config.h"
#include "../real/mailbox.h"
#include "../real/store_port.h"
#include "views.h"

struct server;

struct server_opts {
	const struct config *config;
	struct views *views;
	struct engine *engine; /* reached by the mailbox only */
	struct mailbox *loop;
	struct store_port *store;
};

enum err_code server_start(const struct server_opts *opts, struct server **out, struct err *e) NODISCARD;
void server_tick(struct server *s); /* at least once a second: what waits too long is answered */
void server_stop(struct server *s); /* no request is answered any more; NULL is legal */
void server_free(struct server *s); /* NULL is legal */

#endif
