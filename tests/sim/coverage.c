/* Counting and printing what was reached. */
#include "coverage.h"

#include <stdio.h>
#include <string.h>

void coverage_rule(struct coverage *c, const char *rule)
{
	for (int s = 0; s < PAIR_STATES; s++)
		for (int e = 0; e < PAIR_EVENTS; e++)
			if (strcmp(pair_rule((enum pair_state)s, (enum pair_event)e)->rule, rule) == 0)
				c->row[s][e]++;
}

void coverage_verdict(struct coverage *c, enum pair_state state, enum pair_event event)
{
	c->row[state][event]++;
}

void coverage_add(struct coverage *sum, const struct coverage *c)
{
	uint64_t *to = (uint64_t *)(void *)sum;
	const uint64_t *from = (const uint64_t *)(const void *)c;
	for (size_t i = 0; i < sizeof(*sum) / sizeof(*to); i++)
		to[i] += from[i];
}

/* Not: what nothing in this version produces, and words of an operation where none runs (guards). */
static bool reachable(int s, int e)
{
	bool op_word = e == PAIR_EV_OP_DONE || e == PAIR_EV_OP_UNDONE || e == PAIR_EV_OP_BACK || e == PAIR_EV_OP_STUCK;
	bool running = s == PAIR_PROMOTING || s == PAIR_FAILING_BACK || s == PAIR_DRILLING;
	return e != PAIR_EV_WOUNDED && (!op_word || running);
}

static void print_rows(const struct coverage *c)
{
	int hit = 0, total = 0, all = 0;
	for (int s = 0; s < PAIR_STATES; s++)
		for (int e = 0; e < PAIR_EVENTS; e++) {
			total += reachable(s, e);
			all += c->row[s][e] != 0;
			hit += reachable(s, e) && c->row[s][e];
		}
	printf("rows of the pair's machine: %d of %d hit (without wounded, which nothing produces yet, "
	       "and without words of operations where none runs; every cell is counted, %d of %d)\n",
	       hit, total, all, PAIR_STATES * PAIR_EVENTS);
	int column = printf("  not hit:");
	for (int s = 0; s < PAIR_STATES; s++)
		for (int e = 0; e < PAIR_EVENTS; e++) {
			if (!reachable(s, e) || c->row[s][e])
				continue;
			column += printf(" %s", pair_rule((enum pair_state)s, (enum pair_event)e)->rule);
			if (column > 96)
				column = printf("\n          ") - 1;
		}
	printf("%s\n", hit == total ? " none" : "");
}

static void print_steps(const struct coverage *c)
{
	static const char *const names[COVERS] = { "crash", "TEMP", "PERM", "timeout", "cancel" };
	printf("%-16s", "step");
	for (int v = 0; v < COVERS; v++)
		printf("%10s", names[v]);
	putchar('\n');
	for (int s = 0; s < STEP_IDS; s++) {
		printf("%-16s", step_name((enum step_id)s));
		for (int v = 0; v < COVERS; v++)
			printf("%10llu", (unsigned long long)c->step[s][v]);
		putchar('\n');
	}
}

static double per(uint64_t a, uint64_t b)
{
	return b ? (double)a / (double)b : 0;
}

void coverage_print(const struct coverage *c)
{
	printf("schedules: %llu, %.0f events and %.1f faults each; %.0f %% reach an operation\n",
	       (unsigned long long)c->schedules, per(c->events, c->schedules), per(c->faults, c->schedules),
	       100 * per(c->with_operation, c->schedules));
	printf("operations: %llu (%llu promotions, %llu failbacks, %llu aborts, %llu drills); lives of the controller: "
	       "%llu\n",
	       (unsigned long long)c->operations, (unsigned long long)c->promotions, (unsigned long long)c->failbacks,
	       (unsigned long long)c->aborts, (unsigned long long)c->drills, (unsigned long long)c->lives);
	printf("verbs: %llu, commits: %llu, messages acknowledged: %llu, stranded: %llu; steps skipped: %llu; "
	       "heartbeats: %llu\n",
	       (unsigned long long)c->verbs, (unsigned long long)c->commits, (unsigned long long)c->acked,
	       (unsigned long long)c->stranded, (unsigned long long)c->skips, (unsigned long long)c->beats);
	print_rows(c);
	print_steps(c);
}
