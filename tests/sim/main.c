/* `sim crash`, `sim random`, `sim replay`: see usage. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crash.h"

static int usage(void)
{
	fprintf(stderr, "usage: sim crash\n"
			"       sim random [--seconds N] [--seed S]\n"
			"       sim replay SEED [--keep N,N,...]\n"
			"       sim replay-crash SCENARIO POINT before|after\n");
	return 2;
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
	else
		rc = usage();
	free(coverage);
	return rc;
}
