/*
 * Purpose:   Prometheus text of all pairs.
 * Thread:    any.   Ownership: appends to the caller's text.   Errors: none.
 * Units:     base units as Prometheus wants them: _seconds, unix time; a number that nobody
 *            reported is left out.
 */
#ifndef COLDMX_METRICS_H
#define COLDMX_METRICS_H

#include "views.h"

void metrics_write(struct views *vs, int64_t boot_ms, struct strbuf *out);

#endif
