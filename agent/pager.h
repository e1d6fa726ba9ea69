/*
 * Purpose:   tells a person what is wrong with this host through a hook of the notify kind, while no controller may be
 *            there to do it.
 * Not its job: what is wrong (report.h), the hook's way to a person.
 * Thread:    one of its own, from pager_start to pager_stop; pager_send: any.   Ownership: config is borrowed.
 * Errors:    logged, each when it begins and when it ends; a page that fails is tried again, at most every 5 minutes.
 * BUGS:      while one page fails only the newest text is kept: it says what is wrong now.
 */
#ifndef COLDMX_AGENT_PAGER_H
#define COLDMX_AGENT_PAGER_H

#include "config.h"

struct pager;

/* NULL in *out without a hook. */
enum err_code pager_start(const struct agent_config *c, struct pager **out, struct err *e) NODISCARD;
void pager_send(struct pager *p, const char *text); /* never blocks; NULL is legal */
void pager_stop(struct pager *p);                   /* waits for a running hook; NULL is legal */

#endif
