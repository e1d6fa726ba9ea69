/* One table of metrics, each written for all pairs together, as the format asks. */
#include "metrics.h"

#include <stdlib.h>

#include "../../common/base/mem.h"

struct metric {
	const char *name, *type, *help;
	bool (*value)(const struct view *v, double *out);
};

static bool known(int64_t number, double *out)
{
	*out = (double)number;
	return number >= 0;
}

static bool held(const struct view *v, double *out)
{
	return known(v->held, out);
}

static bool latched(const struct view *v, double *out)
{
	return known(v->latched, out);
}

static bool seen_up(const struct view *v, double *out)
{
	return known(v->seen_up, out);
}

static bool unordered(const struct view *v, double *out)
{
	return known(v->unordered_boot, out);
}

static bool running(const struct view *v, double *out)
{
	return known(v->op_open, out);
}

static bool stuck(const struct view *v, double *out)
{
	return known(v->op_stuck, out);
}

static bool epoch(const struct view *v, double *out)
{
	*out = (double)v->epoch;
	return true;
}

static bool queue(const struct view *v, double *out)
{
	return known(v->queue_waiting, out);
}

static bool stranded(const struct view *v, double *out)
{
	return known(v->stranded, out);
}

static bool seconds(int64_t wall_ms, double *out)
{
	*out = (double)wall_ms / 1000.0;
	return wall_ms >= 0;
}

static bool primary_agent(const struct view *v, double *out)
{
	return seconds(v->agent_wall_ms[HOST_PRIMARY], out);
}

static bool standby_agent(const struct view *v, double *out)
{
	return seconds(v->agent_wall_ms[HOST_STANDBY], out);
}

static bool maps(const struct view *v, double *out)
{
	return seconds(v->maps_wall_ms, out);
}

static bool built(const struct view *v, double *out)
{
	return seconds(v->built_wall_ms, out);
}

static const struct metric metrics[] = {
	{ "coldmx_pair_held", "gauge", "An operator's hold stops automatic action.", held },
	{ "coldmx_pair_latched", "gauge", "An automatic promotion waits for coldmx ack or its cool-down.", latched },
	{ "coldmx_pair_seen_up", "gauge", "The primary was seen up since its configuration changed.", seen_up },
	{ "coldmx_pair_unordered_boot", "gauge", "The standby booted without an order: an attack signal.", unordered },
	{ "coldmx_pair_operation_open", "gauge", "An operation runs or is stuck.", running },
	{ "coldmx_pair_operation_stuck", "gauge", "An operation is stuck and needs a person.", stuck },
	{ "coldmx_pair_epoch", "gauge", "Epoch of the rights in force.", epoch },
	{ "coldmx_standby_queue_messages", "gauge",
	  "Messages that wait at the standby; absent when its agent is silent.", queue },
	{ "coldmx_stranded_messages", "gauge", "Messages on the stranded list.", stranded },
	{ "coldmx_primary_agent_report_timestamp_seconds", "gauge", "Last report of the primary's agent.",
	  primary_agent },
	{ "coldmx_standby_agent_report_timestamp_seconds", "gauge", "Last report of the standby's agent.",
	  standby_agent },
	{ "coldmx_maps_timestamp_seconds", "gauge", "Age of the kept recipient maps, as the time of their push.",
	  maps },
	{ "coldmx_view_timestamp_seconds", "gauge", "When the pair's view was built.", built },
};

/* Pair names have no character that the format would want escaped (config: letters, digits, ".",
 * "_", "-"). */
static void write_metric(const struct metric *m, struct view **v, size_t n, struct strbuf *out)
{
	strbuf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", m->name, m->help, m->name, m->type);
	for (size_t i = 0; i < n; i++) {
		double value;
		if (v[i] && m->value(v[i], &value))
			strbuf_addf(out, "%s{pair=\"%s\"} %.15g\n", m->name, v[i]->name, value);
	}
}

static void write_states(struct view **v, size_t n, struct strbuf *out)
{
	strbuf_adds(out, "# HELP coldmx_pair_state The pair's state; 1 for the one it is in.\n"
			 "# TYPE coldmx_pair_state gauge\n");
	for (size_t i = 0; i < n; i++)
		for (int s = 0; v[i] && s < PAIR_STATES; s++)
			strbuf_addf(out, "coldmx_pair_state{pair=\"%s\",state=\"%s\"} %d\n", v[i]->name,
				    pair_state_name((enum pair_state)s), v[i]->state == (enum pair_state)s);
	strbuf_adds(out, "# HELP coldmx_primary_verdict What the evidence says of the primary.\n"
			 "# TYPE coldmx_primary_verdict gauge\n");
	for (size_t i = 0; i < n; i++)
		for (int s = HEALTH_UNKNOWN; v[i] && s <= HEALTH_WOUNDED; s++)
			strbuf_addf(out, "coldmx_primary_verdict{pair=\"%s\",verdict=\"%s\"} %d\n", v[i]->name,
				    health_verdict_name((enum health_verdict)s),
				    v[i]->verdict == (enum health_verdict)s);
}

void metrics_write(struct views *vs, int64_t boot_ms, struct strbuf *out)
{
	size_t n = views_count(vs);
	struct view **v = mem_calloc(n + 1, sizeof(struct view *));
	for (size_t i = 0; i < n; i++)
		v[i] = views_get(vs, (uint32_t)(i + 1));
	strbuf_addf(out,
		    "# HELP coldmx_ready The journal is read and probes run.\n# TYPE coldmx_ready "
		    "gauge\n"
		    "coldmx_ready %d\n",
		    views_ready(vs));
	strbuf_addf(out, "# HELP coldmx_loop_age_seconds Time since the loop last turned.\n"
			 "# TYPE coldmx_loop_age_seconds gauge\n");
	int64_t age_ms = views_beat_age_ms(vs, boot_ms);
	if (age_ms >= 0)
		strbuf_addf(out, "coldmx_loop_age_seconds %.3f\n", (double)age_ms / 1000.0);
	strbuf_addf(out,
		    "# HELP coldmx_start_timestamp_seconds Start of the controller.\n"
		    "# TYPE coldmx_start_timestamp_seconds gauge\ncoldmx_start_timestamp_seconds "
		    "%.3f\n",
		    (double)views_started_wall_ms(vs) / 1000.0);
	write_states(v, n, out);
	for (size_t m = 0; m < ARRAY_LEN(metrics); m++)
		write_metric(&metrics[m], v, n, out);
	for (size_t i = 0; i < n; i++)
		view_put(v[i]);
	free(v);
}
