/*
 * Purpose:   bytes in and out of one connected socket, plain or TLS, without ever blocking.
 * Not its job: connecting, waiting, what the bytes mean.
 * Thread:    one owner a stream; a tls_ctx may serve many streams of one thread.
 * Ownership: the stream owns its descriptor and TLS state; net_stream_close releases both.
 *            A tls_ctx outlives its streams (OpenSSL counts references).
 * Errors:    in NET_IO_FAILED: ERR_LOCAL is ours; ERR_PROTOCOL broken TLS; ERR_REFUSED reset.
 * Note:      OpenSSL writes without MSG_NOSIGNAL: the process ignores SIGPIPE.
 */
#ifndef COLDMX_STREAM_H
#define COLDMX_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "../base/err.h"

struct tls_ctx;

enum net_io {
	NET_IO_DONE,
	NET_IO_READ,      /* call again when readable */
	NET_IO_WRITE,     /* call again when writable */
	NET_IO_CLOSED,    /* the peer ended its side */
	NET_IO_UNTRUSTED, /* handshake only: encrypted, but the certificate is not good */
	NET_IO_FAILED,
};

struct net_stream {
	int fd;             /* -1: none */
	struct ssl_st *tls; /* NULL: plain */
	bool drained;       /* the last read emptied the socket: no call until the next wake */
	bool closing;       /* then each read asks until nothing is left */
};

/* Trusts the PEM file `ca_file`, or what the system trusts when it is "". Blocking file read. */
enum err_code net_tls_ctx_new(const char *ca_file, struct tls_ctx **out, struct err *e) NODISCARD;
void net_tls_ctx_free(struct tls_ctx *ctx);

void net_stream_init(struct net_stream *stream, int fd);
void net_stream_close(struct net_stream *stream);
/* The socket may have news: needed after each wake-up, since behind a short read nothing is asked for
 * again until then (epoll(7)). `closing`: an end or an error may lie behind the data (EPOLLRDHUP). */
void net_stream_wake(struct net_stream *stream, bool closing);

/* Client handshake; the first call begins it. Checks the chain, the dates and `name` (RFC 6125;
 * also sent as SNI). UNTRUSTED: only fit for what is no secret; err says what is wrong. */
enum net_io net_stream_secure(struct net_stream *stream, struct tls_ctx *ctx, const char *name,
			      struct err *e) NODISCARD;
/* DONE: *sent > 0 bytes went out, maybe not all. */
enum net_io net_stream_send(struct net_stream *stream, const char *bytes, size_t len, size_t *sent,
			    struct err *e) NODISCARD;
/* DONE: *got > 0 bytes came. */
enum net_io net_stream_recv(struct net_stream *stream, char *bytes, size_t size, size_t *got, struct err *e) NODISCARD;

#endif
