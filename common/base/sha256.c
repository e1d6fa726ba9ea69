/* A thin wrapper, so that nobody else needs OpenSSL's headers for a hash or a MAC. */
#include "sha256.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "attr.h"

void sha256_init(struct sha256 *sha)
{
	sha->ctx = EVP_MD_CTX_new();
	BUG_ON(!sha->ctx || EVP_DigestInit_ex(sha->ctx, EVP_sha256(), NULL) != 1);
}

void sha256_add(struct sha256 *sha, const void *bytes, size_t len)
{
	BUG_ON(EVP_DigestUpdate(sha->ctx, bytes, len) != 1);
}

void sha256_final(struct sha256 *sha, uint8_t out[SHA256_BYTES])
{
	BUG_ON(EVP_DigestFinal_ex(sha->ctx, out, NULL) != 1);
	EVP_MD_CTX_free(sha->ctx);
	sha->ctx = NULL;
}

void sha256_of(const void *bytes, size_t len, uint8_t out[SHA256_BYTES])
{
	struct sha256 sha;
	sha256_init(&sha);
	sha256_add(&sha, bytes, len);
	sha256_final(&sha, out);
}

void sha256_hmac(const void *key, size_t key_len, const void *bytes, size_t len, uint8_t out[SHA256_BYTES])
{
	BUG_ON(!HMAC(EVP_sha256(), key, (int)key_len, bytes, len, out, NULL));
}

bool sha256_same(const void *a, const void *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}

void sha256_hex(const uint8_t hash[SHA256_BYTES], char out[SHA256_HEX_SIZE])
{
	static const char digit[] = "0123456789abcdef";
	for (size_t i = 0; i < SHA256_BYTES; i++) {
		out[2 * i] = digit[hash[i] >> 4];
		out[2 * i + 1] = digit[hash[i] & 15];
	}
	out[(size_t)2 * SHA256_BYTES] = '\0';
}
