/*
 * Purpose:   what readers see: one immutable, refcounted view a pair, rendered once when it is
 *            published.
 * Not its job: deciding when to publish (engine), HTTP.
 * Thread:    publish and heartbeat: loop. get, put, the rest: any. One lock, held for a pointer's
 *            copy.
 * Ownership: views_get gives a reference; view_put returns it. Texts live as long as the view.
 * Errors:    none.   Units: _ms; wall clock since 1970 where named so.
 */
#ifndef COLDMX_VIEWS_H
#define COLDMX_VIEWS_H

#include <stdatomic.h>

#include "../engine/engine.h"

struct view_text {
	const char *text;
	size_t len;
};

/* One allocation. The numbers are what metrics need; everything else is in the texts. */
struct view {
	atomic_uint refs;
	uint32_t id, store_id;
	uint64_t version; /* rises with each publication of any pair */
	char name[NAME_MAX_LEN];
	enum pair_state state;
	enum pair_mode mode;
	enum health_verdict verdict;
	bool held, latched, seen_up, unordered_boot, op_open, op_stuck;
	uint64_t epoch, op;                                                            /* op 0 = none */
	int64_t queue_waiting, agent_wall_ms[HOST_ROLES], maps_wall_ms, built_wall_ms; /* -1 = none */
	uint32_t stranded;
	struct view_text full, brief, explain, operation; /* JSON; operation "" = none */
};

struct views;

/* `stranded_dir`: below it, in a folder named as the pair, lie the messages of the stranded list. */
struct views *views_new(size_t npairs, const char *stranded_dir) NODISCARD RETURNS_NONNULL;
void views_free(struct views *vs); /* NULL is legal */

/* A publish_cb of the engine: arg is the struct views. */
void views_publish(void *arg, const struct pair_view *pv);
/* At least once a second: /healthz says 503 when it stops. */
void views_heartbeat(struct views *vs, int64_t boot_ms, bool ready);

size_t views_count(const struct views *vs);
/* Pair ids from 1. NULL: not published yet, or no such pair. */
struct view *views_get(struct views *vs, uint32_t id) NODISCARD;
struct view *views_find(struct views *vs, const char *name) NODISCARD;
struct view *views_find_operation(struct views *vs, uint64_t op) NODISCARD;
void view_put(struct view *v); /* NULL is legal */

/* The limits over all pairs, as they were when the last pair was published. */
void views_brake(struct views *vs, struct brake *out);
uint64_t views_version(struct views *vs);
int64_t views_started_wall_ms(const struct views *vs);
int64_t views_beat_age_ms(const struct views *vs, int64_t boot_ms); /* -1 = no beat yet */
bool views_ready(const struct views *vs);

#endif
