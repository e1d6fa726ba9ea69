/*
 * Purpose:   text for people: ages, times, colours, tables, and nothing that could steer their
 *            terminal.
 * Not its job: what is said.
 * Thread:    one (static buffers in a ring: the last 32 results live).
 * Ownership: results are borrowed; what is needed for long is asked for again.   Units: _ms, wall
 *            clock since 1970.
 */
#ifndef COLDMX_CLI_TEXT_H
#define COLDMX_CLI_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum paint { PAINT_NONE, PAINT_GOOD, PAINT_BAD, PAINT_WARN, PAINT_DIM, PAINT_BOLD };

void text_init(void); /* is standard output a terminal that has colours */
bool text_is_terminal(void);
int text_rows(void); /* of the terminal; 0 = unknown */
int text_columns(void);
/* A line that begins at `column` already, broken at spaces before the edge and going on at `indent`. The edge is the
 * terminal's, or $COLUMNS; without either nothing is broken, so that grep finds it. */
void text_flow(int column, int indent, const char *text);
void text_set_now(int64_t wall_ms); /* 0: the clock's */
int64_t text_now(void);

/* "12:03:04", with the date when it is not today's. */
const char *text_time(int64_t wall_ms);
const char *text_span(int64_t span_ms);
/* "4.0 s ago" of a time member; "never" when it is null. */
const char *text_age(const json_t *object, const char *key);
/* A member as printable text; "" when absent or null. Control characters are shown as "?". */
const char *text_of(const json_t *object, const char *key);
int64_t text_int(const json_t *object, const char *key, int64_t otherwise);
bool text_bool(const json_t *object, const char *key);

/* "NAME: " and `format` with the name for each %s. */
const char *text_with(const char *format, const char *name);

void text_paint(enum paint paint); /* PAINT_NONE ends it */
/* Padded to `width`, painted without the padding. */
void text_cell(const char *text, int width, enum paint paint);
enum paint paint_of_state(const char *state); /* pair states, verdicts, step states, operation states */

#endif
