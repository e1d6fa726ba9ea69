/*
 * Purpose:   when drills are due: a weekly time, spread by a jitter, not within blackouts. All in UTC.
 * Not its job: beginning a drill (engine/timetable.c), clocks.
 * Thread:    any (pure).   Ownership: values.   Errors: false from the parsers.
 * Units:     _ms milliseconds since 1970.
 */
#ifndef COLDMX_CALENDAR_H
#define COLDMX_CALENDAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CALENDAR_BLACKOUTS_MAX 8

struct calendar {
	uint8_t days; /* bit 0: Sunday; 0 = never */
	int minute;   /* of the day */
};

/* Whole days, both ends included. */
struct calendar_span {
	int64_t from_ms, to_ms; /* to: exclusive */
};

/* "Sun 03:30", "Mon,Thu 02:00", "daily 03:00"; "" = never. */
bool calendar_parse(const char *text, struct calendar *out);
/* "2026-12-20 2027-01-06" */
bool calendar_parse_span(const char *text, struct calendar_span *out);
/* The first time behind `after_ms`; INT64_MAX when there is none. */
int64_t calendar_next_ms(const struct calendar *c, int64_t after_ms);
bool calendar_in_spans(const struct calendar_span *spans, size_t n, int64_t wall_ms);
/* Below `jitter_ms`, the same for the same name and time, and spread over the names. */
int64_t calendar_jitter_ms(const char *name, int64_t due_ms, int64_t jitter_ms);

#endif
