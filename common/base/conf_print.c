/* The whole configuration as a file that loads to the same values, and the end of its memory. */
#include "conf.h"

#include <stdlib.h>
#include <string.h>

static void print_section(const struct conf_section *section, const void *base, int depth, struct strbuf *out);

static void indent(int depth, struct strbuf *out)
{
	for (int i = 0; i < depth; i++)
		strbuf_adds(out, "  ");
}

static const char *items_of(const struct conf_row *row, const void *base, size_t *n)
{
	const char *items;
	memcpy(&items, (const char *)base + row->offset, sizeof(items));
	memcpy(n, (const char *)base + row->count_offset, sizeof(*n));
	return items;
}

static void print_list(const struct conf_row *row, const void *base, int depth, struct strbuf *out)
{
	size_t n;
	const char *items = items_of(row, base, &n);
	const struct conf_section *section = row->section;
	strbuf_addf(out, "%s = (", row->name);
	for (size_t i = 0; i < n; i++) {
		strbuf_adds(out, i ? "," : "");
		if (!section->rows[0].name) {
			strbuf_addc(out, ' ');
			conf_value_format(&section->rows[0], items + i * section->size, out);
			continue;
		}
		strbuf_addc(out, '\n');
		indent(depth + 1, out);
		strbuf_adds(out, "{\n");
		print_section(section, items + i * section->size, depth + 2, out);
		indent(depth + 1, out);
		strbuf_addc(out, '}');
	}
	strbuf_addf(out, "%s);  # %zu, %s; %s\n", n ? " " : "", n, n || !row->def ? "set" : "default", row->help);
}

static void print_row(const struct conf_row *row, const void *base, int depth, struct strbuf *out)
{
	indent(depth, out);
	if (row->type == CONF_LIST) {
		print_list(row, base, depth, out);
		return;
	}
	if (row->type == CONF_GROUP) {
		strbuf_addf(out, "%s = {  # %s\n", row->name, row->help);
		print_section(row->section, (const char *)base + row->offset, depth + 1, out);
		indent(depth, out);
		strbuf_adds(out, "};\n");
		return;
	}
	bool same = conf_value_is_default(row, base);
	if (same && row->def[0]) { /* as the manual writes it: "60 s", not "1 min" */
		const char *quote = row->type == CONF_BOOL || row->type == CONF_INT ? "" : "\"";
		strbuf_addf(out, "%s = %s%s%s", row->name, quote, row->def, quote);
	} else {
		strbuf_addf(out, "%s = ", row->name);
		conf_value_format(row, base, out);
	}
	strbuf_addf(out, ";  # %s; %s\n", same ? "default" : "set", row->help);
}

static bool is_absent(const struct conf_row *row, const void *base)
{
	char *text;
	if (!conf_is_text(row->type) || row->def)
		return false;
	memcpy(&text, (const char *)base + row->offset, sizeof(text));
	return !text || !text[0];
}

/* A group whose required text is empty was not in the file: printed, it would not load. */
static bool group_absent(const struct conf_row *row, const void *base)
{
	const struct conf_section *section = row->section;
	if (row->type != CONF_GROUP)
		return false;
	for (size_t i = 0; i < section->nrows; i++)
		if (is_absent(&section->rows[i], (const char *)base + row->offset))
			return true;
	return false;
}

static void print_section(const struct conf_section *section, const void *base, int depth, struct strbuf *out)
{
	for (size_t i = 0; i < section->nrows; i++) {
		const struct conf_row *row = &section->rows[i];
		if (!group_absent(row, base)) {
			print_row(row, base, depth, out);
			continue;
		}
		indent(depth, out);
		strbuf_addf(out, "# %s: none, default; %s\n", row->name, row->help);
	}
}

void conf_print(const struct conf_section *top, const void *base, struct strbuf *out)
{
	print_section(top, base, 0, out);
}

void conf_free_values(const struct conf_section *section, void *base)
{
	for (size_t i = 0; i < section->nrows; i++) {
		const struct conf_row *row = &section->rows[i];
		char *place = (char *)base + row->offset;
		if (row->type == CONF_GROUP) {
			conf_free_values(row->section, place);
		} else if (row->type == CONF_LIST || conf_is_text(row->type)) {
			char *memory;
			size_t n = 0;
			memcpy(&memory, place, sizeof(memory));
			if (row->type == CONF_LIST)
				memcpy(&n, (char *)base + row->count_offset, sizeof(n));
			for (size_t k = 0; k < n; k++)
				conf_free_values(row->section, memory + k * row->section->size);
			free(memory);
			memory = NULL;
			memcpy(place, &memory, sizeof(memory));
		}
	}
}
