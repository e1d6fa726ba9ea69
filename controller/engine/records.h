/*
 * Purpose:   a pair in its durable form, changes of it outside an operation on their way to the store (records.c),
 *            and how all of it comes back at a start (restore.c).
 * Not its job: an operation's own commits (operate.c).
 * Thread:    loop.   Ownership: a change under way belongs to the engine until it is answered.
 * Errors:    the store's, told to whoever waits for the answer.
 */
#ifndef COLDMX_ENGINE_RECORDS_H
#define COLDMX_ENGINE_RECORDS_H

#include "internal.h"

void records_pair(const struct watched *p, struct strbuf *out);
bool records_pair_parse(struct watched *p, const char *text);
/* `p` NULL: a row of the controller's own chain. */
void records_audit(const struct watched *p, const char *who, const char *what, const char *why, struct instant now,
		   struct strbuf *out);
/* Takes an operation that cannot be taken up off the table, by a person's word. */
void records_abandon(struct watched *p, const char *who, const char *why, command_cb *answer, void *arg);
/* Commits pair state, an audit row and optionally a hold row; answer may be NULL. */
void records_save(struct watched *p, const char *who, const char *what, const char *why, command_cb *answer, void *arg);
/* The same; the answer names the pair's operation. */
void records_save_for_op(struct watched *p, const char *who, const char *what, const char *why, command_cb *answer,
			 void *arg);
/* A boot of a host, with its order ("" = none): an audit row, and a row of the boots. */
void records_boot(struct watched *p, const char *who, const char *what, const char *why, const char *boot_id,
		  const char *order);
/* The lift of the limits over all pairs, with an audit row; in force when it is durable. */
void records_save_lift(struct engine *e, const struct hold *lift, const char *who, const char *what, const char *why,
		       command_cb *answer, void *arg);
void records_drop_saves(struct engine *e);

void records_restore(struct engine *e, const struct record *rows, size_t n);

#endif
