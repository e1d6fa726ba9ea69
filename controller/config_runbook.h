/*
 * Purpose:   a pair's promotion or failback as a shell script, for the day when coldmxd is gone: the steps of the same
 *            plan, each with the commands that the controller would have given.
 * Not its job: doing it, and what the controller alone can do: journal, audit, undo.
 * Thread:    any.   Ownership: appends to the caller's text.
 * Errors:    none. No secret is printed: the script names the files.
 */
#ifndef COLDMX_CONFIG_RUNBOOK_H
#define COLDMX_CONFIG_RUNBOOK_H

#include "config.h"

/* `path`: the configuration, as the script will name it. */
void config_runbook(const struct config *c, const struct config_pair *pair, enum plan_kind kind, const char *path,
		    struct strbuf *out);

/* The script's functions, which are the same for every pair (config_runbook_text.c). */
extern const char runbook_functions[];

#endif
