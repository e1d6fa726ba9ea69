/*
 * Purpose:   DNS messages as bytes: queries, updates, and what answers say. Pure.
 * Not its job: sockets (dns_io.c).   Thread: any.
 * Ownership: wire buffers are freed by dns_wire_fini; packets with ldns_pkt_free.
 * Errors:    ERR_PROTOCOL for bytes that are no answer; see dns.h for the rest.
 */
#ifndef COLDMX_DNS_MESSAGE_H
#define COLDMX_DNS_MESSAGE_H

#include <ldns/ldns.h>

#include "dns.h"

/* Room for the value of `_coldmx.ZONE`. */
#define DNS_MARKER_MAX 256

struct dns_wire {
	uint8_t *bytes;
	size_t len;
	uint16_t id;
	size_t question_len; /* of a query: its answer repeats it (RFC 5452); 0 = of an update */
	ldns_rdf *mac;       /* of a signed message; NULL otherwise */
};

void dns_wire_fini(struct dns_wire *wire);

enum err_code dns_build_query(const char *name, ldns_rr_type type, struct dns_wire *out, struct err *e) NODISCARD;
/* `marker_old`: the TXT RRs as read, NULL = none yet. `marker_new` "" = the marker is left alone.
 * ERR_BLOCKED: an empty set. ERR_INVALID: a name that is none. */
enum err_code dns_build_update(const struct dns_opts *opts, const struct verb_dns *verb, const ldns_rr_list *marker_old,
			       const char *marker_new, struct dns_wire *out, struct err *e) NODISCARD;
/* The packet of `bytes`, when it answers `asked`. The caller frees it. */
enum err_code dns_parse(const uint8_t *bytes, size_t len, const struct dns_wire *asked, ldns_pkt **out,
			struct err *e) NODISCARD;
/* What an update's answer says, its TSIG and time verified (RFC 8945 5.3). ERR_CONFLICT: a
 * prerequisite is not met. ERR_UNKNOWN: it is not provably the server's answer. */
enum err_code dns_judge_update(const struct dns_opts *opts, const struct dns_wire *asked, ldns_pkt *answer,
			       const uint8_t *bytes, size_t len, int64_t wall_ms, struct err *e) NODISCARD;
/* MX RRs of the answer section owned by `name`, with the longest TTL; ERR_PROTOCOL when there are
 * more than MX_SET_MAX. */
enum err_code dns_read_mx(const ldns_pkt *answer, const char *name, struct mx_set *out, struct err *e) NODISCARD;
/* Copies of the TXT RRs owned by `name`; NULL when none. The caller deep-frees. */
ldns_rr_list *dns_read_txt(const ldns_pkt *answer, const char *name) NODISCARD;
/* The text of a set of one RR of one string; "" of any other. */
void dns_txt_text(const ldns_rr_list *txt, char *out, size_t size);
void dns_name_text(const ldns_rdf *name, char *out, size_t size); /* lower case, no final dot */
/* "10 mx1.example.test, 20 mx2.example.test", for people. */
void dns_set_text(const struct mx_set *set, char *out, size_t size);

/* The marker: text of `_coldmx.ZONE` with an HMAC under a key made from the TSIG secret. */
void dns_marker_format(const struct dns_opts *opts, const struct verb_dns *verb, char out[DNS_MARKER_MAX]);
/* False: not ours, or not authentic; then it changes nothing. */
bool dns_marker_parse(const struct dns_opts *opts, const char *zone, const char *text, struct dns_answer *out);

#endif
