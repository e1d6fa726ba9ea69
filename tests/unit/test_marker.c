/* marker.c: what was written is read, and nothing else is: every byte, the domain and the key are proved. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "../../common/base/mem.h"
#include "../../common/marker.h"

#define SECRET "bGFiIHNlY3JldCBvZiAzMiBieXRlcyBsb25nISEhIQ=="
#define BOTH (RIGHTS_BIT(RIGHTS_PRIMARY) | RIGHTS_BIT(RIGHTS_STANDBY))

static const struct marker example = { "example", 7, 12, RIGHTS_PRIMARY, BOTH };

static void test_both_ways(void **state)
{
	struct marker_key key;
	struct marker m;
	char text[MARKER_MAX];
	(void)state;
	marker_key_derive(SECRET, &key);
	marker_format(&key, "example.test", &example, text);
	assert_memory_equal(text, "coldmx1 pair=example epoch=7 op=12 own=primary accept=primary,standby mac=", 74);
	assert_int_equal(strlen(text), 74 + 32);
	assert_true(marker_parse(&key, "example.test", text, &m));
	assert_string_equal(m.pair, "example");
	assert_true(m.epoch == 7 && m.op == 12 && m.own == RIGHTS_PRIMARY && m.accept == BOTH);
	for (size_t i = 0; text[i]; i++) {
		text[i] ^= 1;
		if (marker_parse(&key, "example.test", text, &m))
			fail_msg("believed with byte %zu changed", i);
		text[i] ^= 1;
	}
	assert_false(marker_parse(&key, "other.test", text, &m));
	key.bytes[31] ^= 1;
	assert_false(marker_parse(&key, "example.test", text, &m));
	assert_false(marker_parse(&key, "example.test", "", &m));
	assert_false(marker_parse(&key, "example.test", " mac=", &m));
}

/* Under the right key as well: another version, or a program that errs, must not be half understood. */
static void test_sealed_nonsense(void **state)
{
	static const char *const bad[] = {
		"",
		"coldmx2 pair=example epoch=7 op=12 own=primary accept=primary,standby",
		"coldmx1 pair=example epoch=7 op=12",
		"coldmx1 pair=3 epoch=7 op=12 own=primary",
		"coldmx1 pair=example epoch=0 op=12 own=primary accept=primary",
		"coldmx1 pair=example epoch=-1 op=12 own=primary accept=primary",
		"coldmx1 pair=example epoch=07 op=12 own=primary accept=primary",
		"coldmx1 pair=example epoch=18446744073709551616 op=12 own=primary accept=primary",
		"coldmx1 pair=example epoch=7 op=12 own=nobody accept=primary",
		"coldmx1 pair=example epoch=7 op=12 own=standby accept=primary",
		"coldmx1 pair=example epoch=7 op=12 own=primary accept=all",
		"coldmx1  pair=example epoch=7 op=12 own=primary accept=primary",
		"coldmx1 pair=example epoch=7 op=12 own=primary accept=primary more=1",
	};
	struct marker_key key;
	struct marker m;
	char text[MARKER_MAX];
	(void)state;
	marker_key_derive(SECRET, &key);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		(void)str_copy(text, sizeof(text), bad[i]);
		marker_seal(&key, "example.test", text);
		if (marker_parse(&key, "example.test", text, &m))
			fail_msg("believed: %s", text);
	}
	(void)str_copy(text, sizeof(text), "coldmx1 pair=example epoch=9 op=0 own=parked accept=none");
	marker_seal(&key, "example.test", text);
	assert_true(marker_parse(&key, "example.test", text, &m));
	assert_true(m.epoch == 9 && m.own == RIGHTS_PARKED && m.accept == 0);
}

static void test_longest_fits_in_one_string(void **state)
{
	struct marker m = { .epoch = UINT64_MAX, .op = UINT64_MAX, .own = RIGHTS_PRIMARY, .accept = BOTH },
		      back = { .epoch = 0 };
	struct marker_key key;
	char text[MARKER_MAX], domain[DOMAIN_MAX];
	(void)state;
	memset(m.pair, 'p', sizeof(m.pair) - 1);
	memset(domain, 'd', sizeof(domain) - 1);
	domain[sizeof(domain) - 1] = '\0';
	marker_key_derive(SECRET, &key);
	marker_format(&key, domain, &m, text);
	assert_true(strlen(text) <= 255 && marker_parse(&key, domain, text, &back));
	assert_true(back.epoch == UINT64_MAX && strcmp(back.pair, m.pair) == 0);
}

static void test_keys(void **state)
{
	struct marker_key key, back;
	char hex[MARKER_KEY_HEX_SIZE + 2];
	(void)state;
	marker_key_derive(SECRET, &key);
	marker_key_format(&key, hex);
	assert_true(marker_key_parse(hex, &back));
	assert_memory_equal(&key, &back, sizeof(key));
	memcpy(hex + 64, "\n", 2);
	assert_true(marker_key_parse(hex, &back));
	memcpy(hex + 64, "0", 2);
	assert_false(marker_key_parse(hex, &back));
	hex[63] = '\0';
	assert_false(marker_key_parse(hex, &back));
	hex[0] = 'g';
	assert_false(marker_key_parse(hex, &back));
	assert_false(marker_key_parse("", &back));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_ways),
		cmocka_unit_test(test_sealed_nonsense),
		cmocka_unit_test(test_longest_fits_in_one_string),
		cmocka_unit_test(test_keys),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
