/*
 * Purpose:   the map bundle (docs/maps.md): collected, sorted and written by the primary's agent; checked by
 *            whoever receives one.
 * Not its job: files, Postfix's tables (agent), sending, keeping.
 * Thread:    any (one owner).   Ownership: maps_new to maps_free; texts are copied.
 * Errors:    ERR_INVALID; of maps_check with the line of the bundle.
 */
#ifndef COLDMX_MAPS_H
#define COLDMX_MAPS_H

#include <stdint.h>

#include "../base/basic.h"
#include "../base/err.h"
#include "../base/sha256.h"
#include "../base/strbuf.h"

#define MAPS_BYTES_MAX ((size_t)16 * 1024 * 1024)
#define MAPS_LINE_MAX 4096

enum maps_section { MAPS_DOMAINS, MAPS_RECIPIENTS, MAPS_ALIASES, MAPS_TRANSPORT };
#define MAPS_SECTIONS 4

struct maps;

struct maps_summary {
	char sha256[SHA256_HEX_SIZE]; /* the bundle's name */
	uint32_t domains;
	uint32_t recipients; /* recipients and aliases, each address once a section */
};

struct maps *maps_new(void) RETURNS_NONNULL;
void maps_free(struct maps *m); /* NULL is legal */
/* `value` "" becomes "ok", as does one that does not fit into a line. The first of keys that differ by case
 * alone stays. ERR_INVALID: the key cannot stand in a bundle; nothing was added. */
enum err_code maps_add(struct maps *m, enum maps_section section, const char *key, const char *value,
		       struct err *e) NODISCARD;
/* Asks maps_add's DOMAINS so far; `address` is local@domain or a domain. */
bool maps_has_domain(struct maps *m, const char *address);
/* Calls `each` for every domain, in any order. */
void maps_each_domain(struct maps *m, void (*each)(void *arg, const char *domain), void *arg);
/* Sorted, without doubles, with the trailer. Addresses outside the domains are left out: no mail of the
 * pair goes there. ERR_INVALID: no domain, no recipient, or larger than 16 MiB. */
enum err_code maps_format(struct maps *m, const char *pair, struct strbuf *out, struct err *e) NODISCARD;

/* ---- maps_check.c ---- */
/* The whole of docs/maps.md's rules but for doubled keys, which the standby refuses. */
enum err_code maps_check(const char *bytes, size_t len, const char *pair, struct maps_summary *out,
			 struct err *e) NODISCARD;
const char *maps_section_name(enum maps_section section);
bool maps_domain_ok(const char *text, size_t len);
bool maps_address_ok(const char *text, size_t len); /* local@domain or @domain, in the bundle's spelling */

#endif
