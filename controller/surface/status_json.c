/* Each fact with its time and source; a fact that nobody reported is null, never the last value. */
#include "status_json.h"

#include <string.h>

#include "../../common/base/json.h"
#include "../core/text.h"

static void put_time(struct json *j, const char *key, const struct pair_view *v, int64_t age_ms)
{
	if (age_ms < 0)
		json_put_null(j, key);
	else
		json_put_int(j, key, v->built_wall_ms - age_ms);
}

static void put_text_or_null(struct json *j, const char *key, const char *text)
{
	if (text[0])
		json_put_string(j, key, text);
	else
		json_put_null(j, key);
}

static void put_count_or_null(struct json *j, const char *key, int64_t count)
{
	if (count < 0)
		json_put_null(j, key);
	else
		json_put_int(j, key, count);
}

static void put_head(struct json *j, const struct pair_view *v)
{
	json_put_string(j, "name", v->name);
	put_text_or_null(j, "primary_site", v->primary_site);
	json_put_string(j, "state", pair_state_name(v->state));
	json_put_string(j, "mode", pair_mode_name(v->mode));
	json_put_string(j, "verdict", health_verdict_name(v->verdict));
	json_put_int(j, "verdict_since_ms", v->verdict_since_wall_ms);
	json_put_string(j, "rule", v->rule);
	json_put_string(j, "why", v->why);
	json_put_int(j, "built_ms", v->built_wall_ms);
}

void status_json_hold(struct json *j, const char *key, const struct hold *hold)
{
	if (!hold) {
		json_put_null(j, key);
		return;
	}
	json_open_object(j, key);
	json_put_string(j, "owner", hold->owner);
	json_put_string(j, "reason", hold->reason);
	json_put_int(j, "since_ms", hold->since_wall_ms);
	json_put_int(j, "expires_ms", hold->expires_wall_ms);
	json_close_object(j);
}

/* What a silent agent said last is told of its queue alone: acknowledged mail that nobody can count now. */
static void put_silent_agent(struct json *j, const struct agent_report *a)
{
	static const char *const unknown[] = { "serving",      "has_right", "epoch",      "queue",
					       "disk_free_mb", "boot_id",   "boot_order", "trouble" };
	for (size_t i = 0; i < ARRAY_LEN(unknown); i++)
		json_put_null(j, unknown[i]);
	put_count_or_null(j, "last_queue", a->queue);
}

static void put_agent(struct json *j, const struct pair_view *v, enum host_role role)
{
	const struct agent_report *a = &v->agent[role];
	if (v->agent_age_ms[role] < 0) {
		json_put_null(j, host_role_name(role));
		return;
	}
	json_open_object(j, host_role_name(role));
	put_time(j, "at_ms", v, v->agent_age_ms[role]);
	json_put_bool(j, "known", v->agent_known[role]);
	if (v->agent_known[role]) {
		json_put_bool(j, "serving", a->serving);
		json_put_bool(j, "has_right", a->has_right);
		json_put_uint(j, "epoch", a->epoch);
		put_count_or_null(j, "queue", a->queue);
		put_count_or_null(j, "disk_free_mb", a->disk_free_mb);
		json_put_string(j, "boot_id", a->boot_id);
		put_text_or_null(j, "boot_order", a->boot_order);
		put_text_or_null(j, "trouble", a->trouble);
		put_count_or_null(j, "last_queue", a->queue);
	} else {
		put_silent_agent(j, a);
	}
	json_close_object(j);
}

static void put_error(struct json *j, const struct err *err)
{
	if (err->code == ERR_OK) {
		json_put_null(j, "error");
		return;
	}
	json_open_object(j, "error");
	json_put_string(j, "code", err_code_name(err->code));
	json_put_string(j, "class", err_class_name(err_code_class(err->code)));
	json_put_string(j, "text", err->text);
	json_close_object(j);
}

static void put_steps(struct json *j, const struct view_op *o)
{
	json_open_array(j, "steps");
	for (size_t i = 0; i < o->nsteps; i++) {
		const struct view_step *s = &o->step[i];
		json_open_object(j, NULL);
		json_put_string(j, "name", s->name);
		json_put_string(j, "state", s->state);
		put_count_or_null(j, "took_ms", s->took_ms);
		put_count_or_null(j, "own_ms", s->took_ms < 0 ? -1 : s->own_ms);
		json_put_string(j, "note", s->note);
		json_close_object(j);
	}
	json_close_array(j);
}

static void put_operation(struct json *j, const char *key, const struct pair_view *v)
{
	const struct view_op *o = &v->op;
	if (!v->has_op) {
		json_put_null(j, key);
		return;
	}
	json_open_object(j, key);
	json_put_uint(j, "id", o->op);
	json_put_string(j, "pair", v->name);
	json_put_string(j, "kind", o->kind);
	json_put_string(j, "status", o->status);
	json_put_bool(j, "past_no_return", o->past_no_return);
	put_text_or_null(j, "no_return", o->no_return ? o->no_return : "");
	json_put_string(j, "actor", o->actor);
	json_put_string(j, "reason", o->reason);
	json_put_int(j, "began_ms", o->began_wall_ms);
	json_put_int(j, "took_ms", o->took_ms);
	json_put_int(j, "built_ms", v->built_wall_ms);
	put_steps(j, o);
	if (o->held[0]) {
		json_open_object(j, "fence");
		json_put_string(j, "level", o->held);
		json_put_bool(j, "proves_off", o->proven_off);
		json_close_object(j);
	} else {
		json_put_null(j, "fence");
	}
	put_error(j, &o->err);
	json_close_object(j);
}

static void put_stranded(struct json *j, const struct pair_view *v, const char *stranded_dir)
{
	struct strbuf dir = STRBUF_INIT;
	strbuf_addf(&dir, "%s/%s", stranded_dir, v->name);
	json_put_uint(j, "stranded", v->stranded);
	json_put_string(j, "stranded_dir", strbuf_str(&dir));
	strbuf_fini(&dir);
}

static void put_drill(struct json *j, const struct drill_result *d)
{
	if (!d->wall_ms) {
		json_put_null(j, "drill");
		return;
	}
	json_open_object(j, "drill");
	json_put_int(j, "at_ms", d->wall_ms);
	put_count_or_null(j, "ready_ms", d->ready_ms);
	json_put_bool(j, "red", d->red);
	json_put_string(j, "says", d->says);
	json_close_object(j);
}

static void put_standby_mail(struct json *j, const struct pair_view *v)
{
	json_open_object(j, "standby_queue");
	put_count_or_null(j, "messages", v->queue_waiting);
	put_count_or_null(j, "last_messages", v->agent_age_ms[HOST_STANDBY] < 0 ? -1 : v->agent[HOST_STANDBY].queue);
	put_time(j, "at_ms", v, v->agent_age_ms[HOST_STANDBY]);
	json_put_string(j, "source", "standby's agent");
	json_close_object(j);
}

void status_json_pair(const struct pair_view *v, const char *stranded_dir, struct strbuf *out)
{
	struct json j;
	json_init(&j, out);
	json_open_object(&j, NULL);
	put_head(&j, v);
	json_put_uint(&j, "epoch", v->epoch);
	json_put_string(&j, "own", v->own);
	json_put_string(&j, "accept", v->accept);
	status_json_hold(&j, "hold", v->held ? &v->hold : NULL);
	json_put_bool(&j, "latched", v->latched);
	json_put_int(&j, "cooldown_left_ms", v->cooldown_left_ms);
	json_put_bool(&j, "seen_up", v->seen_up);
	json_open_array(&j, "families_down");
	for (int f = 0; f < FAMILIES; f++)
		if (v->family_degraded[f])
			json_put_string(&j, NULL, health_family_name((enum health_family)f));
	json_close_array(&j);
	put_text_or_null(&j, "trouble", v->trouble);
	json_open_object(&j, "agents");
	put_agent(&j, v, HOST_PRIMARY);
	put_agent(&j, v, HOST_STANDBY);
	json_close_object(&j);
	put_time(&j, "maps_at_ms", v, v->maps_age_ms);
	put_text_or_null(&j, "fenced_by", v->owed);
	put_text_or_null(&j, "unordered_boot", v->unordered_boot);
	put_standby_mail(&j, v);
	put_drill(&j, &v->drill);
	put_stranded(&j, v, stranded_dir);
	put_operation(&j, "operation", v);
	json_close_object(&j);
}

static const char *step_in_hand(const struct view_op *o)
{
	for (size_t i = 0; i < o->nsteps; i++)
		if (strcmp(o->step[i].state, "running") == 0 || strcmp(o->step[i].state, "failed") == 0 ||
		    strcmp(o->step[i].state, "undoing") == 0)
			return o->step[i].name;
	return "";
}

void status_json_brief(const struct pair_view *v, const char *stranded_dir, struct strbuf *out)
{
	struct json j;
	json_init(&j, out);
	json_open_object(&j, NULL);
	put_head(&j, v);
	json_put_bool(&j, "held", v->held);
	json_put_bool(&j, "latched", v->latched);
	put_text_or_null(&j, "trouble", v->trouble);
	put_text_or_null(&j, "unordered_boot", v->unordered_boot);
	put_stranded(&j, v, stranded_dir);
	if (v->has_op) {
		json_open_object(&j, "operation");
		json_put_uint(&j, "id", v->op.op);
		json_put_string(&j, "kind", v->op.kind);
		json_put_string(&j, "status", v->op.status);
		put_text_or_null(&j, "step", step_in_hand(&v->op));
		json_close_object(&j);
	} else {
		json_put_null(&j, "operation");
	}
	json_close_object(&j);
}

void status_json_explain(const struct pair_view *v, struct strbuf *out)
{
	struct json j;
	json_init(&j, out);
	json_open_object(&j, NULL);
	put_head(&j, v);
	put_text_or_null(&j, "trouble", v->trouble);
	json_open_array(&j, "conditions");
	for (size_t i = 0; i < v->nconditions; i++) {
		const struct condition *c = &v->condition[i];
		json_open_object(&j, NULL);
		json_put_string(&j, "name", c->name);
		json_put_string(&j, "value", c->value);
		json_put_string(&j, "limit", c->limit);
		json_put_bool(&j, "met", c->met);
		put_time(&j, "at_ms", v, c->age_ms);
		json_put_string(&j, "source", c->source);
		json_close_object(&j);
	}
	json_close_array(&j);
	json_close_object(&j);
}

void status_json_operation(const struct pair_view *v, struct strbuf *out)
{
	struct json j;
	json_init(&j, out);
	put_operation(&j, NULL, v);
}

static void put_row(struct json *j, const struct record *row)
{
	const char *at = row->body;
	struct text_line line;
	json_open_object(j, NULL);
	json_put_uint(j, "seq", row->seq);
	while (text_next(&at, &line)) {
		int64_t number;
		bool counts = strstr(line.key, "_ms") || strcmp(line.key, "epoch") == 0;
		if (counts && text_i64(&line, &number))
			json_put_int(j, line.key, number);
		else
			json_put_string_len(j, line.key, line.value, line.value_len);
	}
	json_close_object(j);
}

void status_json_history(const char *pair, const struct record *rows, size_t n, struct strbuf *out)
{
	struct json j;
	json_init(&j, out);
	json_open_object(&j, NULL);
	put_text_or_null(&j, "pair", pair);
	json_open_array(&j, "rows");
	for (size_t i = 0; i < n; i++)
		put_row(&j, &rows[i]);
	json_close_array(&j);
	json_close_object(&j);
}
