/* Reads docs/openapi.yaml for the tests that hold an HTTP surface to it: which members a schema requires, which statuses a
 * path has. No YAML parser: the document keeps to one layout. Run from the top folder of the sources. */
#ifndef COLDMX_TEST_CONTRACT_H
#define COLDMX_TEST_CONTRACT_H

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/base/file.h"
#include "../../common/base/mem.h"
#include "../../common/base/strbuf.h"

static char *yaml;

static inline bool contract_read(void)
{
	struct err e;
	return file_read("docs/openapi.yaml", 1 << 20, FILE_ANY, &yaml, NULL, &e) == ERR_OK;
}

static inline void contract_forget(void)
{
	free(yaml);
}

/* Appends the members that schema `name` requires, each followed by a blank. */
static inline void required_of(const char *name, struct strbuf *out)
{
	char head[80];
	snprintf(head, sizeof(head), "\n    %s:\n", name);
	const char *schemas = strstr(yaml, "\n  schemas:\n");
	const char *at = schemas ? strstr(schemas, head) : NULL;
	if (!at) {
		fail_msg("docs/openapi.yaml has no schema %s", name);
		return;
	}
	at += strlen(head) - 1;
	const char *list = strstr(at, "required: [");
	const char *next = strstr(at, "\n    ");
	while (next && (next[5] == ' ' || next[5] == '#'))
		next = strstr(next + 1, "\n    ");
	if (!list || (next && list > next)) {
		fail_msg("schema %s of docs/openapi.yaml requires nothing", name);
		return;
	}
	for (list += strlen("required: ["); *list != ']'; list++)
		if (*list == ',')
			strbuf_addc(out, ' ');
		else if (*list != ' ' && *list != '\n')
			strbuf_addc(out, *list);
	strbuf_addc(out, ' ');
}

static inline void expect_exactly(json_t *object, const char *schemas, const char *where)
{
	struct strbuf want = STRBUF_INIT;
	char names[80], padded[80];
	const char *key;
	json_t *value;
	size_t n = 0;
	(void)str_copy(names, sizeof(names), schemas);
	strbuf_addc(&want, ' ');
	for (char *name = strtok(names, " "); name; name = strtok(NULL, " "))
		required_of(name, &want);
	if (!json_is_object(object))
		fail_msg("%s: no object where %s is documented", where, schemas);
	json_object_foreach(object, key, value)
	{
		snprintf(padded, sizeof(padded), " %s ", key);
		if (!strstr(strbuf_str(&want), padded))
			fail_msg("%s: \"%s\" is not documented in %s", where, key, schemas);
	}
	char *text = strbuf_take(&want);
	for (char *member = strtok(text, " "); member; member = strtok(NULL, " "), n++)
		if (!json_object_get(object, member))
			fail_msg("%s: \"%s\" of %s is missing", where, member, schemas);
	assert_int_equal(n, json_object_size(object));
	free(text);
}

/* The block of one path and method; its end is the next path's beginning. */
static inline const char *contract_method(const char *path, const char *method, const char **end)
{
	char head[120];
	snprintf(head, sizeof(head), "\n  %s:\n    %s:\n", path, method);
	const char *at = strstr(yaml, head);
	if (!at)
		return NULL;
	at += strlen(head);
	*end = strstr(at, "\n  /");
	if (!*end)
		*end = strstr(at, "\ncomponents:");
	return at;
}

static inline bool contract_has_status(const char *path, const char *method, long status)
{
	char want[32];
	const char *end, *at = contract_method(path, method, &end);
	snprintf(want, sizeof(want), "\n        \"%ld\":", status);
	const char *found = at ? strstr(at, want) : NULL;
	return found && found < end;
}

#endif
