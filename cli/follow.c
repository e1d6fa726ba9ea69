/* An operation as it goes: redrawn in place on a terminal, one line a change elsewhere. It goes on
 * without us. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../common/base/clock.h"
#include "../common/base/mem.h"
#include "cli.h"
#include "text.h"

#define POLL_MS 200
#define APPEAR_LIMIT_MS 5000   /* from the answer to the first view */
#define RESTART_LIMIT_MS 60000 /* a controller that restarts takes the operation up again */

struct following {
	const struct cli_options *o;
	struct client *c;
	uint64_t op;
	int64_t began_ms, seen_ms;
	size_t drawn;          /* lines on the terminal */
	char *last[64];        /* states as printed; line mode */
	struct answer timings; /* what steps usually take; asked once */
};

static void nap(void)
{
	struct timespec ts = { .tv_nsec = POLL_MS * 1000000L };
	nanosleep(&ts, NULL);
}

static bool is_over(const json_t *op)
{
	const char *status = text_of(op, "status");
	return strcmp(status, "done") == 0 || strcmp(status, "undone") == 0 || strcmp(status, "stuck") == 0;
}

static void redraw(struct following *f, const json_t *op)
{
	if (f->drawn)
		printf("\033[%zuA", f->drawn);
	show_steps(op, true, f->timings.json);
	f->drawn = json_array_size(json_object_get(op, "steps"));
	fflush(stdout);
}

static void print_changes(struct following *f, const json_t *op)
{
	size_t i;
	const json_t *step;
	for (i = 0; (step = json_array_get(json_object_get(op, "steps"), i)); i++) {
		const char *state = text_of(step, "state"), *note = text_of(step, "note");
		if (i >= ARRAY_LEN(f->last) || strcmp(state, "waiting") == 0 ||
		    (f->last[i] && !strcmp(f->last[i], state)))
			continue;
		free(f->last[i]);
		f->last[i] = mem_strdup(state);
		int64_t took_ms = text_int(step, "took_ms", -1);
		printf("%7.1f s  %-16s%-9s%s%s%s\n", (double)(text_now() - text_int(op, "began_ms", 0)) / 1000.0,
		       text_of(step, "name"), state,
		       strcmp(state, "running") == 0 || took_ms < 0 ? "" : text_span(took_ms), note[0] ? "  " : "",
		       note);
	}
	fflush(stdout);
}

static void show_progress(struct following *f, const json_t *op)
{
	size_t lines = json_array_size(json_object_get(op, "steps")) + 3;
	if (f->o->json)
		return;
	if (text_is_terminal() && (size_t)text_rows() > lines)
		redraw(f, op);
	else
		print_changes(f, op);
}

static int conclude(const struct following *f, const struct answer *a)
{
	const json_t *op = a->json, *error = json_object_get(op, "error");
	const char *status = text_of(op, "status"), *kind = text_of(op, "kind"), *why = text_of(error, "text"),
		   *pair = f->o->pair;
	bool wanted_undo = f->o->command == CLI_ABORT;
	bool done = strcmp(status, "done") == 0, undone = strcmp(status, "undone") == 0;
	int code = done || (undone && wanted_undo) ? CLI_DONE : CLI_FAILED;
	if (f->o->json) {
		fputs(a->body, stdout);
		return code;
	}
	text_paint(code == CLI_DONE ? PAINT_GOOD : PAINT_BAD);
	if (done)
		printf("%s: %s done in %s\n", pair, kind, text_span(text_int(op, "took_ms", 0)));
	else if (undone)
		printf("%s: %s undone, the primary keeps its mail%s%s\n", pair, kind, why[0] ? ": " : "", why);
	else
		printf("%s: %s is stuck: %s; then coldmx resume %s --reason ..., or coldmx abort %s --reason ...\n",
		       pair, kind, why[0] ? why : "see coldmx status", pair, pair);
	text_paint(PAINT_NONE);
	return code;
}

static int still_running(const struct following *f, const char *path)
{
	struct answer a;
	if (f->o->json) {
		client_ask(f->c, path, NULL, &a);
		fputs(a.body, stdout);
		answer_fini(&a);
	} else {
		printf("%s: operation %" PRIu64 " still runs; follow it with coldmx status %s --watch\n", f->o->pair,
		       f->op, f->o->pair);
	}
	return CLI_RUNNING;
}

/* -1: go on. */
static int look(struct following *f, const struct answer *a)
{
	int64_t now_ms = clock_boot_ms();
	if (a->status == 200) {
		f->seen_ms = now_ms;
		show_progress(f, a->json);
		return is_over(a->json) ? conclude(f, a) : -1;
	}
	if (a->status == 404 && now_ms - f->seen_ms > APPEAR_LIMIT_MS) {
		printf("%s: operation %" PRIu64 " is no longer the pair's last: coldmx status %s\n", f->o->pair, f->op,
		       f->o->pair);
		return CLI_FAILED;
	}
	if (a->status != 404 && now_ms - f->seen_ms > RESTART_LIMIT_MS) {
		fprintf(stderr, "coldmx: %s\n", a->status ? "the controller does not say" : a->why.text);
		printf("%s: lost sight of operation %" PRIu64 "; it is journaled, and goes on when coldmxd runs\n",
		       f->o->pair, f->op);
		return CLI_UNREACHABLE;
	}
	return -1;
}

int follow_operation(const struct cli_options *o, struct client *c, uint64_t op)
{
	struct following f = { .o = o, .c = c, .op = op };
	char path[64];
	int code = -1;
	f.began_ms = f.seen_ms = clock_boot_ms();
	client_ask_timings(c, o->pair, &f.timings);
	snprintf(path, sizeof(path), "/v1/operations/%" PRIu64, op);
	while (code < 0) {
		struct answer a;
		if (o->wait_ms >= 0 && clock_boot_ms() - f.began_ms >= o->wait_ms) {
			code = still_running(&f, path);
			break;
		}
		client_ask(c, path, NULL, &a);
		code = look(&f, &a);
		answer_fini(&a);
		if (code < 0)
			nap();
	}
	for (size_t i = 0; i < ARRAY_LEN(f.last); i++)
		free(f.last[i]);
	answer_fini(&f.timings);
	return code;
}
