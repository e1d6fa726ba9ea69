/*
 * Purpose:   the loop thread: libuv, timers on CLOCK_BOOTTIME, the mailbox that other threads post to, signals,
 *            the heartbeat that notices suspension and feeds systemd's watchdog.
 * Not its job: deciding anything (engine).
 * Thread:    loop_run's is "the loop"; loop_mailbox may be posted to from any; everything else loop only.
 * Ownership: loop_free frees timers that never fired, without calling them.
 * Errors:    ERR_LOCAL from loop_new.   Units: _ms on CLOCK_BOOTTIME.
 */
#ifndef COLDMX_LOOP_H
#define COLDMX_LOOP_H

#include <uv.h>

#include "../ports.h"
#include "mailbox.h"

struct loop;

struct loop_events {
	void (*suspended)(void *arg); /* this process slept or a turn was late: samples are worthless */
	void (*stop)(void *arg);      /* SIGTERM or SIGINT */
	void (*beat)(void *arg);      /* twice a second */
	void *arg;
};

enum err_code loop_new(struct loop **out, struct err *e) NODISCARD;
void loop_set_events(struct loop *l, const struct loop_events *events);
void loop_run(struct loop *l);
void loop_stop(struct loop *l);
void loop_free(struct loop *l);
/* Whatever comes in from outside asks this first: a machine that slept must not act on what it knew before. */
void loop_notice_stop(struct loop *l);
struct mailbox *loop_mailbox(struct loop *l);
uv_loop_t *loop_uv(struct loop *l);

extern const struct time_ops loop_time_ops; /* ctx: struct loop */
void loop_random(void *ctx, void *bytes, size_t len);
void loop_log(void *ctx, int level, const char *component, const char *line);

#endif
