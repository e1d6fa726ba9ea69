/*
 * Purpose:   plain data that everybody may see: verb, outcome, guard, instant, record, RRset.
 * Not its job: doing anything. No function here has an effect.
 * Thread:    any (values; a verb is copied into its job, an outcome back out).
 * Ownership: everything is flat, except record.body (borrowed for the call that takes it).
 * Units:     _ms milliseconds, _s seconds. Deadlines are absolute, on CLOCK_BOOTTIME.
 */
#ifndef COLDMX_VERB_H
#define COLDMX_VERB_H

#include <stdbool.h>
#include <stdint.h>

#include "../common/base/basic.h"
#include "../common/base/err.h"

#define MX_SET_MAX 8
#define VERIFY_SERVERS_MAX 16
#define OUTCOME_TEXT_MAX 8192
#define LEVELS_MAX 6          /* of fencing, per pair */
#define LEVEL_NAME_MAX 25     /* with its NUL */
#define LEVEL_PERSON "person" /* no level: somebody confirmed that the primary is off */

/* Every commit and verb says on whose behalf; a stale epoch changes nothing. */
struct guard {
	uint32_t pair;
	uint64_t epoch;
};

enum host_role { HOST_PRIMARY, HOST_STANDBY };
#define HOST_ROLES 2

/* A host by literal addresses; "" = this family is not used. */
struct host_addr {
	char v4[ADDR_TEXT_MAX];
	char v6[ADDR_TEXT_MAX];
};

struct mx {
	uint16_t preference;
	char target[DOMAIN_MAX]; /* lower case, no trailing dot */
};

struct mx_set {
	uint32_t ttl_s;
	uint8_t count; /* 0 = no MX RRset */
	struct mx mx[MX_SET_MAX];
};

enum verb_kind {
	VERB_POWER_ON,     /* effect: power.  target = whose machine */
	VERB_POWER_OFF,    /* effect: power */
	VERB_POWER_STATUS, /* read -> outcome.power */
	VERB_FENCE_OFF,    /* effect: one level of fencing takes the primary away */
	VERB_FENCE_ON,     /* effect: it gives it back */
	VERB_FENCE_STATUS, /* read -> outcome.power: OFF = taken away */
	VERB_HOST_RUN,     /* words of hooks/README.md over SSH -> outcome.text */
	VERB_SMTP_CHECK,   /* read: one dialogue from here -> outcome.smtp */
	VERB_DNS_GET,      /* read at the update server -> outcome.dns */
	VERB_DNS_SWAP,     /* effect: compare-and-swap of one MX RRset and its marker */
	VERB_DNS_VERIFY,   /* read at every authoritative server -> outcome.verify */
	VERB_QUEUE_EXPORT, /* effect: one queued message fsynced at the controller -> outcome.text = sha256 */
	VERB_NOTIFY,       /* effect: page, with an idempotency key */
	VERB_HEARTBEAT,    /* effect: an outside watcher hears that this daemon works */
};

enum power_state { POWER_UNKNOWN, POWER_STATE_OFF, POWER_STATE_ON };

/* What a HOST_RUN carries on standard input; the executor knows where to find it. */
enum host_input {
	INPUT_NONE,
	INPUT_CONTROL, /* the harden.d script named in args.host.control */
	INPUT_MAPS,    /* the pair's kept map bundle */
	INPUT_RIGHTS,  /* args.host.rights */
};

struct verb_host {
	enum host_role target;
	enum host_input input;
	bool fresh;      /* a connection of its own: proves that the controller can still get in */
	char words[512]; /* "port probes 192.0.2.1": checked words, separated by one space */
	char control[NAME_MAX_LEN];
	char rights[512]; /* a rights record (docs/rights.md) */
};

struct verb_fence {
	char level[LEVEL_NAME_MAX];
	uint8_t index; /* its place in the plan; LEVELS_MAX = not there */
};

struct verb_smtp {
	enum host_role target;
	int family;               /* 4 or 6 */
	char known[DOMAIN_MAX];   /* envelope recipient that must get 250 */
	char unknown[DOMAIN_MAX]; /* envelope recipient that must get 5xx */
};

struct verb_dns {
	char zone[DOMAIN_MAX]; /* zone and owner name are the mail domain */
	struct mx_set expect;  /* DNS_SWAP: prerequisite. DNS_VERIFY: what every server must say */
	struct mx_set want;    /* DNS_SWAP */
	uint64_t op, epoch;    /* marker content */
	char own[12];          /* likewise: who delivers, "primary" */
	char accept[20];       /* likewise: "primary,standby" */
	bool marker;           /* the key may change TXT _coldmx */
};

struct verb_export {
	enum host_role target;
	char queue_id[NAME_MAX_LEN];
};

struct verb_notify {
	char key[NAME_MAX_LEN];
	char severity[16]; /* "page", "note" */
	char text[1024];
};

union verb_args {
	enum host_role power_target;
	struct verb_fence fence;
	struct verb_host host;
	struct verb_smtp smtp;
	struct verb_dns dns;
	struct verb_export queue;
	struct verb_notify notify;
};

/* Flat, free of secrets (it names them), at most one external effect. */
struct verb {
	enum verb_kind kind;
	uint64_t op; /* 0: outside an operation */
	uint16_t step, attempt;
	struct guard guard;
	int64_t deadline_ms;
	union verb_args u;
};

struct smtp_answer {
	int known_code, unknown_code; /* 0 = no answer */
	char layer[24];               /* where it failed, "" when it did not */
	char tls_trouble[120];        /* why it went on without trusted TLS; "" = as wanted */
};

struct dns_answer {
	struct mx_set set;
	bool has_marker;
	uint64_t marker_op, marker_epoch; /* authenticated marker only */
};

struct server_answer {
	char server[ADDR_TEXT_MAX + NAME_MAX_LEN]; /* "ns1.example.test [192.0.2.53]" */
	bool answered, matches;
	bool other_ttl; /* it matches but for the TTL */
};

struct verify_answer {
	uint8_t count;
	struct server_answer server[VERIFY_SERVERS_MAX];
};

/* What came of one verb. `text` is standard output, capped. */
struct outcome {
	struct err err; /* ERR_OK, or code and reason */
	int64_t took_ms;
	union {
		enum power_state power;
		struct smtp_answer smtp;
		struct dns_answer dns;
		struct verify_answer verify;
		char text[OUTCOME_TEXT_MAX];
	} u;
};

enum record_kind {
	RECORD_PAIR,      /* upsert by pair: state, epoch, latches; body key=value text */
	RECORD_OPERATION, /* upsert by op: plan and status */
	RECORD_JOURNAL,   /* append: one event of an operation, by (op, seq) */
	RECORD_AUDIT,     /* append: who, why, what; hash chain a pair, made by the store; a key is written once */
	RECORD_GRANT,     /* append: rights record of an epoch */
	RECORD_BOOT,      /* upsert by key = boot id */
	RECORD_STRANDED,  /* upsert by key = queue id */
	RECORD_HOLD,      /* upsert by pair; empty body = released */
	RECORD_GLOBAL,    /* upsert by key: daily budget, mass brake */
};

struct record {
	enum record_kind kind;
	uint32_t pair;
	uint64_t op;
	uint32_t seq;
	char key[NAME_MAX_LEN];
	const char *body; /* NUL-terminated, versioned text; borrowed; never NULL */
};

const char *verb_kind_name(enum verb_kind kind);
const char *host_role_name(enum host_role role);
const char *power_state_name(enum power_state state);
const char *record_kind_name(enum record_kind kind);
/* Whether what came of a question to a host over SSH was said by a machine that runs: an answer, a refusal, nonsense. */
bool verb_host_answered(enum err_code code);
/* False for kinds that only read. */
bool verb_has_effect(const struct verb *verb);
/* Same preferences and targets, in any order; TTLs are not compared (RFC 2136 2.4.2). */
bool mx_set_equal(const struct mx_set *a, const struct mx_set *b);

#endif
