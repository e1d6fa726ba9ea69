/*
 * Purpose:   an operation as data: what it is for, what it was told, and its ordered steps.
 * Not its job: doing it (run, step), deciding it (pair).
 * Thread:    loop.   Ownership: plan_fini frees the zones; everything else is inline. No secrets inside:
 *            the text form is what the journal keeps.
 * Errors:    plan_parse: ERR_INVALID names the line; a newer version is refused by name.
 * Units:     _ms; MX TTLs in seconds.
 */
#ifndef COLDMX_PLAN_H
#define COLDMX_PLAN_H

#include "../../common/base/strbuf.h"
#include "owed.h"

#define PLAN_VERSION 1
#define PLAN_STEPS_MAX 28
#define PLAN_CONTROLS_MAX 24
#define PLAN_ZONES_MAX 64

enum plan_kind { PLAN_PROMOTE, PLAN_FAILBACK, PLAN_ABORT, PLAN_DRILL };
#define PLAN_KINDS 4
enum dns_strategy { DNS_STANDING, DNS_SWAP };

/* One file of step/ each, in no order; plan.c has the orders. */
enum step_id {
	STEP_GUARD,
	STEP_BOOT_ORDER,
	STEP_POWER_ON,
	STEP_INTERLOCK,
	STEP_CONNECT,
	STEP_CLOCK,
	STEP_HARDEN,
	STEP_MAPS,
	STEP_GRANT,
	STEP_START_MAIL,
	STEP_VERIFY_LOCAL,
	STEP_FENCE,
	STEP_OPEN_TO_PROBES,
	STEP_VERIFY_OUTSIDE,
	STEP_READINESS,
	STEP_OPEN_PORT,
	STEP_SWITCH_DNS,
	STEP_VERIFY_DNS,
	STEP_ANNOUNCE,
	STEP_VERIFY_PRIMARY,
	STEP_RESCUE,
	STEP_DRAIN,
	STEP_LINGER,
	STEP_CLOSE_PORT,
	STEP_DRAIN_AGAIN,
	STEP_SETTLE,
	STEP_POWER_OFF,
	STEP_INTERLOCK_BACK,
	STEP_UNFENCE,
	STEP_REHEARSE,
};
#define STEP_IDS 30

struct plan_control {
	char name[NAME_MAX_LEN]; /* file name in harden.d */
	bool block, with_mail;
};

/* One way to take the primary away; tried in the order of the configuration. */
struct plan_level {
	char name[LEVEL_NAME_MAX];
	bool proves_off;  /* a power level; behind a closed edge the primary runs on, so nobody else may deliver */
	bool shares_site; /* what takes the primary's site away takes this level along */
};

struct plan_zone {
	char name[DOMAIN_MAX];
	struct mx_set before, after; /* absolute, with TTL */
};

/* What configuration says of a pair; copied into each plan, so that a running operation keeps to it. */
struct plan_site {
	char pair[NAME_MAX_LEN];
	struct host_addr host[HOST_ROLES];
	char mx_name[HOST_ROLES][DOMAIN_MAX];
	char known[DOMAIN_MAX], unknown[DOMAIN_MAX]; /* envelope recipients for verification */
	struct host_addr controller;                 /* where we verify from */
	enum dns_strategy strategy;
	bool marker;
	bool drill_blackhole; /* a drill cuts the standby off from the primary */
	size_t nlevels;       /* of fencing; 0 = the primary is not fenced */
	struct plan_level level[LEVELS_MAX];
	size_t nzones;
	struct plan_zone *zones; /* before: primary serves; after: standby serves */
	size_t ncontrols;
	struct plan_control control[PLAN_CONTROLS_MAX];
	int64_t boot_ms, command_ms, dns_ms, drain_ms, linger_margin_ms; /* limits */
	int64_t clock_skew_ms;
};

struct plan {
	enum plan_kind kind;
	uint64_t op, epoch; /* epoch + 1 is kept for the undo and for the settling at the end */
	uint32_t pair;
	char actor[NAME_MAX_LEN], reason[200];
	bool automatic;
	char nonce[40];       /* boot order */
	char maps_sha256[72]; /* "" = no maps are kept: BLOCK */
	int64_t maps_age_ms;
	bool maps_stale;
	bool again;          /* promoted already: the standby stopped taking mail; there is nothing to go back to */
	bool standby_on;     /* a drill that this promotion takes over from had it switched on */
	bool confirmed;      /* by the actor: the primary is off, and nothing spoke against it */
	char owed[OWED_MAX]; /* levels of fencing that the way back (failback, abort) gives back */
	struct instant began;
	struct plan_site site; /* zones owned by the plan; `before` is what is published now */
	size_t nsteps;
	enum step_id step[PLAN_STEPS_MAX];
};

/* Fills the steps for p->kind and the site. */
void plan_choose_steps(struct plan *p);
void plan_site_copy(struct plan_site *dst, const struct plan_site *src); /* deep */
void plan_site_fini(struct plan_site *s);
void plan_fini(struct plan *p);
void plan_format(const struct plan *p, struct strbuf *out);
enum err_code plan_parse(const char *text, struct plan *out, struct err *e) NODISCARD;
/* The plan for people: steps, RRsets before and after, what users will not have. */
void plan_describe(const struct plan *p, struct strbuf *out);
int64_t plan_step_limit_ms(const struct plan *p, enum step_id step);

const char *plan_kind_name(enum plan_kind kind);
const char *step_name(enum step_id step);
/* The standby boots in it, so it has a boot order. */
bool plan_boots(enum plan_kind kind);
/* The published sets go back to the primary's. */
bool plan_gives_back(enum plan_kind kind);
/* How long a drill's right lasts: whatever hangs or dies, it ends. */
int64_t plan_rehearse_ms(const struct plan *p);
bool step_no_return(enum plan_kind kind, enum step_id step);
const char *dns_strategy_name(enum dns_strategy strategy);

#endif
