/* The runbook comes from coldmxd's program and the configuration, not from the running controller: on the day that it is
 * needed, that one is gone. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

/* Beside us, or in sbin when we are in bin. */
static void run_program(const char *const argv[])
{
	static const char *const places[] = { "coldmxd", "../sbin/coldmxd" };
	char self[PATH_MAX], path[PATH_MAX + 32];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	while (len > 0 && self[len - 1] != '/')
		len--;
	for (size_t i = 0; len > 0 && i < ARRAY_LEN(places); i++) {
		snprintf(path, sizeof(path), "%.*s%s", (int)len, self, places[i]);
		execv(path, (char *const *)(uintptr_t)argv);
		if (errno != ENOENT)
			break;
	}
	fputs("coldmx: the runbook is made by coldmxd's program, which must stand beside this one\n", stderr);
}

int runbook_run(const struct cli_options *o)
{
	const char *const argv[] = { "coldmxd", "-c", o->config, o->failback ? "--runbook-back" : "--runbook",
				     o->pair,   NULL };
	run_program(argv);
	return CLI_FAILED;
}
