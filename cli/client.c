/* HTTP over the controller's UNIX socket; the kernel tells the controller who we are. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../common/base/mem.h"
#include "cli.h"
#include "text.h"

#define CONNECT_LIMIT_MS 5000L
#define ANSWER_LIMIT_MS 75000L /* the controller gives up after 60 s and says so */
#define BODY_MAX_BYTES ((size_t)64 * 1024 * 1024)

struct client {
	CURL *curl;
	const char *socket;
	char why[CURL_ERROR_SIZE];
};

struct client *client_new(const char *socket)
{
	struct client *c = mem_calloc(1, sizeof(*c));
	c->curl = curl_easy_init();
	c->socket = socket;
	BUG_ON(!c->curl);
	return c;
}

void client_free(struct client *c)
{
	curl_easy_cleanup(c->curl);
	free(c);
}

static size_t on_body(char *bytes, size_t size, size_t n, void *arg)
{
	struct strbuf *body = arg;
	if (body->len + size * n > BODY_MAX_BYTES)
		return 0;
	strbuf_add(body, bytes, size * n);
	return size * n;
}

static CURLcode perform(struct client *c, const char *path, const char *body, struct strbuf *got)
{
	char url[256];
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	snprintf(url, sizeof(url), "http://localhost%s", path);
	curl_easy_reset(c->curl);
	c->why[0] = '\0';
	curl_easy_setopt(c->curl, CURLOPT_UNIX_SOCKET_PATH, c->socket);
	curl_easy_setopt(c->curl, CURLOPT_URL, url);
	curl_easy_setopt(c->curl, CURLOPT_PROXY, "");
	curl_easy_setopt(c->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c->curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_LIMIT_MS);
	curl_easy_setopt(c->curl, CURLOPT_TIMEOUT_MS, ANSWER_LIMIT_MS);
	curl_easy_setopt(c->curl, CURLOPT_ERRORBUFFER, c->why);
	curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, got);
	if (body) {
		curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, body);
		curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, headers);
	}
	CURLcode rc = curl_easy_perform(c->curl);
	curl_slist_free_all(headers);
	return rc;
}

void client_ask(struct client *c, const char *path, const char *body, struct answer *out)
{
	struct strbuf got = STRBUF_INIT;
	*out = (struct answer){ 0 };
	CURLcode rc = perform(c, path, body, &got);
	if (rc == CURLE_OK)
		curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &out->status);
	else if (rc == CURLE_COULDNT_CONNECT)
		err_set(&out->why, ERR_UNREACH,
			"cannot reach coldmxd at %s: is it running, and are you root or in its "
			"group? systemctl status coldmxd",
			c->socket);
	else
		err_set(&out->why, ERR_UNREACH, "coldmxd at %s: %s", c->socket,
			c->why[0] ? c->why : curl_easy_strerror(rc));
	out->json = rc == CURLE_OK ? json_loadb(strbuf_str(&got), got.len, 0, NULL) : NULL;
	out->body = strbuf_take(&got);
}

void client_ask_timings(struct client *c, const char *pair, struct answer *out)
{
	char path[160];
	snprintf(path, sizeof(path), "/v1/pairs/%s/timings", pair);
	client_ask(c, path, NULL, out);
	if (out->status == 200)
		return;
	json_decref(out->json);
	out->json = NULL;
}

void answer_fini(struct answer *a)
{
	json_decref(a->json);
	free(a->body);
	*a = (struct answer){ 0 };
}

static int exit_of_status(long status)
{
	switch (status) {
	case 400:
	case 404:
	case 413: return CLI_USAGE;
	case 403:
	case 409: return CLI_REFUSED;
	case 503: return CLI_UNREACHABLE;
	case 504: return CLI_RUNNING; /* asked, not answered: it may still happen */
	default: return CLI_FAILED;
	}
}

int cli_problem(const struct cli_options *o, const struct answer *a)
{
	const char *pair = o->pair[0] ? o->pair : "coldmx";
	if (a->status == 0) {
		fprintf(stderr, "coldmx: %s\n", a->why.text);
		return CLI_UNREACHABLE;
	}
	int code = exit_of_status(a->status);
	if (o->json) {
		fputs(a->body, stdout);
		return code;
	}
	const char *rule = text_of(a->json, "rule"), *hint = text_of(a->json, "hint"),
		   *why = text_of(a->json, "detail");
	if (hint[0])
		printf("what would work: %s\n", hint);
	text_paint(PAINT_BAD);
	printf("%s: %s %s%s%s%s: %s\n", pair, o->name, code == CLI_REFUSED ? "refused" : "failed",
	       rule[0] ? " (rule " : "", rule, rule[0] ? ")" : "", why[0] ? why : "the controller gave no reason");
	text_paint(PAINT_NONE);
	return code;
}
