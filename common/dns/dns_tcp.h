/*
 * Purpose:   one TCP connection to the first name server that takes it, and questions over it.
 * Not its job: what the bytes say (dns_query.h).
 * Thread:    any; blocks until the deadline, or until cancel_fd is readable.   Ownership: dns_tcp_close.
 * Errors:    ERR_REFUSED, ERR_UNREACH, ERR_TIMEOUT, ERR_CANCELLED, ERR_LOCAL, ERR_PROTOCOL; of an answer: ERR_DENIED,
 *            ERR_AGAIN. Whether a lost answer is ERR_UNKNOWN is for the asker to say.
 * Units:     deadline_ms absolute, on CLOCK_BOOTTIME.
 */
#ifndef COLDMX_DNS_TCP_H
#define COLDMX_DNS_TCP_H

#include "dns_query.h"
#include "dns_txt.h"

struct dns_tcp {
	int fd;
	int64_t deadline_ms;
	int cancel_fd;
	char server[ADDR_TEXT_MAX];
};

/* The next server is tried only when no connection comes about. */
enum err_code dns_tcp_open(const struct dns_server *servers, size_t n, int64_t deadline_ms, int cancel_fd,
			   struct dns_tcp *out, struct err *e) NODISCARD;
/* Sends `asked`, reads one answer into *bytes (the caller frees) and *answer (likewise). */
enum err_code dns_tcp_ask(struct dns_tcp *tcp, const struct dns_wire *asked, ldns_pkt **answer, uint8_t **bytes,
			  size_t *len, struct err *e) NODISCARD;
void dns_tcp_close(struct dns_tcp *tcp);

/* An authoritative answer to one question; ERR_DENIED or ERR_AGAIN otherwise. */
enum err_code dns_tcp_query(struct dns_tcp *tcp, const char *name, ldns_rr_type type, ldns_pkt **answer,
			    struct err *e) NODISCARD;

#endif
