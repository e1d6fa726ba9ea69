/* coldmx.conf: each mistake is one error with file, line and what to write. Run from the top folder of the sources. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../common/base/file.h"
#include "../../common/base/mem.h"
#include "../../controller/config_rows.h"
#include "replace.h"

static char dir[64];

static void put(const char *name, const char *text, mode_t mode)
{
	char path[256];
	struct err e;
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(file_replace(path, text, strlen(text), mode, &e), ERR_OK);
}

/* The sample, with its folders moved into the test's. */
static char *sample(void)
{
	struct err e;
	char *text;
	assert_int_equal(file_read("etc/coldmx.conf", 1 << 20, FILE_ANY, &text, NULL, &e), ERR_OK);
	char folder[80];
	snprintf(folder, sizeof(folder), "%s/", dir);
	text = replace(text, "/etc/coldmx/", folder);
	return replace(text, "/usr/lib/coldmx", dir);
}

static enum err_code load(const char *text, struct config **c, struct err *e)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/coldmx.conf", dir);
	put("coldmx.conf", text, 0644);
	return config_load(path, c, e);
}

/* Loads the sample with one change, expects one error that contains `want` ("12: ..." with the
 * line). */
static void expect_error(const char *from, const char *to, const char *want)
{
	struct err e = { 0 };
	struct config *c;
	char *whole = sample(), prefix[256];
	char *text = replace(mem_strdup(whole), from, to);
	assert_string_not_equal(whole, text);
	enum err_code rc = load(text, &c, &e);
	snprintf(prefix, sizeof(prefix), "%s/coldmx.conf:", dir);
	if (rc != ERR_INVALID || !strstr(e.text, want) || strncmp(e.text, prefix, strlen(prefix)) != 0)
		fail_msg("change \"%s\" -> \"%s\"\n  wanted: %s\n  got:    %s", from, to, want, e.text);
	assert_null(c);
	free(text);
	free(whole);
}

static void test_sample_loads(void **state)
{
	(void)state;
	struct err e = { 0 };
	struct config *c;
	char *text = sample();
	if (load(text, &c, &e) != ERR_OK)
		fail_msg("%s", e.text);
	assert_int_equal(c->npairs, 1);
	assert_int_equal(c->ncontrols, 2);
	assert_string_equal(c->control[0].name, "10-firewall");
	assert_true(c->control[0].block);
	assert_false(c->control[0].with_mail);
	assert_true(c->control[1].with_mail);
	assert_int_equal(c->maps_key.len, 32);
	assert_non_null(config_token(c, "agent:example:standby"));
	assert_null(config_token(c, "agent:example:other"));
	assert_null(config_token(c, "agent:other:standby"));
	config_free(c);
	free(text);
}

/* Every row in force as a file again: printed, loaded, printed. */
static void test_print_loads_again(void **state)
{
	(void)state;
	struct err e = { 0 };
	struct config *c;
	struct strbuf one = STRBUF_INIT, two = STRBUF_INIT;
	char *text = sample();
	assert_int_equal(load(text, &c, &e), ERR_OK);
	config_print(c, &one);
	config_free(c);
	if (load(strbuf_str(&one), &c, &e) != ERR_OK)
		fail_msg("%s", e.text);
	config_print(c, &two);
	config_free(c);
	assert_string_equal(strbuf_str(&one), strbuf_str(&two));
	assert_non_null(strstr(strbuf_str(&one), "grace = \"60 s\";  # default; "));
	assert_non_null(strstr(strbuf_str(&one), "ehlo_name = \"coldmx.example.org\";  # set; "));
	assert_null(strstr(strbuf_str(&one), "c2VjcmV0")); /* secrets are files, never printed */
	strbuf_fini(&one);
	strbuf_fini(&two);
	free(text);
}

static void test_mistakes_of_notation(void **state)
{
	(void)state;
	expect_error("grace = \"60 s\"", "grase = \"60 s\"",
		     ":17: unknown key \"grase\" in global: did you mean \"grace\"?");
	expect_error("grace = \"60 s\"", "zzzzzzzzzz = 1", "unknown key \"zzzzzzzzzz\" in global: it takes ehlo_name");
	expect_error("grace = \"60 s\"", "grace = 60", ":17: grace must be a duration in quotes");
	expect_error("grace = \"60 s\"", "grace = \"60\"", "write grace = \"60 s\"");
	expect_error("grace = \"60 s\"", "grace = \"60 m\"", "is not a duration in quotes");
	expect_error("grace = \"60 s\"", "grace = \"9999999999999999999 d\"", "is not a duration");
	expect_error("grace = \"60 s\"", "grace = \"2 d\"", "is out of range, \"0 s\" to \"1 d\"");
	expect_error("executor_threads = 8", "executor_threads = 0",
		     "is out of range, 1 to 256: write executor_threads = 8");
	expect_error("executor_threads = 8", "executor_threads = 5000000000", ":16: 5000000000 is too large");
	expect_error("executor_threads = 8", "executor_threads = \"8\"", "must be a whole number");
	expect_error("log_level = \"info\"", "log_level = \"loud\"", "is not one of \"error\", \"warn\"");
	expect_error("marker = false", "marker = 0", "marker must be true or false: write marker = false");
	expect_error("grace = \"60 s\";", "grace = \"60 s\"; grace = \"61 s\";", "a key written twice");
	expect_error("port = 22;\n    identity", "port 22;\n    identity",
		     "syntax error here or just above"); /* no text: libconfig leaks it */
	expect_error("tsig = (", "@include \"x\"\ntsig = (", "@include is not supported");
	expect_error("  ehlo_name = \"coldmx.example.org\";", "", ":5: global has no \"ehlo_name\" (");
	expect_error("primary = {\n", "primary = 7; other = {\n", "unknown key \"other\" in pair");
	expect_error("v4 = \"192.0.2.25\"", "v4 = \"mx1.example.org\"",
		     "is a host name, and hosts are known by literal addresses only");
	expect_error("v4 = \"192.0.2.25\"", "v4 = \"192.0.2.256\"", "write v4 = \"192.0.2.1\"");
	expect_error("servers = ( \"192.0.2.53\",", "servers = ( \"ns1.example.org\",",
		     "servers: value \"ns1.example.org\" is a host name");
	expect_error("servers = ( \"192.0.2.53\",", "servers = ( 5,", "each item of servers must be a literal address");
	expect_error("socket = \"/run", "socket = \"run", "is not an absolute path");
	expect_error("postmaster@example.org", "post$(id)@example.org", "is not a mail address");
}

static void test_mistakes_of_meaning(void **state)
{
	(void)state;
	expect_error("v4 = \"192.0.2.26\"", "v4 = \"192.0.2.25\"", "is the primary's address too");
	expect_error("v6 = \"2001:db8::26\"", "v6 = \"2001:db8:0::25\"", "is the primary's address too");
	expect_error("mx2.example.org", "mx1.example.org", "is the primary's name too");
	expect_error("via = \"hyper\"", "via = \"hypo\"", "power_hosts has no \"hypo\"");
	expect_error("key = \"coldmx-key\"", "key = \"other\"", "tsig has no key \"other\"");
	expect_error("http = \"127.0.0.1:8825\"", "http = \"0.0.0.0:8825\"", "without TLS and tokens");
	expect_error("postmaster@example.org", "postmaster@example.com", "is in none of the pair's domains");
	expect_error("returning_primary = \"serve\"", "returning_primary = \"wait\"", "belongs to full mode");
	expect_error("primary = 10", "primary = 30", "must be the lower number");
	expect_error("backup.example.net", "mx2.example.org", "is one of the pair's own hosts");
	expect_error("ttl = \"300 s\"", "ttl = \"300500 ms\"", "whole seconds");
	expect_error("    name = \"hyper\";\n    v4 = \"192.0.2.2\";\n    v6 = \"2001:db8::2\";",
		     "    name = \"hyper\";", "has neither v4 nor v6");
	expect_error("      v4 = \"192.0.2.25\";                  # one of the two is required\n   "
		     "   v6 = \"2001:db8::25\";",
		     "", "the primary has neither v4 nor v6");
	expect_error("  v4 = \"192.0.2.9\";                       # our own addresses as the mail "
		     "hosts see them; one of the two is required\n  v6 = \"2001:db8::9\";",
		     "", ":5: global has neither v4 nor v6");
}

static void test_two_pairs(void **state)
{
	(void)state;
	struct err e = { 0 };
	struct config *c;
	char *text = sample();
	char *pair = mem_strdup(strstr(text, "pairs = (") + 9);
	*strstr(pair, "\n);") = '\0';
	struct strbuf twice = STRBUF_INIT;
	strbuf_addf(&twice, "pairs = (%s,", pair);
	char *both = replace(mem_strdup(text), "pairs = (", strbuf_str(&twice));
	strbuf_fini(&twice);
	assert_int_equal(load(both, &c, &e), ERR_INVALID);
	assert_non_null(strstr(e.text, "pair \"example\" is there twice"));
	free(both);
	pair = replace(replace(replace(pair, "\"example\"", "\"other\""), "\"example.org\"", "\"example.com\""),
		       "@example.org", "@example.com");
	strbuf_addf(&twice, "pairs = (%s,", pair);
	both = replace(mem_strdup(text), "pairs = (", strbuf_str(&twice));
	strbuf_fini(&twice);
	assert_int_equal(load(both, &c, &e), ERR_INVALID);
	assert_non_null(strstr(e.text, "is a host of pair \"other\" too"));
	free(both);
	free(pair);
	free(text);
}

static void test_files(void **state)
{
	(void)state;
	put("tsig.key", "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0\n", 0640);
	expect_error("port = 22;", "port = 23;", "is a secret and others may read it (mode 0640)");
	put("tsig.key", "not base64!\n", 0600);
	expect_error("port = 22;", "port = 23;", "does not hold a key in base64");
	put("tsig.key", "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0\n", 0600);
	expect_error("mx1.token", "gone.token", "No such file or directory: create it, or write the path of a file");
	expect_error("harden.d\"", "gone.d\"", "No such file or directory: create it, or write the path of a folder");
	put("maps.key", "short\n", 0600);
	expect_error("port = 22;", "port = 23;", "64 hexadecimal digits");
	put("maps.key", "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n", 0600);
	put("known_hosts", "x\n", 0666);
	expect_error("port = 22;", "port = 23;", "writable by others");
	put("known_hosts", "x\n", 0644);
	put("notify", "#!/bin/sh\n", 0644);
	expect_error("port = 22;", "port = 23;", "Permission denied: make it executable");
	put("notify", "#!/bin/sh\n", 0755);
}

static void test_controls(void **state)
{
	(void)state;
	struct err e = { 0 };
	struct config *c;
	char *text = sample(), path[128];
	put("harden.d/60-nothing", "#!/bin/sh\n# BLOCK\n", 0755);
	assert_int_equal(load(text, &c, &e), ERR_INVALID);
	assert_non_null(strstr(e.text, "60-nothing:1: the header does not say when"));
	snprintf(path, sizeof(path), "%s/harden.d/60-nothing", dir);
	unlink(path);
	put("harden.d/10-firewall.bak", "", 0644);
	assert_int_equal(load(text, &c, &e), ERR_INVALID);
	assert_non_null(strstr(e.text, "10-firewall.bak is not named as a control"));
	snprintf(path, sizeof(path), "%s/harden.d/10-firewall.bak", dir);
	unlink(path);
	free(text);
}

static void test_engine(void **state)
{
	(void)state;
	struct err e = { 0 };
	struct config *c;
	struct engine_opts o;
	char *text = sample();
	assert_int_equal(load(text, &c, &e), ERR_OK);
	config_fill_engine(c, &o);
	const struct engine_pair *p = &o.pairs[0];
	const struct plan_zone *z = &p->site.zones[0];
	assert_int_equal(o.nreferences, 2);
	assert_string_equal(o.references[1].addr, "2001:db8:1::1");
	assert_int_equal(o.brake.mass_percent, 30);
	assert_int_equal(o.grace_ms, 60000);
	assert_int_equal(p->mode, MODE_MANUAL);
	assert_int_equal(z->before.count, 3);
	assert_int_equal(z->before.ttl_s, 300);
	assert_string_equal(z->before.mx[0].target, "mx1.example.org");
	assert_int_equal(z->before.mx[0].preference, 10);
	assert_int_equal(z->after.mx[0].preference, 20);
	assert_int_equal(z->after.mx[1].preference, 10);
	assert_int_equal(z->after.mx[2].preference, 50);
	assert_true(p->health.used[FAMILY_V6]);
	assert_true(p->health.agent);
	assert_string_equal(p->probe[FAMILY_V4].name, "mx1.example.org");
	assert_string_equal(p->agent[HOST_STANDBY].token_name, "agent:example:standby");
	assert_int_equal(p->site.boot_ms, 600000);
	assert_int_equal(strlen(p->fingerprint), 32);
	config_engine_free(&o);
	config_free(c);
	free(text);
}

static void test_units(void **state)
{
	(void)state;
	int64_t v;
	assert_true(conf_parse_duration("300ms", &v) && v == 300);
	assert_true(conf_parse_duration("10 min", &v) && v == 600000);
	assert_true(conf_parse_duration("7 d", &v) && v == 604800000);
	assert_false(conf_parse_duration("-1 s", &v));
	assert_false(conf_parse_duration("1.5 s", &v));
	assert_false(conf_parse_duration("5", &v));
	assert_true(conf_parse_size("16 MiB", &v) && v == 16777216);
	assert_true(conf_parse_size("20 MB", &v) && v == 20000000);
	assert_false(conf_parse_size("20 M", &v));
}

static int set_up(void **state)
{
	(void)state;
	char path[128];
	snprintf(dir, sizeof(dir), "/tmp/coldmx-test-config-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/harden.d", dir);
	mkdir(path, 0755);
	put("harden.d/10-firewall", "#!/bin/sh\n# text\n# BLOCK\n# phase: before-mail\n", 0755);
	put("harden.d/50-relay", "#!/bin/sh\n# BLOCK\n# phase: with-mail\n", 0755);
	put("tsig.key", "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0\n", 0600);
	put("maps.key", "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n", 0600);
	put("mx1.token", "0123456789abcdef0123\n", 0600);
	put("mx2.token", "0123456789abcdef4567\n", 0600);
	put("ssh_key", "key\n", 0600);
	put("agent-listen.key", "key\n", 0600);
	put("notify", "#!/bin/sh\n", 0755);
	put("heartbeat", "#!/bin/sh\n", 0755);
	static const char *const plain[] = { "known_hosts", "agent-listen.pem", "agents-ca.pem", "mx-ca.pem" };
	for (size_t i = 0; i < ARRAY_LEN(plain); i++)
		put(plain[i], "x\n", 0644);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	char command[128];
	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_units),
		cmocka_unit_test(test_sample_loads),
		cmocka_unit_test(test_print_loads_again),
		cmocka_unit_test(test_mistakes_of_notation),
		cmocka_unit_test(test_mistakes_of_meaning),
		cmocka_unit_test(test_two_pairs),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_controls),
		cmocka_unit_test(test_engine),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
