/*
 * Purpose:   plain data of probes: what to check and how often, and what came of one round.
 * Not its job: probing (prober.h), judging (controller/core/health.h).
 * Thread:    any (values).   Ownership: flat; free of secrets (a token is named, never carried).
 * Errors:    none.   Units: _ms milliseconds.
 */
#ifndef COLDMX_PROBE_H
#define COLDMX_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "../base/basic.h"
#include "../proto/ladder.h"

enum probe_kind { PROBE_TCP, PROBE_SMTP, PROBE_AGENT };

struct probe_opts {
	enum probe_kind kind;
	char addr[ADDR_TEXT_MAX];
	uint16_t port;
	int64_t every_ms, timeout_ms;
	char name[DOMAIN_MAX]; /* TLS name and certificate name; "" = no TLS */
	char ehlo[DOMAIN_MAX];
	char recipient[DOMAIN_MAX];    /* envelope recipient; "" = stop after EHLO/STARTTLS */
	char token_name[NAME_MAX_LEN]; /* agent: which secret to show */
	char ca_file[DOMAIN_MAX];      /* "" = the system's */
	uint32_t stagger;              /* phase within the interval, per mille */
};

/* What the agent's own word adds to a result (PROBE_AGENT). */
struct agent_report {
	bool present;
	char boot_id[40];
	bool serving;   /* mail unit runs and 25 listens */
	bool has_right; /* accept at its epoch */
	uint64_t epoch;
	int64_t queue; /* messages; -1 = unknown */
	int64_t disk_free_mb;
	char boot_order[NAME_MAX_LEN]; /* nonce, "" = unordered */
	char trouble[160];             /* "skipped with a right", "listening without one", or "" */
};

struct probe_result {
	enum probe_outcome outcome;
	enum probe_layer layer;
	int smtp_code; /* 0 = none */
	int64_t took_ms;
	struct instant started;
	char reason[200];      /* words, "" when OK */
	char tls_trouble[120]; /* PROBE_SMTP: why it went on without trusted TLS; "" = as wanted */
	bool hung;             /* FAIL: it fell silent, the deadline decided */
	struct agent_report agent;
};

typedef void result_cb(void *arg, uint32_t probe_id, const struct probe_result *result);

const char *probe_outcome_name(enum probe_outcome outcome);
const char *probe_layer_name(enum probe_layer layer);

#endif
