/* coldmx-agent: its words and options. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"

struct options {
	const char *config, *record, *reason, *word, *argument;
	bool break_glass;
};

static void print_usage(FILE *to)
{
	fputs("usage: coldmx-agent [-c FILE] WORD\n"
	      "  gate                     exit 0: this host may run mail now; 1: it may not\n"
	      "  gate-own                 exit 0: it may deliver and serve users; 1: it may not\n"
	      "  obey                     stop or start mail as the stored rights say\n"
	      "  grant --record FILE|-    store a rights record from the controller\n"
	      "  grant --break-glass --reason TEXT\n"
	      "                           take over without a controller\n"
	      "  rights                   print the stored rights\n"
	      "  boot-order NONCE         record that this boot was ordered\n"
	      "  boots                    print the boots of this host\n"
	      "  maps-export              print a primary's recipient maps\n"
	      "  serve                    run the agent in the foreground\n"
	      "  check-config | print-config\n"
	      "Configuration: " AGENT_CONFIG_PATH ". See coldmx-agent(8).\n",
	      to);
}

static int print_config(const struct agent_config *c)
{
	struct strbuf text = STRBUF_INIT;
	agent_config_print(c, &text);
	fputs(strbuf_str(&text), stdout);
	strbuf_fini(&text);
	return EXIT_SUCCESS;
}

static int check_config(const struct agent_config *c)
{
	printf("%s of pair %s: no errors\n", rights_place_name(c->role), c->pair);
	return EXIT_SUCCESS;
}

static const struct {
	const char *word;
	int (*run)(const struct agent_config *c);
} plain_words[] = {
	{ "gate", command_gate },     { "gate-own", command_gate_own }, { "obey", command_obey },
	{ "rights", command_rights }, { "boots", command_boots },       { "maps-export", command_maps_export },
	{ "serve", command_serve },   { "check-config", check_config }, { "print-config", print_config },
};

static int (*find_plain(const struct options *o))(const struct agent_config *)
{
	for (size_t i = 0; i < ARRAY_LEN(plain_words); i++)
		if (!o->argument && strcmp(plain_words[i].word, o->word) == 0)
			return plain_words[i].run;
	return NULL;
}

static bool is_grant(const struct options *o)
{
	if (strcmp(o->word, "grant") != 0 || o->argument)
		return false;
	return o->record ? !o->break_glass && !o->reason : o->break_glass && o->reason;
}

static bool is_boot_order(const struct options *o)
{
	return strcmp(o->word, "boot-order") == 0 && o->argument;
}

static int run(const struct options *o)
{
	struct agent_config *c = NULL;
	struct err e = { 0 };
	int status;
	int (*plain)(const struct agent_config *) = find_plain(o);
	if (!plain && !is_grant(o) && !is_boot_order(o)) {
		print_usage(stderr);
		return EXIT_USAGE;
	}
	if (agent_config_load(o->config, &c, &e) != ERR_OK) {
		fprintf(stderr, "failed: %s\n", e.text);
		return plain == command_gate || plain == command_gate_own ? EXIT_GATE_ERROR : EXIT_USAGE;
	}
	if (plain)
		status = plain(c);
	else if (o->argument)
		status = command_boot_order(c, o->argument);
	else
		status = o->record ? command_grant(c, o->record) : command_break_glass(c, o->reason);
	agent_config_free(c);
	return status;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' }, { "record", required_argument, NULL, 'r' },
		{ "break-glass", no_argument, NULL, 'b' },  { "reason", required_argument, NULL, 'w' },
		{ "help", no_argument, NULL, 'h' },         { NULL, 0, NULL, 0 },
	};
	struct options o = { .config = AGENT_CONFIG_PATH };
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): no other thread has started */
	for (int c; (c = getopt_long(argc, argv, "c:h", options, NULL)) != -1;) {
		switch (c) {
		case 'c': o.config = optarg; break;
		case 'r': o.record = optarg; break;
		case 'b': o.break_glass = true; break;
		case 'w': o.reason = optarg; break;
		case 'h': print_usage(stdout); return EXIT_SUCCESS;
		default: print_usage(stderr); return EXIT_USAGE;
		}
	}
	if (optind == argc || optind + 2 < argc) {
		print_usage(stderr);
		return EXIT_USAGE;
	}
	o.word = argv[optind];
	o.argument = optind + 1 < argc ? argv[optind + 1] : NULL;
	return run(&o);
}
