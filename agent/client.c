/* Whom it asks stands in the configuration by literal addresses; the name serves the certificate only, so that this
 * host's resolver has no say in whom it believes. */
#include "client.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "../common/base/attr.h"
#include "../common/base/clock.h"
#include "../common/base/file.h"
#include "../common/proto/printable.h"

#define ANSWER_BYTES_MAX 16384
#define TOKEN_BYTES_MAX 4096
#define TOKEN_MIN 16

/* Several addresses of the same service. */
struct party {
	const char *what; /* "controller" */
	const struct conf_endpoint *at;
	size_t n;
	const char *name, *ca_file, *token_file;
};

struct request {
	const char *method;
	char path[NAME_MAX_LEN + 64];
	const char *body;
	size_t body_len;
	struct strbuf answer;
};

enum err_code client_read_token(const char *path, char **out, struct err *e)
{
	size_t len = 0, skip = 0;
	char *text = NULL;
	enum err_code rc = file_read(path, TOKEN_BYTES_MAX, FILE_SECRET, &text, &len, e);
	if (rc != ERR_OK)
		return rc;
	while (len && isspace((unsigned char)text[len - 1]))
		text[--len] = '\0';
	while (isspace((unsigned char)text[skip]))
		skip++;
	memmove(text, text + skip, len - skip + 1);
	for (len = 0; text[len] > ' ' && text[len] <= '~'; len++)
		;
	if (!text[len] && len >= TOKEN_MIN) {
		*out = text;
		return ERR_OK;
	}
	explicit_bzero(text, strlen(text));
	free(text);
	return err_set(e, ERR_INVALID, "%s: a token is one line of at least %d printable characters", path, TOKEN_MIN);
}

static size_t on_answer(char *bytes, size_t size, size_t n, void *arg)
{
	struct request *r = arg;
	if (r->answer.len + size * n > ANSWER_BYTES_MAX)
		return 0;
	strbuf_add(&r->answer, bytes, size * n);
	return size * n;
}

static int on_progress(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	const atomic_bool *stop = arg;
	(void)a, (void)b, (void)c, (void)d;
	return stop && atomic_load(stop);
}

static enum err_code judge(CURL *curl, CURLcode code, const char *words, const struct request *r, struct err *e)
{
	long status = 0;
	char said[120];
	switch ((int)code) {
	case CURLE_OK: break;
	case CURLE_OPERATION_TIMEDOUT: return err_set(e, ERR_TIMEOUT, "%s", words);
	case CURLE_ABORTED_BY_CALLBACK: return err_set(e, ERR_CANCELLED, "cancelled");
	case CURLE_PEER_FAILED_VERIFICATION: return err_set(e, ERR_AUTH, "%s", words);
	case CURLE_SSL_CACERT_BADFILE: return err_set(e, ERR_LOCAL, "%s", words);
	case CURLE_WRITE_ERROR: return err_set(e, ERR_PROTOCOL, "the answer is too long");
	default: return err_set(e, ERR_UNREACH, "%s", words);
	}
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	if (status >= 200 && status < 300)
		return ERR_OK;
	proto_printable(said, sizeof(said), strbuf_str(&r->answer), r->answer.len);
	enum err_code rc = status == 401 || status == 403 ? ERR_AUTH
			   : status == 409                ? ERR_CONFLICT
			   : status >= 500                ? ERR_AGAIN
							  : ERR_FAILED;
	return err_set(e, rc, "HTTP status %ld: %s", status, said);
}

static void set_target(CURL *curl, const struct party *p, const struct conf_endpoint *at, const char *path,
		       struct curl_slist **connect_to)
{
	const char *open = strchr(at->addr, ':') ? "[" : "", *close = open[0] ? "]" : "";
	struct strbuf text = STRBUF_INIT;
	if (p->name[0])
		strbuf_addf(&text, "https://%s:%u%s", p->name, at->port, path);
	else
		strbuf_addf(&text, "https://%s%s%s:%u%s", open, at->addr, close, at->port, path);
	curl_easy_setopt(curl, CURLOPT_URL, strbuf_str(&text));
	strbuf_reset(&text);
	strbuf_addf(&text, "::%s%s%s:%u", open, at->addr, close, at->port);
	*connect_to = curl_slist_append(NULL, strbuf_str(&text));
	curl_easy_setopt(curl, CURLOPT_CONNECT_TO, *connect_to);
	strbuf_fini(&text);
}

static void set_limits(CURL *curl, const struct client *c, const char *ca_file, int64_t until_ms)
{
	int64_t left_ms = until_ms - clock_boot_ms();
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, left_ms > 0 ? (long)left_ms : 1L);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(curl, CURLOPT_XFERINFODATA, c->stop);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (ca_file[0]) {
		curl_easy_setopt(curl, CURLOPT_CAINFO, ca_file);
		curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
	}
}

static void set_body(CURL *curl, struct request *r)
{
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_answer);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, r);
	if (!r->body)
		return;
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, r->body);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body_len);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, r->method);
}

/* Copies of the header stay in libcurl's memory until its handle is gone; ours is wiped. */
static struct curl_slist *make_headers(const char *token)
{
	struct strbuf line = STRBUF_INIT;
	strbuf_addf(&line, "Authorization: Bearer %s", token);
	struct curl_slist *list = curl_slist_append(NULL, strbuf_str(&line));
	explicit_bzero(line.data, line.len);
	strbuf_fini(&line);
	list = curl_slist_append(list, "Content-Type: text/plain; charset=utf-8");
	return curl_slist_append(list, "Expect:");
}

static enum err_code ask_one(const struct client *c, const struct party *p, const struct conf_endpoint *at,
			     int64_t until_ms, const char *token, struct request *r, struct err *e)
{
	char words[CURL_ERROR_SIZE] = "";
	struct curl_slist *connect_to = NULL;
	CURL *curl = curl_easy_init();
	if (!curl)
		return err_set(e, ERR_LOCAL, "libcurl gives no handle");
	struct curl_slist *headers = make_headers(token);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, words);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	set_target(curl, p, at, r->path, &connect_to);
	set_limits(curl, c, p->ca_file, until_ms);
	set_body(curl, r);
	strbuf_reset(&r->answer);
	CURLcode code = curl_easy_perform(curl);
	enum err_code rc = judge(curl, code, words[0] ? words : curl_easy_strerror(code), r, e);
	curl_easy_cleanup(curl);
	explicit_bzero(headers->data, strlen(headers->data));
	curl_slist_free_all(headers);
	curl_slist_free_all(connect_to);
	return rc == ERR_OK ? rc : err_wrap(e, "%s %s", p->what, at->addr);
}

/* The time that is left is shared among those who have not been asked: a silent one must not use up all of it. */
static enum err_code ask(const struct client *c, const struct party *p, struct request *r, struct err *e)
{
	char *token = NULL;
	enum err_code rc = client_read_token(p->token_file, &token, e);
	if (rc != ERR_OK)
		return rc;
	BUG_ON(!token);
	rc = err_set(e, ERR_UNREACH, "no %s is configured", p->what);
	for (size_t i = 0; i < p->n; i++) {
		int64_t now_ms = clock_boot_ms();
		int64_t share_ms = (c->deadline_ms - now_ms) / (int64_t)(p->n - i);
		rc = ask_one(c, p, &p->at[i], now_ms + share_ms, token, r, e);
		if (rc == ERR_OK || rc == ERR_CANCELLED)
			break;
	}
	explicit_bzero(token, strlen(token));
	free(token);
	return rc;
}

static enum err_code ask_controller(const struct client *c, const char *word, struct request *r, struct err *e)
{
	const struct agent_config *cfg = c->config;
	const struct party controllers = { "controller",         cfg->controllers, cfg->ncontrollers,
					   cfg->controller_name, cfg->ca_file,     cfg->token_file };
	snprintf(r->path, sizeof(r->path), "/v1/agent/%s/%s/%s", cfg->pair, rights_place_name(cfg->role), word);
	return ask(c, &controllers, r, e);
}

static enum err_code parse_record(const struct client *c, const char *who, const struct request *r,
				  struct rights_record *out, struct err *e)
{
	enum err_code rc = rights_parse(strbuf_str(&r->answer), r->answer.len, out, e);
	if (rc == ERR_OK && strcmp(out->pair, c->config->pair) != 0)
		rc = err_set(e, ERR_PROTOCOL, "a record of pair %s", out->pair);
	return rc == ERR_OK ? rc : err_wrap(e, "answer of the %s", who);
}

enum err_code client_get_rights(const struct client *c, struct rights_record *out, struct err *e)
{
	struct request r = { .method = "GET" };
	enum err_code rc = ask_controller(c, "rights", &r, e);
	if (rc == ERR_OK)
		rc = parse_record(c, "controller", &r, out, e);
	strbuf_fini(&r.answer);
	return rc;
}

enum err_code client_get_peer(const struct client *c, struct rights_record *out, struct err *e)
{
	const struct config_peer *p = &c->config->peer;
	const struct party peer = { "peer", p->addresses, p->naddresses, p->name, p->ca_file, p->token_file };
	struct request r = { .method = "GET", .path = "/v1/record" };
	enum err_code rc = ask(c, &peer, &r, e);
	if (rc == ERR_OK && !r.answer.len)
		rc = err_set(e, ERR_NOT_FOUND, "the peer has no record yet");
	else if (rc == ERR_OK)
		rc = parse_record(c, "peer", &r, out, e);
	strbuf_fini(&r.answer);
	return rc;
}

enum err_code client_post_boot(const struct client *c, const char *boot_id, const char *order, struct err *e)
{
	struct strbuf form = STRBUF_INIT;
	strbuf_addf(&form, "boot_id=%s\norder=%s\n", boot_id, order);
	struct request r = { .method = "POST", .body = strbuf_str(&form), .body_len = form.len };
	enum err_code rc = ask_controller(c, "boots", &r, e);
	strbuf_fini(&r.answer);
	strbuf_fini(&form);
	return rc;
}

enum err_code client_put_maps(const struct client *c, const struct strbuf *bundle, struct err *e)
{
	struct request r = { .method = "PUT", .body = strbuf_str(bundle), .body_len = bundle->len };
	enum err_code rc = ask_controller(c, "maps", &r, e);
	strbuf_fini(&r.answer);
	return rc;
}
