/*
 * Purpose:   struct probe_ops on the prober: its one descriptor and its next moment, watched by libuv.
 * Not its job: probing (common/probe), judging (core/health).
 * Thread:    loop.   Ownership: start to free; stopped before the loop is freed.
 * Errors:    ERR_LOCAL from start.
 */
#ifndef COLDMX_PROBE_PORT_H
#define COLDMX_PROBE_PORT_H

#include "../../common/probe/prober.h"
#include "../ports.h"
#include "loop.h"

struct probe_port;

enum err_code probe_port_start(struct loop *loop, round_token_fn *token, void *token_arg, struct probe_port **out,
			       struct err *e) NODISCARD;
/* No results come any more. Turns the loop once: what its timers call must still be there. NULL is legal. */
void probe_port_stop(struct probe_port *port);
void probe_port_free(struct probe_port *port); /* after the stop, when no calls come any more; NULL is legal */
void probe_port_stats(const struct probe_port *port, struct prober_stats *out);

extern const struct probe_ops probe_port_ops; /* ctx: struct probe_port */

#endif
