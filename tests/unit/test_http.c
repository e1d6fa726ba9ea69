/* The HTTP surface over real sockets, with a scripted engine behind it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../controller/surface/http.h"
#include "tool_view.h"

static char dir[64], socket_path[96];
static struct views *vs;
static struct http *server;

/* What the scripted engine was asked last, and how it answers. */
static struct command asked;
static int asks;
static enum manner { ANSWER_AT_ONCE, ANSWER_FROM_THREAD, ANSWER_NEVER } manner;
static struct command_answer scripted = { .text = "" };
static command_cb *late_cb;
static void *late_arg;

static void *answer_thread(void *arg)
{
	late_cb(arg, &scripted);
	return NULL;
}

static void fake_command(void *ctx, const struct command *cmd, command_cb *cb, void *arg)
{
	(void)ctx;
	pthread_t thread;
	asked = *cmd;
	__atomic_add_fetch(&asks, 1, __ATOMIC_SEQ_CST);
	late_cb = cb;
	late_arg = arg;
	switch (manner) {
	case ANSWER_AT_ONCE: cb(arg, &scripted); return;
	case ANSWER_FROM_THREAD:
		if (pthread_create(&thread, NULL, answer_thread, arg) == 0)
			pthread_detach(thread);
		return;
	case ANSWER_NEVER: return;
	}
}

static void fake_history(void *ctx, const char *pair, uint32_t limit, history_cb *cb, void *arg)
{
	(void)ctx;
	(void)pair;
	(void)limit;
	struct err ok = { 0 };
	/* clang-format off */
	struct record rows[2] = {
		{.kind = RECORD_AUDIT,
		 .pair = 1,
		 .seq = 1,
		 .body = "wall_ms=1790000000000\nwho=root (uid "
			 "0)\nwhat=hold\nwhy=\"quoted\"\nepoch=3\n"},
		{.kind = RECORD_AUDIT,
		 .pair = 1,
		 .seq = 2,
		 .body = "wall_ms=1790000000500\nwhat=release\n"},
	};
	/* clang-format on */
	cb(arg, &ok, rows, 2);
}

static void fake_timings(void *ctx, const char *pair, timings_cb *cb, void *arg)
{
	(void)ctx;
	(void)pair;
	cb(arg, NULL, "{}");
}

static const struct http_ops ops = { fake_command, fake_history, fake_timings };

struct got {
	int status;
	char head[4096];
	char body[65536];
};

static int dial(bool local)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				  .sin_port = htons(http_tcp_port(server)) };
	int fd = socket(local ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)str_copy(un.sun_path, sizeof(un.sun_path), socket_path);
	assert_int_equal(local ? connect(fd, (struct sockaddr *)&un, sizeof(un))
			       : connect(fd, (struct sockaddr *)&in, sizeof(in)),
			 0);
	struct timeval limit = { .tv_sec = 10 };
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	return fd;
}

static void receive(int fd, struct got *g)
{
	static char all[70000];
	size_t len = 0;
	ssize_t n;
	while (len < sizeof(all) - 1 && (n = read(fd, all + len, sizeof(all) - 1 - len)) > 0)
		len += (size_t)n;
	all[len] = '\0';
	close(fd);
	memset(g, 0, sizeof(*g));
	char *body = strstr(all, "\r\n\r\n");
	if (!body)
		return;
	*body = '\0';
	(void)str_copy(g->head, sizeof(g->head), all);
	(void)str_copy(g->body, sizeof(g->body), body + 4);
	g->status = atoi(g->head + strlen("HTTP/1.1 "));
}

static void send_request(int fd, const char *method, const char *path, const char *extra, const char *body)
{
	struct strbuf text = STRBUF_INIT;
	strbuf_addf(&text, "%s %s HTTP/1.1\r\n%sConnection: close\r\n", method, path,
		    extra ? extra : "Host: localhost\r\n");
	if (body)
		strbuf_addf(&text, "Content-Length: %zu\r\n", strlen(body));
	strbuf_addf(&text, "\r\n%s", body ? body : "");
	assert_int_equal(write(fd, text.data, text.len), (ssize_t)text.len);
	strbuf_fini(&text);
}

static void request(bool local, const char *method, const char *path, const char *extra, const char *body,
		    struct got *g)
{
	int fd = dial(local);
	send_request(fd, method, path, extra, body);
	receive(fd, g);
}

static json_t *parse(const char *text)
{
	json_error_t e;
	json_t *j = json_loads(text, JSON_REJECT_DUPLICATES, &e);
	if (!j)
		fail_msg("not JSON: %s: %.300s", e.text, text);
	return j;
}

static void expect_problem(const struct got *g, int status, const char *code, const char *detail)
{
	if (g->status != status)
		fail_msg("wanted %d, got %d: %s", status, g->status, g->body);
	assert_non_null(strstr(g->head, "application/problem+json"));
	json_t *j = parse(g->body);
	assert_int_equal(json_integer_value(json_object_get(j, "status")), status);
	assert_string_equal(json_string_value(json_object_get(j, "code")), code);
	if (!strstr(json_string_value(json_object_get(j, "detail")), detail))
		fail_msg("wanted \"%s\", got %s", detail, g->body);
	json_decref(j);
}

static void test_reads(void **state)
{
	(void)state;
	static const char *const paths[] = { "/healthz",
					     "/v1/status",
					     "/v1/pairs/alpha",
					     "/v1/pairs/alpha/explain",
					     "/v1/pairs/alpha/history",
					     "/v1/operations",
					     "/v1/operations/7" };
	struct got g;
	for (int local = 0; local < 2; local++) {
		for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
			request(local, "GET", paths[i], NULL, NULL, &g);
			if (g.status != 200)
				fail_msg("%s: %d %s", paths[i], g.status, g.body);
			json_decref(parse(g.body));
			request(local, "HEAD", paths[i], NULL, NULL, &g);
			assert_int_equal(g.status, 200);
			assert_string_equal(g.body, "");
		}
	}
	request(false, "GET", "/metrics", NULL, NULL, &g);
	assert_int_equal(g.status, 200);
	assert_non_null(strstr(g.body, "coldmx_pair_state{pair=\"alpha\",state=\"up\"} 1\n"));
	assert_non_null(strstr(g.body, "coldmx_primary_verdict{pair=\"alpha\",verdict=\"down\"} 0\n"));
	assert_null(strstr(g.body, "coldmx_standby_queue_messages{")); /* unknown is left out, never 0 */
	request(true, "GET", "/v1/pairs/alpha/history", NULL, NULL, &g);
	assert_non_null(strstr(g.body, "\"why\":\"\\\"quoted\\\"\""));
	assert_non_null(strstr(g.body, "\"wall_ms\":1790000000000"));
}

static void test_etag(void **state)
{
	(void)state;
	struct got g;
	char extra[256];
	struct pair_view pv;
	request(true, "GET", "/v1/pairs/alpha", NULL, NULL, &g);
	char *tag = strstr(g.head, "ETag: ");
	assert_non_null(tag);
	tag[strcspn(tag, "\r")] = '\0';
	snprintf(extra, sizeof(extra), "Host: localhost\r\nIf-None-Match: %s\r\n", tag + 6);
	request(true, "GET", "/v1/pairs/alpha", extra, NULL, &g);
	assert_int_equal(g.status, 304);
	assert_string_equal(g.body, "");
	sample_view(1, "alpha", &pv);
	pv.has_op = true;
	pv.op.op = 7;
	views_publish(vs, &pv);
	request(true, "GET", "/v1/pairs/alpha", extra, NULL, &g);
	assert_int_equal(g.status, 200);
}

static void test_refusals(void **state)
{
	(void)state;
	struct got g;
	int before = asks;
	request(true, "GET", "/v1/pairs/alpha/failover", NULL, NULL, &g);
	expect_problem(&g, 405, "invalid", "GET changes nothing");
	assert_non_null(strstr(g.head, "Allow: POST"));
	request(false, "POST", "/v1/pairs/alpha/failover", NULL, "{\"reason\":\"x\"}", &g);
	expect_problem(&g, 403, "denied", "UNIX socket only");
	request(true, "DELETE", "/v1/pairs/alpha", NULL, NULL, &g);
	expect_problem(&g, 405, "invalid", "only GET");
	request(true, "POST", "/v1/status", NULL, "{}", &g);
	expect_problem(&g, 405, "invalid", "only GET");
	request(true, "GET", "/v1/pairs/none", NULL, NULL, &g);
	expect_problem(&g, 404, "not-found", "no pair is named");
	request(true, "GET", "/v1/pairs/alpha/explain/more", NULL, NULL, &g);
	expect_problem(&g, 404, "not-found", "nothing");
	request(true, "GET", "//", NULL, NULL, &g);
	expect_problem(&g, 404, "not-found", "nothing");
	request(true, "GET", "/v1/operations/99", NULL, NULL, &g);
	expect_problem(&g, 404, "not-found", "operation 99");
	request(true, "GET", "/v1/operations/-7", NULL, NULL, &g);
	expect_problem(&g, 404, "not-found", "operation");
	request(false, "GET", "/v1/status", "Host: evil.example\r\n", NULL, &g);
	expect_problem(&g, 421, "denied", "Host header");
	request(false, "GET", "/v1/status", "X: y\r\n", NULL, &g); /* no Host: libmicrohttpd would take it */
	assert_true(g.status == 421 || g.status == 400);
	assert_int_equal(asks, before);
}

static void test_bodies(void **state)
{
	(void)state;
	static const struct {
		const char *body, *detail;
	} bad[] = {
		{ "{", "body: line" },
		{ "[]", "must be a JSON object" },
		{ "{\"reason\":7}", "\"reason\" must be" },
		{ "{\"reason\":\"a\\nb\"}", "control characters" },
		{ "{\"reason\":\"a\\u0000b\"}", "body" },
		{ "{\"force\":true}", "unknown member \"force\"" },
		{ "{\"dry_run\":1}", "true or false" },
		{ "{\"plan\":7}", "\"plan\" must be" },
		{ "{\"skip\":true}", "\"skip\" must be" },
		{ "{\"expires_ms\":-1}", "milliseconds" },
		{ "{\"reason\":\"a\",\"reason\":\"b\"}", "body" },
	};
	struct got g;
	int before = asks;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		request(true, "POST", "/v1/pairs/alpha/hold", NULL, bad[i].body, &g);
		expect_problem(&g, 400, "invalid", bad[i].detail);
	}
	char *large = mem_calloc(20001, 1);
	memset(large, ' ', 20000);
	request(true, "POST", "/v1/pairs/alpha/hold", NULL, large, &g);
	expect_problem(&g, 413, "invalid", "more than");
	free(large);
	assert_int_equal(asks, before);
}

static void test_commands(void **state)
{
	(void)state;
	struct got g;
	for (int m = ANSWER_AT_ONCE; m <= ANSWER_FROM_THREAD; m++) {
		manner = (enum manner)m;
		scripted = (struct command_answer){ .op = 42, .text = "" };
		request(true, "POST", "/v1/pairs/alpha/failover", NULL, "{\"reason\":\"disk died\",\"dry_run\":false}",
			&g);
		assert_int_equal(g.status, 202);
		assert_non_null(strstr(g.body, "\"operation\":42"));
		assert_int_equal(asked.kind, CMD_FAILOVER);
		assert_string_equal(asked.pair, "alpha");
		assert_string_equal(asked.reason, "disk died");
		assert_non_null(strstr(asked.who, "(uid "));
		scripted = (struct command_answer){ .text = "step 1\nstep 2\n", .token = "0a1b-2c" };
		request(true, "POST", "/v1/pairs/alpha/plan", NULL, "{\"failback\":true,\"plan\":\"0c-1\"}", &g);
		assert_int_equal(g.status, 200);
		assert_string_equal(asked.plan, "0c-1");
		assert_non_null(strstr(g.body, "\"token\":\"0a1b-2c\""));
		assert_non_null(strstr(g.body, "step 1\\nstep 2\\n"));
		assert_true(asked.failback);
		err_set(&scripted.err, ERR_BLOCKED, "the primary answers");
		snprintf(scripted.rule, sizeof(scripted.rule), "up-refuses");
		snprintf(scripted.hint, sizeof(scripted.hint), "coldmx explain alpha");
		request(true, "POST", "/v1/pairs/alpha/failover", NULL, "{\"reason\":\"x\"}", &g);
		expect_problem(&g, 409, "blocked", "the primary answers");
		assert_non_null(strstr(g.body, "\"rule\":\"up-refuses\",\"hint\":\"coldmx explain alpha\""));
		request(true, "POST", "/v1/pairs/alpha/resume", NULL, "{\"reason\":\"x\",\"skip\":\"verify-dns\"}", &g);
		assert_int_equal(asked.kind, CMD_RESUME);
		assert_string_equal(asked.skip, "verify-dns");
		err_set(&scripted.err, ERR_NOT_FOUND, "no pair is named \"zeta\"");
		request(true, "POST", "/v1/pairs/zeta/ack", NULL, NULL, &g);
		expect_problem(&g, 404, "not-found", "zeta");
	}
}

/* The loop never answers: the deadline does, and the late answer reaches nobody and breaks nothing.
 */
static void test_silent_loop(void **state)
{
	(void)state;
	struct got g;
	manner = ANSWER_NEVER;
	scripted = (struct command_answer){ .op = 1, .text = "late" };
	int before = __atomic_load_n(&asks, __ATOMIC_SEQ_CST);
	int fd = dial(true);
	send_request(fd, "POST", "/v1/pairs/alpha/ack", NULL, "{\"reason\":\"x\"}");
	while (__atomic_load_n(&asks, __ATOMIC_SEQ_CST) == before)
		sched_yield();
	http_tick(server, clock_boot_ms());
	http_tick(server, clock_boot_ms() + HTTP_COMMAND_LIMIT_MS + 1000);
	receive(fd, &g);
	expect_problem(&g, 504, "timeout", "no answer from inside");
	late_cb(late_arg, &scripted);
	manner = ANSWER_AT_ONCE;
}

static void test_dead_loop_is_unhealthy(void **state)
{
	(void)state;
	struct got g;
	views_heartbeat(vs, clock_boot_ms() - 60000, true);
	request(false, "GET", "/healthz", NULL, NULL, &g);
	expect_problem(&g, 503, "local", "the loop has not turned");
	views_heartbeat(vs, clock_boot_ms(), true);
}

/* Must be last: stops with a request that waits, and one that is never answered. */
static void test_stop_answers_what_waits(void **state)
{
	(void)state;
	struct got g;
	manner = ANSWER_NEVER;
	int before = __atomic_load_n(&asks, __ATOMIC_SEQ_CST);
	int fd = dial(true);
	send_request(fd, "POST", "/v1/pairs/alpha/ack", NULL, "{\"reason\":\"x\"}");
	while (__atomic_load_n(&asks, __ATOMIC_SEQ_CST) == before)
		sched_yield();
	http_stop(server);
	receive(fd, &g);
	assert_true(g.status == 503 || g.status == 0);
}

static void test_socket_in_use(void **state)
{
	(void)state;
	struct err e;
	int fd;
	assert_int_equal(http_unix_listen(socket_path, (gid_t)-1, &fd, &e), ERR_INVALID);
	assert_non_null(strstr(e.text, "another coldmxd listens"));
}

static int set_up(void **state)
{
	(void)state;
	struct err e;
	struct pair_view pv;
	int fd;
	snprintf(dir, sizeof(dir), "/tmp/coldmx-test-view-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(socket_path, sizeof(socket_path), "%s/sock", dir);
	vs = views_new(1, "/var/lib/coldmx/stranded");
	sample_view(1, "alpha", &pv);
	pv.has_op = true;
	pv.op.op = 7;
	views_publish(vs, &pv);
	views_heartbeat(vs, clock_boot_ms(), true);
	if (http_unix_listen(socket_path, getegid(), &fd, &e) != ERR_OK)
		return -1;
	struct http_opts opts = {
		.views = vs, .ops = &ops, .unix_fd = fd, .group = getegid(), .tcp_addr = "127.0.0.1"
	};
	return http_start(&opts, &server, &e) == ERR_OK ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	http_stop(server);
	http_free(server);
	views_free(vs);
	unlink(socket_path);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_socket_in_use),
		cmocka_unit_test(test_reads),
		cmocka_unit_test(test_etag),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_silent_loop),
		cmocka_unit_test(test_dead_loop_is_unhealthy),
		cmocka_unit_test(test_stop_answers_what_waits),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
