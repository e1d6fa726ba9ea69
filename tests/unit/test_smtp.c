/* The dialogues without a socket: SMTP, one HTTP answer, the agent's JSON. Each SMTP case is played three times:
 * byte by byte, in threes, and in whole replies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../common/probe/agent_answer.h"
#include "../../common/proto/http_reply.h"
#include "../../common/proto/smtp.h"

#define EHLO_OK "250-mx.example.test\r\n250-SIZE 1000\r\n250-StartTLS\r\n250 8BITMIME\r\n"
#define EHLO_PLAIN "250-mx.example.test\r\n250 SIZE 1000\r\n"

/* What the server says at each of its turns; "" = closes; NULL = silent from there on. */
struct script {
	const char *name;
	struct smtp_opts opts;
	const char *says[12];
	enum probe_outcome outcome;
	enum probe_layer layer;
	int code;
	const char *heard;  /* all commands */
	const char *reason; /* a part of it, or of what is said of TLS */
	int known, unknown;
};

/* clang-format off */
#define PLAIN { "probe.example.test", "", "", false }
#define KNOWN { "probe.example.test", "a@example.test", "", false }
#define BOTH { "probe.example.test", "a@example.test", "b@example.test", false }
#define SECURE { "probe.example.test", "a@example.test", "", true }
/* clang-format on */

#define E "EHLO probe.example.test\r\n"
#define M "MAIL FROM:<>\r\n"
#define A "RCPT TO:<a@example.test>\r\n"
#define B "RCPT TO:<b@example.test>\r\n"
#define S "STARTTLS\r\n"
#define MAIL_WELL "250\r\n", "250\r\n", "250\r\n", "221\r\n"
#define R "RSET\r\n"
#define Q "QUIT\r\n"

/* clang-format off */
static const struct script scripts[] = {
	{ "banner only", PLAIN, { "220 mx ESMTP\r\n", EHLO_PLAIN, "221 bye\r\n" },
	  PROBE_OK, LAYER_DONE, 250, E Q, "", 0, 0 },
	{ "greeting in lines", PLAIN, { "220-mx\r\n220-wait\r\n220 mx ESMTP\r\n", EHLO_PLAIN, "221 bye\r\n" },
	  PROBE_OK, LAYER_DONE, 250, E Q, "", 0, 0 },
	{ "postscreen past the deadline", PLAIN, { "220-mx ESMTP\r\n", NULL },
	  PROBE_BUSY, LAYER_BANNER, 0, "", "220-", 0, 0 },
	{ "no greeting", PLAIN, { NULL }, PROBE_FAIL, LAYER_BANNER, 0, "", "no answer", 0, 0 },
	{ "half a greeting", PLAIN, { "220 m", NULL }, PROBE_FAIL, LAYER_BANNER, 0, "", "no answer", 0, 0 },
	{ "closes at once", PLAIN, { "" }, PROBE_FAIL, LAYER_BANNER, 0, "", "closed", 0, 0 },
	{ "421 at connect", PLAIN, { "421 4.7.0 too many\r\n", "" },
	  PROBE_BUSY, LAYER_BANNER, 421, Q, "421 4.7.0 too many", 0, 0 },
	{ "554 at connect", PLAIN, { "554 no mail here\r\n", "221 bye\r\n" },
	  PROBE_FAIL, LAYER_BANNER, 554, Q, "554 no mail here", 0, 0 },
	{ "another protocol", PLAIN, { "SSH-2.0-OpenSSH_9.2\r\n" },
	  PROBE_FAIL, LAYER_BANNER, 0, "", "is no SMTP reply: SSH-2.0-OpenSSH_9.2", 0, 0 },
	{ "250 as greeting", PLAIN, { "250 hello\r\n", "221 bye\r\n" },
	  PROBE_FAIL, LAYER_BANNER, 250, Q, "250 hello", 0, 0 },
	{ "escape sequences stay out", PLAIN, { "554 \033[2J\aoops\r\n", "" },
	  PROBE_FAIL, LAYER_BANNER, 554, Q, "554 ?[2J?oops", 0, 0 },
	{ "code alone", PLAIN, { "220\r\n", "250\r\n", "221\r\n" }, PROBE_OK, LAYER_DONE, 250, E Q, "", 0, 0 },
	{ "bare LF is borne", PLAIN, { "220 mx\n", "250-mx\n250 SIZE\n", "221\n" },
	  PROBE_OK, LAYER_DONE, 250, E Q, "", 0, 0 },
	{ "two codes in one reply", PLAIN, { "220 mx\r\n", "250-mx\r\n550 no\r\n", "221\r\n" },
	  PROBE_FAIL, LAYER_EHLO, 0, E Q, "mixes two codes", 0, 0 },
	{ "EHLO refused for now", PLAIN, { "220 mx\r\n", "451 later\r\n", "221\r\n" },
	  PROBE_BUSY, LAYER_EHLO, 451, E Q, "451 later", 0, 0 },
	{ "EHLO unanswered", PLAIN, { "220 mx\r\n", NULL }, PROBE_FAIL, LAYER_EHLO, 0, E Q, "EHLO", 0, 0 },
	{ "hangs up after EHLO", PLAIN, { "220 mx\r\n", "" }, PROBE_FAIL, LAYER_EHLO, 0, E, "closed", 0, 0 },
	{ "answers unasked", PLAIN, { "220 mx\r\n250 mx\r\n" },
	  PROBE_FAIL, LAYER_EHLO, 250, "", "before EHLO was said", 0, 0 },
	{ "421 behind the greeting", PLAIN, { "220 mx\r\n421 going down\r\n" },
	  PROBE_BUSY, LAYER_EHLO, 421, "", "421 going down", 0, 0 },
	{ "known recipient", KNOWN, { "220 mx\r\n", EHLO_OK, "250 ok\r\n", "250 ok\r\n", "250 ok\r\n", "221\r\n" },
	  PROBE_OK, LAYER_DONE, 250, E M A R Q, "", 250, 0 },
	{ "greylisted", KNOWN, { "220 mx\r\n", EHLO_OK, "250 ok\r\n", "450 4.7.1 greylisted\r\n", "250\r\n", "221\r\n" },
	  PROBE_BUSY, LAYER_RCPT, 450, E M A R Q, "greylisted", 450, 0 },
	{ "wounded", KNOWN, { "220 mx\r\n", EHLO_OK, "250 ok\r\n", "550 5.1.1 unknown\r\n", "250\r\n", "221\r\n" },
	  PROBE_FAIL, LAYER_RCPT, 550, E M A R Q, "RCPT was answered: 550 5.1.1 unknown", 550, 0 },
	{ "sender refused", KNOWN, { "220 mx\r\n", EHLO_OK, "550 no\r\n", "221\r\n" },
	  PROBE_FAIL, LAYER_MAIL, 550, E M Q, "MAIL was answered: 550 no", 0, 0 },
	{ "silent at RCPT", KNOWN, { "220 mx\r\n", EHLO_OK, "250 ok\r\n", NULL },
	  PROBE_FAIL, LAYER_RCPT, 0, E M A Q, "RCPT", 0, 0 },
	{ "RSET and QUIT change nothing", KNOWN, { "220 mx\r\n", EHLO_OK, "250\r\n", "250\r\n", "500 what\r\n", "" },
	  PROBE_OK, LAYER_DONE, 250, E M A R Q, "", 250, 0 },
	{ "both", BOTH, { "220 mx\r\n", EHLO_OK, "250\r\n", "250\r\n", "550 5.1.1\r\n", "250\r\n", "221\r\n" },
	  PROBE_OK, LAYER_DONE, 250, E M A B R Q, "", 250, 550 },
	{ "both, known refused", BOTH, { "220 mx\r\n", EHLO_OK, "250\r\n", "451 x\r\n", "451 y\r\n", "250\r\n", "221\r\n" },
	  PROBE_BUSY, LAYER_RCPT, 451, E M A B R Q, "451 x", 451, 451 },
	{ "both, 421 between", BOTH, { "220 mx\r\n", EHLO_OK, "250\r\n", "250\r\n", "421 bye\r\n", "" },
	  PROBE_BUSY, LAYER_RCPT, 421, E M A B Q, "421 bye", 250, 421 },
	{ "TLS", SECURE, { "220 mx\r\n", EHLO_OK, "220 go\r\n", EHLO_PLAIN, "250\r\n", "250\r\n", "250\r\n", "221\r\n" },
	  PROBE_OK, LAYER_DONE, 250, E S E M A R Q, "", 250, 0 },
	{ "TLS not offered", SECURE, { "220 mx\r\n", EHLO_PLAIN, MAIL_WELL },
	  PROBE_OK, LAYER_DONE, 250, E M A R Q, "not offered", 250, 0 },
	{ "a domain named STARTTLS is no offer", SECURE, { "220 mx\r\n", "250-STARTTLS\r\n250 SIZE\r\n", MAIL_WELL },
	  PROBE_OK, LAYER_DONE, 250, E M A R Q, "not offered", 250, 0 },
	{ "TLS not now", SECURE, { "220 mx\r\n", EHLO_OK, "454 no key\r\n", MAIL_WELL },
	  PROBE_OK, LAYER_DONE, 250, E S M A R Q, "454 no key", 250, 0 },
	{ "421 to STARTTLS", SECURE, { "220 mx\r\n", EHLO_OK, "421 going down\r\n", "221\r\n" },
	  PROBE_BUSY, LAYER_STARTTLS, 421, E S Q, "421 going down", 0, 0 },
	{ "injection behind STARTTLS", SECURE, { "220 mx\r\n", EHLO_OK, "220 go\r\n250 evil\r\n" },
	  PROBE_FAIL, LAYER_STARTTLS, 0, E S, "in the clear", 0, 0 },
};
/* clang-format on */

static void feed_split(struct smtp *s, const char *text, size_t chunk)
{
	size_t len = strlen(text);
	for (size_t at = 0; at < len; at += chunk)
		smtp_feed(s, text + at, len - at < chunk ? len - at : chunk);
}

static void server_turn(struct smtp *s, const char *says, size_t chunk, struct strbuf *heard)
{
	if (!says)
		smtp_timeout(s, heard);
	else if (!says[0])
		smtp_eof(s);
	else
		feed_split(s, says, chunk);
}

static void play(const struct script *c, size_t chunk, struct smtp *s, struct strbuf *heard)
{
	struct err e;
	size_t turn = 0;

	assert_int_equal(smtp_opts_check(&c->opts, &e), ERR_OK);
	smtp_init(s, &c->opts);
	for (int i = 0; i < 100; i++) {
		switch (smtp_next(s, heard)) {
		case SMTP_WANT_SEND: break;
		case SMTP_WANT_TLS: smtp_secured(s); break;
		case SMTP_WANT_CLOSE: return;
		case SMTP_WANT_RECV:
			assert_true(turn < ARRAY_LEN(c->says));
			server_turn(s, c->says[turn++], chunk, heard);
			break;
		}
	}
	fail_msg("%s: the dialogue does not end", c->name);
}

static void check_script(const struct script *c, size_t chunk)
{
	struct smtp s;
	struct strbuf heard = STRBUF_INIT;

	play(c, chunk, &s, &heard);
	if (s.outcome != c->outcome || s.layer != c->layer || s.code != c->code)
		fail_msg("%s, in %zu: outcome %d layer %d code %d: %s", c->name, chunk, s.outcome, s.layer, s.code,
			 s.reason);
	assert_true(s.decided);
	assert_string_equal(strbuf_str(&heard), c->heard);
	const char *words = s.outcome == PROBE_OK ? s.tls_trouble : s.reason;
	if (c->reason[0] ? !strstr(words, c->reason) : words[0] != '\0')
		fail_msg("%s: reason \"%s\"", c->name, words);
	assert_int_equal(s.known_code, c->known);
	assert_int_equal(s.unknown_code, c->unknown);
	strbuf_fini(&heard);
}

static void test_scripts(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
		check_script(&scripts[i], 1000);
		check_script(&scripts[i], 3);
		check_script(&scripts[i], 1);
	}
}

/* An expired certificate is no reason to know nothing of RCPT; that it is expired is said. */
static void test_certificate(void **state)
{
	struct smtp_opts opts = SECURE;
	struct smtp s;
	struct strbuf out = STRBUF_INIT;

	(void)state;
	smtp_init(&s, &opts);
	const char *says[] = { "220 mx\r\n", EHLO_OK, "220 go\r\n", EHLO_PLAIN, "250\r\n", "550 no\r\n", "250\r\n" };
	for (size_t i = 0; i < ARRAY_LEN(says); i++) {
		enum smtp_want want;
		while ((want = smtp_next(&s, &out)) != SMTP_WANT_RECV) {
			if (want == SMTP_WANT_TLS)
				smtp_untrusted(&s, "certificate has expired");
		}
		smtp_feed(&s, says[i], strlen(says[i]));
	}
	assert_true(s.decided);
	assert_int_equal(s.outcome, PROBE_FAIL);
	assert_int_equal(s.layer, LAYER_RCPT);
	assert_int_equal(s.known_code, 550);
	assert_string_equal(s.tls_trouble, "certificate has expired");
	assert_string_equal(strbuf_str(&out), E S E M A R);
	strbuf_fini(&out);
}

/* Endless lines and endless replies end the dialogue; long ones do not. */
static void test_limits(void **state)
{
	struct smtp_opts opts = PLAIN;
	struct smtp s;
	char line[1000] = "220-";

	(void)state;
	memset(line + 4, 'x', sizeof(line) - 6);
	line[sizeof(line) - 2] = '\r';
	line[sizeof(line) - 1] = '\n';
	smtp_init(&s, &opts);
	for (int i = 0; i < 40; i++)
		smtp_feed(&s, line, sizeof(line));
	assert_false(s.decided);
	for (int i = 0; i < 40; i++)
		smtp_feed(&s, line, sizeof(line));
	assert_int_equal(s.layer, LAYER_BANNER);
	assert_non_null(strstr(s.reason, "endless reply"));

	smtp_init(&s, &opts);
	for (int i = 0; i < 6; i++)
		smtp_feed(&s, "220 endless, no line end ever comes", 35);
	assert_false(s.decided);
	for (int i = 0; i < 200; i++)
		smtp_feed(&s, "220 endless, no line end ever comes", 35);
	assert_non_null(strstr(s.reason, "endless line"));
}

static void test_hostile_options(void **state)
{
	static const char *const bad[] = { "a@b\r\nDATA", "a b", "<a@b>", "a@b>", "\x80@b", "\t" };
	struct err e;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct smtp_opts known = { "probe", bad[i], "", false };
		struct smtp_opts ehlo = { bad[i], "", "", false };
		assert_int_equal(smtp_opts_check(&known, &e), ERR_INVALID);
		assert_int_equal(smtp_opts_check(&ehlo, &e), ERR_INVALID);
	}
}

struct http_case {
	const char *text;
	enum err_code code; /* of feed, or of the end */
	int status;
	const char *body; /* or a part of the error */
};

static const struct http_case http_cases[] = {
	{ "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", ERR_OK, 200, "{}" },
	{ "HTTP/1.1 200 OK\r\ncontent-length:\t2 \r\n\r\n{}surplus", ERR_OK, 200, "{}" },
	{ "HTTP/1.0 200\r\n\r\nuntil the end", ERR_OK, 200, "until the end" },
	{ "HTTP/1.1 204 No\r\n\r\n", ERR_OK, 204, "" },
	{ "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", ERR_OK, 401, "" },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}", ERR_PROTOCOL, 200, "middle" },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}", ERR_PROTOCOL, 0, "two different" },
	{ "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", ERR_PROTOCOL, 0, "not a number" },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", ERR_PROTOCOL, 0, "beyond" },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n", ERR_PROTOCOL, 0, "too long" },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", ERR_PROTOCOL, 0, "Transfer-Encoding" },
	{ "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", ERR_PROTOCOL, 0, "folded" },
	{ "HTTP/1.1 200 OK\r\nA : b\r\n\r\n", ERR_PROTOCOL, 0, "without a name" },
	{ "HTTP/1.1 200 OK\nA: b\n\n", ERR_PROTOCOL, 0, "without CR" },
	{ "HTTP/1.1 100 Continue\r\n\r\n", ERR_PROTOCOL, 0, "nobody asked" },
	{ "HTTP/2 200 OK\r\n\r\n", ERR_PROTOCOL, 0, "status line" },
	{ "220 mx ESMTP\r\n", ERR_PROTOCOL, 0, "status line" },
	{ "", ERR_PROTOCOL, 0, "middle" },
};

static void check_http(const struct http_case *c, size_t chunk)
{
	struct strbuf body = STRBUF_INIT;
	struct http_reply r;
	struct err e;
	enum err_code rc = ERR_OK;
	size_t len = strlen(c->text);

	err_clear(&e);
	http_reply_init(&r, &body, 100);
	for (size_t at = 0; at < len && rc == ERR_OK; at += chunk)
		rc = http_reply_feed(&r, c->text + at, len - at < chunk ? len - at : chunk, &e);
	if (rc == ERR_OK && !http_reply_complete(&r))
		rc = http_reply_eof(&r, &e);
	if (rc != c->code)
		fail_msg("%s: %s", c->text, e.text);
	if (rc == ERR_OK) {
		assert_true(http_reply_complete(&r));
		assert_int_equal(r.status, c->status);
		assert_string_equal(strbuf_str(&body), c->body);
	} else if (!strstr(e.text, c->body)) {
		fail_msg("%s: %s", c->text, e.text);
	}
	strbuf_fini(&body);
}

static void test_http(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(http_cases); i++) {
		check_http(&http_cases[i], 1000);
		check_http(&http_cases[i], 1);
	}
}

static enum err_code parse(const char *json, struct agent_report *r, struct err *e)
{
	return agent_answer_parse(json, strlen(json), r, e);
}

static void test_agent(void **state)
{
	struct agent_report r;
	struct err e;

	(void)state;
	assert_int_equal(parse("{\"boot_id\":\"b1\",\"serving\":true,\"has_right\":false,\"epoch\":7,\"queue\":12,"
			       "\"disk_free_mb\":900,\"boot_order\":\"n\",\"trouble\":\"x\\u001b[2Jy\",\"new\":[1]}",
			       &r, &e),
			 ERR_OK);
	assert_true(r.present && r.serving && !r.has_right);
	assert_int_equal(r.epoch, 7);
	assert_int_equal(r.queue, 12);
	assert_string_equal(r.boot_id, "b1");
	assert_string_equal(r.trouble, "x?[2Jy");
	assert_int_equal(parse("{\"boot_id\":\"b1\",\"serving\":true,\"has_right\":true}", &r, &e), ERR_OK);
	assert_int_equal(r.queue, -1);

	/* clang-format off */
	static const char *const bad[] = {
		"", "[]", "{}", "{\"boot_id\":\"b\",\"serving\":1,\"has_right\":true}",
		"{\"boot_id\":\"\",\"serving\":true,\"has_right\":true}",
		"{\"boot_id\":\"b\",\"serving\":true,\"has_right\":true,\"epoch\":-1}",
		"{\"boot_id\":\"b\",\"serving\":true,\"has_right\":true,\"queue\":\"many\"}",
		"{\"boot_id\":\"b\",\"serving\":true,\"serving\":false,\"has_right\":true}",
	};
	/* clang-format on */
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(parse(bad[i], &r, &e), ERR_PROTOCOL);
		assert_false(r.present || r.serving);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scripts), cmocka_unit_test(test_certificate),
		cmocka_unit_test(test_limits),  cmocka_unit_test(test_hostile_options),
		cmocka_unit_test(test_http),    cmocka_unit_test(test_agent),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
