/* 10,000 targets must stay small: probe_opts takes 1.1 KB, a target with its strings some 300
 * bytes. */
#include "target.h"

#include <stdlib.h>
#include <string.h>

#include "../base/mem.h"

#define INDEX_BITS 20u
#define INDEX_MASK ((1u << INDEX_BITS) - 1)

static const char *pack(char **at, const char *s)
{
	char *copy = *at;
	size_t size = strlen(s) + 1;

	memcpy(copy, s, size);
	*at += size;
	return copy;
}

static struct target_ca *find_ca(struct target_table *table, const char *file)
{
	for (struct target_ca *ca = table->cas; ca; ca = ca->next)
		if (strcmp(ca->file, file) == 0)
			return ca;
	size_t size = strlen(file) + 1;
	struct target_ca *ca = mem_calloc(1, sizeof(*ca) + size);
	memcpy(ca->file, file, size);
	ca->next = table->cas;
	table->cas = ca;
	return ca;
}

static struct target *target_new(struct target_table *table, const struct probe_opts *o)
{
	size_t text = strlen(o->name) + strlen(o->ehlo) + strlen(o->recipient) + strlen(o->token_name) + 4;
	struct target *t = mem_calloc(1, sizeof(*t) + text);
	char *at = t->text;

	t->kind = o->kind;
	t->every_ms = o->every_ms;
	t->timeout_ms = o->timeout_ms;
	t->name = pack(&at, o->name);
	t->ehlo = pack(&at, o->ehlo);
	t->recipient = pack(&at, o->recipient);
	t->token_name = pack(&at, o->token_name);
	t->broken = net_addr_parse(o->addr, o->port, &t->to, NULL) != ERR_OK;
	t->ca = o->name[0] ? find_ca(table, o->ca_file) : NULL;
	return t;
}

static uint32_t take_slot(struct target_table *table)
{
	if (table->free_head) {
		uint32_t index = table->free_head - 1;

		table->free_head = table->slot[index].next_free;
		return index;
	}
	if (table->used == table->cap) {
		uint32_t cap = table->cap ? table->cap * 2 : 64;

		table->slot = mem_realloc(table->slot, cap, sizeof(table->slot[0]));
		memset(table->slot + table->cap, 0, (cap - table->cap) * sizeof(table->slot[0]));
		table->cap = cap;
	}
	BUG_ON(table->used >= INDEX_MASK);
	return table->used++;
}

uint32_t target_add(struct target_table *table, const struct probe_opts *opts, struct target **out)
{
	struct target *t = target_new(table, opts);
	uint32_t index = take_slot(table);

	table->slot[index].target = t;
	table->count++;
	t->id = table->slot[index].generation << INDEX_BITS | (index + 1);
	*out = t;
	return t->id;
}

struct target *target_find(const struct target_table *table, uint32_t id)
{
	uint32_t index = (id & INDEX_MASK) - 1;

	if (index >= table->used)
		return NULL;
	struct target *t = table->slot[index].target;
	return t && t->id == id ? t : NULL;
}

void target_remove(struct target_table *table, struct target *target)
{
	uint32_t index = (target->id & INDEX_MASK) - 1;
	struct target_slot *slot = &table->slot[index];

	slot->target = NULL;
	slot->generation++;
	slot->next_free = table->free_head;
	table->free_head = index + 1;
	table->count--;
	free(target);
}

void target_table_fini(struct target_table *table)
{
	for (uint32_t i = 0; i < table->used; i++)
		free(table->slot[i].target);
	free(table->slot);
	while (table->cas) {
		struct target_ca *ca = table->cas;

		table->cas = ca->next;
		net_tls_ctx_free(ca->ctx);
		free(ca);
	}
	memset(table, 0, sizeof(*table));
}
