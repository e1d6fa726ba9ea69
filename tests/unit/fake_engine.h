/* An engine that only pretends, behind the real views and the real HTTP surface: four pairs in four states, and a
 * failover that goes through its steps in `step_ms` each. For test_cli.c and for looking at one's own output. */
#ifndef COLDMX_FAKE_ENGINE_H
#define COLDMX_FAKE_ENGINE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "../../controller/surface/http.h"
#include "tool_view.h"

enum { FAKE_ALPHA, FAKE_BETA, FAKE_GAMMA, FAKE_DELTA, FAKE_PAIRS };

struct fake {
	struct views *views;
	struct http *http;
	struct pair_view pair[FAKE_PAIRS];
	pthread_mutex_t lock; /* of pair[] */
	pthread_t runner;
	atomic_bool stop;
	bool running;
	atomic_int step_ms, fail_step; /* fail_step: index that gets stuck, -1 = none */
	uint64_t op;
};

static const char *const fake_steps[] = {
	"guard", "boot-order", "power-on", "interlock", "connect", "clock", "harden", "maps", "grant", "start-mail",
	"verify-local", "fence", "open-to-probes", "verify-outside", "readiness", "open-port", "switch-dns",
	"verify-dns", "announce",
};

static inline void fake_publish(struct fake *f, int i)
{
	f->pair[i].built_wall_ms = clock_wall_ms();
	f->pair[i].built_boot_ms = clock_boot_ms();
	views_publish(f->views, &f->pair[i]);
}

static inline void fake_begin_op(struct pair_view *v, uint64_t op, const char *kind)
{
	v->has_op = true;
	v->op = (struct view_op){ .op = op, .began_wall_ms = clock_wall_ms() };
	snprintf(v->op.kind, sizeof(v->op.kind), "%s", kind);
	snprintf(v->op.status, sizeof(v->op.status), "running");
	snprintf(v->op.actor, sizeof(v->op.actor), "root (uid 0)");
	snprintf(v->op.reason, sizeof(v->op.reason), "disk died");
	v->op.nsteps = ARRAY_LEN(fake_steps);
	for (size_t i = 0; i < v->op.nsteps; i++) {
		v->op.step[i].name = fake_steps[i];
		v->op.step[i].took_ms = -1;
		snprintf(v->op.step[i].state, sizeof(v->op.step[i].state), "waiting");
	}
}

static inline void fake_end_step(struct pair_view *v, size_t i, int took_ms)
{
	struct view_step *s = &v->op.step[i];
	snprintf(s->state, sizeof(s->state), "done");
	s->took_ms = took_ms;
	if (strcmp(s->name, "harden") == 0)
		snprintf(s->note, sizeof(s->note), "41/41 controls ok");
	if (strcmp(s->name, "verify-dns") == 0)
		snprintf(s->note, sizeof(s->note), "4 of 4 servers show the new set; old set may be cached for 300 s");
}

static inline void *fake_run(void *arg)
{
	struct fake *f = arg;
	struct pair_view *v = &f->pair[FAKE_BETA];
	int step_ms = f->step_ms;
	struct timespec nap = { .tv_sec = step_ms / 1000, .tv_nsec = step_ms % 1000 * 1000000L };
	for (size_t i = 0; i < ARRAY_LEN(fake_steps) && !atomic_load(&f->stop); i++) {
		pthread_mutex_lock(&f->lock);
		snprintf(v->op.step[i].state, sizeof(v->op.step[i].state), "running");
		v->op.step[i].took_ms = 0;
		fake_publish(f, FAKE_BETA);
		pthread_mutex_unlock(&f->lock);
		nanosleep(&nap, NULL);
		pthread_mutex_lock(&f->lock);
		if ((int)i == f->fail_step) {
			snprintf(v->op.step[i].state, sizeof(v->op.step[i].state), "failed");
			snprintf(v->op.status, sizeof(v->op.status), "stuck");
			err_set(&v->op.err, ERR_CONFLICT, "%s: example.org MX was changed by somebody else", v->op.step[i].name);
			v->state = PAIR_STUCK;
			fake_publish(f, FAKE_BETA);
			pthread_mutex_unlock(&f->lock);
			return NULL;
		}
		fake_end_step(v, i, step_ms);
		v->op.took_ms += step_ms;
		pthread_mutex_unlock(&f->lock);
	}
	if (atomic_load(&f->stop))
		return NULL;
	pthread_mutex_lock(&f->lock);
	snprintf(v->op.status, sizeof(v->op.status), "done");
	v->state = PAIR_PROMOTED;
	fake_publish(f, FAKE_BETA);
	pthread_mutex_unlock(&f->lock);
	return NULL;
}

static inline void fake_end_run(struct fake *f)
{
	atomic_store(&f->stop, true);
	if (f->running)
		pthread_join(f->runner, NULL);
	f->running = false;
	atomic_store(&f->stop, false);
}

static inline void fake_refuse(command_cb *cb, void *arg, const char *rule, const char *hint, const char *why)
{
	struct command_answer a = { .text = "" };
	err_set(&a.err, ERR_BLOCKED, "%s", why);
	(void)str_copy(a.rule, sizeof(a.rule), rule);
	(void)str_copy(a.hint, sizeof(a.hint), hint);
	cb(arg, &a);
}

static inline void fake_command(void *ctx, const struct command *cmd, command_cb *cb, void *arg)
{
	struct fake *f = ctx;
	struct command_answer a = { .text = "" };
	bool beta = strcmp(cmd->pair, "beta") == 0;
	if (strcmp(cmd->pair, "alpha") != 0 && !beta) {
		err_set(&a.err, ERR_NOT_FOUND, "no pair is named \"%s\"", cmd->pair);
		cb(arg, &a);
		return;
	}
	if (cmd->kind == CMD_PLAN || cmd->dry_run)
		a.text = "promote of pair beta, spool mode, epoch 4\n\nSteps\n   1  guard\n\nDNS\n  example.org MX\n"
			 "    now    10 mx1.example.org, 20 mx2.example.org (TTL 300 s)\n"
			 "    then   20 mx1.example.org, 10 mx2.example.org (TTL 300 s)\n";
	if (cmd->kind == CMD_FAILOVER && !cmd->dry_run && !beta) {
		fake_refuse(cb, arg, "up-refuses-failover", "coldmx explain alpha",
			    "the primary answers (probe 3 s ago): a failover would split its mail");
		return;
	}
	if (cmd->kind == CMD_FAILOVER && !cmd->dry_run) {
		fake_end_run(f); /* not under the lock: the run takes it */
		pthread_mutex_lock(&f->lock);
		a.op = ++f->op;
		fake_begin_op(&f->pair[FAKE_BETA], a.op, "promote");
		f->pair[FAKE_BETA].state = PAIR_PROMOTING;
		fake_publish(f, FAKE_BETA);
		f->running = pthread_create(&f->runner, NULL, fake_run, f) == 0;
		pthread_mutex_unlock(&f->lock);
	}
	cb(arg, &a);
}

static inline void fake_history(void *ctx, const char *pair, uint32_t limit, history_cb *cb, void *arg)
{
	(void)ctx;
	(void)pair;
	(void)limit;
	struct record rows[] = {
		{ .seq = 1, .body = "wall_ms=1790000000000\nwho=coldmxd\nwhat=seen-up\nwhy=first seen up\n" },
		{ .seq = 2, .body = "wall_ms=1790000100000\nwho=root (uid 0)\nwhat=hold\nwhy=maintenance \x1b[31mred\n" },
	};
	cb(arg, NULL, rows, ARRAY_LEN(rows));
}

static inline void fake_fill(struct fake *f)
{
	static const char *const names[] = { "alpha", "beta", "gamma", "delta" };
	for (int i = 0; i < FAKE_PAIRS; i++)
		sample_view((uint32_t)i + 1, names[i], &f->pair[i]);
	struct pair_view *b = &f->pair[FAKE_BETA], *g = &f->pair[FAKE_GAMMA], *d = &f->pair[FAKE_DELTA];
	b->state = PAIR_DOWN;
	b->mode = MODE_MANUAL;
	b->verdict = HEALTH_DOWN;
	b->verdict_since_wall_ms = clock_wall_ms() - 200000;
	b->agent_age_ms[HOST_PRIMARY] = 260000;
	snprintf(b->rule, sizeof(b->rule), "down-vetoed");
	snprintf(b->why, sizeof(b->why), "the primary is down, and something forbids to act");
	snprintf(b->trouble, sizeof(b->trouble), "not acting: mode is manual: `coldmx failover beta` acts");
	g->state = PAIR_PROMOTED;
	g->latched = true;
	g->cooldown_left_ms = 3600000;
	g->agent_age_ms[HOST_STANDBY] = 3000;
	g->agent[HOST_STANDBY] = (struct agent_report){ .present = true, .serving = true, .has_right = true, .epoch = 4,
							.queue = 1234, .disk_free_mb = 9000 };
	g->queue_waiting = 1234;
	snprintf(g->accept, sizeof(g->accept), "primary,standby");
	fake_begin_op(g, 11, "promote");
	snprintf(g->op.status, sizeof(g->op.status), "done");
	for (size_t i = 0; i < g->op.nsteps; i++)
		fake_end_step(g, i, 1200);
	g->op.took_ms = 54321;
	d->state = PAIR_STUCK;
	d->verdict = HEALTH_DOWN;
	snprintf(d->unordered_boot, sizeof(d->unordered_boot), "0f6c11d3-1111-4c3b-8f0e-0d0f6f2f6c11");
	fake_begin_op(d, 12, "promote");
	snprintf(d->op.status, sizeof(d->op.status), "stuck");
	for (size_t i = 0; i < 16; i++)
		fake_end_step(d, i, 800);
	snprintf(d->op.step[16].state, sizeof(d->op.step[16].state), "failed");
	d->op.step[16].took_ms = 300;
	err_set(&d->op.err, ERR_CONFLICT, "switch-dns: example.org MX is not what we published: nothing was overwritten");
}

static inline enum err_code fake_start(struct fake *f, const char *socket_path, int step_ms, struct err *e)
{
	static const struct http_ops ops = { fake_command, fake_history };
	struct http_opts opts = { .ops = &ops, .ops_ctx = f, .group = getegid(), .tcp_addr = "" };
	memset(f, 0, sizeof(*f));
	pthread_mutex_init(&f->lock, NULL);
	f->views = views_new(FAKE_PAIRS);
	f->step_ms = step_ms;
	f->fail_step = -1;
	f->op = 20;
	fake_fill(f);
	for (int i = 0; i < FAKE_PAIRS; i++)
		fake_publish(f, i);
	views_heartbeat(f->views, clock_boot_ms(), true);
	opts.views = f->views;
	enum err_code rc = http_unix_listen(socket_path, opts.group, &opts.unix_fd, e);
	return rc == ERR_OK ? http_start(&opts, &f->http, e) : rc;
}

static inline void fake_stop(struct fake *f)
{
	http_stop(f->http);
	fake_end_run(f);
	http_free(f->http);
	views_free(f->views);
	pthread_mutex_destroy(&f->lock);
}

#endif
