/*
 * Purpose:   who is asked which rights are in force: the controllers, the other host's agent, the marker, in this order.
 * Not its job: how they are asked (client.h, common/dns/dns_txt.h), what a host may do then (common/rights.h).
 * Thread:    any; blocks until the deadline, or until `stop` and `cancel_fd` say so.   Ownership: config is borrowed.
 * Errors:    those of client.h, common/dns/dns_tcp.h, state.h. ERR_AUTH: a marker that is not authentic.
 *            ERR_NOT_FOUND: the peer has no record, or the domain no marker: nothing is wrong with that.
 * Units:     deadline_ms absolute, on CLOCK_BOOTTIME.
 */
#ifndef COLDMX_AGENT_CONSULT_H
#define COLDMX_AGENT_CONSULT_H

#include "client.h"

struct consult {
	const struct agent_config *config;
	const char *boot_id;
	const atomic_bool *stop; /* NULL: nobody stops it */
	int cancel_fd;           /* -1: likewise */
};

/* What a controller says is stored, and stands confirmed for this boot. */
enum err_code consult_controllers(const struct consult *c, int64_t deadline_ms, struct err *e) NODISCARD;
/* What these say is stored when its epoch is higher, and is confirmed by nobody. */
enum err_code consult_peer(const struct consult *c, int64_t deadline_ms, struct err *e) NODISCARD;
enum err_code consult_marker(const struct consult *c, int64_t deadline_ms, struct err *e) NODISCARD;

/* The gate: all of them until a controller answers, in one time. What went wrong is printed on standard error. */
void consult_all(const struct consult *c, int64_t deadline_ms);
bool consult_possible(const struct agent_config *c); /* there is somebody to ask */

#endif
