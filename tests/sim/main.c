/* `sim crash`, `sim random`, `sim replay`: see usage. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crash.h"
#include "schedule.h"

static int usage(void)
{
	fprintf(stderr, "usage: sim crash\n"
			"       sim random [--seconds N] [--seed S] [--plain]\n"
			"       sim replay SEED [--keep N,N,...]\n"
			"       sim replay-crash SCENARIO POINT before|after\n");
	return 2;
}

static int random_mode(struct coverage *coverage, int argc, char **argv)
{
	uint64_t seed = (uint64_t)time(NULL) * 100000;
	int64_t seconds = 30;
	bool plain = argc > 2 && strcmp(argv[argc - 1], "--plain") == 0;
	for (int i = 2; i < argc - plain; i += 2) {
		if (i + 1 < argc && strcmp(argv[i], "--seconds") == 0)
			seconds = strtoll(argv[i + 1], NULL, 10);
		else if (i + 1 < argc && strcmp(argv[i], "--seed") == 0)
			seed = strtoull(argv[i + 1], NULL, 10);
		else
			return usage();
	}
	return schedule_random(coverage, seed, seconds, plain);
}

int main(int argc, char **argv)
{
	struct coverage *coverage = calloc(1, sizeof(*coverage));
	int rc;
	if (!coverage)
		return 1;
	if (argc == 2 && strcmp(argv[1], "crash") == 0)
		rc = crash_all(coverage);
	else if (argc == 5 && strcmp(argv[1], "replay-crash") == 0)
		rc = crash_replay(coverage, argv[2], strtoull(argv[3], NULL, 10), strcmp(argv[4], "after") == 0);
	else if (argc >= 2 && strcmp(argv[1], "random") == 0)
		rc = random_mode(coverage, argc, argv);
	else if (argc >= 3 && strcmp(argv[1], "replay") == 0)
		rc = schedule_replay(coverage, strtoull(argv[2], NULL, 10),
				     argc == 5 && strcmp(argv[3], "--keep") == 0 ? argv[4] : NULL);
	else
		rc = usage();
	free(coverage);
	return rc;
}
