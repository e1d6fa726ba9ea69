/* Deadlines are on CLOCK_BOOTTIME, which libuv's timers do not know: due times are kept here in order, and one uv
 * timer wakes for the first of them, at least twice a second, so that a resumed machine catches up at once. */
#include "loop.h"

#include <stdlib.h>
#include <sys/random.h>

#include "../../common/base/clock.h"
#include "../../common/base/log.h"
#include "../../common/base/mem.h"

#define HEARTBEAT_MS 500
#define LATE_MS 5000  /* a turn so late means that we were stopped: heartbeats come twice a second */
#define SLEPT_MS 1000 /* BOOTTIME outran MONOTONIC */
#define MAILBOX_LIMIT 4096

struct loop_timer {
	struct loop_timer *next;
	uint64_t id;
	int64_t due_ms;
	timer_cb *cb;
	void *arg;
};

struct loop {
	uv_loop_t uv;
	uv_async_t async;
	uv_timer_t wake, heart;
	uv_signal_t term, intr;
	struct mailbox *mailbox;
	struct loop_timer *timers; /* ordered by due_ms */
	uint64_t last_id;
	int64_t beat_boot_ms, beat_mono_ms;
	struct loop_events events;
};

static void arm(struct loop *l);

static void fire_due(struct loop *l)
{
	int64_t now_ms = clock_boot_ms();
	while (l->timers && l->timers->due_ms <= now_ms) {
		struct loop_timer *t = l->timers;
		l->timers = t->next;
		t->cb(t->arg);
		free(t);
	}
}

void loop_notice_stop(struct loop *l)
{
	int64_t boot_ms = clock_boot_ms(), mono_ms = clock_mono_ms();
	int64_t boot_step = boot_ms - l->beat_boot_ms, mono_step = mono_ms - l->beat_mono_ms;
	l->beat_boot_ms = boot_ms;
	l->beat_mono_ms = mono_ms;
	if ((boot_step - mono_step > SLEPT_MS || mono_step > LATE_MS) && l->events.suspended)
		l->events.suspended(l->events.arg);
}

static void on_wake(uv_timer_t *timer)
{
	struct loop *l = timer->data;
	loop_notice_stop(l);
	fire_due(l);
	arm(l);
}

static void arm(struct loop *l)
{
	if (!l->timers) {
		uv_timer_stop(&l->wake);
		return;
	}
	int64_t left_ms = l->timers->due_ms - clock_boot_ms();
	if (left_ms < 0)
		left_ms = 0;
	uv_update_time(&l->uv);
	uv_timer_start(&l->wake, on_wake, (uint64_t)(left_ms < HEARTBEAT_MS ? left_ms : HEARTBEAT_MS), 0);
}

static void on_mail(uv_async_t *async)
{
	struct loop *l = async->data;
	loop_notice_stop(l);
	mailbox_drain(l->mailbox);
}

static void wake_loop(void *arg)
{
	struct loop *l = arg;
	uv_async_send(&l->async);
}

static void on_heart(uv_timer_t *timer)
{
	struct loop *l = timer->data;
	loop_notice_stop(l);
	if (l->events.beat)
		l->events.beat(l->events.arg);
}

static void on_signal(uv_signal_t *handle, int signum)
{
	struct loop *l = handle->data;
	(void)signum;
	if (l->events.stop)
		l->events.stop(l->events.arg);
}

enum err_code loop_new(struct loop **out, struct err *e)
{
	struct loop *l = mem_calloc(1, sizeof(*l));
	int rc = uv_loop_init(&l->uv);
	if (rc) {
		free(l);
		return err_set(e, ERR_LOCAL, "event loop: %s", uv_strerror(rc));
	}
	rc = uv_async_init(&l->uv, &l->async, on_mail);
	if (rc) {
		uv_loop_close(&l->uv);
		free(l);
		return err_set(e, ERR_LOCAL, "event loop: %s", uv_strerror(rc));
	}
	uv_timer_init(&l->uv, &l->wake);
	uv_timer_init(&l->uv, &l->heart);
	uv_signal_init(&l->uv, &l->term);
	uv_signal_init(&l->uv, &l->intr);
	l->async.data = l->wake.data = l->heart.data = l->term.data = l->intr.data = l;
	l->mailbox = mailbox_new(MAILBOX_LIMIT, wake_loop, l);
	*out = l;
	return ERR_OK;
}

void loop_set_events(struct loop *l, const struct loop_events *events)
{
	l->events = *events;
}

void loop_run(struct loop *l)
{
	l->beat_boot_ms = clock_boot_ms();
	l->beat_mono_ms = clock_mono_ms();
	uv_timer_start(&l->heart, on_heart, HEARTBEAT_MS, HEARTBEAT_MS);
	uv_signal_start(&l->term, on_signal, SIGTERM);
	uv_signal_start(&l->intr, on_signal, SIGINT);
	uv_run(&l->uv, UV_RUN_DEFAULT);
}

void loop_stop(struct loop *l)
{
	uv_stop(&l->uv);
}

static void close_handle(uv_handle_t *handle, void *arg)
{
	(void)arg;
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	mailbox_close(l->mailbox);
	uv_walk(&l->uv, close_handle, NULL);
	uv_run(&l->uv, UV_RUN_DEFAULT);
	uv_loop_close(&l->uv);
	mailbox_free(l->mailbox);
	while (l->timers) {
		struct loop_timer *t = l->timers;
		l->timers = t->next;
		free(t);
	}
	free(l);
}

struct mailbox *loop_mailbox(struct loop *l)
{
	return l->mailbox;
}

uv_loop_t *loop_uv(struct loop *l)
{
	return &l->uv;
}

static struct instant time_now(void *ctx)
{
	(void)ctx;
	return (struct instant){ clock_boot_ms(), clock_wall_ms() };
}

static uint64_t time_at(void *ctx, int64_t boot_ms, timer_cb *cb, void *arg)
{
	struct loop *l = ctx;
	struct loop_timer *t = mem_calloc(1, sizeof(*t));
	struct loop_timer **at = &l->timers;
	*t = (struct loop_timer){ .id = ++l->last_id, .due_ms = boot_ms, .cb = cb, .arg = arg };
	while (*at && (*at)->due_ms <= boot_ms)
		at = &(*at)->next;
	t->next = *at;
	*at = t;
	if (l->timers == t)
		arm(l);
	return t->id;
}

static void time_drop(void *ctx, uint64_t timer)
{
	struct loop *l = ctx;
	for (struct loop_timer **at = &l->timers; *at; at = &(*at)->next) {
		if ((*at)->id == timer) {
			struct loop_timer *t = *at;
			*at = t->next;
			free(t);
			return;
		}
	}
}

const struct time_ops loop_time_ops = { time_now, time_at, time_drop };

void loop_random(void *ctx, void *bytes, size_t len)
{
	(void)ctx;
	BUG_ON(getrandom(bytes, len, 0) != (ssize_t)len);
}

void loop_log(void *ctx, int level, const char *component, const char *line)
{
	(void)ctx;
	log_line((enum log_level)level, component, "%s", line);
}
