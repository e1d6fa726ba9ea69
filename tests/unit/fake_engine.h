/* An engine that only pretends, behind the real views and the real HTTP surface: four pairs in four
 * states, and a failover that goes through its steps in `step_ms` each. For test_cli.c and for
 * looking at one's own output. */
#ifndef COLDMX_FAKE_ENGINE_H
#define COLDMX_FAKE_ENGINE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "fake_pairs.h"
#include "fake_timings.h"

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

static inline void fake_publish(struct fake *f, int i)
{
	f->pair[i].built_wall_ms = clock_wall_ms();
	f->pair[i].built_boot_ms = clock_boot_ms();
	views_publish(f->views, &f->pair[i]);
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
			err_set(&v->op.err, ERR_CONFLICT, "%s: example.org MX was changed by somebody else",
				v->op.step[i].name);
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

static inline void fake_command(void *ctx, const struct command *cmd, command_cb *cb, void *arg)
{
	struct fake *f = ctx;
	struct command_answer a = { .text = "" };
	bool beta = strcmp(cmd->pair, "beta") == 0;
	bool brake = cmd->kind == CMD_BRAKE_LIFT || cmd->kind == CMD_BRAKE_RESTORE;
	if (strcmp(cmd->pair, "alpha") != 0 && !beta && !brake) {
		err_set(&a.err, ERR_NOT_FOUND, "no pair is named \"%s\"", cmd->pair);
		cb(arg, &a);
		return;
	}
	if (cmd->plan[0] && strcmp(cmd->plan, "0123456789ab-01020304050607") != 0) {
		fake_refuse(cb, arg, "plan-changed", "coldmx plan beta", "not the plan that was read");
		return;
	}
	if (cmd->kind == CMD_PLAN || cmd->dry_run)
		(void)str_copy(a.token, sizeof(a.token), "0123456789ab-01020304050607");
	if (cmd->kind == CMD_PLAN || cmd->dry_run)
		a.text = "promote of pair beta, spool mode, epoch 4\n\nSteps\n   1  guard\n\nDNS\n "
			 " example.org MX\n"
			 "    old    10 mx1.example.org, 20 mx2.example.org (TTL 300 s)\n"
			 "    new    20 mx1.example.org, 10 mx2.example.org (TTL 300 s)\n";
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

static inline enum err_code fake_start(struct fake *f, const char *socket_path, int step_ms, struct err *e)
{
	static const struct http_ops ops = { fake_command, fake_history, fake_timings };
	struct http_opts opts = { .ops = &ops, .ops_ctx = f, .group = getegid(), .tcp_addr = "" };
	memset(f, 0, sizeof(*f));
	pthread_mutex_init(&f->lock, NULL);
	f->views = views_new(FAKE_PAIRS, "/var/lib/coldmx/stranded");
	f->step_ms = step_ms;
	f->fail_step = -1;
	f->op = 20;
	fake_fill(f->pair);
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
