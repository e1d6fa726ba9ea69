/*
 * Purpose:   an operator's stop on automatic action: owner, reason, expiry.
 * Not its job: stopping an operation that already runs (abort does).
 * Thread:    loop.   Ownership: value.   Units: wall clock, since people set holds by it.
 */
#ifndef COLDMX_HOLD_H
#define COLDMX_HOLD_H

#include "../../common/base/strbuf.h"
#include "../verb.h"

struct hold {
	bool set;
	char owner[NAME_MAX_LEN];
	char reason[200];
	int64_t since_wall_ms, expires_wall_ms;
};

bool hold_active(const struct hold *hold, struct instant now);
void hold_format(const struct hold *hold, struct strbuf *out); /* "" when not set */
/* "" is a released hold. ERR_INVALID names the line. */
enum err_code hold_parse(const char *text, struct hold *out, struct err *e) NODISCARD;

#endif
