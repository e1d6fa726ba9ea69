/*
 * Purpose:   the audit hash chain of one pair: what a row's hash covers.
 * Not its job: reading or writing rows (sqlite.c).
 * Thread:    any.   Ownership: none.   Errors: none.
 *
 * hash(n) = SHA-256(hash(n - 1) || canonical text of row n), 32 zero bytes before row 1. The
 * text is
 *   coldmx-audit-1\npair=P\nseq=S\nwall_ms=W\nop=O\nkey=BYTES:KEY\nbody=BYTES:BODY\n
 * The chain has no key: it shows changed, missing or moved rows to whoever kept an earlier head
 * hash, and accidents to everybody; who can write the file can also recompute all of it.
 */
#ifndef COLDMX_STORE_AUDIT_H
#define COLDMX_STORE_AUDIT_H

#include "../../common/base/sha256.h"
#include "../verb.h"

void audit_hash(const uint8_t prev[SHA256_BYTES], const struct record *rec, int64_t wall_ms, uint8_t out[SHA256_BYTES]);

#endif
