/*
 * Purpose:   keeps this host of one mind with its controllers, its peer and the marker: asks for the rights, tells boots,
 *            sends a primary's maps.
 * Not its job: HTTP (client.h), the files (state.h, export.h).
 * Thread:    one of its own, from poller_start to poller_stop.   Ownership: config is borrowed.
 * Errors:    logged, each when it begins and when it ends: a silent controller must not fill the journal.
 */
#ifndef COLDMX_AGENT_POLLER_H
#define COLDMX_AGENT_POLLER_H

#include "config.h"

struct poller;

/* NULL in *out when there is nobody to ask. */
enum err_code poller_start(const struct agent_config *c, const char *boot_id, struct poller **out,
			   struct err *e) NODISCARD;
void poller_stop(struct poller *p); /* ends a running request, waits for the thread; NULL is legal */

#endif
