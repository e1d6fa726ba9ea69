/* The command line. A command that needs something says so with a line that works. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../common/base/conf.h"
#include "cli.h"

#define DEFAULT_CONFIG "/etc/coldmx/coldmx.conf"
#define DEFAULT_SOCKET "/run/coldmx/coldmxd.sock"
#define DAY_MS 86400000LL

struct command_row {
	const char *name;
	enum cli_command command;
	bool pair, reason, moves_mail;
	const char *help;
};

static const struct command_row commands[] = {
	{ "status", CLI_STATUS, false, false, false, "all pairs, or one in full" },
	{ "explain", CLI_EXPLAIN, true, false, false, "why it did or did not act" },
	{ "plan", CLI_PLAN, true, false, false, "what a failover would do (--failback: a failback)" },
	{ "failover", CLI_FAILOVER, true, true, true, "the standby takes over" },
	{ "failback", CLI_FAILBACK, true, true, true, "the primary takes back" },
	{ "drill", CLI_DRILL, true, true, false, "try the standby without touching mail or names" },
	{ "abort", CLI_ABORT, true, true, true, "undo the running operation, or restore the primary" },
	{ "resume", CLI_RESUME, true, true, true, "go on with a stuck operation" },
	{ "ack", CLI_ACK, true, true, false, "acknowledge an automatic promotion or an unordered boot" },
	{ "hold", CLI_HOLD, true, true, false, "no automatic action for a while (--for)" },
	{ "release", CLI_RELEASE, true, true, false, "end the hold" },
	{ "runbook", CLI_RUNBOOK, true, false, false,
	  "a failover as a shell script, without the controller (--failback)" },
	{ "history", CLI_HISTORY, false, false, false,
	  "the audit trail; without a pair: of what concerns all of them" },
	{ "brake", CLI_BRAKE, false, false, true, "limits over all pairs; `brake lift`, `brake restore`" },
};

enum {
	OPT_SOCKET = 256,
	OPT_CONFIG,
	OPT_JSON,
	OPT_WATCH,
	OPT_REASON,
	OPT_YES,
	OPT_DRY_RUN,
	OPT_FOR,
	OPT_WAIT,
	OPT_NO_WAIT,
	OPT_FAILBACK,
	OPT_RTO,
	OPT_SITE,
	OPT_PLAN,
	OPT_SKIP,
	OPT_CONFIRM_FENCED,
	OPT_HELP
};

static const struct option long_options[] = {
	{ "socket", required_argument, NULL, OPT_SOCKET }, { "config", required_argument, NULL, OPT_CONFIG },
	{ "json", no_argument, NULL, OPT_JSON },           { "watch", no_argument, NULL, OPT_WATCH },
	{ "reason", required_argument, NULL, OPT_REASON }, { "yes", no_argument, NULL, OPT_YES },
	{ "dry-run", no_argument, NULL, OPT_DRY_RUN },     { "for", required_argument, NULL, OPT_FOR },
	{ "wait", required_argument, NULL, OPT_WAIT },     { "no-wait", no_argument, NULL, OPT_NO_WAIT },
	{ "failback", no_argument, NULL, OPT_FAILBACK },   { "rto", no_argument, NULL, OPT_RTO },
	{ "site", required_argument, NULL, OPT_SITE },     { "plan", required_argument, NULL, OPT_PLAN },
	{ "skip", required_argument, NULL, OPT_SKIP },     { "confirm-fenced", no_argument, NULL, OPT_CONFIRM_FENCED },
	{ "help", no_argument, NULL, OPT_HELP },           { NULL, 0, NULL, 0 },
};

static void print_help(FILE *to)
{
	fputs("usage: coldmx COMMAND [PAIR] [OPTIONS]\n\n", to);
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		fprintf(to, "  %-9s %-6s  %s\n", commands[i].name, commands[i].pair ? "PAIR" : "[PAIR]",
			commands[i].help);
	fputs("\n"
	      "  --reason TEXT     why; required for what changes something\n"
	      "  --yes             do not ask for the pair's name (scripts)\n"
	      "  --dry-run         failover, failback, drill: print the plan, touch nothing\n"
	      "  --plan TOKEN      failover, failback: this very plan (coldmx plan prints the token), or refuse\n"
	      "  --confirm-fenced  failover: I say that the primary is off; refused when anything answers\n"
	      "  --skip STEP       resume: go on behind the step in which it is stuck\n"
	      "  --for DURATION    hold, brake lift: how long, \"2 h\"\n"
	      "  --wait SECONDS    follow an operation for so long at most (default: until its "
	      "end)\n"
	      "  --no-wait         only start it\n"
	      "  --site SITE       failover, instead of a pair: every pair whose primary stands there\n"
	      "  --rto             history: what operations took, against the objectives\n"
	      "  --watch           status: again every second\n"
	      "  --json            what the controller says, as JSON\n"
	      "  --config FILE     runbook: " DEFAULT_CONFIG "\n"
	      "  --socket PATH     " DEFAULT_SOCKET "\n\n"
	      "exit: 0 done, 1 failed, 2 usage, 3 controller unreachable, 4 refused, 5 still "
	      "running\n",
	      to);
}

static bool usage(int *exit_code, const char *fmt, ...) PRINTF_LIKE(2, 3);

static bool usage(int *exit_code, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	fputs("coldmx: ", stderr);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputs("\n", stderr);
	*exit_code = CLI_USAGE;
	return false;
}

static bool parse_wait(const char *text, int64_t *out_ms)
{
	char *end;
	long seconds = strtol(text, &end, 10);
	if (end == text || *end || seconds < 0 || seconds > 30L * 86400)
		return false;
	*out_ms = (int64_t)seconds * 1000;
	return true;
}

static bool take_option(int option, struct cli_options *o, int *exit_code)
{
	switch (option) {
	case OPT_SOCKET: o->socket = optarg; return true;
	case OPT_CONFIG: o->config = optarg; return true;
	case OPT_JSON: o->json = true; return true;
	case OPT_WATCH: o->watch = true; return true;
	case OPT_REASON: o->reason = optarg; return true;
	case OPT_YES: o->yes = true; return true;
	case OPT_DRY_RUN: o->dry_run = true; return true;
	case OPT_FAILBACK: o->failback = true; return true;
	case OPT_RTO: o->rto = true; return true;
	case OPT_SITE: o->site = optarg; return true;
	case OPT_PLAN: o->plan = optarg; return true;
	case OPT_SKIP: o->skip = optarg; return true;
	case OPT_CONFIRM_FENCED: o->confirm_fenced = true; return true;
	case OPT_NO_WAIT: o->wait_ms = 0; return true;
	case OPT_FOR:
		if (!conf_parse_duration(optarg, &o->hold_ms) || o->hold_ms <= 0 || o->hold_ms > 365 * DAY_MS)
			return usage(exit_code, "--for \"%s\" is not a duration up to 365 d: write --for \"2 h\"",
				     optarg);
		return true;
	case OPT_WAIT:
		if (!parse_wait(optarg, &o->wait_ms))
			return usage(exit_code, "--wait \"%s\" is not a number of seconds: write --wait 60", optarg);
		return true;
	case OPT_HELP:
		print_help(stdout);
		*exit_code = CLI_DONE;
		return false;
	default:
		fputs("coldmx: `coldmx --help` lists commands and options\n", stderr);
		*exit_code = CLI_USAGE;
		return false;
	}
}

static const struct command_row *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static bool check_brake(const struct cli_options *o, int *exit_code)
{
	bool lift = strcmp(o->pair, "lift") == 0;
	if (o->pair[0] && !lift && strcmp(o->pair, "restore") != 0)
		return usage(exit_code, "brake \"%.20s\": write coldmx brake, brake lift or brake restore", o->pair);
	if (o->pair[0] && !o->reason[0])
		return usage(exit_code, "a reason is required: write coldmx brake %s --reason \"...\"", o->pair);
	if (lift && !o->hold_ms)
		return usage(exit_code, "how long? write coldmx brake lift --for \"30 min\" --reason \"...\"");
	return true;
}

static bool check_site(const struct command_row *row, const struct cli_options *o, int *exit_code)
{
	if (row->command != CLI_FAILOVER || o->pair[0])
		return usage(exit_code,
			     "--site stands instead of a pair: write coldmx failover --site %s --reason \"...\"",
			     o->site);
	if (!o->reason[0])
		return usage(exit_code, "a reason is required: write coldmx failover --site %s --reason \"...\"",
			     o->site);
	if (o->plan[0] || o->dry_run || o->confirm_fenced)
		return usage(exit_code, "--plan, --dry-run and --confirm-fenced are of one pair: leave --site away");
	return true;
}

static bool check_needs(const struct command_row *row, const struct cli_options *o, int *exit_code)
{
	if (o->site[0])
		return check_site(row, o, exit_code);
	if (row->pair && !o->pair[0])
		return usage(exit_code, "which pair? write coldmx %s PAIR; coldmx status lists them", row->name);
	if (strlen(o->pair) > 63 || strchr(o->pair, '/') || strchr(o->pair, '%') || strchr(o->pair, '?'))
		return usage(exit_code, "\"%.70s\" cannot be a pair's name", o->pair);
	if (row->reason && !o->reason[0] && !o->dry_run)
		return usage(exit_code, "a reason is required: write coldmx %s %s --reason \"...\"", row->name,
			     o->pair);
	if (o->dry_run && row->command != CLI_FAILOVER && row->command != CLI_FAILBACK && row->command != CLI_DRILL)
		return usage(exit_code, "--dry-run belongs to failover, failback and drill");
	if (o->plan[0] && row->command != CLI_FAILOVER && row->command != CLI_FAILBACK)
		return usage(exit_code, "--plan belongs to failover and failback");
	if (o->confirm_fenced && row->command != CLI_FAILOVER)
		return usage(exit_code, "--confirm-fenced belongs to failover");
	if (o->skip[0] && row->command != CLI_RESUME)
		return usage(exit_code, "--skip belongs to resume");
	if (o->rto && (row->command != CLI_HISTORY || !o->pair[0]))
		return usage(exit_code, "--rto belongs to the history of a pair: write coldmx history PAIR --rto");
	if (row->command == CLI_BRAKE)
		return check_brake(o, exit_code);
	if (row->command == CLI_HOLD && !o->hold_ms)
		return usage(exit_code, "how long? write coldmx hold %s --for \"2 h\" --reason \"...\"", o->pair);
	return true;
}

bool options_parse(int argc, char **argv, struct cli_options *out, int *exit_code)
{
	*out = (struct cli_options){ .pair = "",
				     .socket = DEFAULT_SOCKET,
				     .config = DEFAULT_CONFIG,
				     .reason = "",
				     .plan = "",
				     .site = "",
				     .skip = "",
				     .wait_ms = -1 };
	optind = 0; /* glibc: start over, so that tests may call more than once */
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): no other thread has started */
	for (int c; (c = getopt_long(argc, argv, "", long_options, NULL)) != -1;)
		if (!take_option(c, out, exit_code))
			return false;
	if (optind >= argc) {
		print_help(stderr);
		*exit_code = CLI_USAGE;
		return false;
	}
	const struct command_row *row = find_command(argv[optind]);
	if (!row)
		return usage(exit_code, "there is no command \"%s\": `coldmx --help` lists them", argv[optind]);
	out->command = row->command;
	out->name = row->name;
	if (optind + 1 < argc)
		out->pair = argv[optind + 1];
	if (optind + 2 < argc)
		return usage(exit_code, "\"%s\" is one word too many", argv[optind + 2]);
	return check_needs(row, out, exit_code);
}

bool command_moves_mail(enum cli_command command)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (commands[i].command == command)
			return commands[i].moves_mail;
	return true;
}
