/*
 * Purpose:   the loop-side glue over ports.h: results -> health -> pair -> run -> views; commands, pushes.
 * Not its job: I/O of any kind (ports), the policy (core), what a step does (step).
 * Thread:    loop.   Ownership: engine_new copies the options; views are borrowed for the callback.
 * Errors:    command answers carry them; nothing here exits.   Units: _ms.
 */
#ifndef COLDMX_ENGINE_H
#define COLDMX_ENGINE_H

#include "../core/brake.h"
#include "../core/calendar.h"
#include "../core/health.h"
#include "../core/hold.h"
#include "../core/pair.h"
#include "../core/plan.h"
#include "../core/token.h"
#include "../ports.h"

enum pair_mode { MODE_MANUAL, MODE_AUTOMATIC, MODE_SHADOW };

/* When drills begin by themselves. */
struct drill_times {
	struct calendar at; /* days 0 = never */
	int64_t jitter_ms;
	struct calendar_span blackout[CALENDAR_BLACKOUTS_MAX];
	size_t nblackout;
	int64_t overdue_ms;            /* without a green one; 0 = nobody is told */
	char power_host[NAME_MAX_LEN]; /* of the standby */
	bool one_at_a_time;            /* there */
};

/* One configured pair: what every plan is made of, and how it is watched. */
struct engine_pair {
	struct plan_site site; /* hosts, zones, controls, time limits (core/plan.h) */
	enum pair_mode mode;
	char primary_site[NAME_MAX_LEN]; /* where it stands; "" = not said */
	struct health_opts health;
	struct probe_opts probe[FAMILIES];   /* SMTP at the primary; addr "" = unused family */
	struct probe_opts agent[HOST_ROLES]; /* agent probes; addr "" = none */
	int64_t every_ms, fast_every_ms;
	struct drill_times drills;
	int64_t cooldown_ms; /* after an automatic promotion, unless acknowledged */
	int64_t maps_max_age_ms;
	char fingerprint[NAME_MAX_LEN]; /* hash of hosts and probes: "never seen up" is kept under it */
};

struct engine_opts {
	size_t npairs;
	const struct engine_pair *pairs; /* pair id = index + 1 */
	struct brake_opts brake;
	int64_t heartbeat_ms; /* the heartbeat hook runs so often; 0 = never */
	int64_t grace_ms;     /* after start, reload and suspension nothing automatic */
	size_t nreferences;
	const struct probe_opts *references;
};

/* ---- commands (operator) ---- */
enum command_kind {
	CMD_FAILOVER,
	CMD_FAILBACK,
	CMD_DRILL,
	CMD_ABORT,
	CMD_RESUME,
	CMD_ACK,
	CMD_HOLD,
	CMD_RELEASE,
	CMD_PLAN,
	CMD_BRAKE_LIFT, /* the brake's own: of no pair */
	CMD_BRAKE_RESTORE
};

struct command {
	enum command_kind kind;
	char pair[NAME_MAX_LEN]; /* "" for CMD_BRAKE_* */
	char who[NAME_MAX_LEN];  /* "root (uid 0)" by peer credentials, or a token's name */
	char reason[200];        /* required for everything but CMD_PLAN */
	int64_t expires_wall_ms; /* CMD_HOLD, CMD_BRAKE_LIFT */
	bool dry_run;            /* CMD_FAILOVER, CMD_FAILBACK, CMD_DRILL: answer the plan, touch nothing */
	bool confirm_fenced;     /* CMD_FAILOVER: the person says that the primary is off */
	bool failback;           /* CMD_PLAN: of a failback instead of a failover */
	char skip[NAME_MAX_LEN]; /* CMD_RESUME: the step to skip; "" = none */
	char plan[48]; /* CMD_FAILOVER, CMD_FAILBACK: the token of the plan that a person has read; "" = none */
};

/* code ERR_OK: accepted. ERR_BLOCKED: refused by a rule; ERR_NOT_FOUND: no such pair; ERR_INVALID. */
struct command_answer {
	struct err err;
	char rule[NAME_MAX_LEN];
	char hint[200];              /* the command that would work, "" = none */
	uint64_t op;                 /* operation begun or continued; 0 = none */
	const char *text;            /* CMD_PLAN and dry runs: the plan for people; borrowed; never NULL */
	char token[PLAN_TOKEN_SIZE]; /* of that plan; "" = none */
};

typedef void command_cb(void *arg, const struct command_answer *answer);

/* ---- views ---- */
#define VIEW_CONDITIONS_MAX 16
#define VIEW_STEPS_MAX PLAN_STEPS_MAX

/* How the last drill went. */
struct drill_result {
	int64_t wall_ms;        /* its end; 0 = there was none */
	int64_t green_wall_ms;  /* end of the last green one; 0 = there was none */
	int64_t wanted_wall_ms; /* since when there is a timetable; 0 = there is none */
	int64_t ready_ms;       /* from its begin to the end of verify-local; -1 = not measured */
	bool red;
	char says[160];
};

struct view_step {
	const char *name; /* static */
	char state[12];   /* waiting, running, done, degraded, undone, failed */
	int64_t took_ms;  /* -1 = not begun */
	int64_t own_ms;   /* of it, time with no outside reply awaited */
	char note[160];
};

struct view_op {
	uint64_t op;
	char kind[16];   /* promote, failback, abort, drill */
	char status[16]; /* running, undoing, stuck, done, undone */
	bool past_no_return;
	const char *no_return; /* the step after which nothing is undone; static; NULL = none */
	char actor[NAME_MAX_LEN], reason[200];
	int64_t began_wall_ms, took_ms;
	size_t nsteps;
	struct view_step step[VIEW_STEPS_MAX];
	char held[LEVEL_NAME_MAX]; /* the level of fencing that took the primary away; "" = none */
	bool proven_off;
	struct err err; /* why it is stuck or was undone */
};

/* Everything a surface may show of one pair: a value, rebuilt when the pair changes. */
struct pair_view {
	uint32_t id;
	uint32_t store_id; /* what the store calls it */
	char name[NAME_MAX_LEN], primary_site[NAME_MAX_LEN];
	enum pair_state state;
	enum pair_mode mode;
	enum health_verdict verdict;
	int64_t verdict_since_wall_ms;
	uint64_t epoch;
	char own[12];                      /* who delivers: primary, standby, parked */
	char accept[20];                   /* "primary", "primary,standby" */
	char rule[NAME_MAX_LEN], why[200]; /* last row of the machine that fired */
	bool held;
	struct hold hold;
	struct brake brake;
	bool latched; /* an automatic promotion waits for `ack` or its cool-down */
	int64_t cooldown_left_ms;
	bool seen_up;
	bool family_degraded[FAMILIES];
	char trouble[480]; /* "", or all that pages without promoting */
	size_t nconditions;
	struct condition condition[VIEW_CONDITIONS_MAX];
	struct agent_report agent[HOST_ROLES];
	int64_t agent_age_ms[HOST_ROLES]; /* -1 = no report */
	bool agent_known[HOST_ROLES];     /* false: silent; what it said last is not the present */
	int64_t maps_age_ms;              /* -1 = none kept */
	char owed[OWED_MAX];              /* levels of fencing that nobody has given back yet */
	char unordered_boot[40];          /* boot id of a standby boot nobody ordered; "" = none */
	int64_t queue_waiting;            /* at the standby; -1 = unknown */
	uint32_t stranded;
	struct drill_result drill;
	bool has_op;
	struct view_op op; /* running, stuck or last */
	int64_t built_boot_ms, built_wall_ms;
};

typedef void publish_cb(void *arg, const struct pair_view *view);

/* ---- life ---- */
struct engine *engine_new(const struct ports *ports, const struct engine_opts *opts, publish_cb *publish,
			  void *publish_arg) NODISCARD;
void engine_start(struct engine *e); /* own -> read -> probe; asynchronous */
/* Nothing acts any more; answers that still come are ignored. Before executor and store are stopped. */
void engine_stop(struct engine *e);
void engine_free(struct engine *e);        /* when no answer can come any more; NULL is legal */
bool engine_ready(const struct engine *e); /* the journal is read, probes run */

/* ---- inbound events ---- */
void engine_command(struct engine *e, const struct command *cmd, command_cb *cb, void *arg);
/* The primary's agent pushed its recipient maps; kept already. Ignored while the interlock is on. */
void engine_maps_pushed(struct engine *e, uint32_t pair, const char *sha256, uint32_t recipients);
bool engine_maps_wanted(const struct engine *e, uint32_t pair); /* false: interlock, refuse the push */
void engine_boot_reported(struct engine *e, uint32_t pair, enum host_role role, const char *boot_id, const char *order);
/* The rights record in force for the pair, docs/rights.md text; false before anything is known. */
bool engine_rights(const struct engine *e, uint32_t pair, char *out, size_t size);
/* The loop was late or the machine slept: samples are worthless. */
void engine_suspended(struct engine *e);
uint32_t engine_pair_id(const struct engine *e, const char *name); /* 0 = none */

const char *pair_mode_name(enum pair_mode mode);

#endif
