/* maps.c, maps_check.c, export.c: a bundle as docs/maps.md has it, from sources as postmap(1) has them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../agent/export.h"
#include "../../common/base/file.h"
#include "../../common/proto/maps.h"

#define DOMAINS "[domains]\nexample.org\tok\n"
#define HEAD "coldmx-maps 1 example\n"

static char dir[] = "/tmp/coldmx-test.XXXXXX";

static int make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	static const char *const names[] = { "domains", "boxes", "aliases", "postconf" };
	char path[64];
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	return rmdir(dir);
}

static char *write_file(char *path, size_t size, const char *name, const char *text, mode_t mode)
{
	struct err e = { 0 };
	snprintf(path, size, "%s/%s", dir, name);
	assert_int_equal(file_replace(path, text, strlen(text), mode, &e), ERR_OK);
	return path;
}

static void sign(struct strbuf *b)
{
	uint8_t hash[SHA256_BYTES];
	char hex[SHA256_HEX_SIZE];
	sha256_of(strbuf_str(b), b->len, hash);
	sha256_hex(hash, hex);
	strbuf_addf(b, "sha256 %s\n", hex);
}

static void test_format(void **state)
{
	struct maps *m = maps_new();
	struct strbuf out = STRBUF_INIT, want = STRBUF_INIT;
	struct maps_summary is;
	struct err e = { 0 };
	(void)state;
	strbuf_adds(&want, HEAD "[domains]\nexample.net\tok\nexample.org\tok\n"
				"[recipients]\n\"john doe\"@example.org\tok\n@example.net\tok\nalice@example.org\tok\n"
				"[aliases]\nsales@example.org\talice@example.org\n[transport]\nexample.org\tlmtp:x\n");
	sign(&want);
	assert_int_equal(maps_add(m, MAPS_DOMAINS, "Example.ORG", "", &e), ERR_OK);
	assert_int_equal(maps_add(m, MAPS_DOMAINS, "example.net", "", &e), ERR_OK);
	assert_int_equal(maps_add(m, MAPS_DOMAINS, "example.org", "", &e), ERR_OK);
	assert_int_equal(maps_add(m, MAPS_RECIPIENTS, "alice@example.org", "", &e), ERR_OK);
	assert_int_equal(maps_add(m, MAPS_RECIPIENTS, "ALICE@example.org", "", &e), ERR_OK);
	assert_int_equal(maps_add(m, MAPS_RECIPIENTS, "bob@elsewhere.org", "", &e), ERR_OK);
	assert_int_equal(maps_add(m, MAPS_RECIPIENTS, "@example.net", "", &e), ERR_OK);
	assert_int_equal(maps_add(m, MAPS_RECIPIENTS, "\"john doe\"@example.org", "", &e), ERR_OK);
	assert_int_equal(maps_add(m, MAPS_ALIASES, "sales@example.org", "alice@example.org", &e), ERR_OK);
	assert_int_equal(maps_add(m, MAPS_TRANSPORT, "example.org", "lmtp:x", &e), ERR_OK);
	assert_int_equal(maps_format(m, "example", &out, &e), ERR_OK);
	assert_string_equal(strbuf_str(&out), strbuf_str(&want));
	assert_int_equal(maps_check(out.data, out.len, "example", &is, &e), ERR_OK);
	assert_int_equal(is.domains, 2);
	assert_int_equal(is.recipients, 4);
	assert_memory_equal(out.data + out.len - 65, is.sha256, 64);
	assert_int_equal(maps_check(out.data, out.len, "other", &is, &e), ERR_INVALID);
	strbuf_fini(&out);
	strbuf_fini(&want);
	maps_free(m);
}

static void test_keys(void **state)
{
	static const struct {
		const char *key;
		bool ok;
	} row[] = {
		{ "a@example.org", true },
		{ "@example.org", true },
		{ "a@b@example.org", true },
		{ "\"a\\\"b\"@example.org", true },
		{ "\"@\"@example.org", true },
		{ "a b@example.org", false },
		{ "a@org", false },
		{ "a@example.org.", false },
		{ "a@.example.org", false },
		{ "a", false },
		{ "", false },
		{ "#a@example.org", false },
		{ "\"a@example.org", false },
		{ "\"a\"b@example.org", false },
		{ "\"a\\\"@example.org", false },
		{ "a@ex ample.org", false },
		{ "a@", false },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(row); i++)
		if (maps_address_ok(row[i].key, strlen(row[i].key)) != row[i].ok)
			fail_msg("%s", row[i].key);
}

static void test_check(void **state)
{
	static const struct {
		const char *text, *says;
	} row[] = {
		{ HEAD DOMAINS "[recipients]\na@example.org\tok\n", "" },
		{ HEAD DOMAINS "[aliases]\na@example.org\tb@example.com\n", "" },
		{ "coldmx-maps 2 example\n" DOMAINS, "line 1" },
		{ HEAD "[recipients]\n", "line 2: [domains] is the first section" },
		{ HEAD "x\ty\n", "line 2: an entry before" },
		{ HEAD DOMAINS "[domains]\n", "line 4: this section stood already" },
		{ HEAD DOMAINS "[other]\n", "line 4: no such section" },
		{ HEAD DOMAINS "[recipients]\na@example.org ok\n", "line 5: an entry is KEY" },
		{ HEAD DOMAINS "[recipients]\na@example.org\tok\tok\n", "line 5: an entry is KEY" },
		{ HEAD DOMAINS "[recipients]\n\n", "line 5: an entry is KEY" },
		{ HEAD DOMAINS "[recipients]\na\tok\n", "line 5: not an address" },
		{ HEAD "[domains]\nnodot\tok\n", "line 3: not a domain" },
		{ HEAD DOMAINS "[recipients]\na\001@example.org\tok\n", "line 5: control character" },
		{ HEAD DOMAINS "[recipients]\n", "no recipients" },
		{ HEAD "[domains]\n", "no domains" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		struct strbuf b = STRBUF_INIT;
		struct maps_summary is;
		struct err e = { 0 };
		strbuf_adds(&b, row[i].text);
		sign(&b);
		enum err_code rc = maps_check(b.data, b.len, "example", &is, &e);
		if ((rc == ERR_OK) != !row[i].says[0] || !strstr(e.text, row[i].says))
			fail_msg("row %zu: %s", i, e.text);
		b.data[10] ^= 1;
		assert_int_equal(maps_check(b.data, b.len, "example", &is, &e), ERR_INVALID);
		assert_non_null(strstr(e.text, "sha256"));
		b.data[10] ^= 1;
		for (size_t cut = 0; cut < b.len; cut++)
			assert_int_equal(maps_check(b.data, cut, "example", &is, &e), ERR_INVALID);
		strbuf_fini(&b);
	}
}

static void expect_export(const struct agent_config *c, const char *want)
{
	struct strbuf out = STRBUF_INIT;
	struct err e = { 0 };
	if (export_maps(c, &out, &e) != ERR_OK)
		fail_msg("%s", e.text);
	out.data[out.len - 72] = '\0'; /* the trailer */
	assert_string_equal(out.data, want);
	strbuf_fini(&out);
}

static void test_export_files(void **state)
{
	static char pair[] = "example";
	char domains[64], boxes[64], aliases[64];
	char *d[] = { domains }, *b[] = { boxes }, *a[] = { aliases }, local[] = "local.example", *l[] = { local };
	struct agent_config c = { .pair = pair };
	struct strbuf out = STRBUF_INIT;
	struct err e = { 0 };
	(void)state;
	write_file(domains, sizeof(domains), "domains", "# ours\nexample.org\nexample.net anything\n", 0644);
	write_file(boxes, sizeof(boxes), "boxes",
		   "\n# comment\nalice@example.org  example.org/alice/\nbob@example.org\n\texample.org/bob/\n"
		   "  # comment inside\n@example.net catch\nstray@elsewhere.org x\nroot x\n",
		   0644);
	write_file(aliases, sizeof(aliases), "aliases", "sales@example.org alice@example.org,\n\tbob@example.org",
		   0644);
	c.maps.domains = (struct config_texts){ d, 1 };
	c.maps.mailboxes = (struct config_texts){ b, 1 };
	c.maps.aliases = (struct config_texts){ a, 1 };
	expect_export(&c, HEAD "[domains]\nexample.net\tok\nexample.org\tok\n[recipients]\n@example.net\tok\n"
			       "alice@example.org\tok\nbob@example.org\tok\n[aliases]\n"
			       "sales@example.org\talice@example.org, bob@example.org\n");
	c.maps.local_domains = (struct config_texts){ l, 1 };
	c.maps.domains.count = 0;
	expect_export(&c, HEAD "[domains]\nlocal.example\tok\n[recipients]\nroot@local.example\tok\n");
	write_file(boxes, sizeof(boxes), "boxes", "\tgoes on\n", 0644);
	assert_int_equal(export_maps(&c, &out, &e), ERR_INVALID);
	assert_non_null(strstr(e.text, "boxes:1: goes on"));
	strbuf_fini(&out);
}

static void test_export_postconf(void **state)
{
	static char pair[] = "example";
	char domains[64], boxes[64], aliases[64], program[64], script[1024];
	struct agent_config c = { .pair = pair };
	struct strbuf out = STRBUF_INIT;
	struct err e = { 0 };
	(void)state;
	write_file(domains, sizeof(domains), "domains", "example.net x\n", 0644);
	write_file(boxes, sizeof(boxes), "boxes", "alice@example.org x\n", 0644);
	write_file(aliases, sizeof(aliases), "aliases",
		   "example.com x\nroot alice@example.org\na@example.com b@x.org\n", 0644);
	snprintf(script, sizeof(script),
		 "#!/bin/sh\ncase $2 in virtual_mailbox_domains) echo example.org, %s;; virtual_mailbox_maps) echo "
		 "proxy:hash:%s;; virtual_alias_maps|virtual_alias_domains) echo lmdb:%s;; transport_maps) echo;; "
		 "esac\n",
		 domains, boxes, aliases);
	c.maps.postconf = write_file(program, sizeof(program), "postconf", script, 0755);
	expect_export(&c, HEAD "[domains]\nexample.com\tok\nexample.net\tok\nexample.org\tok\n[recipients]\n"
			       "alice@example.org\tok\n[aliases]\na@example.com\tb@x.org\n");
	write_file(program, sizeof(program), "postconf", "#!/bin/sh\necho mysql:/etc/postfix/users.cf\n", 0755);
	assert_int_equal(export_maps(&c, &out, &e), ERR_INVALID);
	assert_non_null(strstr(e.text, "mysql:/etc/postfix/users.cf cannot be exported"));
	write_file(program, sizeof(program), "postconf", "#!/bin/sh\nexit 1\n", 0755);
	assert_int_equal(export_maps(&c, &out, &e), ERR_FAILED);
	strbuf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_format),          cmocka_unit_test(test_keys),
		cmocka_unit_test(test_check),           cmocka_unit_test(test_export_files),
		cmocka_unit_test(test_export_postconf),
	};
	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
