/*
 * Purpose:   what the files of the coldmx command share: options, exit codes, the conversation
 *            with coldmxd.
 * Not its job: deciding anything; the controller does, and says why.
 * Thread:    one.   Ownership: an answer is freed with answer_fini; options point into argv.
 * Errors:    exit codes; the last line on standard output (on standard error for 2 and 3) is the
 *            verdict.
 * Units:     _ms.
 */
#ifndef COLDMX_CLI_H
#define COLDMX_CLI_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "../common/base/err.h"
#include "../common/base/strbuf.h"

enum cli_exit { CLI_DONE, CLI_FAILED, CLI_USAGE, CLI_UNREACHABLE, CLI_REFUSED, CLI_RUNNING };

enum cli_command {
	CLI_STATUS,
	CLI_PLAN,
	CLI_FAILOVER,
	CLI_FAILBACK,
	CLI_DRILL,
	CLI_ABORT,
	CLI_RESUME,
	CLI_ACK,
	CLI_HOLD,
	CLI_RELEASE,
	CLI_EXPLAIN,
	CLI_HISTORY,
	CLI_BRAKE,
	CLI_RUNBOOK,
};

struct cli_options {
	enum cli_command command;
	const char *name; /* of the command */
	const char *pair; /* "" = all; of brake: "", lift or restore */
	const char *socket, *config, *reason;
	const char *site;    /* --site: of the primaries, "" = one pair */
	bool confirm_fenced; /* failover */
	const char *skip;    /* --skip: a step, "" = none */
	const char *plan;    /* --plan: the token of a plan, "" = none */
	bool json, watch, yes, dry_run, failback, rto;
	int64_t hold_ms; /* --for */
	int64_t wait_ms; /* -1 = until the end, 0 = --no-wait */
};

/* True: run it. False: *exit_code says how to end; usage was printed. */
bool options_parse(int argc, char **argv, struct cli_options *out, int *exit_code);
/* Changes where mail goes: asks for the pair's name. */
bool command_moves_mail(enum cli_command command);

/* ---- client.c: HTTP over the UNIX socket ---- */
struct answer {
	long status;  /* HTTP; 0 = no answer, `why` says why */
	char *body;   /* never NULL */
	json_t *json; /* NULL when the body is none */
	struct err why;
};

struct client;

struct client *client_new(const char *socket) NODISCARD;
void client_free(struct client *c);
/* body NULL: GET. The answer is complete, or it is not there: 0. */
void client_ask(struct client *c, const char *path, const char *body, struct answer *out);
/* /v1/pairs/N/timings; json NULL when they are not to be had, which stops nobody. */
void client_ask_timings(struct client *c, const char *pair, struct answer *out);
void answer_fini(struct answer *a);
/* Prints why it is no success, and gives the exit code. */
int cli_problem(const struct cli_options *o, const struct answer *a);

/* ---- show_*.c: one screen each; they give the exit code ---- */
int show_status(const struct cli_options *o, const struct answer *a);
int show_pair(const struct cli_options *o, const struct answer *a);
int show_explain(const struct cli_options *o, const struct answer *a);
int show_brake(const struct cli_options *o, const struct answer *a);
int show_rto(const struct cli_options *o, const struct answer *a);
/* Of /v1/pairs/N/timings, which may be NULL. The median; -1 = never seen. */
int64_t timings_step_ms(const json_t *timings, const char *kind, const char *name);
/* One paragraph; nothing when no such operation was done yet. */
void timings_print_estimate(const json_t *timings, const char *kind);
int show_history(const struct cli_options *o, const struct answer *a);
void show_operation(const json_t *operation);
/* One line a step, with what it usually takes where `timings` know; `redrawn`: cut to the terminal's width, so that the lines can be counted. */
void show_steps(const json_t *operation, bool redrawn, const json_t *timings);

/* ---- follow.c ---- */
int follow_operation(const struct cli_options *o, struct client *c, uint64_t op);

/* ---- command.c ---- */
/* Asks a terminal for `word`, unless --yes or nothing moves. Exit code, -1: confirmed. */
int command_confirm(const struct cli_options *o, const char *word);
/* What the options say, as the body of a POST. */
void command_body(const struct cli_options *o, struct strbuf *out);

/* ---- site.c ---- */
int site_run(const struct cli_options *o, struct client *c);

int command_run(const struct cli_options *o, struct client *c);

/* ---- runbook.c ---- */
/* Becomes coldmxd's program; comes back only when there is none. */
int runbook_run(const struct cli_options *o);

int cli_run(int argc, char **argv);

#endif
