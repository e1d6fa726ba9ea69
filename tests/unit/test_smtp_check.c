/* The executor's SMTP check, and what it waits and connects with. Deadlines of some ten milliseconds are really waited
 * for; nothing sleeps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "../../common/base/clock.h"
#include "../../common/net/connect.h"
#include "../../common/net/wait.h"
#include "../../controller/driver/smtp_check.h"
#include "lab_certs.h"
#include "scripted_peer.h"

/* clang-format off */
#define SAY(text) { ACT_SAY, text }
#define HEAR { ACT_HEAR, NULL }
#define HOLD { ACT_HOLD, NULL }
#define TLS { ACT_TLS, NULL }
#define END { ACT_END, NULL }
/* clang-format on */
#define HELLO SAY("220 mx ESMTP\r\n"), HEAR, SAY("250-mx\r\n250 STARTTLS\r\n"), HEAR
#define BYE SAY("250 ok\r\n"), HEAR, SAY("221 bye\r\n"), END

static struct certs certs;

static struct smtp_check_opts check_opts(uint16_t port, int64_t within_ms)
{
	return (struct smtp_check_opts){ .addr = "127.0.0.1",
					 .port = port,
					 .family = 4,
					 .name = "",
					 .ca_file = "",
					 .ehlo = "probe.example.test",
					 .known = "a@example.test",
					 .unknown = "b@example.test",
					 .cancel_fd = -1,
					 .deadline_ms = clock_boot_ms() + within_ms };
}

struct check_case {
	const char *name;
	int64_t within_ms;
	enum err_code code;
	int known, unknown;
	const char *layer, *text;
	struct act script[16];
};

/* clang-format off */
static const struct check_case cases[] = {
	{ "as it should be", 5000, ERR_OK, 250, 550, "", "",
	  { HELLO, SAY("250 ok\r\n"), HEAR, SAY("250 ok\r\n"), HEAR, SAY("550 5.1.1 no\r\n"), HEAR, BYE } },
	{ "a refusal is an answer", 5000, ERR_OK, 550, 550, "rcpt", "",
	  { HELLO, SAY("250 ok\r\n"), HEAR, SAY("550 5.1.1 no\r\n"), HEAR, SAY("550 5.1.1 no\r\n"), HEAR, BYE } },
	{ "backscatter", 5000, ERR_OK, 250, 250, "", "",
	  { HELLO, SAY("250 ok\r\n"), HEAR, SAY("250 ok\r\n"), HEAR, SAY("250 ok\r\n"), HEAR, BYE } },
	{ "later", 5000, ERR_AGAIN, 0, 0, "banner", "421 busy", { SAY("421 busy\r\n"), HEAR, END } },
	{ "no mail", 5000, ERR_FAILED, 0, 0, "mail", "550 no", { HELLO, SAY("550 no\r\n"), HEAR, SAY("221\r\n"), END } },
	{ "hangs up", 5000, ERR_REFUSED, 0, 0, "ehlo", "EHLO", { SAY("220 mx\r\n"), HEAR, END } },
	{ "silent", 40, ERR_TIMEOUT, 0, 0, "banner", "no answer", { HOLD } },
	{ "silent between the two", 60, ERR_TIMEOUT, 250, 0, "rcpt", "unknown recipient",
	  { HELLO, SAY("250 ok\r\n"), HEAR, SAY("250 ok\r\n"), HOLD } },
	{ "silent after QUIT", 60, ERR_OK, 250, 550, "", "",
	  { HELLO, SAY("250 ok\r\n"), HEAR, SAY("250 ok\r\n"), HEAR, SAY("550 no\r\n"), HEAR, SAY("250\r\n"), HOLD } },
};
/* clang-format on */

static void check_case(const struct check_case *c)
{
	struct peer peer;
	struct smtp_answer answer;
	struct err e;

	assert_true(peer_start(&peer, 4, c->script, NULL));
	struct smtp_check_opts o = check_opts(peer.port, c->within_ms);
	enum err_code rc = smtp_check_run(&o, &answer, &e);
	peer_stop(&peer);
	if (rc != c->code || !strstr(e.text, c->text) || strcmp(answer.layer, c->layer) != 0)
		fail_msg("%s: %s at \"%s\": %s", c->name, err_code_name(rc), answer.layer, e.text);
	assert_int_equal(answer.known_code, c->known);
	assert_int_equal(answer.unknown_code, c->unknown);
}

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		check_case(&cases[i]);
}

/* Promise 14: trouble with TLS is told, and the recipients are asked all the same. */
static void test_certificate(void **state)
{
	static const struct act script[] = { HELLO,
					     SAY("220 go\r\n"),
					     TLS,
					     HEAR,
					     SAY("250 mx\r\n"),
					     HEAR,
					     SAY("250 ok\r\n"),
					     HEAR,
					     SAY("250 ok\r\n"),
					     HEAR,
					     SAY("550 no\r\n"),
					     HEAR,
					     BYE };
	SSL_CTX *tls = certs_server(&certs, "mx.example.test", 3600);
	struct peer peer;
	struct smtp_answer answer;
	struct err e;

	(void)state;
	assert_true(peer_start(&peer, 4, script, tls));
	struct smtp_check_opts o = check_opts(peer.port, 5000);
	o.ca_file = certs.ca_file;
	o.name = "mx.example.test";
	assert_int_equal(smtp_check_run(&o, &answer, &e), ERR_OK);
	assert_int_equal(answer.unknown_code, 550);
	assert_string_equal(answer.tls_trouble, "");
	o.name = "other.example.test";
	assert_int_equal(smtp_check_run(&o, &answer, &e), ERR_OK);
	assert_non_null(strstr(answer.tls_trouble, "ostname mismatch"));
	assert_int_equal(answer.known_code, 250);
	assert_int_equal(answer.unknown_code, 550);
	peer_stop(&peer);
	SSL_CTX_free(tls);
}

static void check_without_tls(const struct act *script, const char *ca_file, const char *trouble)
{
	struct peer peer;
	struct smtp_answer answer;
	struct err e;

	assert_true(peer_start(&peer, 4, script, NULL));
	struct smtp_check_opts o = check_opts(peer.port, 5000);
	o.ca_file = ca_file;
	o.name = "mx.example.test";
	assert_int_equal(smtp_check_run(&o, &answer, &e), ERR_OK);
	peer_stop(&peer);
	assert_string_equal(answer.layer, "");
	assert_non_null(strstr(answer.tls_trouble, trouble));
	assert_int_equal(answer.known_code, 250);
	assert_int_equal(answer.unknown_code, 550);
}

static void test_without_tls(void **state)
{
	static const struct act plain[] = { HELLO,
					    { ACT_BREAK_TLS, NULL },
					    SAY("250 ok\r\n"),
					    HEAR,
					    SAY("250 ok\r\n"),
					    HEAR,
					    SAY("550 no\r\n"),
					    HEAR,
					    BYE };
	static const struct act not_now[] = { HELLO, SAY("454 no key\r\n"),
					      HEAR,  SAY("250 ok\r\n"),
					      HEAR,  SAY("250 ok\r\n"),
					      HEAR,  SAY("550 no\r\n"),
					      HEAR,  BYE };

	(void)state;
	check_without_tls(not_now, certs.ca_file, "454 no key");
	check_without_tls(plain, "/nonexistent/ca.pem", "/nonexistent/ca.pem");
	check_without_tls(plain, certs.ca_file, "TLS handshake");
}

static void test_refusals(void **state)
{
	struct smtp_answer answer;
	struct err e;
	uint16_t port;

	(void)state;
	close(peer_listen(4, 1, &port));
	struct smtp_check_opts o = check_opts(port, 5000);
	assert_int_equal(smtp_check_run(&o, &answer, &e), ERR_REFUSED);
	assert_string_equal(answer.layer, "connect");
	assert_non_null(strstr(e.text, "127.0.0.1"));
	o.family = 6;
	assert_int_equal(smtp_check_run(&o, &answer, &e), ERR_INVALID);
	o.family = 0;
	o.addr = "localhost";
	assert_int_equal(smtp_check_run(&o, &answer, &e), ERR_INVALID);
}

static void test_cancel(void **state)
{
	static const struct act script[] = { HOLD };
	struct peer peer;
	struct smtp_answer answer;
	struct err e;
	int pipe_fd[2];

	(void)state;
	assert_true(peer_start(&peer, 4, script, NULL));
	assert_int_equal(pipe(pipe_fd), 0);
	assert_int_equal(write(pipe_fd[1], "x", 1), 1);
	struct smtp_check_opts o = check_opts(peer.port, 60000);
	o.cancel_fd = pipe_fd[0];
	assert_int_equal(smtp_check_run(&o, &answer, &e), ERR_CANCELLED);
	close(pipe_fd[0]);
	close(pipe_fd[1]);
	peer_stop(&peer);
}

static void test_wait(void **state)
{
	struct err e;
	int fd[2], cancel[2];
	int64_t past_ms = clock_boot_ms() - 1000;

	(void)state;
	assert_int_equal(pipe(fd), 0);
	assert_int_equal(pipe(cancel), 0);
	assert_int_equal(net_wait(fd[0], NET_WAIT_READ, past_ms, -1, &e), ERR_TIMEOUT);
	assert_int_equal(net_wait(-1, 0, clock_boot_ms() + 5, cancel[0], &e), ERR_TIMEOUT);
	assert_int_equal(net_wait(fd[1], NET_WAIT_WRITE, past_ms, cancel[0], &e), ERR_OK);
	assert_int_equal(write(fd[1], "x", 1), 1);
	assert_int_equal(net_wait(fd[0], NET_WAIT_READ, past_ms, cancel[0], &e), ERR_OK);
	assert_int_equal(write(cancel[1], "x", 1), 1);
	assert_int_equal(net_wait(fd[0], NET_WAIT_READ, clock_boot_ms() + 60000, cancel[0], &e), ERR_CANCELLED);
	close(fd[1]);
	assert_int_equal(net_wait(fd[0], NET_WAIT_READ, past_ms, -1, &e), ERR_OK); /* an end is news */
	close(fd[0]);
	close(cancel[0]);
	close(cancel[1]);
}

static void test_addresses(void **state)
{
	static const char *const bad[] = {
		"", "mx.example.test", "192.0.2", "[::1]", "192.0.2.1/24", "fe80::1%lo", "1"
	};
	struct net_addr a;
	struct err e;
	char text[NET_ADDR_PORT_MAX];

	(void)state;
	assert_int_equal(net_addr_parse("192.0.2.1", 25, &a, &e), ERR_OK);
	net_addr_format(&a, text, sizeof(text));
	assert_string_equal(text, "192.0.2.1:25");
	assert_int_equal(net_addr_family(&a), 4);
	assert_int_equal(net_addr_parse("2001:DB8:0::1", 65535, &a, &e), ERR_OK);
	net_addr_format(&a, text, sizeof(text));
	assert_string_equal(text, "[2001:db8::1]:65535");
	assert_int_equal(net_addr_family(&a), 6);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(net_addr_parse(bad[i], 25, &a, &e), ERR_INVALID);
}

/* Promise 2: what is ours is never evidence. */
static void test_errno(void **state)
{
	static const int ours[] = { EMFILE, ENFILE,   ENOBUFS,      ENOMEM, EADDRNOTAVAIL,
				    EPERM,  ENETDOWN, EAFNOSUPPORT, EINVAL };
	static const int ours_at_start[] = { ENETUNREACH, EHOSTUNREACH, EACCES };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ours); i++) {
		assert_int_equal(net_errno_code(ours[i], true), ERR_LOCAL);
		assert_int_equal(net_errno_code(ours[i], false), ERR_LOCAL);
	}
	for (size_t i = 0; i < ARRAY_LEN(ours_at_start); i++) {
		assert_int_equal(net_errno_code(ours_at_start[i], true), ERR_LOCAL);
		assert_int_equal(net_errno_code(ours_at_start[i], false), ERR_UNREACH);
	}
	assert_int_equal(net_errno_code(ECONNREFUSED, true), ERR_REFUSED);
	assert_int_equal(net_errno_code(ECONNRESET, false), ERR_REFUSED);
	assert_int_equal(net_errno_code(ETIMEDOUT, false), ERR_TIMEOUT);
}

static int setup(void **state)
{
	(void)state;
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
		cmocka_unit_test(test_cases),       cmocka_unit_test(test_certificate),
		cmocka_unit_test(test_without_tls), cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_cancel),      cmocka_unit_test(test_wait),
		cmocka_unit_test(test_addresses),   cmocka_unit_test(test_errno),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
