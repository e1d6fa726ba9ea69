/* See schedule.h. Faults gather where operations are: around the death of a primary and around the way back. */
#include "schedule.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../../common/base/mem.h"
#include "apply.h"

#define ACTIONS_MAX 64
#define CALM_FROM_MS 240000
#define CALM_MS 2400000
#define SHRINK_RUNS 600

struct schedule {
	struct world_opts opts;
	size_t n;
	struct action action[ACTIONS_MAX];
	int64_t death_ms, back_ms;
	uint64_t dice;
};

static uint64_t running_seed; /* for the line that a crash of this very program prints */

static void add(struct schedule *s, int64_t at_ms, enum fault fault, uint8_t pair, int64_t for_ms)
{
	if (s->n < ACTIONS_MAX)
		s->action[s->n++] = (struct action){ .at_ms = at_ms > 0 ? at_ms : 0,
						     .for_ms = for_ms,
						     .fault = fault,
						     .pair = pair,
						     .arg = (uint8_t)dice_roll(&s->dice, 2) };
}

static void choose_opts(struct schedule *s, uint64_t seed)
{
	uint64_t *d = &s->dice;
	uint32_t mode = dice_roll(d, 20);
	s->opts = (struct world_opts){
		.seed = seed,
		.npairs = (uint8_t)(dice_roll(d, 6) ? 1 + dice_roll(d, 2) : 3 + dice_roll(d, 4)),
		.mode = mode < 16   ? MODE_AUTOMATIC
			: mode < 19 ? MODE_MANUAL
				    : MODE_SHADOW,
		.strategy = dice_roll(d, 6) ? DNS_SWAP : DNS_STANDING,
		.levels = (uint8_t)(dice_roll(d, 3) ? 1 + dice_roll(d, 3) : 0),
		.marker = dice_roll(d, 2),
		.maps = dice_roll(d, 16) != 0,
		.primary_off = dice_roll(d, 20) == 0,
		.maps_max_age_ms = dice_roll(d, 6) ? 0 : 5000,
		.agentless = dice_roll(d, 4) == 0,
		.drill_minute = (uint8_t)(dice_roll(d, 4) ? 0 : 1 + dice_roll(d, 2)),
		.one_drill = dice_roll(d, 2),
	};
}

static int64_t choose_time(struct schedule *s)
{
	uint32_t where = dice_roll(&s->dice, 10);
	if (where < 5)
		return s->death_ms + dice_span(&s->dice, -2000, 22000);
	if (where < 8)
		return s->back_ms + dice_span(&s->dice, -3000, 40000);
	return dice_span(&s->dice, 1000, CALM_FROM_MS - 1000);
}

static uint8_t choose_pair(struct schedule *s)
{
	return (uint8_t)(dice_roll(&s->dice, 3) ? 0 : dice_roll(&s->dice, (uint32_t)s->opts.npairs));
}

static void add_death(struct schedule *s, uint8_t pair)
{
	static const enum fault ways[] = { FAULT_PRIMARY_DIES,        FAULT_PRIMARY_DIES, FAULT_PRIMARY_HANGS,
					   FAULT_PRIMARY_MAIL_KILLED, FAULT_PRIMARY_FAR,  FAULT_PRIMARY_SMTP_FAR };
	enum fault way = ways[dice_roll(&s->dice, ARRAY_LEN(ways))];
	int64_t back_ms = s->back_ms - dice_span(&s->dice, -5000, 60000);
	add(s, s->death_ms + (int64_t)pair * 150, way, pair, dice_span(&s->dice, 5000, 90000));
	if (dice_roll(&s->dice, 8) == 0)
		back_ms = s->death_ms + dice_span(&s->dice, 1000, 15000);
	add(s, back_ms, FAULT_PRIMARY_RETURNS, pair, 0);
	add(s, back_ms + 1000, FAULT_PRIMARY_WAKES, pair, 0);
	add(s, back_ms + 2000, FAULT_PRIMARY_MAIL_STARTED, pair, 0);
}

static void add_people(struct schedule *s, uint8_t pair)
{
	uint64_t *d = &s->dice;
	if (dice_roll(d, 3) == 0) { /* somebody reads the plan first, of both ways */
		add(s, s->death_ms + dice_span(d, -3000, 6000), FAULT_CMD_PLAN, pair, 0);
		add(s, s->back_ms + dice_span(d, -9000, 0), FAULT_CMD_PLAN, pair, 0);
	}
	if (s->opts.mode != MODE_AUTOMATIC || dice_roll(d, 8) == 0)
		add(s, s->death_ms + dice_span(d, 3000, 12000), FAULT_CMD_FAILOVER, pair, 0);
	if (dice_roll(d, 6) == 0)
		add(s, s->death_ms + dice_span(d, -2000, 20000), FAULT_CMD_CONFIRM, pair, 0);
	if (dice_roll(d, 4))
		add(s, s->back_ms, FAULT_CMD_FAILBACK, pair, 0);
	if (dice_roll(d, 5) == 0)
		add(s, s->death_ms + dice_span(d, 5000, 20000), FAULT_CMD_ABORT, pair, 0);
	if (dice_roll(d, 6) == 0)
		add(s, s->back_ms + dice_span(d, 0, 4000), FAULT_CMD_ABORT, pair, 0);
	if (dice_roll(d, 3) == 0)
		add(s, s->back_ms + dice_span(d, 10000, 60000), FAULT_CMD_RESUME, pair, 0);
	if (dice_roll(d, 6) ==
	    0) { /* a power switch that breaks on the way back, and somebody who goes on without it */
		add(s, s->back_ms + dice_span(d, 5000, 20000), FAULT_POWER_FAILS, pair, 60000);
		for (int64_t at_ms = 30000; at_ms < 90000; at_ms += 10000)
			add(s, s->back_ms + at_ms, FAULT_CMD_RESUME, pair, 0);
	}
	if (dice_roll(d, 4) == 0) { /* a drill in peace, or one that the primary's death falls into */
		int64_t at_ms = dice_roll(d, 3) ? s->death_ms - dice_span(d, 500, 12000) : dice_span(d, 9000, 200000);
		add(s, at_ms, FAULT_CMD_DRILL, pair, 0);
	}
	if (dice_roll(d, 10) == 0)
		add(s, s->death_ms + dice_span(d, -5000, 4000), FAULT_CMD_HOLD, pair, 0);
	if (dice_roll(d, 12) == 0) {
		int64_t at_ms = s->death_ms + dice_span(d, -4000, 60000);
		add(s, at_ms, FAULT_BREAK_GLASS, pair, 0);
		add(s, at_ms + dice_span(d, 0, 30000), FAULT_CMD_ACK, pair, 0);
	}
	if (dice_roll(d, s->opts.npairs > 2 ? 3 : 12) == 0)
		add(s, s->death_ms + dice_span(d, -5000, 12000), FAULT_CMD_BRAKE_LIFT, pair, 0);
	if (dice_roll(d, 12) == 0)
		add(s, s->death_ms + dice_span(d, -5000, 12000), FAULT_CMD_BRAKE_RESTORE, pair, 0);
}

/* The controller's network flaps: each cut is over before the references could have told. */
static void add_short_cuts(struct schedule *s)
{
	int64_t at_ms = dice_span(&s->dice, 12000, 60000);
	for (uint32_t n = dice_roll(&s->dice, 4); n; n--) {
		int64_t for_ms = dice_span(&s->dice, 500, 4000);
		add(s, at_ms, FAULT_CUT_OFF, 0, for_ms);
		at_ms += for_ms + dice_span(&s->dice, 700, 6000);
	}
}

static int64_t choose_length(struct schedule *s, enum fault fault)
{
	if (fault == FAULT_CRASH || fault == FAULT_REBOOT || fault == FAULT_CRASH_POINT)
		return dice_span(&s->dice, 200, 12000);
	if (fault == FAULT_SUSPENDED)
		return dice_span(&s->dice, 1000, 30000);
	return dice_roll(&s->dice, 4) ? dice_span(&s->dice, 300, 8000) : dice_span(&s->dice, 8000, 45000);
}

static void make(struct schedule *s, uint64_t seed)
{
	memset(s, 0, sizeof(*s));
	s->dice = seed * 0xd1342543de82ef95ULL + 77;
	choose_opts(s, seed);
	s->death_ms = dice_span(&s->dice, 9000, 40000);
	s->back_ms = s->death_ms + dice_span(&s->dice, 15000, 120000);
	bool mass = s->opts.npairs > 2 && dice_roll(&s->dice, 2);
	for (uint8_t i = 0; i < s->opts.npairs; i++)
		if (i == 0 || mass || dice_roll(&s->dice, 3) == 0) {
			if (s->opts.npairs < 4 || i < 4)
				add_death(s, i);
			add_people(s, i);
		}
	if (dice_roll(&s->dice, 4) == 0)
		add_short_cuts(s);
	size_t faults = s->n + 1 + dice_roll(&s->dice, dice_roll(&s->dice, 2) ? 4 : 14);
	while (s->n < faults && s->n < ACTIONS_MAX) {
		enum fault fault = (enum fault)dice_roll(&s->dice, FAULTS);
		uint8_t pair = choose_pair(s);
		if (dice_roll(&s->dice, 4) == 0)
			fault = FAULT_CRASH_POINT;
		add(s, choose_time(s), fault, pair, choose_length(s, fault));
	}
}

static void action_due(struct world *w, void *data)
{
	apply_action(w, data);
}

static bool all_home(const struct world *w, char *why, size_t size)
{
	for (uint8_t i = 0; i < w->npairs; i++) {
		char text[250];
		if (!apply_is_home(w, i, text, sizeof(text))) {
			snprintf(why, size, "pair%u: %s", i, text);
			return false;
		}
	}
	why[0] = '\0';
	return true;
}

/* Fills *failure; its promise is 0 when all is well. */
static void run(const struct schedule *s, struct coverage *coverage, bool trace, struct failure *failure)
{
	struct world *w = mem_calloc(1, sizeof(*w));
	char why[300] = "";
	running_seed = s->opts.seed;
	world_init(w, &s->opts, coverage);
	w->trace = trace;
	for (size_t i = 0; i < s->n; i++) {
		if (s->action[i].dropped)
			continue;
		struct action *a = mem_calloc(1, sizeof(*a));
		*a = s->action[i];
		world_after(w, a->at_ms, action_due, a, 0);
	}
	world_start_controller(w);
	world_run(w, CALM_FROM_MS);
	apply_calm(w);
	for (int64_t at_ms = CALM_FROM_MS + 1000; at_ms < CALM_FROM_MS + CALM_MS && !w->failure.promise;
	     at_ms += 1000) {
		world_run(w, at_ms);
		if (all_home(w, why, sizeof(why)))
			break;
	}
	if (why[0])
		world_fail(w, 99, "does not come home: %s", why);
	coverage->schedules++;
	coverage->events += w->clock.nran;
	bool operated = false;
	for (size_t i = 0; i < w->npairs; i++)
		operated |= w->pair[i].ghost.nops > 0;
	coverage->with_operation += operated;
	*failure = w->failure;
	world_fini(w);
	free(w);
}

static void print_actions(const struct schedule *s)
{
	printf("  %u pairs, mode %s, strategy %s, %u levels%s%s\n", s->opts.npairs, pair_mode_name(s->opts.mode),
	       dns_strategy_name(s->opts.strategy), s->opts.levels, s->opts.marker ? ", marker" : "",
	       s->opts.maps ? "" : ", no maps");
	for (size_t i = 0; i < s->n; i++)
		if (!s->action[i].dropped)
			printf("  %3zu  %8.3f s  pair%u  %s (%lld ms, %u)\n", i, (double)s->action[i].at_ms / 1000.0,
			       s->action[i].pair, fault_name(s->action[i].fault), (long long)s->action[i].for_ms,
			       s->action[i].arg);
}

/* Drops entries one by one as long as the same promise breaks. */
static void shrink(struct schedule *s, struct failure *failure)
{
	struct coverage *scratch = mem_calloc(1, sizeof(*scratch));
	bool smaller = true;
	for (int runs = 0; smaller && runs < SHRINK_RUNS;) {
		smaller = false;
		for (size_t i = 0; i < s->n && runs < SHRINK_RUNS; i++) {
			struct failure now;
			if (s->action[i].dropped)
				continue;
			s->action[i].dropped = true;
			run(s, scratch, false, &now);
			runs++;
			s->action[i].dropped = now.promise == failure->promise;
			if (now.promise == failure->promise) {
				*failure = now;
				smaller = true;
			}
		}
	}
	free(scratch);
}

static void report(struct schedule *s, struct failure *failure, bool plain)
{
	printf("FAILED seed %llu, promise %d: %s\n", (unsigned long long)s->opts.seed, failure->promise, failure->text);
	if (!plain)
		shrink(s, failure);
	printf("  %s: at %.3f s: %s\n", plain ? "as it is" : "shrunk", (double)failure->at_ms / 1000.0, failure->text);
	print_actions(s);
	printf("  again: sim replay %llu --keep ", (unsigned long long)s->opts.seed);
	const char *comma = "";
	for (size_t i = 0; i < s->n; i++)
		if (!s->action[i].dropped) {
			printf("%s%zu", comma, i);
			comma = ",";
		}
	printf("%s\n", comma[0] ? "" : "none");
	fflush(stdout);
}

static void aborted(int sig)
{
	char line[120];
	/* NOLINTNEXTLINE(bugprone-signal-handler,cert-sig30-c): the last words; the one thread faulted or aborted */
	int n = snprintf(line, sizeof(line), "FAILED seed %llu: signal %d\n  again: sim replay %llu\n",
			 (unsigned long long)running_seed, sig, (unsigned long long)running_seed);
	if (write(1, line, (size_t)n) < 0)
		_exit(3);
	_exit(2);
}

static double seconds_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int schedule_random(struct coverage *coverage, uint64_t seed, int64_t seconds, bool plain)
{
	struct schedule *s = mem_calloc(1, sizeof(*s));
	double end = seconds_now() + (double)seconds;
	int passed = 0, failed = 0;
	signal(SIGABRT, aborted);
	signal(SIGSEGV, aborted);
	printf("random schedules from seed %llu\n", (unsigned long long)seed);
	for (; seconds_now() < end && failed < (plain ? 1 : 5); seed++) {
		struct failure failure;
		make(s, seed);
		run(s, coverage, false, &failure);
		if (failure.promise) {
			failed++;
			report(s, &failure, plain);
		} else {
			passed++;
		}
	}
	coverage_print(coverage);
	printf("%d passed, %d failed\n", passed, failed);
	free(s);
	return failed || !passed;
}

static bool is_kept(const char *keep, size_t index)
{
	for (const char *at = keep; *at;) {
		char *end;
		unsigned long n = strtoul(at, &end, 10);
		if (end == at)
			return false;
		if (n == index)
			return true;
		at = *end == ',' ? end + 1 : end;
	}
	return false;
}

int schedule_replay(struct coverage *coverage, uint64_t seed, const char *keep)
{
	struct schedule *s = mem_calloc(1, sizeof(*s));
	struct failure failure;
	make(s, seed);
	for (size_t i = 0; keep && i < s->n; i++)
		s->action[i].dropped = !is_kept(keep, i);
	print_actions(s);
	run(s, coverage, true, &failure);
	if (failure.promise)
		printf("FAILED promise %d at %.3f s: %s\n", failure.promise, (double)failure.at_ms / 1000.0,
		       failure.text);
	printf("%d passed, %d failed\n", failure.promise == 0, failure.promise != 0);
	free(s);
	return failure.promise != 0;
}
