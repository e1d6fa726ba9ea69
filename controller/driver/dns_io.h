/*
 * Purpose:   DNS bytes over sockets: one TCP connection to the first update server that takes it,
 *            and questions to many servers at once.
 * Not its job: what the bytes say (dns_message.c).
 * Thread:    executor; blocks.   Ownership: dns_tcp_close, dns_questions_fini.
 * Errors:    as dns.h; whether a lost answer is ERR_UNKNOWN is for the asker to say.
 * Units:     deadline_ms absolute, on CLOCK_BOOTTIME.
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

/* The next server is tried only when no connection comes about. */
enum err_code dns_tcp_open(const struct dns_server *servers, size_t n, int64_t deadline_ms, int cancel_fd,
			   struct dns_tcp *out, struct err *e) NODISCARD;
/* Sends `asked`, reads one answer into *bytes (the caller frees) and *answer (likewise). */
enum err_code dns_tcp_ask(struct dns_tcp *tcp, const struct dns_wire *asked, ldns_pkt **answer, uint8_t **bytes,
			  size_t *len, struct err *e) NODISCARD;
void dns_tcp_close(struct dns_tcp *tcp);

/* An authoritative answer to one question; ERR_DENIED or ERR_AGAIN otherwise. (dns.c) */
enum err_code dns_tcp_query(struct dns_tcp *tcp, const char *name, ldns_rr_type type, ldns_pkt **answer,
			    struct err *e) NODISCARD;
/* The TXT RRs at `_coldmx.ZONE` (NULL: none; the caller deep-frees), and the marker when it is
 * authentic. (dns.c) */
enum err_code dns_tcp_marker(struct dns_tcp *tcp, const struct dns_opts *opts, const char *zone, ldns_rr_list **txt,
			     struct dns_answer *out, struct err *e) NODISCARD;
/* MX set and marker. (dns.c) */
enum err_code dns_tcp_read(struct dns_tcp *tcp, const struct dns_opts *opts, const char *zone, struct dns_answer *out,
			   struct err *e) NODISCARD;

struct dns_question {
	struct dns_server server;
	struct dns_wire wire;
	ldns_pkt *answer; /* NULL: none came */
	int fd;           /* inside dns_ask_all only */
};

/* Asks all at once over UDP, again while one is silent, and over TCP what came cut (TC). Returns
 * when all answered or the deadline passed; silence is no error. ERR_CANCELLED; ERR_LOCAL: no
 * socket could be had. */
enum err_code dns_ask_all(struct dns_question *q, size_t n, int64_t deadline_ms, int cancel_fd,
			  struct err *e) NODISCARD;
void dns_questions_fini(struct dns_question *q, size_t n);

#endif
