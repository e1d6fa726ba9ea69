/*
 * Purpose:   DNS updates as bytes, and what their answers and MX answers say. Pure.
 * Not its job: sockets (dns_io.c), questions and TXT (common/dns/).   Thread: any.
 * Ownership: wire buffers are freed by dns_wire_fini; packets with ldns_pkt_free.
 * Errors:    ERR_PROTOCOL for bytes that are no answer; see dns.h for the rest.
 */
#ifndef COLDMX_DNS_MESSAGE_H
#define COLDMX_DNS_MESSAGE_H

#include "../../common/dns/dns_query.h"
#include "../../common/marker.h"
#include "dns.h"

/* `marker_old`: the TXT RRs as read, NULL = none yet. `marker_new` "" = the marker is left alone.
 * ERR_BLOCKED: an empty set. ERR_INVALID: a name that is none. */
enum err_code dns_build_update(const struct dns_opts *opts, const struct verb_dns *verb, const ldns_rr_list *marker_old,
			       const char *marker_new, struct dns_wire *out, struct err *e) NODISCARD;
/* What an update's answer says, its TSIG and time verified (RFC 8945 5.3). ERR_CONFLICT: a
 * prerequisite is not met. ERR_UNKNOWN: it is not provably the server's answer. */
enum err_code dns_judge_update(const struct dns_opts *opts, const struct dns_wire *asked, ldns_pkt *answer,
			       const uint8_t *bytes, size_t len, int64_t wall_ms, struct err *e) NODISCARD;
/* MX RRs of the answer section owned by `name`, with the longest TTL; ERR_PROTOCOL when there are
 * more than MX_SET_MAX. */
enum err_code dns_read_mx(const ldns_pkt *answer, const char *name, struct mx_set *out, struct err *e) NODISCARD;
/* "10 mx1.example.test, 20 mx2.example.test", for people. */
void dns_set_text(const struct mx_set *set, char *out, size_t size);

/* What `_coldmx.ZONE` shall say after this swap (common/marker.h), under the key that the TSIG secret gives. */
void dns_marker_format(const struct dns_opts *opts, const struct verb_dns *verb, char out[MARKER_MAX]);
/* False: not ours, or not authentic; then it changes nothing. */
bool dns_marker_parse(const struct dns_opts *opts, const char *zone, const char *text, struct dns_answer *out);

#endif
