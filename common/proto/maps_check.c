/* Reads a bundle without keeping anything: a hostile one costs one pass over its bytes. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "../base/mem.h"
#include "maps.h"
#include "printable.h"

#define TRAILER "sha256 "
#define TRAILER_BYTES (sizeof(TRAILER) - 1 + SHA256_HEX_SIZE) /* with its newline */

struct reader {
	const char *at, *end; /* of what stands above the trailer */
	const char *line;
	size_t len;
	uint32_t number;
	int section; /* -1: none yet */
	unsigned seen;
	struct maps_summary *out;
};

const char *maps_section_name(enum maps_section section)
{
	switch (section) {
	case MAPS_DOMAINS: return "domains";
	case MAPS_RECIPIENTS: return "recipients";
	case MAPS_ALIASES: return "aliases";
	case MAPS_TRANSPORT: return "transport";
	}
	return "?";
}

static bool is_label_char(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

bool maps_domain_ok(const char *text, size_t len)
{
	bool dot = false;
	if (len < 3 || len > 253 || !is_label_char(text[0]) || !is_label_char(text[len - 1]))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!is_label_char(text[i]) && text[i] != '.' && text[i] != '-')
			return false;
		if (text[i] == '.' && text[i - 1] == '.')
			return false;
		dot |= text[i] == '.';
	}
	return dot;
}

/* Bytes of the local part: quoted with backslash escapes, or without quotes, backslashes and blanks. */
static size_t local_len(const char *text, size_t len)
{
	size_t i = 0;
	if (len && text[0] == '"') {
		for (i = 1; i < len && text[i] != '"'; i++)
			i += text[i] == '\\';
		return i < len ? i + 1 : 0;
	}
	for (size_t k = 0; k < len && text[k] != ' ' && text[k] != '"' && text[k] != '\\'; k++)
		if (text[k] == '@')
			i = k;
	return i;
}

bool maps_address_ok(const char *text, size_t len)
{
	size_t local = local_len(text, len);
	if (local >= len || text[local] != '@' || text[0] == '#' || text[0] == '[')
		return false;
	return maps_domain_ok(text + local + 1, len - local - 1);
}

static enum err_code wrong(const struct reader *r, struct err *e, const char *what)
{
	return err_set(e, ERR_INVALID, "map bundle line %u: %s", r->number, what);
}

static enum err_code take_line(struct reader *r, struct err *e)
{
	const char *end = memchr(r->at, '\n', (size_t)(r->end - r->at));
	r->number++;
	BUG_ON(!end); /* maps_check saw the last newline */
	r->line = r->at;
	r->len = (size_t)(end - r->at);
	r->at = end + 1;
	if (r->len > MAPS_LINE_MAX)
		return wrong(r, e, "longer than 4096 bytes");
	for (size_t i = 0; i < r->len; i++) {
		unsigned char c = (unsigned char)r->line[i];
		if ((c < ' ' && c != '\t') || c == 0x7f)
			return wrong(r, e, "control character");
	}
	return ERR_OK;
}

static enum err_code read_header(struct reader *r, const char *pair, struct err *e)
{
	char want[sizeof("coldmx-maps 1 ") + NAME_MAX_LEN], is[80];
	enum err_code rc = take_line(r, e);
	if (rc != ERR_OK)
		return rc;
	int n = snprintf(want, sizeof(want), "coldmx-maps 1 %s", pair);
	if ((size_t)n == r->len && memcmp(r->line, want, r->len) == 0)
		return ERR_OK;
	proto_printable(is, sizeof(is), r->line, r->len);
	return err_set(e, ERR_INVALID, "map bundle line 1: is `%s`, must be `%s`", is, want);
}

static enum err_code read_section(struct reader *r, struct err *e)
{
	for (int s = 0; s < MAPS_SECTIONS; s++) {
		const char *name = maps_section_name((enum maps_section)s);
		if (r->len != strlen(name) + 2 || r->line[r->len - 1] != ']' ||
		    memcmp(r->line + 1, name, r->len - 2) != 0)
			continue;
		if (r->seen & (1u << s))
			return wrong(r, e, "this section stood already");
		if (s != MAPS_DOMAINS && !(r->seen & (1u << MAPS_DOMAINS)))
			return wrong(r, e, "[domains] is the first section");
		r->section = s;
		r->seen |= 1u << s;
		return ERR_OK;
	}
	return wrong(r, e, "no such section");
}

static enum err_code read_entry(struct reader *r, struct err *e)
{
	const char *tab = memchr(r->line, '\t', r->len);
	if (r->section < 0)
		return wrong(r, e, "an entry before the first section");
	size_t key = tab ? (size_t)(tab - r->line) : 0;
	if (!tab || memchr(tab + 1, '\t', r->len - key - 1) || key == 0 || key + 1 == r->len)
		return wrong(r, e, "an entry is KEY, one tab, VALUE");
	if (r->section == MAPS_DOMAINS) {
		r->out->domains++;
		return maps_domain_ok(r->line, key) ? ERR_OK : wrong(r, e, "not a domain name");
	}
	if (r->section == MAPS_TRANSPORT)
		return ERR_OK;
	r->out->recipients++;
	return maps_address_ok(r->line, key) ? ERR_OK : wrong(r, e, "not an address");
}

static enum err_code read_all(struct reader *r, const char *pair, struct err *e)
{
	enum err_code rc = read_header(r, pair, e);
	while (rc == ERR_OK && r->at < r->end) {
		rc = take_line(r, e);
		if (rc == ERR_OK)
			rc = r->len && r->line[0] == '[' ? read_section(r, e) : read_entry(r, e);
	}
	if (rc == ERR_OK && r->out->domains == 0)
		return wrong(r, e, "no domains");
	if (rc == ERR_OK && r->out->recipients == 0)
		return wrong(r, e, "no recipients");
	return rc;
}

enum err_code maps_check(const char *bytes, size_t len, const char *pair, struct maps_summary *out, struct err *e)
{
	uint8_t hash[SHA256_BYTES];
	memset(out, 0, sizeof(*out));
	if (len > MAPS_BYTES_MAX)
		return err_set(e, ERR_INVALID, "map bundle: longer than %zu bytes", MAPS_BYTES_MAX);
	size_t above = len > TRAILER_BYTES ? len - TRAILER_BYTES : 0;
	if (!above || bytes[above - 1] != '\n' || memcmp(bytes + above, TRAILER, sizeof(TRAILER) - 1) != 0 ||
	    bytes[len - 1] != '\n')
		return err_set(e, ERR_INVALID, "map bundle: ends without its sha256 line (truncated)");
	sha256_of(bytes, above, hash);
	sha256_hex(hash, out->sha256);
	if (memcmp(bytes + len - SHA256_HEX_SIZE, out->sha256, SHA256_HEX_SIZE - 1) != 0)
		return err_set(e, ERR_INVALID, "map bundle: its sha256 is not that of the lines above");
	struct reader r = { .at = bytes, .end = bytes + above, .section = -1, .out = out };
	return read_all(&r, pair, e);
}
