/* Times out of a journal: percentiles, what never ended, what a restart made longer, objectives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>

#include "../../common/base/mem.h"
#include "../../controller/surface/timings.h"

#define OPS 10

static json_t *timings(const struct record *rows, size_t n)
{
	struct strbuf out = STRBUF_INIT;
	json_error_t where;
	timings_json("mail-a", &(struct timings_wanted){ 0, 1000 }, rows, n, &out);
	json_t *root = json_loads(strbuf_str(&out), 0, &where);
	strbuf_fini(&out);
	assert_non_null(root);
	return root;
}

static int64_t number(const json_t *of, const char *key)
{
	assert_true(json_is_integer(json_object_get(of, key)));
	return json_integer_value(json_object_get(of, key));
}

/* Ten promotions whose first step took 1 s, 2 s, ... 10 s. */
static void the_median_and_the_90th_percentile_are_values_that_were_seen(void **state)
{
	static char body[2 * OPS][120];
	struct record rows[3 * OPS];
	size_t n = 0;
	(void)state;
	for (uint64_t op = 1; op <= OPS; op++)
		rows[n++] =
			(struct record){ .kind = RECORD_OPERATION,
					 .op = op,
					 .body = "status=ended-done\nkind=promote\nbegan_wall_ms=5000\nstep=guard\n" };
	for (uint64_t op = 1; op <= OPS; op++) {
		snprintf(body[2 * op - 2], sizeof(body[0]), "ev=begin\nstep=0\nwall_ms=5000\n");
		snprintf(body[2 * op - 1], sizeof(body[0]), "ev=done\nstep=0\nwall_ms=%d\n", 5000 + 1000 * (int)op);
		for (size_t k = 2; k >= 1; k--)
			rows[n++] = (struct record){ .kind = RECORD_JOURNAL, .op = op, .body = body[2 * op - k] };
	}
	json_t *root = timings(rows, n);
	const json_t *step = json_array_get(json_object_get(root, "steps"), 0);
	assert_int_equal(number(step, "count"), OPS);
	assert_int_equal(number(step, "p50_ms"), 5000);
	assert_int_equal(number(step, "p90_ms"), 9000);
	assert_int_equal(number(step, "max_ms"), 10000);
	assert_int_equal(json_array_size(json_object_get(root, "operations")), OPS);
	json_decref(root);
}

static void what_was_skipped_undone_or_never_ended_gives_no_time(void **state)
{
	static const struct record rows[] = {
		{ .kind = RECORD_OPERATION,
		  .op = 1,
		  .body = "status=undone\nkind=promote\nbegan_wall_ms=100\nstep=guard\nstep=fence\nstep=open-port\n"
			  "step=verify-dns\n" },
		{ .kind = RECORD_JOURNAL, .op = 1, .body = "ev=begin\nstep=1\nwall_ms=100\n" },
		{ .kind = RECORD_JOURNAL, .op = 1, .body = "ev=skip\nstep=1\nwall_ms=200\n" },
		{ .kind = RECORD_JOURNAL, .op = 1, .body = "ev=done\nstep=1\nwall_ms=200\n" },
		{ .kind = RECORD_JOURNAL, .op = 1, .body = "ev=begin\nstep=0\nwall_ms=100\n" },
		{ .kind = RECORD_JOURNAL, .op = 1, .body = "ev=stuck\nstep=0\nwall_ms=110\n" },
		{ .kind = RECORD_JOURNAL, .op = 1, .body = "ev=done\nstep=0\nwall_ms=99999\n" },
		{ .kind = RECORD_JOURNAL, .op = 1, .body = "ev=begin\nstep=3\nwall_ms=100\n" },
		{ .kind = RECORD_JOURNAL, .op = 1, .body = "ev=skip\nstep=3\nwall_ms=200\n" },
		{ .kind = RECORD_JOURNAL, .op = 1, .body = "ev=done\nstep=3\nwall_ms=200\n" },
		{ .kind = RECORD_JOURNAL, .op = 1, .body = "ev=begin\nstep=2\nwall_ms=200\n" },
		{ .kind = RECORD_JOURNAL, .op = 1, .body = "ev=undone\nstep=2\nwall_ms=300\n" },
		{ .kind = RECORD_JOURNAL, .op = 1, .body = "ev=done\nstep=99\nwall_ms=400\n" },
		{ .kind = RECORD_JOURNAL, .op = 9, .body = "ev=done\nstep=0\nwall_ms=400\n" },
		{ .kind = RECORD_JOURNAL, .op = 1, .body = "no journal" },
	};
	(void)state;
	json_t *root = timings(rows, ARRAY_LEN(rows));
	const json_t *op = json_array_get(json_object_get(root, "operations"), 0);
	assert_int_equal(json_array_size(json_object_get(root, "steps")), 0);
	assert_string_equal(json_string_value(json_object_get(op, "status")), "undone");
	assert_true(json_is_null(json_object_get(op, "open_ms")));
	assert_true(json_is_null(json_object_get(op, "told_ms")));
	assert_true(json_is_null(json_object_get(json_object_get(root, "wanted"), "time_ms")));
	assert_int_equal(number(json_object_get(root, "wanted"), "data_age_ms"), 1000);
	json_decref(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_median_and_the_90th_percentile_are_values_that_were_seen),
		cmocka_unit_test(what_was_skipped_undone_or_never_ended_gives_no_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
