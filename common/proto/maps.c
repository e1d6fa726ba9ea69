/* Sorted once at the end: the same maps give the same bytes, so their hash tells whether anything changed. */
#include "maps.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "../base/mem.h"
#include "printable.h"

struct entry {
	char *key, *value;
	uint32_t order; /* of arrival: among doubles the first stays */
};

struct list {
	struct entry *items;
	size_t count, cap;
	bool sorted;
};

struct maps {
	struct list section[MAPS_SECTIONS];
};

struct maps *maps_new(void)
{
	return mem_calloc(1, sizeof(struct maps));
}

void maps_free(struct maps *m)
{
	if (!m)
		return;
	for (int s = 0; s < MAPS_SECTIONS; s++) {
		for (size_t i = 0; i < m->section[s].count; i++) {
			free(m->section[s].items[i].key);
			free(m->section[s].items[i].value);
		}
		free(m->section[s].items);
	}
	free(m);
}

static bool text_ok(const char *text)
{
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return false;
	return true;
}

static bool key_ok(enum maps_section section, const char *key)
{
	size_t len = strlen(key);
	if (len == 0 || len > MAPS_LINE_MAX - 3 || !text_ok(key))
		return false;
	switch (section) {
	case MAPS_DOMAINS: return maps_domain_ok(key, len);
	case MAPS_RECIPIENTS:
	case MAPS_ALIASES: return maps_address_ok(key, len);
	case MAPS_TRANSPORT: return key[0] != '[' && key[0] != '#';
	}
	return false;
}

enum err_code maps_add(struct maps *m, enum maps_section section, const char *key, const char *value, struct err *e)
{
	struct list *l = &m->section[section];
	if (!key_ok(section, key)) {
		char shown[80];
		proto_printable(shown, sizeof(shown), key, strlen(key));
		return err_set(e, ERR_INVALID, "\"%s\" cannot stand in [%s]", shown, maps_section_name(section));
	}
	if (!value[0] || !text_ok(value) || strlen(key) + 1 + strlen(value) > MAPS_LINE_MAX)
		value = "ok";
	if (l->count == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 64;
		l->items = mem_realloc(l->items, l->cap, sizeof(*l->items));
	}
	struct entry *entry = &l->items[l->count];
	*entry = (struct entry){ mem_strdup(key), mem_strdup(value), (uint32_t)l->count };
	for (char *c = entry->key; section == MAPS_DOMAINS && *c; c++)
		*c = (char)tolower((unsigned char)*c);
	l->count++;
	l->sorted = false;
	return ERR_OK;
}

static int by_key(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int order = strcasecmp(x->key, y->key);
	return order ? order : (x->order > y->order) - (x->order < y->order);
}

static void sort(struct list *l)
{
	size_t kept = 0;
	if (l->sorted || l->count == 0)
		return;
	qsort(l->items, l->count, sizeof(*l->items), by_key);
	for (size_t i = 1; i < l->count; i++) {
		if (strcasecmp(l->items[kept].key, l->items[i].key) != 0) {
			l->items[++kept] = l->items[i];
			continue;
		}
		free(l->items[i].key);
		free(l->items[i].value);
	}
	l->count = kept + 1;
	l->sorted = true;
}

static int key_against(const void *key, const void *item)
{
	return strcasecmp(key, ((const struct entry *)item)->key);
}

bool maps_has_domain(struct maps *m, const char *address)
{
	struct list *l = &m->section[MAPS_DOMAINS];
	const char *at = strrchr(address, '@');
	sort(l);
	return l->count && bsearch(at ? at + 1 : address, l->items, l->count, sizeof(*l->items), key_against);
}

void maps_each_domain(struct maps *m, void (*each)(void *arg, const char *domain), void *arg)
{
	for (size_t i = 0; i < m->section[MAPS_DOMAINS].count; i++)
		each(arg, m->section[MAPS_DOMAINS].items[i].key);
}

static size_t put_section(struct maps *m, enum maps_section s, struct strbuf *out)
{
	struct list *l = &m->section[s];
	size_t put = 0;
	sort(l);
	if (l->count || s == MAPS_DOMAINS)
		strbuf_addf(out, "[%s]\n", maps_section_name(s));
	for (size_t i = 0; i < l->count; i++) {
		bool address = s == MAPS_RECIPIENTS || s == MAPS_ALIASES;
		if (address && !maps_has_domain(m, l->items[i].key))
			continue;
		strbuf_addf(out, "%s\t%s\n", l->items[i].key, l->items[i].value);
		put++;
	}
	return put;
}

enum err_code maps_format(struct maps *m, const char *pair, struct strbuf *out, struct err *e)
{
	uint8_t hash[SHA256_BYTES];
	char hex[SHA256_HEX_SIZE];
	size_t put[MAPS_SECTIONS];
	strbuf_reset(out);
	strbuf_addf(out, "coldmx-maps 1 %s\n", pair);
	for (int s = 0; s < MAPS_SECTIONS; s++)
		put[s] = put_section(m, (enum maps_section)s, out);
	if (!put[MAPS_DOMAINS])
		return err_set(e, ERR_INVALID, "the recipient maps name no domain");
	if (!put[MAPS_RECIPIENTS] && !put[MAPS_ALIASES])
		return err_set(e, ERR_INVALID, "the recipient maps name no recipient of their domains");
	sha256_of(out->data, out->len, hash);
	sha256_hex(hash, hex);
	strbuf_addf(out, "sha256 %s\n", hex);
	if (out->len > MAPS_BYTES_MAX)
		return err_set(e, ERR_INVALID, "the map bundle has %zu bytes: at most %zu are taken", out->len,
			       MAPS_BYTES_MAX);
	return ERR_OK;
}
