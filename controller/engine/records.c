/* The durable form of a pair, its audit rows, and changes outside an operation on their way to the store. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/base/mem.h"
#include "internal.h"
#include "records.h"

#define PAIR_VERSION 1
#define SAVE_RETRY_MS 500
#define SAVE_WAIT_MS 50

void records_pair(const struct watched *p, struct strbuf *out)
{
	text_put_i64(out, "pair", PAIR_VERSION);
	text_put(out, "name", p->opts.site.pair);
	text_put(out, "state", pair_state_name(p->stored_state));
	strbuf_addf(out, "epoch=%" PRIu64 "\nrights_epoch=%" PRIu64 "\nlast_op=%" PRIu64 "\n", p->epoch,
		    p->rights_epoch, p->e->last_op);
	strbuf_addf(out, "foreign_epoch=%" PRIu64 "\nforeign_acked=%" PRIu64 "\n", p->foreign_epoch, p->foreign_acked);
	text_put_i64(out, "foreign_role", p->foreign_role);
	text_put_i64(out, "standby_accepts", p->standby_accepts);
	text_put(out, "rehearse", p->rehearse);
	text_put_i64(out, "drill_wall_ms", p->drill.wall_ms);
	text_put_i64(out, "drill_green_wall_ms", p->drill.green_wall_ms);
	text_put_i64(out, "drill_wanted_wall_ms", p->drill.wanted_wall_ms);
	text_put_i64(out, "drill_ready_ms", p->drill.ready_ms);
	text_put_i64(out, "drill_red", p->drill.red);
	text_put(out, "drill_says", p->drill.says);
	text_put_i64(out, "seen_up", p->seen_up);
	text_put(out, "fingerprint", p->opts.fingerprint);
	text_put_i64(out, "latched", p->latched);
	text_put_i64(out, "aborted_op", (int64_t)p->aborted_op);
	text_put_i64(out, "interlock", p->interlock);
	text_put(out, "owed", p->owed);
	text_put(out, "nonce", p->nonce);
	text_put_i64(out, "order_unseen", p->order_unseen);
	text_put(out, "boot_id", p->boot_id);
	text_put(out, "primary_boot", p->primary_boot);
	text_put(out, "unordered_boot", p->unordered_boot);
	text_put(out, "left_on_by", p->left_on_by);
	text_put(out, "maps", p->maps_sha256);
	text_put_i64(out, "maps_wall_ms", p->maps_wall_ms);
	text_put_i64(out, "stranded", p->stranded);
}

static bool flag(const char *text, const char *key)
{
	char value[8];
	return text_find(text, key, value, sizeof(value)) && value[0] == '1';
}

static uint64_t number(const char *text, const char *key)
{
	char value[24];
	return text_find(text, key, value, sizeof(value)) ? strtoull(value, NULL, 10) : 0;
}

bool records_pair_parse(struct watched *p, const char *text)
{
	char state[24], fingerprint[NAME_MAX_LEN], name[NAME_MAX_LEN];
	if (!text_find(text, "name", name, sizeof(name)) || strcmp(name, p->opts.site.pair) != 0)
		return false;
	if (number(text, "pair") != PAIR_VERSION || !text_find(text, "state", state, sizeof(state)) ||
	    !pair_state_parse(state, &p->state))
		return false;
	p->epoch = number(text, "epoch");
	p->rights_epoch = number(text, "rights_epoch");
	p->foreign_epoch = number(text, "foreign_epoch");
	p->foreign_acked = number(text, "foreign_acked");
	p->foreign_role = flag(text, "foreign_role") ? HOST_STANDBY : HOST_PRIMARY;
	p->standby_accepts = flag(text, "standby_accepts");
	bool same = text_find(text, "fingerprint", fingerprint, sizeof(fingerprint)) &&
		    strcmp(fingerprint, p->opts.fingerprint) == 0;
	p->seen_up = same && flag(text, "seen_up");
	p->latched = flag(text, "latched");
	p->aborted_op = number(text, "aborted_op");
	p->interlock = flag(text, "interlock");
	(void)text_find(text, "owed", p->owed, sizeof(p->owed));
	p->order_unseen = flag(text, "order_unseen");
	(void)text_find(text, "rehearse", p->rehearse, sizeof(p->rehearse));
	p->drill.wall_ms = (int64_t)number(text, "drill_wall_ms");
	p->drill.green_wall_ms = (int64_t)number(text, "drill_green_wall_ms");
	p->drill.wanted_wall_ms = (int64_t)number(text, "drill_wanted_wall_ms");
	p->drill.ready_ms = (int64_t)number(text, "drill_ready_ms"); /* -1 comes back as -1: modulo 2^64 */
	p->drill.red = flag(text, "drill_red");
	(void)text_find(text, "drill_says", p->drill.says, sizeof(p->drill.says));
	(void)text_find(text, "nonce", p->nonce, sizeof(p->nonce));
	(void)text_find(text, "boot_id", p->boot_id, sizeof(p->boot_id));
	(void)text_find(text, "primary_boot", p->primary_boot, sizeof(p->primary_boot));
	(void)text_find(text, "unordered_boot", p->unordered_boot, sizeof(p->unordered_boot));
	(void)text_find(text, "left_on_by", p->left_on_by, sizeof(p->left_on_by));
	(void)text_find(text, "maps", p->maps_sha256, sizeof(p->maps_sha256));
	p->maps_wall_ms = p->maps_saved_ms = (int64_t)number(text, "maps_wall_ms");
	p->stranded = (uint32_t)number(text, "stranded");
	p->latch_ms = engine_now(p->e).boot_ms;
	return true;
}

void records_audit(const struct watched *p, const char *who, const char *what, const char *why, struct instant now,
		   struct strbuf *out)
{
	text_put_i64(out, "wall_ms", now.wall_ms);
	text_put_i64(out, "boot_ms", now.boot_ms);
	text_put(out, "who", who);
	text_put(out, "what", what);
	text_put(out, "why", why);
	strbuf_addf(out, "epoch=%" PRIu64 "\n", p ? p->epoch : 0);
}

/* A change outside an operation, on its way to the store: of a pair, whose row is made afresh at each try, so that a
 * late retry never brings back an older state; or of the limits over all of them. */
struct save {
	struct save *next;
	struct engine *e;
	struct watched *p; /* NULL: the lift */
	struct hold lift;
	uint64_t number;
	char key[NAME_MAX_LEN]; /* of the audit row: a try whose answer was lost does not double it */
	char who[NAME_MAX_LEN], what[NAME_MAX_LEN], why[300];
	char boot_id[40], order[NAME_MAX_LEN]; /* a boot, "" = none */
	uint64_t abandons;                     /* an operation that no run can take up; 0 = none */
	uint64_t op;                           /* the answer names it; 0 = none */
	uint64_t timer;                        /* its next try; 0 = none is set */
	command_cb *answer;                    /* NULL: nobody waits */
	void *arg;
};

static void unlink_save(struct engine *e, struct save *s)
{
	for (struct save **at = &e->saves; *at; at = &(*at)->next) {
		if (*at == s) {
			*at = s->next;
			free(s);
			return;
		}
	}
}

static void submit_save(void *arg);

static void again_in(struct save *s, int64_t delay_ms)
{
	const struct ports *ports = &s->e->ports;
	s->timer = ports->time->at(ports->time_ctx, engine_now(s->e).boot_ms + delay_ms, submit_save, s);
}

static void answer_durable(const struct save *s, enum store_rc rc)
{
	struct command_answer a = { .op = s->op, .text = "" };
	if (rc != STORE_OK)
		err_set(&a.err, ERR_STALE, "a higher epoch is stored for this pair: another controller acts");
	if (s->p)
		engine_show(s->p);
	s->answer(s->arg, &a);
}

/* A later word about the lift is on its way: an earlier one that is tried again must not come after it. */
static bool overtaken(const struct save *s)
{
	return s->number != s->e->newest_lift;
}

/* All pairs decide by it from now on. */
static void lift_is_durable(struct engine *e, const struct hold *lift)
{
	e->brake.lift = *lift;
	engine_log(e, 4, NULL, "the limits over all pairs are %s", lift->set ? "lifted" : "in force again");
	brakes_touch(e);
	if (e->npairs)
		engine_show(&e->pairs[0]); /* who is answered now looks next */
}

static void saved(void *arg, enum store_rc rc)
{
	struct save *s = arg;
	struct engine *e = s->e;
	if (e->stopping)
		return;
	if (rc == STORE_AWAY || rc == STORE_UNKNOWN) {
		again_in(s, SAVE_RETRY_MS);
		return;
	}
	if (!s->p && !overtaken(s)) /* a restore that came meanwhile holds already */
		lift_is_durable(e, &s->lift);
	if (s->answer)
		answer_durable(s, rc);
	unlink_save(e, s);
}

/* Of no pair, and in the audit chain of none: the controller has its own. */
static void submit_lift(struct save *s)
{
	struct strbuf body[2] = { STRBUF_INIT, STRBUF_INIT };
	hold_format(&s->lift, &body[0]);
	records_audit(NULL, s->who, s->what, s->why, engine_now(s->e), &body[1]);
	struct record rec[] = {
		{ .kind = RECORD_GLOBAL, .key = "lift", .body = strbuf_str(&body[0]) },
		{ .kind = RECORD_AUDIT, .body = strbuf_str(&body[1]) },
	};
	(void)str_copy(rec[1].key, sizeof(rec[1].key), s->key);
	struct txn txn = { { 0, 0 }, rec, ARRAY_LEN(rec) };
	s->e->ports.store->commit(s->e->ports.store_ctx, &txn, saved, s);
	for (size_t i = 0; i < ARRAY_LEN(body); i++)
		strbuf_fini(&body[i]);
}

static void submit_pair(struct save *s)
{
	struct watched *p = s->p;
	uint32_t id = p->store_id;
	struct strbuf body[4] = { STRBUF_INIT, STRBUF_INIT, STRBUF_INIT, STRBUF_INIT };
	records_pair(p, &body[0]);
	records_audit(p, s->who, s->what, s->why, engine_now(p->e), &body[1]);
	hold_format(&p->hold, &body[2]);
	text_put(&body[3], "order", s->order);
	text_put_i64(&body[3], "wall_ms", engine_now(p->e).wall_ms);
	text_put(&body[3], "reported_by", s->who);
	struct record rec[] = {
		{ .kind = RECORD_PAIR, .pair = id, .body = strbuf_str(&body[0]) },
		{ .kind = RECORD_AUDIT, .pair = id, .body = strbuf_str(&body[1]) },
		{ .kind = RECORD_HOLD, .pair = id, .body = strbuf_str(&body[2]) },
		{ .kind = RECORD_BOOT, .pair = id, .body = strbuf_str(&body[3]) },
	};
	(void)str_copy(rec[1].key, sizeof(rec[1].key), s->key);
	(void)str_copy(rec[3].key, sizeof(rec[3].key), s->boot_id);
	if (s->abandons) {
		strbuf_reset(&body[3]);
		strbuf_addf(&body[3], "status=ended-abandoned\n%s", strbuf_str(&p->lost));
		rec[3] = (struct record){
			.kind = RECORD_OPERATION, .pair = id, .op = s->abandons, .body = strbuf_str(&body[3])
		};
	}
	struct txn txn = { { id, p->epoch }, rec, ARRAY_LEN(rec) - !(s->boot_id[0] || s->abandons) };
	p->e->ports.store->commit(p->e->ports.store_ctx, &txn, saved, s);
	for (size_t i = 0; i < ARRAY_LEN(body); i++)
		strbuf_fini(&body[i]);
}

static void drop_lift(struct save *s)
{
	struct command_answer a = { .text = "" };
	err_set(&a.err, ERR_CANCELLED, "a later word about the brakes took its place");
	s->answer(s->arg, &a);
	unlink_save(s->e, s);
}

static void submit_save(void *arg)
{
	struct save *s = arg;
	s->timer = 0;
	if (s->e->stopping) /* the store takes no more: its rows are what the next start reads */
		return;
	if (!s->p && overtaken(s))
		drop_lift(s);
	else if (!s->p)
		submit_lift(s);
	else if (operate_unsettled(s->p))
		again_in(s, SAVE_WAIT_MS);
	else
		submit_pair(s);
}

static struct save *new_save(struct engine *e, struct watched *p, const char *who, const char *what, const char *why)
{
	struct save *s = mem_calloc(1, sizeof(*s));
	s->number = ++e->save_count;
	snprintf(s->key, sizeof(s->key), "save-%lld-%llu", (long long)engine_now(e).wall_ms,
		 (unsigned long long)s->number);
	(void)str_copy(s->who, sizeof(s->who), who);
	(void)str_copy(s->what, sizeof(s->what), what);
	(void)str_copy(s->why, sizeof(s->why), why);
	s->e = e;
	s->p = p;
	s->next = e->saves;
	e->saves = s;
	return s;
}

static void submit_answered(struct save *s, command_cb *answer, void *arg)
{
	s->answer = answer;
	s->arg = arg;
	submit_save(s);
}

void records_save(struct watched *p, const char *who, const char *what, const char *why, command_cb *answer, void *arg)
{
	submit_answered(new_save(p->e, p, who, what, why), answer, arg);
}

void records_save_for_op(struct watched *p, const char *who, const char *what, const char *why, command_cb *answer,
			 void *arg)
{
	struct save *s = new_save(p->e, p, who, what, why);
	s->op = p->op.plan.op;
	submit_answered(s, answer, arg);
}

void records_abandon(struct watched *p, const char *who, const char *why, command_cb *answer, void *arg)
{
	struct save *s = new_save(p->e, p, who, "abandon", why);
	s->abandons = p->lost_op;
	submit_answered(s, answer, arg);
}

void records_save_lift(struct engine *e, const struct hold *lift, const char *who, const char *what, const char *why,
		       command_cb *answer, void *arg)
{
	struct save *s = new_save(e, NULL, who, what, why);
	s->lift = *lift;
	e->newest_lift = s->number;
	submit_answered(s, answer, arg);
}

void records_boot(struct watched *p, const char *who, const char *what, const char *why, const char *boot_id,
		  const char *order)
{
	struct save *s = new_save(p->e, p, who, what, why);
	(void)str_copy(s->boot_id, sizeof(s->boot_id), boot_id);
	(void)str_copy(s->order, sizeof(s->order), order);
	submit_save(s);
}

void records_drop_saves(struct engine *e)
{
	while (e->saves) {
		if (e->saves->timer)
			e->ports.time->drop(e->ports.time_ctx, e->saves->timer);
		unlink_save(e, e->saves);
	}
}
