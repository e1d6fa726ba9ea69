/* One line, one write; control characters from outside are shown as "?" so that nobody forges a line. */
#include "log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static _Atomic(int) highest_level = LOG_LEVEL_INFO;
static log_sink *sink_fn;
static void *sink_arg;

void log_set_level(enum log_level most_verbose)
{
	atomic_store(&highest_level, (int)most_verbose);
}

void log_set_sink(log_sink *sink, void *arg)
{
	sink_fn = sink;
	sink_arg = arg;
}

static void make_printable(char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			*s = '?';
}

void log_line(enum log_level level, const char *component, const char *fmt, ...)
{
	if ((int)level > atomic_load(&highest_level))
		return;
	char line[2048];
	va_list ap;
	va_start(ap, fmt);
	int n = snprintf(line, sizeof(line) - 1, "<%d>%s: ", (int)level, component);
	if (n > 0 && (size_t)n < sizeof(line) - 1)
		vsnprintf(line + n, sizeof(line) - 1 - (size_t)n, fmt, ap);
	va_end(ap);
	make_printable(line);
	if (sink_fn) {
		sink_fn(sink_arg, level, line + 3);
		return;
	}
	size_t len = strlen(line);
	line[len++] = '\n';
	if (write(STDERR_FILENO, line, len) < 0)
		return; /* nowhere left to say it */
}
