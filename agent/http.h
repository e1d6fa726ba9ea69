/*
 * Purpose:   GET /v1/health and GET /v1/rights over TLS, for whoever shows the token; GET /v1/record for the peer, too.
 * Not its job: what the answers say (report.h).
 * Thread:    start, stop: main; requests are served on threads of libmicrohttpd's own, one an address.
 * Ownership: http_start to http_stop; the report outlives it.
 * Errors:    ERR_LOCAL, ERR_DENIED, ERR_INVALID, naming file or address.
 * BUGS:      a new certificate is taken up at the next start.
 */
#ifndef COLDMX_AGENT_HTTP_H
#define COLDMX_AGENT_HTTP_H

#include "config.h"
#include "report.h"

struct http;

enum err_code http_start(const struct agent_config *c, struct report *report, struct http **out,
			 struct err *e) NODISCARD;
void http_stop(struct http *h); /* NULL is legal */

#endif
