/*
 * Purpose:   MX RRsets by RFC 2136 with TSIG (RFC 8945): read, compare-and-swap, verify at every authority.
 * Not its job: which set to publish (step/switch_dns.c), retries (runner).
 * Thread:    executor threads; blocks only on sockets with deadline and cancel.
 * Ownership: options are borrowed for the call.
 * Errors:    ERR_UNKNOWN: the reply to an update was lost: read before going on. ERR_CONFLICT: another set is
 *            published; nothing was changed. ERR_AUTH: TSIG (with the skew, if time is the reason). ERR_DENIED:
 *            the server's policy. ERR_AGAIN: SERVFAIL. ERR_REFUSED, ERR_UNREACH, ERR_TIMEOUT: no server answers.
 * Units:     deadline_ms absolute, on CLOCK_BOOTTIME; TTLs in seconds.
 */
#ifndef COLDMX_DNS_H
#define COLDMX_DNS_H

#include <stdint.h>

#include "../verb.h"

#define DNS_SERVERS_MAX 4

struct dns_server {
	char addr[ADDR_TEXT_MAX];
	uint16_t port;
};

struct dns_opts {
	size_t nupdate, nauthoritative;
	struct dns_server update[DNS_SERVERS_MAX];        /* in order; the next one only when one does not answer */
	struct dns_server authoritative[VERIFY_SERVERS_MAX]; /* besides those that the zone names */
	const char *key_name;      /* "" = unsigned */
	const char *key_algorithm; /* "hmac-sha256", "hmac-sha512" */
	const char *key_base64;    /* secret; never logged */
	uint32_t pair;             /* marker content */
};

/* The MX RRset and the authenticated marker, from the update server over TCP, AA required. */
enum err_code dns_get(const struct dns_opts *opts, const char *zone, int64_t deadline_ms, int cancel_fd,
		      struct dns_answer *out, struct err *e) NODISCARD;
/* One atomic message: prerequisite = verb->expect exactly (RFC 2136 2.4.2), delete the RRset, add verb->want. */
enum err_code dns_swap(const struct dns_opts *opts, const struct verb_dns *verb, int64_t deadline_ms, int cancel_fd,
		       struct err *e) NODISCARD;
/* Every authoritative address: does it answer, authoritatively, with exactly verb->expect and its TTL? */
enum err_code dns_verify(const struct dns_opts *opts, const struct verb_dns *verb, int64_t deadline_ms, int cancel_fd,
			 struct verify_answer *out, struct err *e) NODISCARD;

#endif
