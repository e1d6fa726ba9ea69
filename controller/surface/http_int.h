/*
 * Purpose:   what the files http*.c share: a request, its answers, who asks.
 * Thread:    libmicrohttpd's.   Ownership: a request belongs to its connection.
 */
#ifndef COLDMX_HTTP_INT_H
#define COLDMX_HTTP_INT_H

#include <microhttpd.h>

#include "http.h"
#include "parking.h"

#define HTTP_BODY_MAX_BYTES 16384

/* ---- http_answer.c ---- */
enum MHD_Result answer_text(struct MHD_Connection *conn, unsigned status, const char *type, const char *text,
			    size_t len);
/* Takes the bytes; `etag` may be "". 304 when the client has it already. */
enum MHD_Result answer_json(struct MHD_Connection *conn, unsigned status, struct strbuf *text, const char *etag);
/* RFC 9457. `allow` for 405, else NULL. */
enum MHD_Result answer_problem(struct MHD_Connection *conn, unsigned status, const struct err *err, const char *rule,
			       const char *hint, const char *allow);
enum MHD_Result answer_error(struct MHD_Connection *conn, unsigned status, enum err_code code, const char *fmt, ...)
	PRINTF_LIKE(4, 5);
/* The HTTP status that says the same as the code. */
unsigned answer_status(enum err_code code);

/* ---- http_peer.c ---- */
struct http_peer {
	char who[NAME_MAX_LEN]; /* "root (uid 0)" */
	bool may_command;
};
void http_peer_of(struct MHD_Connection *conn, gid_t group, struct http_peer *out);
/* A browser on another site's page may not read us by a name that it made point here. */
bool http_host_ok(const char *host, const char *listen_addr);

/* ---- http_body.c ---- */
/* `action`: "failover"; "brake-lift" and "brake-restore" are of no pair, "". ERR_NOT_FOUND: no such action. ERR_INVALID
 * names the member. */
enum err_code http_parse_command(const char *action, const char *pair, const char *body, size_t len,
				 struct command *out, struct err *e) NODISCARD;

/* ---- http_read.c ---- */
enum MHD_Result http_read_healthz(struct MHD_Connection *conn, struct views *vs);
enum MHD_Result http_read_status(struct MHD_Connection *conn, struct views *vs);
enum MHD_Result http_read_operations(struct MHD_Connection *conn, struct views *vs);
enum MHD_Result http_read_operation(struct MHD_Connection *conn, struct views *vs, const char *id);
enum MHD_Result http_read_pair(struct MHD_Connection *conn, struct views *vs, const char *name, bool explain);
enum MHD_Result http_read_metrics(struct MHD_Connection *conn, struct views *vs);

#endif
