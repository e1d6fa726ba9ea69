/*
 * Purpose:   the engine's own state, shared by the files of this folder and by nobody else.
 * Thread:    loop.   Ownership: struct engine owns the pairs, a pair owns its operation.
 */
#ifndef COLDMX_ENGINE_INTERNAL_H
#define COLDMX_ENGINE_INTERNAL_H

#include "../core/text.h"
#include "operate.h"

struct watched {
	struct engine *e;
	uint32_t id;        /* place in the configuration, from 1 */
	uint32_t store_id;  /* of its name, in the store; 0 = the journal is not read yet */
	uint64_t lost_op;   /* an open operation that cannot be taken up; 0 = none */
	struct strbuf lost; /* its stored form */
	char lost_why[200];
	struct engine_pair opts;
	struct health health;
	enum pair_state state;
	enum pair_state stored_state; /* of the last commit that was submitted */
	enum pair_event last_event;
	const struct pair_row *row;
	char veto[200]; /* why DOWN does not act; "" = it may */
	struct hold hold;
	uint64_t epoch, rights_epoch;
	bool standby_accepts;
	char rehearse[64];      /* of the rights record: boot and end of a drill's right; "" = none */
	char told_rehearse[64]; /* as it is durable */
	struct drill_result drill;
	int64_t drill_due_ms; /* wall clock; 0 = not looked up yet */
	bool drill_overdue, drill_in_the_way;
	uint64_t told_epoch; /* rights as they are durable: what agents and people are told */
	bool told_accepts;
	bool seen_up, latched, interlock;
	struct confirm *confirm; /* a person's word is being held against the world; NULL = none */
	char owed[OWED_MAX];     /* what fencing took and nobody has given back yet */
	uint64_t aborted_op;     /* the last operation that an operator aborted; 0 = none */
	int64_t latch_ms;        /* BOOTTIME; after a restart the cool-down starts again whole */
	char nonce[40];          /* last boot order */
	bool order_unseen;       /* its operation was aborted before the boot was seen: that boot is ours */
	char boot_id[40];        /* last known boot of the standby */
	char primary_boot[40];
	char unordered_boot[40];
	char left_on_by[NAME_MAX_LEN]; /* who had the standby's power-off skipped; "" = nobody */
	char maps_sha256[72];
	int64_t maps_wall_ms, maps_saved_ms; /* pushed; of it, durable */
	uint32_t stranded;
	struct agent_report agent[HOST_ROLES];
	int64_t agent_ms[HOST_ROLES];
	int64_t agent_due_ms[HOST_ROLES]; /* must be heard by then; 0 = it need not */
	bool agent_silent[HOST_ROLES], silence_paged[HOST_ROLES];
	uint64_t foreign_epoch, foreign_acked; /* foreign.c: the highest that an agent reported; acknowledged up to */
	enum host_role foreign_role;
	bool foreign_lie[HOST_ROLES];
	char agent_trouble[HOST_ROLES][160], trouble_paged[HOST_ROLES][160];
	uint32_t probe[FAMILIES], agent_probe[HOST_ROLES];
	struct operation op;
	uint32_t stale_commits; /* of an operation that was taken over; the store answers in order */
	bool failing;           /* counted by the mass brake */
	int64_t failing_since_ms, looked_ms;
	int64_t doubt_since_ms;
	bool doubt_paged, standby_paged, degrade_paged[FAMILIES];
	uint32_t standby_probe[FAMILIES];
	int standby_dead[FAMILIES]; /* rounds in a row */
	char standby_says[FAMILIES][120];
	int64_t viewed_ms;     /* when its view was built */
	bool wants_references; /* counted by engine.wanting */
	bool dirty, hurried, busy_paged, refuse_paged, tls_paged;
	bool shadow_told; /* what automatic mode would have done */
};

struct heartbeat {
	int64_t every_ms;  /* 0 = none */
	int64_t probed_ms; /* when the last probe ended that was no fault of ours */
	uint64_t timer;
	bool busy; /* one is out, at the store or at the hook */
	int missed;
	char why[160]; /* the last one was missed; "" = it went out */
};

struct engine {
	struct ports ports;
	size_t npairs;
	struct watched *pairs;
	struct brake brake; /* all but the lift: as it is now; the lift: as it is durable */
	int64_t grace_ms, grace_until_ms;
	size_t nreferences;
	struct probe_opts *references;
	uint32_t *reference_probe;
	int64_t *reference_ok_ms, *reference_seen_ms;
	size_t wanting;     /* pairs in a streak of dead rounds: references are asked fast */
	int64_t wanted_ms;  /* how fast: the fastest pair's own pace */
	struct save *saves; /* records.c */
	struct page *pages; /* page.c */
	uint64_t last_op, page_count, save_count, newest_lift;
	bool ready, stopping;
	struct heartbeat beat;
	uint64_t tick_timer, publish_timer, retry_timer;
	int64_t published_ms;
	publish_cb *publish;
	void *publish_arg;
};

/* ---- engine.c ---- */
struct instant engine_now(const struct engine *e);
void engine_log(const struct engine *e, int level, const struct watched *p, const char *fmt, ...) PRINTF_LIKE(4, 5);
void engine_touch(struct watched *p); /* its view is to be rebuilt */
void engine_show(struct watched *p);  /* at once: whoever is answered now looks next */

/* ---- watch.c ---- */
void watch_start(struct watched *p);
void watch_stop(struct watched *p);
void watch_start_references(struct engine *e);
void watch_evaluate(struct watched *p);
/* The verdict afresh, and with it how many pairs fail at this moment. */
void watch_judge(struct watched *p);
/* Takes a row of the table, and returns it; one that refuses changes nothing. */
const struct pair_row *watch_fire(struct watched *p, enum pair_event event);
/* Why an automatic promotion may not begin now; false: nothing forbids it. */
bool watch_veto(struct watched *p, char *why, size_t size);
size_t watch_conditions(struct watched *p, struct condition *out, size_t max);
void watch_hurry(struct watched *p, bool fast); /* probes the primary fast, or at the usual pace again */

/* ---- agents.c ---- */
void agents_primary_result(void *arg, uint32_t id, const struct probe_result *r);
void agents_standby_result(void *arg, uint32_t id, const struct probe_result *r);
/* Too long without a word for its last one to be told as the present. */
bool agents_silent(const struct watched *p, enum host_role role);
/* Pages once for an agent that must be heard and is not. */
void agents_listen(struct watched *p);

/* ---- heartbeat.c ---- */
void heartbeat_start(struct engine *e);
void heartbeat_probed(struct engine *e, const struct probe_result *r); /* each SMTP probe of a primary that ends */

/* ---- foreign.c ---- */
void foreign_reported(struct watched *p, enum host_role role, uint64_t epoch);
/* An agent stands above every epoch that was given, and no person has acknowledged it. */
bool foreign_pending(const struct watched *p);
void foreign_words(const struct watched *p, char *out, size_t size);
void foreign_page(struct watched *p);
uint64_t foreign_top(const struct watched *p); /* what the next operation's epoch is above */

/* ---- trouble.c ---- */
void trouble_page(struct watched *p);

/* ---- around.c ---- */
void around_look(struct watched *p);          /* asks a few other primaries at once */
bool around_pending(const struct watched *p); /* some of them have not answered yet */
void around_count(struct watched *p);         /* this pair's part in the mass brake's count */

/* ---- standby.c ---- */
/* While it takes the mail, the standby is probed as the primary is. */
void standby_watch(struct watched *p);
void standby_stop(struct watched *p);
bool standby_is_dead(const struct watched *p);

/* ---- evidence.c ---- */
/* The running promotion may not move now. */
bool evidence_holds_back(const struct watched *p);
void evidence_wait(struct watched *p);
/* After each new verdict: goes on, goes on waiting, or gives up. */
void evidence_reconsider(struct watched *p);

/* ---- brakes.c ---- */
/* CMD_BRAKE_*: answered when durable, and only then in force. */
void brakes_command(struct engine *e, const struct command *cmd, command_cb *cb, void *arg);

void brakes_touch(struct engine *e); /* what all pairs decide by is another now */

/* ---- drill.c ---- */
/* It is on its way out: what the primary's death would begin must wait for its end. */
bool drill_leaves(const struct watched *p);
/* A promotion that takes over from a drill goes on with the boot that the drill ordered. */
void drill_hand_over(const struct plan *drill, const struct facts *facts, struct plan *plan, struct facts *to);
void drill_judge(struct watched *p); /* at its end, before that is made durable */
void drill_page(struct watched *p);  /* a red one is a person's */

/* ---- confirm.c ---- */
/* Asks whether anything speaks against a primary that is off, then fails over or refuses; false: one is under way. */
bool confirm_start(struct watched *p, const struct command *cmd, command_cb *cb, void *arg);
void confirm_fini(struct watched *p);

/* ---- timetable.c ---- */
#define TIMETABLE_ACTOR "schedule"
void timetable_look(struct watched *p); /* once a second */

/* ---- page.c ---- */
void page_send(struct watched *p, const char *severity, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Of no pair: of the daemon itself. */
void page_send_all(struct engine *e, const char *severity, const char *fmt, ...) PRINTF_LIKE(3, 4);
void page_drop_all(struct engine *e);

/* ---- view.c ---- */
void view_build(struct watched *p, struct pair_view *out);

#endif
