/* One pair in full: each fact with its age and source, the operation with its steps, and what to do
 * next. */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "text.h"

#define STEP_COLUMNS 38     /* before a step's note */
#define REPORT_OLD_MS 60000 /* also when it is the controller that is silent */

static void label(const char *text)
{
	printf("  %-16s", text);
}

static void print_silent_agent(const json_t *agent)
{
	int64_t at_ms = text_int(agent, "at_ms", 0), queue = text_int(agent, "last_queue", -1);
	text_paint(PAINT_WARN);
	printf("unknown since %s (last report %s)", text_time(at_ms), text_age(agent, "at_ms"));
	if (queue > 0)
		printf(", about %lld messages queued then", (long long)queue);
	printf("\n");
	text_paint(PAINT_NONE);
}

static void print_boot(const json_t *agent, bool of_standby)
{
	const char *boot = text_of(agent, "boot_id"), *order = text_of(agent, "boot_order");
	if (!boot[0])
		return;
	label("");
	printf("boot %s", boot);
	if (of_standby)
		printf("%s%s", order[0] ? ", order " : ", without an order", order);
	printf("\n");
}

static void print_known_agent(const json_t *agent, bool of_standby)
{
	int64_t queue = text_int(agent, "queue", -1), disk_mb = text_int(agent, "disk_free_mb", -1);
	const char *trouble = text_of(agent, "trouble");
	printf("%s, %s, epoch %lld", text_bool(agent, "serving") ? "serving" : "not serving",
	       text_bool(agent, "has_right") ? "may accept mail" : "may not accept mail",
	       (long long)text_int(agent, "epoch", 0));
	if (queue >= 0)
		printf(", queue %lld", (long long)queue);
	if (disk_mb >= 0)
		printf(", disk free %.1f GB", (double)disk_mb / 1024.0);
	printf("  (%s)\n", text_age(agent, "at_ms"));
	print_boot(agent, of_standby);
	if (trouble[0]) {
		label("");
		text_paint(PAINT_BAD);
		printf("%s\n", trouble);
		text_paint(PAINT_NONE);
	}
}

static void print_agent(const json_t *pair, const char *role)
{
	const json_t *agent = json_object_get(json_object_get(pair, "agents"), role);
	int64_t at_ms = text_int(agent, "at_ms", -1);
	char name[40];
	snprintf(name, sizeof(name), "%s's agent", role);
	label(name);
	if (at_ms < 0)
		printf("no report since the controller started\n");
	else if (text_now() - at_ms > REPORT_OLD_MS || !text_bool(agent, "known"))
		print_silent_agent(agent);
	else
		print_known_agent(agent, strcmp(role, "standby") == 0);
}

static void print_mail(const json_t *pair)
{
	const json_t *queue = json_object_get(pair, "standby_queue");
	int64_t messages = text_int(queue, "messages", -1), at_ms = text_int(queue, "at_ms", -1),
		last = text_int(queue, "last_messages", -1);
	label("standby's queue");
	if (last < 0)
		printf("unknown: no report of the standby's agent\n");
	else if (messages < 0 || text_now() - at_ms > REPORT_OLD_MS)
		printf("unknown since %s; about %lld messages then\n", text_time(at_ms), (long long)last);
	else
		printf("%lld messages wait  (%s, standby's agent)\n", (long long)messages, text_age(queue, "at_ms"));
	label("stranded");
	printf("%lld messages  (controller)\n", (long long)text_int(pair, "stranded", 0));
	label("recipient maps");
	if (text_int(pair, "maps_at_ms", -1) < 0)
		printf("none kept: a promotion would stop at `maps`\n");
	else
		printf("pushed %s  (primary's agent)\n", text_age(pair, "maps_at_ms"));
}

static void print_stops(const json_t *pair)
{
	const json_t *hold = json_object_get(pair, "hold");
	label("hold");
	if (json_is_object(hold))
		printf("until %s by %s: %s\n", text_time(text_int(hold, "expires_ms", 0)), text_of(hold, "owner"),
		       text_of(hold, "reason"));
	else
		printf("none\n");
	if (text_bool(pair, "latched")) {
		label("latch");
		printf("promoted automatically; no second time for %s, or until coldmx ack %s\n",
		       text_span(text_int(pair, "cooldown_left_ms", 0)), text_of(pair, "name"));
	}
	if (!text_bool(pair, "seen_up")) {
		label("seen up");
		printf("never since its configuration changed: nothing automatic\n");
	}
	const char *boot = text_of(pair, "unordered_boot"), *trouble = text_of(pair, "trouble");
	text_paint(PAINT_BAD);
	if (boot[0]) {
		label("ATTACK SIGNAL");
		printf("the standby booted without an order (boot %s); when it was you: coldmx ack "
		       "%s\n",
		       boot, text_of(pair, "name"));
	}
	if (trouble[0]) {
		label("trouble");
		printf("%s\n", trouble);
	}
	text_paint(PAINT_NONE);
}

void show_operation_head(const json_t *op)
{
	const char *status = text_of(op, "status");
	printf("operation %lld, %s: ", (long long)text_int(op, "id", 0), text_of(op, "kind"));
	text_cell(status, 0, paint_of_state(status));
	printf("; began %s by %s: %s\n", text_time(text_int(op, "began_ms", 0)), text_of(op, "actor"),
	       text_of(op, "reason"));
	if (text_bool(op, "past_no_return") && strcmp(status, "done") != 0)
		printf("  past the point of no return: it goes forward, or coldmx abort restores "
		       "the primary\n");
}

/* What is over and went well is told in a line; only what a step had to say stays. */
static void show_steps_done(const json_t *op)
{
	size_t i;
	int64_t own_ms = 0;
	const json_t *step, *steps = json_object_get(op, "steps");
	for (i = 0; (step = json_array_get(steps, i)); i++) {
		const char *note = text_of(step, "note");
		own_ms += text_int(step, "own_ms", 0);
		if (note[0])
			printf("  %-16s%s\n", text_of(step, "name"), note);
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

void show_steps(const json_t *op)
{
	size_t i;
	const json_t *step;
	for (i = 0; (step = json_array_get(json_object_get(op, "steps"), i)); i++) {
		const char *state = text_of(step, "state"), *note = text_of(step, "note");
		int64_t took_ms = step_took_ms(op, step);
		printf("  ");
		text_cell(state, 9, paint_of_state(state));
		text_cell(text_of(step, "name"), took_ms < 0 ? 0 : 16, PAINT_NONE);
		text_cell(took_ms < 0 ? "" : text_span(took_ms), note[0] ? 10 : 0, PAINT_NONE);
		if (text_is_terminal()) /* a line that wraps would spoil the redrawing */
			printf("%.*s\033[K\n", text_columns() > STEP_COLUMNS ? text_columns() - STEP_COLUMNS : 0, note);
		else
			printf("%s\n", note);
	}
}

static void print_operation(const json_t *op)
{
	const json_t *error = json_object_get(op, "error");
	if (!json_is_object(op))
		return;
	printf("\n");
	show_operation_head(op);
	if (strcmp(text_of(op, "status"), "done") == 0)
		show_steps_done(op);
	else
		show_steps(op);
	if (json_is_object(error)) {
		text_paint(PAINT_BAD);
		printf("  %s (%s, %s)\n", text_of(error, "text"), text_of(error, "code"), text_of(error, "class"));
		text_paint(PAINT_NONE);
	}
}

static const char *next_of(const char *state)
{
	static const struct {
		const char *state, *next;
	} rows[] = {
		{ "down", "the primary is down and nothing is done: coldmx explain %s, then coldmx "
			  "failover %s" },
		{ "stuck", "stuck: put right what the error names, then coldmx resume %s, or coldmx "
			   "abort %s" },
		{ "promoted", "the standby takes the mail; when the primary is well again: coldmx failback %s" },
		{ "promoting", "the standby is taking over: coldmx status %s --watch" },
		{ "failing-back", "the primary is taking back: coldmx status %s --watch" },
		{ "suspect", "the primary may be failing: coldmx explain %s" },
		{ "unknown", "nothing is known of the primary yet, and unknown never promotes: "
			     "coldmx explain %s" },
		{ "up", "the primary serves; nothing to do" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(rows[i].state, state) == 0)
			return rows[i].next;
	return "coldmx explain %s";
}

static const char *next_for(const json_t *pair)
{
	const char *state = text_of(pair, "state");
	bool up = strcmp(text_of(pair, "verdict"), "up") == 0, calm = strcmp(state, "up") == 0;
	if (calm && text_of(pair, "unordered_boot")[0])
		return "ATTACK SIGNAL: look at the standby before anything else; when it is explained: coldmx ack %s";
	if (up && strcmp(state, "promoted") == 0)
		return "the primary is back; the standby's mail waits: coldmx failback %s";
	if (calm && text_of(pair, "trouble")[0])
		return "the primary serves; look at the trouble above";
	return next_of(state);
}

static void print_with_pair(const char *text, const char *pair)
{
	for (; *text; text++) {
		if (text[0] == '%' && text[1] == 's') {
			fputs(pair, stdout);
			text++;
		} else {
			putchar(*text);
		}
	}
	putchar('\n');
}

int show_pair(const struct cli_options *o, const struct answer *a)
{
	const json_t *p = a->json;
	const char *state = text_of(p, "state"), *verdict = text_of(p, "verdict");
	int64_t since_ms = text_int(p, "verdict_since_ms", 0);
	if (o->json) {
		fputs(a->body, stdout);
		return CLI_DONE;
	}
	printf("pair %s: ", text_of(p, "name"));
	text_cell(state, 0, paint_of_state(state));
	printf(" (%s) [%s]\n", text_of(p, "why"), text_of(p, "rule"));
	label("primary");
	text_cell(verdict, 0, paint_of_state(verdict));
	printf(" for %s, since %s  (probes)\n", text_span(text_now() - since_ms), text_time(since_ms));
	label("mode");
	printf("%s\n", text_of(p, "mode"));
	label("rights");
	printf("own: %s; accept: %s; epoch %lld\n", text_of(p, "own"), text_of(p, "accept"),
	       (long long)text_int(p, "epoch", 0));
	print_agent(p, "primary");
	print_agent(p, "standby");
	print_mail(p);
	print_stops(p);
	print_operation(json_object_get(p, "operation"));
	printf("\n%s: ", text_of(p, "name"));
	print_with_pair(next_for(p), text_of(p, "name"));
	return CLI_DONE;
}
