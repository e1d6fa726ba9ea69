/* One escaping writer for everything that leaves as JSON. */
#include "json.h"

#include <inttypes.h>
#include <string.h>

void json_init(struct json *j, struct strbuf *out)
{
	*j = (struct json){ .out = out };
}

/* Length of the UTF-8 sequence at `s`, 0 when it is none (RFC 3629: no surrogates, no overlong
 * forms). */
static size_t utf8_len(const unsigned char *s, size_t left)
{
	size_t len = s[0] < 0x80                   ? 1
		     : s[0] >= 0xc2 && s[0] < 0xe0 ? 2
		     : s[0] >= 0xe0 && s[0] < 0xf0 ? 3
		     : s[0] >= 0xf0 && s[0] < 0xf5 ? 4
						   : 0;
	if (!len || len > left)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
	    (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return len;
}

static void add_escaped(struct strbuf *out, unsigned char c)
{
	switch (c) {
	case '"': strbuf_adds(out, "\\\""); return;
	case '\\': strbuf_adds(out, "\\\\"); return;
	case '\n': strbuf_adds(out, "\\n"); return;
	case '\r': strbuf_adds(out, "\\r"); return;
	case '\t': strbuf_adds(out, "\\t"); return;
	default: strbuf_addf(out, "\\u%04x", c); return;
	}
}

static void add_text(struct strbuf *out, const char *text, size_t len)
{
	size_t plain = 0, i = 0;
	strbuf_addc(out, '"');
	while (i < len) {
		unsigned char c = (unsigned char)text[i];
		size_t n = utf8_len((const unsigned char *)text + i, len - i);
		if (n && c >= ' ' && c != '"' && c != '\\' && c != 0x7f) {
			i += n;
			continue;
		}
		strbuf_add(out, text + plain, i - plain);
		if (n)
			add_escaped(out, c);
		else
			strbuf_adds(out, "\xef\xbf\xbd");
		plain = ++i;
	}
	strbuf_add(out, text + plain, len - plain);
	strbuf_addc(out, '"');
}

static void begin_value(struct json *j, const char *key)
{
	if (j->some[j->depth])
		strbuf_addc(j->out, ',');
	j->some[j->depth] = true;
	if (!key)
		return;
	add_text(j->out, key, strlen(key));
	strbuf_addc(j->out, ':');
}

static void open_level(struct json *j, const char *key, char bracket)
{
	begin_value(j, key);
	BUG_ON(j->depth + 1 >= JSON_DEPTH_MAX);
	j->some[++j->depth] = false;
	strbuf_addc(j->out, bracket);
}

static void close_level(struct json *j, char bracket)
{
	BUG_ON(j->depth == 0);
	j->depth--;
	strbuf_addc(j->out, bracket);
}

void json_open_object(struct json *j, const char *key)
{
	open_level(j, key, '{');
}

void json_close_object(struct json *j)
{
	close_level(j, '}');
}

void json_open_array(struct json *j, const char *key)
{
	open_level(j, key, '[');
}

void json_close_array(struct json *j)
{
	close_level(j, ']');
}

void json_put_string_len(struct json *j, const char *key, const char *value, size_t len)
{
	begin_value(j, key);
	add_text(j->out, value, len);
}

void json_put_string(struct json *j, const char *key, const char *value)
{
	json_put_string_len(j, key, value, strlen(value));
}

void json_put_int(struct json *j, const char *key, int64_t value)
{
	begin_value(j, key);
	strbuf_addf(j->out, "%" PRId64, value);
}

void json_put_uint(struct json *j, const char *key, uint64_t value)
{
	begin_value(j, key);
	strbuf_addf(j->out, "%" PRIu64, value);
}

void json_put_bool(struct json *j, const char *key, bool value)
{
	begin_value(j, key);
	strbuf_adds(j->out, value ? "true" : "false");
}

void json_put_null(struct json *j, const char *key)
{
	begin_value(j, key);
	strbuf_adds(j->out, "null");
}

void json_put_raw(struct json *j, const char *key, const char *text, size_t len)
{
	begin_value(j, key);
	strbuf_add(j->out, text, len);
}
