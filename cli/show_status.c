/* All pairs: what needs a person comes first, and the last line says how many that are. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../common/base/mem.h"
#include "cli.h"
#include "text.h"

enum urgency { URGENT, MOVING, UNSURE, CALM };

static enum urgency urgency_of(const json_t *pair)
{
	const char *state = text_of(pair, "state");
	if (strcmp(state, "stuck") == 0 || strcmp(state, "down") == 0 || text_of(pair, "unordered_boot")[0])
		return URGENT;
	if (strcmp(state, "promoting") == 0 || strcmp(state, "failing-back") == 0 || strcmp(state, "drilling") == 0)
		return MOVING;
	if (strcmp(state, "up") != 0 || text_of(pair, "trouble")[0] || text_bool(pair, "latched"))
		return UNSURE;
	return CALM;
}

static int by_urgency(const void *a, const void *b)
{
	const json_t *const *x = a, *const *y = b;
	enum urgency u = urgency_of(*x), v = urgency_of(*y);
	if (u != v)
		return u < v ? -1 : 1;
	return strcmp(json_string_value(json_object_get(*x, "name")), json_string_value(json_object_get(*y, "name")));
}

static void describe_operation(const json_t *pair, char *out, size_t size)
{
	const json_t *op = json_object_get(pair, "operation");
	const char *status = text_of(op, "status"), *step = text_of(op, "step");
	bool open = json_is_object(op) && strcmp(status, "done") != 0 && strcmp(status, "undone") != 0;
	if (!open)
		snprintf(out, size, "-");
	else if (strcmp(status, "running") == 0)
		snprintf(out, size, "%s%s%s", text_of(op, "kind"), step[0] ? " at " : "", step);
	else
		snprintf(out, size, "%s %s%s%s", text_of(op, "kind"), status, step[0] ? " at " : "", step);
}

static void describe_note(const json_t *pair, char *out, size_t size)
{
	int64_t stranded = text_int(pair, "stranded", 0);
	const char *boot = text_of(pair, "unordered_boot"), *trouble = text_of(pair, "trouble");
	if (boot[0])
		snprintf(out, size, "ATTACK SIGNAL: the standby booted without an order (coldmx status %s)",
			 text_of(pair, "name"));
	else if (trouble[0])
		snprintf(out, size, "%s", trouble);
	else if (text_bool(pair, "held"))
		snprintf(out, size, "held");
	else if (text_bool(pair, "latched"))
		snprintf(out, size, "promoted automatically: coldmx ack %s --reason ...", text_of(pair, "name"));
	else if (stranded)
		snprintf(out, size, "%lld stranded message%s in %s", (long long)stranded, stranded == 1 ? "" : "s",
			 text_of(pair, "stranded_dir"));
	else
		out[0] = '\0';
}

static void print_row(const json_t *pair, int name_width)
{
	char operation[200], note[400];
	const char *state = text_of(pair, "state"), *verdict = text_of(pair, "verdict");
	describe_operation(pair, operation, sizeof(operation));
	describe_note(pair, note, sizeof(note));
	text_cell(text_of(pair, "name"), name_width, PAINT_BOLD);
	text_cell(state, 13, paint_of_state(state));
	text_cell(verdict, 9, paint_of_state(verdict));
	text_cell(text_span(text_now() - text_int(pair, "verdict_since_ms", text_now())), 9, PAINT_NONE);
	text_cell(text_bool(pair, "held") ? "held" : text_of(pair, "mode"), 10, PAINT_NONE);
	printf("%s\n", operation);
	if (!note[0])
		return;
	printf("  ");
	text_flow(2, 4, note);
}

static bool warn_controller(const json_t *controller)
{
	bool alive = text_bool(controller, "alive"), ready = text_bool(controller, "ready");
	if (alive && ready)
		return true;
	text_paint(PAINT_BAD);
	if (!alive)
		printf("The controller's loop has not turned for %s: what follows is old.\n",
		       text_span(text_int(controller, "loop_age_ms", 0)));
	else
		printf("The controller is still reading its journal: nothing is decided yet.\n");
	text_paint(PAINT_NONE);
	return false;
}

static void print_verdict(json_t *const *rows, size_t n)
{
	size_t count[CALM + 1] = { 0 };
	for (size_t i = 0; i < n; i++)
		count[urgency_of(rows[i])]++;
	if (count[URGENT]) {
		text_paint(PAINT_BAD);
		printf("%zu of %zu pair%s need%s a person: ", count[URGENT], n, n == 1 ? "" : "s",
		       count[URGENT] == 1 ? "s" : "");
		for (size_t i = 0; i < count[URGENT] && i < 5; i++)
			printf("%s%s", i ? ", " : "", text_of(rows[i], "name"));
		printf("%s\n", count[URGENT] > 5 ? ", ..." : "");
	} else if (count[MOVING] || count[UNSURE]) {
		text_paint(PAINT_WARN);
		printf("%zu of %zu pair%s calm, %zu moving, %zu to look at\n", count[CALM], n, n == 1 ? "" : "s",
		       count[MOVING], count[UNSURE]);
	} else {
		text_paint(PAINT_GOOD);
		printf("%s%zu pair%s calm\n", n == 1 ? "" : "all ", n, n == 1 ? "" : "s");
	}
	text_paint(PAINT_NONE);
}

int show_status(const struct cli_options *o, const struct answer *a)
{
	const json_t *pairs = json_object_get(a->json, "pairs"), *controller = json_object_get(a->json, "controller");
	size_t n = json_array_size(pairs);
	int name_width = 6;
	if (o->json) {
		fputs(a->body, stdout);
		return CLI_DONE;
	}
	json_t **rows = mem_calloc(n + 1, sizeof(json_t *));
	for (size_t i = 0; i < n; i++) {
		rows[i] = json_array_get(pairs, i);
		int len = (int)strlen(text_of(rows[i], "name")) + 2;
		name_width = len > name_width ? len : name_width;
	}
	qsort(rows, n, sizeof(*rows), by_urgency);
	bool good = warn_controller(controller);
	text_paint(PAINT_DIM);
	printf("%-*s%-13s%-9s%-9s%-10s%s\n", name_width, "PAIR", "STATE", "PRIMARY", "FOR", "MODE", "OPERATION");
	text_paint(PAINT_NONE);
	for (size_t i = 0; i < n; i++)
		print_row(rows[i], name_width);
	printf("\n");
	if (!good)
		printf("the controller is not ready: do not rely on this\n");
	else
		print_verdict(rows, n);
	free(rows);
	return good ? CLI_DONE : CLI_FAILED;
}
