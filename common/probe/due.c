/* See due.h. The root is entry[1], so that a child's parent is its half. */
#include "due.h"

#include <stdlib.h>

#include "../base/mem.h"

void due_fini(struct due_heap *heap)
{
	free(heap->entry);
	*heap = (struct due_heap){ 0 };
}

static void put(struct due_heap *heap, uint32_t pos, struct due *due)
{
	heap->entry[pos] = due;
	due->pos = pos;
}

static void sift(struct due_heap *heap, struct due *due)
{
	uint32_t pos = due->pos;

	while (pos > 1 && heap->entry[pos / 2]->at_ms > due->at_ms) {
		put(heap, pos, heap->entry[pos / 2]);
		pos /= 2;
	}
	for (uint32_t child = pos * 2; child <= heap->count; child = pos * 2) {
		if (child < heap->count && heap->entry[child + 1]->at_ms < heap->entry[child]->at_ms)
			child++;
		if (heap->entry[child]->at_ms >= due->at_ms)
			break;
		put(heap, pos, heap->entry[child]);
		pos = child;
	}
	put(heap, pos, due);
}

void due_set(struct due_heap *heap, struct due *due, int64_t at_ms)
{
	due->at_ms = at_ms;
	if (!due->pos) {
		if (heap->count + 1 >= heap->cap) {
			heap->cap = heap->cap ? heap->cap * 2 : 64;
			heap->entry = mem_realloc(heap->entry, heap->cap, sizeof(heap->entry[0]));
		}
		put(heap, ++heap->count, due);
	}
	sift(heap, due);
}

void due_drop(struct due_heap *heap, struct due *due)
{
	if (!due->pos)
		return;
	struct due *last = heap->entry[heap->count--];
	if (last != due) {
		put(heap, due->pos, last);
		sift(heap, last);
	}
	due->pos = 0;
}

struct due *due_first(const struct due_heap *heap)
{
	return heap->count ? heap->entry[1] : NULL;
}
