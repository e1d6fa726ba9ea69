/* Addresses are bound even while the interface has not got them yet (IP_FREEBIND): a standby that has just booted must
 * answer as soon as its network is up, without a restart. */
#include "http.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <microhttpd.h>

#include "../common/base/file.h"
#include "../common/base/json.h"
#include "../common/base/mem.h"
#include "../common/base/sha256.h"
#include "../common/net/addr.h"
#include "client.h"

#define PEM_BYTES_MAX 65536
#define CONNECTIONS_MAX 64u
#define CONNECTIONS_PER_IP 16u
#define IDLE_LIMIT_S 10u
#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

struct http {
	struct report *report;
	uint8_t token_hash[SHA256_BYTES], peer_hash[SHA256_BYTES];
	bool has_peer;
	struct MHD_Daemon **daemons;
	size_t ndaemons;
};

/* Both sides are hashed: neither length nor first difference shows in the time it takes. */
static bool shows(struct MHD_Connection *conn, const uint8_t want[SHA256_BYTES])
{
	static const char scheme[] = "Bearer ";
	uint8_t hash[SHA256_BYTES];
	const char *said = MHD_lookup_connection_value(conn, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
	if (!said || strncmp(said, scheme, sizeof(scheme) - 1) != 0)
		return false;
	said += sizeof(scheme) - 1;
	sha256_of(said, strlen(said), hash);
	return sha256_same(hash, want, sizeof(hash));
}

/* The peer's token opens the record, and nothing else. */
static bool is_entitled(const struct http *h, struct MHD_Connection *conn, const char *url)
{
	return shows(conn, h->token_hash) ||
	       (h->has_peer && strcmp(url, "/v1/record") == 0 && shows(conn, h->peer_hash));
}

static enum MHD_Result answer(struct MHD_Connection *conn, unsigned status, const char *type, struct strbuf *body)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(body->len, body->data, MHD_RESPMEM_MUST_COPY);
	strbuf_fini(body);
	if (!r)
		return MHD_NO;
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	MHD_add_response_header(r, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	if (status == MHD_HTTP_UNAUTHORIZED)
		MHD_add_response_header(r, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, MHD_HTTP_METHOD_GET);
	enum MHD_Result rc = MHD_queue_response(conn, status, r);
	MHD_destroy_response(r);
	return rc;
}

static enum MHD_Result refuse(struct MHD_Connection *conn, unsigned status, const char *why)
{
	struct strbuf body = STRBUF_INIT;
	struct json j;
	json_init(&j, &body);
	json_open_object(&j, NULL);
	json_put_int(&j, "status", (int64_t)status);
	json_put_string(&j, "title", why);
	json_close_object(&j);
	return answer(conn, status, "application/problem+json", &body);
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *conn, const char *url, const char *method,
				  const char *version, const char *bytes, size_t *nbytes, void **seen)
{
	static int begun;
	struct http *h = arg;
	struct strbuf body = STRBUF_INIT;
	(void)version, (void)bytes;
	if (!*seen) { /* a first answer here would close the connection: the body, if any, is read and dropped */
		*seen = &begun;
		return MHD_YES;
	}
	if (*nbytes) {
		*nbytes = 0;
		return MHD_YES;
	}
	if (!is_entitled(h, conn, url))
		return refuse(conn, MHD_HTTP_UNAUTHORIZED, "the token is missing or not this host's");
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0)
		return refuse(conn, MHD_HTTP_METHOD_NOT_ALLOWED, "this agent only answers questions: GET");
	if (strcmp(url, "/v1/record") == 0) {
		report_record(h->report, &body);
		return answer(conn, body.len ? MHD_HTTP_OK : MHD_HTTP_NO_CONTENT, "text/plain", &body);
	}
	if (strcmp(url, "/v1/rights") == 0)
		report_rights(h->report, &body);
	else if (strcmp(url, "/v1/health") == 0 && !report_health(h->report, &body))
		return refuse(conn, MHD_HTTP_SERVICE_UNAVAILABLE, "this agent has not looked at its host for too long");
	else if (!body.len)
		return refuse(conn, MHD_HTTP_NOT_FOUND, "there are /v1/health, /v1/rights and /v1/record");
	return answer(conn, MHD_HTTP_OK, "application/json", &body);
}

static enum err_code open_listener(const struct conf_endpoint *at, int *fd, struct err *e)
{
	struct net_addr addr;
	char text[NET_ADDR_PORT_MAX];
	int on = 1;
	enum err_code rc = net_addr_parse(at->addr, at->port, &addr, e);
	if (rc != ERR_OK)
		return rc;
	net_addr_format(&addr, text, sizeof(text));
	bool v6 = net_addr_family(&addr) == 6;
	int s = socket(addr.u.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s < 0)
		return err_set_errno(e, ERR_LOCAL, errno, "socket for %s", text);
	if (setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    (v6 && setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0) ||
	    setsockopt(s, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_FREEBIND : IP_FREEBIND, &on, sizeof(on)) < 0 ||
	    bind(s, &addr.u.sa, net_addr_len(&addr)) < 0 || listen(s, (int)CONNECTIONS_MAX) < 0) {
		err_set_errno(e, ERR_LOCAL, errno, "listen on %s", text);
		close(s);
		return ERR_LOCAL;
	}
	*fd = s;
	return ERR_OK;
}

static enum err_code start_daemon(struct http *h, const struct conf_endpoint *at, const char *cert, const char *key,
				  struct err *e)
{
	unsigned flags = MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_TLS;
	int fd = -1;
	enum err_code rc = open_listener(at, &fd, e);
	if (rc != ERR_OK)
		return rc;
	struct MHD_Daemon *d = MHD_start_daemon(
		flags, 0, NULL, NULL, on_request, h, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_HTTPS_MEM_CERT, cert,
		MHD_OPTION_HTTPS_MEM_KEY, key, MHD_OPTION_HTTPS_PRIORITIES, TLS_PRIORITIES, MHD_OPTION_CONNECTION_LIMIT,
		CONNECTIONS_MAX, MHD_OPTION_PER_IP_CONNECTION_LIMIT, CONNECTIONS_PER_IP, MHD_OPTION_CONNECTION_TIMEOUT,
		IDLE_LIMIT_S, MHD_OPTION_END);
	if (!d) {
		close(fd);
		return err_set(e, ERR_INVALID, "no TLS service at %s port %u: certificate and key do not fit", at->addr,
			       at->port);
	}
	h->daemons[h->ndaemons++] = d;
	return ERR_OK;
}

static void wipe(char *secret)
{
	if (secret)
		explicit_bzero(secret, strlen(secret));
	free(secret);
}

static enum err_code read_token_hash(const char *path, uint8_t out[SHA256_BYTES], struct err *e)
{
	char *token = NULL;
	enum err_code rc = client_read_token(path, &token, e);
	if (rc == ERR_OK)
		sha256_of(token, strlen(token), out);
	wipe(token);
	return rc;
}

enum err_code http_start(const struct agent_config *c, struct report *report, struct http **out, struct err *e)
{
	char *cert = NULL, *key = NULL;
	struct http *h = mem_calloc(1, sizeof(*h));
	h->report = report;
	h->daemons = mem_calloc(c->nlisten + 1, sizeof(struct MHD_Daemon *));
	h->has_peer = c->peer.naddresses > 0;
	*out = h;
	if (c->nlisten == 0)
		return ERR_OK;
	enum err_code rc = file_read(c->cert, PEM_BYTES_MAX, FILE_OWNED, &cert, NULL, e);
	if (rc == ERR_OK)
		rc = file_read(c->key, PEM_BYTES_MAX, FILE_SECRET, &key, NULL, e);
	if (rc == ERR_OK)
		rc = read_token_hash(c->token_file, h->token_hash, e);
	if (rc == ERR_OK && h->has_peer)
		rc = read_token_hash(c->peer.token_file, h->peer_hash, e);
	for (size_t i = 0; i < c->nlisten && rc == ERR_OK; i++)
		rc = start_daemon(h, &c->listen[i], cert, key, e);
	free(cert);
	wipe(key);
	return rc;
}

void http_stop(struct http *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < h->ndaemons; i++)
		MHD_stop_daemon(h->daemons[i]);
	free(h->daemons);
	free(h);
}
