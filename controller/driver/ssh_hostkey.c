/* A host is who its pinned key says. A key that is unknown or has changed is refused by name, never
 * learned. libssh2 would pick ECDSA where ed25519 is pinned, so the preference comes from the pin.
 */
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "../../common/base/sha256.h"
#include "ssh_int.h"

#define BLOB_MAX 2048

/* Best first. */
static const struct key_type {
	int mask;
	const char *method;
} types[] = {
	{ LIBSSH2_KNOWNHOST_KEY_ED25519, "ssh-ed25519" },
	{ LIBSSH2_KNOWNHOST_KEY_ECDSA_256, "ecdsa-sha2-nistp256" },
	{ LIBSSH2_KNOWNHOST_KEY_ECDSA_384, "ecdsa-sha2-nistp384" },
	{ LIBSSH2_KNOWNHOST_KEY_ECDSA_521, "ecdsa-sha2-nistp521" },
};
#define ALL_METHODS "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521"

struct pin {
	char name[ADDR_TEXT_MAX + 8]; /* as it stands in the file */
	bool any;                     /* some key is pinned, usable or not */
	const char *method;           /* NULL: none that is usable */
	char base64[BLOB_MAX];
};

/* OpenSSH's form: "SHA256:" and unpadded base64 of the hash of the key's blob. */
static void fingerprint(const void *blob, size_t len, char *out, size_t size)
{
	uint8_t hash[SHA256_BYTES];
	unsigned char text[64];

	sha256_of(blob, len, hash);
	int n = EVP_EncodeBlock(text, hash, sizeof(hash));
	while (n > 0 && text[n - 1] == '=')
		text[--n] = '\0';
	snprintf(out, size, "SHA256:%s", (const char *)text);
}

static void pinned_fingerprint(const struct pin *pin, char *out, size_t size)
{
	unsigned char blob[BLOB_MAX];
	size_t len = strlen(pin->base64);
	int n = EVP_DecodeBlock(blob, (const unsigned char *)pin->base64, (int)len);

	for (size_t i = len; n > 0 && i && pin->base64[i - 1] == '='; i--)
		n--;
	if (n > 0)
		fingerprint(blob, (size_t)n, out, size);
	else
		snprintf(out, size, "(not base64)");
}

static enum err_code read_known(LIBSSH2_SESSION *raw, const struct ssh_target *target, LIBSSH2_KNOWNHOSTS **out,
				struct err *e)
{
	*out = libssh2_knownhost_init(raw);
	if (!*out)
		return err_set(e, ERR_LOCAL, "ssh: out of memory");
	if (libssh2_knownhost_readfile(*out, target->known_hosts, LIBSSH2_KNOWNHOST_FILE_OPENSSH) < 0) {
		char *why = NULL;

		(void)libssh2_session_last_error(raw, &why, NULL, 0);
		libssh2_knownhost_free(*out);
		return err_set(e, ERR_AUTH, "%s: known_hosts file %s: %s", target->name, target->known_hosts,
			       why && why[0] ? why : "not readable");
	}
	return ERR_OK;
}

/* A better type takes the place of a worse one; of one type the first line counts, as in OpenSSH.
 */
static void consider(struct pin *pin, const struct libssh2_knownhost *entry, size_t *best)
{
	pin->any = true;
	for (size_t i = 0; i < *best; i++) {
		if ((entry->typemask & LIBSSH2_KNOWNHOST_KEY_MASK) != types[i].mask)
			continue;
		int n = snprintf(pin->base64, sizeof(pin->base64), "%s", entry->key);
		if (n > 0 && (size_t)n < sizeof(pin->base64)) {
			pin->method = types[i].method;
			*best = i;
		}
		return;
	}
}

static enum err_code find_pin(LIBSSH2_SESSION *raw, const struct ssh_target *target, const char *addr, struct pin *pin,
			      struct err *e)
{
	LIBSSH2_KNOWNHOSTS *known = NULL;
	struct libssh2_knownhost *entry = NULL, *prev = NULL;
	size_t best = ARRAY_LEN(types);
	enum err_code rc = read_known(raw, target, &known, e);

	memset(pin, 0, sizeof(*pin));
	if (rc)
		return rc;
	if (target->port == 22)
		snprintf(pin->name, sizeof(pin->name), "%s", addr);
	else
		snprintf(pin->name, sizeof(pin->name), "[%s]:%u", addr, target->port);
	while (!rc && libssh2_knownhost_get(known, &entry, prev) == 0) {
		/* @revoked and @cert-authority are read as names; passing over one would trust */
		if (entry->name && entry->name[0] == '@')
			rc = err_set(e, ERR_AUTH, "%s: known_hosts file %s: %.20s is not supported", target->name,
				     target->known_hosts, entry->name);
		else if (entry->name && strcmp(entry->name, pin->name) == 0)
			consider(pin, entry, &best);
		prev = entry;
	}
	libssh2_knownhost_free(known);
	return rc;
}

enum err_code ssh_hostkey_prefer(LIBSSH2_SESSION *raw, const struct ssh_target *target, const char *addr, struct err *e)
{
	struct pin pin;
	enum err_code rc = find_pin(raw, target, addr, &pin, e);

	if (rc)
		return rc;
	if (pin.any && !pin.method)
		return err_set(e, ERR_AUTH,
			       "%s: the host key pinned for %s in %s is neither ed25519 nor ECDSA: "
			       "pin one of those",
			       target->name, pin.name, target->known_hosts);
	const char *wanted = pin.method ? pin.method : ALL_METHODS;
	if (libssh2_session_method_pref(raw, LIBSSH2_METHOD_HOSTKEY, wanted))
		return err_set(e, ERR_LOCAL, "libssh2: no host keys of type %s", wanted);
	return ERR_OK;
}

enum err_code ssh_hostkey_check(LIBSSH2_SESSION *raw, const struct ssh_target *target, const char *addr, struct err *e)
{
	struct pin pin;
	unsigned char encoded[BLOB_MAX + 8];
	char offered[80], pinned[80];
	size_t len = 0;
	int type = 0;
	const char *key = libssh2_session_hostkey(raw, &len, &type);

	if (!key || len > BLOB_MAX * 3 / 4 - 3)
		return err_set(e, ERR_PROTOCOL, "%s: no usable host key was offered", target->name);
	enum err_code rc = find_pin(raw, target, addr, &pin, e);
	if (rc)
		return rc;
	fingerprint(key, len, offered, sizeof(offered));
	if (!pin.method)
		return err_set(e, ERR_AUTH,
			       "%s: no host key is pinned for %s in %s; it offers %s: compare on "
			       "the host's console before adding it",
			       target->name, pin.name, target->known_hosts, offered);
	EVP_EncodeBlock(encoded, (const unsigned char *)key, (int)len);
	if (strcmp((const char *)encoded, pin.base64) == 0)
		return ERR_OK;
	pinned_fingerprint(&pin, pinned, sizeof(pinned));
	return err_set(e, ERR_AUTH, "%s: the host key of %s has changed: pinned %s, offered %s", target->name, pin.name,
		       pinned, offered);
}
