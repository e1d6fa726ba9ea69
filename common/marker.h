/*
 * Purpose:   the marker: the text of the TXT record `_coldmx.DOMAIN`, which says under which epoch the MX set was last
 *            changed and who holds what, provably (docs/rights.md).
 * Not its job: DNS (common/dns/), what follows from it (agent/consult.c, controller/driver/dns_swap.c).
 * Thread:    any (values, pure).   Ownership: flat.
 * Errors:    none: what is not authentic, or not whole, is no marker.
 */
#ifndef COLDMX_MARKER_H
#define COLDMX_MARKER_H

#include "base/sha256.h"
#include "rights.h"

#define MARKER_MAX 256 /* with its NUL: one string of a TXT record */
#define MARKER_KEY_HEX_SIZE SHA256_HEX_SIZE

struct marker {
	char pair[NAME_MAX_LEN];
	uint64_t epoch, op; /* epoch: never 0 */
	enum rights_place own;
	unsigned accept; /* RIGHTS_BIT of primary, standby */
};

struct marker_key {
	uint8_t bytes[SHA256_BYTES];
};

/* Under it nobody can change a zone: it is made from the TSIG secret, and nothing leads back. */
void marker_key_derive(const char *tsig_base64, struct marker_key *out);
void marker_key_format(const struct marker_key *key, char out[MARKER_KEY_HEX_SIZE]);
/* What marker_key_format wrote; white space may follow. */
bool marker_key_parse(const char *hex, struct marker_key *out);

/* "_coldmx.DOMAIN" */
void marker_name(const char *domain, char *out, size_t size);
void marker_format(const struct marker_key *key, const char *domain, const struct marker *m, char out[MARKER_MAX]);
/* Appends the MAC to a text that has room for it; marker_format without the format. */
void marker_seal(const struct marker_key *key, const char *domain, char text[MARKER_MAX]);
bool marker_parse(const struct marker_key *key, const char *domain, const char *text, struct marker *out);

#endif
