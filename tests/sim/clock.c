/* A binary heap of events. Nothing here knows what time is for. */
#include "clock.h"

#include <stdlib.h>
#include <string.h>

#include "../../common/base/mem.h"

void clock_init(struct clock *c, uint64_t seed)
{
	memset(c, 0, sizeof(*c));
	c->dice = seed * 0x9e3779b97f4a7c15ULL + 1;
}

void clock_fini(struct clock *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->heap[i].data);
	free(c->heap);
	c->heap = NULL;
	c->n = c->cap = 0;
}

static bool before(const struct event *a, const struct event *b)
{
	return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->seq < b->seq;
}

static void swap(struct event *a, struct event *b)
{
	struct event t = *a;
	*a = *b;
	*b = t;
}

static void sift_up(struct clock *c, size_t i)
{
	while (i && before(&c->heap[i], &c->heap[(i - 1) / 2])) {
		swap(&c->heap[i], &c->heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
}

static void sift_down(struct clock *c, size_t i)
{
	for (;;) {
		size_t least = i, left = 2 * i + 1, right = left + 1;
		if (left < c->n && before(&c->heap[left], &c->heap[least]))
			least = left;
		if (right < c->n && before(&c->heap[right], &c->heap[least]))
			least = right;
		if (least == i)
			return;
		swap(&c->heap[i], &c->heap[least]);
		i = least;
	}
}

uint64_t clock_add(struct clock *c, int64_t at_ms, event_fn *fn, void *data, uint32_t life)
{
	if (c->n == c->cap) {
		c->cap = c->cap ? c->cap * 2 : 64;
		c->heap = mem_realloc(c->heap, c->cap, sizeof(*c->heap));
	}
	if (at_ms < c->now_ms)
		at_ms = c->now_ms;
	c->heap[c->n] = (struct event){ at_ms, ++c->seq, fn, data, life };
	sift_up(c, c->n++);
	return c->seq;
}

static void forget(struct event *ev)
{
	free(ev->data);
	ev->data = NULL;
	ev->fn = NULL;
}

void clock_drop(struct clock *c, uint64_t seq)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->heap[i].seq == seq)
			forget(&c->heap[i]);
}

void clock_drop_life(struct clock *c, uint32_t life)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->heap[i].life == life)
			forget(&c->heap[i]);
}

void clock_delay_life(struct clock *c, uint32_t life, int64_t until_ms)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->heap[i].life == life && c->heap[i].at_ms < until_ms)
			c->heap[i].at_ms = until_ms;
	for (size_t i = c->n / 2; i-- > 0;)
		sift_down(c, i);
}

bool clock_run(struct world *w, struct clock *c, int64_t until_ms)
{
	while (c->n && c->heap[0].at_ms <= until_ms) {
		struct event ev = c->heap[0];
		c->heap[0] = c->heap[--c->n];
		sift_down(c, 0);
		if (!ev.fn)
			continue;
		c->now_ms = ev.at_ms;
		c->nran++;
		ev.fn(w, ev.data);
		free(ev.data);
		return true;
	}
	if (c->now_ms < until_ms)
		c->now_ms = until_ms;
	return false;
}

/* splitmix64 */
uint64_t dice_next(uint64_t *dice)
{
	uint64_t z = (*dice += 0x9e3779b97f4a7c15ULL);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

uint32_t dice_roll(uint64_t *dice, uint32_t n)
{
	return n ? (uint32_t)(dice_next(dice) % n) : 0;
}

int64_t dice_span(uint64_t *dice, int64_t from, int64_t to)
{
	return from + (int64_t)(dice_next(dice) % (uint64_t)(to - from + 1));
}
