/*
 * Purpose:   DNS bytes over sockets: one TCP connection to the first update server that answers, and UDP questions
 *            to many servers at once.
 * Not its job: what the bytes say (dns_message.c).   Thread: executor.   Ownership: dns_tcp_close.
 * Errors:    as dns.h; once something was sent and no answer came: ERR_UNKNOWN from dns_tcp_ask.
 */
#ifndef COLDMX_DNS_IO_H
#define COLDMX_DNS_IO_H

#include "dns_message.h"

struct dns_tcp {
	int fd;
	int64_t deadline_ms;
	int cancel_fd;
	char server[ADDR_TEXT_MAX];
};

enum err_code dns_tcp_open(const struct dns_server *servers, size_t n, int64_t deadline_ms, int cancel_fd,
			   struct dns_tcp *out, struct err *e) NODISCARD;
/* Sends `asked`, reads one answer into *bytes (the caller frees) and *answer (likewise). */
enum err_code dns_tcp_ask(struct dns_tcp *tcp, const struct dns_wire *asked, ldns_pkt **answer, uint8_t **bytes,
			  size_t *len, struct err *e) NODISCARD;
void dns_tcp_close(struct dns_tcp *tcp);

struct dns_question {
	struct dns_server server;
	struct dns_wire wire;
	ldns_pkt *answer; /* NULL: none came */
	int fd;
};

/* Asks all at once over UDP, twice if need be; returns when all answered or the deadline passed. */
void dns_udp_ask(struct dns_question *q, size_t n, int64_t deadline_ms, int cancel_fd);

#endif
