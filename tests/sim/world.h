/*
 * Purpose:   the simulated world around one controller: everything behind the four ports, in one value.
 * Not its job: deciding anything; what is right (promises.h).
 * Thread:    one.   Ownership: world_free frees all of it.
 * Errors:    a broken promise is kept in `failure`, the first one wins.
 * Units:     _ms since the world began; the controller's clocks show boot_base_ms and wall_base_ms more.
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "../../controller/engine/engine.h"
#include "clock.h"
#include "coverage.h"
#include "dns.h"
#include "exec.h"
#include "faults.h"
#include "ghost.h"
#include "hosts.h"
#include "net.h"
#include "senders.h"
#include "store.h"

#define SIM_PAIRS_MAX 6

/* A plan that an operator has read. */
struct sim_token {
	char text[PLAN_TOKEN_SIZE]; /* "" = none */
	char maps[72];              /* the kept bundle, at that moment */
	uint64_t epoch;
	bool failback, no_maps;
	int64_t pushed_ms; /* as the controller knows it: a push that it slept through it learns with the next one */
};

struct pair_world {
	struct host host[HOST_ROLES];
	struct dns_zone zone[SIM_ZONES];
	struct senders senders;
	struct ghost ghost;
	char bundle[72];          /* recipient maps kept at the controller */
	char maps_now[72];        /* what the primary's maps are by now */
	int64_t until_ms[FAULTS]; /* end of each lasting fault */
	uint8_t fault_arg[FAULTS];
	bool standby_by_hand;      /* a person switched the standby on */
	struct sim_token token[2]; /* of a failover, of a failback */
	bool confirms;             /* the next failover is asked for with a confirmation */
	bool has_view;
	struct pair_view view; /* last published by the living controller */
};

struct sim_asked {
	struct world *w;
	uint8_t pair;
	enum command_kind kind;
	bool extra; /* apply.c */
	struct sim_token token;
	int64_t expires_wall_ms;
	uint32_t life; /* of the controller that was asked */
	bool answered;
	uint32_t operator_rows; /* before it was asked */
};

struct failure {
	int promise; /* 0 = none; 99 = does not converge */
	int64_t at_ms;
	char text[400];
};

struct world {
	struct clock clock;
	uint64_t seed;
	uint8_t npairs;
	struct pair_world *pair;
	struct engine_pair *opts;
	struct engine_opts engine_opts;
	struct probe_opts references[2];
	struct engine *engine; /* NULL: the controller is dead */
	uint32_t life;         /* of the controller, from 1 */
	bool crashed;          /* in this very event: nothing it does counts any more */
	int64_t started_ms;    /* this life's start */
	int64_t suspended_ms;  /* last suspension */
	int64_t asleep_until_ms;
	int64_t restart_ms; /* pause after a crash */
	bool reboot;        /* the next start is on a rebooted machine */
	uint64_t points;    /* commits and submits so far */
	uint64_t crash_at;  /* 0 = never */
	bool crash_after;   /* after the effect instead of before it */
	struct store store;
	struct exec exec;
	struct net net;
	int64_t until_ms[FAULTS];           /* lasting faults of the controller itself */
	int64_t cut_from_ms, cut_until_ms;  /* the last cut of the controller's network */
	bool reference_ok[2], net_cut_seen; /* as told to this life */
	int64_t lift_until_wall_ms;         /* the limits over all pairs are lifted, durably */
	uint32_t controller_rows;           /* durable audit rows of what the operator asked of no pair */
	int64_t auto_wall_ms[64];           /* begins of automatic promotions */
	size_t auto_count;
	struct sim_asked asked[512]; /* commands whose answers may still come */
	size_t nasked;
	uint32_t resumes[SIM_PAIRS_MAX];
	bool maps; /* primaries' agents push their maps */
	bool calm; /* the schedule is over: operators repair */
	bool quiet_senders;
	bool standby_reboots;
	struct failure failure;
	struct coverage *coverage;
	bool trace;
};

struct world_opts {
	uint64_t seed;
	uint8_t npairs;
	enum pair_mode mode;
	enum dns_strategy strategy;
	uint8_t levels; /* of fencing (levels.h) */
	bool marker;
	bool maps;        /* the primary's agent has pushed its maps before */
	bool primary_off; /* a primary that was never seen up */
	int64_t maps_max_age_ms;
	bool standby_reboots; /* whenever the controller dies: what it had verified is another boot's */
	bool agentless;       /* nobody on the primary vouches for it */
	uint8_t drill_minute; /* after the start, daily, of every pair; 0 = never by schedule */
	bool one_drill;       /* only while nothing else works at the power host of all of them */
};

#define FIRST_WALL_MS 1790000000000LL

void world_init(struct world *w, const struct world_opts *opts, struct coverage *coverage);
void world_fini(struct world *w);
void world_start_controller(struct world *w);
/* Frees the engine and all that was its own; what was in flight happened or not. */
void world_crash(struct world *w);
/* Runs until then, or until a promise breaks. */
void world_run(struct world *w, int64_t until_ms);
bool world_fault(const struct world *w, uint8_t pair, enum fault fault);
/* True: the controller dies at this commit or submit; *apply: its effect happens first. */
bool world_crash_point(struct world *w, bool *apply);
void world_fail(struct world *w, int promise, const char *fmt, ...) PRINTF_LIKE(3, 4);
void world_trace(const struct world *w, const char *fmt, ...) PRINTF_LIKE(2, 3);
struct pair_world *world_pair(struct world *w, uint32_t pair_id);
struct instant world_now(const struct world *w);
uint64_t world_after(struct world *w, int64_t delay_ms, event_fn *fn, void *data, uint32_t life);
/* config.c */
void world_configure(struct world *w, const struct world_opts *opts);

#endif
