/* Walks the settings of a file beside the rows: every setting must have its row, every row gets its
 * setting or its default. */
#include "conf.h"

#include <ctype.h>
#include <libconfig.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "mem.h"

#define CONF_FILE_MAX_BYTES ((size_t)64 * 1024 * 1024)
#define CONF_KEY_MAX 64

struct conf_doc {
	config_t cfg;
	char *path;
};

struct walk {
	const struct conf_doc *doc;
	struct err *e;
};

static enum err_code load_section(const struct walk *w, const struct conf_section *section,
				  const config_setting_t *setting, void *base);

static enum err_code fail_at(const struct walk *w, const config_setting_t *at, const char *fmt, ...) PRINTF_LIKE(3, 4);

static enum err_code fail_at(const struct walk *w, const config_setting_t *at, const char *fmt, ...)
{
	char text[ERR_TEXT_MAX];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return err_set(w->e, ERR_INVALID, "%s:%u: %s", w->doc->path, at ? (unsigned)config_setting_source_line(at) : 1U,
		       text);
}

/* Levenshtein; keys are short. */
static size_t edit_distance(const char *a, const char *b)
{
	size_t row[CONF_KEY_MAX + 1];
	size_t nb = strlen(b);
	if (nb > CONF_KEY_MAX || strlen(a) > CONF_KEY_MAX)
		return CONF_KEY_MAX;
	for (size_t j = 0; j <= nb; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= nb; j++) {
			size_t change = diagonal + (a[i - 1] != b[j - 1]);
			size_t shorter = row[j - 1] < row[j] ? row[j - 1] : row[j];
			diagonal = row[j];
			row[j] = change < shorter + 1 ? change : shorter + 1;
		}
	}
	return row[nb];
}

static const struct conf_row *find_row(const struct conf_section *section, const char *name)
{
	for (size_t i = 0; i < section->nrows; i++)
		if (section->rows[i].name && strcmp(section->rows[i].name, name) == 0)
			return &section->rows[i];
	return NULL;
}

static enum err_code fail_unknown(const struct walk *w, const struct conf_section *section,
				  const config_setting_t *setting, const char *name)
{
	const char *nearest = NULL;
	struct strbuf keys = STRBUF_INIT;
	size_t best = strlen(name) / 3 + 2;
	for (size_t i = 0; i < section->nrows; i++) {
		size_t distance = edit_distance(name, section->rows[i].name);
		if (distance < best) {
			best = distance;
			nearest = section->rows[i].name;
		}
		strbuf_addf(&keys, "%s%s", i ? ", " : "", section->rows[i].name);
	}
	if (nearest)
		fail_at(w, setting, "unknown key \"%s\" in %s: did you mean \"%s\"?", name, section->what, nearest);
	else
		fail_at(w, setting, "unknown key \"%s\" in %s: it takes %.200s", name, section->what,
			strbuf_str(&keys));
	strbuf_fini(&keys);
	return ERR_INVALID;
}

static enum err_code fail_type(const struct walk *w, const struct conf_row *row, const char *list,
			       const config_setting_t *setting)
{
	struct strbuf example = STRBUF_INIT;
	conf_value_example(row, &example);
	fail_at(w, setting, "%s%s must be %s: write %s", row->name ? row->name : "each item of ", row->name ? "" : list,
		conf_type_name(row->type), strbuf_str(&example));
	strbuf_fini(&example);
	return ERR_INVALID;
}

/* `list`: the list that a value without a name stands in. */
static enum err_code load_value(const struct walk *w, const struct conf_row *row, const char *list,
				const config_setting_t *setting, void *base)
{
	char number[24];
	const char *text;
	struct err why = { 0 };
	int type = config_setting_type(setting);
	if (row->type == CONF_BOOL && type == CONFIG_TYPE_BOOL) {
		text = config_setting_get_bool(setting) ? "true" : "false";
	} else if (row->type == CONF_INT && type == CONFIG_TYPE_INT) {
		snprintf(number, sizeof(number), "%d", config_setting_get_int(setting));
		text = number;
	} else if (row->type != CONF_BOOL && row->type != CONF_INT && type == CONFIG_TYPE_STRING) {
		text = config_setting_get_string(setting);
	} else {
		return fail_type(w, row, list, setting);
	}
	if (conf_value_set(row, text, base, &why) == ERR_OK)
		return ERR_OK;
	return fail_at(w, setting, "%s%s%s", row->name ? "" : list, row->name ? "" : ": ", why.text);
}

static enum err_code load_list(const struct walk *w, const struct conf_row *row, const config_setting_t *setting,
			       void *base)
{
	const struct conf_section *section = row->section;
	size_t n = setting ? (size_t)config_setting_length(setting) : 0;
	if (setting && !config_setting_is_list(setting) && !config_setting_is_array(setting))
		return fail_type(w, row, "", setting);
	if (n < (size_t)row->min || (row->max && n > (size_t)row->max))
		return fail_at(w, setting, "%s has %zu items: write %lld to %lld", row->name, n, (long long)row->min,
			       (long long)row->max);
	char *items = n ? mem_calloc(n, section->size) : NULL;
	memcpy((char *)base + row->offset, &items, sizeof(items));
	memcpy((char *)base + row->count_offset, &n, sizeof(n));
	for (size_t i = 0; i < n; i++) {
		const config_setting_t *item = config_setting_get_elem(setting, (unsigned)i);
		void *place = items + i * section->size;
		enum err_code rc = section->rows[0].name ? load_section(w, section, item, place)
							 : load_value(w, &section->rows[0], row->name, item, place);
		if (rc != ERR_OK)
			return rc;
	}
	return ERR_OK;
}

/* `absent`: the group around the row is not in the file, so nothing in it is required. */
static enum err_code load_row(const struct walk *w, const struct conf_section *section, const struct conf_row *row,
			      const config_setting_t *group, void *base)
{
	const config_setting_t *setting = group ? config_setting_get_member(group, row->name) : NULL;
	struct err why = { 0 };
	if (!setting && !row->def && group) {
		struct strbuf example = STRBUF_INIT;
		conf_value_example(row, &example);
		fail_at(w, group, "%s has no \"%s\" (%s): add %s", section->what, row->name, row->help,
			strbuf_str(&example));
		strbuf_fini(&example);
		return ERR_INVALID;
	}
	if (row->type == CONF_LIST)
		return load_list(w, row, setting, base);
	if (row->type == CONF_GROUP) {
		if (setting && !config_setting_is_group(setting))
			return fail_type(w, row, "", setting);
		return load_section(w, row->section, setting, (char *)base + row->offset);
	}
	if (setting)
		return load_value(w, row, "", setting, base);
	if (!row->def) { /* in an absent group */
		char *empty = conf_is_text(row->type) ? mem_strdup("") : NULL;
		if (empty)
			memcpy((char *)base + row->offset, &empty, sizeof(empty));
		return ERR_OK;
	}
	if (conf_value_set(row, row->def, base, &why) == ERR_OK)
		return ERR_OK;
	return fail_at(w, group, "%s (the default)", why.text);
}

static enum err_code load_section(const struct walk *w, const struct conf_section *section,
				  const config_setting_t *setting, void *base)
{
	if (setting && !config_setting_is_group(setting))
		return fail_at(w, setting, "%s must be a group: write { name = value; ... }", section->what);
	for (int i = 0; setting && i < config_setting_length(setting); i++) {
		const config_setting_t *member = config_setting_get_elem(setting, (unsigned)i);
		const char *name = config_setting_name(member);
		if (!find_row(section, name))
			return fail_unknown(w, section, member, name);
	}
	for (size_t i = 0; i < section->nrows; i++) {
		enum err_code rc = load_row(w, section, &section->rows[i], setting, base);
		if (rc != ERR_OK)
			return rc;
	}
	return ERR_OK;
}

static const char *skip_quiet(const char *at, int *line)
{
	bool block = at[0] == '/' && at[1] == '*';
	bool rest = at[0] == '#' || (at[0] == '/' && at[1] == '/');
	bool text = at[0] == '"';
	if (!block && !rest && !text)
		return at;
	for (at += block ? 2 : 1; *at; at++) {
		*line += *at == '\n';
		if (rest && *at == '\n')
			return at + 1;
		if (block && at[0] == '*' && at[1] == '/')
			return at + 2;
		if (text && *at == '"')
			return at + 1;
		if (text && *at == '\\' && at[1])
			at++;
	}
	return at;
}

/* What libconfig would take without a word: see BUGS in the header. */
static enum err_code scan_source(const char *path, const char *text, struct err *e)
{
	int line = 1;
	for (const char *at = text; *at;) {
		const char *next = skip_quiet(at, &line);
		if (next != at) {
			at = next;
			continue;
		}
		if (*at == '@')
			return err_set(e, ERR_INVALID,
				       "%s:%d: @include is not supported: write everything into "
				       "this file",
				       path, line);
		if (isalpha((unsigned char)*at) || *at == '*') {
			while (isalnum((unsigned char)*at) || strchr("*_-", *at ? *at : ' '))
				at++;
			continue;
		}
		if (isdigit((unsigned char)*at)) {
			char *end;
			bool hex = at[0] == '0' && (at[1] == 'x' || at[1] == 'X');
			unsigned long long number = strtoull(at, &end, hex ? 16 : 10);
			if (number > INT32_MAX)
				return err_set(e, ERR_INVALID,
					       "%s:%d: %.*s is too large: write at most %d, and "
					       "durations and sizes in quotes with a unit",
					       path, line, (int)(end - at), at, INT32_MAX);
			at = end;
			continue;
		}
		line += *at == '\n';
		at++;
	}
	return ERR_OK;
}

static enum err_code read_source(struct conf_doc *doc, struct err *e)
{
	char *text = NULL;
	struct err why = { 0 };
	if (file_read(doc->path, CONF_FILE_MAX_BYTES, FILE_OWNED, &text, NULL, &why) != ERR_OK)
		return err_set(e, ERR_INVALID, "%s:1: cannot read the configuration: %s%s", doc->path, why.text,
			       why.code == ERR_NOT_FOUND ? ": write one after the sample, or name another with -c"
							 : "");
	enum err_code rc = scan_source(doc->path, text, e);
	if (rc == ERR_OK && config_read_string(&doc->cfg, text) != CONFIG_TRUE)
		rc = err_set(e, ERR_INVALID,
			     "%s:%d: %s here or just above: look for a missing \";\", quote or "
			     "bracket, or a key written twice",
			     doc->path, config_error_line(&doc->cfg), config_error_text(&doc->cfg));
	free(text);
	return rc;
}

enum err_code conf_load(const char *path, const struct conf_section *top, void *base, struct conf_doc **doc,
			struct err *e)
{
	struct conf_doc *fresh = mem_calloc(1, sizeof(*fresh));
	struct walk w = { fresh, e };
	fresh->path = mem_strdup(path);
	config_init(&fresh->cfg);
	*doc = fresh;
	enum err_code rc = read_source(fresh, e);
	return rc == ERR_OK ? load_section(&w, top, config_root_setting(&fresh->cfg), base) : rc;
}

void conf_doc_free(struct conf_doc *doc)
{
	if (!doc)
		return;
	config_destroy(&doc->cfg);
	free(doc->path);
	free(doc);
}

enum err_code conf_fail(const struct conf_doc *doc, struct err *e, const char *at, const char *fmt, ...)
{
	char path[256], text[ERR_TEXT_MAX];
	const config_setting_t *setting = NULL;
	struct walk w = { doc, e };
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)str_copy(path, sizeof(path), at);
	while (path[0] && !(setting = config_lookup(&doc->cfg, path))) {
		char *dot = strrchr(path, '.');
		path[dot ? dot - path : 0] = '\0';
	}
	return fail_at(&w, setting, "%s", text);
}
