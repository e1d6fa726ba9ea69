/* What operations took and achieved, against what is wanted; and how long a step usually takes, for plans and progress. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "text.h"

#define UNKNOWN "-"

static const char *span_or_unknown(const json_t *of, const char *key)
{
	return json_is_integer(json_object_get(of, key)) ? text_span(text_int(of, key, 0)) : UNKNOWN;
}

/* Those that moved mail, or showed that they could: their time counts against the objective. */
static bool counts(const json_t *op)
{
	return strcmp(text_of(op, "kind"), "promote") == 0 && strcmp(text_of(op, "status"), "done") == 0;
}

static bool misses(const json_t *op, const json_t *wanted)
{
	int64_t time_ms = text_int(wanted, "time_ms", 0), age_ms = text_int(wanted, "data_age_ms", 0);
	return counts(op) && ((time_ms && text_int(op, "told_ms", 0) > time_ms) ||
			      (age_ms && text_int(op, "data_age_ms", 0) > age_ms));
}

static void print_operations(const json_t *root)
{
	const json_t *op, *wanted = json_object_get(root, "wanted");
	size_t i;
	text_paint(PAINT_DIM);
	printf("%-20s%-11s%-12s%-10s%-10s%-10s%s\n", "BEGAN", "KIND", "END", "PORT OPEN", "TOLD", "WHOLE", "DATA AGE");
	text_paint(PAINT_NONE);
	for (i = 0; (op = json_array_get(json_object_get(root, "operations"), i)); i++) {
		text_cell(text_time(text_int(op, "began_ms", 0)), 20, PAINT_NONE);
		text_cell(text_of(op, "kind"), 11, PAINT_BOLD);
		text_cell(text_of(op, "status"), 12, PAINT_NONE);
		text_cell(span_or_unknown(op, "open_ms"), 10, PAINT_NONE);
		text_cell(span_or_unknown(op, "told_ms"), 10, PAINT_NONE);
		text_cell(span_or_unknown(op, "took_ms"), 10, PAINT_NONE);
		printf("%s%s\n", span_or_unknown(op, "data_age_ms"), misses(op, wanted) ? "  MISSED" : "");
	}
}

static void print_steps(const json_t *root)
{
	const json_t *step;
	size_t i;
	char what[80];
	text_paint(PAINT_DIM);
	printf("\n%-28s%-7s%-10s%-10s%s\n", "STEP", "TIMES", "MEDIAN", "90 %", "LONGEST");
	text_paint(PAINT_NONE);
	for (i = 0; (step = json_array_get(json_object_get(root, "steps"), i)); i++) {
		snprintf(what, sizeof(what), "%.30s %.40s", text_of(step, "kind"), text_of(step, "step"));
		text_cell(what, 28, PAINT_NONE);
		printf("%-7lld", (long long)text_int(step, "count", 0));
		text_cell(span_or_unknown(step, "p50_ms"), 10, PAINT_NONE);
		text_cell(span_or_unknown(step, "p90_ms"), 10, PAINT_NONE);
		printf("%s\n", span_or_unknown(step, "max_ms"));
	}
}

int show_rto(const struct cli_options *o, const struct answer *a)
{
	const json_t *wanted = json_object_get(a->json, "wanted"), *op;
	size_t i, done = 0, missed = 0;
	if (o->json) {
		fputs(a->body, stdout);
		return CLI_DONE;
	}
	print_operations(a->json);
	print_steps(a->json);
	for (i = 0; (op = json_array_get(json_object_get(a->json, "operations"), i)); i++) {
		done += counts(op);
		missed += misses(op, wanted);
	}
	printf("\nwanted: told within %s, data no older than %s\n", span_or_unknown(wanted, "time_ms"),
	       span_or_unknown(wanted, "data_age_ms"));
	if (!done)
		printf("%s: no failover to measure by yet\n", o->pair);
	else
		printf("%s: %zu of %zu failovers met the objectives\n", o->pair, done - missed, done);
	return CLI_DONE;
}

/* ---- what a step or an operation usually takes ---- */

int64_t timings_step_ms(const json_t *timings, const char *kind, const char *name)
{
	const json_t *step;
	size_t i;
	for (i = 0; (step = json_array_get(json_object_get(timings, "steps"), i)); i++)
		if (strcmp(text_of(step, "kind"), kind) == 0 && strcmp(text_of(step, "step"), name) == 0)
			return text_int(step, "p50_ms", -1);
	return -1;
}

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

void timings_print_estimate(const json_t *timings, const char *kind)
{
	int64_t took_ms[64];
	size_t n = 0, i;
	const json_t *op;
	for (i = 0; (op = json_array_get(json_object_get(timings, "operations"), i)); i++)
		if (n < ARRAY_LEN(took_ms) && strcmp(text_of(op, "kind"), kind) == 0 &&
		    strcmp(text_of(op, "status"), "done") == 0)
			took_ms[n++] = text_int(op, "took_ms", 0);
	if (!n)
		return;
	qsort(took_ms, n, sizeof(took_ms[0]), by_value);
	printf("\nUsually done in %s", text_span(took_ms[(n - 1) / 2]));
	printf(" (median of %zu; the longest took %s)\n", n, text_span(took_ms[n - 1]));
}
