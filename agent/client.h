/*
 * Purpose:   what this host says to its controllers, and what it asks of them and of its peer, over HTTPS with a token.
 * Not its job: when to ask and in which order (consult.h, poller.h), what the answers mean.
 * Thread:    any; blocks until the deadline, or until *stop becomes true.   Ownership: config is borrowed.
 * Errors:    of the last one that was tried: ERR_UNREACH, ERR_TIMEOUT (no answer), ERR_AUTH,
 *            ERR_CONFLICT, ERR_AGAIN (5xx), ERR_FAILED, ERR_LOCAL (token), ERR_PROTOCOL, ERR_CANCELLED.
 * Units:     deadline_ms absolute, on CLOCK_BOOTTIME.
 */
#ifndef COLDMX_AGENT_CLIENT_H
#define COLDMX_AGENT_CLIENT_H

#include <stdatomic.h>

#include "../common/rights.h"
#include "config.h"

struct client {
	const struct agent_config *config;
	int64_t deadline_ms;
	const atomic_bool *stop; /* NULL: nobody stops it */
};

enum err_code client_get_rights(const struct client *c, struct rights_record *out, struct err *e) NODISCARD;
/* The record that the other host keeps. ERR_NOT_FOUND: it has none yet. */
enum err_code client_get_peer(const struct client *c, struct rights_record *out, struct err *e) NODISCARD;
enum err_code client_post_boot(const struct client *c, const char *boot_id, const char *order, struct err *e) NODISCARD;
enum err_code client_put_maps(const struct client *c, const struct strbuf *bundle, struct err *e) NODISCARD;

/* The token file's one line, wiped and freed by the caller. */
enum err_code client_read_token(const char *path, char **out, struct err *e) NODISCARD;

#endif
