/* A pair's view to show: what the tests and the fake engine publish. */
#ifndef COLDMX_TOOL_VIEW_H
#define COLDMX_TOOL_VIEW_H

#include <stdio.h>
#include <string.h>

#include "../../common/base/clock.h"
#include "../../common/base/mem.h"
#include "../../controller/engine/engine.h"

static inline void sample_condition(struct pair_view *v, const char *name, const char *value, const char *limit,
				    bool met, int64_t age_ms, const char *source)
{
	struct condition *c = &v->condition[v->nconditions++];
	(void)str_copy(c->name, sizeof(c->name), name);
	(void)str_copy(c->value, sizeof(c->value), value);
	(void)str_copy(c->limit, sizeof(c->limit), limit);
	(void)str_copy(c->source, sizeof(c->source), source);
	c->met = met;
	c->age_ms = age_ms;
}

static inline void sample_view(uint32_t id, const char *name, struct pair_view *v)
{
	memset(v, 0, sizeof(*v));
	v->id = id;
	(void)str_copy(v->name, sizeof(v->name), name);
	(void)str_copy(v->primary_site, sizeof(v->primary_site), "hall-a");
	v->state = PAIR_UP;
	v->mode = MODE_AUTOMATIC;
	v->verdict = HEALTH_UP;
	v->built_wall_ms = clock_wall_ms();
	v->built_boot_ms = clock_boot_ms();
	v->verdict_since_wall_ms = v->built_wall_ms - 7200000;
	v->epoch = 3;
	v->brake =
		(struct brake){ .opts = { .per_day = 3, .mass_count = 3, .mass_percent = 30 }, .total = 4, .used = 1 };
	v->brake.lift = (struct hold){ .set = true, .owner = "root (uid 0)", .reason = "the hall lost power" };
	v->brake.lift.since_wall_ms = v->built_wall_ms;
	v->brake.lift.expires_wall_ms = v->built_wall_ms + 1800000;
	snprintf(v->own, sizeof(v->own), "primary");
	snprintf(v->accept, sizeof(v->accept), "primary");
	snprintf(v->rule, sizeof(v->rule), "up-stays");
	snprintf(v->why, sizeof(v->why), "the primary answers");
	v->seen_up = true;
	v->agent_age_ms[HOST_PRIMARY] = 4000;
	v->agent_age_ms[HOST_STANDBY] = -1;
	v->agent_known[HOST_PRIMARY] = true;
	v->agent[HOST_PRIMARY] = (struct agent_report){
		.present = true, .serving = true, .has_right = true, .epoch = 3, .queue = 12, .disk_free_mb = 20480
	};
	snprintf(v->agent[HOST_PRIMARY].boot_id, sizeof(v->agent[0].boot_id), "6a5d3c52-6e0d-4c3b-8f0e-0d0f6f2f6c11");
	v->maps_age_ms = 60000;
	v->queue_waiting = -1;
	sample_condition(v, "smtp-v4", "answers (ok)", "3 dead rounds in a row", false, 12000, "probe");
	sample_condition(v, "smtp-v6", "3 dead rounds, the last at connect: no answer within the deadline",
			 "3 dead rounds in a row", true, 2000, "probe");
	sample_condition(v, "agent", "says: serving", "no fresh word that it serves", false, 4000, "primary's agent");
	sample_condition(v, "mode", "automatic", "automatic", true, 0, "controller");
	sample_condition(v, "references", "no report", "at least one that answers", false, -1, "probe");
	sample_condition(v, "hold", "none", "none", true, 0, "controller");
}

#endif
