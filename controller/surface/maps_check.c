/* Line by line; the last line's hash covers all bytes above it. Duplicate keys are left to `maps put`, which sorts. */
#include "maps_check.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define LINE_MAX_BYTES 4096

enum section { SECTION_NONE, SECTION_DOMAINS, SECTION_RECIPIENTS, SECTION_ALIASES, SECTION_TRANSPORT };
static const char *const section_names[] = { "", "[domains]", "[recipients]", "[aliases]", "[transport]" };

struct walk {
	enum section section;
	unsigned seen; /* bits of sections */
	unsigned line;
	struct maps_info *info;
	struct err *e;
};

static enum err_code fail(const struct walk *w, const char *what)
{
	return err_set(w->e, ERR_INVALID, "map bundle line %u: %s", w->line, what);
}

static bool is_text(const char *line, size_t len, const char *text)
{
	return strlen(text) == len && memcmp(line, text, len) == 0;
}

static enum err_code enter_section(struct walk *w, const char *line, size_t len)
{
	for (enum section s = SECTION_DOMAINS; s <= SECTION_TRANSPORT; s++) {
		if (!is_text(line, len, section_names[s]))
			continue;
		if (w->seen & (1u << s))
			return fail(w, "this section is there twice");
		if (!w->seen && s != SECTION_DOMAINS)
			return fail(w, "[domains] comes first");
		w->seen |= 1u << s;
		w->section = s;
		return ERR_OK;
	}
	return fail(w, "no such section");
}

static enum err_code take_line(struct walk *w, const char *line, size_t len)
{
	if (len == 0)
		return fail(w, "empty");
	if (len > LINE_MAX_BYTES)
		return fail(w, "longer than 4096 bytes");
	for (size_t i = 0; i < len; i++)
		if (((unsigned char)line[i] < ' ' && line[i] != '\t') || line[i] == 0x7f)
			return fail(w, "control character");
	if (line[0] == '[' && line[len - 1] == ']')
		return enter_section(w, line, len);
	const char *tab = memchr(line, '\t', len);
	if (!tab || tab == line || tab == line + len - 1 || memchr(tab + 1, '\t', (size_t)(line + len - tab - 1)))
		return fail(w, "an entry is KEY, one tab, VALUE");
	if (w->section == SECTION_NONE)
		return fail(w, "an entry outside of a section");
	w->info->domains += w->section == SECTION_DOMAINS;
	w->info->recipients += w->section == SECTION_RECIPIENTS;
	return ERR_OK;
}

static enum err_code check_head(const struct walk *w, const char *line, size_t len, const char *pair)
{
	char want[160];
	snprintf(want, sizeof(want), "coldmx-maps 1 %s", pair);
	if (is_text(line, len, want))
		return ERR_OK;
	return err_set(w->e, ERR_INVALID, "map bundle line 1: must be \"%.120s\": another version, or maps of another "
					  "pair", want);
}

static enum err_code check_hash(const struct walk *w, const char *bytes, const char *line, size_t len)
{
	uint8_t hash[SHA256_BYTES];
	sha256_of(bytes, (size_t)(line - bytes), hash);
	sha256_hex(hash, w->info->sha256);
	if (len != 7 + SHA256_HEX_SIZE - 1 || memcmp(line + 7, w->info->sha256, SHA256_HEX_SIZE - 1) != 0)
		return fail(w, "the hash is not that of the bytes above it");
	if (!w->info->domains || !w->info->recipients)
		return fail(w, "a bundle needs one domain and one recipient at least");
	return ERR_OK;
}

enum err_code maps_check(const char *bytes, size_t len, const char *pair, struct maps_info *out, struct err *e)
{
	struct walk w = { .info = out, .e = e };
	const char *end = bytes + len;
	*out = (struct maps_info){ 0 };
	for (const char *line = bytes; line < end;) {
		const char *stop = memchr(line, '\n', (size_t)(end - line));
		size_t n = stop ? (size_t)(stop - line) : 0;
		enum err_code rc;
		w.line++;
		if (!stop)
			return fail(&w, "the bundle ends in the middle of a line (truncated)");
		if (w.line > 1 && n >= 7 && memcmp(line, "sha256 ", 7) == 0) {
			if (stop + 1 != end)
				return fail(&w, "something follows the sha256 line");
			return check_hash(&w, bytes, line, n);
		}
		rc = w.line == 1 ? check_head(&w, line, n, pair) : take_line(&w, line, n);
		if (rc != ERR_OK)
			return rc;
		line = stop + 1;
	}
	return fail(&w, "the bundle ends without its sha256 line (truncated)");
}
