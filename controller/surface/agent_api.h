/*
 * Purpose:   the agents' own listener (agent_listen): rights, boots, maps; TLS, one token a host.
 * Not its job: what the engine makes of it; a request is posted to the loop and its answer is
 *            passed on.
 * Thread:    libmicrohttpd's own; start, tick, stop, free: loop.
 * Ownership: options outlive it. A push is kept encrypted before the engine hears of it.
 * Errors:    ERR_LOCAL, ERR_INVALID from start, naming address or file. Clients get
 *            application/problem+json.
 * BUGS:      a push that is accepted in the very moment in which the interlock goes on is kept,
 *            and its hash is not the one in the plan: the promotion stops at `maps` and says so.
 *
 *   GET  /v1/agent/PAIR/ROLE/rights   the rights record in force (docs/rights.md)
 *   POST /v1/agent/PAIR/ROLE/boots    two lines: boot_id=..., order=... (empty: unordered)
 *   PUT  /v1/agent/PAIR/primary/maps  a map bundle (docs/maps.md)
 */
#ifndef COLDMX_AGENT_API_H
#define COLDMX_AGENT_API_H

#include "../config.h"
#include "../real/mailbox.h"

struct agent_api;

struct agent_api_opts {
	const struct config *config;
	struct engine *engine; /* reached by the mailbox only */
	struct mailbox *loop;
};

enum err_code agent_api_start(const struct agent_api_opts *opts, struct agent_api **out, struct err *e) NODISCARD;
uint16_t agent_api_port(const struct agent_api *a);
void agent_api_tick(struct agent_api *a, int64_t boot_ms); /* NULL is legal */
void agent_api_stop(struct agent_api *a);                  /* NULL is legal */
void agent_api_free(struct agent_api *a);                  /* after the loop's last turn; NULL is legal */

#endif
