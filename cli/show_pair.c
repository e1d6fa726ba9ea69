/* One pair in full: each fact with its age and source, the operation with its steps, and what to do
 * next. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "text.h"

#define FACT_COLUMN 18
#define REPORT_OLD_MS 60000 /* also when it is the controller that is silent */

static void fact(enum paint paint, const char *label, const char *fmt, ...) PRINTF_LIKE(3, 4);

static void fact(enum paint paint, const char *label, const char *fmt, ...)
{
	char text[600];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	printf("  %-*s", FACT_COLUMN - 2, label);
	text_paint(paint);
	text_flow(FACT_COLUMN, FACT_COLUMN, text);
	text_paint(PAINT_NONE);
}

static void plural(int64_t messages, char *out, size_t size)
{
	snprintf(out, size, "%lld message%s", (long long)messages, messages == 1 ? "" : "s");
}

/* The controller says which agents are silent; when it is the controller that fell silent, nothing is known either. */
static bool is_known(const json_t *agent)
{
	return text_bool(agent, "known") && text_now() - text_int(agent, "at_ms", 0) <= REPORT_OLD_MS;
}

static void print_silent_agent(const json_t *agent, const char *name, bool cold)
{
	int64_t queue = text_int(agent, "last_queue", -1);
	char queued[60] = "", number[40];
	plural(queue, number, sizeof(number));
	if (queue > 0)
		snprintf(queued, sizeof(queued), ", about %s queued then", number);
	fact(cold ? PAINT_NONE : PAINT_WARN, name, "unknown since %s (last report %s%s%s)",
	     text_time(text_int(agent, "at_ms", 0)), text_age(agent, "at_ms"), queued,
	     cold ? "; a cold standby is off" : "");
}

static void print_boot(const json_t *agent, bool cold)
{
	const char *order = text_of(agent, "boot_order");
	if (!text_of(agent, "boot_id")[0])
		return;
	if (cold)
		fact(PAINT_NONE, "", "boot %s, %s%s", text_of(agent, "boot_id"),
		     order[0] ? "order " : "without an order", order);
	else
		fact(PAINT_NONE, "", "boot %s", text_of(agent, "boot_id"));
}

static void print_agent(const json_t *pair, const char *role)
{
	const json_t *agent = json_object_get(json_object_get(pair, "agents"), role);
	int64_t queue = text_int(agent, "queue", -1), disk_mb = text_int(agent, "disk_free_mb", -1);
	bool cold = strcmp(role, "standby") == 0;
	char name[40], numbers[80] = "";
	snprintf(name, sizeof(name), "%s's agent", role);
	if (!json_is_object(agent)) {
		fact(PAINT_NONE, name, "no report since the controller started%s",
		     cold ? "; a cold standby is off" : "");
		return;
	}
	if (!is_known(agent)) {
		print_silent_agent(agent, name, cold);
		return;
	}
	if (queue >= 0)
		snprintf(numbers, sizeof(numbers), ", queue %lld", (long long)queue);
	if (disk_mb >= 0)
		snprintf(numbers + strlen(numbers), sizeof(numbers) - strlen(numbers), ", disk free %.1f GB",
			 (double)disk_mb / 1024.0);
	fact(PAINT_NONE, name, "%s, %s, epoch %lld%s (%s)", text_bool(agent, "serving") ? "serving" : "not serving",
	     text_bool(agent, "has_right") ? "may accept mail" : "may not accept mail",
	     (long long)text_int(agent, "epoch", 0), numbers, text_age(agent, "at_ms"));
	print_boot(agent, cold);
	if (text_of(agent, "trouble")[0])
		fact(PAINT_BAD, "", "%s", text_of(agent, "trouble"));
}

static void print_queue(const json_t *pair)
{
	const json_t *queue = json_object_get(pair, "standby_queue");
	const json_t *agent = json_object_get(json_object_get(pair, "agents"), "standby");
	int64_t last = text_int(queue, "last_messages", -1), at_ms = text_int(queue, "at_ms", -1);
	char number[40];
	plural(last, number, sizeof(number));
	if (at_ms < 0)
		fact(PAINT_NONE, "standby's queue", "unknown: no report of the standby's agent");
	else if (is_known(agent) && last < 0)
		fact(PAINT_NONE, "standby's queue", "not counted: no mail runs there (%s, standby's agent)",
		     text_age(queue, "at_ms"));
	else if (is_known(agent))
		fact(PAINT_NONE, "standby's queue", "%s (%s, standby's agent)", number, text_age(queue, "at_ms"));
	else if (last < 0)
		fact(PAINT_NONE, "standby's queue", "unknown: the standby's agent is silent since %s",
		     text_time(at_ms));
	else
		fact(last ? PAINT_WARN : PAINT_NONE, "standby's queue", "unknown since %s; about %s then",
		     text_time(at_ms), number);
}

static void print_drill(const json_t *drill)
{
	int64_t ready_ms = text_int(drill, "ready_ms", -1);
	char ready[80] = "";
	if (ready_ms >= 0)
		snprintf(ready, sizeof(ready), "ready for mail after %.40s; ", text_span(ready_ms));
	if (json_is_object(drill))
		fact(text_bool(drill, "red") ? PAINT_BAD : PAINT_NONE, "last drill", "%s (%s%s, journal)",
		     text_of(drill, "says"), ready, text_age(drill, "at_ms"));
	else
		fact(PAINT_NONE, "last drill", "none: coldmx drill tries the standby (journal)");
}

static void print_mail(const json_t *pair)
{
	int64_t stranded = text_int(pair, "stranded", 0);
	print_queue(pair);
	if (stranded)
		fact(PAINT_WARN, "stranded", "%lld message%s that the primary refused for good: %s (journal)",
		     (long long)stranded, stranded == 1 ? "" : "s", text_of(pair, "stranded_dir"));
	else
		fact(PAINT_NONE, "stranded", "none (journal)");
	print_drill(json_object_get(pair, "drill"));
	if (text_int(pair, "maps_at_ms", -1) < 0)
		fact(PAINT_WARN, "recipient maps", "none kept: a promotion would stop at `maps`");
	else
		fact(PAINT_NONE, "recipient maps", "pushed %s (primary's agent)", text_age(pair, "maps_at_ms"));
}

static void print_stops(const json_t *pair)
{
	const json_t *hold = json_object_get(pair, "hold");
	const char *boot = text_of(pair, "unordered_boot"), *trouble = text_of(pair, "trouble");
	if (json_is_object(hold))
		fact(PAINT_WARN, "hold", "until %s by %s: %s", text_time(text_int(hold, "expires_ms", 0)),
		     text_of(hold, "owner"), text_of(hold, "reason"));
	else
		fact(PAINT_NONE, "hold", "none (journal)");
	if (text_bool(pair, "latched"))
		fact(PAINT_WARN, "latch", "promoted automatically; no second time for %s, or until it is acknowledged",
		     text_span(text_int(pair, "cooldown_left_ms", 0)));
	if (!text_bool(pair, "seen_up"))
		fact(PAINT_WARN, "seen up", "never since its configuration changed: nothing automatic");
	if (text_of(pair, "fenced_by")[0])
		fact(PAINT_WARN, "primary fenced", "by %s; failback and abort give it back (journal)",
		     text_of(pair, "fenced_by"));
	if (boot[0])
		fact(PAINT_BAD, "ATTACK SIGNAL", "the standby booted without an order (boot %s, standby's agent)",
		     boot);
	if (trouble[0])
		fact(PAINT_BAD, "trouble", "%s", trouble);
}

/* What a state leaves to do; %s is the pair's name. */
static const char *next_of(const json_t *pair)
{
	static const struct {
		const char *state, *next;
	} rows[] = {
		{ "down", "the primary is down and nothing is done: coldmx failover %s --reason ..., or lift what "
			  "forbids it" },
		{ "stuck", "stuck: put right what the error names, then coldmx resume %s --reason ..., or coldmx "
			   "abort %s --reason ..." },
		{ "promoted", "the standby takes the mail; when the primary is well again: coldmx failback %s "
			      "--reason ..." },
		{ "promoting", "the standby is taking over: coldmx status %s --watch" },
		{ "failing-back", "the primary is taking back: coldmx status %s --watch" },
		{ "drilling", "the standby is being tried: coldmx status %s --watch" },
		{ "suspect", "the primary may be failing: coldmx explain %s" },
		{ "unknown", "nothing is known of the primary yet, and unknown never promotes: coldmx explain %s" },
	};
	const char *state = text_of(pair, "state");
	if (text_of(pair, "unordered_boot")[0])
		return "ATTACK SIGNAL: look at the standby before anything else; when it was you: coldmx ack %s "
		       "--reason ...";
	if (strcmp(state, "promoted") == 0 && strcmp(text_of(pair, "verdict"), "up") == 0)
		return "the primary is back and mail waits at the standby: coldmx failback %s --reason ...";
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strcmp(rows[i].state, state) == 0)
			return rows[i].next;
	if (strcmp(state, "up") != 0)
		return "coldmx explain %s";
	if (text_of(pair, "trouble")[0])
		return "the primary serves; look at the trouble above";
	if (text_bool(pair, "latched"))
		return "the primary serves; nothing automatic until coldmx ack %s --reason ...";
	if (text_int(pair, "stranded", 0))
		return "the primary serves; a person must see to the stranded messages";
	return "the primary serves; nothing to do";
}

static void print_title(const json_t *p)
{
	char text[400];
	const char *state = text_of(p, "state");
	printf("pair %s: ", text_of(p, "name"));
	text_cell(state, 0, paint_of_state(state));
	snprintf(text, sizeof(text), " (%s) [%s]", text_of(p, "why"), text_of(p, "rule"));
	text_flow((int)(strlen("pair : ") + strlen(text_of(p, "name")) + strlen(state)), 2, text);
}

int show_pair(const struct cli_options *o, const struct answer *a)
{
	const json_t *p = a->json, *op = json_object_get(p, "operation");
	const char *verdict = text_of(p, "verdict");
	int64_t since_ms = text_int(p, "verdict_since_ms", 0);
	if (o->json) {
		fputs(a->body, stdout);
		return CLI_DONE;
	}
	print_title(p);
	fact(PAINT_NONE, "as of", "%s (coldmxd), unless a fact has a time of its own", text_age(p, "built_ms"));
	fact(paint_of_state(verdict), "primary", "%s for %s, since %s (probes)", verdict,
	     text_span(text_now() - since_ms), text_time(since_ms));
	fact(PAINT_NONE, "mode", "%s (configuration)", text_of(p, "mode"));
	fact(PAINT_NONE, "rights", "own: %s; accept: %s; epoch %lld (journal)", text_of(p, "own"), text_of(p, "accept"),
	     (long long)text_int(p, "epoch", 0));
	print_agent(p, "primary");
	print_agent(p, "standby");
	print_mail(p);
	print_stops(p);
	if (json_is_object(op)) {
		printf("\n");
		show_operation(op);
	}
	printf("\n");
	text_flow(0, 2, text_with(next_of(p), text_of(p, "name")));
	return CLI_DONE;
}
