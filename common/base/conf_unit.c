/* Numbers with units: the largest unit that divides evenly is how a value is printed. */
#include "conf.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct unit {
	const char *name;
	int64_t factor;
};

/* Largest first. No "m": it could be minutes or months. */
static const struct unit durations[] = {
	{ "d", 86400000 }, { "h", 3600000 }, { "min", 60000 }, { "s", 1000 }, { "ms", 1 },
};
static const struct unit sizes[] = {
	{ "GiB", 1LL << 30 }, { "GB", 1000000000 }, { "MiB", 1 << 20 }, { "MB", 1000000 },
	{ "KiB", 1024 },      { "KB", 1000 },       { "B", 1 },
};

static bool parse_with_unit(const char *text, const struct unit *units, size_t n, int64_t *out)
{
	char *end;
	errno = 0;
	if (!isdigit((unsigned char)text[0]))
		return false;
	long long number = strtoll(text, &end, 10);
	if (errno || end == text)
		return false;
	while (*end == ' ')
		end++;
	for (size_t i = 0; i < n; i++)
		if (strcmp(end, units[i].name) == 0)
			return !__builtin_mul_overflow(number, units[i].factor, out);
	return false;
}

bool conf_parse_duration(const char *text, int64_t *out_ms)
{
	return parse_with_unit(text, durations, ARRAY_LEN(durations), out_ms);
}

bool conf_parse_size(const char *text, int64_t *out_bytes)
{
	return parse_with_unit(text, sizes, ARRAY_LEN(sizes), out_bytes);
}

static void format_with(int64_t value, const struct unit *units, size_t n, struct strbuf *out)
{
	size_t i = 0;
	while (i + 1 < n && (value == 0 || value % units[i].factor))
		i++;
	if (value == 0)
		i = n > 1 ? n - 2 : 0; /* "0 s" reads better than "0 ms" */
	strbuf_addf(out, "\"%lld %s\"", (long long)(value / units[i].factor), units[i].name);
}

void conf_format_duration(int64_t ms, struct strbuf *out)
{
	format_with(ms, durations, ARRAY_LEN(durations), out);
}

void conf_format_size(int64_t bytes, struct strbuf *out)
{
	format_with(bytes, sizes, ARRAY_LEN(sizes), out);
}
