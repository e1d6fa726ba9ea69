/* See crash.h. A scenario is a list of what the world and the operator do; what the controller does is its own. */
#include "crash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/base/mem.h"
#include "apply.h"

#define SEED 20261124
#define SETTLE_MS 400000

struct scenario {
	const char *name;
	struct world_opts opts;
	size_t nactions;
	struct action action[6];
};

/* clang-format off */
static const struct scenario scenarios[] = {
	{ "auto", { SEED, 1, MODE_AUTOMATIC, DNS_SWAP, 1, true, true, false, 0, false, false, 0, false }, 2,
	  { { .at_ms = 15000, .fault = FAULT_PRIMARY_DIES }, { .at_ms = 60000, .fault = FAULT_PRIMARY_RETURNS } } },
	{ "hang", { SEED + 1, 1, MODE_AUTOMATIC, DNS_SWAP, 1, false, true, false, 0, false, false, 0, false }, 1,
	  { { .at_ms = 15000, .fault = FAULT_PRIMARY_HANGS } } },
	{ "manual", { SEED + 2, 1, MODE_MANUAL, DNS_SWAP, false, true, true, false, 1, false, false, 0, false }, 4,
	  { { .at_ms = 15000, .fault = FAULT_PRIMARY_DIES }, { .at_ms = 24000, .fault = FAULT_CMD_PLAN },
	    { .at_ms = 25000, .fault = FAULT_CMD_FAILOVER, .arg = 1 },
	    { .at_ms = 60000, .fault = FAULT_PRIMARY_RETURNS } } },
	{ "standing", { SEED + 3, 1, MODE_AUTOMATIC, DNS_STANDING, 1, false, true, false, 0, false, false, 0, false }, 2,
	  { { .at_ms = 15000, .fault = FAULT_PRIMARY_DIES }, { .at_ms = 60000, .fault = FAULT_PRIMARY_RETURNS } } },
	{ "abort-early", { SEED + 4, 1, MODE_AUTOMATIC, DNS_SWAP, 1, true, true, false, 0, false, false, 0, false }, 2,
	  { { .at_ms = 15000, .fault = FAULT_PRIMARY_DIES }, { .at_ms = 22500, .fault = FAULT_CMD_ABORT } } },
	{ "abort-late", { SEED + 5, 1, MODE_AUTOMATIC, DNS_SWAP, 1, true, true, false, 0, false, false, 0, false }, 3,
	  { { .at_ms = 15000, .fault = FAULT_PRIMARY_DIES }, { .at_ms = 45000, .fault = FAULT_CMD_ABORT },
	    { .at_ms = 50000, .fault = FAULT_PRIMARY_RETURNS } } },
	{ "abort-fenced", { SEED + 11, 1, MODE_AUTOMATIC, DNS_SWAP, 1, true, true, false, 0, false, false, 0, false }, 2,
	  { { .at_ms = 15000, .fault = FAULT_PRIMARY_HANGS }, { .at_ms = 45000, .fault = FAULT_CMD_ABORT } } },
	{ "hold", { SEED + 7, 1, MODE_AUTOMATIC, DNS_SWAP, 1, true, true, false, 0, false, false, 0, false }, 4,
	  { { .at_ms = 12000, .fault = FAULT_CMD_HOLD }, { .at_ms = 15000, .fault = FAULT_PRIMARY_DIES },
	    { .at_ms = 40000, .fault = FAULT_CMD_RELEASE }, { .at_ms = 60000, .fault = FAULT_PRIMARY_RETURNS } } },
	{ "lift", { SEED + 20, 4, MODE_AUTOMATIC, DNS_SWAP, 1, true, true, false, 0, false, false, 0, false }, 6,
	  { { .at_ms = 15000, .fault = FAULT_PRIMARY_DIES }, { .at_ms = 15000, .fault = FAULT_PRIMARY_DIES, .pair = 1 },
	    { .at_ms = 15000, .fault = FAULT_PRIMARY_DIES, .pair = 2 }, { .at_ms = 35000, .fault = FAULT_CMD_BRAKE_LIFT },
	    { .at_ms = 60000, .fault = FAULT_CMD_BRAKE_RESTORE }, { .at_ms = 65000, .fault = FAULT_PRIMARY_RETURNS } } },
	{ "never-seen-up", { SEED + 8, 1, MODE_AUTOMATIC, DNS_SWAP, 1, true, true, true, 0, false, false, 0, false }, 0, { { 0 } } },
	{ "suspended", { SEED + 9, 1, MODE_AUTOMATIC, DNS_SWAP, 1, true, true, false, 0, false, false, 0, false }, 3,
	  { { .at_ms = 15000, .fault = FAULT_PRIMARY_DIES },
	    { .at_ms = 16500, .for_ms = 9000, .fault = FAULT_SUSPENDED },
	    { .at_ms = 60000, .fault = FAULT_PRIMARY_RETURNS } } },
	{ "store-away", { SEED + 10, 1, MODE_AUTOMATIC, DNS_SWAP, 1, true, true, false, 0, false, false, 0, false }, 4,
	  { { .at_ms = 15000, .fault = FAULT_PRIMARY_DIES },
	    { .at_ms = 24000, .for_ms = 3000, .fault = FAULT_STORE_AWAY },
	    { .at_ms = 28000, .for_ms = 900, .fault = FAULT_STORE_UNKNOWN },
	    { .at_ms = 60000, .fault = FAULT_PRIMARY_RETURNS } } },
	{ "blind", { SEED + 16, 1, MODE_AUTOMATIC, DNS_SWAP, 1, true, true, false, 0, false, false, 0, false }, 3,
	  { { .at_ms = 15000, .fault = FAULT_PRIMARY_DIES }, { .at_ms = 23000, .for_ms = 20000, .fault = FAULT_CRASH },
	    { .at_ms = 25000, .fault = FAULT_PRIMARY_RETURNS } } },
	{ "undo-fence", { SEED + 17, 1, MODE_MANUAL, DNS_SWAP, 1, true, true, false, 0, false, false, 0, false }, 4,
	  { { .at_ms = 15000, .fault = FAULT_PRIMARY_HANGS }, { .at_ms = 24000, .fault = FAULT_CMD_FAILOVER },
	    { .at_ms = 30550, .for_ms = 29000, .fault = FAULT_STANDBY_REFUSES },
	    { .at_ms = 60000, .fault = FAULT_PRIMARY_RETURNS } } },
	{ "resume-up", { SEED + 18, 1, MODE_AUTOMATIC, DNS_SWAP, 1, true, true, false, 0, false, false, 0, false }, 4,
	  { { .at_ms = 14000, .for_ms = 25000, .fault = FAULT_CONTROL_BLOCKS }, { .at_ms = 15000, .fault = FAULT_PRIMARY_DIES },
	    { .at_ms = 40000, .fault = FAULT_PRIMARY_RETURNS }, { .at_ms = 56000, .fault = FAULT_CMD_RESUME } } },
	{ "bluff", { SEED + 29, 1, MODE_AUTOMATIC, DNS_SWAP, 1, true, true, false, 0, false, false, 0, false }, 3,
	  { { .at_ms = 15000, .fault = FAULT_PRIMARY_HANGS }, { .at_ms = 16000, .for_ms = 30000, .fault = FAULT_LEVEL_BLUFFS },
	    { .at_ms = 60000, .fault = FAULT_PRIMARY_RETURNS } } },
	{ "drill", { SEED + 23, 1, MODE_AUTOMATIC, DNS_SWAP, 1, true, true, false, 0, false, false, 0, false }, 1,
	  { { .at_ms = 20000, .fault = FAULT_CMD_DRILL } } },
	{ "timetable",
	  { .seed = SEED + 30, .npairs = 2, .mode = MODE_AUTOMATIC, .levels = 1, .marker = true, .maps = true,
	    .strategy = DNS_SWAP, .drill_minute = 1, .one_drill = true }, 0, { { 0 } } },
	{ "timetable-dies",
	  { .seed = SEED + 31, .npairs = 1, .mode = MODE_AUTOMATIC, .levels = 1, .marker = true, .maps = true,
	    .strategy = DNS_SWAP, .drill_minute = 1 }, 2,
	  { { .at_ms = 52000, .fault = FAULT_PRIMARY_DIES }, { .at_ms = 90000, .fault = FAULT_PRIMARY_RETURNS } } },
	{ "drill-red", { SEED + 24, 1, MODE_AUTOMATIC, DNS_SWAP, 1, true, true, false, 0, false, false, 0, false }, 2,
	  { { .at_ms = 20000, .fault = FAULT_CMD_DRILL }, { .at_ms = 20100, .for_ms = 20000, .fault = FAULT_CONTROL_BLOCKS } } },
	{ "drill-abort", { SEED + 25, 1, MODE_MANUAL, DNS_SWAP, 1, true, true, false, 0, false, false, 0, false }, 2,
	  { { .at_ms = 20000, .fault = FAULT_CMD_DRILL }, { .at_ms = 26000, .fault = FAULT_CMD_ABORT } } },
	{ "drill-dies", { SEED + 26, 1, MODE_AUTOMATIC, DNS_SWAP, 1, true, true, false, 0, false, false, 0, false }, 3,
	  { { .at_ms = 20000, .fault = FAULT_CMD_DRILL }, { .at_ms = 20500, .fault = FAULT_PRIMARY_DIES },
	    { .at_ms = 60000, .fault = FAULT_PRIMARY_RETURNS } } },
	{ "drill-over", { SEED + 27, 1, MODE_MANUAL, DNS_SWAP, 1, true, true, false, 0, false, false, 0, false }, 4,
	  { { .at_ms = 20000, .fault = FAULT_CMD_DRILL }, { .at_ms = 20500, .fault = FAULT_PRIMARY_DIES },
	    { .at_ms = 23600, .fault = FAULT_CMD_FAILOVER }, { .at_ms = 60000, .fault = FAULT_PRIMARY_RETURNS } } },
	{ "drill-stuck", { SEED + 28, 1, MODE_AUTOMATIC, DNS_SWAP, 1, true, true, false, 0, false, false, 0, false }, 4,
	  { { .at_ms = 20000, .fault = FAULT_CMD_DRILL }, { .at_ms = 23500, .for_ms = 20000, .fault = FAULT_CONTROL_BLOCKS },
	    { .at_ms = 23600, .for_ms = 15000, .fault = FAULT_POWER_FAILS }, { .at_ms = 45000, .fault = FAULT_CMD_RESUME } } },
	{ "skip-off", { SEED + 21, 1, MODE_AUTOMATIC, DNS_SWAP, 0, true, true, false, 0, false, false, 0, false }, 5,
	  { { .at_ms = 15000, .fault = FAULT_PRIMARY_DIES }, { .at_ms = 38000, .fault = FAULT_PRIMARY_RETURNS },
	    { .at_ms = 44000, .fault = FAULT_CMD_FAILBACK }, { .at_ms = 45000, .for_ms = 24000, .fault = FAULT_POWER_FAILS },
	    { .at_ms = 68500, .fault = FAULT_CMD_RESUME, .arg = 1 } } },
	{ "skip-undo", { SEED + 22, 1, MODE_AUTOMATIC, DNS_SWAP, 0, true, true, false, 0, false, false, 0, false }, 5,
	  { { .at_ms = 15000, .fault = FAULT_PRIMARY_DIES }, { .at_ms = 23500, .for_ms = 20000, .fault = FAULT_CONTROL_BLOCKS },
	    { .at_ms = 23600, .for_ms = 35000, .fault = FAULT_POWER_FAILS },
	    { .at_ms = 50000, .fault = FAULT_CMD_RESUME, .arg = 1 }, { .at_ms = 60000, .fault = FAULT_PRIMARY_RETURNS } } },
	{ "open-again", { SEED + 19, 1, MODE_AUTOMATIC, DNS_SWAP, 1, true, true, false, 0, false, false, 0, false }, 5,
	  { { .at_ms = 15000, .fault = FAULT_PRIMARY_DIES }, { .at_ms = 40000, .fault = FAULT_STANDBY_DIES },
	    { .at_ms = 41000, .fault = FAULT_PRIMARY_RETURNS },
	    { .at_ms = 42000, .fault = FAULT_STANDBY_RETURNS }, { .at_ms = 58000, .fault = FAULT_CMD_RESUME } } },
	{ "confirmed", { SEED + 26, 1, MODE_MANUAL, DNS_SWAP, 3, true, true, false, 0, false, false, 0, false }, 4,
	  { { .at_ms = 15000, .fault = FAULT_PRIMARY_HANGS }, { .at_ms = 24000, .fault = FAULT_CMD_CONFIRM },
	    { .at_ms = 26000, .fault = FAULT_PRIMARY_DIES }, { .at_ms = 28000, .fault = FAULT_CMD_CONFIRM } } },
	{ "level-lies", { SEED + 23, 1, MODE_AUTOMATIC, DNS_SWAP, 2, true, true, false, 0, false, false, 0, false }, 4,
	  { { .at_ms = 15000, .fault = FAULT_PRIMARY_HANGS }, { .at_ms = 15000, .for_ms = 40000, .fault = FAULT_LEVEL_LIES },
	    { .at_ms = 56000, .fault = FAULT_CMD_FAILBACK }, { .at_ms = 57000, .fault = FAULT_PRIMARY_WAKES } } },
	{ "level-bluffs", { SEED + 24, 1, MODE_AUTOMATIC, DNS_SWAP, 3, true, true, false, 0, false, false, 0, false }, 3,
	  { { .at_ms = 15000, .fault = FAULT_PRIMARY_HANGS }, { .at_ms = 15000, .for_ms = 50000, .fault = FAULT_LEVEL_BLUFFS },
	    { .at_ms = 45000, .fault = FAULT_CMD_ABORT } } },
	{ "levels-undone", { SEED + 25, 1, MODE_MANUAL, DNS_SWAP, 2, true, true, false, 0, false, false, 0, false }, 5,
	  { { .at_ms = 15000, .fault = FAULT_PRIMARY_HANGS }, { .at_ms = 24000, .fault = FAULT_CMD_FAILOVER },
	    { .at_ms = 24000, .for_ms = 16000, .fault = FAULT_LEVEL_LIES },
	    { .at_ms = 30550, .for_ms = 29000, .fault = FAULT_STANDBY_REFUSES },
	    { .at_ms = 60000, .fault = FAULT_PRIMARY_RETURNS } } },
	{ "heartbeat", { 4 * SEED + 3, 1, MODE_AUTOMATIC, DNS_SWAP, 1, true, true, false, 0, false, false, 0, false }, 4,
	  { { .at_ms = 15000, .fault = FAULT_PRIMARY_DIES }, { .at_ms = 20000, .for_ms = 12000, .fault = FAULT_NOTIFY },
	    { .at_ms = 40000, .for_ms = 9000, .fault = FAULT_STORE_AWAY }, { .at_ms = 60000, .fault = FAULT_PRIMARY_RETURNS } } },
	{ "glass", { SEED + 26, 1, MODE_AUTOMATIC, DNS_SWAP, 1, true, true, false, 0, false, false, 0, false }, 4,
	  { { .at_ms = 12000, .fault = FAULT_BREAK_GLASS, .arg = HOST_PRIMARY }, { .at_ms = 15000, .fault = FAULT_PRIMARY_DIES },
	    { .at_ms = 35000, .fault = FAULT_CMD_ACK }, { .at_ms = 60000, .fault = FAULT_PRIMARY_RETURNS } } },
	{ "reboot",
	  { .seed = SEED + 15, .npairs = 1, .mode = MODE_AUTOMATIC, .levels = 1, .marker = true, .maps = true,
	    .strategy = DNS_SWAP, .standby_reboots = true }, 2,
	  { { .at_ms = 15000, .fault = FAULT_PRIMARY_DIES }, { .at_ms = 60000, .fault = FAULT_PRIMARY_RETURNS } } },
	{ "recovery", { SEED + 6, 1, MODE_AUTOMATIC, DNS_SWAP, 0, true, true, false, 0, false, false, 0, false }, 2,
	  { { .at_ms = 15000, .fault = FAULT_PRIMARY_DIES }, { .at_ms = 18000, .fault = FAULT_PRIMARY_RETURNS } } },
};
/* clang-format on */

static void action_due(struct world *w, void *data)
{
	apply_action(w, data);
}

static void calm_due(struct world *w, void *data)
{
	(void)data;
	apply_calm(w);
}

static void prepare(struct world *w, const struct scenario *s, struct coverage *coverage)
{
	world_init(w, &s->opts, coverage);
	for (size_t i = 0; i < s->nactions; i++) {
		struct action *a = mem_calloc(1, sizeof(*a));
		*a = s->action[i];
		world_after(w, a->at_ms, action_due, a, 0);
	}
	world_after(w, 70000, calm_due, NULL, 0);
	world_start_controller(w);
}

/* Runs until everything is home, or long enough. */
static bool run(struct world *w, const struct scenario *s)
{
	char why[300] = "";
	(void)s;
	world_run(w, 70000);
	bool operated = w->pair[0].ghost.nops > 0;
	for (int64_t at_ms = 71000; at_ms < SETTLE_MS && !w->failure.promise; at_ms += 1000) {
		world_run(w, at_ms);
		if (w->points >= w->crash_at && w->engine && apply_is_home(w, 0, why, sizeof(why)))
			break;
	}
	if (why[0])
		world_fail(w, 99, "does not come home: %s", why);
	w->coverage->schedules++;
	w->coverage->events += w->clock.nran;
	w->coverage->with_operation += operated;
	return !w->failure.promise;
}

static uint64_t count_points(const struct scenario *s, struct coverage *coverage, int *failed)
{
	struct world *w = mem_calloc(1, sizeof(*w));
	prepare(w, s, coverage);
	if (!run(w, s)) {
		printf("FAILED promise %d in scenario %s without a crash: %s\n  again: sim replay-crash %s 0 before\n",
		       w->failure.promise, s->name, w->failure.text, s->name);
		++*failed;
	}
	uint64_t points = w->points;
	world_fini(w);
	free(w);
	return points;
}

static bool run_one(const struct scenario *s, uint64_t point, bool after, struct coverage *coverage, bool trace)
{
	struct world *w = mem_calloc(1, sizeof(*w));
	prepare(w, s, coverage);
	w->trace = trace;
	w->crash_at = point;
	w->crash_after = after;
	bool ok = run(w, s);
	if (!ok)
		printf("FAILED promise %d in scenario %s, crash %s point %llu: %s\n"
		       "  again: sim replay-crash %s %llu %s\n",
		       w->failure.promise, s->name, after ? "after" : "before", (unsigned long long)point,
		       w->failure.text, s->name, (unsigned long long)point, after ? "after" : "before");
	world_fini(w);
	free(w);
	return ok;
}

int crash_all(struct coverage *coverage)
{
	int passed = 0, failed = 0;
	for (size_t i = 0; i < ARRAY_LEN(scenarios); i++) {
		const struct scenario *s = &scenarios[i];
		uint64_t points = count_points(s, coverage, &failed);
		int before = failed;
		for (uint64_t p = 1; p <= points; p++)
			for (int after = 0; after < 2; after++)
				*(run_one(s, p, after, coverage, false) ? &passed : &failed) += 1;
		printf("%-12s %llu calls, each crashed before and after: %d failed\n", s->name,
		       (unsigned long long)points, failed - before);
	}
	coverage_print(coverage);
	printf("%d passed, %d failed\n", passed, failed);
	return failed || !passed;
}

int crash_replay(struct coverage *coverage, const char *scenario, uint64_t point, bool after)
{
	for (size_t i = 0; i < ARRAY_LEN(scenarios); i++)
		if (strcmp(scenarios[i].name, scenario) == 0)
			return !run_one(&scenarios[i], point, after, coverage, true);
	fprintf(stderr, "sim: no scenario \"%s\"\n", scenario);
	return 2;
}
