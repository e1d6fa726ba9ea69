/* From the command line to an exit code: options, one question or a command, one screen. */
#include <curl/curl.h>
#include <stdio.h>
#include <time.h>

#include "cli.h"
#include "text.h"

static int read_once(const struct cli_options *o, struct client *c)
{
	static const struct {
		enum cli_command command;
		const char *part;
		int (*show)(const struct cli_options *o, const struct answer *a);
	} rows[] = {
		{ CLI_EXPLAIN, "/explain", show_explain },
		{ CLI_HISTORY, "/history", show_history },
		{ CLI_STATUS, "", show_pair },
	};
	char path[160] = "/v1/status";
	int (*show)(const struct cli_options *o, const struct answer *a) = show_status;
	struct answer a;
	if (o->command == CLI_BRAKE)
		show = show_brake;
	else if (o->command == CLI_HISTORY && !o->pair[0]) {
		snprintf(path, sizeof(path), "/v1/history");
		show = show_history;
	}
	for (size_t i = 0; o->pair[0] && i < ARRAY_LEN(rows); i++) {
		if (rows[i].command != o->command)
			continue;
		snprintf(path, sizeof(path), "/v1/pairs/%s%s", o->pair, rows[i].part);
		show = rows[i].show;
	}
	if (o->rto) {
		snprintf(path, sizeof(path), "/v1/pairs/%s/timings", o->pair);
		show = show_rto;
	}
	client_ask(c, path, NULL, &a);
	int code = a.status == 200 && a.json ? show(o, &a) : cli_problem(o, &a);
	answer_fini(&a);
	return code;
}

static int watch(const struct cli_options *o, struct client *c)
{
	struct timespec second = { .tv_sec = 1 };
	for (;;) {
		if (text_is_terminal())
			fputs("\033[H\033[2J", stdout);
		int code = read_once(o, c);
		if (fflush(stdout) != 0)
			return code; /* who read us is gone */
		nanosleep(&second, NULL);
	}
}

int cli_run(int argc, char **argv)
{
	struct cli_options o;
	int code = CLI_USAGE;
	text_init();
	if (!options_parse(argc, argv, &o, &code))
		return code;
	if (o.command == CLI_RUNBOOK)
		return runbook_run(&o);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	struct client *c = client_new(o.socket);
	switch (o.command) {
	case CLI_FAILOVER: code = o.site[0] ? site_run(&o, c) : command_run(&o, c); break;
	case CLI_RUNBOOK: break;
	case CLI_BRAKE:
		if (o.pair[0]) {
			code = command_run(&o, c);
			break;
		}
		code = read_once(&o, c);
		break;
	case CLI_STATUS:
	case CLI_EXPLAIN:
	case CLI_HISTORY: code = o.watch ? watch(&o, c) : read_once(&o, c); break;
	case CLI_PLAN:
	case CLI_FAILBACK:
	case CLI_DRILL:
	case CLI_ABORT:
	case CLI_RESUME:
	case CLI_ACK:
	case CLI_HOLD:
	case CLI_RELEASE: code = command_run(&o, c); break;
	}
	client_free(c);
	curl_global_cleanup();
	return code;
}
