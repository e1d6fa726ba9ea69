/*
 * Purpose:   DNS answers that concern a pair, and questions to many servers at once.
 * Not its job: what the bytes say (dns_message.c).
 * Thread:    executor; blocks.   Ownership: dns_questions_fini.
 * Errors:    as dns.h; whether a lost answer is ERR_UNKNOWN is for the asker to say.
 * Units:     deadline_ms absolute, on CLOCK_BOOTTIME.
 */
#ifndef COLDMX_DNS_IO_H
#define COLDMX_DNS_IO_H

#include "../../common/dns/dns_tcp.h"
#include "dns_message.h"

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
