/* File: magic, 12 bytes nonce, ciphertext, 16 bytes tag. Magic and pair name are authenticated too,
 * so that a file of another pair, or of another version, does not open. */
#include "maps_store.h"

#include <limits.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/base/file.h"
#include "../../common/base/mem.h"
#include "../config.h"

#define MAGIC "coldmx-kept-maps 1\n"
#define MAGIC_BYTES (sizeof(MAGIC) - 1)
#define NONCE_BYTES 12
#define TAG_BYTES 16
#define HEAD_BYTES (MAGIC_BYTES + NONCE_BYTES)
#define KEPT_MAX_BYTES ((size_t)17 * 1024 * 1024)

static enum err_code path_of(const struct config *c, const char *pair, char *out, size_t size, struct err *e)
{
	if (c->maps_key.len != 32)
		return err_set(e, ERR_NOT_FOUND, "no maps_key_file is configured: recipient maps are not kept");
	int n = snprintf(out, size, "%s/%s.maps", c->global.maps_dir, pair);
	if (n < 0 || (size_t)n >= size)
		return err_set(e, ERR_INVALID, "maps_dir is too long a path");
	return ERR_OK;
}

/* True when it began well: key, nonce, and what is authenticated but not encrypted. */
static bool begin_cipher(EVP_CIPHER_CTX *ctx, bool seal, const struct config *c, const char *pair,
			 const unsigned char *nonce)
{
	const unsigned char *key = (const unsigned char *)c->maps_key.bytes;
	int n;
	return EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, nonce, seal) == 1 &&
	       EVP_CipherUpdate(ctx, NULL, &n, (const unsigned char *)MAGIC, MAGIC_BYTES) == 1 &&
	       EVP_CipherUpdate(ctx, NULL, &n, (const unsigned char *)pair, (int)strlen(pair)) == 1;
}

static bool seal(const struct config *c, const char *pair, const char *bytes, size_t len, unsigned char *file)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	unsigned char *nonce = file + MAGIC_BYTES, *text = file + HEAD_BYTES;
	int n = 0, rest = 0;
	memcpy(file, MAGIC, MAGIC_BYTES);
	bool ok = ctx && RAND_bytes(nonce, NONCE_BYTES) == 1 && begin_cipher(ctx, true, c, pair, nonce) &&
		  EVP_CipherUpdate(ctx, text, &n, (const unsigned char *)bytes, (int)len) == 1 &&
		  EVP_CipherFinal_ex(ctx, text + n, &rest) == 1 && (size_t)n + (size_t)rest == len &&
		  EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_BYTES, text + len) == 1;
	EVP_CIPHER_CTX_free(ctx);
	return ok;
}

static bool unseal(const struct config *c, const char *pair, unsigned char *file, size_t len, char *out)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	unsigned char *text = file + HEAD_BYTES;
	int n = 0, rest = 0;
	bool ok = ctx && begin_cipher(ctx, false, c, pair, file + MAGIC_BYTES) &&
		  EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG_BYTES, text + len) == 1 &&
		  EVP_CipherUpdate(ctx, (unsigned char *)out, &n, text, (int)len) == 1 &&
		  EVP_CipherFinal_ex(ctx, (unsigned char *)out + n, &rest) == 1;
	EVP_CIPHER_CTX_free(ctx);
	return ok;
}

enum err_code maps_store_save(const struct config *c, const char *pair, const char *bytes, size_t len, struct err *e)
{
	char path[PATH_MAX];
	enum err_code rc = path_of(c, pair, path, sizeof(path), e);
	if (rc != ERR_OK)
		return rc;
	if (len > KEPT_MAX_BYTES - HEAD_BYTES - TAG_BYTES)
		return err_set(e, ERR_INVALID, "a map bundle of %zu bytes is too large to keep", len);
	unsigned char *file = mem_calloc(HEAD_BYTES + len + TAG_BYTES, 1);
	if (!seal(c, pair, bytes, len, file))
		rc = err_set(e, ERR_LOCAL, "cannot encrypt the map bundle");
	if (rc == ERR_OK)
		rc = file_replace(path, file, HEAD_BYTES + len + TAG_BYTES, 0600, e);
	free(file);
	return rc;
}

enum err_code maps_store_load(void *config, uint32_t pair, char **out, size_t *len, struct err *e)
{
	const struct config *c = config;
	const char *name = c->pairs[pair - 1].name;
	char path[PATH_MAX];
	char *file = NULL;
	size_t size = 0;
	enum err_code rc = path_of(c, name, path, sizeof(path), e);
	if (rc == ERR_OK)
		rc = file_read(path, KEPT_MAX_BYTES, FILE_SECRET, &file, &size, e);
	if (rc != ERR_OK)
		return rc;
	bool ok = size >= HEAD_BYTES + TAG_BYTES && memcmp(file, MAGIC, MAGIC_BYTES) == 0;
	if (ok) {
		*len = size - HEAD_BYTES - TAG_BYTES;
		*out = mem_calloc(*len + 1, 1);
		ok = unseal(c, name, (unsigned char *)file, *len, *out);
		if (!ok)
			free(*out);
	}
	free(file);
	return ok ? ERR_OK
		  : err_set(e, ERR_AUTH,
			    "%s does not open with this maps_key_file: another key, another "
			    "pair's file, or changed bytes",
			    path);
}
