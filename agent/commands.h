/*
 * Purpose:   the words of coldmx-agent: one function each.
 * Not its job: the command line (main.c), what the words do to files (state.h).
 * Thread:    main.   Ownership: config is borrowed.
 * Errors:    exit statuses: docs/rights.md and coldmx-agent(8); the reason is one line on standard error.
 */
#ifndef COLDMX_AGENT_COMMANDS_H
#define COLDMX_AGENT_COMMANDS_H

#include "config.h"

#define EXIT_USAGE 2
#define EXIT_GATE_ERROR 255

/* What this host may do now, once a host that nobody confirmed in this boot has asked (gate_wait at most). */
enum err_code command_decide(const struct agent_config *c, struct rights_answer *may, struct err *e) NODISCARD;

int command_gate(const struct agent_config *c);
int command_gate_own(const struct agent_config *c);
int command_obey(const struct agent_config *c);                    /* obey.c */
int command_grant(const struct agent_config *c, const char *path); /* "-": standard input */
int command_break_glass(const struct agent_config *c, const char *reason);
int command_rights(const struct agent_config *c);
int command_boot_order(const struct agent_config *c, const char *nonce);
int command_boots(const struct agent_config *c);
int command_maps_export(const struct agent_config *c);
int command_serve(const struct agent_config *c); /* serve.c */

#endif
