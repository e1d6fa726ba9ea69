/* Two listeners, one handler. On the UNIX socket the kernel says who asks; TCP only reads. Paths
 * are split by hand: pair names have no "/" in them. */
#include "http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../common/base/clock.h"
#include "../../common/base/json.h"
#include "../../common/base/log.h"
#include "../../common/base/mem.h"
#include "http_int.h"
#include "status_json.h"

#define CONNECTIONS_MAX 128
#define IDLE_LIMIT_S 30
#define HISTORY_LIMIT 1000

struct listener {
	struct http *h;
	struct MHD_Daemon *daemon;
	bool local; /* the UNIX socket */
};

struct http {
	struct http_opts opts;
	char tcp_addr[ADDR_TEXT_MAX];
	struct listener unix_side, tcp_side;
	struct parking *parking;
};

struct path {
	char part[5][NAME_MAX_LEN * 2]; /* /v1/pairs/N/explain */
	size_t n;
	bool ok;
};

struct request {
	const struct listener *at;
	struct path path;
	struct strbuf body;
	bool too_large;
	struct parked *parked;
	bool reads;                                        /* history, timings: the reply's text is the answer */
	char pair[NAME_MAX_LEN * 2], action[NAME_MAX_LEN]; /* of a command; pair "" = of no pair */
};

static void split_path(const char *url, struct path *p)
{
	p->ok = url[0] == '/';
	while (p->ok && *url) {
		size_t len = strcspn(++url, "/");
		if (p->n == ARRAY_LEN(p->part) || len >= sizeof(p->part[0]) || len == 0) {
			p->ok = false;
			return;
		}
		memcpy(p->part[p->n], url, len);
		p->part[p->n++][len] = '\0';
		url += len;
	}
}

static bool part_is(const struct path *p, size_t i, const char *text)
{
	return i < p->n && strcmp(p->part[i], text) == 0;
}

/* ---- answers from inside ---- */

static void command_answered(void *arg, const struct command_answer *a)
{
	struct reply reply = { .err = a->err, .op = a->op, .text = a->text[0] ? mem_strdup(a->text) : NULL };
	(void)str_copy(reply.rule, sizeof(reply.rule), a->rule);
	(void)str_copy(reply.hint, sizeof(reply.hint), a->hint);
	(void)str_copy(reply.token, sizeof(reply.token), a->token);
	parked_done(arg, &reply);
}

struct history_ask {
	struct parked *parked;
	char pair[NAME_MAX_LEN * 2];
};

static void history_answered(void *arg, const struct err *err, const struct record *rows, size_t n)
{
	struct history_ask *ask = arg;
	struct reply reply = { 0 };
	if (err)
		reply.err = *err;
	if (reply.err.code == ERR_OK) {
		struct strbuf text = STRBUF_INIT;
		status_json_history(ask->pair, rows, n, &text);
		reply.text = strbuf_take(&text);
	}
	parked_done(ask->parked, &reply);
	free(ask);
}

static void timings_answered(void *arg, const struct err *err, const char *json)
{
	struct reply reply = { 0 };
	if (err)
		reply.err = *err;
	else
		reply.text = mem_strdup(json);
	parked_done(arg, &reply);
}

static enum MHD_Result answer_reply(struct MHD_Connection *conn, const struct request *r, const struct reply *reply)
{
	struct strbuf text = STRBUF_INIT;
	struct json j;
	if (reply->err.code)
		return answer_problem(conn, answer_status(reply->err.code), &reply->err, reply->rule, reply->hint,
				      NULL);
	if (r->reads) {
		strbuf_adds(&text, reply->text ? reply->text : "");
		return answer_json(conn, MHD_HTTP_OK, &text, "");
	}
	json_init(&j, &text);
	json_open_object(&j, NULL);
	if (r->pair[0])
		json_put_string(&j, "pair", r->pair);
	else
		json_put_null(&j, "pair");
	json_put_string(&j, "command", r->action);
	if (reply->op)
		json_put_uint(&j, "operation", reply->op);
	else
		json_put_null(&j, "operation");
	json_put_string(&j, "text", reply->text ? reply->text : "");
	json_put_string(&j, "token", reply->token);
	json_close_object(&j);
	return answer_json(conn, reply->op ? MHD_HTTP_ACCEPTED : MHD_HTTP_OK, &text, "");
}

/* ---- requests ---- */

/* `pair` "": the controller's own rows. */
static enum MHD_Result ask_history(struct MHD_Connection *conn, struct request *r, const char *pair)
{
	struct http *h = r->at->h;
	struct view *v = pair[0] ? views_find(h->opts.views, pair) : NULL;
	if (pair[0] && !v)
		return answer_error(conn, MHD_HTTP_NOT_FOUND, ERR_NOT_FOUND, "no pair is named \"%.60s\"", pair);
	view_put(v);
	struct history_ask *ask = mem_calloc(1, sizeof(*ask));
	r->reads = true;
	r->parked = parking_park(h->parking, conn, clock_boot_ms() + HTTP_COMMAND_LIMIT_MS);
	ask->parked = r->parked;
	(void)str_copy(ask->pair, sizeof(ask->pair), pair);
	h->opts.ops->history(h->opts.ops_ctx, pair, HISTORY_LIMIT, history_answered, ask);
	return MHD_YES;
}

static enum MHD_Result ask_timings(struct MHD_Connection *conn, struct request *r, const char *pair)
{
	struct http *h = r->at->h;
	struct view *v = views_find(h->opts.views, pair);
	if (!v)
		return answer_error(conn, MHD_HTTP_NOT_FOUND, ERR_NOT_FOUND, "no pair is named \"%.60s\"", pair);
	view_put(v);
	r->reads = true;
	r->parked = parking_park(h->parking, conn, clock_boot_ms() + HTTP_COMMAND_LIMIT_MS);
	h->opts.ops->timings(h->opts.ops_ctx, pair, timings_answered, r->parked);
	return MHD_YES;
}

/* /v1/pairs/N/COMMAND, or /v1/brake/lift and /v1/brake/restore. */
static bool take_command_path(struct request *r)
{
	const struct path *p = &r->path;
	struct command cmd;
	bool of_pair = p->n == 4 && part_is(p, 0, "v1") && part_is(p, 1, "pairs");
	bool of_brake = p->n == 3 && part_is(p, 0, "v1") && part_is(p, 1, "brake");
	if (of_pair && !str_copy(r->action, sizeof(r->action), p->part[3]))
		return false;
	if (of_pair)
		(void)str_copy(r->pair, sizeof(r->pair), p->part[2]);
	else if (of_brake)
		snprintf(r->action, sizeof(r->action), "brake-%.40s", p->part[2]);
	return (of_pair || of_brake) && http_parse_command(r->action, r->pair, "", 0, &cmd, NULL) == ERR_OK;
}

static enum MHD_Result read_path(struct MHD_Connection *conn, struct request *r)
{
	struct views *vs = r->at->h->opts.views;
	const struct path *p = &r->path;
	if (p->n == 1 && part_is(p, 0, "healthz"))
		return http_read_healthz(conn, vs);
	if (p->n == 1 && part_is(p, 0, "metrics"))
		return http_read_metrics(conn, vs);
	if (p->n == 2 && part_is(p, 0, "v1") && part_is(p, 1, "status"))
		return http_read_status(conn, vs);
	if (p->n == 2 && part_is(p, 0, "v1") && part_is(p, 1, "operations"))
		return http_read_operations(conn, vs);
	if (p->n == 3 && part_is(p, 0, "v1") && part_is(p, 1, "operations"))
		return http_read_operation(conn, vs, p->part[2]);
	if (p->n == 2 && part_is(p, 0, "v1") && part_is(p, 1, "history"))
		return ask_history(conn, r, "");
	if (p->n >= 3 && part_is(p, 0, "v1") && part_is(p, 1, "pairs")) {
		if (p->n == 3)
			return http_read_pair(conn, vs, p->part[2], false);
		if (p->n == 4 && part_is(p, 3, "explain"))
			return http_read_pair(conn, vs, p->part[2], true);
		if (p->n == 4 && part_is(p, 3, "history"))
			return ask_history(conn, r, p->part[2]);
		if (p->n == 4 && part_is(p, 3, "timings"))
			return ask_timings(conn, r, p->part[2]);
	}
	if (take_command_path(r)) {
		struct err err = { 0 };
		err_set(&err, ERR_INVALID, "GET changes nothing: %s is asked for by POST", r->action);
		return answer_problem(conn, MHD_HTTP_METHOD_NOT_ALLOWED, &err, "", "", "POST");
	}
	return answer_error(conn, MHD_HTTP_NOT_FOUND, ERR_NOT_FOUND, "nothing is at this path");
}

static enum MHD_Result give_command(struct MHD_Connection *conn, struct request *r)
{
	struct http *h = r->at->h;
	struct http_peer peer;
	struct command cmd;
	struct err err = { 0 };
	http_peer_of(conn, h->opts.group, &peer);
	if (!peer.may_command)
		return answer_error(conn, MHD_HTTP_FORBIDDEN, ERR_DENIED,
				    "%s is neither root nor in the socket's group", peer.who);
	if (r->too_large)
		return answer_error(conn, MHD_HTTP_CONTENT_TOO_LARGE, ERR_INVALID, "body: more than %d bytes",
				    HTTP_BODY_MAX_BYTES);
	if (http_parse_command(r->action, r->pair, strbuf_str(&r->body), r->body.len, &cmd, &err) != ERR_OK)
		return answer_problem(conn, answer_status(err.code), &err, "", "", NULL);
	(void)str_copy(cmd.who, sizeof(cmd.who), peer.who);
	r->parked = parking_park(h->parking, conn, clock_boot_ms() + HTTP_COMMAND_LIMIT_MS);
	h->opts.ops->command(h->opts.ops_ctx, &cmd, command_answered, r->parked);
	return MHD_YES;
}

static void collect(struct request *r, const char *bytes, size_t len)
{
	if (r->body.len + len > HTTP_BODY_MAX_BYTES)
		r->too_large = true;
	else
		strbuf_add(&r->body, bytes, len);
}

static enum MHD_Result handle(struct MHD_Connection *conn, struct request *r, const char *method)
{
	const struct listener *at = r->at;
	const char *host = MHD_lookup_connection_value(conn, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST);
	if (!at->local && !http_host_ok(host, at->h->tcp_addr))
		return answer_error(conn, MHD_HTTP_MISDIRECTED_REQUEST, ERR_DENIED,
				    "the Host header must name this listener: use http://127.0.0.1:%u/",
				    http_tcp_port(at->h));
	if (!r->path.ok)
		return answer_error(conn, MHD_HTTP_NOT_FOUND, ERR_NOT_FOUND, "nothing is at this path");
	if (strcmp(method, MHD_HTTP_METHOD_GET) == 0 || strcmp(method, MHD_HTTP_METHOD_HEAD) == 0)
		return read_path(conn, r);
	if (strcmp(method, MHD_HTTP_METHOD_POST) != 0 || !take_command_path(r))
		return answer_error(conn, MHD_HTTP_METHOD_NOT_ALLOWED, ERR_INVALID, "only GET is allowed here");
	if (!at->local)
		return answer_error(conn, MHD_HTTP_FORBIDDEN, ERR_DENIED,
				    "commands are taken on the UNIX socket only: use the coldmx command");
	return give_command(conn, r);
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *conn, const char *url, const char *method,
				  const char *version, const char *bytes, size_t *len, void **state)
{
	struct request *r = *state;
	(void)version;
	if (!r) {
		r = mem_calloc(1, sizeof(*r));
		r->at = cls;
		split_path(url, &r->path);
		*state = r;
		return MHD_YES; /* the body, if any, comes first */
	}
	if (*len) {
		collect(r, bytes, *len);
		*len = 0;
		return MHD_YES;
	}
	if (!r->parked)
		return handle(conn, r, method);
	const struct reply *reply = parked_reply(r->parked);
	return reply ? answer_reply(conn, r, reply) : MHD_YES;
}

static void on_completed(void *cls, struct MHD_Connection *conn, void **state, enum MHD_RequestTerminationCode code)
{
	struct request *r = *state;
	(void)cls;
	(void)conn;
	(void)code;
	if (!r)
		return;
	parked_drop(r->parked);
	strbuf_fini(&r->body);
	free(r);
	*state = NULL;
}

static void on_log(void *cls, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

static void on_log(void *cls, const char *fmt, va_list ap)
{
	char text[512];
	(void)cls;
	vsnprintf(text, sizeof(text), fmt, ap);
	text[strcspn(text, "\n")] = '\0';
	log_debug("http", "%s", text);
}

/* ---- life ---- */

static struct MHD_Daemon *start_daemon(struct listener *l, unsigned flags, enum MHD_OPTION how, intptr_t where)
{
	struct MHD_OptionItem listen[] = { { how, how == MHD_OPTION_LISTEN_SOCKET ? where : 0,
					     how == MHD_OPTION_LISTEN_SOCKET ? NULL : (void *)where },
					   { MHD_OPTION_END, 0, NULL } };
	return MHD_start_daemon(
		flags | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG,
		0, NULL, NULL, on_request, l, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL, MHD_OPTION_ARRAY, listen,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_LIMIT_S, MHD_OPTION_END);
}

static enum err_code start_tcp(struct http *h, struct err *e)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(h->opts.tcp_port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(h->opts.tcp_port) };
	bool six = strchr(h->tcp_addr, ':') != NULL;
	if (inet_pton(six ? AF_INET6 : AF_INET, h->tcp_addr, six ? (void *)&v6.sin6_addr : (void *)&v4.sin_addr) != 1)
		return err_set(e, ERR_INVALID, "http: %s is not a literal address", h->tcp_addr);
	h->tcp_side.daemon = start_daemon(&h->tcp_side, six ? MHD_USE_IPv6 : 0, MHD_OPTION_SOCK_ADDR,
					  six ? (intptr_t)&v6 : (intptr_t)&v4);
	if (!h->tcp_side.daemon)
		return err_set(e, ERR_LOCAL, "http: cannot listen on %s port %u: is another program there?",
			       h->tcp_addr, h->opts.tcp_port);
	return ERR_OK;
}

enum err_code http_start(const struct http_opts *opts, struct http **out, struct err *e)
{
	struct http *h = mem_calloc(1, sizeof(*h));
	enum err_code rc = ERR_OK;
	h->opts = *opts;
	h->parking = parking_new();
	h->unix_side = (struct listener){ .h = h, .local = true };
	h->tcp_side = (struct listener){ .h = h };
	(void)str_copy(h->tcp_addr, sizeof(h->tcp_addr), opts->tcp_addr);
	if (opts->unix_fd >= 0) {
		h->unix_side.daemon = start_daemon(&h->unix_side, 0, MHD_OPTION_LISTEN_SOCKET, opts->unix_fd);
		if (!h->unix_side.daemon) {
			close(opts->unix_fd);
			rc = err_set(e, ERR_LOCAL, "http: cannot serve the UNIX socket");
		}
	}
	if (rc == ERR_OK && h->tcp_addr[0])
		rc = start_tcp(h, e);
	if (rc != ERR_OK) {
		http_stop(h);
		http_free(h);
		h = NULL;
	}
	*out = h;
	return rc;
}

uint16_t http_tcp_port(const struct http *h)
{
	const union MHD_DaemonInfo *info =
		h->tcp_side.daemon ? MHD_get_daemon_info(h->tcp_side.daemon, MHD_DAEMON_INFO_BIND_PORT) : NULL;
	return info ? info->port : 0;
}

void http_tick(struct http *h, int64_t boot_ms)
{
	parking_tick(h->parking, boot_ms);
}

void http_stop(struct http *h)
{
	if (!h)
		return;
	parking_close(h->parking);
	if (h->unix_side.daemon)
		MHD_stop_daemon(h->unix_side.daemon);
	if (h->tcp_side.daemon)
		MHD_stop_daemon(h->tcp_side.daemon);
	h->unix_side.daemon = NULL;
	h->tcp_side.daemon = NULL;
}

void http_free(struct http *h)
{
	if (!h)
		return;
	parking_free(h->parking);
	free(h);
}
