/* The marker: who changed the MX set last, under which epoch, provably. */
#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

#include "dns_message.h"

#define MAC_SHOWN 16 /* bytes of the HMAC that the marker carries */

static void marker_mac(const struct dns_opts *opts, const char *zone, const char *text, char hex[2 * MAC_SHOWN + 1])
{
	static const char label[] = "coldmx marker";
	unsigned char key[EVP_MAX_MD_SIZE], mac[EVP_MAX_MD_SIZE];
	unsigned key_len = 0, mac_len = 0;
	char line[DOMAIN_MAX + DNS_MARKER_MAX];
	HMAC(EVP_sha256(), opts->key_base64, (int)strlen(opts->key_base64), (const unsigned char *)label,
	     sizeof(label) - 1, key, &key_len);
	int n = snprintf(line, sizeof(line), "%s %s", zone, text);
	HMAC(EVP_sha256(), key, (int)key_len, (const unsigned char *)line, (size_t)n, mac, &mac_len);
	for (size_t i = 0; i < MAC_SHOWN; i++)
		snprintf(hex + 2 * i, 3, "%02x", mac[i]);
	OPENSSL_cleanse(key, sizeof(key));
}

void dns_marker_format(const struct dns_opts *opts, const struct verb_dns *verb, char out[DNS_MARKER_MAX])
{
	char text[128], hex[2 * MAC_SHOWN + 1];
	snprintf(text, sizeof(text), "coldmx1 pair=%u epoch=%" PRIu64 " op=%" PRIu64, opts->pair, verb->epoch,
		 verb->op);
	marker_mac(opts, verb->zone, text, hex);
	snprintf(out, DNS_MARKER_MAX, "%s mac=%s", text, hex);
}

bool dns_marker_parse(const struct dns_opts *opts, const char *zone, const char *text, struct dns_answer *out)
{
	unsigned pair = 0;
	char signed_part[128], hex[2 * MAC_SHOWN + 1];
	const char *mac = strstr(text, " mac=");
	/* without a secret everybody could write one */
	if (!opts->key_base64[0] || !mac || (size_t)(mac - text) >= sizeof(signed_part))
		return false;
	memcpy(signed_part, text, (size_t)(mac - text));
	signed_part[mac - text] = '\0';
	marker_mac(opts, zone, signed_part, hex);
	if (strlen(mac + 5) != strlen(hex) || CRYPTO_memcmp(mac + 5, hex, strlen(hex)) != 0)
		return false;
	/* NOLINTNEXTLINE(cert-err34-c): its MAC says that we wrote it, so no number is out of range */
	if (sscanf(signed_part, "coldmx1 pair=%u epoch=%" SCNu64 " op=%" SCNu64, &pair, &out->marker_epoch,
		   &out->marker_op) != 3)
		return false;
	out->has_marker = true;
	return true;
}
