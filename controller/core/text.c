/* Versioned text instead of raw structs: a record written by an older coldmx stays readable. */
#include "text.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/base/mem.h"

bool text_next(const char **at, struct text_line *line)
{
	while (**at) {
		const char *start = *at;
		size_t len = strcspn(start, "\n");
		*at = start + len + (start[len] == '\n');
		const char *eq = memchr(start, '=', len);
		if (!eq || (size_t)(eq - start) >= sizeof(line->key))
			continue;
		memcpy(line->key, start, (size_t)(eq - start));
		line->key[eq - start] = '\0';
		line->value = eq + 1;
		line->value_len = len - (size_t)(eq + 1 - start);
		return true;
	}
	return false;
}

bool text_is(const struct text_line *line, const char *key)
{
	return strcmp(line->key, key) == 0;
}

bool text_copy(const struct text_line *line, char *out, size_t size)
{
	size_t n = line->value_len < size ? line->value_len : size - 1;
	memcpy(out, line->value, n);
	out[n] = '\0';
	return n == line->value_len;
}

bool text_i64(const struct text_line *line, int64_t *out)
{
	char digits[24], *end;
	if (!text_copy(line, digits, sizeof(digits)) || !digits[0])
		return false;
	*out = strtoll(digits, &end, 10);
	return *end == '\0';
}

bool text_u64(const struct text_line *line, uint64_t *out)
{
	char digits[24], *end;
	if (!text_copy(line, digits, sizeof(digits)) || !isdigit((unsigned char)digits[0]))
		return false;
	*out = strtoull(digits, &end, 10);
	return *end == '\0';
}

bool text_find(const char *text, const char *key, char *out, size_t size)
{
	struct text_line line;
	while (text_next(&text, &line))
		if (text_is(&line, key))
			return text_copy(&line, out, size);
	if (size)
		out[0] = '\0';
	return false;
}

void text_put(struct strbuf *out, const char *key, const char *value)
{
	strbuf_adds(out, key);
	strbuf_addc(out, '=');
	for (; *value; value++)
		strbuf_addc(out, iscntrl((unsigned char)*value) ? ' ' : *value);
	strbuf_addc(out, '\n');
}

void text_put_i64(struct strbuf *out, const char *key, int64_t value)
{
	strbuf_addf(out, "%s=%lld\n", key, (long long)value);
}

void text_put_mx_set(struct strbuf *out, const char *key, const struct mx_set *set)
{
	strbuf_addf(out, "%s=%u", key, (unsigned)set->ttl_s);
	for (size_t i = 0; i < set->count; i++)
		strbuf_addf(out, " %u:%s", set->mx[i].preference, set->mx[i].target);
	strbuf_addc(out, '\n');
}

bool text_mx_set(const struct text_line *line, struct mx_set *out)
{
	char copy[MX_SET_MAX * (DOMAIN_MAX + 8) + 16], *save = NULL;
	memset(out, 0, sizeof(*out));
	if (!text_copy(line, copy, sizeof(copy)))
		return false;
	char *word = strtok_r(copy, " ", &save);
	if (!word)
		return false;
	out->ttl_s = (uint32_t)strtoul(word, NULL, 10);
	while ((word = strtok_r(NULL, " ", &save))) {
		char *colon = strchr(word, ':');
		if (!colon || out->count == MX_SET_MAX || strlen(colon + 1) >= DOMAIN_MAX)
			return false;
		struct mx *mx = &out->mx[out->count++];
		mx->preference = (uint16_t)strtoul(word, NULL, 10);
		(void)str_copy(mx->target, sizeof(mx->target), colon + 1);
	}
	return true;
}
