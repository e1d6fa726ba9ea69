/*
 * Purpose:   MX RRsets by RFC 2136 with TSIG (RFC 8945): read, compare-and-swap, verify everywhere.
 * Not its job: which set to publish (step/switch_dns.c), retries (runner).
 * Thread:    executor threads; blocks only on sockets with deadline and cancel.
 * Ownership: options are borrowed for the call. On ERR_OK `e` is clear.
 * Errors:    ERR_UNKNOWN: the update is out and no believable reply came: read before going on.
 *            ERR_CONFLICT: another set is published; nothing was changed. ERR_STALE: the marker
 *            shows a higher epoch. ERR_AUTH: TSIG (with the skew, if time is the reason).
 *            ERR_DENIED: the server's policy. ERR_AGAIN: SERVFAIL, or a race that was lost.
 *            ERR_BLOCKED: an empty set. ERR_REFUSED, ERR_UNREACH, ERR_TIMEOUT: no server answers.
 * Units:     deadline_ms absolute, on CLOCK_BOOTTIME; TTLs in seconds.
 */
#ifndef COLDMX_DNS_H
#define COLDMX_DNS_H

#include <stdint.h>

#include "../../common/dns/dns_txt.h"
#include "../verb.h"

#define DNS_SERVERS_MAX 4

struct dns_opts {
	size_t nupdate, nauthoritative;
	/* In order: the next one only when no connection comes about. */
	struct dns_server update[DNS_SERVERS_MAX];
	/* Asked besides those that the zone names; these are asked at port 53, unless their address
	 * stands here or above with another one. */
	struct dns_server authoritative[VERIFY_SERVERS_MAX];
	const char *key_name;      /* "" = unsigned */
	const char *key_algorithm; /* "hmac-sha256", "hmac-sha512" */
	const char *key_base64;    /* secret; never logged */
	const char *pair;          /* marker content */
};

/* The MX RRset and the authenticated marker, from the update server over TCP, AA required. */
enum err_code dns_get(const struct dns_opts *opts, const char *zone, int64_t deadline_ms, int cancel_fd,
		      struct dns_answer *out, struct err *e) NODISCARD;
/* One atomic message: prerequisite = verb->expect exactly (RFC 2136 2.4.2), delete the RRset, add
 * verb->want; with verb->marker the marker too. ERR_OK also when it was done before. */
enum err_code dns_swap(const struct dns_opts *opts, const struct verb_dns *verb, int64_t deadline_ms, int cancel_fd,
		       struct err *e) NODISCARD;
/* Every authoritative address, v4 and v6: does it say, authoritatively, exactly verb->expect? A TTL
 * that differs is told apart. What could not be asked is listed as not answering. */
enum err_code dns_verify(const struct dns_opts *opts, const struct verb_dns *verb, int64_t deadline_ms, int cancel_fd,
			 struct verify_answer *out, struct err *e) NODISCARD;

#endif
