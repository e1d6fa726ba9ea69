/* rights.c: the decision table, the record's text both ways, what is refused, and which record may follow which. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "../../common/rights.h"

#define BOOT "6a5d3c52-6e0d-4c3b-8f0e-0d0f6f2f6c11"
#define P RIGHTS_BIT(RIGHTS_PRIMARY)
#define S RIGHTS_BIT(RIGHTS_STANDBY)
#define HEAD "coldmx-rights 1\npair=example\n"
#define BOTH HEAD "epoch=7\nown=primary\naccept=primary,standby\nissued_ms=1790000000000\n"

enum { NOTHING, ACCEPT, OWN };

struct decision {
	bool record;
	enum rights_place own;
	unsigned accept;
	enum rights_place role;
	enum rights_mode mode;
	bool confirmed, returning_wait, accept_only;
	int may;
	const char *says;
};

static struct rights_record record_of(enum rights_place own, unsigned accept)
{
	return (struct rights_record){ .pair = "example", .epoch = 7, .own = own, .accept = accept, .issued_ms = 1 };
}

static struct rights_site site_of(const struct decision *d)
{
	return (struct rights_site){
		.role = d->role,
		.boot_id = BOOT,
		.now_s = 1000,
		.confirmed = d->confirmed,
		.policy = { d->mode, d->returning_wait ? RIGHTS_RETURNING_WAIT : RIGHTS_RETURNING_SERVE,
			    d->accept_only ? RIGHTS_ALONE_ACCEPT_ONLY : RIGHTS_ALONE_SERVE },
	};
}

static void test_decisions(void **state)
{
	static const enum rights_place PRI = RIGHTS_PRIMARY, STB = RIGHTS_STANDBY, PARK = RIGHTS_PARKED;
	const struct decision row[] = {
		/* spool: a primary serves whatever the controller fails to say */
		{ false, PARK, 0, PRI, RIGHTS_SPOOL, false, false, false, OWN,
		  "no rights record yet: a primary serves" },
		{ true, PRI, P, PRI, RIGHTS_SPOOL, false, false, false, OWN, "epoch 7 gives own to the primary" },
		{ true, PRI, P | S, PRI, RIGHTS_SPOOL, false, true, true, OWN, "gives own to the primary" },
		{ true, PRI, P | S, PRI, RIGHTS_SPOOL, true, false, false, OWN, "gives own to the primary" },
		{ true, PARK, P | S, PRI, RIGHTS_SPOOL, false, false, false, ACCEPT, "gives accept to the primary" },
		{ true, PARK, S, PRI, RIGHTS_SPOOL, false, false, false, NOTHING,
		  "no right to the primary (accept=standby)" },
		{ true, STB, S, PRI, RIGHTS_SPOOL, true, false, false, NOTHING, "no right to the primary" },
		/* a standby has what its record says, and nothing without one */
		{ false, PARK, 0, STB, RIGHTS_SPOOL, false, false, false, NOTHING, "a standby waits for its grant" },
		{ false, PARK, 0, STB, RIGHTS_FULL, true, false, false, NOTHING, "a standby waits for its grant" },
		{ true, PRI, P, STB, RIGHTS_SPOOL, true, false, false, NOTHING,
		  "no right to the standby (accept=primary)" },
		{ true, PRI, P | S, STB, RIGHTS_SPOOL, false, false, false, ACCEPT, "gives accept to the standby" },
		{ true, PARK, 0, STB, RIGHTS_SPOOL, true, false, false, NOTHING, "accept=none" },
		{ true, STB, P | S, STB, RIGHTS_FULL, true, false, true, OWN, "gives own to the standby" },
		{ true, STB, S, STB, RIGHTS_FULL, false, false, true, ACCEPT, "accept only" },
		/* full: an owner whom nobody confirms */
		{ false, PARK, 0, PRI, RIGHTS_FULL, false, false, false, OWN, "gate_alone says serve" },
		{ false, PARK, 0, PRI, RIGHTS_FULL, false, true, true, ACCEPT, "gate_alone says accept only" },
		{ true, PRI, P, PRI, RIGHTS_FULL, true, true, true, OWN, "gives own" },
		{ true, PRI, P, PRI, RIGHTS_FULL, false, true, true, ACCEPT, "accept only" },
		{ true, PRI, P, PRI, RIGHTS_FULL, false, true, false, OWN, "gate_alone says serve" },
		{ true, PRI, P | S, PRI, RIGHTS_FULL, false, true, false, ACCEPT,
		  "a returning primary's delivery waits" },
		{ true, PRI, P | S, PRI, RIGHTS_FULL, false, false, false, OWN, "gate_alone says serve" },
		{ true, PRI, P | S, PRI, RIGHTS_FULL, true, true, true, OWN, "gives own" },
		{ true, STB, P | S, PRI, RIGHTS_FULL, false, false, false, ACCEPT, "gives accept to the primary" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		struct rights_record r = record_of(row[i].own, row[i].accept);
		struct rights_site site = site_of(&row[i]);
		struct rights_answer out;
		rights_decide(row[i].record ? &r : NULL, &site, &out);
		if (out.may_accept != (row[i].may >= ACCEPT) || out.may_own != (row[i].may == OWN) ||
		    out.may_rehearse || !strstr(out.why, row[i].says))
			fail_msg("row %zu: accept %d own %d: %s", i, out.may_accept, out.may_own, out.why);
	}
}

/* Over every record, place and policy: what promises 3 and 10 need of one host's decision. */
static void test_invariants(void **state)
{
	(void)state;
	for (unsigned bits = 0; bits < 3 * 128; bits++) {
		enum rights_place own = (enum rights_place)(bits / 128);
		unsigned accept = bits & 3;
		struct decision d = { .role = (enum rights_place)(bits >> 2 & 1),
				      .mode = (enum rights_mode)(bits >> 3 & 1),
				      .confirmed = bits >> 4 & 1,
				      .returning_wait = bits >> 5 & 1,
				      .accept_only = bits >> 6 & 1 };
		struct rights_record r = record_of(own, accept);
		struct rights_site site = site_of(&d);
		struct rights_answer out;
		if (own != RIGHTS_PARKED && !(accept & RIGHTS_BIT(own)))
			continue;
		rights_decide(&r, &site, &out);
		assert_false(out.may_own && !out.may_accept);
		assert_false(out.may_own && own != d.role);
		assert_int_equal(out.may_accept, !!(accept & RIGHTS_BIT(d.role))); /* whoever is away */
		if (d.mode == RIGHTS_SPOOL && own == RIGHTS_PRIMARY && d.role == RIGHTS_PRIMARY)
			assert_true(out.may_own);
		assert_true(out.why[0]);
	}
}

static void test_rehearse(void **state)
{
	struct rights_record r = record_of(RIGHTS_PRIMARY, P);
	struct rights_site site = { .role = RIGHTS_STANDBY, .boot_id = BOOT, .now_s = 999 };
	struct rights_answer out;
	(void)state;
	strcpy(r.rehearse_boot, BOOT);
	r.rehearse_until_s = 1000;
	rights_decide(&r, &site, &out);
	assert_true(out.may_rehearse && !out.may_accept && !out.may_own);
	site.now_s = 1000;
	rights_decide(&r, &site, &out);
	assert_false(out.may_rehearse);
	assert_non_null(strstr(out.why, "expired"));
	site.now_s = 999;
	site.boot_id = "another-boot";
	rights_decide(&r, &site, &out);
	assert_false(out.may_rehearse);
	site = (struct rights_site){ .role = RIGHTS_PRIMARY, .boot_id = BOOT, .now_s = 999 };
	rights_decide(&r, &site, &out);
	assert_true(out.may_own && !out.may_rehearse);
}

static void test_round_trip(void **state)
{
	static const char *const texts[] = {
		BOTH,
		BOTH "rehearse=" BOOT " 1790003600\n",
		HEAD "epoch=18446744073709551615\nown=parked\naccept=none\nissued_ms=0\n",
		HEAD "epoch=1\nown=standby\naccept=standby\nissued_ms=9223372036854775807\n",
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct rights_record r;
		struct strbuf out = STRBUF_INIT;
		struct err e = { 0 };
		if (rights_parse(texts[i], strlen(texts[i]), &r, &e) != ERR_OK)
			fail_msg("text %zu: %s", i, e.text);
		rights_format(&r, &out);
		assert_string_equal(strbuf_str(&out), texts[i]);
		strbuf_fini(&out);
	}
}

static void test_refused(void **state)
{
	static const struct {
		const char *text, *says;
	} row[] = {
		{ "", "truncated" },
		{ "coldmx-rights 1", "truncated" },
		{ "coldmx-rights 2\n", "line 1: must be `coldmx-rights 1`" },
		{ "coldmx-rights 1\nepoch=7\n", "line 2: must be pair=" },
		{ "coldmx-rights 1\npair=a b\n", "line 2: must be pair=" },
		{ HEAD "epoch=0\n", "line 3: must be epoch=" },
		{ HEAD "epoch=07\n", "line 3" },
		{ HEAD "epoch=+7\n", "line 3" },
		{ HEAD "epoch=18446744073709551616\n", "line 3" },
		{ HEAD "epoch=7\nown=both\n", "line 4" },
		{ HEAD "epoch=7\nown=primary\naccept=standby,primary\n", "line 5: must be accept=" },
		{ HEAD "epoch=7\nown=primary\naccept=standby\n", "line 5: whoever owns must accept" },
		{ HEAD "epoch=7\nown=primary\naccept=primary\nissued_ms=-1\n", "line 6" },
		{ HEAD "epoch=7\nown=primary\naccept=primary\n", "line 6" },
		{ BOTH "\n", "line 7" },
		{ BOTH "more=1\n", "line 7: must be rehearse=" },
		{ BOTH "rehearse=x\n", "line 7" },
		{ BOTH "rehearse=x 1\nrehearse=x 1\n", "line 8: nothing may follow" },
		{ HEAD "epoch=7\r\n", "line 3: a character" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		struct rights_record r;
		struct err e = { 0 };
		enum err_code rc = rights_parse(row[i].text, strlen(row[i].text), &r, &e);
		if (rc != ERR_INVALID || !strstr(e.text, row[i].says))
			fail_msg("row %zu: code %d: %s", i, (int)rc, e.text);
	}
	struct rights_record r;
	struct err e = { 0 };
	assert_int_equal(rights_parse(BOTH "\0\n", sizeof(BOTH) + 1, &r, &e), ERR_INVALID);
}

static void test_accept_new(void **state)
{
	struct rights_record a = record_of(RIGHTS_PRIMARY, P), b = a;
	struct err e = { 0 };
	(void)state;
	assert_int_equal(rights_accept_new(NULL, &b, &e), ERR_OK);
	assert_int_equal(rights_accept_new(&a, &b, &e), ERR_OK);
	b.issued_ms++; /* is no right: the controller stamps each answer anew */
	assert_int_equal(rights_accept_new(&a, &b, &e), ERR_OK);
	assert_true(rights_same(&a, &b));
	b.accept = P | S;
	assert_int_equal(rights_accept_new(&a, &b, &e), ERR_CONFLICT);
	b.epoch = 8;
	assert_int_equal(rights_accept_new(&a, &b, &e), ERR_OK);
	b.epoch = 6;
	assert_int_equal(rights_accept_new(&a, &b, &e), ERR_STALE);
	assert_string_equal(e.text, "epoch 6 is lower than the stored epoch 7");
	b.epoch = 9;
	strcpy(b.pair, "other");
	assert_int_equal(rights_accept_new(&a, &b, &e), ERR_CONFLICT);
}

/* The peer and the marker: forward only, and not to where no epoch can follow. */
static void test_learning(void **state)
{
	struct rights_record is = record_of(RIGHTS_PRIMARY, P | S), seen = is, lie;
	bool raised;
	struct err e = { 0 };
	(void)state;
	assert_true(rights_learn(NULL, RIGHTS_PRIMARY, &seen, &raised, &e) == ERR_OK && raised);
	assert_true(rights_learn(&is, RIGHTS_PRIMARY, &seen, &raised, &e) == ERR_OK && !raised);
	seen.issued_ms = 2;
	(void)snprintf(seen.rehearse_boot, sizeof(seen.rehearse_boot), "%s", BOOT);
	assert_true(rights_learn(&is, RIGHTS_PRIMARY, &seen, &raised, &e) == ERR_OK && !raised); /* the same holders */
	seen.epoch = 6;
	seen.own = RIGHTS_PARKED;
	assert_true(rights_learn(&is, RIGHTS_PRIMARY, &seen, &raised, &e) == ERR_OK && !raised);
	seen.epoch = 7 + 1000000;
	assert_true(rights_learn(&is, RIGHTS_PRIMARY, &seen, &raised, &e) == ERR_OK && raised);
	lie = seen;
	lie.epoch++;
	assert_true(rights_learn(&is, RIGHTS_PRIMARY, &lie, &raised, &e) == ERR_INVALID && !raised);
	lie.epoch = UINT64_MAX;
	assert_true(rights_learn(NULL, RIGHTS_PRIMARY, &lie, &raised, &e) == ERR_INVALID && !raised);
	lie = seen;
	lie.epoch = 7;
	assert_true(rights_learn(&is, RIGHTS_PRIMARY, &lie, &raised, &e) == ERR_CONFLICT && !raised);
	lie = is; /* a standby's accept goes by the controller's word only; its own goes */
	lie.epoch++;
	lie.accept = P;
	assert_true(rights_learn(&is, RIGHTS_PRIMARY, &lie, &raised, &e) == ERR_OK && raised && lie.accept == P);
	assert_true(rights_learn(&is, RIGHTS_STANDBY, &lie, &raised, &e) == ERR_OK && raised && lie.accept == (P | S));
	is.accept = P;
	lie.accept = P;
	assert_true(rights_learn(&is, RIGHTS_STANDBY, &lie, &raised, &e) == ERR_OK && raised && lie.accept == P);
	lie = seen;
	lie.pair[0] = 'x';
	assert_true(rights_learn(&is, RIGHTS_PRIMARY, &lie, &raised, &e) == ERR_CONFLICT && !raised);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_learning),   cmocka_unit_test(test_decisions),  cmocka_unit_test(test_invariants),
		cmocka_unit_test(test_rehearse),   cmocka_unit_test(test_round_trip), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_accept_new),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
