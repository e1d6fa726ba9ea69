/* libssh2 signs with RSA only by SHA-1, which sshd refuses with a bare "authentication failed", and
 * asks nobody for a passphrase. Both are told apart here, before a host is bothered. */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/base/file.h"
#include "../../common/base/mem.h"
#include "ssh_int.h"

#define KEY_FILE_MAX_BYTES 16384
#define OPENSSH_BEGIN "-----BEGIN OPENSSH PRIVATE KEY-----"
#define OPENSSH_MAGIC "openssh-key-v1" /* with its NUL */

struct span {
	const unsigned char *at;
	size_t left;
};

static bool take_u32(struct span *s, uint32_t *out)
{
	if (s->left < 4)
		return false;
	*out = (uint32_t)s->at[0] << 24 | (uint32_t)s->at[1] << 16 | (uint32_t)s->at[2] << 8 | s->at[3];
	s->at += 4;
	s->left -= 4;
	return true;
}

static bool take_string(struct span *s, struct span *out)
{
	uint32_t len;

	if (!take_u32(s, &len) || len > s->left)
		return false;
	*out = (struct span){ s->at, len };
	s->at += len;
	s->left -= len;
	return true;
}

static bool equals(const struct span *s, const char *text)
{
	return s->left == strlen(text) && memcmp(s->at, text, s->left) == 0;
}

/* PROTOCOL.key of OpenSSH: magic, cipher, kdf, kdf options, number of keys, public key. */
static enum err_code judge_openssh(struct span s, const char *path, struct err *e)
{
	struct span cipher, ignore, pub, type;
	uint32_t nkeys;

	if (s.left < sizeof(OPENSSH_MAGIC) || memcmp(s.at, OPENSSH_MAGIC, sizeof(OPENSSH_MAGIC)) != 0)
		return err_set(e, ERR_AUTH, "ssh key %s: not an OpenSSH key", path);
	s.at += sizeof(OPENSSH_MAGIC);
	s.left -= sizeof(OPENSSH_MAGIC);
	if (!take_string(&s, &cipher) || !take_string(&s, &ignore) || !take_string(&s, &ignore) ||
	    !take_u32(&s, &nkeys) || !take_string(&s, &pub) || !take_string(&pub, &type))
		return err_set(e, ERR_AUTH, "ssh key %s: damaged", path);
	if (!equals(&cipher, "none"))
		return err_set(e, ERR_AUTH, "ssh key %s has a passphrase, which nobody can type here", path);
	if (equals(&type, "ssh-ed25519") || equals(&type, "ecdsa-sha2-nistp256") ||
	    equals(&type, "ecdsa-sha2-nistp384") || equals(&type, "ecdsa-sha2-nistp521"))
		return ERR_OK;
	return err_set(e, ERR_AUTH, "ssh key %s is of type %.*s: make an ed25519 key (ssh-keygen -t ed25519)", path,
		       type.left < 40 ? (int)type.left : 40, (const char *)type.at);
}

static enum err_code decode_openssh(const char *body, const char *path, struct err *e)
{
	const char *end = strstr(body, "-----END");
	size_t len = end ? (size_t)(end - body) : strlen(body);
	unsigned char *bytes = mem_calloc(len + 64, 1);
	EVP_ENCODE_CTX *ctx = EVP_ENCODE_CTX_new();
	int got = 0, rest = 0;

	BUG_ON(!ctx); /* out of memory */
	EVP_DecodeInit(ctx);
	bool bad = EVP_DecodeUpdate(ctx, bytes, &got, (const unsigned char *)body, (int)len) < 0 ||
		   EVP_DecodeFinal(ctx, bytes + got, &rest) < 0;
	EVP_ENCODE_CTX_free(ctx);
	enum err_code rc = bad ? err_set(e, ERR_AUTH, "ssh key %s: damaged", path)
			       : judge_openssh((struct span){ bytes, (size_t)(got + rest) }, path, e);
	explicit_bzero(bytes, len + 64);
	free(bytes);
	return rc;
}

enum err_code ssh_identity_check(const char *path, struct err *e)
{
	char *text = NULL;
	size_t len = 0;
	enum err_code rc = file_read(path, KEY_FILE_MAX_BYTES, FILE_SECRET, &text, &len, e);

	if (rc) {
		if (rc != ERR_LOCAL)
			e->code = ERR_AUTH;
		return err_wrap(e, "ssh key");
	}
	const char *openssh = strstr(text, OPENSSH_BEGIN);
	if (openssh)
		rc = decode_openssh(openssh + strlen(OPENSSH_BEGIN), path, e);
	else if (strstr(text, "BEGIN RSA PRIVATE KEY") || strstr(text, "BEGIN DSA PRIVATE KEY"))
		rc = err_set(e, ERR_AUTH, "ssh key %s is RSA or DSA: make an ed25519 key (ssh-keygen -t ed25519)",
			     path);
	else if (strstr(text, "Proc-Type: 4,ENCRYPTED") || strstr(text, "BEGIN ENCRYPTED"))
		rc = err_set(e, ERR_AUTH, "ssh key %s has a passphrase, which nobody can type here", path);
	else if (!strstr(text, "BEGIN EC PRIVATE KEY") && !strstr(text, "BEGIN PRIVATE KEY"))
		rc = err_set(e, ERR_AUTH, "ssh key %s: not a private key file", path);
	explicit_bzero(text, len);
	free(text);
	return rc;
}
