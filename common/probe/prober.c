/* Each target is idle, in a round, or lingering (verdict given, QUIT's answer awaited); its one
 * entry in the heap is what comes next: start, deadline, or end of lingering. Sockets are
 * edge-triggered, one epoll_ctl each: closing takes them out. Sockets are served before deadlines,
 * so that an answer which waited for us in the kernel counts. */
#include "prober.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "../base/mem.h"
#include "target.h"

#define EVENTS_AT_ONCE 128
#define EVENT_ROUNDS 16 /* then the loop gets its turn; the descriptor stays readable */
#define POOL_MAX 256    /* idle rounds kept for reuse */

struct prober {
	int epfd;
	struct target_table table;
	struct due_heap due;
	struct round *pool;
	uint32_t pooled;
	round_token_fn *token;
	void *token_arg;
	struct instant now;
	int64_t stalled_ms; /* when we last noticed that we had stood still */
	struct prober_stats stats;
};

enum err_code prober_new(round_token_fn *token, void *token_arg, struct prober **out, struct err *e)
{
	int epfd = epoll_create1(EPOLL_CLOEXEC);

	*out = NULL;
	if (epfd < 0)
		return err_set_errno(e, ERR_LOCAL, errno, "epoll_create1");
	struct prober *p = mem_calloc(1, sizeof(*p));
	p->epfd = epfd;
	p->token = token;
	p->token_arg = token_arg;
	p->stalled_ms = INT64_MIN;
	*out = p;
	return ERR_OK;
}

static struct round *take_round(struct prober *p)
{
	struct round *r = p->pool;

	if (r) {
		p->pool = r->next;
		p->pooled--;
		return r;
	}
	r = mem_calloc(1, sizeof(*r));
	round_init(r);
	return r;
}

static void free_round(struct round *r)
{
	round_fini(r);
	free(r);
}

/* The round is over or stopped. */
static void release_round(struct prober *p, struct target *t)
{
	struct round *r = t->round;

	t->round = NULL;
	p->stats.open--;
	if (p->pooled >= POOL_MAX) {
		free_round(r);
		return;
	}
	r->next = p->pool;
	p->pool = r;
	p->pooled++;
}

void prober_free(struct prober *p)
{
	if (!p)
		return;
	for (uint32_t i = 0; i < p->table.used; i++) {
		struct target *t = p->table.slot[i].target;

		if (t && t->round) {
			round_stop(t->round);
			release_round(p, t);
		}
	}
	while (p->pool) {
		struct round *r = p->pool;

		p->pool = r->next;
		free_round(r);
	}
	due_fini(&p->due);
	target_table_fini(&p->table);
	close(p->epfd);
	free(p);
}

int prober_fd(const struct prober *p)
{
	return p->epfd;
}

int64_t prober_next_ms(const struct prober *p)
{
	const struct due *first = due_first(&p->due);

	return first ? first->at_ms : INT64_MAX;
}

/* False: the callback removed the target. */
static bool give_result(struct prober *p, struct target *t, const struct probe_result *result)
{
	uint32_t id = t->id;

	t->reported = true;
	t->cb(t->arg, id, result);
	return target_find(&p->table, id) == t;
}

static bool give_local(struct prober *p, struct target *t, const char *why)
{
	struct probe_result result = { .outcome = PROBE_LOCAL, .layer = LAYER_CONNECT };

	result.started = t->started;
	(void)str_copy(result.reason, sizeof(result.reason), why);
	return give_result(p, t, &result);
}

static bool give_verdict(struct prober *p, struct target *t)
{
	const struct round *r = t->round;
	struct probe_result result = { .outcome = r->outcome, .layer = r->layer };

	result.smtp_code = r->code;
	result.started = t->started;
	result.took_ms = p->now.boot_ms - t->started.boot_ms;
	result.hung = r->hung;
	(void)str_copy(result.reason, sizeof(result.reason), r->reason);
	(void)str_copy(result.tls_trouble, sizeof(result.tls_trouble), r->tls_trouble);
	if (r->agent.present)
		result.agent = r->agent;
	return give_result(p, t, &result);
}

/* Many starts in one wake-up cost a fraction of as many wake-ups. */
static int64_t slot_of(const struct prober *p, int64_t at_ms)
{
	if (p->table.count < PROBER_SLOT_TARGETS)
		return at_ms;
	return (at_ms + PROBER_SLOT_MS - 1) / PROBER_SLOT_MS * PROBER_SLOT_MS;
}

/* Sets when an idle target starts next. A start that we missed by more than a slot is not made up
 * for. */
static void await_start(struct prober *p, struct target *t)
{
	int64_t now_ms = p->now.boot_ms;
	int64_t late_ms = now_ms - t->next_ms;

	if (!t->hurried && late_ms > PROBER_SLOT_MS) {
		int64_t missed = late_ms / t->every_ms + 1;

		p->stats.skipped += (uint64_t)missed;
		t->next_ms += missed * t->every_ms;
	}
	due_set(&p->due, &t->due, t->hurried ? t->next_ms : slot_of(p, t->next_ms));
}

static void await_farewell(struct prober *p, struct target *t)
{
	int64_t end_ms = p->now.boot_ms + PROBER_LINGER_MS;
	int64_t deadline_ms = t->started.boot_ms + t->timeout_ms;

	end_ms = end_ms < deadline_ms ? end_ms : deadline_ms;
	due_set(&p->due, &t->due, end_ms < t->next_ms ? end_ms : t->next_ms);
}

/* After a step: gives the verdict once, and finds the next moment. */
static void settle(struct prober *p, struct target *t)
{
	bool over = t->round->part == ROUND_PART_OVER;

	if (t->round->decided && !t->reported && !give_verdict(p, t))
		return;
	if (over) {
		release_round(p, t);
		await_start(p, t);
	} else if (t->reported) {
		await_farewell(p, t);
	}
}

/* NULL with the reason in `e`: our own fault. */
static struct tls_ctx *load_ca(struct target *t, struct err *e)
{
	if (!t->ca->ctx && net_tls_ctx_new(t->ca->file, &t->ca->ctx, e) != ERR_OK)
		return NULL;
	return t->ca->ctx;
}

static enum err_code prepare(struct prober *p, struct target *t, struct round_opts *o, struct err *e)
{
	*o = (struct round_opts){ .kind = t->kind,
				  .to = &t->to,
				  .name = t->name,
				  .ehlo = t->ehlo,
				  .known = t->recipient,
				  .unknown = "",
				  .token_name = t->token_name,
				  .token = p->token,
				  .token_arg = p->token_arg };
	if (t->broken)
		return err_set(e, ERR_INVALID, "the address of this probe is no literal address");
	if (t->kind == PROBE_AGENT && !t->ca)
		return err_set(e, ERR_INVALID, "an agent probe needs a TLS name");
	if (t->ca && t->kind != PROBE_TCP) {
		o->tls = load_ca(t, e);
		if (!o->tls)
			return ERR_LOCAL;
	}
	return ERR_OK;
}

static void start_round(struct prober *p, struct target *t)
{
	struct round_opts opts;
	struct err e;

	t->hurried = false;
	t->reported = false;
	t->started = p->now;
	t->next_ms += t->every_ms;
	t->turn++;
	p->stats.rounds++;
	if (prepare(p, t, &opts, &e) != ERR_OK) {
		if (give_local(p, t, e.text))
			await_start(p, t);
		return;
	}
	t->round = take_round(p);
	p->stats.open++;
	round_start(t->round, &opts);
	due_set(&p->due, &t->due, t->started.boot_ms + t->timeout_ms);
	if (t->round->part != ROUND_PART_OVER) {
		struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
					  .data.u64 = (uint64_t)t->id << 32 | t->turn };
		if (epoll_ctl(p->epfd, EPOLL_CTL_ADD, t->round->stream.fd, &ev) == 0)
			return;
		/* Without an event nothing would ever come: our limit, not the host's silence. */
		round_expire(t->round, "epoll takes no more sockets");
	}
	settle(p, t);
}

static void on_event(struct prober *p, const struct epoll_event *ev)
{
	struct target *t = target_find(&p->table, (uint32_t)(ev->data.u64 >> 32));

	if (!t || !t->round || t->turn != (uint32_t)ev->data.u64)
		return;
	round_step(t->round, (ev->events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0);
	settle(p, t);
}

static void serve_sockets(struct prober *p)
{
	struct epoll_event events[EVENTS_AT_ONCE];

	for (int i = 0; i < EVENT_ROUNDS; i++) {
		int n = epoll_wait(p->epfd, events, EVENTS_AT_ONCE, 0);

		for (int k = 0; k < n; k++)
			on_event(p, &events[k]);
		if (n < EVENTS_AT_ONCE)
			return;
	}
}

static void on_due(struct prober *p, struct target *t)
{
	if (!t->round) {
		start_round(p, t);
	} else if (t->reported) {
		round_stop(t->round);
		release_round(p, t);
		await_start(p, t);
	} else {
		bool stalled = p->stalled_ms >= t->started.boot_ms;

		round_expire(t->round, stalled ? "coldmx itself stood still meanwhile" : NULL);
		settle(p, t);
	}
}

void prober_process(struct prober *p, struct instant now)
{
	const struct due *first = due_first(&p->due);

	p->now = now;
	if (first && now.boot_ms - first->at_ms > PROBER_STALL_MS)
		p->stalled_ms = now.boot_ms;
	serve_sockets(p);
	/* Twice each at most (end of lingering, then start): a callback that hurries must not hold
	 * us here. */
	for (uint32_t left = 2 * p->due.count; left; left--) {
		struct due *due = due_first(&p->due);

		if (!due || due->at_ms > now.boot_ms)
			break;
		on_due(p, (struct target *)due);
	}
}

static int64_t clamp_every(int64_t every_ms)
{
	return every_ms < PROBER_EVERY_MIN_MS ? PROBER_EVERY_MIN_MS : every_ms;
}

uint32_t prober_add(struct prober *p, const struct probe_opts *opts, result_cb *cb, void *arg, int64_t now_ms)
{
	struct target *t;
	uint32_t id = target_add(&p->table, opts, &t);

	t->cb = cb;
	t->arg = arg;
	t->every_ms = clamp_every(opts->every_ms);
	t->next_ms = now_ms + t->every_ms * (int64_t)(opts->stagger % 1000) / 1000;
	due_set(&p->due, &t->due, slot_of(p, t->next_ms));
	return id;
}

void prober_hurry(struct prober *p, uint32_t id, int64_t every_ms, int64_t now_ms)
{
	struct target *t = target_find(&p->table, id);

	if (!t)
		return;
	t->every_ms = clamp_every(every_ms);
	t->next_ms = now_ms;
	t->hurried = true;
	if (!t->round || t->reported)
		due_set(&p->due, &t->due, now_ms);
}

void prober_remove(struct prober *p, uint32_t id)
{
	struct target *t = target_find(&p->table, id);

	if (!t)
		return;
	due_drop(&p->due, &t->due);
	if (t->round) {
		round_stop(t->round);
		release_round(p, t);
	}
	target_remove(&p->table, t);
}

void prober_stats(const struct prober *p, struct prober_stats *out)
{
	*out = p->stats;
	out->targets = p->table.count;
}
