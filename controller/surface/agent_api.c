/* A host shows its token before anything else is read. What it may say is little: its boots, and
 * the primary its recipient maps. */
#include "agent_api.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/base/clock.h"
#include "../../common/base/file.h"
#include "../../common/base/log.h"
#include "../../common/base/mem.h"
#include "../../common/proto/maps.h"
#include "../core/text.h"
#include "http_int.h"
#include "maps_store.h"

#define CONNECTIONS_MAX 64
#define IDLE_LIMIT_S 30
#define PEM_MAX_BYTES ((size_t)256 * 1024)
#define BOOT_BODY_MAX_BYTES 4096
#define ANSWER_LIMIT_MS 20000

enum agent_what { WHAT_RIGHTS, WHAT_BOOTS, WHAT_MAPS };

struct agent_api {
	struct agent_api_opts opts;
	struct MHD_Daemon *daemon;
	struct parking *parking;
	char *cert, *key;
	size_t key_len;
};

struct agent_request {
	struct agent_api *api;
	enum agent_what what;
	uint32_t pair;
	enum host_role role;
	struct strbuf body;
	size_t body_max;
	bool refused, too_large, kept;
	struct parked *parked;
	struct maps_summary maps;
};

/* A question to the engine on its way through the mailbox. */
struct ask {
	struct agent_api *api;
	enum { ASK_RIGHTS, ASK_BOOT, ASK_MAPS_WANTED, ASK_MAPS_PUSHED } kind;
	uint32_t pair, recipients;
	enum host_role role;
	char boot_id[40], order[NAME_MAX_LEN], sha256[SHA256_HEX_SIZE];
	struct parked *parked;
};

/* ---- the loop's side ---- */

static void answer_rights(const struct ask *a, struct reply *reply)
{
	char text[1024];
	if (engine_rights(a->api->opts.engine, a->pair, text, sizeof(text)))
		reply->text = mem_strdup(text);
	else
		err_set(&reply->err, ERR_AGAIN, "the controller does not know the rights yet");
}

static void run_ask(void *arg)
{
	struct ask *a = arg;
	struct engine *e = a->api->opts.engine;
	struct reply reply = { .yes = true };
	switch (a->kind) {
	case ASK_RIGHTS: answer_rights(a, &reply); break;
	case ASK_BOOT: engine_boot_reported(e, a->pair, a->role, a->boot_id, a->order); break;
	case ASK_MAPS_WANTED: reply.yes = engine_maps_wanted(e, a->pair); break;
	case ASK_MAPS_PUSHED: engine_maps_pushed(e, a->pair, a->sha256, a->recipients); break;
	}
	parked_done(a->parked, &reply);
	free(a);
}

/* ---- the HTTP library's side ---- */

static enum MHD_Result ask_loop(struct MHD_Connection *conn, struct agent_request *r, struct ask question)
{
	struct ask *a = mem_calloc(1, sizeof(*a));
	*a = question;
	a->api = r->api;
	a->pair = r->pair;
	a->role = r->role;
	parked_drop(r->parked);
	r->parked = parking_park(r->api->parking, conn, clock_boot_ms() + ANSWER_LIMIT_MS);
	a->parked = r->parked;
	if (!mailbox_try_post(r->api->opts.loop, run_ask, a)) {
		struct reply reply = { 0 };
		err_set(&reply.err, ERR_AGAIN, "the controller is busy: try again");
		parked_done(a->parked, &reply);
		free(a);
	}
	return MHD_YES;
}

/* Hashed first, so that neither length nor content shows in the time it takes. */
static bool token_matches(const struct config_secret *want, const char *got)
{
	uint8_t a[SHA256_BYTES], b[SHA256_BYTES];
	sha256_of(want->bytes, want->len, a);
	sha256_of(got, strlen(got), b);
	return want->len && CRYPTO_memcmp(a, b, sizeof(a)) == 0;
}

static bool find_host(const struct agent_api *api, const char *pair, const char *role, struct agent_request *r)
{
	const struct config_pair *p = config_pair(api->opts.config, pair);
	if (!p || (strcmp(role, "primary") != 0 && strcmp(role, "standby") != 0))
		return false;
	r->pair = (uint32_t)(p - api->opts.config->pairs) + 1;
	r->role = strcmp(role, "standby") == 0 ? HOST_STANDBY : HOST_PRIMARY;
	return true;
}

static bool is_authorised(struct MHD_Connection *conn, const struct agent_request *r)
{
	const struct config_pair *p = &r->api->opts.config->pairs[r->pair - 1];
	const char *sent = MHD_lookup_connection_value(conn, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
	return sent && strncasecmp(sent, "Bearer ", 7) == 0 && token_matches(&p->host[r->role].agent_token, sent + 7);
}

/* Path and token, before a byte of the body is taken. A stranger learns nothing about which pairs
 * there are. */
static enum MHD_Result admit(struct MHD_Connection *conn, struct agent_request *r, const char *url, const char *method)
{
	char pair[NAME_MAX_LEN], role[16], what[16];
	static const struct {
		const char *what, *method;
	} rows[] = { { "rights", "GET" }, { "boots", "POST" }, { "maps", "PUT" } };
	int end = 0;
	r->refused = true;
	bool known = sscanf(url, "/v1/agent/%63[^/]/%15[^/]/%15[^/]%n", pair, role, what, &end) == 3 && !url[end] &&
		     find_host(r->api, pair, role, r);
	if (!known || !is_authorised(conn, r))
		return answer_error(conn, MHD_HTTP_UNAUTHORIZED, ERR_AUTH, "no such host, or not its token");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (strcmp(what, rows[i].what) != 0)
			continue;
		if (strcmp(method, rows[i].method) != 0) {
			struct err err = { 0 };
			err_set(&err, ERR_INVALID, "%s takes %s", what, rows[i].method);
			return answer_problem(conn, MHD_HTTP_METHOD_NOT_ALLOWED, &err, "", "", rows[i].method);
		}
		r->what = (enum agent_what)i;
		r->body_max = r->what == WHAT_MAPS ? (size_t)r->api->opts.config->global.agent_listen.maps_max_bytes
						   : BOOT_BODY_MAX_BYTES;
		r->refused = false;
		return MHD_YES;
	}
	return answer_error(conn, MHD_HTTP_NOT_FOUND, ERR_NOT_FOUND, "nothing is at this path");
}

static bool take_word(const struct text_line *line, char *out, size_t size)
{
	for (size_t i = 0; i < line->value_len; i++)
		if (line->value[i] <= ' ' || line->value[i] > '~')
			return false;
	return text_copy(line, out, size);
}

/* "boot_id=...\norder=...\n": both, nothing else; order is empty for a boot that nobody ordered. */
static bool parse_boot(const char *text, struct ask *ask)
{
	struct text_line line;
	bool order = false, ok = true;
	while (ok && text_next(&text, &line)) {
		if (text_is(&line, "boot_id"))
			ok = take_word(&line, ask->boot_id, sizeof(ask->boot_id));
		else
			ok = order = text_is(&line, "order") && take_word(&line, ask->order, sizeof(ask->order));
	}
	return ok && order && ask->boot_id[0];
}

static enum MHD_Result begin_boot(struct MHD_Connection *conn, struct agent_request *r)
{
	struct ask ask = { .kind = ASK_BOOT };
	if (!parse_boot(strbuf_str(&r->body), &ask))
		return answer_error(conn, MHD_HTTP_BAD_REQUEST, ERR_INVALID,
				    "body: must be two lines, boot_id=... and order=..., order empty for none");
	return ask_loop(conn, r, ask);
}

static enum MHD_Result begin_maps(struct MHD_Connection *conn, struct agent_request *r)
{
	struct err err = { 0 };
	if (r->role != HOST_PRIMARY)
		return answer_error(conn, MHD_HTTP_FORBIDDEN, ERR_DENIED, "only the primary knows the recipients");
	if (maps_check(strbuf_str(&r->body), r->body.len, r->api->opts.config->pairs[r->pair - 1].name, &r->maps,
		       &err) != ERR_OK)
		return answer_problem(conn, MHD_HTTP_BAD_REQUEST, &err, "", "", NULL);
	return ask_loop(conn, r, (struct ask){ .kind = ASK_MAPS_WANTED });
}

static enum MHD_Result begin(struct MHD_Connection *conn, struct agent_request *r)
{
	if (r->too_large)
		return answer_error(conn, MHD_HTTP_CONTENT_TOO_LARGE, ERR_INVALID, "body: more than %zu bytes",
				    r->body_max);
	switch (r->what) {
	case WHAT_RIGHTS: return ask_loop(conn, r, (struct ask){ .kind = ASK_RIGHTS });
	case WHAT_BOOTS: return begin_boot(conn, r);
	case WHAT_MAPS: return begin_maps(conn, r);
	}
	return MHD_NO;
}

static enum MHD_Result finish_maps(struct MHD_Connection *conn, struct agent_request *r, const struct reply *reply)
{
	struct err err = { 0 };
	struct ask pushed = { .kind = ASK_MAPS_PUSHED, .recipients = r->maps.recipients };
	if (r->kept) {
		struct strbuf text = STRBUF_INIT;
		strbuf_addf(&text, "{\"sha256\":\"%s\",\"recipients\":%u}", r->maps.sha256,
			    (unsigned)r->maps.recipients);
		return answer_json(conn, MHD_HTTP_OK, &text, "");
	}
	if (!reply->yes) {
		err_set(&err, ERR_BLOCKED, "the pair is promoted or moving: nothing flows towards the standby now");
		return answer_problem(conn, MHD_HTTP_CONFLICT, &err, "interlock", "", NULL);
	}
	if (maps_store_save(r->api->opts.config, r->api->opts.config->pairs[r->pair - 1].name, strbuf_str(&r->body),
			    r->body.len, &err) != ERR_OK) {
		log_error("maps", "%s", err.text);
		return answer_problem(conn, MHD_HTTP_SERVICE_UNAVAILABLE, &err, "", "", NULL);
	}
	r->kept = true;
	memcpy(pushed.sha256, r->maps.sha256, sizeof(pushed.sha256));
	return ask_loop(conn, r, pushed);
}

static enum MHD_Result finish(struct MHD_Connection *conn, struct agent_request *r, const struct reply *reply)
{
	struct strbuf text = STRBUF_INIT;
	if (reply->err.code)
		return answer_problem(conn, answer_status(reply->err.code), &reply->err, "", "", NULL);
	switch (r->what) {
	case WHAT_RIGHTS: return answer_text(conn, MHD_HTTP_OK, "text/plain", reply->text, strlen(reply->text));
	case WHAT_BOOTS: strbuf_adds(&text, "{}"); return answer_json(conn, MHD_HTTP_OK, &text, "");
	case WHAT_MAPS: return finish_maps(conn, r, reply);
	}
	return MHD_NO;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *conn, const char *url, const char *method,
				  const char *version, const char *bytes, size_t *len, void **state)
{
	struct agent_request *r = *state;
	(void)version;
	if (!r) {
		r = mem_calloc(1, sizeof(*r));
		r->api = cls;
		*state = r;
		return admit(conn, r, url, method);
	}
	if (*len) {
		if (r->body.len + *len > r->body_max)
			r->too_large = true;
		else if (!r->refused)
			strbuf_add(&r->body, bytes, *len);
		*len = 0;
		return MHD_YES;
	}
	if (!r->parked)
		return begin(conn, r);
	const struct reply *reply = parked_reply(r->parked);
	return reply ? finish(conn, r, reply) : MHD_YES;
}

static void on_completed(void *cls, struct MHD_Connection *conn, void **state, enum MHD_RequestTerminationCode code)
{
	struct agent_request *r = *state;
	(void)cls;
	(void)conn;
	(void)code;
	if (!r)
		return;
	parked_drop(r->parked);
	strbuf_fini(&r->body);
	free(r);
	*state = NULL;
}

/* ---- life ---- */

static enum err_code start_daemon(struct agent_api *a, struct err *e)
{
	const struct conf_endpoint *at = &a->opts.config->global.agent_listen.at;
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(at->port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(at->port) };
	bool six = strchr(at->addr, ':') != NULL;
	if (inet_pton(six ? AF_INET6 : AF_INET, at->addr, six ? (void *)&v6.sin6_addr : (void *)&v4.sin_addr) != 1)
		return err_set(e, ERR_INVALID, "agent_listen: %s is not a literal address", at->addr);
	/* Dual stack where the address is "::". */
	unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_TLS |
			 (six ? MHD_USE_DUAL_STACK : 0);
	a->daemon = MHD_start_daemon(flags, at->port, NULL, NULL, on_request, a, MHD_OPTION_SOCK_ADDR,
				     six ? (const void *)&v6 : (const void *)&v4, MHD_OPTION_HTTPS_MEM_KEY, a->key,
				     MHD_OPTION_HTTPS_MEM_CERT, a->cert, MHD_OPTION_HTTPS_PRIORITIES,
				     "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2", MHD_OPTION_NOTIFY_COMPLETED,
				     on_completed, NULL, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
				     MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_LIMIT_S, MHD_OPTION_END);
	if (!a->daemon)
		return err_set(e, ERR_LOCAL,
			       "agent_listen: cannot serve %s port %u: look at cert and key, and whether "
			       "another program is there",
			       at->addr, at->port);
	return ERR_OK;
}

enum err_code agent_api_start(const struct agent_api_opts *opts, struct agent_api **out, struct err *e)
{
	const struct config_agent_listen *l = &opts->config->global.agent_listen;
	struct agent_api *a = mem_calloc(1, sizeof(*a));
	a->opts = *opts;
	a->parking = parking_new();
	enum err_code rc = file_read(l->cert, PEM_MAX_BYTES, FILE_OWNED, &a->cert, NULL, e);
	if (rc == ERR_OK)
		rc = file_read(l->key, PEM_MAX_BYTES, FILE_SECRET, &a->key, &a->key_len, e);
	if (rc == ERR_OK)
		rc = start_daemon(a, e);
	if (rc != ERR_OK) {
		agent_api_free(a);
		a = NULL;
	}
	*out = a;
	return rc;
}

uint16_t agent_api_port(const struct agent_api *a)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(a->daemon, MHD_DAEMON_INFO_BIND_PORT);
	return info ? info->port : 0;
}

void agent_api_tick(struct agent_api *a, int64_t boot_ms)
{
	if (a)
		parking_tick(a->parking, boot_ms);
}

void agent_api_stop(struct agent_api *a)
{
	if (!a)
		return;
	parking_close(a->parking);
	if (a->daemon)
		MHD_stop_daemon(a->daemon);
	a->daemon = NULL;
}

void agent_api_free(struct agent_api *a)
{
	if (!a)
		return;
	parking_free(a->parking);
	if (a->key)
		explicit_bzero(a->key, a->key_len);
	free(a->key);
	free(a->cert);
	free(a);
}
