/*
 * Purpose:   the HTTP surface: views for everybody who may connect, commands over the UNIX socket
 *            only.
 * Not its job: deciding; a command is handed to the loop and its answer is passed on.
 * Thread:    libmicrohttpd's own; start, tick, stop, free: loop.
 * Ownership: http_start takes unix_fd (also after an error); views and ops are borrowed until
 *            http_free.
 * Errors:    ERR_LOCAL, ERR_INVALID from http_start. Clients get application/problem+json.
 * Units:     _ms on CLOCK_BOOTTIME.
 */
#ifndef COLDMX_HTTP_H
#define COLDMX_HTTP_H

#include <sys/types.h>

#include "views.h"

#define HTTP_COMMAND_LIMIT_MS 60000 /* from request to the loop's answer */

/* `rows`: audit records, oldest first; borrowed. err NULL or ERR_OK: they are complete. */
typedef void history_cb(void *arg, const struct err *err, const struct record *rows, size_t n);

/* `json`: complete; borrowed; NULL with an err. */
typedef void timings_cb(void *arg, const struct err *err, const char *json);

/* Thread-safe; each calls back once, from any thread, or never when the controller stops. What they
 * take is copied before they return. */
struct http_ops {
	void (*command)(void *ctx, const struct command *cmd, command_cb *cb, void *arg);
	/* `pair` "": the rows that are of no pair */
	void (*history)(void *ctx, const char *pair, uint32_t limit, history_cb *cb, void *arg);
	void (*timings)(void *ctx, const char *pair, timings_cb *cb, void *arg);
};

struct http_opts {
	struct views *views;
	const struct http_ops *ops;
	void *ops_ctx;
	int unix_fd;          /* listening; -1 = none */
	gid_t group;          /* besides root, members may give commands; (gid_t)-1 = only root */
	const char *tcp_addr; /* loopback, read-only; "" = off */
	uint16_t tcp_port;    /* 0 = the kernel's choice */
};

struct http;

enum err_code http_start(const struct http_opts *opts, struct http **out, struct err *e) NODISCARD;
uint16_t http_tcp_port(const struct http *h); /* 0 = off */
/* At least once a second: requests that wait too long are answered. */
void http_tick(struct http *h, int64_t boot_ms);
/* Answers what waits, ends the threads. NULL is legal. */
void http_stop(struct http *h);
/* After the last call back of ops. NULL is legal. */
void http_free(struct http *h);

/* Binds and listens; replaces a socket that nobody listens on. Mode 0660, group when it is not
 * (gid_t)-1. */
enum err_code http_unix_listen(const char *path, gid_t group, int *fd, struct err *e) NODISCARD;

#endif
