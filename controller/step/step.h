/*
 * Purpose:   what a step is: the next verb from the last outcome. One file a step; all pure.
 * Not its job: retries, limits, journal, undo order (core/run.c).
 * Thread:    loop.   Ownership: everything is the run's.
 * Errors:    STEP_FAIL with out->err; the runner looks at its class.
 *
 * Each step is check (already true?) / do / verify, and may be entered again from its beginning at any time.
 */
#ifndef COLDMX_STEP_H
#define COLDMX_STEP_H

#include "../core/run.h"

enum step_say {
	STEP_VERB,   /* submit out->verb, call again with its outcome */
	STEP_WAIT,   /* call again after out->wait_ms, without outcome */
	STEP_COMMIT, /* make out->rec durable, call again */
	STEP_DONE,
	STEP_FAIL, /* out->err */
};

struct step_ctx {
	const struct plan *plan;
	struct facts *facts;
	struct step_mem *mem;
	struct instant now;
	bool back; /* this is an undo */
};

struct step_out {
	struct verb verb;
	int64_t limit_ms; /* of the verb; 0 = the plan's command limit */
	int64_t wait_ms;
	struct record rec; /* STEP_COMMIT; body in `body` */
	struct strbuf *body;
	struct err err;
	char note[160]; /* STEP_DONE: shown beside the step */
};

/* `last` is NULL on entry, after a wait and after a commit. */
typedef enum step_say step_fn(struct step_ctx *ctx, const struct outcome *last, struct step_out *out);

struct step {
	step_fn *next;
	step_fn *undo; /* NULL: nothing to undo */
};

const struct step *step_find(enum step_id id); /* never NULL */

step_fn step_guard, step_boot_order, step_power_on, step_power_on_undo, step_interlock, step_interlock_undo,
	step_connect, step_clock, step_harden, step_maps, step_grant, step_grant_undo, step_start_mail,
	step_start_mail_undo, step_verify_local, step_fence, step_open_to_probes, step_close_undo, step_verify_outside,
	step_readiness, step_open_port, step_switch_dns, step_verify_dns, step_announce, step_verify_primary,
	step_rescue, step_drain, step_linger, step_close_port, step_settle, step_power_off, step_interlock_back,
	step_unfence, step_rehearse, step_rehearse_undo;

/* ---- shared words (step_util.c) ---- */
enum step_say step_host(struct step_out *out, enum host_role target, const char *fmt, ...) PRINTF_LIKE(3, 4);
enum step_say step_power(struct step_out *out, enum verb_kind kind, enum host_role target);
/* One verb at a level of fencing of the primary. */
enum step_say step_level(const struct step_ctx *ctx, struct step_out *out, enum verb_kind kind, const char *level);
enum step_say step_wait(struct step_out *out, int64_t wait_ms);
enum step_say step_done(struct step_out *out, const char *fmt, ...) PRINTF_LIKE(2, 3);
enum step_say step_fail(struct step_out *out, enum err_code code, const char *fmt, ...) PRINTF_LIKE(3, 4);
enum step_say step_fail_err(struct step_out *out, const struct err *err);
/* A host refused its grant: the next outcome says at which epoch it stands (step_stands_above). False: it did not answer. */
bool step_ask_epoch(struct step_ctx *ctx, enum host_role who, const struct outcome *refusal, struct step_out *out);
/* Above this operation's epochs: told by somebody else. Keeps it as a fact, so that the next plan goes above it. */
bool step_stands_above(struct step_ctx *ctx, enum host_role who, const struct outcome *last);
/* Judges the answer to `hello`: STEP_DONE when the standby still is in the boot that this operation verifies. */
enum step_say step_same_boot(struct step_ctx *ctx, const struct outcome *last, struct step_out *out);
/* Adds one line to facts->degrade, once. */
void step_degrade(struct step_ctx *ctx, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Value of `key=` in a host command's answer; false when absent. */
bool step_answer(const struct outcome *last, const char *key, char *out, size_t size);
bool step_answer_i64(const struct outcome *last, const char *key, int64_t *out);
/* Zones in a pass of many: what is wrong with the one in hand is noted, worst class first, and the pass goes on. */
void step_note_zone(struct step_ctx *ctx, enum err_code code, const char *why);
void step_forget_zones(struct step_ctx *ctx); /* at the begin of a pass: what was noted, not what is done */
/* The first zone from `from` that is not done; nzones when there is none. */
size_t step_next_zone(const struct step_ctx *ctx, size_t from);
/* A rights record (docs/rights.md) in spool mode: own stays with the primary. */
void step_rights_text(const struct plan *plan, uint64_t epoch, bool standby_accepts, char *out, size_t size);
/* The primary has all; that boot of the standby may rehearse ("" = none). The same text however often it is made. */
void step_rehearse_text(const struct plan *plan, uint64_t epoch, const char *boot_id, char *out, size_t size);

#endif
