/* UDP for looking around. */
#include "dns_io.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../common/base/clock.h"
#include "../../common/base/mem.h"
#include "../../common/net/addr.h"

#define UDP_ANSWER_MAX 4096 /* we announce 1232 */
#define DNS_QUESTIONS_MAX ((size_t)2 * VERIFY_SERVERS_MAX)
#define UDP_RESEND_MS 700

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
