/* Every step is idempotent, may be interrupted by a crash at any instant and is entered again from its check
 * until it is true or its limit is over. A step's begin is durable before its first verb; its end and the next
 * one's begin are one commit. "turn-back" is the durable intent of every undo that follows it. */
#include "run.h"

#include <stdio.h>
#include <string.h>

#include "../step/step.h"
#include "journal.h"
#include "skip.h"

enum after { AFTER_ENTER, AFTER_SAME, AFTER_UNDO, AFTER_DONE, AFTER_UNDONE, AFTER_STUCK };

#define BACKOFF_FIRST_MS 500
#define BACKOFF_LAST_MS 5000
#define UNDO_LIMIT_FACTOR 2
#define AGAIN "trying again: "

void run_init(struct run *r, const struct plan *plan)
{
	memset(r, 0, sizeof(*r));
	r->plan = plan;
	r->facts.queue = r->facts.primary_queue = -1;
	memcpy(r->facts.owed, plan->owed, sizeof(r->facts.owed));
	r->past_no_return = plan->again;
}

void run_out_fini(struct run_out *out)
{
	for (size_t i = 0; i < RUN_RECORDS_MAX; i++)
		strbuf_fini(&out->body[i]);
}

static void put_row(struct run *r, struct run_out *out, const struct journal_row *row)
{
	BUG_ON(out->nrec == RUN_RECORDS_MAX);
	struct strbuf *body = &out->body[out->nrec];
	struct record *rec = &out->rec[out->nrec++];
	journal_format(row, body);
	*rec = (struct record){ .kind = RECORD_JOURNAL,
				.pair = r->plan->pair,
				.op = r->plan->op,
				.seq = r->seq++,
				.body = strbuf_str(body) };
}

static void put_simple(struct run *r, struct run_out *out, enum journal_event event, struct instant now)
{
	struct journal_row row = { .event = event, .step = r->at, .facts = r->facts, .err = r->err, .when = now };
	memcpy(row.note, r->state[r->at].note, sizeof(row.note));
	put_row(r, out, &row);
}

static void commit(struct run *r, struct run_out *out, enum after after)
{
	out->act = RUN_COMMIT;
	out->epoch = r->plan->epoch;
	r->after_commit = (int)after;
	r->in_flight = true;
}

static void set_deadline(struct run *r, struct instant now)
{
	int64_t limit_ms = plan_step_limit_ms(r->plan, r->plan->step[r->at]);
	if (r->mode == RUNNING_BACK)
		limit_ms = r->plan->site.boot_ms * UNDO_LIMIT_FACTOR;
	r->deadline_ms = now.boot_ms + limit_ms;
	memset(&r->mem, 0, sizeof(r->mem));
	r->attempt = 1;
}

static void begin_step(struct run *r, struct run_out *out, struct instant now)
{
	r->state[r->at].begun = true;
	r->state[r->at].began_ms = now.boot_ms;
	if (step_no_return(r->plan->kind, r->plan->step[r->at]))
		r->past_no_return = true;
	put_simple(r, out, JOURNAL_BEGIN, now);
	commit(r, out, AFTER_ENTER);
}

static void finish_step(struct run *r, struct run_out *out, struct instant now)
{
	r->state[r->at].done = true;
	r->state[r->at].ended_ms = now.boot_ms;
	put_simple(r, out, JOURNAL_DONE, now);
	if (r->at + 1 == r->plan->nsteps) {
		commit(r, out, AFTER_DONE);
		return;
	}
	r->at++;
	begin_step(r, out, now);
}

static void turn_back(struct run *r, struct run_out *out, struct instant now)
{
	r->mode = RUNNING_BACK;
	r->cause = r->err;
	put_simple(r, out, JOURNAL_TURN_BACK, now);
	commit(r, out, AFTER_UNDO);
}

static void get_stuck(struct run *r, struct run_out *out, struct instant now)
{
	r->stuck = true;
	put_simple(r, out, JOURNAL_STUCK, now);
	commit(r, out, AFTER_STUCK);
}

static void finish_undo(struct run *r, struct run_out *out, struct instant now)
{
	r->state[r->at].undone = true;
	if (r->at == 0)
		r->err = r->cause;
	put_simple(r, out, JOURNAL_UNDONE, now);
	if (r->at == 0) {
		commit(r, out, AFTER_UNDONE);
		return;
	}
	r->at--;
	commit(r, out, AFTER_UNDO);
}

static bool may_retry(const struct err *e)
{
	enum err_class cls = err_code_class(e->code);
	return cls == ERR_CLASS_TEMP || cls == ERR_CLASS_LOCAL;
}

static void sleep_until(struct run *r, struct run_out *out, int64_t wake_ms, struct instant now)
{
	out->act = RUN_SLEEP;
	out->wake_ms = wake_ms;
	r->wait_from_ms = now.boot_ms;
}

/* The last try may only have run out of time: what the one before it found is what a person must hear. */
static void recall_reason(struct run *r)
{
	const char *note = r->state[r->at].note;
	const char *before = note + strlen(AGAIN);
	if (r->err.code != ERR_TIMEOUT || strncmp(note, AGAIN, strlen(AGAIN)) != 0 ||
	    strncmp(r->err.text, before, strlen(before)) == 0)
		return;
	char last[120];
	snprintf(last, sizeof(last), "%.110s", r->err.text);
	err_set(&r->err, ERR_TIMEOUT, "%s; the try before: %.140s", last, before);
}

static void fail_step(struct run *r, const struct err *e, struct run_out *out, struct instant now)
{
	int64_t backoff_ms = BACKOFF_FIRST_MS << (r->attempt < 5 ? r->attempt - 1 : 4);
	if (backoff_ms > BACKOFF_LAST_MS)
		backoff_ms = BACKOFF_LAST_MS;
	bool wanted = !r->cancelled || r->mode == RUNNING_BACK; /* a cancelled operation's undo is wanted */
	if (may_retry(e) && now.boot_ms + backoff_ms < r->deadline_ms && wanted) {
		r->attempt++;
		memset(&r->mem, 0, sizeof(r->mem));
		snprintf(r->state[r->at].note, sizeof(r->state[r->at].note), AGAIN "%.140s", e->text);
		sleep_until(r, out, now.boot_ms + backoff_ms, now);
		return;
	}
	if (!r->cancelled || r->mode == RUNNING_BACK) {
		r->err = *e;
		recall_reason(r);
		err_wrap(&r->err, "%s%s", r->mode == RUNNING_BACK ? "undo of " : "", step_name(r->plan->step[r->at]));
	}
	if (r->mode == RUNNING_FORWARD && !r->past_no_return)
		turn_back(r, out, now);
	else
		get_stuck(r, out, now);
}

static void fail_late(struct run *r, struct run_out *out, struct instant now)
{
	struct err late;
	err_set(&late, ERR_TIMEOUT, "not true within its limit%s%s", r->mem.text[0] ? ": " : "", r->mem.text);
	fail_step(r, &late, out, now);
}

static void emit_verb(struct run *r, const struct step_out *so, struct run_out *out, struct instant now)
{
	int64_t limit_ms = so->limit_ms ? so->limit_ms : r->plan->site.command_ms;
	out->act = RUN_VERB;
	out->verb = so->verb;
	out->verb.op = r->plan->op;
	out->verb.step = (uint16_t)r->at;
	out->verb.attempt = r->attempt;
	out->verb.guard = (struct guard){ r->plan->pair, r->plan->epoch };
	out->verb.deadline_ms = now.boot_ms + limit_ms < r->deadline_ms ? now.boot_ms + limit_ms : r->deadline_ms;
	r->wait_from_ms = now.boot_ms;
	r->in_flight = true;
}

/* A step's own record, when it has one, and what the step has learned so far. */
static void emit_commit(struct run *r, struct step_out *so, struct run_out *out, struct instant now)
{
	if (so->body->len) {
		so->rec.pair = r->plan->pair;
		so->rec.op = r->plan->op;
		so->rec.body = strbuf_str(so->body);
		out->rec[out->nrec++] = so->rec;
	}
	put_simple(r, out, JOURNAL_NOTE, now);
	commit(r, out, AFTER_SAME);
}

/* Asks the step in hand what comes next. */
static void ask_step(struct run *r, const struct outcome *last, struct instant now, struct run_out *out)
{
	const struct step *step = step_find(r->plan->step[r->at]);
	struct step_ctx ctx = { r->plan, &r->facts, &r->mem, now, r->mode == RUNNING_BACK };
	struct step_out so = { .body = &out->body[0] };
	step_fn *fn = r->mode == RUNNING_BACK ? step->undo : step->next;
	enum step_say say = STEP_DONE;
	if (fn && (r->mode == RUNNING_FORWARD || r->state[r->at].begun))
		say = fn(&ctx, last, &so);
	switch (say) {
	case STEP_VERB:
		if (now.boot_ms >= r->deadline_ms)
			fail_late(r, out, now);
		else
			emit_verb(r, &so, out, now);
		return;
	case STEP_WAIT:
		if (now.boot_ms + so.wait_ms >= r->deadline_ms) {
			fail_late(r, out, now);
			return;
		}
		sleep_until(r, out, now.boot_ms + so.wait_ms, now);
		return;
	case STEP_COMMIT: emit_commit(r, &so, out, now); return;
	case STEP_DONE:
		memcpy(r->state[r->at].note, so.note, sizeof(so.note));
		if (r->mode == RUNNING_BACK)
			finish_undo(r, out, now);
		else
			finish_step(r, out, now);
		return;
	case STEP_FAIL: fail_step(r, &so.err, out, now); return;
	}
}

static void go_on(struct run *r, const struct outcome *last, struct instant now, struct run_out *out)
{
	if (r->cancelled && r->mode == RUNNING_FORWARD && !r->past_no_return)
		turn_back(r, out, now);
	else
		ask_step(r, last, now, out);
}

static void end(struct run *r, enum run_end how, struct run_out *out)
{
	if (how != RUN_STUCK)
		r->mode = RUNNING_OVER;
	out->act = RUN_END;
	out->end = how;
}

static void after_commit(struct run *r, struct instant now, struct run_out *out)
{
	switch ((enum after)r->after_commit) {
	case AFTER_ENTER:
	case AFTER_UNDO:
		set_deadline(r, now);
		go_on(r, NULL, now, out);
		return;
	case AFTER_SAME: go_on(r, NULL, now, out); return;
	case AFTER_DONE: end(r, RUN_DONE, out); return;
	case AFTER_UNDONE: end(r, RUN_UNDONE, out); return;
	case AFTER_STUCK:
		r->wait_from_ms = now.boot_ms; /* for a person: not our own time */
		end(r, RUN_STUCK, out);
		return;
	}
}

static void count_wait(struct run *r, struct instant now)
{
	r->state[r->at].waited_ms += now.boot_ms - r->wait_from_ms;
}

static void resume(struct run *r, struct instant now, struct run_out *out)
{
	if (r->mode == RUNNING_OVER) {
		end(r, r->state[r->plan->nsteps - 1].done ? RUN_DONE : RUN_UNDONE, out);
		return;
	}
	if (!r->state[r->at].begun && r->mode == RUNNING_FORWARD) {
		begin_step(r, out, now);
		return;
	}
	if (r->stuck) {
		r->stuck = false;
		r->err = r->cause;            /* none, on the way forward */
		if (r->state[r->at].began_ms) /* in this life of the controller */
			count_wait(r, now);
		put_simple(r, out, JOURNAL_RESUME, now);
		commit(r, out, AFTER_ENTER);
		return;
	}
	r->state[r->at].began_ms = now.boot_ms;
	set_deadline(r, now);
	go_on(r, NULL, now, out);
}

/* A person's word stands in for the stuck step; the commit that says so begins the next one. */
static void skip(struct run *r, const char *note, struct instant now, struct run_out *out)
{
	struct run_step_state *s = &r->state[r->at];
	bool back = r->mode == RUNNING_BACK;
	struct step_ctx ctx = { .facts = &r->facts };
	if (!r->stuck || r->mode == RUNNING_OVER)
		return;
	BUG_ON(r->in_flight); /* that it is stuck must be durable before a person's word stands in */
	r->stuck = false;
	r->err = r->cause;
	s->skipped = true;
	snprintf(s->note, sizeof(s->note), "%s", note);
	if (s->began_ms) /* in this life of the controller */
		count_wait(r, now);
	if (step_skip_gives_back(r->plan->step[r->at], back))
		r->facts.owed[0] = r->facts.held[0] = '\0';
	r->facts.left_on |= step_skip_leaves_on(r->plan->step[r->at], back);
	step_degrade(&ctx, "%s%s was skipped by a person", back ? "the undo of " : "", step_name(r->plan->step[r->at]));
	put_simple(r, out, JOURNAL_SKIP, now);
	if (back)
		finish_undo(r, out, now);
	else
		finish_step(r, out, now);
}

static void cancel(struct run *r, const char *reason, struct instant now, struct run_out *out)
{
	if (r->past_no_return || r->mode != RUNNING_FORWARD)
		return;
	r->cancelled = true;
	err_set(&r->err, ERR_CANCELLED, "%s", reason);
	if (!r->in_flight)
		turn_back(r, out, now);
}

void run_step(struct run *r, const struct run_in *in, struct instant now, struct run_out *out)
{
	memset(out, 0, sizeof(*out));
	switch (in->ev) {
	case RUN_BEGIN: begin_step(r, out, now); return;
	case RUN_COMMITTED:
		r->in_flight = false;
		if (in->rc == STORE_FENCED) {
			err_set(&r->err, ERR_STALE, "a higher epoch than %llu is stored: this operation is over",
				(unsigned long long)r->plan->epoch);
			end(r, RUN_FENCED, out);
			return;
		}
		after_commit(r, now, out);
		return;
	case RUN_OUTCOME:
		r->in_flight = false;
		count_wait(r, now);
		go_on(r, in->outcome, now, out);
		return;
	case RUN_WOKE:
		count_wait(r, now);
		go_on(r, NULL, now, out);
		return;
	case RUN_CANCEL: cancel(r, in->reason, now, out); return;
	case RUN_RESUME: resume(r, now, out); return;
	case RUN_SKIP: skip(r, in->reason, now, out); return;
	}
}

static void replay_row(struct run *r, const struct journal_row *row)
{
	r->at = row->step;
	r->facts = row->facts;
	r->boot = row->when;
	struct run_step_state *s = &r->state[row->step];
	memcpy(s->note, row->note, sizeof(s->note));
	switch (row->event) {
	case JOURNAL_BEGIN:
		s->begun = true;
		r->past_no_return |= step_no_return(r->plan->kind, r->plan->step[row->step]);
		break;
	case JOURNAL_DONE:
		s->done = true;
		if (row->step + 1 == r->plan->nsteps)
			r->mode = RUNNING_OVER;
		break;
	case JOURNAL_TURN_BACK:
		r->mode = RUNNING_BACK;
		r->err = r->cause = row->err;
		r->cancelled = row->err.code == ERR_CANCELLED;
		break;
	case JOURNAL_UNDONE:
		s->undone = true;
		if (row->step == 0) {
			r->mode = RUNNING_OVER;
			r->err = r->cause;
		} else {
			r->at = row->step - 1;
		}
		break;
	case JOURNAL_STUCK:
		r->stuck = true;
		r->err = row->err;
		break;
	case JOURNAL_SKIP:
		s->skipped = true;
		r->stuck = false;
		r->err = r->cause;
		break;
	case JOURNAL_RESUME:
		r->stuck = false;
		r->err = r->cause;
		break;
	case JOURNAL_NOTE: break;
	}
}

enum err_code run_replay(struct run *r, const struct plan *plan, const struct record *rows, size_t n, struct err *e)
{
	run_init(r, plan);
	for (size_t i = 0; i < n; i++) {
		struct journal_row row;
		if (rows[i].kind != RECORD_JOURNAL || rows[i].op != plan->op)
			continue;
		enum err_code rc = journal_parse(rows[i].body, plan->nsteps, &row, e);
		if (rc)
			return rc;
		replay_row(r, &row);
		r->seq = rows[i].seq + 1;
	}
	return ERR_OK;
}

const char *run_end_name(enum run_end end)
{
	switch (end) {
	case RUN_DONE: return "done";
	case RUN_UNDONE: return "undone";
	case RUN_STUCK: return "stuck";
	case RUN_FENCED: return "fenced";
	}
	return "?";
}
