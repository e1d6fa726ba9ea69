/* JSON text, and views that outlive each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>

#include "../../common/base/json.h"
#include "../../controller/surface/status_json.h"
#include "../../controller/surface/views.h"
#include "tool_view.h"

static json_t *parse(const char *text)
{
	json_error_t e;
	json_t *j = json_loads(text, JSON_REJECT_DUPLICATES, &e);
	if (!j)
		fail_msg("not JSON: %s: %.300s", e.text, text);
	return j;
}

static void test_json_escapes(void **state)
{
	(void)state;
	struct strbuf out = STRBUF_INIT;
	struct json j;
	json_init(&j, &out);
	json_open_array(&j, NULL);
	json_put_string(&j, NULL, "a\"b\\c\n\t\x01\x7f");
	json_put_string(&j, NULL, "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x93\xa7");
	json_put_string(&j, NULL, "bad \xff\xc3 \xed\xa0\x80 \xc0\x80");
	json_open_object(&j, NULL);
	json_close_object(&j);
	json_put_int(&j, NULL, -5);
	json_close_array(&j);
	json_t *parsed = parse(strbuf_str(&out));
	assert_string_equal(json_string_value(json_array_get(parsed, 0)), "a\"b\\c\n\t\x01\x7f");
	assert_string_equal(json_string_value(json_array_get(parsed, 1)), "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x93\xa7");
	assert_int_equal(json_array_size(parsed), 5);
	json_decref(parsed);
	strbuf_fini(&out);
}

static void test_view_outlives_its_successor(void **state)
{
	(void)state;
	struct pair_view pv;
	struct views *own = views_new(2, "/var/lib/coldmx/stranded");
	sample_view(1, "alpha", &pv);
	assert_null(views_get(own, 1));
	views_publish(own, &pv);
	struct view *old = views_find(own, "alpha");
	pv.epoch = 4;
	views_publish(own, &pv);
	struct view *now = views_get(own, 1);
	assert_int_equal(old->epoch, 3);
	assert_int_equal(now->epoch, 4);
	assert_true(now->version > old->version);
	assert_non_null(strstr(old->full.text, "\"epoch\":3"));
	assert_null(views_get(own, 2));
	assert_null(views_get(own, 3));
	assert_null(views_find(own, "beta"));
	view_put(old);
	view_put(now);
	views_free(own);
}

static void test_facts_have_times(void **state)
{
	(void)state;
	struct pair_view pv;
	struct strbuf out = STRBUF_INIT;
	sample_view(1, "alpha", &pv);
	status_json_pair(&pv, "/s", &out);
	json_t *j = parse(strbuf_str(&out));
	json_t *agents = json_object_get(j, "agents");
	assert_int_equal(json_integer_value(json_object_get(json_object_get(agents, "primary"), "at_ms")),
			 pv.built_wall_ms - 4000);
	assert_true(json_is_null(json_object_get(agents, "standby")));
	assert_true(json_is_null(json_object_get(json_object_get(j, "standby_queue"), "messages")));
	json_decref(j);
	strbuf_reset(&out);
	status_json_explain(&pv, &out);
	j = parse(strbuf_str(&out));
	json_t *conditions = json_object_get(j, "conditions");
	assert_int_equal(json_array_size(conditions), 6);
	assert_true(json_is_null(json_object_get(json_array_get(conditions, 4), "at_ms")));
	json_decref(j);
	strbuf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_escapes),
		cmocka_unit_test(test_view_outlives_its_successor),
		cmocka_unit_test(test_facts_have_times),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
