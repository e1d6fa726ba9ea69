/* Postfix's table sources are lines `key value`; a line that begins with a blank goes on (postmap(1)). What this reads
 * wrongly becomes mail that the standby refuses, so whatever it does not understand is an error, never a gap. */
#include "export.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "../common/base/file.h"
#include "../common/proto/maps.h"
#include "child.h"

#define SOURCE_BYTES_MAX ((size_t)64 * 1024 * 1024)
#define BLANKS " \t\r\n\v\f"

struct source {
	struct maps *maps;
	enum maps_section section;
	const char *path;
	bool bare_names; /* names without a domain belong to each of the domains */
	int line;        /* where the entry began */
};

struct bare {
	struct source *s;
	const char *name, *value;
	enum err_code rc;
	struct err *e;
};

static enum err_code add(struct source *s, const char *key, const char *value, struct err *e)
{
	enum err_code rc = maps_add(s->maps, s->section, key, value, e);
	return rc == ERR_OK ? rc : err_wrap(e, "%s:%d", s->path, s->line);
}

static void add_bare(void *arg, const char *domain)
{
	struct bare *b = arg;
	struct strbuf key = STRBUF_INIT;
	if (b->rc != ERR_OK)
		return;
	strbuf_addf(&key, "%s@%s", b->name, domain);
	b->rc = add(b->s, strbuf_str(&key), b->value, b->e);
	strbuf_fini(&key);
}

static enum err_code add_entry(struct source *s, char *key, const char *value, struct err *e)
{
	bool address = s->section == MAPS_RECIPIENTS || s->section == MAPS_ALIASES;
	/* The settings of domains name tables of addresses by default: only their bare domains count. */
	if (s->section == MAPS_DOMAINS && (strchr(key, '@') || !strchr(key, '.')))
		return ERR_OK;
	if (!address)
		return add(s, key, s->section == MAPS_TRANSPORT ? value : "", e);
	if (strchr(key, '@')) {
		/* No mail of the pair goes to other domains, and maps_format would drop them anyway. */
		if (!maps_has_domain(s->maps, key))
			return ERR_OK;
		return add(s, key, s->section == MAPS_ALIASES ? value : "", e);
	}
	if (!s->bare_names)
		return ERR_OK; /* belongs to $myorigin and $mydestination: local(8)'s, not the pair's */
	struct bare b = { .s = s, .name = key, .value = s->section == MAPS_ALIASES ? value : "", .e = e };
	maps_each_domain(s->maps, add_bare, &b);
	return b.rc;
}

/* The key ends at a blank; blanks inside double quotes belong to it. */
static char *key_end(char *at)
{
	bool quoted = false;
	for (; *at && (quoted || !strchr(BLANKS, *at)); at++) {
		if (*at == '\\' && at[1])
			at++;
		else if (*at == '"')
			quoted = !quoted;
	}
	return at;
}

static enum err_code parse_entry(struct source *s, struct strbuf *entry, struct err *e)
{
	if (entry->len == 0)
		return ERR_OK;
	char *end = key_end(entry->data), *value = end;
	if (*end)
		value = end + 1 + strspn(end + 1, BLANKS);
	*end = '\0';
	for (char *c = value; *c; c++)
		if (strchr(BLANKS, *c))
			*c = ' ';
	for (size_t n = strlen(value); n && value[n - 1] == ' '; n--)
		value[n - 1] = '\0';
	enum err_code rc = add_entry(s, entry->data, value, e);
	strbuf_reset(entry);
	return rc;
}

static enum err_code read_source(struct source *s, char *text, struct err *e)
{
	struct strbuf entry = STRBUF_INIT;
	enum err_code rc = ERR_OK;
	int line = 0;
	for (char *at = text, *next; at && rc == ERR_OK; at = next) {
		next = strchr(at, '\n');
		if (next)
			*next++ = '\0';
		line++;
		size_t blank = strspn(at, BLANKS);
		if (!at[blank] || at[blank] == '#')
			continue; /* also between the lines of one entry */
		if (blank == 0) {
			rc = parse_entry(s, &entry, e);
			s->line = line;
		} else if (entry.len == 0) {
			rc = err_set(e, ERR_INVALID, "%s:%d: goes on with an entry that has not begun", s->path, line);
		}
		strbuf_adds(&entry, at);
	}
	if (rc == ERR_OK)
		rc = parse_entry(s, &entry, e);
	strbuf_fini(&entry);
	return rc;
}

static enum err_code add_file(struct maps *m, enum maps_section section, const char *path, bool bare, struct err *e)
{
	struct source s = { .maps = m, .section = section, .path = path, .bare_names = bare };
	char *text = NULL;
	size_t len;
	enum err_code rc = file_read(path, SOURCE_BYTES_MAX, FILE_ANY, &text, &len, e);
	if (rc == ERR_OK && strlen(text) != len)
		rc = err_set(e, ERR_INVALID, "%s: holds a NUL byte: name the source of a table", path);
	if (rc == ERR_OK)
		rc = read_source(&s, text, e);
	free(text);
	return rc;
}

static bool is_text_table(const char *type, size_t len)
{
	static const char *const types[] = { "hash", "btree", "lmdb", "dbm", "sdbm", "cdb", "texthash" };
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (strlen(types[i]) == len && strncmp(types[i], type, len) == 0)
			return true;
	return false;
}

/* One word of a Postfix setting: a domain, a file, or TYPE:FILE. */
static enum err_code add_word(struct maps *m, enum maps_section section, const char *word, struct err *e)
{
	if (strncmp(word, "proxy:", 6) == 0)
		word += 6;
	const char *colon = strchr(word, ':');
	if (word[0] == '/')
		return add_file(m, section, word, false, e);
	if (colon && colon[1] == '/' && is_text_table(word, (size_t)(colon - word)))
		return add_file(m, section, colon + 1, false, e);
	if (!colon && section == MAPS_DOMAINS)
		return maps_add(m, section, word, "", e);
	return err_set(e, ERR_INVALID, "the table %.100s cannot be exported: name text sources in `maps` of agent.conf",
		       word);
}

static enum err_code add_setting(const struct agent_config *c, struct maps *m, enum maps_section section,
				 const char *name, struct err *e)
{
	const char *argv[] = { c->maps.postconf, "-xh", name, NULL };
	struct strbuf text = STRBUF_INIT;
	char *save = NULL;
	enum err_code rc = child_run(argv, NULL, &text, e);
	if (rc == ERR_OK && text.data)
		for (char *w = strtok_r(text.data, ", \t\r\n", &save); w && rc == ERR_OK;
		     w = strtok_r(NULL, ", \t\r\n", &save))
			rc = add_word(m, section, w, e);
	strbuf_fini(&text);
	return rc == ERR_OK ? rc : err_wrap(e, "%s", name);
}

static enum err_code from_postconf(const struct agent_config *c, struct maps *m, struct err *e)
{
	static const struct {
		enum maps_section section;
		const char *name;
	} setting[] = {
		{ MAPS_DOMAINS, "virtual_mailbox_domains" }, { MAPS_DOMAINS, "virtual_alias_domains" },
		{ MAPS_RECIPIENTS, "virtual_mailbox_maps" }, { MAPS_ALIASES, "virtual_alias_maps" },
		{ MAPS_TRANSPORT, "transport_maps" },
	};
	enum err_code rc = ERR_OK;
	for (size_t i = 0; i < ARRAY_LEN(setting) && rc == ERR_OK; i++)
		rc = add_setting(c, m, setting[i].section, setting[i].name, e);
	return rc;
}

static enum err_code from_files(const struct config_maps *f, struct maps *m, struct err *e)
{
	const struct {
		enum maps_section section;
		const struct config_texts *files;
	} list[] = {
		{ MAPS_DOMAINS, &f->domains },
		{ MAPS_RECIPIENTS, &f->mailboxes },
		{ MAPS_ALIASES, &f->aliases },
		{ MAPS_TRANSPORT, &f->transport },
	};
	enum err_code rc = ERR_OK;
	bool bare = f->local_domains.count > 0;
	for (size_t i = 0; i < ARRAY_LEN(list); i++)
		for (size_t k = 0; k < list[i].files->count && rc == ERR_OK; k++)
			rc = add_file(m, list[i].section, list[i].files->items[k], bare, e);
	return rc;
}

enum err_code export_maps(const struct agent_config *c, struct strbuf *out, struct err *e)
{
	const struct config_maps *f = &c->maps;
	struct maps *m = maps_new();
	enum err_code rc = ERR_OK;
	for (size_t i = 0; i < f->local_domains.count && rc == ERR_OK; i++)
		rc = maps_add(m, MAPS_DOMAINS, f->local_domains.items[i], "", e);
	bool named = f->domains.count + f->mailboxes.count + f->aliases.count + f->transport.count > 0;
	if (rc == ERR_OK)
		rc = named ? from_files(f, m, e) : from_postconf(c, m, e);
	if (rc == ERR_OK)
		rc = maps_format(m, c->pair, out, e);
	maps_free(m);
	return rc;
}
