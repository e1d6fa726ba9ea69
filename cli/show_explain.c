/* Why it did or did not act, and what was done by whom. */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "text.h"

#define CONDITION_COLUMN 18
#define REASON_COLUMN 50

static void print_condition(const json_t *c)
{
	bool met = text_bool(c, "met");
	char text[400];
	text_cell(met ? "ok" : "NO", 5, met ? PAINT_GOOD : PAINT_BAD);
	text_cell(text_of(c, "name"), CONDITION_COLUMN - 5, PAINT_NONE);
	snprintf(text, sizeof(text), "%s (needed: %s; %s, %s)", text_of(c, "value"), text_of(c, "limit"),
		 text_age(c, "at_ms"), text_of(c, "source"));
	text_flow(CONDITION_COLUMN, CONDITION_COLUMN, text);
}

/* Where an operation has taken over, the conditions decide nothing now. */
static const char *why_moot(const char *state)
{
	static const struct {
		const char *state, *why;
	} rows[] = {
		{ "promoting", "a promotion runs already: coldmx status %s --watch" },
		{ "promoted", "the standby has the mail already, and only a person gives it back: coldmx failback %s "
			      "--reason ..." },
		{ "failing-back", "the primary is taking back: coldmx status %s --watch" },
		{ "stuck", "an operation is stuck, and nothing is automatic until a person acts: coldmx status %s" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(rows[i].state, state) == 0)
			return rows[i].why;
	return NULL;
}

static void print_against(const json_t *root, const json_t *conditions, size_t against)
{
	char text[600];
	size_t i, n;
	const json_t *c;
	const char *separator = "";
	n = (size_t)snprintf(text, sizeof(text),
			     "%s: %s, no automatic promotion: %zu of %zu conditions stand against it (",
			     text_of(root, "name"), text_of(root, "state"), against, json_array_size(conditions));
	for (i = 0; (c = json_array_get(conditions, i)) && n < sizeof(text) - 1; i++) {
		if (text_bool(c, "met"))
			continue;
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", separator, text_of(c, "name"));
		separator = ", ";
	}
	if (n < sizeof(text) - 1)
		snprintf(text + n, sizeof(text) - n, ")");
	text_flow(0, 2, text);
}

static void print_conclusion(const json_t *root, const json_t *conditions)
{
	size_t i, against = 0;
	const json_t *c;
	const char *name = text_of(root, "name"), *state = text_of(root, "state"), *moot = why_moot(state);
	for (i = 0; (c = json_array_get(conditions, i)); i++)
		against += !text_bool(c, "met");
	printf("\n");
	if (moot)
		text_flow(0, 2, text_with(moot, name));
	else if (against)
		print_against(root, conditions, against);
	else
		printf("%s: nothing stands against an automatic promotion; the pair is %s\n", name, state);
}

int show_explain(const struct cli_options *o, const struct answer *a)
{
	const json_t *conditions = json_object_get(a->json, "conditions"), *c;
	const char *state = text_of(a->json, "state"), *verdict = text_of(a->json, "verdict"),
		   *trouble = text_of(a->json, "trouble");
	char text[400];
	size_t i;
	if (o->json) {
		fputs(a->body, stdout);
		return CLI_DONE;
	}
	printf("pair %s: ", text_of(a->json, "name"));
	text_cell(state, 0, paint_of_state(state));
	printf("; the primary is ");
	text_cell(verdict, 0, paint_of_state(verdict));
	printf(" for %s; mode %s\n", text_span(text_now() - text_int(a->json, "verdict_since_ms", text_now())),
	       text_of(a->json, "mode"));
	snprintf(text, sizeof(text), "last rule: %s [%s]", text_of(a->json, "why"), text_of(a->json, "rule"));
	text_flow(0, 2, text);
	if (trouble[0]) {
		snprintf(text, sizeof(text), "trouble: %s", trouble);
		text_flow(0, 2, text);
	}
	printf("\nAn automatic promotion %s all of these:\n", why_moot(state) ? "would need" : "needs");
	for (i = 0; (c = json_array_get(conditions, i)); i++)
		print_condition(c);
	print_conclusion(a->json, conditions);
	return CLI_DONE;
}

int show_history(const struct cli_options *o, const struct answer *a)
{
	const json_t *rows = json_object_get(a->json, "rows"), *row;
	size_t i;
	if (o->json) {
		fputs(a->body, stdout);
		return CLI_DONE;
	}
	for (i = 0; (row = json_array_get(rows, i)); i++) {
		text_cell(text_time(text_int(row, "wall_ms", 0)), 20, PAINT_DIM);
		text_cell(text_of(row, "what"), 15, PAINT_BOLD);
		text_cell(text_of(row, "who"), REASON_COLUMN - 35, PAINT_NONE);
		printf(" ");
		text_flow(REASON_COLUMN + 1, REASON_COLUMN + 1, text_of(row, "why"));
	}
	printf("\n%s: %zu %s in the audit trail, oldest first\n",
	       text_of(a->json, "pair")[0] ? text_of(a->json, "pair") : "all pairs", json_array_size(rows),
	       json_array_size(rows) == 1 ? "entry" : "entries");
	return CLI_DONE;
}
