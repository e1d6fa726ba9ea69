/*
 * Purpose:   the clocks: BOOTTIME for waits, REALTIME for what people read, MONOTONIC to notice suspension.
 * Not its job: policy on suspension (engine).
 * Thread:    any.   Units: milliseconds.   Errors: none.
 */
#ifndef COLDMX_CLOCK_H
#define COLDMX_CLOCK_H

#include <stddef.h>
#include <stdint.h>

int64_t clock_boot_ms(void); /* CLOCK_BOOTTIME: every deadline */
int64_t clock_mono_ms(void); /* CLOCK_MONOTONIC: stands still while suspended */
int64_t clock_wall_ms(void); /* CLOCK_REALTIME, since 1970 */

/* "2026-11-24T10:18:58.123Z" into out[size]; size >= 25. */
void clock_format_utc(int64_t wall_ms, char *out, size_t size);
/* "1.2 s", "340 ms", "5 min", "3 h" for people. */
void clock_format_span(int64_t span_ms, char *out, size_t size);

#endif
