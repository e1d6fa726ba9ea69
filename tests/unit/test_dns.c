/* DNS messages without a server: what an update asks for, what an answer proves, what a marker
 * proves. The server's side is played by ldns itself, or by a listener that says nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../common/base/clock.h"
#include "../../controller/driver/dns_io.h"
#include "../../controller/driver/dns_message.h"

#define SECRET "bGFiIHNlY3JldCBvZiAzMiBieXRlcyBsb25nISEhIQ=="
#define OTHER "YW5vdGhlciBzZWNyZXQgb2YgMzIgYnl0ZXMgbG9uZyE="

static const struct dns_opts signing = {
	.key_name = "coldmx",
	.key_algorithm = "hmac-sha256",
	.key_base64 = SECRET,
	.pair = "example",
};
static const struct dns_opts unsigned_opts = {
	.key_name = "", .key_algorithm = "", .key_base64 = "", .pair = "example"
};
static const struct verb_dns swap = {
	.zone = "example.test",
	.expect = { 300, 2, { { 10, "mx1.example.test" }, { 20, "mx2.example.test" } } },
	.want = { 120, 2, { { 20, "mx1.example.test" }, { 10, "mx2.example.test" } } },
	.op = 7,
	.epoch = 5,
	.own = "primary",
	.accept = "primary,standby",
	.marker = true,
};

static ldns_pkt *built(const struct dns_opts *opts, const struct verb_dns *verb, const ldns_rr_list *old,
		       const char *marker)
{
	struct dns_wire wire;
	struct err e = { ERR_OK, "" };
	ldns_pkt *pkt = NULL;
	assert_int_equal(dns_build_update(opts, verb, old, marker, &wire, &e), ERR_OK);
	assert_int_equal(ldns_wire2pkt(&pkt, wire.bytes, wire.len), LDNS_STATUS_OK);
	dns_wire_fini(&wire);
	return pkt;
}

/* Prerequisites stand in the answer section, changes in the authority section. */
static void expect_rr(const ldns_rr_list *list, size_t i, const char *text)
{
	assert_true(i < ldns_rr_list_rr_count(list));
	char *found = ldns_rr2str(ldns_rr_list_rr(list, i));
	for (char *c = found; *c; c++)
		*c = *c == '\t' ? ' ' : *c;
	found[strcspn(found, "\n")] = '\0';
	assert_string_equal(found, text);
	free(found);
}

static void update_is_one_atomic_message(void **state)
{
	(void)state;
	ldns_pkt *pkt = built(&signing, &swap, NULL, "new value");
	const ldns_rr_list *need = ldns_pkt_answer(pkt), *change = ldns_pkt_authority(pkt);
	assert_int_equal(ldns_pkt_get_opcode(pkt), LDNS_PACKET_UPDATE);
	assert_non_null(ldns_pkt_tsig(pkt));
	assert_int_equal(ldns_rr_list_rr_count(need), 3);
	expect_rr(need, 0, "example.test. 0 IN MX 10 mx1.example.test.");
	expect_rr(need, 1, "example.test. 0 IN MX 20 mx2.example.test.");
	assert_int_equal(ldns_rr_get_class(ldns_rr_list_rr(need, 2)), LDNS_RR_CLASS_NONE);
	assert_int_equal(ldns_rr_ttl(ldns_rr_list_rr(need, 2)), 0);
	assert_int_equal(ldns_rr_list_rr_count(change), 5);
	for (size_t i = 0; i < 5; i += 3) {
		assert_int_equal(ldns_rr_get_class(ldns_rr_list_rr(change, i)), LDNS_RR_CLASS_ANY);
		assert_int_equal(ldns_rr_ttl(ldns_rr_list_rr(change, i)), 0);
	}
	assert_int_equal(ldns_rr_get_type(ldns_rr_list_rr(change, 0)), LDNS_RR_TYPE_MX);
	expect_rr(change, 1, "example.test. 120 IN MX 20 mx1.example.test.");
	expect_rr(change, 2, "example.test. 120 IN MX 10 mx2.example.test.");
	assert_int_equal(ldns_rr_get_type(ldns_rr_list_rr(change, 3)), LDNS_RR_TYPE_TXT);
	expect_rr(change, 4, "_coldmx.example.test. 120 IN TXT \"new value\"");
	ldns_pkt_free(pkt);
}

static void update_requires_the_old_marker_as_read(void **state)
{
	(void)state;
	ldns_rr *rr = NULL;
	ldns_rr_list *old = ldns_rr_list_new();
	assert_int_equal(ldns_rr_new_frm_str(&rr, "_coldmx.example.test. 77 IN TXT \"a\" \"b\"", 99, NULL, NULL),
			 LDNS_STATUS_OK);
	assert_true(ldns_rr_list_push_rr(old, rr));
	ldns_pkt *pkt = built(&signing, &swap, old, "new value");
	assert_int_equal(ldns_rr_list_rr_count(ldns_pkt_answer(pkt)), 3);
	expect_rr(ldns_pkt_answer(pkt), 2, "_coldmx.example.test. 0 IN TXT \"a\" \"b\"");
	ldns_pkt_free(pkt);
	ldns_rr_list_deep_free(old);
}

static void update_without_marker_or_old_set(void **state)
{
	(void)state;
	struct verb_dns verb = swap;
	verb.expect.count = 0;
	ldns_pkt *pkt = built(&unsigned_opts, &verb, NULL, "");
	const ldns_rr *need = ldns_rr_list_rr(ldns_pkt_answer(pkt), 0);
	assert_int_equal(ldns_rr_list_rr_count(ldns_pkt_answer(pkt)), 1);
	assert_int_equal(ldns_rr_get_class(need), LDNS_RR_CLASS_NONE);
	assert_int_equal(ldns_rr_get_type(need), LDNS_RR_TYPE_MX);
	assert_int_equal(ldns_rr_list_rr_count(ldns_pkt_authority(pkt)), 3);
	assert_null(ldns_pkt_tsig(pkt));
	ldns_pkt_free(pkt);
}

static void update_refuses_what_is_none(void **state)
{
	(void)state;
	struct dns_wire wire;
	struct err e = { ERR_OK, "" };
	struct verb_dns verb = swap;
	verb.want.count = 0;
	assert_int_equal(dns_build_update(&signing, &verb, NULL, "", &wire, &e), ERR_BLOCKED);
	assert_non_null(strstr(e.text, "empty MX set"));
	verb = swap;
	memset(verb.want.mx[1].target, 'x', 70); /* a label has 63 bytes at most */
	assert_int_equal(dns_build_update(&signing, &verb, NULL, "", &wire, &e), ERR_INVALID);
	verb = swap;
	verb.zone[0] = '\0';
	assert_int_equal(dns_build_update(&signing, &verb, NULL, "", &wire, &e), ERR_INVALID);
}

/* What a server answers to `asked`: an rcode, signed (maybe with another secret) or not. */
struct answer {
	ldns_pkt_rcode rcode;
	const char *secret; /* NULL: unsigned */
	int tsig_error;     /* of an unsigned TSIG record */
	int64_t skew_s;     /* our clock is that much ahead */
	size_t spoil;       /* a byte to flip, 0 = none */
};

static void put_error(ldns_pkt *pkt, int error, int64_t now_s)
{
	uint8_t other[8] = { 0, 6 };
	ldns_rr *rr = ldns_rr_new();
	for (size_t i = 0; i < 6; i++)
		other[2 + i] = (uint8_t)(now_s >> (8 * (5 - i)));
	ldns_rr_set_owner(rr, ldns_dname_new_frm_str("coldmx."));
	ldns_rr_set_type(rr, LDNS_RR_TYPE_TSIG);
	ldns_rr_set_class(rr, LDNS_RR_CLASS_ANY);
	ldns_rr_set_ttl(rr, 0);
	ldns_rr_push_rdf(rr, ldns_dname_new_frm_str("hmac-sha256."));
	ldns_rr_push_rdf(rr, ldns_rdf_new_frm_data(LDNS_RDF_TYPE_TSIGTIME, 6, other + 2));
	ldns_rr_push_rdf(rr, ldns_native2rdf_int16(LDNS_RDF_TYPE_INT16, 300));
	ldns_rr_push_rdf(rr, ldns_rdf_new_frm_data(LDNS_RDF_TYPE_INT16_DATA, 2, "\0"));
	ldns_rr_push_rdf(rr, ldns_native2rdf_int16(LDNS_RDF_TYPE_INT16, 0));
	ldns_rr_push_rdf(rr, ldns_native2rdf_int16(LDNS_RDF_TYPE_INT16, (uint16_t)error));
	ldns_rr_push_rdf(rr, ldns_rdf_new_frm_data(LDNS_RDF_TYPE_INT16_DATA, 8, other));
	ldns_pkt_set_tsig(pkt, rr);
}

static enum err_code judged(const struct dns_opts *opts, const struct answer *a, struct err *e)
{
	struct dns_wire asked, wire = { .bytes = NULL };
	ldns_pkt *reply = ldns_pkt_new(), *pkt = NULL;
	int64_t now_ms = clock_wall_ms();
	assert_int_equal(dns_build_update(opts, &swap, NULL, "", &asked, e), ERR_OK);
	ldns_pkt_set_id(reply, asked.id);
	ldns_pkt_set_qr(reply, true);
	ldns_pkt_set_opcode(reply, LDNS_PACKET_UPDATE);
	ldns_pkt_set_rcode(reply, (uint8_t)a->rcode);
	if (a->secret) {
		char algorithm[32];
		snprintf(algorithm, sizeof(algorithm), "%s.", opts->key_algorithm);
		assert_int_equal(ldns_pkt_tsig_sign(reply, "coldmx.", a->secret, 300, algorithm, asked.mac),
				 LDNS_STATUS_OK);
	} else if (a->tsig_error) {
		put_error(reply, a->tsig_error, now_ms / 1000);
	}
	assert_int_equal(ldns_pkt2wire(&wire.bytes, reply, &wire.len), LDNS_STATUS_OK);
	wire.bytes[a->spoil] ^= a->spoil ? 1 : 0;
	assert_int_equal(dns_parse(wire.bytes, wire.len, &asked, &pkt, e), ERR_OK);
	enum err_code rc = dns_judge_update(opts, &asked, pkt, wire.bytes, wire.len, now_ms + a->skew_s * 1000, e);
	ldns_pkt_free(reply);
	ldns_pkt_free(pkt);
	dns_wire_fini(&wire);
	dns_wire_fini(&asked);
	return rc;
}

static void answers_are_judged(void **state)
{
	static const struct {
		struct answer answer;
		enum err_code code;
		const char *text;
	} cases[] = {
		{ { .rcode = LDNS_RCODE_NOERROR, .secret = SECRET }, ERR_OK, "" },
		{ { .rcode = LDNS_RCODE_NOERROR, .secret = SECRET, .skew_s = 290 }, ERR_OK, "" },
		{ { .rcode = LDNS_RCODE_NOERROR, .secret = SECRET, .skew_s = 7200 },
		  ERR_UNKNOWN,
		  " s before our clock" },
		{ { .rcode = LDNS_RCODE_NOERROR, .secret = SECRET, .skew_s = -7200 },
		  ERR_UNKNOWN,
		  " s after our clock" },
		{ { .rcode = LDNS_RCODE_NOERROR, .secret = OTHER }, ERR_UNKNOWN, "does not verify" },
		{ { .rcode = LDNS_RCODE_NOERROR, .secret = SECRET, .spoil = 2 }, ERR_UNKNOWN, "does not verify" },
		{ { .rcode = LDNS_RCODE_NOERROR }, ERR_UNKNOWN, "not signed" },
		{ { .rcode = LDNS_RCODE_NXRRSET, .secret = SECRET }, ERR_CONFLICT, "NXRRSET" },
		{ { .rcode = LDNS_RCODE_YXRRSET, .secret = SECRET }, ERR_CONFLICT, "YXRRSET" },
		{ { .rcode = LDNS_RCODE_NXDOMAIN, .secret = SECRET }, ERR_CONFLICT, "NXDOMAIN" },
		{ { .rcode = LDNS_RCODE_NXRRSET }, ERR_UNKNOWN, "not signed" },
		{ { .rcode = LDNS_RCODE_REFUSED, .secret = SECRET }, ERR_DENIED, "REFUSED" },
		{ { .rcode = LDNS_RCODE_REFUSED }, ERR_DENIED, "REFUSED" },
		{ { .rcode = LDNS_RCODE_NOTIMPL }, ERR_DENIED, "NOTIMPL" },
		{ { .rcode = LDNS_RCODE_NOTZONE }, ERR_DENIED, "NOTZONE" },
		{ { .rcode = LDNS_RCODE_NOTAUTH }, ERR_DENIED, "not authoritative" },
		{ { .rcode = LDNS_RCODE_SERVFAIL }, ERR_AGAIN, "SERVFAIL" },
		{ { .rcode = LDNS_RCODE_FORMERR }, ERR_PROTOCOL, "FORMERR" },
		{ { .rcode = LDNS_RCODE_NOTAUTH, .tsig_error = 16 }, ERR_AUTH, "BADSIG" },
		{ { .rcode = LDNS_RCODE_NOTAUTH, .tsig_error = 17 }, ERR_AUTH, "BADKEY" },
		{ { .rcode = LDNS_RCODE_NOTAUTH, .tsig_error = 18, .skew_s = 7200 },
		  ERR_AUTH,
		  "clock is 7200 s behind ours (BADTIME)" },
		{ { .rcode = LDNS_RCODE_NOTAUTH, .tsig_error = 18, .skew_s = -90 },
		  ERR_AUTH,
		  "clock is 90 s ahead of ours (BADTIME)" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = { ERR_OK, "" };
		enum err_code rc = judged(&signing, &cases[i].answer, &e);
		if (rc != cases[i].code || !strstr(e.text, cases[i].text))
			fail_msg("case %zu: %s, \"%s\"", i, err_code_name(rc), e.text);
	}
}

static void sha512_and_unsigned_are_judged(void **state)
{
	struct dns_opts opts = signing;
	struct err e = { ERR_OK, "" };
	const struct answer good = { .rcode = LDNS_RCODE_NOERROR, .secret = SECRET },
			    bare = { .rcode = LDNS_RCODE_NOERROR };
	(void)state;
	opts.key_algorithm = "hmac-sha512";
	assert_int_equal(judged(&opts, &good, &e), ERR_OK);
	assert_int_equal(judged(&unsigned_opts, &bare, &e), ERR_OK);
}

static void markers_prove_their_writer(void **state)
{
	char text[MARKER_MAX];
	struct dns_answer seen = { .has_marker = false };
	struct dns_opts other = signing;
	(void)state;
	dns_marker_format(&signing, &swap, text);
	assert_true(dns_marker_parse(&signing, swap.zone, text, &seen));
	assert_true(seen.has_marker && seen.marker_op == 7 && seen.marker_epoch == 5);
	other.key_base64 = OTHER;
	assert_false(dns_marker_parse(&other, swap.zone, text, &seen));
	assert_false(dns_marker_parse(&signing, "other.test", text, &seen));
	for (size_t i = 0; text[i]; i++) {
		text[i] ^= 1;
		if (dns_marker_parse(&signing, swap.zone, text, &seen))
			fail_msg("believed with byte %zu changed", i);
		text[i] ^= 1;
	}
	assert_false(dns_marker_parse(&signing, swap.zone, "", &seen));
	dns_marker_format(&unsigned_opts, &swap, text);
	assert_false(dns_marker_parse(&unsigned_opts, swap.zone, text, &seen));
}

/* An answer to a query, made from text, as dns_parse takes it. */
static ldns_pkt *answered(const char *const *records, size_t n)
{
	ldns_pkt *pkt = ldns_pkt_new();
	for (size_t i = 0; i < n; i++) {
		ldns_rr *rr = NULL;
		assert_int_equal(ldns_rr_new_frm_str(&rr, records[i], 0, NULL, NULL), LDNS_STATUS_OK);
		assert_true(ldns_pkt_push_rr(pkt, LDNS_SECTION_ANSWER, rr));
	}
	return pkt;
}

static void sets_are_read(void **state)
{
	static const char *const records[] = { "EXAMPLE.test. 300 IN MX 10 MX1.Example.TEST.",
					       "example.test. 60 IN MX 20 mx2.x.", "other.test. 300 IN MX 5 mx9.x.",
					       "_coldmx.Example.test. 60 IN TXT \"hello\"" };
	struct mx_set set;
	char text[64];
	struct err e = { ERR_OK, "" };
	(void)state;
	ldns_pkt *pkt = answered(records, ARRAY_LEN(records));
	assert_int_equal(dns_read_mx(pkt, "example.test", &set, &e), ERR_OK);
	dns_set_text(&set, text, sizeof(text));
	assert_string_equal(text, "10 mx1.example.test, 20 mx2.x");
	assert_int_equal(set.ttl_s, 300);
	ldns_rr_list *txt = dns_read_txt(pkt, "_coldmx.example.test");
	dns_txt_text(txt, text, sizeof(text));
	assert_string_equal(text, "hello");
	dns_txt_text(NULL, text, sizeof(text));
	assert_string_equal(text, "");
	ldns_rr_list_deep_free(txt);
	ldns_pkt_free(pkt);
}

static void too_large_sets_are_an_error(void **state)
{
	static const char *const one = "example.test. 300 IN MX 10 mx1.example.test.";
	const char *const records[MX_SET_MAX + 1] = { one, one, one, one, one, one, one, one, one };
	struct mx_set set;
	struct err e = { ERR_OK, "" };
	(void)state;
	ldns_pkt *pkt = answered(records, ARRAY_LEN(records));
	assert_int_equal(dns_read_mx(pkt, "example.test", &set, &e), ERR_PROTOCOL);
	ldns_pkt_free(pkt);
	memset(&set, 0, sizeof(set));
	char text[16];
	dns_set_text(&set, text, sizeof(text));
	assert_string_equal(text, "no MX");
}

static void only_answers_to_the_question_count(void **state)
{
	struct dns_wire asked;
	struct err e = { ERR_OK, "" };
	ldns_pkt *pkt = NULL;
	(void)state;
	assert_int_equal(dns_build_query("example.test", LDNS_RR_TYPE_MX, &asked, &e), ERR_OK);
	assert_int_equal(asked.question_len, 14 + 4);
	assert_int_equal(asked.bytes[2] & 1, 0); /* RD */
	assert_int_equal(dns_parse(asked.bytes, asked.len, &asked, &pkt, &e), ERR_PROTOCOL);
	uint8_t *reply = malloc(asked.len);
	memcpy(reply, asked.bytes, asked.len);
	reply[2] |= 0x80;
	reply[13] = 'E';
	assert_int_equal(dns_parse(reply, asked.len, &asked, &pkt, &e), ERR_OK);
	ldns_pkt_free(pkt);
	reply[13] = 'f';
	assert_int_equal(dns_parse(reply, asked.len, &asked, &pkt, &e), ERR_PROTOCOL);
	reply[13] = 'e';
	reply[0] ^= 1;
	assert_int_equal(dns_parse(reply, asked.len, &asked, &pkt, &e), ERR_PROTOCOL);
	assert_int_equal(dns_parse(reply, 5, &asked, &pkt, &e), ERR_PROTOCOL);
	free(reply);
	dns_wire_fini(&asked);
}

static void waits_end_by_cancel_and_deadline(void **state)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	struct dns_opts opts = signing;
	struct dns_answer answer;
	struct verify_answer seen;
	struct err e = { ERR_OK, "" };
	int silent = socket(AF_INET, SOCK_STREAM, 0), udp = socket(AF_INET, SOCK_DGRAM, 0);
	int cancel = eventfd(1, EFD_CLOEXEC);
	(void)state;
	assert_int_equal(bind(silent, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(getsockname(silent, (struct sockaddr *)&at, &len), 0);
	assert_int_equal(listen(silent, 4), 0);
	assert_int_equal(bind(udp, (struct sockaddr *)&at, sizeof(at)), 0);
	opts.nupdate = 1;
	opts.update[0] = (struct dns_server){ "127.0.0.1", ntohs(at.sin_port) };
	int64_t later_ms = clock_boot_ms() + 60000, now_ms = clock_boot_ms();
	assert_int_equal(dns_get(&opts, "example.test", later_ms, cancel, &answer, &e), ERR_CANCELLED);
	assert_int_equal(dns_swap(&opts, &swap, later_ms, cancel, &e), ERR_CANCELLED);
	assert_int_equal(dns_verify(&opts, &swap, later_ms, cancel, &seen, &e), ERR_CANCELLED);
	assert_int_equal(dns_get(&opts, "example.test", now_ms, -1, &answer, &e), ERR_TIMEOUT);
	assert_int_equal(dns_verify(&opts, &swap, now_ms, -1, &seen, &e), ERR_AGAIN);
	assert_true(clock_boot_ms() - now_ms < 5000);
	opts.nupdate = 0;
	assert_int_equal(dns_get(&opts, "example.test", later_ms, -1, &answer, &e), ERR_INVALID);
	opts.key_base64 = "";
	assert_int_equal(dns_swap(&opts, &swap, later_ms, -1, &e), ERR_INVALID);
	close(silent);
	close(udp);
	close(cancel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(update_is_one_atomic_message),
		cmocka_unit_test(update_requires_the_old_marker_as_read),
		cmocka_unit_test(update_without_marker_or_old_set),
		cmocka_unit_test(update_refuses_what_is_none),
		cmocka_unit_test(answers_are_judged),
		cmocka_unit_test(sha512_and_unsigned_are_judged),
		cmocka_unit_test(markers_prove_their_writer),
		cmocka_unit_test(sets_are_read),
		cmocka_unit_test(too_large_sets_are_an_error),
		cmocka_unit_test(only_answers_to_the_question_count),
		cmocka_unit_test(waits_end_by_cancel_and_deadline),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
