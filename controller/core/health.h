/*
 * Purpose:   from probe results to a verdict on the primary, with the evidence that supports it.
 * Not its job: deciding to act (pair), thresholds over many pairs (brake), sockets (probe).
 * Thread:    loop.   Ownership: struct health is embedded by its pair; values only.
 * Errors:    none; a result that says nothing about the primary changes nothing.
 * Units:     _ms on CLOCK_BOOTTIME.
 */
#ifndef COLDMX_HEALTH_H
#define COLDMX_HEALTH_H

#include "../ports.h"

enum health_verdict { HEALTH_UNKNOWN, HEALTH_UP, HEALTH_SUSPECT, HEALTH_DOWN, HEALTH_WOUNDED };

enum health_family { FAMILY_V4, FAMILY_V6 };
#define FAMILIES 2

struct health_opts {
	bool used[FAMILIES]; /* the primary has an address in this family */
	int fail_after;      /* consecutive counted dead rounds in every used family before DOWN; with references
			      * two at least, since one says nothing of our own side */
	int up_after;        /* consecutive living rounds before a DOWN primary is UP again */
	int64_t stale_ms;    /* no result for so long: UNKNOWN */
	bool agent;          /* an agent is configured: its word counts */
	bool references;     /* reference hosts are configured */
};

/* What one family's SMTP dialogue says. */
struct health_line {
	int dead, alive;    /* consecutive counted rounds; one of them is 0 */
	int local;          /* consecutive rounds lost on our side */
	int64_t vouched_ms; /* first answer of a reference since the start of the last dead round that counts; 0 = none */
	int uncounted;      /* dead rounds of this streak without one: perhaps lost on our side */
	int64_t last_ms;    /* last result that says something; 0 = never */
	struct probe_result last;
};

struct health {
	struct health_opts opts;
	struct health_line line[FAMILIES];
	struct probe_result agent; /* last answer of the primary's agent */
	int64_t agent_ms;
	bool isolated;                     /* no reference host answers */
	int64_t reference_ms, answered_ms; /* last verdict over all of them; last answer of one */
	int64_t forgot_ms;                 /* what began before is no evidence */
	enum health_verdict verdict;
	int64_t since_ms;
	bool busy_only; /* alive, yet everything is 4xx */
	int64_t busy_since_ms;
	bool refuses;            /* 5xx to our probe: pages, never promotes */
	const char *tls_trouble; /* of a line's last result: alive, yet its TLS is not trusted; NULL = none */
	bool degraded[FAMILIES]; /* this family is dead while another lives */
};

/* One row of `coldmx explain`: a condition, its value against its limit, age, source. */
struct condition {
	char name[40];
	char value[120];
	char limit[80];
	bool met;       /* true: does not stand against automatic promotion */
	int64_t age_ms; /* -1 = no report */
	char source[40];
};

void health_init(struct health *h, const struct health_opts *opts, struct instant now);
/* Forgets the samples (suspension, reload) and is UNKNOWN again. */
void health_forget(struct health *h, struct instant now);
void health_smtp_result(struct health *h, enum health_family family, const struct probe_result *r, struct instant now);
void health_agent_result(struct health *h, const struct probe_result *r, struct instant now);
void health_references(struct health *h, bool any_answers, struct instant now);
/* A reference host has answered just now: what starts after it is not lost in a cut of ours that began before it. */
void health_reference_answered(struct health *h, struct instant now);
/* A streak of dead rounds is under way and not conclusive yet: references are to be asked fast. */
bool health_wants_references(const struct health *h);
/* Recomputes; call after results and on a tick. Returns the verdict. */
enum health_verdict health_evaluate(struct health *h, struct instant now);
/* Writes at most `max` rows, returns how many. */
size_t health_explain(const struct health *h, struct instant now, struct condition *out, size_t max);
/* True when the primary has lived up_after rounds in a row in every family that lives. */
bool health_recovered(const struct health *h);

const char *health_verdict_name(enum health_verdict verdict);
const char *health_family_name(enum health_family family);

#endif
