/* When the prober starts, skips, hurries and forgets. The sockets lead to a closed port of loopback or to a queue that
 * nobody accepts from; time is a number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <malloc.h>
#include <poll.h>

#include "../../common/base/mem.h"
#include "../../common/probe/due.h"
#include "../../common/probe/prober.h"
#include "loopback.h"

#define START_MS 1000000
#define LOG_MAX 256

struct world {
	struct prober *p;
	struct instant now;
	uint16_t closed_port;
	uint32_t id;
	int count;
	int64_t started[LOG_MAX]; /* since START_MS */
	struct probe_result last;
	int hurries; /* left to do in the callback */
	bool remove;
};

static void on_result(void *arg, uint32_t id, const struct probe_result *result)
{
	struct world *w = arg;

	w->last = *result;
	assert_true(w->count < LOG_MAX);
	w->started[w->count++] = result->started.boot_ms - START_MS;
	if (w->hurries && w->hurries--)
		prober_hurry(w->p, id, 200, w->now.boot_ms);
	if (w->remove) {
		prober_remove(w->p, id);
		prober_remove(w->p, id);
	}
}

static void begin(struct world *w)
{
	struct err e;
	memset(w, 0, sizeof(*w));
	w->now.boot_ms = START_MS;
	close(peer_listen(4, 1, &w->closed_port));
	assert_int_equal(prober_new(NULL, NULL, &w->p, &e), ERR_OK);
}

static struct probe_opts opts(uint16_t port, int64_t every_ms, int64_t timeout_ms, uint32_t stagger)
{
	struct probe_opts o = {
		.kind = PROBE_TCP, .port = port, .every_ms = every_ms, .timeout_ms = timeout_ms, .stagger = stagger
	};
	(void)str_copy(o.addr, sizeof(o.addr), "127.0.0.1");
	return o;
}

static void serve(struct world *w)
{
	struct pollfd pfd = { .fd = prober_fd(w->p), .events = POLLIN };
	prober_process(w->p, w->now);
	while (poll(&pfd, 1, 0) > 0)
		prober_process(w->p, w->now);
}

/* Wakes at each due moment up to `until_ms`; returns how often. */
static int pass(struct world *w, int64_t until_ms)
{
	int wakes = 0;
	while (prober_next_ms(w->p) <= START_MS + until_ms) {
		int64_t next_ms = prober_next_ms(w->p);
		if (next_ms > w->now.boot_ms)
			w->now.boot_ms = next_ms;
		serve(w);
		assert_true(++wakes < 1000);
	}
	w->now.boot_ms = START_MS + until_ms;
	return wakes;
}

static void expect_starts(const struct world *w, int count, const int64_t *starts)
{
	assert_int_equal(w->count, count);
	for (int i = 0; i < count; i++)
		assert_int_equal(w->started[i], starts[i]);
}

static void add(struct world *w, struct probe_opts o)
{
	w->id = prober_add(w->p, &o, on_result, w, w->now.boot_ms);
	assert_true(w->id > 0);
}

static void test_grid(void **state)
{
	struct world w;
	(void)state;
	begin(&w);
	add(&w, opts(w.closed_port, 1000, 500, 250));
	pass(&w, 3500);
	expect_starts(&w, 4, (int64_t[]){ 250, 1250, 2250, 3250 });
	assert_int_equal(w.last.outcome, PROBE_FAIL);
	prober_free(w.p);
}

/* A wake-up that comes 30 ms late shifts nothing. */
static void test_no_drift(void **state)
{
	struct world w;
	(void)state;
	begin(&w);
	add(&w, opts(w.closed_port, 1000, 500, 0));
	for (int i = 0; i < 3; i++) {
		w.now.boot_ms = prober_next_ms(w.p) + 30;
		serve(&w);
	}
	expect_starts(&w, 3, (int64_t[]){ 30, 1030, 2030 });
	assert_int_equal(prober_next_ms(w.p), START_MS + 3000);
	prober_free(w.p);
}

static void test_hurry(void **state)
{
	struct world w;
	(void)state;
	begin(&w);
	add(&w, opts(w.closed_port, 1000, 500, 0));
	pass(&w, 1400);
	prober_hurry(w.p, w.id, 200, w.now.boot_ms);
	pass(&w, 1900);
	expect_starts(&w, 5, (int64_t[]){ 0, 1000, 1400, 1600, 1800 });
	prober_hurry(w.p, w.id + 77, 200, w.now.boot_ms);
	prober_free(w.p);
}

/* From the callback, as the engine does on a first failure. Hurrying for ever must not hold the loop. */
static void test_hurry_inside(void **state)
{
	struct world w;
	(void)state;
	begin(&w);
	w.hurries = 1;
	add(&w, opts(w.closed_port, 1000, 500, 0));
	pass(&w, 500);
	expect_starts(&w, 4, (int64_t[]){ 0, 0, 200, 400 });
	w.hurries = 100000;
	prober_hurry(w.p, w.id, 1000, w.now.boot_ms);
	prober_process(w.p, w.now);
	assert_true(w.count < 10);
	prober_free(w.p);
}

static void test_remove(void **state)
{
	struct world w;
	(void)state;
	begin(&w);
	w.remove = true;
	add(&w, opts(w.closed_port, 1000, 500, 0));
	uint32_t old = w.id;
	pass(&w, 5000);
	assert_int_equal(w.count, 1);
	assert_true(prober_next_ms(w.p) == INT64_MAX);
	/* The slot is used again under another id; the old one reaches nobody. */
	w.remove = false;
	add(&w, opts(w.closed_port, 1000, 500, 500));
	assert_int_not_equal(w.id, old);
	prober_remove(w.p, old);
	pass(&w, 5600);
	assert_int_equal(w.count, 2);
	prober_remove(w.p, 0);
	prober_free(w.p);
}

/* A greeting that never comes, from a queue that nobody accepts from. */
static struct probe_opts silent(uint16_t port, int64_t every_ms, int64_t timeout_ms)
{
	struct probe_opts o = opts(port, every_ms, timeout_ms, 0);
	o.kind = PROBE_SMTP;
	(void)str_copy(o.ehlo, sizeof(o.ehlo), "probe.example.test");
	return o;
}

static void test_overrun(void **state)
{
	struct world w;
	struct prober_stats stats;
	uint16_t port;
	int fd = peer_listen(4, 16, &port);
	(void)state;
	begin(&w);
	add(&w, silent(port, 1000, 2500));
	pass(&w, 5900);
	expect_starts(&w, 2, (int64_t[]){ 0, 3000 });
	prober_stats(w.p, &stats);
	assert_int_equal(stats.skipped, 4);
	assert_int_equal(w.last.took_ms, 2500);
	prober_remove(w.p, w.id);
	prober_stats(w.p, &stats);
	assert_int_equal(stats.open, 0);
	/* As long as the interval is no overrun. */
	w.count = 0;
	w.now.boot_ms = START_MS;
	add(&w, silent(port, 1000, 1000));
	pass(&w, 3500);
	expect_starts(&w, 3, (int64_t[]){ 0, 1000, 2000 });
	prober_free(w.p);
	close(fd);
}

/* Who slept through the deadline knows nothing of the host. */
static void test_stall(void **state)
{
	struct world w;
	uint16_t port;
	int fd = peer_listen(4, 16, &port);
	(void)state;
	begin(&w);
	add(&w, silent(port, 10000, 5000));
	serve(&w);
	w.now.boot_ms += 5000 + PROBER_STALL_MS + 1;
	serve(&w);
	assert_int_equal(w.count, 1);
	assert_int_equal(w.last.outcome, PROBE_LOCAL);
	assert_int_equal(w.last.layer, LAYER_BANNER);
	w.now.boot_ms = prober_next_ms(w.p);
	serve(&w);
	w.now.boot_ms += 5000;
	serve(&w);
	assert_int_equal(w.count, 2);
	assert_int_equal(w.last.outcome, PROBE_FAIL);
	prober_free(w.p);
	close(fd);
}

static void test_slots(void **state)
{
	struct world w;
	(void)state;
	begin(&w);
	for (uint32_t i = 0; i < 100; i++)
		add(&w, opts(w.closed_port, 1000, 500, i * 10));
	/* The first starts of those that came before there were many are where they were. */
	pass(&w, 999);
	int first = w.count;
	assert_in_range(first, 95, 100);
	int wakes = pass(&w, 1999);
	assert_in_range(wakes, 20, 22);
	assert_in_range(w.count - first, 98, 102);
	for (int i = first; i < w.count; i++)
		assert_int_equal((w.started[i] + START_MS) % PROBER_SLOT_MS, 0);
	prober_free(w.p);
}

static void test_memory(void **state)
{
	struct world w;
	struct mallinfo2 before = mallinfo2();
	(void)state;
	begin(&w);
	struct probe_opts o = silent(1, 10000, 5000);
	(void)str_copy(o.name, sizeof(o.name), "mx.some-company.example.test");
	(void)str_copy(o.recipient, sizeof(o.recipient), "coldmx-probe@some-company.example.test");
	for (uint32_t i = 0; i < 10000; i++)
		add(&w, o);
	assert_true(mallinfo2().uordblks - before.uordblks < 5000000);
	prober_free(w.p);
}

static void check_least(const struct due_heap *heap, const struct due *all, size_t n)
{
	const struct due *first = due_first(heap);
	for (size_t i = 0; i < n; i++)
		if (all[i].pos)
			assert_true(first && first->at_ms <= all[i].at_ms);
}

static void test_heap(void **state)
{
	struct due all[64] = { 0 };
	struct due_heap heap = { 0 };
	uint32_t seed = 1;
	(void)state;
	assert_null(due_first(&heap));
	for (int i = 0; i < 20000; i++) {
		seed = seed * 1664525u + 1013904223u;
		struct due *due = &all[seed >> 8 & 63];
		if (seed >> 30)
			due_set(&heap, due, seed >> 14 & 1023);
		else
			due_drop(&heap, due);
		check_least(&heap, all, ARRAY_LEN(all));
	}
	due_fini(&heap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grid),         cmocka_unit_test(test_no_drift), cmocka_unit_test(test_hurry),
		cmocka_unit_test(test_hurry_inside), cmocka_unit_test(test_remove),   cmocka_unit_test(test_overrun),
		cmocka_unit_test(test_stall),        cmocka_unit_test(test_slots),    cmocka_unit_test(test_memory),
		cmocka_unit_test(test_heap),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
