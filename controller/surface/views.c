/* A reader holds the lock only to copy a pointer and count itself in; the old view dies with its
 * last reader. */
#include "views.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/base/clock.h"
#include "../../common/base/mem.h"
#include "status_json.h"

struct views {
	pthread_mutex_t lock;
	size_t n;
	struct view **slot;
	char *stranded_dir;
	struct brake brake;
	uint64_t version;
	int64_t started_wall_ms;
	_Atomic(int64_t) beat_ms;
	atomic_bool ready;
};

struct views *views_new(size_t npairs, const char *stranded_dir)
{
	struct views *vs = mem_calloc(1, sizeof(*vs));
	pthread_mutex_init(&vs->lock, NULL);
	vs->n = npairs;
	vs->slot = mem_calloc(npairs + 1, sizeof(struct view *));
	vs->stranded_dir = mem_strdup(stranded_dir);
	vs->started_wall_ms = clock_wall_ms();
	return vs;
}

void views_free(struct views *vs)
{
	if (!vs)
		return;
	for (size_t i = 0; i < vs->n; i++)
		view_put(vs->slot[i]);
	pthread_mutex_destroy(&vs->lock);
	free(vs->slot);
	free(vs->stranded_dir);
	free(vs);
}

void view_put(struct view *v)
{
	if (v && atomic_fetch_sub(&v->refs, 1) == 1)
		free(v);
}

static int64_t wall_of(const struct pair_view *pv, int64_t age_ms)
{
	return age_ms < 0 ? -1 : pv->built_wall_ms - age_ms;
}

static void fill_numbers(const struct pair_view *pv, struct view *v)
{
	v->id = pv->id;
	v->store_id = pv->store_id;
	(void)str_copy(v->name, sizeof(v->name), pv->name);
	v->state = pv->state;
	v->mode = pv->mode;
	v->verdict = pv->verdict;
	v->held = pv->held;
	v->latched = pv->latched;
	v->seen_up = pv->seen_up;
	v->unordered_boot = pv->unordered_boot[0] != '\0';
	v->epoch = pv->epoch;
	v->op = pv->has_op ? pv->op.op : 0;
	v->op_stuck = pv->has_op && strcmp(pv->op.status, "stuck") == 0;
	v->op_open = pv->has_op && strcmp(pv->op.status, "done") != 0 && strcmp(pv->op.status, "undone") != 0;
	v->queue_waiting = pv->queue_waiting;
	for (int r = 0; r < HOST_ROLES; r++)
		v->agent_wall_ms[r] = wall_of(pv, pv->agent_age_ms[r]);
	v->maps_wall_ms = wall_of(pv, pv->maps_age_ms);
	v->built_wall_ms = pv->built_wall_ms;
	v->stranded = pv->stranded;
}

static struct view *view_build(const struct views *vs, const struct pair_view *pv)
{
	struct strbuf text[4] = { STRBUF_INIT, STRBUF_INIT, STRBUF_INIT, STRBUF_INIT };
	size_t size = sizeof(struct view);
	status_json_pair(pv, vs->stranded_dir, &text[0]);
	status_json_brief(pv, vs->stranded_dir, &text[1]);
	status_json_explain(pv, &text[2]);
	if (pv->has_op)
		status_json_operation(pv, &text[3]);
	for (size_t i = 0; i < ARRAY_LEN(text); i++)
		size += text[i].len + 1;
	struct view *v = mem_calloc(1, size);
	struct view_text *into[4] = { &v->full, &v->brief, &v->explain, &v->operation };
	char *at = (char *)(v + 1);
	atomic_init(&v->refs, 1);
	fill_numbers(pv, v);
	for (size_t i = 0; i < ARRAY_LEN(text); i++) {
		memcpy(at, strbuf_str(&text[i]), text[i].len + 1);
		*into[i] = (struct view_text){ at, text[i].len };
		at += text[i].len + 1;
		strbuf_fini(&text[i]);
	}
	return v;
}

void views_publish(void *arg, const struct pair_view *pv)
{
	struct views *vs = arg;
	BUG_ON(pv->id < 1 || pv->id > vs->n);
	struct view *v = view_build(vs, pv);
	pthread_mutex_lock(&vs->lock);
	struct view *old = vs->slot[pv->id - 1];
	v->version = ++vs->version;
	vs->slot[pv->id - 1] = v;
	vs->brake = pv->brake;
	pthread_mutex_unlock(&vs->lock);
	view_put(old);
}

void views_heartbeat(struct views *vs, int64_t boot_ms, bool ready)
{
	atomic_store(&vs->beat_ms, boot_ms);
	atomic_store(&vs->ready, ready);
}

size_t views_count(const struct views *vs)
{
	return vs->n;
}

static struct view *hold(struct view *v)
{
	if (v)
		atomic_fetch_add(&v->refs, 1);
	return v;
}

struct view *views_get(struct views *vs, uint32_t id)
{
	if (id < 1 || id > vs->n)
		return NULL;
	pthread_mutex_lock(&vs->lock);
	struct view *v = hold(vs->slot[id - 1]);
	pthread_mutex_unlock(&vs->lock);
	return v;
}

struct view *views_find(struct views *vs, const char *name)
{
	struct view *v = NULL;
	pthread_mutex_lock(&vs->lock);
	for (size_t i = 0; i < vs->n && !v; i++)
		if (vs->slot[i] && strcmp(vs->slot[i]->name, name) == 0)
			v = hold(vs->slot[i]);
	pthread_mutex_unlock(&vs->lock);
	return v;
}

struct view *views_find_operation(struct views *vs, uint64_t op)
{
	struct view *v = NULL;
	pthread_mutex_lock(&vs->lock);
	for (size_t i = 0; op && i < vs->n && !v; i++)
		if (vs->slot[i] && vs->slot[i]->op == op)
			v = hold(vs->slot[i]);
	pthread_mutex_unlock(&vs->lock);
	return v;
}

void views_brake(struct views *vs, struct brake *out)
{
	pthread_mutex_lock(&vs->lock);
	*out = vs->brake;
	pthread_mutex_unlock(&vs->lock);
}

uint64_t views_version(struct views *vs)
{
	pthread_mutex_lock(&vs->lock);
	uint64_t version = vs->version;
	pthread_mutex_unlock(&vs->lock);
	return version;
}

int64_t views_started_wall_ms(const struct views *vs)
{
	return vs->started_wall_ms;
}

int64_t views_beat_age_ms(const struct views *vs, int64_t boot_ms)
{
	int64_t beat_ms = atomic_load(&vs->beat_ms);
	return beat_ms ? boot_ms - beat_ms : -1;
}

bool views_ready(const struct views *vs)
{
	return atomic_load(&vs->ready);
}
