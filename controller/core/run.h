/*
 * Purpose:   the runner: a pure step function that takes a plan forward, or back, one verb at a time.
 * Not its job: performing verbs or commits (engine through ports.h); what a step is (step/).
 * Thread:    loop.   Ownership: run borrows its plan; run_out_fini frees what run_step put out.
 * Errors:    by class: TEMP and LOCAL are tried again inside the step's limit; PERM and CONFLICT before
 *            the point of no return undo, after it the run is stuck. Intent is committed before any effect.
 * Units:     _ms on CLOCK_BOOTTIME. After a restart a step's limit starts again whole.
 */
#ifndef COLDMX_RUN_H
#define COLDMX_RUN_H

#include "../ports.h"
#include "plan.h"

enum run_ev { RUN_BEGIN, RUN_COMMITTED, RUN_OUTCOME, RUN_WOKE, RUN_CANCEL, RUN_RESUME, RUN_SKIP };
enum run_act { RUN_NOTHING, RUN_COMMIT, RUN_VERB, RUN_SLEEP, RUN_END };
enum run_end { RUN_DONE, RUN_UNDONE, RUN_STUCK, RUN_FENCED };

/* What steps learn and later steps need; journaled with each finished step. */
struct facts {
	char boot_id[40];
	bool powered;              /* we switched the standby on: it was off before */
	char owed[OWED_MAX];       /* levels of fencing that we switched, and that were not so before */
	char held[LEVEL_NAME_MAX]; /* the level that took the primary away, read back; "" = none */
	bool proven_off;           /* it is a power level: nobody runs on behind it */
	bool family_ok[2];         /* verify-outside */
	bool interlock;
	bool left_on;            /* a person skipped the power-off: the standby stays on */
	bool soft_bounce;        /* at the standby's listener: unknown recipients get 4xx */
	int64_t queue, stranded; /* messages */
	char listed[40];         /* queue id of the last one put on the stranded list; it may still be in the queue */
	int64_t drain_from;      /* messages that this operation had to drain, at most */
	int64_t refused_ok;      /* refusals that a person has seen: `resume` after the brake of drain */
	int64_t primary_queue;   /* what the primary holds at rescue; -1 unknown */
	int64_t stands_at[2];    /* primary, standby: an epoch above ours, by somebody else's hand; 0 = none */
	uint64_t dns_wrote;      /* zones whose set this operation wrote, one bit each */
	uint32_t old_ttl_s;      /* the longest TTL of a set that it replaced */
	char degrade[400];       /* "; "-separated: what works less well than it should */
};

struct run_step_state {
	bool begun, done, undone;
	bool skipped;               /* by a person, who answers for it */
	int64_t began_ms, ended_ms; /* this life of the controller */
	int64_t waited_ms;          /* of it, waiting for an outside reply or for time to pass */
	char note[160];
};

enum run_mode { RUNNING_FORWARD, RUNNING_BACK, RUNNING_OVER };

/* Where one step stands in its own sequence; zeroed when the step starts over. */
struct step_mem {
	int at;
	int tries;
	size_t index;    /* control, zone or family in hand */
	int good, total; /* TAP lines */
	int64_t mark_ms;
	uint64_t done;              /* zones, one bit each */
	int bad;                    /* zones in trouble in this pass */
	bool temporary;             /* one of them may only need time */
	enum err_code worst;        /* the worst of what they suffer from */
	enum err_class worst_class; /* LOCAL counts as TEMP here */
	char text[240];
};

struct run {
	const struct plan *plan;
	enum run_mode mode;
	size_t at; /* step in hand */
	uint16_t attempt;
	uint32_t seq; /* next journal number */
	struct step_mem mem;
	struct facts facts;
	struct run_step_state state[PLAN_STEPS_MAX];
	struct err err;   /* why it undoes or is stuck */
	struct err cause; /* why it turned back; an undo that gets stuck does not hide it */
	bool stuck, cancelled, past_no_return;
	bool in_flight;   /* a verb or a commit is out */
	int after_commit; /* what waits for the commit (private) */
	int64_t deadline_ms, wait_from_ms;
	struct instant boot; /* of the journal's last record */
};

struct run_in {
	enum run_ev ev;
	enum store_rc rc;              /* RUN_COMMITTED */
	const struct outcome *outcome; /* RUN_OUTCOME */
	const char *reason;            /* RUN_CANCEL, RUN_SKIP */
};

#define RUN_RECORDS_MAX 3

struct run_out {
	enum run_act act;
	struct verb verb; /* RUN_VERB */
	int64_t wake_ms;  /* RUN_SLEEP: absolute */
	enum run_end end; /* RUN_END; the reason is run->err */
	size_t nrec;      /* RUN_COMMIT */
	struct record rec[RUN_RECORDS_MAX];
	struct strbuf body[RUN_RECORDS_MAX];
	uint64_t epoch; /* RUN_COMMIT: the guard's */
};

void run_init(struct run *r, const struct plan *plan);
/* Rebuilds the run from its journal rows, ordered by seq. ERR_INVALID: newer or unreadable journal. */
enum err_code run_replay(struct run *r, const struct plan *plan, const struct record *rows, size_t n,
			 struct err *e) NODISCARD;
/* Takes one event; the answer is what to do next. RUN_NOTHING: what is in flight decides. */
void run_step(struct run *r, const struct run_in *in, struct instant now, struct run_out *out);
void run_out_fini(struct run_out *out);

const char *run_end_name(enum run_end end);

#endif
