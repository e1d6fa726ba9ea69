/* What hosts and people wrote reaches a root terminal here: every text goes through printable(). */
#include "text.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "../common/base/attr.h"
#include "../common/base/clock.h"

#define RING 32
#define RESULT_MAX 1024

static bool terminal, colours;
static int64_t fixed_now_ms;
static char ring[RING][RESULT_MAX];

static char *next_result(void)
{
	static unsigned at;
	return ring[at++ % RING];
}

void text_init(void)
{
	const char *term = getenv("TERM"); /* NOLINT(concurrency-mt-unsafe): the command has one thread */
	terminal = isatty(STDOUT_FILENO) && term && strcmp(term, "dumb") != 0;
	colours = terminal && !getenv("NO_COLOR"); /* NOLINT(concurrency-mt-unsafe): the same */
}

bool text_is_terminal(void)
{
	return terminal;
}

int text_rows(void)
{
	struct winsize size;
	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_row : 0;
}

int text_columns(void)
{
	struct winsize size;
	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

void text_set_now(int64_t wall_ms)
{
	fixed_now_ms = wall_ms;
}

int64_t text_now(void)
{
	return fixed_now_ms ? fixed_now_ms : clock_wall_ms();
}

const char *text_time(int64_t wall_ms)
{
	char *out = next_result();
	time_t at = (time_t)(wall_ms / 1000), now = (time_t)(text_now() / 1000);
	struct tm a, b;
	localtime_r(&at, &a);
	localtime_r(&now, &b);
	bool today = a.tm_yday == b.tm_yday && a.tm_year == b.tm_year;
	strftime(out, RESULT_MAX, today ? "%H:%M:%S" : "%Y-%m-%d %H:%M:%S", &a);
	return out;
}

const char *text_span(int64_t span_ms)
{
	char *out = next_result();
	clock_format_span(span_ms < 0 ? 0 : span_ms, out, RESULT_MAX);
	return out;
}

const char *text_age(const json_t *object, const char *key)
{
	int64_t at_ms = text_int(object, key, -1);
	char *out = next_result();
	char span[32];
	if (at_ms < 0)
		return "never";
	int64_t age_ms = text_now() - at_ms;
	clock_format_span(age_ms < 0 ? 0 : age_ms, span, sizeof(span));
	snprintf(out, RESULT_MAX, "%s ago", span);
	return out;
}

static const char *printable(const char *text)
{
	char *out = next_result();
	size_t n = 0;
	for (; *text && n < RESULT_MAX - 1; text++) {
		unsigned char c = (unsigned char)*text;
		/* C1 controls (U+0080 to U+009F) steer terminals too. */
		bool c1 = c == 0xc2 && (unsigned char)text[1] >= 0x80 && (unsigned char)text[1] < 0xa0;
		out[n++] = c < ' ' || c == 0x7f || c1 ? '?' : *text;
		text += c1;
	}
	out[n] = '\0';
	return out;
}

const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text ? printable(text) : "";
}

int64_t text_int(const json_t *object, const char *key, int64_t otherwise)
{
	const json_t *value = json_object_get(object, key);
	return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

bool text_bool(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

const char *text_with(const char *format, const char *name)
{
	char *out = next_result();
	size_t n = (size_t)snprintf(out, RESULT_MAX, "%.*s: ", 80, name);
	for (; *format && n < RESULT_MAX - 100; format++) {
		if (format[0] == '%' && format[1] == 's') {
			n += (size_t)snprintf(out + n, RESULT_MAX - n, "%.*s", 80, name);
			format++;
		} else {
			out[n++] = *format;
		}
	}
	out[n] = '\0';
	return out;
}

void text_paint(enum paint paint)
{
	static const char *const codes[] = { "\033[0m", "\033[32m", "\033[1;31m", "\033[33m", "\033[2m", "\033[1m" };
	if (colours)
		fputs(codes[paint], stdout);
}

static int edge(void)
{
	const char *columns = getenv("COLUMNS"); /* NOLINT(concurrency-mt-unsafe): the same */
	long named = columns ? strtol(columns, NULL, 10) : 0;
	int width = terminal ? text_columns() : named > 0 && named < INT_MAX ? (int)named : 0;
	if (terminal && width <= 0)
		width = 80;
	return width > 0 && width < 40 ? 40 : width;
}

static int width_of(const char *text, size_t len)
{
	int width = 0;
	for (size_t i = 0; i < len; i++)
		width += ((unsigned char)text[i] & 0xc0) != 0x80;
	return width;
}

void text_flow(int column, int indent, const char *text)
{
	int width = edge();
	while (*text) {
		size_t blank = strspn(text, " "), word = strcspn(text + blank, " ");
		int wide = width_of(text + blank, word);
		if (width && column > indent && column + (int)blank + wide > width) {
			printf("\n%*s", indent, "");
			column = indent;
		} else {
			printf("%*s", (int)blank, "");
			column += (int)blank;
		}
		printf("%.*s", (int)word, text + blank);
		column += wide;
		text += blank + word;
	}
	putchar('\n');
}

void text_cell(const char *text, int width, enum paint paint)
{
	int used = width_of(text, strlen(text));
	if (paint != PAINT_NONE)
		text_paint(paint);
	fputs(text, stdout);
	if (paint != PAINT_NONE)
		text_paint(PAINT_NONE);
	printf("%*s", width > used ? width - used : 0, "");
}

enum paint paint_of_state(const char *state)
{
	static const struct {
		const char *state;
		enum paint paint;
	} rows[] = {
		{ "up", PAINT_GOOD },        { "done", PAINT_GOOD },     { "ok", PAINT_GOOD },
		{ "down", PAINT_BAD },       { "stuck", PAINT_BAD },     { "failed", PAINT_BAD },
		{ "wounded", PAINT_BAD },    { "suspect", PAINT_WARN },  { "unknown", PAINT_WARN },
		{ "promoting", PAINT_WARN }, { "promoted", PAINT_WARN }, { "failing-back", PAINT_WARN },
		{ "drilling", PAINT_WARN },  { "running", PAINT_WARN },  { "undoing", PAINT_WARN },
		{ "degraded", PAINT_WARN },  { "waiting", PAINT_DIM },   { "undone", PAINT_DIM },
		{ "skipped", PAINT_WARN },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (strcasecmp(rows[i].state, state) == 0)
			return rows[i].paint;
	return PAINT_NONE;
}
