/*
 * Purpose:   one HTTP/1.x response: status and a bounded body. Bytes in, no I/O.
 * Not its job: requests, redirects, compression, chunks (we ask with "Connection: close" and take only
 *            what RFC 9112 6.3 frames by Content-Length or by the end of the connection).
 * Thread:    any (one owner).   Ownership: `body` is the caller's and borrowed; it grows up to body_max.
 * Errors:    ERR_PROTOCOL with words; the parser then takes nothing more.
 */
#ifndef COLDMX_HTTP_REPLY_H
#define COLDMX_HTTP_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/err.h"
#include "../base/strbuf.h"

#define HTTP_LINE_BYTES 1024
#define HTTP_HEAD_LINES 64

enum http_part { HTTP_STATUS, HTTP_HEADERS, HTTP_BODY, HTTP_COMPLETE, HTTP_BROKEN };

struct http_reply {
	enum http_part part;
	int status;     /* 200 to 599 once the status line came */
	int64_t length; /* Content-Length; -1 = until the connection ends */
	size_t body_max;
	struct strbuf *body;
	uint32_t lines;
	uint32_t line_len;
	char line[HTTP_LINE_BYTES];
};

void http_reply_init(struct http_reply *r, struct strbuf *body, size_t body_max);
/* Takes bytes split anywhere. Bytes behind a complete response are ignored. */
enum err_code http_reply_feed(struct http_reply *r, const char *bytes, size_t len, struct err *e) NODISCARD;
/* The connection ended: ERR_PROTOCOL unless the response is complete by that. */
enum err_code http_reply_eof(struct http_reply *r, struct err *e) NODISCARD;
bool http_reply_complete(const struct http_reply *r);

#endif
