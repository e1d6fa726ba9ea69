/* An operation: who began it and why, its steps with their seconds, where it cannot be undone any more, and its
 * error. */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "text.h"

#define NOTE_COLUMN 37 /* where a step's note begins */

static void print_no_return(const json_t *op)
{
	bool forward = strcmp(text_of(op, "kind"), "promote") != 0;
	const char *step = text_of(op, "no_return");
	if (text_bool(op, "past_no_return"))
		printf("  past %s, the point of no return: %s\n", step[0] ? step : "open-port",
		       forward ? "it only goes forward" : "coldmx abort now restores the primary");
	else if (step[0])
		printf("  until %s, the point of no return, coldmx abort undoes it\n", step);
}

static void print_head(const json_t *op)
{
	char text[400];
	const char *status = text_of(op, "status");
	snprintf(text, sizeof(text), "operation %lld, %s: ", (long long)text_int(op, "id", 0), text_of(op, "kind"));
	fputs(text, stdout);
	text_cell(status, 0, paint_of_state(status));
	int column = (int)(strlen(text) + strlen(status));
	snprintf(text, sizeof(text), "; began %s by %s: %s", text_time(text_int(op, "began_ms", 0)),
		 text_of(op, "actor"), text_of(op, "reason"));
	text_flow(column, 2, text);
	if (strcmp(status, "done") != 0 && strcmp(status, "undone") != 0)
		print_no_return(op);
}

/* What is over and went well is told in a line; only what a step had to say stays. */
static void print_steps_done(const json_t *op)
{
	size_t i;
	int64_t own_ms = 0;
	const json_t *step, *steps = json_object_get(op, "steps");
	for (i = 0; (step = json_array_get(steps, i)); i++) {
		const char *note = text_of(step, "note");
		own_ms += text_int(step, "own_ms", 0);
		if (!note[0])
			continue;
		printf("  %-16s", text_of(step, "name"));
		text_flow(18, 18, note);
	}
	printf("  all %zu steps done in %s, of it the controller's own time %s\n", json_array_size(steps),
	       text_span(text_int(op, "took_ms", 0)), text_span(own_ms));
}

/* A running step goes on counting while the view waits for its next change. */
static int64_t step_took_ms(const json_t *op, const json_t *step)
{
	int64_t took_ms = text_int(step, "took_ms", -1);
	const char *state = text_of(step, "state");
	bool running = strcmp(state, "running") == 0 || strcmp(state, "undoing") == 0;
	if (took_ms >= 0 && running)
		took_ms += text_now() - text_int(op, "built_ms", text_now());
	return took_ms;
}

static const char *note_of(const json_t *op, const json_t *step, const json_t *timings, char *out, size_t size)
{
	const char *note = text_of(step, "note");
	int64_t usual_ms = timings_step_ms(timings, text_of(op, "kind"), text_of(step, "name"));
	if (note[0] || usual_ms < 0 || strcmp(text_of(step, "state"), "running") != 0)
		return note;
	snprintf(out, size, "usually %s", text_span(usual_ms));
	return out;
}

void show_steps(const json_t *op, bool redrawn, const json_t *timings)
{
	char usual[40];
	size_t i;
	const json_t *step;
	int room = text_columns() > NOTE_COLUMN ? text_columns() - NOTE_COLUMN : 0;
	for (i = 0; (step = json_array_get(json_object_get(op, "steps"), i)); i++) {
		const char *state = text_of(step, "state"), *note = note_of(op, step, timings, usual, sizeof(usual));
		int64_t took_ms = step_took_ms(op, step);
		printf("  ");
		text_cell(state, 9, paint_of_state(state));
		text_cell(text_of(step, "name"), took_ms < 0 ? 0 : 16, PAINT_NONE);
		text_cell(took_ms < 0 ? "" : text_span(took_ms), note[0] ? 10 : 0, PAINT_NONE);
		if (redrawn) /* a line that wraps would spoil the redrawing */
			printf("%.*s\033[K\n", room, note);
		else
			text_flow(NOTE_COLUMN, NOTE_COLUMN, note);
	}
}

static void print_error(const json_t *error)
{
	char text[480];
	snprintf(text, sizeof(text), "%s (%s error%s%s)", text_of(error, "text"), text_of(error, "class"),
		 strcmp(text_of(error, "code"), text_of(error, "class")) == 0 ? "" : ": ",
		 strcmp(text_of(error, "code"), text_of(error, "class")) == 0 ? "" : text_of(error, "code"));
	text_paint(PAINT_BAD);
	printf("  ");
	text_flow(2, 2, text);
	text_paint(PAINT_NONE);
}

void show_operation(const json_t *op)
{
	const json_t *error = json_object_get(op, "error");
	print_head(op);
	if (strcmp(text_of(op, "status"), "done") == 0)
		print_steps_done(op);
	else
		show_steps(op, false, NULL);
	if (json_is_object(error))
		print_error(error);
}
