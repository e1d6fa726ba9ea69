/* docs/openapi.yaml and the daemon say the same: every documented path answers, every answer has the members that are
 * documented and no others; and the metrics are the text that Prometheus reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../cli/cli.h"
#include "contract.h"
#include "fake_engine.h"

static struct fake engine;
static struct client *client;
static char dir[64], socket_path[96];

static json_t *get(const char *path)
{
	struct answer a;
	client_ask(client, path, NULL, &a);
	if (a.status != 200 || !a.json)
		fail_msg("%s: %ld %s", path, a.status, a.body);
	json_t *j = json_incref(a.json);
	answer_fini(&a);
	return j;
}

/* The objects below an answer, by a path of member names; "#" is the first item of an array. */
static void expect(const char *path, const char *inner, const char *schemas)
{
	char where[200], parts[80];
	json_t *root = get(path), *at = root;
	(void)str_copy(parts, sizeof(parts), inner);
	for (char *part = strtok(parts, "/"); part; part = strtok(NULL, "/"))
		at = strcmp(part, "#") == 0 ? json_array_get(at, 0) : json_object_get(at, part);
	snprintf(where, sizeof(where), "%s %s", path, inner);
	expect_exactly(at, schemas, where);
	json_decref(root);
}

static void test_members(void **state)
{
	(void)state;
	expect("/healthz", "", "Health");
	expect("/v1/status", "", "Status");
	expect("/v1/status", "controller", "Controller");
	expect("/v1/status", "brake", "Brake");
	expect("/v1/status", "brake/lift", "Hold");
	expect("/v1/status", "pairs/#", "Head Brief");
	expect("/v1/pairs/gamma", "", "Head Pair");
	expect("/v1/pairs/delta", "hold", "Hold");
	expect("/v1/pairs/gamma", "agents", "Agents");
	expect("/v1/pairs/gamma", "agents/standby", "Agent");
	expect("/v1/pairs/gamma", "standby_queue", "Queue");
	expect("/v1/pairs/gamma", "drill", "Drill");
	expect("/v1/pairs/delta", "operation", "Operation");
	expect("/v1/pairs/delta", "operation/steps/#", "Step");
	expect("/v1/pairs/delta", "operation/error", "Error");
	expect("/v1/pairs/alpha/explain", "", "Head Explanation");
	expect("/v1/pairs/alpha/explain", "conditions/#", "Condition");
	expect("/v1/pairs/alpha/history", "", "History");
	expect("/v1/pairs/alpha/history", "rows/#", "Row");
	expect("/v1/pairs/alpha/timings", "", "Timings");
	expect("/v1/pairs/alpha/timings", "wanted", "Wanted");
	expect("/v1/pairs/alpha/timings", "steps/#", "StepTimes");
	expect("/v1/pairs/alpha/timings", "operations/#", "OperationTimes");
	expect("/v1/operations", "operations/#", "Operation");
	expect("/v1/operations/11", "", "Operation");
	json_t *status = get("/v1/status");
	expect_exactly(json_object_get(json_array_get(json_object_get(status, "pairs"), 2), "operation"),
		       "BriefOperation", "/v1/status operation");
	json_decref(status);
}

static void test_commands_and_problems(void **state)
{
	(void)state;
	struct answer a;
	client_ask(client, "/v1/pairs/beta/plan", "{}", &a);
	assert_int_equal(a.status, 200);
	expect_exactly(a.json, "Answer", "plan");
	answer_fini(&a);
	client_ask(client, "/v1/brake/lift", "{\"reason\":\"x\"}", &a);
	assert_int_equal(a.status, 200);
	expect_exactly(a.json, "Answer", "brake lift");
	answer_fini(&a);
	client_ask(client, "/v1/pairs/alpha/brake-lift", "{\"reason\":\"x\"}", &a);
	assert_int_equal(a.status, 405);
	answer_fini(&a);
	client_ask(client, "/v1/pairs/alpha/failover", "{\"reason\":\"x\"}", &a);
	assert_int_equal(a.status, 409);
	expect_exactly(a.json, "Problem", "a refusal");
	answer_fini(&a);
}

/* A path of the document with names that are there: {pair}, {id}, {word}, {command}. */
static void fill_path(const char *at, char *out, size_t size)
{
	size_t n = 0;
	for (; *at != ':' && n < size - 8; at++) {
		if (*at != '{') {
			out[n++] = *at;
			continue;
		}
		n += (size_t)snprintf(out + n, size - n, "%s",
				      at[1] == 'p'   ? "beta"
				      : at[1] == 'i' ? "11"
				      : at[1] == 'w' ? "lift"
						     : "plan");
		at = strchr(at, '}');
	}
	out[n] = '\0';
}

static void test_every_documented_path_answers(void **state)
{
	(void)state;
	int paths = 0;
	for (const char *at = yaml; (at = strstr(at, "\n  /")); paths++) {
		char path[200];
		struct answer a;
		bool reads = strncmp(strchr(at + 1, '\n'), "\n    get:", 9) == 0;
		at += 3;
		fill_path(at, path, sizeof(path));
		/* what belongs to the agents' listener is not here (its own test: test_agent_api.c) */
		bool elsewhere = strncmp(path, "/v1/agent/", 10) == 0;
		client_ask(client, path, reads || elsewhere ? NULL : "{}", &a);
		if (a.status != (elsewhere ? 404 : 200))
			fail_msg("%s of docs/openapi.yaml answers %ld", path, a.status);
		answer_fini(&a);
	}
	assert_int_equal(paths, 15);
}

static bool ends_with(const char *text, size_t len, const char *end)
{
	return len >= strlen(end) && strncmp(text + len - strlen(end), end, strlen(end)) == 0;
}

/* A sample line: name, labels, number, and a HELP and a TYPE line of that name directly before its first. */
static void check_sample(const char *line, const char *declared)
{
	size_t len = strspn(line, "abcdefghijklmnopqrstuvwxyz_");
	char *end;
	const char *value = line + len;
	if (strncmp(line, "coldmx_", 7) != 0 || strlen(declared) != len || strncmp(declared, line, len) != 0)
		fail_msg("metrics: without HELP and TYPE of its own before it: %s", line);
	if (*value == '{')
		value = strchr(value, '}') ? strchr(value, '}') + 1 : value;
	assert_int_equal(*value, ' ');
	strtod(value + 1, &end);
	if (end == value + 1 || *end)
		fail_msg("metrics: no number: %s", line);
	if ((strstr(line, "_age_") || strstr(line, "timestamp")) && !ends_with(line, len, "_seconds"))
		fail_msg("metrics: a time without its unit: %s", line);
}

static void test_metrics_are_prometheus_text(void **state)
{
	(void)state;
	struct answer a;
	char declared[80] = "", helped[80] = "";
	int samples = 0;
	client_ask(client, "/metrics", NULL, &a);
	assert_int_equal(a.status, 200);
	assert_int_equal(a.body[strlen(a.body) - 1], '\n');
	for (char *line = strtok(a.body, "\n"); line; line = strtok(NULL, "\n")) {
		if (sscanf(line, "# HELP %79s ", helped) == 1)
			continue;
		if (sscanf(line, "# TYPE %79s gauge", declared) == 1) {
			assert_string_equal(declared, helped);
			continue;
		}
		check_sample(line, declared);
		samples++;
	}
	assert_true(samples > 4 * 20);
	answer_fini(&a);
}

static int set_up(void **state)
{
	(void)state;
	struct err e;
	snprintf(dir, sizeof(dir), "/tmp/coldmx-test-contract-XXXXXX");
	if (!mkdtemp(dir) || !contract_read())
		return -1;
	snprintf(socket_path, sizeof(socket_path), "%s/sock", dir);
	if (fake_start(&engine, socket_path, 1, &e) != ERR_OK)
		return -1;
	client = client_new(socket_path);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	client_free(client);
	fake_stop(&engine);
	contract_forget();
	unlink(socket_path);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_commands_and_problems),
		cmocka_unit_test(test_every_documented_path_answers),
		cmocka_unit_test(test_metrics_are_prometheus_text),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
