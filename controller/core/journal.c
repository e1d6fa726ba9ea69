/* See journal.h. A row carries all facts learned so far, so that the last row alone restores them. */
#include "journal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

#define JOURNAL_VERSION 1

struct bool_fact {
	const char *key;
	size_t offset;
};
/* clang-format off */
#define FACT(name) { #name, offsetof(struct facts, name) }

static const struct bool_fact bools[] = {
	FACT(powered), FACT(proven_off), FACT(interlock), FACT(soft_bounce), FACT(left_on),
	{ "family4_ok", offsetof(struct facts, family_ok[0]) },
	{ "family6_ok", offsetof(struct facts, family_ok[1]) },
};
static const struct bool_fact numbers[] = {
	FACT(queue), FACT(stranded), FACT(primary_queue), FACT(drain_from), FACT(refused_ok),
	{ "primary_stands_at", offsetof(struct facts, stands_at[0]) },
	{ "standby_stands_at", offsetof(struct facts, stands_at[1]) },
};
/* clang-format on */

const char *journal_event_name(enum journal_event event)
{
	switch (event) {
	case JOURNAL_BEGIN: return "begin";
	case JOURNAL_DONE: return "done";
	case JOURNAL_TURN_BACK: return "turn-back";
	case JOURNAL_UNDONE: return "undone";
	case JOURNAL_STUCK: return "stuck";
	case JOURNAL_RESUME: return "resume";
	case JOURNAL_SKIP: return "skip";
	case JOURNAL_NOTE: return "note";
	}
	return "?";
}

static void format_facts(const struct facts *f, struct strbuf *out)
{
	const char *base = (const char *)f;
	text_put(out, "boot_id", f->boot_id);
	text_put(out, "listed", f->listed);
	text_put(out, "owed", f->owed);
	text_put(out, "held", f->held);
	for (size_t i = 0; i < ARRAY_LEN(bools); i++)
		text_put_i64(out, bools[i].key, *(const bool *)(base + bools[i].offset));
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		text_put_i64(out, numbers[i].key, *(const int64_t *)(const void *)(base + numbers[i].offset));
	strbuf_addf(out, "dns_wrote=%" PRIu64 "\nold_ttl_s=%" PRIu32 "\n", f->dns_wrote, f->old_ttl_s);
	text_put(out, "degrade", f->degrade);
}

void journal_format(const struct journal_row *row, struct strbuf *out)
{
	text_put_i64(out, "journal", JOURNAL_VERSION);
	text_put(out, "ev", journal_event_name(row->event));
	text_put_i64(out, "step", (int64_t)row->step);
	text_put_i64(out, "boot_ms", row->when.boot_ms);
	text_put_i64(out, "wall_ms", row->when.wall_ms);
	text_put(out, "note", row->note);
	if (row->err.code) {
		text_put(out, "code", err_code_name(row->err.code));
		text_put(out, "error", row->err.text);
	}
	format_facts(&row->facts, out);
}

static bool parse_fact(struct facts *f, const struct text_line *line)
{
	char *base = (char *)f;
	int64_t number = 0;
	if (text_is(line, "dns_wrote"))
		return text_u64(line, &f->dns_wrote);
	if (text_is(line, "old_ttl_s")) {
		bool ok = text_i64(line, &number);
		f->old_ttl_s = (uint32_t)number;
		return ok;
	}
	if (text_is(line, "boot_id"))
		return text_copy(line, f->boot_id, sizeof(f->boot_id));
	if (text_is(line, "listed"))
		return text_copy(line, f->listed, sizeof(f->listed));
	if (text_is(line, "owed"))
		return text_copy(line, f->owed, sizeof(f->owed));
	if (text_is(line, "held"))
		return text_copy(line, f->held, sizeof(f->held));
	if (text_is(line, "degrade"))
		return text_copy(line, f->degrade, sizeof(f->degrade));
	for (size_t i = 0; i < ARRAY_LEN(bools); i++)
		if (text_is(line, bools[i].key)) {
			bool ok = text_i64(line, &number);
			*(bool *)(base + bools[i].offset) = number != 0;
			return ok;
		}
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		if (text_is(line, numbers[i].key))
			return text_i64(line, (int64_t *)(void *)(base + numbers[i].offset));
	return true;
}

static bool parse_event(const char *name, enum journal_event *out)
{
	for (int v = JOURNAL_BEGIN; v <= JOURNAL_NOTE; v++)
		if (strcmp(name, journal_event_name((enum journal_event)v)) == 0) {
			*out = (enum journal_event)v;
			return true;
		}
	return false;
}

static bool parse_line(struct journal_row *row, const struct text_line *line)
{
	char word[NAME_MAX_LEN];
	uint64_t number = 0;
	if (text_is(line, "ev"))
		return text_copy(line, word, sizeof(word)) && parse_event(word, &row->event);
	if (text_is(line, "step")) {
		bool ok = text_u64(line, &number);
		row->step = (size_t)number;
		return ok;
	}
	if (text_is(line, "boot_ms"))
		return text_i64(line, &row->when.boot_ms);
	if (text_is(line, "wall_ms"))
		return text_i64(line, &row->when.wall_ms);
	if (text_is(line, "note"))
		return text_copy(line, row->note, sizeof(row->note));
	if (text_is(line, "code"))
		return text_copy(line, word, sizeof(word)) && err_code_parse(word, &row->err.code);
	if (text_is(line, "error"))
		return text_copy(line, row->err.text, sizeof(row->err.text));
	return parse_fact(&row->facts, line);
}

enum err_code journal_parse(const char *text, size_t nsteps, struct journal_row *out, struct err *e)
{
	struct text_line line;
	char version[16];
	memset(out, 0, sizeof(*out));
	if (!text_find(text, "journal", version, sizeof(version)) || strtol(version, NULL, 10) != JOURNAL_VERSION)
		return err_set(e, ERR_INVALID, "journal: row version \"%s\", this coldmxd reads %d", version,
			       JOURNAL_VERSION);
	while (text_next(&text, &line))
		if (!parse_line(out, &line))
			return err_set(e, ERR_INVALID, "journal: line %s is not readable", line.key);
	if (out->step >= nsteps)
		return err_set(e, ERR_INVALID, "journal: step %zu of a plan with %zu steps", out->step, nsteps);
	return ERR_OK;
}
