/* A host is who its pinned key says. A key that is unknown or has changed is refused by name, never learned. */
#include <libssh2.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "../../common/base/sha256.h"
#include "ssh.h"

struct key_type {
	int mask;
	const char *method;
};

static const struct key_type types[] = {
	{ LIBSSH2_KNOWNHOST_KEY_ED25519, "ssh-ed25519" },
	{ LIBSSH2_KNOWNHOST_KEY_ECDSA_256, "ecdsa-sha2-nistp256" },
	{ LIBSSH2_KNOWNHOST_KEY_ECDSA_384, "ecdsa-sha2-nistp384" },
	{ LIBSSH2_KNOWNHOST_KEY_ECDSA_521, "ecdsa-sha2-nistp521" },
};

static void entry_name(const struct ssh_target *target, const char *addr, char *out, size_t size)
{
	if (target->port == 22)
		snprintf(out, size, "%s", addr);
	else
		snprintf(out, size, "[%s]:%u", addr, target->port);
}

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

static enum err_code read_known(LIBSSH2_SESSION *raw, const struct ssh_target *target, LIBSSH2_KNOWNHOSTS **out,
				struct err *e)
{
	*out = libssh2_knownhost_init(raw);
	if (!*out)
		return err_set(e, ERR_LOCAL, "ssh: out of memory");
	if (libssh2_knownhost_readfile(*out, target->known_hosts, LIBSSH2_KNOWNHOST_FILE_OPENSSH) < 0) {
		libssh2_knownhost_free(*out);
		return err_set(e, ERR_AUTH, "%s: known_hosts file %s is not readable", target->name,
			       target->known_hosts);
	}
	return ERR_OK;
}

static struct libssh2_knownhost *find(LIBSSH2_KNOWNHOSTS *known, const char *name)
{
	struct libssh2_knownhost *entry = NULL, *prev = NULL;
	while (libssh2_knownhost_get(known, &entry, prev) == 0) {
		if (entry->name && strcmp(entry->name, name) == 0)
			return entry;
		prev = entry;
	}
	return NULL;
}

static const char *method_of(const struct libssh2_knownhost *entry)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if ((entry->typemask & LIBSSH2_KNOWNHOST_KEY_MASK) == types[i].mask)
			return types[i].method;
	return NULL;
}

enum err_code ssh_hostkey_prefer(LIBSSH2_SESSION *raw, const struct ssh_target *target, const char *addr,
				 struct err *e)
{
	LIBSSH2_KNOWNHOSTS *known = NULL;
	char name[ADDR_TEXT_MAX + 8];
	enum err_code rc = read_known(raw, target, &known, e);
	if (rc)
		return rc;
	entry_name(target, addr, name, sizeof(name));
	const struct libssh2_knownhost *entry = find(known, name);
	const char *method = entry ? method_of(entry) : NULL;
	if (!entry)
		rc = err_set(e, ERR_AUTH, "%s: no host key is pinned for %s in %s: add it with ssh-keyscan -H no, "
			     "after comparing it on the host's console", target->name, name, target->known_hosts);
	else if (!method)
		rc = err_set(e, ERR_AUTH, "%s: the key pinned for %s is neither ed25519 nor ECDSA: RSA is not usable "
			     "here", target->name, name);
	else if (libssh2_session_method_pref(raw, LIBSSH2_METHOD_HOSTKEY, method))
		rc = err_set(e, ERR_LOCAL, "ssh: host key method %s is not supported", method);
	libssh2_knownhost_free(known);
	return rc;
}

static enum err_code mismatch(const struct ssh_target *target, const char *name, const char *pinned_base64,
			      const void *key, size_t len, struct err *e)
{
	unsigned char blob[2048];
	char seen[80], pinned[80] = "?";
	fingerprint(key, len, seen, sizeof(seen));
	size_t base64_len = strlen(pinned_base64);
	if (base64_len < sizeof(blob)) {
		int n = EVP_DecodeBlock(blob, (const unsigned char *)pinned_base64, (int)base64_len);
		for (size_t i = base64_len; n > 0 && i && pinned_base64[i - 1] == '='; i--)
			n--;
		if (n > 0)
			fingerprint(blob, (size_t)n, pinned, sizeof(pinned));
	}
	return err_set(e, ERR_AUTH, "%s: host key of %s has changed: pinned %s, offered %s", target->name, name, pinned,
		       seen);
}

enum err_code ssh_hostkey_check(LIBSSH2_SESSION *raw, const struct ssh_target *target, const char *addr, struct err *e)
{
	LIBSSH2_KNOWNHOSTS *known = NULL;
	struct libssh2_knownhost *entry = NULL;
	char name[ADDR_TEXT_MAX + 8];
	size_t len = 0;
	int type = 0;
	const char *key = libssh2_session_hostkey(raw, &len, &type);
	enum err_code rc = key ? read_known(raw, target, &known, e) :
				 err_set(e, ERR_PROTOCOL, "%s: no host key was offered", target->name);
	if (rc)
		return rc;
	entry_name(target, addr, name, sizeof(name));
	entry = find(known, name);
	unsigned char encoded[4096];
	if (!entry || len > sizeof(encoded) / 2) {
		rc = err_set(e, ERR_AUTH, "%s: no host key is pinned for %s", target->name, name);
	} else {
		EVP_EncodeBlock(encoded, (const unsigned char *)key, (int)len);
		if (strcmp((const char *)encoded, entry->key) != 0)
			rc = mismatch(target, name, entry->key, key, len, e);
	}
	libssh2_knownhost_free(known);
	return rc;
}
