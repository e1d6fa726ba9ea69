/*
 * Purpose:   the JSON of GET /v1/health, read into struct agent_report.
 * Not its job: HTTP (../proto/http_reply.h), belief (health).
 * Thread:    any.   Ownership: none kept.
 * Errors:    ERR_PROTOCOL naming the field; *out is then all zero.
 */
#ifndef COLDMX_AGENT_ANSWER_H
#define COLDMX_AGENT_ANSWER_H

#include <stddef.h>

#include "../base/err.h"
#include "probe.h"

#define AGENT_ANSWER_BYTES 16384

/* Required: boot_id, serving, has_right. Others default to unknown; unknown fields are ignored, so that
 * a newer agent can say more. Texts come out as printable ASCII. */
enum err_code agent_answer_parse(const char *json, size_t len, struct agent_report *out, struct err *e) NODISCARD;

#endif
