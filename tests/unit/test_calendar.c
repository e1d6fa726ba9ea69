/* Weekly times in UTC, blackouts, jitter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../common/base/mem.h"
#include "../../controller/core/calendar.h"

#define HOUR_MS ((int64_t)3600 * 1000)
#define DAY_MS (24 * HOUR_MS)
#define WEDNESDAY_MS ((int64_t)1795564800000) /* 2026-11-25 00:00 UTC */

static void a_time_is_read_strictly(void **state)
{
	static const char *const bad[] = { "Sun",        "Sun 3:30",       "Sun 24:00",  "sun 03:30",
					   "Sun 03:60",  "Sun, Mon 03:30", "Sun 03:30 ", "03:30",
					   "daily03:00", "Sun  03:30" };
	struct calendar c;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (calendar_parse(bad[i], &c))
			fail_msg("\"%s\" is taken", bad[i]);
	assert_true(calendar_parse("", &c));
	assert_true(calendar_next_ms(&c, WEDNESDAY_MS) == INT64_MAX);
	assert_true(calendar_parse("Mon,Thu 02:00", &c));
	assert_int_equal(c.days, 1 << 1 | 1 << 4);
}

static void the_next_time_is_behind_the_present_one(void **state)
{
	struct calendar c;
	(void)state;
	assert_true(calendar_parse("Wed 03:30", &c));
	int64_t today_ms = WEDNESDAY_MS + 3 * HOUR_MS + HOUR_MS / 2;
	assert_true(calendar_next_ms(&c, WEDNESDAY_MS) == today_ms);
	assert_true(calendar_next_ms(&c, today_ms - 1) == today_ms);
	assert_true(calendar_next_ms(&c, today_ms) == today_ms + 7 * DAY_MS);
	assert_true(calendar_parse("Tue,Fri 00:00", &c));
	assert_true(calendar_next_ms(&c, WEDNESDAY_MS) == WEDNESDAY_MS + 2 * DAY_MS);
	assert_true(calendar_parse("daily 23:59", &c));
	assert_true(calendar_next_ms(&c, WEDNESDAY_MS) == WEDNESDAY_MS + DAY_MS - 60000);
}

static void a_blackout_has_both_of_its_days(void **state)
{
	static const char *const bad[] = { "2026-11-25",
					   "2026-11-25 2026-11-24",
					   "2026-02-29 2026-03-01",
					   "2026-13-01 2026-13-02",
					   "2026-11-25  2026-11-26",
					   "2026-11-25 2026-11-26 " };
	struct calendar_span s;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (calendar_parse_span(bad[i], &s))
			fail_msg("\"%s\" is taken", bad[i]);
	assert_true(calendar_parse_span("2028-02-29 2028-02-29", &s)); /* a leap year's */
	assert_true(calendar_parse_span("2026-11-25 2026-11-26", &s));
	assert_true(s.from_ms == WEDNESDAY_MS);
	assert_false(calendar_in_spans(&s, 1, WEDNESDAY_MS - 1));
	assert_true(calendar_in_spans(&s, 1, WEDNESDAY_MS));
	assert_true(calendar_in_spans(&s, 1, WEDNESDAY_MS + 2 * DAY_MS - 1));
	assert_false(calendar_in_spans(&s, 1, WEDNESDAY_MS + 2 * DAY_MS));
}

static void jitter_spreads_and_repeats(void **state)
{
	char name[] = "mail-a";
	bool seen[4] = { false };
	(void)state;
	for (int i = 0; i < 26; i++) {
		name[5] = (char)('a' + i);
		int64_t jitter_ms = calendar_jitter_ms(name, WEDNESDAY_MS, 4000);
		assert_true(jitter_ms >= 0 && jitter_ms < 4000);
		assert_true(jitter_ms == calendar_jitter_ms(name, WEDNESDAY_MS, 4000));
		seen[jitter_ms / 1000] = true;
	}
	assert_true(seen[0] && seen[1] && seen[2] && seen[3]);
	assert_true(calendar_jitter_ms(name, WEDNESDAY_MS, 0) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_time_is_read_strictly),
		cmocka_unit_test(the_next_time_is_behind_the_present_one),
		cmocka_unit_test(a_blackout_has_both_of_its_days),
		cmocka_unit_test(jitter_spreads_and_repeats),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
