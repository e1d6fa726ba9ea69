/* Keys in one place: the samples and the manual pages of coldmx.conf and agent.conf are held to the rows, by name, default
 * and bounds. Run from the top folder of the sources. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../agent/config.h"
#include "../../common/base/file.h"
#include "../../common/base/mem.h"
#include "../../controller/config_rows.h"
#include "replace.h"

/* "Range: 1 to 256." as a manual page has it; "" for a row without bounds. */
static void range_of(const struct conf_row *row, char *out, size_t size)
{
	struct strbuf text = STRBUF_INIT;
	out[0] = '\0';
	if (!row->max || (row->type != CONF_INT && row->type != CONF_DURATION && row->type != CONF_SIZE))
		return;
	for (int i = 0; i < 2; i++) {
		int64_t end = i ? row->max : row->min;
		int number = (int)end;
		const struct conf_row plain = { .type = row->type };
		strbuf_adds(&text, i ? " to " : "Range: ");
		conf_value_format(&plain, row->type == CONF_INT ? (const void *)&number : (const void *)&end, &text);
	}
	strbuf_addc(&text, '.');
	char *bare = replace(strbuf_take(&text), "\"", "");
	(void)str_copy(out, size, bare);
	free(bare);
}

/* An entry of the page, from `head` to the next one that begins with `next`, has this part. */
static bool entry_has(const char *man, const char *head, const char *next, const char *part)
{
	for (const char *at = man; (at = strstr(at, head));) {
		at += strlen(head);
		const char *end = strstr(at, next), *found = strstr(at, part);
		if (found && (!end || found < end))
			return true;
	}
	return false;
}

static void hold_to_rows(const struct conf_section *s, const char *conf, const char *man)
{
	for (size_t i = 0; i < s->nrows; i++) {
		const struct conf_row *row = &s->rows[i];
		char want[160], range[80];
		if (!row->name)
			continue;
		snprintf(want, sizeof(want), "%s = ", row->name);
		if (!strstr(conf, want))
			fail_msg("etc/coldmx.conf has no \"%s\"", row->name);
		snprintf(want, sizeof(want), ".It Ic %s", row->name);
		if (!strstr(man, want))
			fail_msg("docs/coldmx.conf.5 has no \"%s\"", want);
		range_of(row, range, sizeof(range));
		if (!entry_has(man, want, ".It Ic ", range))
			fail_msg("docs/coldmx.conf.5: %s has no \"%s\"", row->name, range);
		if (row->section) {
			hold_to_rows(row->section, conf, man);
			continue;
		}
		if (!row->def || !row->def[0])
			continue;
		bool bare = row->type == CONF_BOOL || row->type == CONF_INT;
		snprintf(want, sizeof(want), bare ? "%s = %s;" : "%s = \"%s\";", row->name, row->def);
		if (!strstr(conf, want))
			fail_msg("etc/coldmx.conf does not show the default: %s", want);
		snprintf(want, sizeof(want), bare ? ".It Ic %s No = %s" : ".It Ic %s No = Qq %s", row->name, row->def);
		if (!strstr(man, want))
			fail_msg("docs/coldmx.conf.5 does not show the default: %s", want);
	}
}

static bool has_row(const struct conf_section *s, const char *name, size_t len)
{
	for (size_t i = 0; i < s->nrows; i++) {
		const struct conf_row *row = &s->rows[i];
		if (row->name && strlen(row->name) == len && strncmp(row->name, name, len) == 0)
			return true;
		if (row->section && has_row(row->section, name, len))
			return true;
	}
	return false;
}

/* The other way round: no key in the manual that the program does not take. */
static void hold_to_manual(const char *man)
{
	for (const char *at = man; (at = strstr(at, "\n.It Ic "));) {
		at += strlen("\n.It Ic ");
		size_t len = strcspn(at, " \n");
		if (!has_row(&config_section, at, len))
			fail_msg("docs/coldmx.conf.5 has \"%.*s\", which is no key", (int)len, at);
	}
}

static void test_sample_and_manual_follow_rows(void **state)
{
	(void)state;
	struct err e;
	char *conf, *man;
	assert_int_equal(file_read("etc/coldmx.conf", 1 << 20, FILE_ANY, &conf, NULL, &e), ERR_OK);
	assert_int_equal(file_read("docs/coldmx.conf.5", 1 << 20, FILE_ANY, &man, NULL, &e), ERR_OK);
	hold_to_rows(&config_section, conf, man);
	hold_to_manual(man);
	free(conf);
	free(man);
}

/* What stands in brackets behind a key of the agent's page: its default. */
static char *default_on_page(const struct conf_row *row)
{
	const char *text = !row->def ? "required" : row->def[0] ? row->def : "none";
	return replace(mem_strdup(text), "-", "\\-");
}

static void hold_agent_row(const struct conf_row *row, const char *group, const char *conf, const char *man)
{
	char head[160], want[80];
	char *def = default_on_page(row);
	snprintf(head, sizeof(head), "\n.BR %s%s \" (%s)\"\n", group, row->name, def);
	free(def);
	range_of(row, want, sizeof(want));
	if (row->type == CONF_LIST)
		snprintf(want, sizeof(want), "At most %d.", (int)row->max);
	if (!entry_has(man, head, "\n.TP", want))
		fail_msg("docs/coldmx-agent.8 has no %s with \"%s\"", head, want);
	for (size_t i = 0; row->type == CONF_ENUM && row->words[i]; i++) {
		char *word = replace(mem_strdup(row->words[i]), "-", "\\-");
		if (!entry_has(man, head, "\n.TP", word))
			fail_msg("docs/coldmx-agent.8: %s does not name \"%s\"", row->name, word);
		free(word);
	}
	bool shown = row->type != CONF_LIST && row->def && row->def[0];
	snprintf(head, sizeof(head), shown ? "\n%s%s = \"%s\";" : "\n%s%s = ", group[0] ? "  " : "", row->name,
		 row->def);
	if (!strstr(conf, head))
		fail_msg("etc/agent.conf has no %s", head);
}

static size_t keys_on_page(const char *man)
{
	const char *end = strstr(man, "\n.SH FILES\n");
	size_t keys = 0;
	for (const char *at = strstr(man, "\n.SH CONFIGURATION\n"); (at = strstr(at + 1, "\n.TP\n")) && at < end;)
		keys++;
	return keys;
}

static void test_agent_sample_and_manual_follow_rows(void **state)
{
	(void)state;
	struct err e = { 0 };
	struct agent_config *c;
	char *conf, *man, path[] = "/tmp/coldmx-test-rows-XXXXXX";
	size_t keys = 0;
	assert_int_equal(file_read("etc/agent.conf", 1 << 20, FILE_ANY, &conf, NULL, &e), ERR_OK);
	assert_int_equal(file_read("docs/coldmx-agent.8", 1 << 20, FILE_ANY, &man, NULL, &e), ERR_OK);
	for (size_t i = 0; i < agent_config_section.nrows; i++) {
		const struct conf_row *row = &agent_config_section.rows[i];
		char group[80];
		snprintf(group, sizeof(group), "%s.", row->name);
		for (size_t k = 0; row->type == CONF_GROUP && k < row->section->nrows; k++, keys++)
			hold_agent_row(&row->section->rows[k], group, conf, man);
		if (row->type != CONF_GROUP) {
			hold_agent_row(row, "", conf, man);
			keys++;
		}
	}
	assert_int_equal(keys_on_page(man), keys); /* no key that the program does not take */
	assert_int_equal(close(mkstemp(path)), 0);
	assert_int_equal(file_replace(path, conf, strlen(conf), 0644, &e), ERR_OK);
	if (agent_config_load(path, &c, &e) != ERR_OK)
		fail_msg("%s", e.text);
	agent_config_free(c);
	unlink(path);
	free(conf);
	free(man);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sample_and_manual_follow_rows),
		cmocka_unit_test(test_agent_sample_and_manual_follow_rows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
