/* The prober against scripted peers on loopback. Sockets are real, time is not: `now` moves only when a case says so, so
 * deadlines pass without waiting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <sys/resource.h>

#include "../../common/base/mem.h"
#include "../../common/probe/prober.h"
#include "lab_certs.h"
#include "scripted_peer.h"

/* clang-format off */
#define SAY(text) { ACT_SAY, text }
#define HEAR { ACT_HEAR, NULL }
#define HEAD { ACT_HEAD, NULL }
#define TLS { ACT_TLS, NULL }
#define HOLD { ACT_HOLD, NULL }
#define RST { ACT_RST, NULL }
#define END { ACT_END, NULL }
/* clang-format on */
#define GREET SAY("220-mx.example.test ESMTP\r\n"), SAY("220 mx.example.test ESMTP\r\n"), HEAR
#define OFFER SAY("250-mx.example.test\r\n250-STARTTLS\r\n250 SIZE\r\n"), HEAR
#define OK SAY("250 2.1.0 ok\r\n"), HEAR
#define BYE SAY("221 bye\r\n"), END
#define AGENT_OK "HTTP/1.1 200 OK\r\nContent-Length: 47\r\n\r\n{\"boot_id\":\"b\",\"serving\":true,\"has_right\":true}"

#define TIMEOUT_MS 5000

static struct certs certs;

struct probe_run {
	struct prober *p;
	struct instant now;
	struct probe_result last;
	uint32_t id;
	int results;
};

static void on_result(void *arg, uint32_t id, const struct probe_result *result)
{
	struct probe_run *run = arg;
	assert_int_equal(id, run->id);
	run->last = *result;
	run->results++;
}

static bool one_token(void *arg, const char *name, char *out, size_t size)
{
	(void)arg;
	return strcmp(name, "primary") == 0 && str_copy(out, size, "s3cret");
}

static struct probe_opts smtp_opts(uint16_t port, int family)
{
	struct probe_opts o = { .kind = PROBE_SMTP, .port = port, .every_ms = 10000, .timeout_ms = TIMEOUT_MS };

	(void)str_copy(o.addr, sizeof(o.addr), family == 6 ? "::1" : "127.0.0.1");
	(void)str_copy(o.ehlo, sizeof(o.ehlo), "probe.example.test");
	(void)str_copy(o.recipient, sizeof(o.recipient), "a@example.test");
	return o;
}

static struct probe_opts secure_opts(uint16_t port, enum probe_kind kind)
{
	struct probe_opts o = smtp_opts(port, 4);

	o.kind = kind;
	(void)str_copy(o.name, sizeof(o.name), "mx.example.test");
	(void)str_copy(o.ca_file, sizeof(o.ca_file), certs.ca_file);
	(void)str_copy(o.token_name, sizeof(o.token_name), "primary");
	return o;
}

static void run_begin(struct probe_run *run, const struct probe_opts *opts)
{
	struct err e;

	memset(run, 0, sizeof(*run));
	run->now = (struct instant){ 1000000, 5 };
	assert_int_equal(prober_new(one_token, NULL, &run->p, &e), ERR_OK);
	run->id = prober_add(run->p, opts, on_result, run, run->now.boot_ms);
	prober_process(run->p, run->now);
}

/* Serves sockets until that many results came. */
static void run_results(struct probe_run *run, int want)
{
	while (run->results < want) {
		struct pollfd pfd = { .fd = prober_fd(run->p), .events = POLLIN };

		if (poll(&pfd, 1, 5000) <= 0)
			fail_msg("nothing happens");
		prober_process(run->p, run->now);
	}
}

/* Serves what is there now. On loopback what the peer sent has arrived when its call returned. */
static void run_pending(struct probe_run *run)
{
	struct pollfd pfd = { .fd = prober_fd(run->p), .events = POLLIN };

	while (poll(&pfd, 1, 0) > 0)
		prober_process(run->p, run->now);
}

static void run_due(struct probe_run *run)
{
	run->now.boot_ms = prober_next_ms(run->p);
	prober_process(run->p, run->now);
}

struct dialogue {
	const char *name;
	enum probe_outcome outcome;
	enum probe_layer layer;
	int code;
	const char *reason;
	const char *heard;
	bool expires; /* the script holds: the deadline must pass */
	struct act script[24];
};

#define E "EHLO probe.example.test\n"
#define M "MAIL FROM:<>\n"
#define A "RCPT TO:<a@example.test>\n"

/* clang-format off */
static const struct dialogue dialogues[] = {
	{ "accepts", PROBE_OK, LAYER_DONE, 250, "", E M A "RSET\nQUIT\n", false, { GREET, OFFER, OK, OK, OK, BYE } },
	{ "wounded", PROBE_FAIL, LAYER_RCPT, 550, "550 5.1.1", E M A "RSET\nQUIT\n", false,
	  { GREET, OFFER, OK, SAY("550 5.1.1 unknown\r\n"), HEAR, OK, BYE } },
	{ "greylists", PROBE_BUSY, LAYER_RCPT, 450, "450 later", E M A "RSET\nQUIT\n", false,
	  { GREET, OFFER, OK, SAY("450 later\r\n"), HEAR, OK, BYE } },
	{ "is full", PROBE_BUSY, LAYER_BANNER, 421, "421 too many", "QUIT\n", false, { SAY("421 too many\r\n"), HEAR, END } },
	{ "is full, then resets", PROBE_BUSY, LAYER_BANNER, 421, "421 too many", "", false, { SAY("421 too many\r\n"), END } },
	{ "resets", PROBE_FAIL, LAYER_EHLO, 0, "EHLO", E, false, { GREET, RST } },
	{ "closes unasked", PROBE_FAIL, LAYER_BANNER, 0, "closed", "", false, { END } },
	{ "hangs before the greeting", PROBE_FAIL, LAYER_BANNER, 0, "no answer", "", true, { HOLD } },
	{ "postscreen waits", PROBE_BUSY, LAYER_BANNER, 0, "220-", "", true, { SAY("220-mx\r\n"), HOLD } },
	{ "hangs at RCPT, hears QUIT", PROBE_FAIL, LAYER_RCPT, 0, "RCPT", E M A "QUIT\n", true, { GREET, OFFER, OK, HOLD } },
};
/* clang-format on */

static void check_result(const struct probe_run *run, const struct dialogue *d)
{
	const struct probe_result *r = &run->last;

	if (r->outcome != d->outcome || r->layer != d->layer || r->smtp_code != d->code)
		fail_msg("%s: %s at %s, code %d: %s", d->name, probe_outcome_name(r->outcome),
			 probe_layer_name(r->layer), r->smtp_code, r->reason);
	const char *words = r->outcome == PROBE_OK ? r->tls_trouble : r->reason;
	if (d->reason[0] ? !strstr(words, d->reason) : words[0] != '\0')
		fail_msg("%s: reason \"%s\"", d->name, words);
	assert_int_equal(r->hung, d->expires);
	assert_int_equal(r->took_ms, d->expires ? TIMEOUT_MS : 0);
}

static void check_dialogue(const struct dialogue *d, int family, const struct probe_opts *opts, SSL_CTX *tls)
{
	struct peer peer;
	struct probe_run run;
	struct probe_opts o = *opts;

	assert_true(peer_start(&peer, family, d->script, tls));
	o.port = peer.port;
	run_begin(&run, &o);
	if (d->expires) {
		/* The peer holds once its last word is out; its script cannot go on without ours. */
		while (sem_trywait(&peer.held) != 0) {
			struct pollfd pfd = { .fd = prober_fd(run.p), .events = POLLIN };
			(void)poll(&pfd, 1, 1);
			run_pending(&run);
		}
		run_pending(&run);
		assert_int_equal(run.results, 0);
		assert_int_equal(prober_next_ms(run.p), run.now.boot_ms + TIMEOUT_MS);
		run_due(&run);
	}
	run_results(&run, 1);
	/* QUIT's answer is awaited, then the socket is gone. */
	struct prober_stats stats;
	for (prober_stats(run.p, &stats); stats.open; prober_stats(run.p, &stats)) {
		struct pollfd pfd = { .fd = prober_fd(run.p), .events = POLLIN };
		assert_true(poll(&pfd, 1, 5000) > 0);
		prober_process(run.p, run.now);
	}
	assert_int_equal(run.results, 1);
	prober_free(run.p);
	peer_stop(&peer);
	check_result(&run, d);
	if (d->heard)
		assert_string_equal(peer.heard, d->heard);
}

static void test_dialogues(void **state)
{
	uint16_t port;
	int v6 = peer_listen(6, 1, &port);

	(void)state;
	for (int family = 4; family <= (v6 >= 0 ? 6 : 4); family += 2) {
		struct probe_opts opts = smtp_opts(0, family);
		for (size_t i = 0; i < ARRAY_LEN(dialogues); i++) {
			/* What an early goodbye still hears is a race of its own. */
			struct dialogue d = dialogues[i];
			if (strstr(d.name, "then resets"))
				d.heard = NULL;
			check_dialogue(&d, family, &opts, NULL);
		}
	}
	if (v6 >= 0)
		close(v6);
}

#define SHAKE GREET, OFFER, SAY("220 go\r\n"), TLS, HEAR
#define S "STARTTLS\n"

/* clang-format off */
static const struct dialogue shaken[] = {
	{ "good certificate", PROBE_OK, LAYER_DONE, 250, "", E S E M A "RSET\nQUIT\n", false,
	  { SHAKE, OFFER, OK, OK, OK, BYE } },
	{ "another name", PROBE_OK, LAYER_DONE, 250, "ostname mismatch", E S E M A "RSET\nQUIT\n", false,
	  { SHAKE, OFFER, OK, OK, OK, BYE } },
	{ "expired", PROBE_OK, LAYER_DONE, 250, "certificate has expired (until 20", E S E M A "RSET\nQUIT\n", false,
	  { SHAKE, OFFER, OK, OK, OK, BYE } },
	{ "hangs in the handshake", PROBE_FAIL, LAYER_STARTTLS, 0, "no answer", NULL, true,
	  { GREET, OFFER, SAY("220 go\r\n"), HOLD } },
	{ "no TLS behind STARTTLS", PROBE_FAIL, LAYER_STARTTLS, 0, "TLS", NULL, false,
	  { GREET, OFFER, SAY("220 go\r\n"), HEAR, SAY("500 what was that\r\n"), END } },
	{ "injects", PROBE_FAIL, LAYER_STARTTLS, 0, "in the clear", E S, false,
	  { GREET, OFFER, SAY("220 go\r\n250 evil\r\n"), HEAR, END } },
	{ "not offered", PROBE_OK, LAYER_DONE, 250, "not offered", E M A "RSET\nQUIT\n", false,
	  { GREET, SAY("250 mx\r\n"), HEAR, OK, OK, OK, BYE } },
};
/* clang-format on */

static void test_starttls(void **state)
{
	SSL_CTX *good = certs_server(&certs, "mx.example.test", 3600);
	SSL_CTX *other = certs_server(&certs, "other.example.test", 3600);
	SSL_CTX *old = certs_server(&certs, "mx.example.test", -3600);
	struct probe_opts opts = secure_opts(0, PROBE_SMTP);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(shaken); i++)
		check_dialogue(&shaken[i], 4, &opts, i == 1 ? other : i == 2 ? old : good);

	/* A CA of the same name that we do not trust. */
	struct certs foreign;
	assert_true(certs_new(&foreign));
	SSL_CTX *theirs = certs_server(&foreign, "mx.example.test", 3600);
	struct dialogue d = { "foreign CA",
			      PROBE_OK,
			      LAYER_DONE,
			      250,
			      "signature failure",
			      E S E M A "RSET\nQUIT\n",
			      false,
			      { SHAKE, OFFER, OK, OK, OK, BYE } };
	check_dialogue(&d, 4, &opts, theirs);
	SSL_CTX_free(theirs);
	certs_free(&foreign);
	SSL_CTX_free(good);
	SSL_CTX_free(other);
	SSL_CTX_free(old);
}

/* clang-format off */
static const struct dialogue agents[] = {
	{ "serves", PROBE_OK, LAYER_DONE, 0, "",
	  "GET /v1/health HTTP/1.1\nHost: mx.example.test\nAuthorization: Bearer s3cret\nAccept: application/json\n"
	  "Connection: close\n\n",
	  false, { TLS, HEAD, SAY(AGENT_OK), END } },
	{ "denies", PROBE_FAIL, LAYER_AGENT, 0, "401 (token not accepted)", NULL, false,
	  { TLS, HEAD, SAY("HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n"), END } },
	{ "starts", PROBE_BUSY, LAYER_AGENT, 0, "503", NULL, false,
	  { TLS, HEAD, SAY("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"), END } },
	{ "talks nonsense", PROBE_FAIL, LAYER_AGENT, 0, "no JSON", NULL, false,
	  { TLS, HEAD, SAY("HTTP/1.1 200 OK\r\n\r\nhello"), END } },
	{ "is cut", PROBE_FAIL, LAYER_AGENT, 0, "ended in the middle", NULL, false,
	  { TLS, HEAD, SAY("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello"), END } },
	{ "is silent", PROBE_FAIL, LAYER_AGENT, 0, "no answer", NULL, true, { TLS, HEAD, HOLD } },
	{ "is no TLS", PROBE_FAIL, LAYER_AGENT, 0, "TLS", NULL, false, { SAY("220 mx\r\n"), HEAR, END } },
};
/* clang-format on */

static void test_agent(void **state)
{
	SSL_CTX *good = certs_server(&certs, "mx.example.test", 3600);
	SSL_CTX *other = certs_server(&certs, "other.example.test", 3600);
	struct probe_opts opts = secure_opts(0, PROBE_AGENT);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(agents); i++)
		check_dialogue(&agents[i], 4, &opts, good);
	/* The token is shown to nobody but the owner of the name. */
	struct dialogue d = {
		"impostor", PROBE_FAIL, LAYER_CERT, 0, "ostname mismatch", "", false, { TLS, HEAD, END }
	};
	check_dialogue(&d, 4, &opts, other);
	struct dialogue none = { "no token",        PROBE_LOCAL, LAYER_AGENT, 0,
				 "no usable token", "",          false,       { TLS, HEAD, END } };
	(void)str_copy(opts.token_name, sizeof(opts.token_name), "nobody");
	check_dialogue(&none, 4, &opts, good);
	SSL_CTX_free(good);
	SSL_CTX_free(other);
}

static void expect(const struct probe_opts *opts, enum probe_outcome outcome, enum probe_layer layer,
		   const char *reason)
{
	struct probe_run run;

	run_begin(&run, opts);
	run_results(&run, 1);
	if (run.last.outcome != outcome || run.last.layer != layer || !strstr(run.last.reason, reason))
		fail_msg("%s at %s: %s", probe_outcome_name(run.last.outcome), probe_layer_name(run.last.layer),
			 run.last.reason);
	prober_free(run.p);
}

static void test_connect(void **state)
{
	uint16_t port;
	int fd = peer_listen(4, 128, &port);
	struct probe_opts o = smtp_opts(port, 4);

	(void)state;
	o.kind = PROBE_TCP;
	expect(&o, PROBE_OK, LAYER_DONE, "");
	close(fd);
	expect(&o, PROBE_FAIL, LAYER_CONNECT, "Connection refused");
}

/* A full accept queue drops SYNs: the connection hangs as with a host that is gone. */
static void test_connect_hangs(void **state)
{
	uint16_t port;
	int fd = peer_listen(4, 0, &port);
	struct probe_opts o = smtp_opts(port, 4);
	struct probe_run fill, run;

	(void)state;
	o.kind = PROBE_TCP;
	run_begin(&fill, &o);
	run_results(&fill, 1);
	run_begin(&run, &o);
	run_pending(&run);
	assert_int_equal(run.results, 0);
	run_due(&run);
	assert_int_equal(run.last.outcome, PROBE_FAIL);
	assert_int_equal(run.last.layer, LAYER_CONNECT);
	assert_string_equal(run.last.reason, "no answer within the deadline");
	prober_free(run.p);
	prober_free(fill.p);
	close(fd);
}

/* Words and end in one wake-up: an edge-triggered socket tells of the end no second time. */
static void test_end_behind_words(void **state)
{
	uint16_t port;
	int fd = peer_listen(4, 8, &port);
	struct probe_opts o = smtp_opts(port, 4);
	struct probe_run run;
	struct prober_stats stats;

	(void)state;
	run_begin(&run, &o);
	int conn = accept(fd, NULL, NULL);
	assert_true(conn >= 0);
	assert_int_equal(send(conn, "421 busy\r\n", 10, 0), 10);
	shutdown(conn, SHUT_WR);
	run_pending(&run);
	assert_int_equal(run.results, 1);
	assert_int_equal(run.last.smtp_code, 421);
	prober_stats(run.p, &stats);
	assert_int_equal(stats.open, 0);
	prober_free(run.p);
	close(conn);
	close(fd);
}

static void test_local(void **state)
{
	struct rlimit old, none = { 0, 0 };
	struct probe_opts o = smtp_opts(9, 4);
	struct probe_run run;

	(void)state;
	struct probe_opts odd = o;
	(void)str_copy(odd.addr, sizeof(odd.addr), "mx.example.test");
	expect(&odd, PROBE_LOCAL, LAYER_CONNECT, "literal");
	struct probe_opts ca = secure_opts(9, PROBE_SMTP);
	(void)str_copy(ca.ca_file, sizeof(ca.ca_file), "/nonexistent/ca.pem");
	expect(&ca, PROBE_LOCAL, LAYER_CONNECT, "/nonexistent/ca.pem");
	struct probe_opts bare = secure_opts(9, PROBE_AGENT);
	bare.name[0] = '\0';
	expect(&bare, PROBE_LOCAL, LAYER_CONNECT, "TLS name");

	o.stagger = 500;
	run_begin(&run, &o);
	getrlimit(RLIMIT_NOFILE, &old);
	none.rlim_max = old.rlim_max;
	setrlimit(RLIMIT_NOFILE, &none);
	run_due(&run);
	setrlimit(RLIMIT_NOFILE, &old);
	assert_int_equal(run.results, 1);
	assert_int_equal(run.last.outcome, PROBE_LOCAL);
	assert_non_null(strstr(run.last.reason, "Too many open files"));
	prober_free(run.p);
}

static int setup(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	return certs_new(&certs) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	certs_free(&certs);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dialogues),
		cmocka_unit_test(test_starttls),
		cmocka_unit_test(test_agent),
		cmocka_unit_test(test_connect),
		cmocka_unit_test(test_connect_hangs),
		cmocka_unit_test(test_local),
		cmocka_unit_test(test_end_behind_words),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
