/* TCP for what must be certain (RFC 2136 7.8), UDP for looking around. */
#include "dns_io.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../common/base/clock.h"
#include "../../common/base/mem.h"
#include "../../common/net/connect.h"
#include "../../common/net/wait.h"

#define UDP_ANSWER_MAX 4096 /* we announce 1232 */
#define DNS_QUESTIONS_MAX ((size_t)2 * VERIFY_SERVERS_MAX)
#define UDP_RESEND_MS 700
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

static void close_udp(struct dns_question *q)
{
	if (q->fd >= 0)
		close(q->fd);
	q->fd = -1;
}

/* A server that cannot even be sent to stays without an answer, as a silent one. */
static enum err_code open_udp(struct dns_question *q, struct err *e)
{
	struct net_addr to;
	q->fd = -1;
	enum err_code rc = net_addr_parse(q->server.addr, q->server.port, &to, e);
	if (rc)
		return rc;
	q->fd = socket(to.u.sa.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (q->fd < 0 && errno != EAFNOSUPPORT)
		return err_set_errno(e, ERR_LOCAL, errno, "UDP socket");
	if (q->fd >= 0 && connect(q->fd, &to.u.sa, net_addr_len(&to)))
		close_udp(q);
	return ERR_OK;
}

static void read_udp(struct dns_question *q)
{
	uint8_t bytes[UDP_ANSWER_MAX];
	ssize_t n = recv(q->fd, bytes, sizeof(bytes), 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0)
		close_udp(q); /* port closed, or unreachable: it will not answer */
	else if (!dns_parse(bytes, (size_t)n, &q->wire, &q->answer, NULL))
		close_udp(q);
	/* anything else is a stranger's datagram: the right one may still come */
}

static size_t fill_polls(struct dns_question *q, size_t n, struct pollfd *polls, int cancel_fd)
{
	size_t open = 0;
	for (size_t i = 0; i < n; i++) {
		polls[i] = (struct pollfd){ .fd = q[i].fd, .events = POLLIN };
		open += q[i].fd >= 0;
	}
	polls[n] = (struct pollfd){ .fd = cancel_fd, .events = POLLIN };
	return open;
}

static void send_all(struct dns_question *q, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (q[i].fd >= 0)
			(void)!send(q[i].fd, q[i].wire.bytes, q[i].wire.len, MSG_NOSIGNAL);
}

static enum err_code gather_udp(struct dns_question *q, size_t n, int64_t deadline_ms, int cancel_fd, struct err *e)
{
	struct pollfd polls[DNS_QUESTIONS_MAX + 1];
	int64_t resend_ms = clock_boot_ms() + UDP_RESEND_MS;
	send_all(q, n);
	while (fill_polls(q, n, polls, cancel_fd)) {
		int64_t now_ms = clock_boot_ms();
		if (now_ms >= deadline_ms)
			break;
		if (now_ms >= resend_ms) {
			send_all(q, n);
			resend_ms = now_ms + UDP_RESEND_MS;
		}
		int64_t until_ms = resend_ms < deadline_ms ? resend_ms : deadline_ms;
		if (poll(polls, n + 1, (int)(until_ms - now_ms)) < 0 && errno != EINTR)
			return err_set_errno(e, ERR_LOCAL, errno, "poll");
		if (polls[n].revents)
			return err_set(e, ERR_CANCELLED, "cancelled");
		for (size_t i = 0; i < n; i++)
			if (polls[i].revents)
				read_udp(&q[i]);
	}
	return ERR_OK;
}

static enum err_code ask_whole(struct dns_question *q, int64_t deadline_ms, int cancel_fd)
{
	struct dns_tcp tcp;
	struct err e;
	ldns_pkt *answer = NULL;
	uint8_t *bytes = NULL;
	size_t len = 0;
	enum err_code rc = dns_tcp_open(&q->server, 1, deadline_ms, cancel_fd, &tcp, &e);
	if (rc)
		return rc;
	rc = dns_tcp_ask(&tcp, &q->wire, &answer, &bytes, &len, &e);
	dns_tcp_close(&tcp);
	free(bytes);
	ldns_pkt_free(q->answer);
	q->answer = answer;
	return rc;
}

enum err_code dns_ask_all(struct dns_question *q, size_t n, int64_t deadline_ms, int cancel_fd, struct err *e)
{
	enum err_code rc = ERR_OK;
	BUG_ON(n > DNS_QUESTIONS_MAX);
	for (size_t i = 0; i < n; i++)
		q[i].fd = -1;
	for (size_t i = 0; i < n && !rc; i++)
		rc = open_udp(&q[i], e);
	if (!rc)
		rc = gather_udp(q, n, deadline_ms, cancel_fd, e);
	for (size_t i = 0; i < n; i++)
		close_udp(&q[i]);
	for (size_t i = 0; i < n && !rc; i++)
		if (q[i].answer && ldns_pkt_tc(q[i].answer) &&
		    ask_whole(&q[i], deadline_ms, cancel_fd) == ERR_CANCELLED)
			rc = err_set(e, ERR_CANCELLED, "cancelled");
	return rc;
}

void dns_questions_fini(struct dns_question *q, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		dns_wire_fini(&q[i].wire);
		ldns_pkt_free(q[i].answer);
	}
}
