/* Threads of the HTTP library ask, the loop answers: each request is copied, posted to the loop's mailbox, and its
 * answer is passed on from there. */
#include "server.h"

#include <grp.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/base/clock.h"
#include "../../common/base/mem.h"
#include "agent_api.h"
#include "http.h"
#include "timings.h"

#define OPERATORS_GROUP "coldmx"

struct server {
	struct server_opts opts;
	struct http *http;
	struct agent_api *agents;
	bool stopped;
};

/* ---- commands ---- */

struct posted_command {
	struct server *s;
	struct command cmd;
	command_cb *cb;
	void *arg;
};

static void refuse_command(command_cb *cb, void *arg)
{
	struct command_answer a = { .text = "" };
	err_set(&a.err, ERR_CANCELLED, "the controller is stopping");
	cb(arg, &a);
}

static void run_command(void *arg)
{
	struct posted_command *p = arg;
	if (p->s->stopped)
		refuse_command(p->cb, p->arg);
	else
		engine_command(p->s->opts.engine, &p->cmd, p->cb, p->arg);
	free(p);
}

static void ask_command(void *ctx, const struct command *cmd, command_cb *cb, void *arg)
{
	struct server *s = ctx;
	struct posted_command *p = mem_calloc(1, sizeof(*p));
	*p = (struct posted_command){ s, *cmd, cb, arg };
	if (mailbox_try_post(s->opts.loop, run_command, p))
		return;
	free(p);
	refuse_command(cb, arg);
}

/* ---- history ---- */

struct posted_history {
	history_cb *cb;
	void *arg;
};

static void have_history(void *arg, enum store_rc rc, const struct store_rows *rows, const struct err *why)
{
	struct posted_history *p = arg;
	if (rc == STORE_OK)
		p->cb(p->arg, NULL, rows->rec, rows->count);
	else
		p->cb(p->arg, why, NULL, 0);
	free(p);
}

static void ask_history(void *ctx, const char *pair, uint32_t limit, history_cb *cb, void *arg)
{
	struct server *s = ctx;
	struct view *view = pair[0] ? views_find(s->opts.views, pair) : NULL;
	struct history_query query = { .kind = HISTORY_AUDIT, .pair = view ? view->store_id : 0, .limit = limit };
	view_put(view);
	struct posted_history *p = mem_calloc(1, sizeof(*p));
	struct err busy;
	*p = (struct posted_history){ cb, arg };
	bool known = query.pair || !pair[0];
	if (known && store_port_history(s->opts.store, &query, have_history, p))
		return;
	free(p);
	if (known)
		err_set(&busy, ERR_AGAIN, "the store is busy: try again");
	else
		err_set(&busy, ERR_NOT_FOUND, "no pair is named \"%.60s\"", pair);
	cb(arg, &busy, NULL, 0);
}

/* ---- timings ---- */

#define TIMINGS_OPERATIONS 50 /* the last so many: what took long years ago tells nothing */

struct posted_timings {
	const struct config_pair *pair;
	timings_cb *cb;
	void *arg;
};

static void have_timings(void *arg, enum store_rc rc, const struct store_rows *rows, const struct err *why)
{
	struct posted_timings *p = arg;
	struct strbuf text = STRBUF_INIT;
	struct timings_wanted wanted = { p->pair->objective_ms, p->pair->maps_max_age_ms };
	if (rc == STORE_OK) {
		timings_json(p->pair->name, &wanted, rows->rec, rows->count, &text);
		p->cb(p->arg, NULL, strbuf_str(&text));
	} else {
		p->cb(p->arg, why, NULL);
	}
	strbuf_fini(&text);
	free(p);
}

static void ask_timings(void *ctx, const char *name, timings_cb *cb, void *arg)
{
	struct server *s = ctx;
	const struct config_pair *pair = config_pair(s->opts.config, name);
	struct view *view = views_find(s->opts.views, name);
	struct history_query query = { .kind = HISTORY_TIMINGS,
				       .pair = view ? view->store_id : 0,
				       .limit = TIMINGS_OPERATIONS };
	view_put(view);
	struct posted_timings *p = mem_calloc(1, sizeof(*p));
	struct err busy;
	*p = (struct posted_timings){ pair, cb, arg };
	if (pair && query.pair && store_port_history(s->opts.store, &query, have_timings, p))
		return;
	free(p);
	if (pair && query.pair)
		err_set(&busy, ERR_AGAIN, "the store is busy: try again");
	else
		err_set(&busy, ERR_NOT_FOUND, "no pair is named \"%.60s\"", name);
	cb(arg, &busy, NULL);
}

static const struct http_ops ops = { ask_command, ask_history, ask_timings };

static gid_t operators(void)
{
	struct group *group =
		getgrnam(OPERATORS_GROUP); /* NOLINT(concurrency-mt-unsafe): the only caller of getgr*() */
	return group ? group->gr_gid : (gid_t)-1;
}

static enum err_code start_http(struct server *s, struct err *e)
{
	const struct config_global *g = &s->opts.config->global;
	struct http_opts opts = { .views = s->opts.views,
				  .ops = &ops,
				  .ops_ctx = s,
				  .unix_fd = -1,
				  .group = operators(),
				  .tcp_addr = g->http.addr,
				  .tcp_port = g->http.port };
	enum err_code rc = http_unix_listen(g->socket, opts.group, &opts.unix_fd, e);
	return rc ? rc : http_start(&opts, &s->http, e);
}

enum err_code server_start(const struct server_opts *opts, struct server **out, struct err *e)
{
	struct server *s = mem_calloc(1, sizeof(*s));
	s->opts = *opts;
	*out = s;
	enum err_code rc = start_http(s, e);
	if (!rc && opts->config->global.agent_listen.at.addr[0])
		rc = agent_api_start(
			&(struct agent_api_opts){ .config = opts->config, .engine = opts->engine, .loop = opts->loop },
			&s->agents, e);
	return rc;
}

void server_tick(struct server *s)
{
	http_tick(s->http, clock_boot_ms());
	agent_api_tick(s->agents, clock_boot_ms());
}

void server_stop(struct server *s)
{
	if (!s)
		return;
	s->stopped = true;
	http_stop(s->http);
	agent_api_stop(s->agents);
}

void server_free(struct server *s)
{
	if (!s)
		return;
	http_free(s->http);
	agent_api_free(s->agents);
	free(s);
}
