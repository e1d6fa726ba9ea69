/* The domain is under the MAC as well: a marker that is copied to another domain is none there. Nothing is read before
 * the MAC has proved who wrote it. */
#include "marker.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define MAC_SHOWN 16 /* bytes of the HMAC that the marker carries */
#define MAC_HEX_SIZE (2 * MAC_SHOWN + 1)
#define MAC_KEY " mac="

void marker_key_derive(const char *tsig_base64, struct marker_key *out)
{
	static const char label[] = "coldmx marker";
	sha256_hmac(tsig_base64, strlen(tsig_base64), label, sizeof(label) - 1, out->bytes);
}

void marker_key_format(const struct marker_key *key, char out[MARKER_KEY_HEX_SIZE])
{
	sha256_hex(key->bytes, out);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool marker_key_parse(const char *hex, struct marker_key *out)
{
	for (size_t i = 0; i < SHA256_BYTES; i++) {
		int high = hex_digit(hex[2 * i]);
		int low = high < 0 ? -1 : hex_digit(hex[2 * i + 1]);
		if (low < 0)
			return false;
		out->bytes[i] = (uint8_t)(high << 4 | low);
	}
	hex += (size_t)2 * SHA256_BYTES;
	return hex[strspn(hex, " \t\r\n")] == '\0';
}

void marker_name(const char *domain, char *out, size_t size)
{
	int n = snprintf(out, size, "_coldmx.%s", domain);
	BUG_ON(n < 0);
}

static void mac_of(const struct marker_key *key, const char *domain, const char *text, char hex[MAC_HEX_SIZE])
{
	uint8_t mac[SHA256_BYTES];
	char line[DOMAIN_MAX + MARKER_MAX], whole[SHA256_HEX_SIZE];
	int n = snprintf(line, sizeof(line), "%s %s", domain, text);
	BUG_ON(n < 0);
	sha256_hmac(key->bytes, sizeof(key->bytes), line, strlen(line), mac);
	sha256_hex(mac, whole);
	memcpy(hex, whole, MAC_HEX_SIZE - 1);
	hex[MAC_HEX_SIZE - 1] = '\0';
}

void marker_seal(const struct marker_key *key, const char *domain, char text[MARKER_MAX])
{
	char hex[MAC_HEX_SIZE];
	size_t len = strlen(text);
	mac_of(key, domain, text, hex);
	int n = snprintf(text + len, MARKER_MAX - len, MAC_KEY "%s", hex);
	BUG_ON(n < 0 || (size_t)n >= MARKER_MAX - len);
}

void marker_format(const struct marker_key *key, const char *domain, const struct marker *m, char out[MARKER_MAX])
{
	int n = snprintf(out, MARKER_MAX, "coldmx1 pair=%s epoch=%" PRIu64 " op=%" PRIu64 " own=%s accept=%s", m->pair,
			 m->epoch, m->op, rights_place_name(m->own), rights_accept_name(m->accept));
	BUG_ON(n < 0 || n >= MARKER_MAX);
	marker_seal(key, domain, out);
}

/* Every field in its place, and no other way to write the same: what is read comes out again as the same text. */
static bool read_fields(const char *text, struct marker *out)
{
	char own[16], accept[24], again[MARKER_MAX];
	memset(out, 0, sizeof(*out));
	/* NOLINTNEXTLINE(cert-err34-c): a number out of range does not come out again as the same text */
	if (sscanf(text, "coldmx1 pair=%63s epoch=%" SCNu64 " op=%" SCNu64 " own=%15s accept=%23s", out->pair,
		   &out->epoch, &out->op, own, accept) != 5 ||
	    !rights_place_parse(own, &out->own) || !rights_accept_parse(accept, &out->accept))
		return false;
	int n = snprintf(again, sizeof(again), "coldmx1 pair=%s epoch=%" PRIu64 " op=%" PRIu64 " own=%s accept=%s",
			 out->pair, out->epoch, out->op, own, accept);
	bool holds = out->own == RIGHTS_PARKED || out->accept & RIGHTS_BIT(out->own);
	return n > 0 && strcmp(again, text) == 0 && out->epoch > 0 && holds;
}

bool marker_parse(const struct marker_key *key, const char *domain, const char *text, struct marker *out)
{
	char body[MARKER_MAX], hex[MAC_HEX_SIZE];
	const char *mac = strstr(text, MAC_KEY);
	if (!mac || (size_t)(mac - text) >= sizeof(body))
		return false;
	memcpy(body, text, (size_t)(mac - text));
	body[mac - text] = '\0';
	mac += strlen(MAC_KEY);
	mac_of(key, domain, body, hex);
	if (strlen(mac) != MAC_HEX_SIZE - 1 || !sha256_same(mac, hex, MAC_HEX_SIZE - 1))
		return false;
	return read_fields(body, out);
}
