/* GET: everything comes out of the views, and nothing changes. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/base/clock.h"
#include "../../common/base/json.h"
#include "http_int.h"
#include "metrics.h"
#include "status_json.h"

#define LOOP_SILENT_MS 5000

static void put_controller(struct json *j, struct views *vs)
{
	int64_t age_ms = views_beat_age_ms(vs, clock_boot_ms());
	json_open_object(j, "controller");
	json_put_bool(j, "ready", views_ready(vs));
	json_put_bool(j, "alive", age_ms >= 0 && age_ms < LOOP_SILENT_MS);
	if (age_ms < 0)
		json_put_null(j, "loop_age_ms");
	else
		json_put_int(j, "loop_age_ms", age_ms);
	json_put_int(j, "started_ms", views_started_wall_ms(vs));
	json_put_int(j, "now_ms", clock_wall_ms());
	json_close_object(j);
}

static void put_brake(struct json *j, struct views *vs)
{
	struct brake b;
	struct instant now = { clock_boot_ms(), clock_wall_ms() };
	views_brake(vs, &b);
	json_open_object(j, "brake");
	json_put_int(j, "promotions_today", b.used);
	json_put_int(j, "per_day", b.opts.per_day);
	json_put_int(j, "failing", b.failing);
	json_put_int(j, "primaries", b.total);
	json_put_int(j, "mass_count", b.opts.mass_count);
	json_put_int(j, "mass_percent", b.opts.mass_percent);
	status_json_hold(j, "lift", hold_active(&b.lift, now) ? &b.lift : NULL);
	json_close_object(j);
}

enum MHD_Result http_read_healthz(struct MHD_Connection *conn, struct views *vs)
{
	int64_t age_ms = views_beat_age_ms(vs, clock_boot_ms());
	struct strbuf text = STRBUF_INIT;
	struct json j;
	bool alive = age_ms >= 0 && age_ms < LOOP_SILENT_MS;
	if (!alive)
		return answer_error(conn, MHD_HTTP_SERVICE_UNAVAILABLE, ERR_LOCAL,
				    "the loop has not turned for %lld ms (limit %d ms)", (long long)age_ms,
				    LOOP_SILENT_MS);
	json_init(&j, &text);
	json_open_object(&j, NULL);
	json_put_string(&j, "status", "ok");
	json_put_bool(&j, "ready", views_ready(vs));
	json_put_int(&j, "loop_age_ms", age_ms);
	json_close_object(&j);
	return answer_json(conn, MHD_HTTP_OK, &text, "");
}

enum MHD_Result http_read_status(struct MHD_Connection *conn, struct views *vs)
{
	struct strbuf text = STRBUF_INIT;
	struct json j;
	json_init(&j, &text);
	json_open_object(&j, NULL);
	put_controller(&j, vs);
	put_brake(&j, vs);
	json_open_array(&j, "pairs");
	for (uint32_t id = 1; id <= views_count(vs); id++) {
		struct view *v = views_get(vs, id);
		if (v)
			json_put_raw(&j, NULL, v->brief.text, v->brief.len);
		view_put(v);
	}
	json_close_array(&j);
	json_close_object(&j);
	return answer_json(conn, MHD_HTTP_OK, &text, "");
}

enum MHD_Result http_read_operations(struct MHD_Connection *conn, struct views *vs)
{
	struct strbuf text = STRBUF_INIT;
	struct json j;
	json_init(&j, &text);
	json_open_object(&j, NULL);
	json_open_array(&j, "operations");
	for (uint32_t id = 1; id <= views_count(vs); id++) {
		struct view *v = views_get(vs, id);
		if (v && v->op)
			json_put_raw(&j, NULL, v->operation.text, v->operation.len);
		view_put(v);
	}
	json_close_array(&j);
	json_close_object(&j);
	return answer_json(conn, MHD_HTTP_OK, &text, "");
}

/* The start is part of the tag: after a restart the versions count from one again. */
static enum MHD_Result answer_view(struct MHD_Connection *conn, struct views *vs, const struct view *v,
				   const struct view_text *part)
{
	char etag[64];
	struct strbuf text = STRBUF_INIT;
	snprintf(etag, sizeof(etag), "\"%" PRIx64 "-%" PRIx64 "\"", (uint64_t)views_started_wall_ms(vs), v->version);
	strbuf_add(&text, part->text, part->len);
	return answer_json(conn, MHD_HTTP_OK, &text, etag);
}

enum MHD_Result http_read_operation(struct MHD_Connection *conn, struct views *vs, const char *id)
{
	char *end;
	errno = 0;
	unsigned long long op = strtoull(id, &end, 10);
	struct view *v = errno || *end || id[0] < '0' || id[0] > '9' ? NULL : views_find_operation(vs, op);
	if (!v)
		return answer_error(conn, MHD_HTTP_NOT_FOUND, ERR_NOT_FOUND,
				    "operation %.24s is not the last one of any pair: coldmx "
				    "history PAIR has the others",
				    id);
	enum MHD_Result rc = answer_view(conn, vs, v, &v->operation);
	view_put(v);
	return rc;
}

enum MHD_Result http_read_pair(struct MHD_Connection *conn, struct views *vs, const char *name, bool explain)
{
	struct view *v = views_find(vs, name);
	if (!v)
		return answer_error(conn, MHD_HTTP_NOT_FOUND, ERR_NOT_FOUND,
				    "no pair is named \"%.60s\": coldmx status lists them", name);
	enum MHD_Result rc = answer_view(conn, vs, v, explain ? &v->explain : &v->full);
	view_put(v);
	return rc;
}

enum MHD_Result http_read_metrics(struct MHD_Connection *conn, struct views *vs)
{
	struct strbuf text = STRBUF_INIT;
	metrics_write(vs, clock_boot_ms(), &text);
	enum MHD_Result rc =
		answer_text(conn, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", strbuf_str(&text), text.len);
	strbuf_fini(&text);
	return rc;
}
