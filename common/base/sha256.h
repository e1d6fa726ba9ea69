/*
 * Purpose:   SHA-256 (FIPS 180-4) in pieces or at once, its HMAC (RFC 2104), and its hex text.
 * Not its job: passwords.
 * Thread:    any (one owner a state).   Ownership: sha256_final frees the state; it must be called.
 * Errors:    none; a library without SHA-256 is a broken installation: abort.
 */
#ifndef COLDMX_SHA256_H
#define COLDMX_SHA256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHA256_BYTES 32
#define SHA256_HEX_SIZE (2 * SHA256_BYTES + 1)

struct sha256 {
	void *ctx;
};

void sha256_init(struct sha256 *sha);
void sha256_add(struct sha256 *sha, const void *bytes, size_t len);
void sha256_final(struct sha256 *sha, uint8_t out[SHA256_BYTES]);

void sha256_of(const void *bytes, size_t len, uint8_t out[SHA256_BYTES]);
void sha256_hmac(const void *key, size_t key_len, const void *bytes, size_t len, uint8_t out[SHA256_BYTES]);
/* In a time that does not tell where they differ. */
bool sha256_same(const void *a, const void *b, size_t len);
/* Lower case, NUL-terminated. */
void sha256_hex(const uint8_t hash[SHA256_BYTES], char out[SHA256_HEX_SIZE]);

#endif
