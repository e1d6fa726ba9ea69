/* Durable rows in memory. A commit is applied, and then answered; a crash falls before, between or after. */
#include "store.h"

#include <stdlib.h>
#include <string.h>

#include "../../common/base/mem.h"
#include "../../controller/core/text.h"
#include "world.h"

#define APPLY_MS 1
#define ANSWER_MS 2

struct pending {
	struct guard guard;
	size_t nrec;
	struct record *rec; /* follows, and then the bodies */
	uint32_t life;
};

struct reply {
	commit_cb *cb;
	rows_cb *rows;
	owner_cb *owner;
	void *arg;
	enum store_rc rc;
};

static bool same_key(const struct record *a, const struct record *b)
{
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case RECORD_PAIR:
	case RECORD_HOLD: return a->pair == b->pair;
	case RECORD_OPERATION: return a->op == b->op;
	case RECORD_JOURNAL: return a->op == b->op && a->seq == b->seq;
	case RECORD_BOOT:
	case RECORD_STRANDED: return a->pair == b->pair && strcmp(a->key, b->key) == 0;
	case RECORD_GLOBAL: return strcmp(a->key, b->key) == 0;
	case RECORD_AUDIT: return a->key[0] && a->pair == b->pair && strcmp(a->key, b->key) == 0;
	case RECORD_GRANT: return false;
	}
	return false;
}

/* The real store keeps the first row of a key: another one under it would be lost. */
static void compare_audit(struct world *w, const struct record *was, const struct record *rec)
{
	static const char *const keys[] = { "who", "what" };
	char a[64], b[64];
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (text_find(was->body, keys[i], a, sizeof(a)) && text_find(rec->body, keys[i], b, sizeof(b)) &&
		    strcmp(a, b) != 0)
			world_fail(w, 11, "pair%u: the audit row of %s is lost: its key is that of %s", rec->pair - 1,
				   b, a);
}

static void put_row(struct world *w, const struct record *rec)
{
	struct store *s = &w->store;
	struct record *row = NULL;
	for (size_t i = 0; i < s->n && !row; i++)
		if (same_key(&s->rows[i], rec))
			row = &s->rows[i];
	if (row && rec->kind == RECORD_JOURNAL && strcmp(row->body, rec->body) != 0)
		world_fail(w, 6, "journal row %u of operation %llu is written a second time, with other words",
			   rec->seq, (unsigned long long)rec->op);
	if (row && rec->kind == RECORD_AUDIT)
		compare_audit(w, row, rec);
	if (!row && rec->kind == RECORD_AUDIT)
		ghost_audit(w, rec);
	if (!row) {
		if (s->n == s->cap) {
			s->cap = s->cap ? s->cap * 2 : 64;
			s->rows = mem_realloc(s->rows, s->cap, sizeof(*s->rows));
		}
		BUG_ON(!s->rows);
		row = &s->rows[s->n++];
	} else {
		free((void *)(uintptr_t)row->body);
	}
	*row = *rec;
	row->body = mem_strdup(rec->body);
}

static bool fenced(const struct store *s, const struct guard *guard)
{
	return s->epoch[guard->pair] > guard->epoch;
}

static void apply(struct world *w, const struct pending *p)
{
	struct store *s = &w->store;
	if (fenced(s, &p->guard))
		return;
	s->epoch[p->guard.pair] = p->guard.epoch;
	s->commits++;
	for (size_t i = 0; i < p->nrec; i++) {
		put_row(w, &p->rec[i]);
		ghost_durable(w, &p->rec[i]);
	}
}

static void apply_due(struct world *w, void *data)
{
	const struct pending *p = data;
	if (p->life != w->life || !w->engine) /* its controller is gone: it reached the disk or not */
		if (dice_roll(&w->clock.dice, 2))
			return;
	apply(w, p);
}

static void reply_due(struct world *w, void *data)
{
	const struct reply *r = data;
	world_trace(w, "commit answered %s", store_rc_name(r->rc));
	if (r->rc == STORE_OK)
		w->store.ok_ms = w->clock.now_ms;
	r->cb(r->arg, r->rc);
}

/* One block, so that dropping the event frees it. */
static struct pending *copy_txn(const struct world *w, const struct txn *txn)
{
	size_t size = sizeof(struct pending) + txn->nrec * sizeof(struct record);
	for (size_t i = 0; i < txn->nrec; i++)
		size += strlen(txn->rec[i].body) + 1;
	struct pending *p = mem_calloc(1, size);
	*p = (struct pending){ txn->guard, txn->nrec, (struct record *)(void *)(p + 1), w->life };
	char *at = (char *)(p->rec + txn->nrec);
	for (size_t i = 0; i < txn->nrec; i++) {
		size_t len = strlen(txn->rec[i].body) + 1;
		p->rec[i] = txn->rec[i];
		memcpy(at, txn->rec[i].body, len);
		p->rec[i].body = at;
		at += len;
	}
	return p;
}

static enum store_rc choose_rc(struct world *w, const struct txn *txn, bool *applied)
{
	uint8_t index = txn->guard.pair ? (uint8_t)(txn->guard.pair - 1) : 0; /* the store's faults are of all pairs */
	*applied = true;
	if (world_fault(w, index, FAULT_STORE_AWAY)) {
		*applied = false;
		return STORE_AWAY;
	}
	if (world_fault(w, index, FAULT_STORE_UNKNOWN)) {
		*applied = dice_roll(&w->clock.dice, 2);
		return STORE_UNKNOWN;
	}
	return fenced(&w->store, &txn->guard) ? STORE_FENCED : STORE_OK;
}

static void port_commit(void *ctx, const struct txn *txn, commit_cb *cb, void *arg)
{
	struct world *w = ctx;
	bool applied, crash_applies;
	if (w->crashed)
		return;
	BUG_ON(txn->guard.pair > w->npairs); /* 0: of no pair, and never fenced */
	ghost_submitted(w, txn);
	struct pending *p = copy_txn(w, txn);
	w->coverage->commits++;
	if (world_crash_point(w, &crash_applies)) {
		if (crash_applies)
			apply(w, p);
		free(p);
		return;
	}
	enum store_rc rc = choose_rc(w, txn, &applied);
	world_trace(w, "commit pair %u epoch %llu, %zu rows, first %s", txn->guard.pair,
		    (unsigned long long)txn->guard.epoch, txn->nrec, record_kind_name(txn->rec[0].kind));
	if (rc == STORE_FENCED)
		w->pair[txn->guard.pair - 1].ghost.fenced_op = txn->rec[0].op;
	if (applied)
		world_after(w, APPLY_MS, apply_due, p, 0);
	else
		free(p);
	struct reply *r = mem_calloc(1, sizeof(*r));
	*r = (struct reply){ .cb = cb, .arg = arg, .rc = rc };
	world_after(w, ANSWER_MS, reply_due, r, w->life);
}

/* ---- reading ---- */

static bool wanted(const struct record *r)
{
	switch (r->kind) {
	case RECORD_OPERATION: return strncmp(r->body, "status=ended", 12) != 0;
	case RECORD_HOLD: return r->body[0];
	case RECORD_AUDIT:
	case RECORD_GRANT: return false;
	case RECORD_PAIR:
	case RECORD_JOURNAL:
	case RECORD_BOOT:
	case RECORD_STRANDED:
	case RECORD_GLOBAL: return true;
	}
	return false;
}

static int compare(const void *a, const void *b)
{
	const struct record *x = a, *y = b;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (x->pair != y->pair)
		return x->pair < y->pair ? -1 : 1;
	if (x->op != y->op)
		return x->op < y->op ? -1 : 1;
	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

static void read_due(struct world *w, void *data)
{
	const struct reply *r = data;
	if (world_fault(w, 0, FAULT_STORE_AWAY)) {
		r->rows(r->arg, STORE_AWAY, NULL, 0);
		return;
	}
	struct record *rows = mem_calloc(w->store.n, sizeof(*rows));
	size_t n = 0;
	for (size_t i = 0; i < w->store.n; i++)
		if (wanted(&w->store.rows[i]))
			rows[n++] = w->store.rows[i];
	for (size_t i = 0, open[16] = { 0 }; i < n; i++)
		if (rows[i].kind == RECORD_OPERATION && ++open[rows[i].pair] > 1)
			world_fail(w, 6, "pair%u: two operations are open in the journal", rows[i].pair - 1);
	if (n)
		qsort(rows, n, sizeof(*rows), compare);
	r->rows(r->arg, STORE_OK, rows, n);
	free(rows);
}

static void port_read(void *ctx, const struct query *query, rows_cb *cb, void *arg)
{
	struct world *w = ctx;
	struct reply *r = mem_calloc(1, sizeof(*r));
	(void)query;
	*r = (struct reply){ .rows = cb, .arg = arg };
	world_after(w, ANSWER_MS, read_due, r, w->life);
}

static void owner_due(struct world *w, void *data)
{
	const struct reply *r = data;
	(void)w;
	r->owner(r->arg, true);
}

static void port_own(void *ctx, owner_cb *cb, void *arg)
{
	struct world *w = ctx;
	struct reply *r = mem_calloc(1, sizeof(*r));
	*r = (struct reply){ .owner = cb, .arg = arg };
	world_after(w, ANSWER_MS, owner_due, r, w->life);
}

const struct store_ops sim_store_ops = { port_commit, port_read, port_own };

const struct record *store_find(const struct store *s, enum record_kind kind, uint32_t pair, uint64_t op,
				const char *key)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct record *r = &s->rows[i];
		if (r->kind == kind && r->pair == pair && (!op || r->op == op) && (!key || strcmp(r->key, key) == 0))
			return r;
	}
	return NULL;
}

void store_fini(struct store *s)
{
	for (size_t i = 0; i < s->n; i++)
		free((void *)(uintptr_t)s->rows[i].body);
	free(s->rows);
	memset(s, 0, sizeof(*s));
}
