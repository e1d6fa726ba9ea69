/* Days are counted from 1970-01-01, a Thursday. UTC has no hour that comes twice or never. */
#include "calendar.h"

#include <stdio.h>
#include <string.h>

#include "../../common/base/mem.h"

#define MINUTE_MS ((int64_t)60 * 1000)
#define DAY_MS ((int64_t)24 * 60 * MINUTE_MS)
#define EVERY_DAY 0x7f

static const char *const names[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };

static bool take_digits(const char **at, size_t n, int *out)
{
	*out = 0;
	for (size_t i = 0; i < n; i++, ++*at) {
		if (**at < '0' || **at > '9')
			return false;
		*out = *out * 10 + (**at - '0');
	}
	return true;
}

static bool take_char(const char **at, char c)
{
	if (**at != c)
		return false;
	++*at;
	return true;
}

static bool take_day(const char **at, uint8_t *days)
{
	for (size_t d = 0; d < ARRAY_LEN(names); d++) {
		if (strncmp(*at, names[d], 3) != 0)
			continue;
		*at += 3;
		*days |= (uint8_t)(1u << d);
		return true;
	}
	return false;
}

static bool take_days(const char **at, uint8_t *days)
{
	if (strncmp(*at, "daily", 5) == 0) {
		*at += 5;
		*days = EVERY_DAY;
		return true;
	}
	do {
		if (!take_day(at, days))
			return false;
	} while (take_char(at, ','));
	return true;
}

bool calendar_parse(const char *text, struct calendar *out)
{
	int hour = 0, minute = 0;
	*out = (struct calendar){ 0 };
	if (!text[0])
		return true;
	if (!take_days(&text, &out->days) || !take_char(&text, ' ') || !take_digits(&text, 2, &hour) ||
	    !take_char(&text, ':') || !take_digits(&text, 2, &minute) || *text || hour > 23 || minute > 59)
		return false;
	out->minute = hour * 60 + minute;
	return true;
}

/* Days since 1970-01-01 of a date of the Gregorian calendar; March is the first month of its year. */
static int64_t days_of(int year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year, m = (month + 9) % 12;
	return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

static int month_length(int year, int month)
{
	static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return lengths[month - 1] + (month == 2 && leap);
}

static bool take_date(const char **at, int64_t *day)
{
	int y = 0, m = 0, d = 0;
	if (!take_digits(at, 4, &y) || !take_char(at, '-') || !take_digits(at, 2, &m) || !take_char(at, '-') ||
	    !take_digits(at, 2, &d) || y < 1970 || m < 1 || m > 12 || d < 1 || d > month_length(y, m))
		return false;
	*day = days_of(y, m, d);
	return true;
}

bool calendar_parse_span(const char *text, struct calendar_span *out)
{
	int64_t from = 0, to = 0;
	if (!take_date(&text, &from) || !take_char(&text, ' ') || !take_date(&text, &to) || *text || to < from)
		return false;
	*out = (struct calendar_span){ from * DAY_MS, (to + 1) * DAY_MS };
	return true;
}

int64_t calendar_next_ms(const struct calendar *c, int64_t after_ms)
{
	int64_t day = after_ms / DAY_MS;
	for (int64_t d = day; c->days && d <= day + 7; d++) {
		int64_t at_ms = d * DAY_MS + c->minute * MINUTE_MS;
		if (c->days >> (d + 4) % 7 & 1 && at_ms > after_ms)
			return at_ms;
	}
	return INT64_MAX;
}

bool calendar_in_spans(const struct calendar_span *spans, size_t n, int64_t wall_ms)
{
	for (size_t i = 0; i < n; i++)
		if (wall_ms >= spans[i].from_ms && wall_ms < spans[i].to_ms)
			return true;
	return false;
}

int64_t calendar_jitter_ms(const char *name, int64_t due_ms, int64_t jitter_ms)
{
	uint64_t hash = (uint64_t)due_ms * 0x9e3779b97f4a7c15u;
	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 0x100000001b3u;
	hash ^= hash >> 29;
	return jitter_ms > 0 ? (int64_t)(hash % (uint64_t)jitter_ms) : 0;
}
