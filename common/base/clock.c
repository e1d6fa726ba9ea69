/* See clock.h. */
#include "clock.h"

#include <stdio.h>
#include <time.h>

static int64_t read_ms(clockid_t id)
{
	struct timespec ts;
	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t clock_boot_ms(void)
{
	return read_ms(CLOCK_BOOTTIME);
}

int64_t clock_mono_ms(void)
{
	return read_ms(CLOCK_MONOTONIC);
}

int64_t clock_wall_ms(void)
{
	return read_ms(CLOCK_REALTIME);
}

void clock_format_utc(int64_t wall_ms, char *out, size_t size)
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;
	char date[24];
	gmtime_r(&seconds, &tm);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out, size, "%s.%03dZ", date, (int)(wall_ms % 1000));
}

void clock_format_span(int64_t span_ms, char *out, size_t size)
{
	if (span_ms < 1000)
		snprintf(out, size, "%d ms", (int)span_ms);
	else if (span_ms < 120000)
		snprintf(out, size, "%.1f s", (double)span_ms / 1000.0);
	else if (span_ms < INT64_C(2) * 3600000)
		snprintf(out, size, "%lld min", (long long)(span_ms / 60000));
	else if (span_ms < 2 * 86400000LL)
		snprintf(out, size, "%lld h", (long long)(span_ms / 3600000));
	else
		snprintf(out, size, "%lld days", (long long)(span_ms / 86400000));
}
