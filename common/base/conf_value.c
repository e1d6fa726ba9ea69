/* One value: from the text in the file to its place in the struct, and back. Each refusal says what
 * to write. */
#include "conf.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "mem.h"

bool conf_is_text(enum conf_type type)
{
	switch (type) {
	case CONF_STRING:
	case CONF_PATH:
	case CONF_NAME:
	case CONF_DOMAIN:
	case CONF_RECIPIENT:
	case CONF_ADDR4:
	case CONF_ADDR6: return true;
	case CONF_BOOL:
	case CONF_INT:
	case CONF_DURATION:
	case CONF_SIZE:
	case CONF_ENDPOINT:
	case CONF_ENUM:
	case CONF_GROUP:
	case CONF_LIST: return false;
	}
	return false;
}

const char *conf_type_name(enum conf_type type)
{
	switch (type) {
	case CONF_BOOL: return "true or false";
	case CONF_INT: return "a whole number";
	case CONF_DURATION: return "a duration in quotes, with its unit (ms, s, min, h, d)";
	case CONF_SIZE: return "a size in quotes, with its unit (B, KB, MB, GB, KiB, MiB, GiB)";
	case CONF_STRING: return "a text in quotes";
	case CONF_PATH: return "an absolute path in quotes";
	case CONF_NAME: return "a name in quotes (letters, digits, \".\", \"_\", \"-\")";
	case CONF_DOMAIN: return "a domain name in quotes";
	case CONF_RECIPIENT:
		return "a mail address in quotes (letters, digits, \".\", \"_\", \"-\" and one "
		       "\"@\")";
	case CONF_ADDR4: return "a literal IPv4 address in quotes";
	case CONF_ADDR6: return "a literal IPv6 address in quotes";
	case CONF_ENDPOINT: return "a literal address and port in quotes";
	case CONF_ENUM: return "one of its words in quotes";
	case CONF_GROUP: return "a group: { ... }";
	case CONF_LIST: return "a list: ( ... )";
	}
	return "?";
}

static const char *type_example(enum conf_type type)
{
	switch (type) {
	case CONF_BOOL: return "true";
	case CONF_INT: return "1";
	case CONF_DURATION: return "30 s";
	case CONF_SIZE: return "16 MiB";
	case CONF_STRING: return "...";
	case CONF_PATH: return "/etc/coldmx/...";
	case CONF_NAME: return "mail-a";
	case CONF_DOMAIN: return "mx1.example.org";
	case CONF_RECIPIENT: return "postmaster@example.org";
	case CONF_ADDR4: return "192.0.2.1";
	case CONF_ADDR6: return "2001:db8::1";
	case CONF_ENDPOINT: return "192.0.2.53:53";
	case CONF_ENUM: return "...";
	case CONF_GROUP: return "{ ... }";
	case CONF_LIST: return "( ... )";
	}
	return "?";
}

static bool is_bare(enum conf_type type)
{
	return type == CONF_BOOL || type == CONF_INT || type == CONF_GROUP || type == CONF_LIST;
}

void conf_value_example(const struct conf_row *row, struct strbuf *out)
{
	bool has_default = row->def && row->def[0] && strcmp(row->def, "off") != 0;
	const char *value = has_default ? row->def : type_example(row->type);
	const char *quote = is_bare(row->type) ? "" : "\"";
	if (row->type == CONF_ENUM && !has_default)
		value = row->words[0];
	if (row->type == CONF_GROUP || row->type == CONF_LIST)
		value = type_example(row->type);
	if (row->name)
		strbuf_addf(out, "%s = ", row->name);
	strbuf_addf(out, "%s%s%s", quote, value, quote);
}

static enum err_code refuse(const struct conf_row *row, const char *text, const char *what, struct err *e)
{
	struct strbuf example = STRBUF_INIT;
	conf_value_example(row, &example);
	err_set(e, ERR_INVALID, "%s \"%.60s\" %s: write %s", row->name ? row->name : "value", text, what,
		strbuf_str(&example));
	strbuf_fini(&example);
	return ERR_INVALID;
}

static enum err_code refuse_type(const struct conf_row *row, const char *text, struct err *e)
{
	char what[160];
	snprintf(what, sizeof(what), "is not %s", conf_type_name(row->type));
	return refuse(row, text, what, e);
}

static enum err_code refuse_range(const struct conf_row *row, const char *text, struct err *e)
{
	struct strbuf bounds = STRBUF_INIT;
	int64_t ends[2] = { row->min, row->max };
	struct conf_row plain = { .type = row->type };
	strbuf_adds(&bounds, "is out of range, ");
	for (int i = 0; i < 2; i++) {
		int number = (int)ends[i];
		const void *place = row->type == CONF_INT ? (const void *)&number : (const void *)&ends[i];
		strbuf_adds(&bounds, i ? " to " : "");
		conf_value_format(&plain, place, &bounds);
	}
	refuse(row, text, strbuf_str(&bounds), e);
	strbuf_fini(&bounds);
	return ERR_INVALID;
}

static bool in_bounds(const struct conf_row *row, int64_t value)
{
	return (!row->min && !row->max) || (value >= row->min && value <= row->max);
}

static bool domain_ok(const char *text)
{
	size_t len = strlen(text), label = 0, dots = 0;
	if (len == 0 || len > 253)
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c == '.') {
			if (label == 0 || text[i - 1] == '-')
				return false;
			label = 0;
			dots++;
			continue;
		}
		if (!(isalnum(c) || c == '-' || c == '_') || c > 0x7e || (c == '-' && label == 0) || ++label > 63)
			return false;
	}
	return label > 0 && text[len - 1] != '-' && dots > 0;
}

static bool all_in(const char *text, const char *also)
{
	for (; *text; text++)
		if ((unsigned char)*text > 0x7e || !(isalnum((unsigned char)*text) || strchr(also, *text)))
			return false;
	return true;
}

static bool recipient_ok(const char *text)
{
	const char *at = strchr(text, '@');
	return at && at > text && at - text <= 64 && text[0] != '-' && all_in(text, "._-@") && domain_ok(at + 1);
}

static bool printable(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return false;
	return true;
}

/* Canonical, so that two ways of writing one address are found equal. */
static bool canonical_addr(int family, const char *text, char out[ADDR_TEXT_MAX])
{
	unsigned char bytes[16];
	return inet_pton(family, text, bytes) == 1 && inet_ntop(family, bytes, out, ADDR_TEXT_MAX);
}

static enum err_code refuse_addr(const struct conf_row *row, const char *text, struct err *e)
{
	if (domain_ok(text))
		return refuse(row, text,
			      "is a host name, and hosts are known by literal addresses only, since a "
			      "name can be moved to another machine",
			      e);
	return refuse_type(row, text, e);
}

/* A missing or closed file says what to write instead; the other refusals of file_check say it themselves. */
static enum err_code refuse_file(const struct conf_row *row, const char *text, int errnum, struct err *e)
{
	const char *what = row->flags & CONF_FOLDER ? "folder" : "file";
	char instead[120];
	if (errnum == EACCES && (row->flags & CONF_PROGRAM))
		snprintf(instead, sizeof(instead), "make it executable, chmod 755");
	else if (errnum == EACCES)
		snprintf(instead, sizeof(instead), "let uid %u read it, it is who coldmx runs as", (unsigned)geteuid());
	else
		snprintf(instead, sizeof(instead), "create it, or write the path of a %s that is there", what);
	return err_set(e, ERR_INVALID, "%s: %s: %s: %s", row->name, text, strerrordesc_np(errnum), instead);
}

static enum err_code check_file(const struct conf_row *row, const char *text, struct err *e)
{
	struct stat st;
	enum err_code rc = ERR_OK;
	if (!row->flags || !text[0])
		return ERR_OK;
	if (stat(text, &st) < 0)
		return refuse_file(row, text, errno, e);
	if (row->flags & CONF_FOLDER) {
		if (!S_ISDIR(st.st_mode) || (st.st_mode & 022))
			rc = err_set(e, ERR_INVALID, "%s must be a folder that only its owner may write to", text);
	} else {
		rc = file_check(text, FILE_OWNED, e);
		if (rc == ERR_OK && (row->flags & CONF_SECRET) && (st.st_mode & 077))
			rc = err_set(e, ERR_INVALID, "%s is a secret and others may read it (mode %04o): chmod 600 %s",
				     text, (unsigned)st.st_mode & 07777, text);
		if (rc == ERR_OK && access(text, row->flags & CONF_PROGRAM ? X_OK : R_OK) < 0)
			return refuse_file(row, text, errno, e);
	}
	if (rc != ERR_OK) {
		err_wrap(e, "%s", row->name);
		if (e)
			e->code = ERR_INVALID;
		return ERR_INVALID;
	}
	return ERR_OK;
}

static enum err_code set_text(const struct conf_row *row, const char *text, void *place, struct err *e)
{
	char addr[ADDR_TEXT_MAX];
	char *copy;
	bool ok = printable(text);
	if (!text[0] && !row->def)
		return refuse(row, text, "must not be empty", e);
	if (text[0] && row->type == CONF_PATH)
		ok = ok && text[0] == '/';
	else if (text[0] && row->type == CONF_NAME)
		ok = isalnum((unsigned char)text[0]) && all_in(text, "._-") && strlen(text) < NAME_MAX_LEN;
	else if (text[0] && row->type == CONF_DOMAIN)
		ok = domain_ok(text);
	else if (text[0] && row->type == CONF_RECIPIENT)
		ok = recipient_ok(text);
	else if (text[0] && (row->type == CONF_ADDR4 || row->type == CONF_ADDR6)) {
		if (!canonical_addr(row->type == CONF_ADDR4 ? AF_INET : AF_INET6, text, addr))
			return refuse_addr(row, text, e);
		text = addr;
	}
	if (!ok)
		return refuse_type(row, text, e);
	if (row->max && (int64_t)strlen(text) > row->max)
		return err_set(e, ERR_INVALID, "%s is longer than %lld bytes: write a shorter one", row->name,
			       (long long)row->max);
	if (row->type == CONF_PATH && check_file(row, text, e))
		return ERR_INVALID;
	copy = mem_strdup(text);
	if (row->type == CONF_DOMAIN)
		for (char *c = copy; *c; c++)
			*c = (char)tolower((unsigned char)*c);
	char *old;
	memcpy(&old, place, sizeof(old));
	free(old);
	memcpy(place, &copy, sizeof(copy));
	return ERR_OK;
}

static bool parse_port(const char *text, uint16_t *out)
{
	char *end;
	unsigned long port = strtoul(text, &end, 10);
	if (!isdigit((unsigned char)text[0]) || *end || port == 0 || port > 65535)
		return false;
	*out = (uint16_t)port;
	return true;
}

static enum err_code set_endpoint(const struct conf_row *row, const char *text, void *place, struct err *e)
{
	struct conf_endpoint ep = { .port = row->port };
	char host[ADDR_TEXT_MAX];
	bool off = strcmp(text, "off") == 0 || (!text[0] && row->def);
	if (!off) {
		const char *colon = strrchr(text, ':');
		const char *close = strrchr(text, ']');
		bool v6 = text[0] == '[' || (colon && strchr(text, ':') != colon);
		size_t skip = text[0] == '[', len = strlen(text);
		if (text[0] == '[' && !close)
			return refuse_type(row, text, e);
		if (text[0] == '[')
			len = (size_t)(close - text);
		else if (!v6 && colon)
			len = (size_t)(colon - text);
		const char *rest = text[0] == '[' ? close + 1 : text + len;
		if (len < skip || len - skip >= sizeof(host) || (rest[0] && rest[0] != ':') ||
		    (rest[0] && !parse_port(rest + 1, &ep.port)) || !ep.port)
			return refuse_type(row, text, e);
		memcpy(host, text + skip, len - skip);
		host[len - skip] = '\0';
		if (!canonical_addr(v6 ? AF_INET6 : AF_INET, host, ep.addr))
			return domain_ok(host) ? refuse_addr(row, host, e) : refuse_type(row, text, e);
	} else if (!(row->flags & CONF_MAY_BE_OFF)) {
		return refuse_type(row, text, e);
	}
	memcpy(place, &ep, sizeof(ep));
	return ERR_OK;
}

static enum err_code set_enum(const struct conf_row *row, const char *text, void *place, struct err *e)
{
	struct strbuf words = STRBUF_INIT;
	for (int i = 0; row->words[i]; i++) {
		if (strcmp(row->words[i], text) == 0) {
			memcpy(place, &i, sizeof(i));
			strbuf_fini(&words);
			return ERR_OK;
		}
		strbuf_addf(&words, "%s\"%s\"", i ? ", " : "is not one of ", row->words[i]);
	}
	refuse(row, text, strbuf_str(&words), e);
	strbuf_fini(&words);
	return ERR_INVALID;
}

static enum err_code set_number(const struct conf_row *row, const char *text, void *place, struct err *e)
{
	int64_t value;
	char *end;
	bool ok;
	if (row->type == CONF_DURATION) {
		ok = conf_parse_duration(text, &value);
	} else if (row->type == CONF_SIZE) {
		ok = conf_parse_size(text, &value);
	} else {
		value = strtol(text, &end, 10);
		ok = end != text && !*end && value >= INT32_MIN && value <= INT32_MAX;
	}
	if (!ok)
		return refuse_type(row, text, e);
	if (!in_bounds(row, value))
		return refuse_range(row, text, e);
	if (row->type == CONF_INT) {
		int number = (int)value;
		memcpy(place, &number, sizeof(number));
	} else {
		memcpy(place, &value, sizeof(value));
	}
	return ERR_OK;
}

enum err_code conf_value_set(const struct conf_row *row, const char *text, void *base, struct err *e)
{
	void *place = (char *)base + row->offset;
	bool yes = strcmp(text, "true") == 0;
	switch (row->type) {
	case CONF_BOOL:
		if (!yes && strcmp(text, "false") != 0)
			return refuse_type(row, text, e);
		memcpy(place, &yes, sizeof(yes));
		return ERR_OK;
	case CONF_INT:
	case CONF_DURATION:
	case CONF_SIZE: return set_number(row, text, place, e);
	case CONF_ENDPOINT: return set_endpoint(row, text, place, e);
	case CONF_ENUM: return set_enum(row, text, place, e);
	case CONF_STRING:
	case CONF_PATH:
	case CONF_NAME:
	case CONF_DOMAIN:
	case CONF_RECIPIENT:
	case CONF_ADDR4:
	case CONF_ADDR6: return set_text(row, text, place, e);
	case CONF_GROUP:
	case CONF_LIST: break;
	}
	return err_set(e, ERR_BUG, "%s holds other rows", row->name);
}

static void format_text(const char *text, struct strbuf *out)
{
	strbuf_addc(out, '"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			strbuf_addc(out, '\\');
		strbuf_addc(out, *text);
	}
	strbuf_addc(out, '"');
}

static void format_endpoint(const struct conf_endpoint *ep, struct strbuf *out)
{
	if (!ep->addr[0])
		strbuf_adds(out, "\"off\"");
	else
		strbuf_addf(out, strchr(ep->addr, ':') ? "\"[%s]:%u\"" : "\"%s:%u\"", ep->addr, ep->port);
}

void conf_value_format(const struct conf_row *row, const void *base, struct strbuf *out)
{
	union {
		bool yes;
		int number;
		int64_t wide;
		char *text;
		struct conf_endpoint ep;
	} v;
	const void *place = (const char *)base + row->offset;
	if (conf_is_text(row->type)) {
		memcpy(&v.text, place, sizeof(v.text));
		format_text(v.text ? v.text : "", out);
	} else if (row->type == CONF_DURATION || row->type == CONF_SIZE) {
		memcpy(&v.wide, place, sizeof(v.wide));
		if (row->type == CONF_DURATION)
			conf_format_duration(v.wide, out);
		else
			conf_format_size(v.wide, out);
	} else if (row->type == CONF_BOOL) {
		memcpy(&v.yes, place, sizeof(v.yes));
		strbuf_adds(out, v.yes ? "true" : "false");
	} else if (row->type == CONF_ENDPOINT) {
		memcpy(&v.ep, place, sizeof(v.ep));
		format_endpoint(&v.ep, out);
	} else {
		memcpy(&v.number, place, sizeof(v.number));
		if (row->type == CONF_ENUM)
			strbuf_addf(out, "\"%s\"", row->words[v.number]);
		else
			strbuf_addf(out, "%d", v.number);
	}
}

bool conf_value_is_default(const struct conf_row *row, const void *base)
{
	struct strbuf now = STRBUF_INIT, was = STRBUF_INIT;
	union {
		int64_t wide;
		char *text;
		struct conf_endpoint ep;
	} place;
	struct conf_row alone = *row;
	bool same = false;
	if (!row->def)
		return false;
	memset(&place, 0, sizeof(place));
	alone.offset = 0;
	alone.flags &= CONF_MAY_BE_OFF; /* the file of a default need not exist to be the default */
	if (conf_value_set(&alone, row->def, &place, NULL) == ERR_OK) {
		conf_value_format(&alone, &place, &was);
		conf_value_format(row, base, &now);
		same = strcmp(strbuf_str(&now), strbuf_str(&was)) == 0;
	}
	if (conf_is_text(row->type))
		free(place.text);
	strbuf_fini(&now);
	strbuf_fini(&was);
	return same;
}
