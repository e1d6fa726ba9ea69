/* A step's time is from its begin to its end by the wall clock, which goes on across a restart of the controller. What was
 * skipped, undone or never ended gives no time. */
#include "timings.h"

#include <stdlib.h>
#include <string.h>

#include "../../common/base/json.h"
#include "../../common/base/mem.h"
#include "../core/plan.h"
#include "../core/text.h"

#define KIND_MAX 24
#define SKIPPED (-1)

struct sample {
	char kind[KIND_MAX];
	char step[NAME_MAX_LEN];
	int64_t took_ms;
};

struct samples {
	struct sample *at;
	size_t n, cap;
};

struct op_times {
	uint64_t op;
	char kind[KIND_MAX], status[24];
	int64_t began_ms, ended_ms, open_ms, told_ms; /* wall clock; -1 = did not come */
	int64_t data_age_ms;                          /* -1 = not known */
	char step[PLAN_STEPS_MAX][NAME_MAX_LEN];
	int64_t step_began_ms[PLAN_STEPS_MAX];
	size_t nsteps;
};

static void read_operation(const struct record *row, struct op_times *o)
{
	const char *at = row->body;
	struct text_line line;
	*o = (struct op_times){
		.op = row->op, .began_ms = -1, .ended_ms = -1, .open_ms = -1, .told_ms = -1, .data_age_ms = -1
	};
	while (text_next(&at, &line)) {
		if (text_is(&line, "kind"))
			(void)text_copy(&line, o->kind, sizeof(o->kind));
		else if (text_is(&line, "status"))
			(void)text_copy(&line, o->status, sizeof(o->status));
		else if (text_is(&line, "began_wall_ms"))
			(void)text_i64(&line, &o->began_ms);
		else if (text_is(&line, "maps_age_ms"))
			(void)text_i64(&line, &o->data_age_ms);
		else if (text_is(&line, "step") && o->nsteps < PLAN_STEPS_MAX &&
			 text_copy(&line, o->step[o->nsteps], sizeof(o->step[0])))
			o->nsteps++;
	}
}

static void add_sample(struct samples *s, const struct op_times *o, size_t step, int64_t took_ms)
{
	if (s->n == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 64;
		s->at = mem_realloc(s->at, s->cap, sizeof(*s->at));
	}
	struct sample *sample = &s->at[s->n++];
	*sample = (struct sample){ .took_ms = took_ms };
	memcpy(sample->kind, o->kind, sizeof(sample->kind));
	memcpy(sample->step, o->step[step], sizeof(sample->step));
}

static void step_done(struct op_times *o, size_t step, int64_t wall_ms)
{
	o->ended_ms = wall_ms;
	if (strcmp(o->step[step], step_name(STEP_OPEN_PORT)) == 0)
		o->open_ms = wall_ms;
	else if (strcmp(o->step[step], step_name(STEP_VERIFY_DNS)) == 0)
		o->told_ms = wall_ms;
}

static void read_row(const struct record *row, struct op_times *o, struct samples *s)
{
	char event[16], step_text[24], wall_text[24];
	if (!text_find(row->body, "ev", event, sizeof(event)) ||
	    !text_find(row->body, "step", step_text, sizeof(step_text)) ||
	    !text_find(row->body, "wall_ms", wall_text, sizeof(wall_text)))
		return;
	size_t step = strtoul(step_text, NULL, 10);
	int64_t wall_ms = strtoll(wall_text, NULL, 10);
	if (step >= o->nsteps)
		return;
	if (strcmp(event, "begin") == 0)
		o->step_began_ms[step] = wall_ms;
	else if (strcmp(event, "skip") == 0)
		o->step_began_ms[step] = SKIPPED;
	else if (strcmp(event, "stuck") == 0)
		o->step_began_ms[step] = 0; /* what follows is a person's time */
	if (strcmp(event, "done") != 0 || o->step_began_ms[step] == SKIPPED)
		return;
	int64_t took_ms = wall_ms - o->step_began_ms[step];
	if (o->step_began_ms[step] && took_ms >= 0)
		add_sample(s, o, step, took_ms);
	step_done(o, step, wall_ms);
}

static struct op_times *find_op(struct op_times *ops, size_t n, uint64_t op)
{
	for (size_t i = 0; i < n; i++)
		if (ops[i].op == op)
			return &ops[i];
	return NULL;
}

static int by_step_and_time(const void *a, const void *b)
{
	const struct sample *x = a, *y = b;
	int order = strcmp(x->kind, y->kind);
	if (!order)
		order = strcmp(x->step, y->step);
	return order ? order : (x->took_ms > y->took_ms) - (x->took_ms < y->took_ms);
}

/* The smallest value that so much of the sorted samples do not exceed. */
static int64_t percentile_ms(const struct sample *s, size_t n, size_t percent)
{
	return s[(n * percent + 99) / 100 - 1].took_ms;
}

static void put_steps(struct json *j, struct samples *s)
{
	json_open_array(j, "steps");
	if (s->n)
		qsort(s->at, s->n, sizeof(*s->at), by_step_and_time);
	for (size_t from = 0, to; from < s->n; from = to) {
		const struct sample *first = &s->at[from];
		for (to = from;
		     to < s->n && !strcmp(s->at[to].kind, first->kind) && !strcmp(s->at[to].step, first->step);)
			to++;
		json_open_object(j, NULL);
		json_put_string(j, "kind", first->kind);
		json_put_string(j, "step", first->step);
		json_put_uint(j, "count", to - from);
		json_put_int(j, "p50_ms", percentile_ms(first, to - from, 50));
		json_put_int(j, "p90_ms", percentile_ms(first, to - from, 90));
		json_put_int(j, "max_ms", s->at[to - 1].took_ms);
		json_close_object(j);
	}
	json_close_array(j);
}

static void put_known(struct json *j, const char *key, int64_t value, bool known)
{
	if (known)
		json_put_int(j, key, value);
	else
		json_put_null(j, key);
}

static void put_operations(struct json *j, const struct op_times *ops, size_t n)
{
	json_open_array(j, "operations");
	for (size_t i = 0; i < n; i++) {
		const struct op_times *o = &ops[i];
		json_open_object(j, NULL);
		json_put_uint(j, "id", o->op);
		json_put_string(j, "kind", o->kind);
		json_put_string(j, "status", strncmp(o->status, "ended-", 6) ? o->status : o->status + 6);
		put_known(j, "began_ms", o->began_ms, o->began_ms >= 0);
		put_known(j, "took_ms", o->ended_ms - o->began_ms, o->ended_ms >= 0 && o->began_ms >= 0);
		put_known(j, "open_ms", o->open_ms - o->began_ms, o->open_ms >= 0 && o->began_ms >= 0);
		put_known(j, "told_ms", o->told_ms - o->began_ms, o->told_ms >= 0 && o->began_ms >= 0);
		put_known(j, "data_age_ms", o->data_age_ms, o->data_age_ms >= 0);
		json_close_object(j);
	}
	json_close_array(j);
}

void timings_json(const char *pair, const struct timings_wanted *wanted, const struct record *rows, size_t n,
		  struct strbuf *out)
{
	struct op_times *ops = mem_calloc(n + 1, sizeof(*ops));
	struct samples s = { 0 };
	struct json j;
	size_t nops = 0;
	for (size_t i = 0; i < n; i++) {
		struct op_times *o = rows[i].kind == RECORD_JOURNAL ? find_op(ops, nops, rows[i].op) : NULL;
		if (rows[i].kind == RECORD_OPERATION)
			read_operation(&rows[i], &ops[nops++]);
		else if (o)
			read_row(&rows[i], o, &s);
	}
	json_init(&j, out);
	json_open_object(&j, NULL);
	json_put_string(&j, "pair", pair);
	json_open_object(&j, "wanted");
	put_known(&j, "time_ms", wanted->time_ms, wanted->time_ms > 0);
	put_known(&j, "data_age_ms", wanted->data_age_ms, wanted->data_age_ms > 0);
	json_close_object(&j);
	put_steps(&j, &s);
	put_operations(&j, ops, nops);
	json_close_object(&j);
	free(s.at);
	free(ops);
}
