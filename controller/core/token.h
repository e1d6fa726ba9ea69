/*
 * Purpose:   the plan token: a short name of all that a plan rests on, so that what a person has read is what is done.
 * Not its job: secrecy (it guards against a world that changed, not against a forger), refusing (engine).
 * Thread:    any; pure.   Errors: none.
 *
 * Nothing that changes by itself is in it: no age, no verdict, no operation number, no time.
 */
#ifndef COLDMX_TOKEN_H
#define COLDMX_TOKEN_H

#include "plan.h"

#define PLAN_TOKEN_SIZE 32

/* `config`: a hash of what configuration says beyond the plan's own site. */
void plan_token(const struct plan *p, const char *config, char out[PLAN_TOKEN_SIZE]);
/* Whether two tokens name the same; if not, `why` lists which of the facts are other ones now. */
bool plan_token_same(const char *now, const char *given, char *why, size_t size);

#endif
