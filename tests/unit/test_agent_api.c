/* The agents' listener over real TLS: tokens, rights, boots, maps, each answer as docs/openapi.yaml has it; and the kept
 * maps on disk. Run from the top folder of the sources. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "../../common/base/mem.h"
#include "../../common/base/sha256.h"
#include "../../controller/surface/agent_api.h"
#include "../../controller/surface/maps_store.h"
#include "contract.h"

static char dir[64], maps_dir[80], cert_path[96], key_path[96];
static struct config config;
static struct config_pair pairs[2];
static struct agent_api *api;
static struct mailbox *loop;
static pthread_t loop_thread;

/* ---- a pretended engine, under the names of the real one (not linked here) ---- */
static bool wanted = true, ready = true;
static char boot_seen[40], order_seen[NAME_MAX_LEN], pushed_sha[SHA256_HEX_SIZE];
static uint32_t pushed_recipients;

bool engine_rights(const struct engine *e, uint32_t pair, char *out, size_t size)
{
	(void)e;
	snprintf(out, size, "coldmx-rights 1\npair=%s\n", pairs[pair - 1].name);
	return ready;
}

bool engine_maps_wanted(const struct engine *e, uint32_t pair)
{
	(void)e;
	return wanted && pair == 1;
}

void engine_maps_pushed(struct engine *e, uint32_t pair, const char *sha256, uint32_t recipients)
{
	(void)e;
	(void)pair;
	(void)str_copy(pushed_sha, sizeof(pushed_sha), sha256);
	pushed_recipients = recipients;
}

void engine_boot_reported(struct engine *e, uint32_t pair, enum host_role role, const char *boot_id, const char *order)
{
	(void)e;
	(void)pair;
	(void)role;
	(void)str_copy(boot_seen, sizeof(boot_seen), boot_id);
	(void)str_copy(order_seen, sizeof(order_seen), order);
}

static void *turn_loop(void *arg)
{
	while (mailbox_wait(arg))
		mailbox_drain(arg);
	return NULL;
}

/* ---- the document ---- */
static const char *const whats[] = { "rights", "boots", "maps" };
static const char *const methods[] = { "get", "post", "put" }; /* of each */
static bool seen[ARRAY_LEN(whats)][600];

/* An answer at a documented path: its status stands there, and its JSON has the members of its schema. */
static void hold_to_document(const char *method, const char *path, long status, const struct strbuf *got)
{
	json_t *body = status == 200 ? NULL : json_loadb(got->data, got->len, 0, NULL);
	if (status != 200)
		expect_exactly(body, "Problem", path);
	json_decref(body);
	for (size_t i = 0; i < ARRAY_LEN(whats); i++) {
		char name[80];
		const char *what = strrchr(path, '/') + 1;
		if (strcmp(what, whats[i]) != 0 || strcasecmp(method, methods[i]) != 0)
			continue;
		snprintf(name, sizeof(name), "/v1/agent/{pair}/{role}/%s", what);
		if (!contract_has_status(name, methods[i], status))
			fail_msg("%s %s answers %ld, which docs/openapi.yaml has not", method, path, status);
		seen[i][status] = true;
	}
}

/* ---- client ---- */
static char allowed[16]; /* header Allow of the last answer */

static size_t keep_body(char *bytes, size_t size, size_t n, void *arg)
{
	strbuf_add(arg, bytes, size * n);
	return size * n;
}

static long ask(const char *method, const char *path, const char *token, const char *body, size_t len,
		struct strbuf *got)
{
	char url[200], header[200];
	long status = 0;
	CURL *c = curl_easy_init();
	struct curl_slist *headers = NULL;
	snprintf(url, sizeof(url), "https://127.0.0.1:%u%s", agent_api_port(api), path);
	snprintf(header, sizeof(header), "Authorization: Bearer %s", token ? token : "");
	if (token)
		headers = curl_slist_append(headers, header);
	headers = curl_slist_append(headers, "Expect:");
	strbuf_reset(got);
	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_CAINFO, cert_path);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 0L);
	curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, keep_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, got);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, 20000L);
	if (body) {
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, body);
		curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, (long)len);
	}
	if (curl_easy_perform(c) == CURLE_OK)
		curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
	struct curl_header *allow = NULL;
	bool has_allow = curl_easy_header(c, "Allow", 0, CURLH_HEADER, -1, &allow) == CURLHE_OK;
	(void)str_copy(allowed, sizeof(allowed), has_allow ? allow->value : "");
	curl_slist_free_all(headers);
	curl_easy_cleanup(c);
	hold_to_document(method, path, status, got);
	return status;
}

static void bundle(const char *pair, const char *middle, struct strbuf *out)
{
	uint8_t hash[SHA256_BYTES];
	char hex[SHA256_HEX_SIZE];
	strbuf_addf(out, "coldmx-maps 1 %s\n%s", pair, middle);
	sha256_of(out->data, out->len, hash);
	sha256_hex(hash, hex);
	strbuf_addf(out, "sha256 %s\n", hex);
}

#define MIDDLE "[domains]\nexample.org\tok\n[recipients]\nalice@example.org\tok\nbob@example.org\tok\n"

static void test_tokens(void **state)
{
	(void)state;
	struct strbuf got = STRBUF_INIT;
	assert_int_equal(ask("GET", "/v1/agent/alpha/primary/rights", "alpha-primary-token", NULL, 0, &got), 200);
	assert_string_equal(got.data, "coldmx-rights 1\npair=alpha\n");
	assert_int_equal(ask("GET", "/v1/agent/alpha/primary/rights", NULL, NULL, 0, &got), 401);
	assert_int_equal(ask("GET", "/v1/agent/alpha/primary/rights", "", NULL, 0, &got), 401);
	assert_int_equal(ask("GET", "/v1/agent/alpha/primary/rights", "alpha-standby-token", NULL, 0, &got), 401);
	assert_int_equal(ask("GET", "/v1/agent/alpha/primary/rights", "alpha-primary-tokenx", NULL, 0, &got), 401);
	/* beta has no tokens: nobody gets in with an empty one; an unknown pair answers the same */
	assert_int_equal(ask("GET", "/v1/agent/beta/primary/rights", "", NULL, 0, &got), 401);
	assert_int_equal(ask("GET", "/v1/agent/none/primary/rights", "x", NULL, 0, &got), 401);
	assert_int_equal(ask("GET", "/v1/agent/alpha/other/rights", "alpha-primary-token", NULL, 0, &got), 401);
	assert_int_equal(ask("GET", "/", "alpha-primary-token", NULL, 0, &got), 401);
	assert_int_equal(ask("GET", "/v1/agent/alpha/primary/none", "alpha-primary-token", NULL, 0, &got), 404);
	assert_int_equal(ask("DELETE", "/v1/agent/alpha/primary/maps", "alpha-primary-token", NULL, 0, &got), 405);
	assert_string_equal(allowed, "PUT");
	ready = false;
	assert_int_equal(ask("GET", "/v1/agent/alpha/primary/rights", "alpha-primary-token", NULL, 0, &got), 503);
	ready = true;
	strbuf_fini(&got);
}

static void test_boots(void **state)
{
	(void)state;
	struct strbuf got = STRBUF_INIT;
	static const char good[] = "boot_id=6a5d3c52-6e0d-4c3b-8f0e-0d0f6f2f6c11\norder=n1\n";
	static const char *const bad[] = { "",
					   "boot_id=a\n",
					   "order=\n",
					   "boot_id=\norder=\n",
					   "boot_id=a b\norder=\n",
					   "boot_id=a\norder=\nmore=1\n",
					   "boot_id=a\norder=\x1b\n" };
	assert_int_equal(
		ask("POST", "/v1/agent/alpha/standby/boots", "alpha-standby-token", good, sizeof(good) - 1, &got), 200);
	assert_string_equal(boot_seen, "6a5d3c52-6e0d-4c3b-8f0e-0d0f6f2f6c11");
	assert_string_equal(order_seen, "n1");
	assert_int_equal(
		ask("POST", "/v1/agent/alpha/standby/boots", "alpha-standby-token", "boot_id=b2\norder=\n", 18, &got),
		200);
	assert_string_equal(order_seen, "");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(ask("POST", "/v1/agent/alpha/standby/boots", "alpha-standby-token", bad[i],
				     strlen(bad[i]), &got),
				 400);
	char *large = mem_calloc(9000, 1);
	memset(large, 'x', 8999);
	assert_int_equal(ask("POST", "/v1/agent/alpha/standby/boots", "alpha-standby-token", large, 8999, &got), 413);
	free(large);
	strbuf_fini(&got);
}

static void test_maps(void **state)
{
	(void)state;
	struct strbuf got = STRBUF_INIT, maps = STRBUF_INIT, other = STRBUF_INIT;
	char *back;
	size_t len;
	struct err e = { 0 };
	bundle("alpha", MIDDLE, &maps);
	bundle("beta", MIDDLE, &other);
	wanted = false;
	assert_int_equal(ask("PUT", "/v1/agent/alpha/primary/maps", "alpha-primary-token", maps.data, maps.len, &got),
			 409);
	assert_non_null(strstr(got.data, "\"rule\":\"interlock\""));
	assert_int_equal(maps_store_load(&config, 1, &back, &len, &e), ERR_NOT_FOUND);
	wanted = true;
	assert_int_equal(ask("PUT", "/v1/agent/alpha/primary/maps", "alpha-primary-token", maps.data, maps.len, &got),
			 200);
	assert_int_equal(pushed_recipients, 2);
	json_t *kept = json_loadb(got.data, got.len, 0, NULL);
	expect_exactly(kept, "Kept", "PUT maps");
	assert_string_equal(json_string_value(json_object_get(kept, "sha256")), pushed_sha);
	json_decref(kept);
	assert_int_equal(maps_store_load(&config, 1, &back, &len, &e), ERR_OK);
	assert_int_equal(len, maps.len);
	assert_memory_equal(back, maps.data, len);
	free(back);
	assert_int_equal(ask("PUT", "/v1/agent/alpha/primary/maps", "alpha-primary-token", other.data, other.len, &got),
			 400);
	assert_int_equal(ask("PUT", "/v1/agent/alpha/standby/maps", "alpha-standby-token", maps.data, maps.len, &got),
			 403);
	strbuf_addc(&maps, '\n');
	assert_int_equal(ask("PUT", "/v1/agent/alpha/primary/maps", "alpha-primary-token", maps.data, maps.len, &got),
			 400);
	char *large = mem_calloc(70001, 1);
	memset(large, 'x', 70000);
	assert_int_equal(ask("PUT", "/v1/agent/alpha/primary/maps", "alpha-primary-token", large, 70000, &got), 413);
	free(large);
	strbuf_fini(&got);
	strbuf_fini(&maps);
	strbuf_fini(&other);
}

/* Last of those that ask: what the document promises was met; but for 503 and 504, which need a controller in trouble. */
static void test_document_is_met(void **state)
{
	(void)state;
	struct strbuf got = STRBUF_INIT;
	assert_int_equal(ask("POST", "/v1/agent/alpha/standby/boots", "x", "", 0, &got), 401);
	assert_int_equal(ask("PUT", "/v1/agent/alpha/primary/maps", "x", "", 0, &got), 401);
	strbuf_fini(&got);
	for (size_t i = 0; i < ARRAY_LEN(whats); i++)
		for (long status = 100; status < 503; status++) {
			char name[80];
			snprintf(name, sizeof(name), "/v1/agent/{pair}/{role}/%s", whats[i]);
			if (contract_has_status(name, methods[i], status) && !seen[i][status])
				fail_msg("%s never answered %ld as docs/openapi.yaml has it", name, status);
		}
}

/* What lies on disk shows nothing, and opens only unchanged, for its own pair, with its own key. */
static void test_kept_maps(void **state)
{
	(void)state;
	struct err e = { 0 };
	char path[128], path2[128], *file, *back;
	size_t size, len;
	struct stat st;
	assert_int_equal(maps_store_save(&config, "alpha", MIDDLE, strlen(MIDDLE), &e), ERR_OK);
	snprintf(path, sizeof(path), "%s/alpha.maps", maps_dir);
	snprintf(path2, sizeof(path2), "%s/beta.maps", maps_dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(file_read(path, 1 << 20, FILE_SECRET, &file, &size, &e), ERR_OK);
	assert_null(memmem(file, size, "alice", 5));
	for (size_t i = 0; i < size; i++) {
		file[i] ^= 1;
		assert_int_equal(file_replace(path, file, size, 0600, &e), ERR_OK);
		assert_int_equal(maps_store_load(&config, 1, &back, &len, &e), ERR_AUTH);
		file[i] ^= 1;
	}
	assert_int_equal(file_replace(path2, file, size, 0600, &e), ERR_OK);
	assert_int_equal(maps_store_load(&config, 2, &back, &len, &e), ERR_AUTH);
	assert_int_equal(file_replace(path, file, size - 1, 0600, &e), ERR_OK);
	assert_int_equal(maps_store_load(&config, 1, &back, &len, &e), ERR_AUTH);
	assert_int_equal(file_replace(path, file, size, 0600, &e), ERR_OK);
	config.maps_key.bytes[0] ^= 1;
	assert_int_equal(maps_store_load(&config, 1, &back, &len, &e), ERR_AUTH);
	config.maps_key.bytes[0] ^= 1;
	assert_int_equal(maps_store_load(&config, 1, &back, &len, &e), ERR_OK);
	free(back);
	free(file);
	unlink(path2);
}

static void write_pem(EVP_PKEY *key, X509 *cert)
{
	FILE *f = fopen(key_path, "w");
	PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
	fclose(f);
	chmod(key_path, 0600);
	f = fopen(cert_path, "w");
	PEM_write_X509(f, cert);
	fclose(f);
	chmod(cert_path, 0644);
}

static void make_certificate(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	X509_set_version(cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	X509_set_pubkey(cert, key);
	X509_NAME *name = X509_get_subject_name(cert);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"controller.test", -1, -1, 0);
	X509_set_issuer_name(cert, name);
	X509_sign(cert, key, EVP_sha256());
	write_pem(key, cert);
	X509_free(cert);
	EVP_PKEY_free(key);
}

static int set_up(void **state)
{
	(void)state;
	static char alpha[] = "alpha", beta[] = "beta", key[32], t1[] = "alpha-primary-token",
		    t2[] = "alpha-standby-token";
	struct err e;
	snprintf(dir, sizeof(dir), "/tmp/coldmx-test-agent-api-XXXXXX");
	if (!mkdtemp(dir) || !contract_read())
		return -1;
	snprintf(maps_dir, sizeof(maps_dir), "%s/maps", dir);
	snprintf(cert_path, sizeof(cert_path), "%s/cert.pem", dir);
	snprintf(key_path, sizeof(key_path), "%s/key.pem", dir);
	mkdir(maps_dir, 0700);
	make_certificate();
	curl_global_init(CURL_GLOBAL_DEFAULT);
	memset(key, 7, sizeof(key));
	pairs[0].name = alpha;
	pairs[0].host[HOST_PRIMARY].agent_token = (struct config_secret){ t1, strlen(t1) };
	pairs[0].host[HOST_STANDBY].agent_token = (struct config_secret){ t2, strlen(t2) };
	pairs[1].name = beta;
	config.pairs = pairs;
	config.npairs = 2;
	config.maps_key = (struct config_secret){ key, sizeof(key) };
	config.global.maps_dir = maps_dir;
	config.global.agent_listen = (struct config_agent_listen){
		.at = { "127.0.0.1", 0 }, .cert = cert_path, .key = key_path, .maps_max_bytes = 65536
	};
	loop = mailbox_new(100, NULL, NULL);
	if (pthread_create(&loop_thread, NULL, turn_loop, loop) != 0)
		return -1;
	struct agent_api_opts opts = { .config = &config, .loop = loop };
	return agent_api_start(&opts, &api, &e) == ERR_OK ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	char path[128];
	agent_api_stop(api);
	mailbox_close(loop);
	pthread_join(loop_thread, NULL);
	agent_api_free(api);
	mailbox_free(loop);
	curl_global_cleanup();
	contract_forget();
	snprintf(path, sizeof(path), "%s/alpha.maps", maps_dir);
	unlink(path);
	rmdir(maps_dir);
	unlink(cert_path);
	unlink(key_path);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tokens),          cmocka_unit_test(test_boots),     cmocka_unit_test(test_maps),
		cmocka_unit_test(test_document_is_met), cmocka_unit_test(test_kept_maps),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
