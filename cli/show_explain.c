/* Why it did or did not act, and what was done by whom. */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "text.h"

static void print_condition(const json_t *c, int value_width)
{
	bool met = text_bool(c, "met");
	text_cell(met ? "ok" : "NO", 5, met ? PAINT_GOOD : PAINT_BAD);
	text_cell(text_of(c, "name"), 13, PAINT_NONE);
	text_cell(text_of(c, "value"), value_width, PAINT_NONE);
	text_cell(text_age(c, "at_ms"), 13, PAINT_NONE);
	text_cell(text_of(c, "source"), 17, PAINT_NONE);
	printf("%s\n", text_of(c, "limit"));
}

static void print_conclusion(const json_t *root, const json_t *conditions)
{
	size_t i, against = 0;
	const json_t *c;
	for (i = 0; (c = json_array_get(conditions, i)); i++)
		against += !text_bool(c, "met");
	printf("\n%s: ", text_of(root, "name"));
	if (!against) {
		printf("nothing stands against an automatic promotion; the pair is %s\n", text_of(root, "state"));
		return;
	}
	printf("%s, no automatic promotion: %zu of %zu conditions stand against it (", text_of(root, "state"), against,
	       json_array_size(conditions));
	bool first = true;
	for (i = 0; (c = json_array_get(conditions, i)); i++) {
		if (text_bool(c, "met"))
			continue;
		printf("%s%s", first ? "" : ", ", text_of(c, "name"));
		first = false;
	}
	printf(")\n");
}

int show_explain(const struct cli_options *o, const struct answer *a)
{
	const json_t *conditions = json_object_get(a->json, "conditions"), *c;
	const char *state = text_of(a->json, "state"), *verdict = text_of(a->json, "verdict"),
		   *trouble = text_of(a->json, "trouble");
	size_t i;
	int width = 8;
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
	printf("last rule: %s [%s]\n", text_of(a->json, "why"), text_of(a->json, "rule"));
	if (trouble[0])
		printf("trouble: %s\n", trouble);
	for (i = 0; (c = json_array_get(conditions, i)); i++) {
		int len = (int)strlen(text_of(c, "value")) + 2;
		width = len > width ? len : width;
	}
	printf("\nAn automatic promotion needs all of these:\n");
	text_paint(PAINT_DIM);
	printf("%-5s%-13s%-*s%-13s%-17s%s\n", "", "CONDITION", width, "VALUE", "AGE", "SOURCE", "NEEDED");
	text_paint(PAINT_NONE);
	for (i = 0; (c = json_array_get(conditions, i)); i++)
		print_condition(c, width);
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
		text_cell(text_time(text_int(row, "wall_ms", 0)), 21, PAINT_DIM);
		text_cell(text_of(row, "what"), 18, PAINT_BOLD);
		text_cell(text_of(row, "who"), 20, PAINT_NONE);
		printf("%s\n", text_of(row, "why"));
	}
	printf("\n%s: %zu entries in the audit trail, oldest first\n", text_of(a->json, "pair"), json_array_size(rows));
	return CLI_DONE;
}
