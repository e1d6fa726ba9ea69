/*
 * Purpose:   DNS questions as bytes, and what their answers say. Pure.
 * Not its job: sockets (dns_tcp.h), updates (controller/driver/dns_message.h).   Thread: any.
 * Ownership: wire buffers are freed by dns_wire_fini; packets with ldns_pkt_free.
 * Errors:    ERR_PROTOCOL for bytes that are no answer; ERR_INVALID: a name that is none.
 */
#ifndef COLDMX_DNS_QUERY_H
#define COLDMX_DNS_QUERY_H

#include <ldns/ldns.h>
#include <stdbool.h>

#include "../base/basic.h"
#include "../base/err.h"

struct dns_wire {
	uint8_t *bytes;
	size_t len;
	uint16_t id;
	size_t question_len; /* of a query: its answer repeats it (RFC 5452); 0 = of an update */
	ldns_rdf *mac;       /* of a signed message; NULL otherwise */
};

void dns_wire_fini(struct dns_wire *wire);
enum err_code dns_to_wire(const ldns_pkt *pkt, struct dns_wire *out, struct err *e) NODISCARD;

enum err_code dns_build_query(const char *name, ldns_rr_type type, struct dns_wire *out, struct err *e) NODISCARD;
/* The packet of `bytes`, when it answers `asked`. The caller frees it. */
enum err_code dns_parse(const uint8_t *bytes, size_t len, const struct dns_wire *asked, ldns_pkt **out,
			struct err *e) NODISCARD;
/* Of class IN, of this type, owned by `name`. */
bool dns_is_record(const ldns_rr *rr, ldns_rr_type type, const char *name);
/* Copies of the TXT RRs owned by `name`; NULL when none. The caller deep-frees. */
ldns_rr_list *dns_read_txt(const ldns_pkt *answer, const char *name) NODISCARD;
/* The text of a set of one RR of one string; "" of any other. */
void dns_txt_text(const ldns_rr_list *txt, char *out, size_t size);
void dns_name_text(const ldns_rdf *name, char *out, size_t size); /* lower case, no final dot */

#endif
