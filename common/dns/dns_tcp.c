/* TCP for what must be certain (RFC 2136 7.8). */
#include "dns_tcp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../base/clock.h"
#include "../base/mem.h"
#include "../net/connect.h"
#include "../net/wait.h"

#define CONNECT_MS 3000 /* of one server, while another is left */

static enum err_code connect_to(const struct dns_server *server, int64_t deadline_ms, int cancel_fd, int *fd,
				struct err *e)
{
	struct net_addr to;
	bool connected = false;
	*fd = -1;
	enum err_code rc = net_addr_parse(server->addr, server->port, &to, e);
	if (!rc)
		rc = net_connect_start(&to, fd, e);
	while (!rc && !connected) {
		rc = net_wait(*fd, NET_WAIT_WRITE, deadline_ms, cancel_fd, e);
		if (!rc)
			rc = net_connect_finish(*fd, &to, &connected, e);
	}
	if (rc && *fd >= 0) {
		close(*fd);
		*fd = -1;
	}
	return rc ? err_wrap(e, "name server %s", server->addr) : ERR_OK;
}

enum err_code dns_tcp_open(const struct dns_server *servers, size_t n, int64_t deadline_ms, int cancel_fd,
			   struct dns_tcp *out, struct err *e)
{
	enum err_code rc = n ? ERR_OK : err_set(e, ERR_INVALID, "no update server is configured");
	for (size_t i = 0; i < n; i++) {
		int64_t turn_ms = clock_boot_ms() + CONNECT_MS;
		if (i + 1 == n || turn_ms > deadline_ms)
			turn_ms = deadline_ms;
		rc = connect_to(&servers[i], turn_ms, cancel_fd, &out->fd, e);
		if (rc == ERR_CANCELLED)
			return rc;
		if (rc)
			continue;
		out->deadline_ms = deadline_ms;
		out->cancel_fd = cancel_fd;
		(void)str_copy(out->server, sizeof(out->server), servers[i].addr);
		err_clear(e); /* an earlier one did not answer */
		return ERR_OK;
	}
	return rc;
}

void dns_tcp_close(struct dns_tcp *tcp)
{
	if (tcp->fd >= 0)
		close(tcp->fd);
	tcp->fd = -1;
}

static enum err_code move_bytes(struct dns_tcp *tcp, bool sending, uint8_t *bytes, size_t len, struct err *e)
{
	size_t done = 0;
	while (done < len) {
		ssize_t n = sending ? send(tcp->fd, bytes + done, len - done, MSG_NOSIGNAL)
				    : recv(tcp->fd, bytes + done, len - done, 0);
		if (n > 0) {
			done += (size_t)n;
			continue;
		}
		if (n == 0)
			return err_set(e, ERR_REFUSED, "name server %s closed the connection", tcp->server);
		if (errno != EAGAIN && errno != EINTR)
			return err_set_errno(e, net_errno_code(errno, false), errno, "name server %s", tcp->server);
		enum err_code rc = net_wait(tcp->fd, sending ? NET_WAIT_WRITE : NET_WAIT_READ, tcp->deadline_ms,
					    tcp->cancel_fd, e);
		if (rc)
			return err_wrap(e, "name server %s", tcp->server);
	}
	return ERR_OK;
}

enum err_code dns_tcp_ask(struct dns_tcp *tcp, const struct dns_wire *asked, ldns_pkt **answer, uint8_t **bytes,
			  size_t *len, struct err *e)
{
	uint8_t prefix[2] = { (uint8_t)(asked->len >> 8), (uint8_t)asked->len };
	uint8_t *message = mem_calloc(1, asked->len + 2);
	*answer = NULL;
	*bytes = NULL;
	memcpy(message, prefix, 2);
	memcpy(message + 2, asked->bytes, asked->len);
	enum err_code rc = move_bytes(tcp, true, message, asked->len + 2, e);
	free(message);
	if (!rc)
		rc = move_bytes(tcp, false, prefix, 2, e);
	if (rc)
		return rc;
	*len = (size_t)prefix[0] << 8 | prefix[1];
	*bytes = mem_calloc(1, *len + 1);
	rc = move_bytes(tcp, false, *bytes, *len, e);
	if (!rc)
		rc = dns_parse(*bytes, *len, asked, answer, e);
	if (rc) {
		free(*bytes);
		*bytes = NULL;
	}
	return rc;
}

static enum err_code judge_query(ldns_pkt *answer, const char *server, const char *name, struct err *e)
{
	ldns_pkt_rcode rcode = ldns_pkt_get_rcode(answer);
	if (rcode == LDNS_RCODE_NOERROR || rcode == LDNS_RCODE_NXDOMAIN)
		return ldns_pkt_aa(answer)
			       ? ERR_OK
			       : err_set(e, ERR_DENIED, "name server %s is not authoritative for %s", server, name);
	char *word = ldns_pkt_rcode2str(rcode);
	enum err_code rc = rcode == LDNS_RCODE_SERVFAIL ? ERR_AGAIN : ERR_DENIED;
	(void)err_set(e, rc, "name server %s, asked for %s, answered %s", server, name,
		      word ? word : "an unknown code");
	LDNS_FREE(word);
	return rc;
}

enum err_code dns_tcp_query(struct dns_tcp *tcp, const char *name, ldns_rr_type type, ldns_pkt **answer, struct err *e)
{
	struct dns_wire wire;
	uint8_t *bytes = NULL;
	size_t len = 0;
	*answer = NULL;
	enum err_code rc = dns_build_query(name, type, &wire, e);
	if (!rc)
		rc = dns_tcp_ask(tcp, &wire, answer, &bytes, &len, e);
	if (!rc)
		rc = judge_query(*answer, tcp->server, name, e);
	dns_wire_fini(&wire);
	free(bytes);
	if (rc) {
		ldns_pkt_free(*answer);
		*answer = NULL;
	}
	return rc;
}
