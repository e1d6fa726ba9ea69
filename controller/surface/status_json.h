/*
 * Purpose:   a pair's view as JSON (docs/openapi.yaml is the contract).
 * Not its job: choosing what is shown where (http), text for people (cli).
 * Thread:    any.   Ownership: appends to the caller's text.   Errors: none.
 * Units:     _ms; every time is wall clock since 1970, so that a view does not age in its cache.
 *            null = no report.
 */
#ifndef COLDMX_STATUS_JSON_H
#define COLDMX_STATUS_JSON_H

#include "../../common/base/json.h"
#include "../engine/engine.h"

void status_json_pair(const struct pair_view *v, const char *stranded_dir, struct strbuf *out);
void status_json_brief(const struct pair_view *v, const char *stranded_dir,
		       struct strbuf *out); /* a row of /v1/status */
void status_json_explain(const struct pair_view *v, struct strbuf *out);
void status_json_operation(const struct pair_view *v, struct strbuf *out);
/* NULL: null. */
void status_json_hold(struct json *j, const char *key, const struct hold *hold);
/* Audit rows: {"pair": ..., "rows": [...]}; `pair` "": the controller's own. */
void status_json_history(const char *pair, const struct record *rows, size_t n, struct strbuf *out);

#endif
