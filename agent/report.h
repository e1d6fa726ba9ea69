/*
 * Purpose:   what the agent knows of its host at one moment, kept for the HTTP threads, and its JSON.
 * Not its job: looking (check.h), answering requests (http.h).
 * Thread:    report_look: the main thread. report_health, report_rights: any, under one lock.
 * Ownership: config is borrowed for the report's life.   Errors: none; what is unknown is -1 or "".
 */
#ifndef COLDMX_AGENT_REPORT_H
#define COLDMX_AGENT_REPORT_H

#include "config.h"
#include "pager.h"

struct report;

/* `pager` is borrowed, NULL is legal. */
struct report *report_new(const struct agent_config *c, const char *boot_id, struct pager *pager) RETURNS_NONNULL;
void report_free(struct report *r); /* NULL is legal */
/* Looks at everything; takes smtp_timeout at most, and the walk over the queue. Logs what changed. */
void report_look(struct report *r, int cancel_fd);
/* One line for people: what is wrong, or what the rights say. */
void report_status(struct report *r, char *out, size_t size);
/* The stored record as it stands on disk now; empty: there is none, or it cannot be read. */
void report_record(struct report *r, struct strbuf *out);
/* Bodies of GET /v1/health and GET /v1/rights. False: the last look is too old to say how this host is. */
bool report_health(struct report *r, struct strbuf *out);
void report_rights(struct report *r, struct strbuf *out);

#endif
