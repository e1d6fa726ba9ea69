/*
 * Purpose:   DNS messages as bytes: queries, updates, and what answers say. Pure.
 * Not its job: sockets (dns_io.c).   Thread: any.
 * Ownership: wire buffers are freed by the caller with free(); packets with ldns_pkt_free.
 * Errors:    ERR_PROTOCOL for bytes that are no answer; see dns.h for the rest.
 */
#ifndef COLDMX_DNS_MESSAGE_H
#define COLDMX_DNS_MESSAGE_H

#include <ldns/ldns.h>

#include "dns.h"

/* The value of `_coldmx.ZONE`, as text of at most 255 bytes. */
#define DNS_MARKER_MAX 256

struct dns_wire {
	uint8_t *bytes;
	size_t len;
	uint16_t id;
	ldns_rdf *mac; /* of a signed message; NULL otherwise */
};

void dns_wire_fini(struct dns_wire *wire);

enum err_code dns_build_query(const char *name, ldns_rr_type type, struct dns_wire *out, struct err *e) NODISCARD;
/* `marker_old` "" = must not exist yet; `marker_new` "" = the marker is left alone. */
enum err_code dns_build_update(const struct dns_opts *opts, const struct verb_dns *verb, const char *marker_old,
			       const char *marker_new, struct dns_wire *out, struct err *e) NODISCARD;
/* The packet of `bytes`, when it is an answer to `id`. The caller frees it. */
enum err_code dns_parse(const uint8_t *bytes, size_t len, uint16_t id, ldns_pkt **out, struct err *e) NODISCARD;
/* What an update's answer says, its TSIG and time verified (RFC 8945 5.3). ERR_CONFLICT: prerequisite not met. */
enum err_code dns_judge_update(const struct dns_opts *opts, const struct dns_wire *asked, ldns_pkt *answer,
			       const uint8_t *bytes, size_t len, int64_t wall_ms, struct err *e) NODISCARD;
/* MX RRs of the answer section owned by `name`; ERR_PROTOCOL when there are more than MX_SET_MAX. */
enum err_code dns_read_mx(const ldns_pkt *answer, const char *name, struct mx_set *out, struct err *e) NODISCARD;
/* First TXT of the answer section; "" when none. */
void dns_read_txt(const ldns_pkt *answer, char *out, size_t size);
void dns_name_text(const ldns_rdf *name, char *out, size_t size); /* lower case, no final dot */

void dns_marker_format(const struct dns_opts *opts, const struct verb_dns *verb, char out[DNS_MARKER_MAX]);
/* False: not ours, or not authentic; then it changes nothing. */
bool dns_marker_parse(const struct dns_opts *opts, const char *zone, const char *text, struct dns_answer *out);

#endif
