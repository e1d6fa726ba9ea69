/* What changes something: asked for once, with a reason; what moves mail only after the pair's name
 * was typed. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../common/base/clock.h"
#include "../common/base/json.h"
#include "cli.h"
#include "text.h"

static const char *consequence(enum cli_command command)
{
	switch (command) {
	case CLI_FAILOVER: return "The standby is switched on and takes the mail of";
	case CLI_FAILBACK:
		return "The primary takes the mail back, and the standby is drained and switched "
		       "off, for";
	case CLI_ABORT:
		return "The running operation is undone (after its point of no return: the MX is "
		       "restored) for";
	case CLI_RESUME: return "The stuck operation goes on (behind a skipped step, when --skip names it) for";
	case CLI_BRAKE: return "The limits over all pairs change:";
	case CLI_DRILL:
	case CLI_STATUS:
	case CLI_PLAN:
	case CLI_ACK:
	case CLI_HOLD:
	case CLI_RELEASE:
	case CLI_EXPLAIN:
	case CLI_RUNBOOK:
	case CLI_HISTORY: break;
	}
	return "This concerns";
}

static const char *what_to_type(const struct cli_options *o)
{
	if (o->command == CLI_BRAKE)
		return "that word";
	return o->site[0] ? "the site's name" : "the pair's name";
}

int command_confirm(const struct cli_options *o, const char *word)
{
	char typed[80];
	if (o->yes || o->dry_run || !command_moves_mail(o->command))
		return -1;
	if (!isatty(STDIN_FILENO)) {
		fprintf(stderr,
			"coldmx: %s moves mail, and nobody is at a terminal to confirm it: add "
			"--yes\n",
			o->name);
		return CLI_USAGE;
	}
	fprintf(stderr, "%s %s%s.\nType %s to go on: ", consequence(o->command),
		o->site[0] ? "every pair whose primary stands at site " : "", word, what_to_type(o));
	fflush(stderr);
	if (!fgets(typed, sizeof(typed), stdin))
		typed[0] = '\0';
	typed[strcspn(typed, "\n")] = '\0';
	if (strcmp(typed, word) == 0)
		return -1;
	fprintf(stderr, "coldmx: \"%s\" is not \"%s\": nothing was done\n", typed, word);
	return CLI_USAGE;
}

void command_body(const struct cli_options *o, struct strbuf *out)
{
	struct json j;
	json_init(&j, out);
	json_open_object(&j, NULL);
	if (o->reason[0])
		json_put_string(&j, "reason", o->reason);
	if (o->skip[0])
		json_put_string(&j, "skip", o->skip);
	if (o->plan[0])
		json_put_string(&j, "plan", o->plan);
	if (o->dry_run)
		json_put_bool(&j, "dry_run", true);
	if (o->failback)
		json_put_bool(&j, "failback", true);
	if (o->confirm_fenced)
		json_put_bool(&j, "confirm_fenced", true);
	if (o->hold_ms && (o->command == CLI_HOLD || strcmp(o->pair, "lift") == 0))
		json_put_int(&j, "expires_ms", clock_wall_ms() + o->hold_ms);
	json_close_object(&j);
}

static void print_plan(const struct cli_options *o, struct client *c, const json_t *root)
{
	const char *text = json_string_value(json_object_get(root, "text")); /* of many lines */
	const char *token = text_of(root, "token");
	bool back = o->command == CLI_FAILBACK || o->failback;
	const char *command = back ? "failback" : "failover";
	if (!text || !text[0])
		return;
	struct answer timings;
	for (; *text; text++)
		putchar((unsigned char)*text < ' ' && *text != '\n' ? '?' : *text);
	client_ask_timings(c, o->pair, &timings);
	timings_print_estimate(timings.json, o->command == CLI_DRILL ? "drill" : back ? "failback" : "promote");
	answer_fini(&timings);
	if (token[0] && o->command != CLI_DRILL)
		printf("\nToken of this plan: %s\n  coldmx %s %s --plan %s --reason ...\n"
		       "  does exactly this, or is refused because the world has changed.\n",
		       token, command, o->pair, token);
}

static const char *verdict_of(const struct cli_options *o)
{
	switch (o->command) {
	case CLI_ACK: return "acknowledged";
	case CLI_HOLD: return "held: nothing automatic until then";
	case CLI_RELEASE: return "released";
	case CLI_PLAN: return "this is a plan; nothing was touched";
	case CLI_BRAKE: return strcmp(o->pair, "lift") == 0 ? "lifted" : "in force again";
	case CLI_FAILOVER:
	case CLI_DRILL:
	case CLI_FAILBACK: return o->dry_run ? "this is a plan; nothing was touched" : "done";
	case CLI_STATUS:
	case CLI_ABORT:
	case CLI_RESUME:
	case CLI_EXPLAIN:
	case CLI_RUNBOOK:
	case CLI_HISTORY: break;
	}
	return "done";
}

static int handle_answer(const struct cli_options *o, struct client *c, const struct answer *a)
{
	if (a->status != 200 && a->status != 202)
		return cli_problem(o, a);
	uint64_t op = (uint64_t)text_int(a->json, "operation", 0);
	if (op && o->wait_ms == 0) {
		if (o->json)
			fputs(a->body, stdout);
		else
			printf("%s: operation %" PRIu64 " runs; follow it with coldmx status %s --watch\n", o->pair, op,
			       o->pair);
		return CLI_RUNNING;
	}
	if (op)
		return follow_operation(o, c, op);
	if (o->json) {
		fputs(a->body, stdout);
		return CLI_DONE;
	}
	print_plan(o, c, a->json);
	if (text_of(a->json, "text")[0])
		printf("\n");
	if (o->command == CLI_BRAKE)
		printf("brakes: %s\n", verdict_of(o));
	else if (o->command == CLI_HOLD)
		printf("%s: held until %s; nothing automatic until then\n", o->pair,
		       text_time(clock_wall_ms() + o->hold_ms));
	else
		printf("%s: %s\n", o->pair, verdict_of(o));
	return CLI_DONE;
}

int command_run(const struct cli_options *o, struct client *c)
{
	struct strbuf body = STRBUF_INIT;
	struct answer a;
	char path[160];
	int code = command_confirm(o, o->pair);
	if (code >= 0)
		return code;
	if (o->command == CLI_BRAKE)
		snprintf(path, sizeof(path), "/v1/brake/%s", o->pair);
	else
		snprintf(path, sizeof(path), "/v1/pairs/%s/%s", o->pair, o->name);
	command_body(o, &body);
	client_ask(c, path, strbuf_str(&body), &a);
	code = handle_answer(o, c, &a);
	answer_fini(&a);
	strbuf_fini(&body);
	return code;
}
