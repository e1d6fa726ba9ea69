/* What an answer to an update means, and whether it is really the server's (TSIG, time); the marker's HMAC. */
#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dns_message.h"

#define TSIG_BADSIG 16
#define TSIG_BADKEY 17
#define TSIG_BADTIME 18
#define TSIG_TIME 1
#define TSIG_FUDGE 2
#define TSIG_ERROR 5
#define TSIG_OTHER 6
#define MAC_SHOWN 16 /* bytes of the HMAC that the marker carries */

static int64_t read_time48(const ldns_rdf *rdf, size_t at)
{
	int64_t seconds = 0;
	for (size_t i = 0; i < 6 && at + i < ldns_rdf_size(rdf); i++)
		seconds = seconds << 8 | ldns_rdf_data(rdf)[at + i];
	return seconds;
}

/* The signed BADTIME reply carries the server's clock: two bytes of length, six of time (RFC 8945 5.2.3). */
static enum err_code bad_time(const ldns_rr *tsig, int64_t wall_ms, struct err *e)
{
	const ldns_rdf *other = ldns_rr_rdf(tsig, TSIG_OTHER);
	if (!other || ldns_rdf_size(other) < 8)
		return err_set(e, ERR_AUTH, "TSIG: the clocks differ (BADTIME)");
	int64_t skew_s = read_time48(other, 2) - wall_ms / 1000;
	return err_set(e, ERR_AUTH, "TSIG: the name server's clock is %" PRId64 " s %s ours (BADTIME)",
		       skew_s < 0 ? -skew_s : skew_s, skew_s < 0 ? "behind" : "ahead of");
}

static enum err_code judge_tsig_error(const struct dns_opts *opts, const ldns_rr *tsig, int64_t wall_ms, struct err *e)
{
	int error = ldns_rr_rd_count(tsig) > TSIG_ERROR ? ldns_rdf2native_int16(ldns_rr_rdf(tsig, TSIG_ERROR)) : 0;
	if (error == TSIG_BADTIME)
		return bad_time(tsig, wall_ms, e);
	if (error == TSIG_BADSIG)
		return err_set(e, ERR_AUTH, "TSIG key %s: the server has another secret (BADSIG)", opts->key_name);
	if (error == TSIG_BADKEY)
		return err_set(e, ERR_AUTH, "TSIG key %s: the server does not know it (BADKEY)", opts->key_name);
	return ERR_OK;
}

static enum err_code verify_tsig(const struct dns_opts *opts, const struct dns_wire *asked, ldns_pkt *answer,
				 const uint8_t *bytes, size_t len, int64_t wall_ms, struct err *e)
{
	char key[DOMAIN_MAX + 1];
	ldns_rr *tsig = ldns_pkt_tsig(answer);
	if (!opts->key_name[0])
		return ERR_OK;
	if (!tsig || ldns_rr_rd_count(tsig) <= TSIG_ERROR)
		return err_set(e, ERR_AUTH, "the answer to the update is not signed");
	enum err_code rc = judge_tsig_error(opts, tsig, wall_ms, e);
	if (rc)
		return rc;
	int64_t skew_s = read_time48(ldns_rr_rdf(tsig, TSIG_TIME), 0) - wall_ms / 1000;
	int64_t fudge_s = ldns_rdf2native_int16(ldns_rr_rdf(tsig, TSIG_FUDGE));
	if (llabs(skew_s) > fudge_s)
		return err_set(e, ERR_AUTH, "TSIG: the answer is signed %" PRId64 " s away from our clock", skew_s);
	snprintf(key, sizeof(key), "%.254s.", opts->key_name);
	bool good = ldns_pkt_tsig_verify(answer, bytes, len, key, opts->key_base64, asked->mac);
	ldns_pkt_set_tsig(answer, tsig); /* ldns forgets, and leaks, it on some of its error paths */
	if (!good)
		return err_set(e, ERR_AUTH, "TSIG: the answer's signature does not verify");
	return ERR_OK;
}

static enum err_code judge_rcode(ldns_pkt_rcode rcode, struct err *e)
{
	char *name = NULL;
	enum err_code rc = ERR_DENIED;
	if (rcode == LDNS_RCODE_NOERROR)
		return ERR_OK;
	if (rcode == LDNS_RCODE_NXRRSET || rcode == LDNS_RCODE_YXRRSET || rcode == LDNS_RCODE_NXDOMAIN ||
	    rcode == LDNS_RCODE_YXDOMAIN)
		rc = ERR_CONFLICT;
	else if (rcode == LDNS_RCODE_SERVFAIL)
		rc = ERR_AGAIN;
	else if (rcode == LDNS_RCODE_NOTAUTH)
		rc = ERR_AUTH;
	name = ldns_pkt_rcode2str(rcode);
	(void)err_set(e, rc, "the name server answered %s", name ? name : "an unknown code");
	LDNS_FREE(name);
	return rc;
}

enum err_code dns_judge_update(const struct dns_opts *opts, const struct dns_wire *asked, ldns_pkt *answer,
			       const uint8_t *bytes, size_t len, int64_t wall_ms, struct err *e)
{
	ldns_pkt_rcode rcode = ldns_pkt_get_rcode(answer);
	if (rcode == LDNS_RCODE_NOTAUTH && ldns_pkt_tsig(answer)) {
		enum err_code rc = judge_tsig_error(opts, ldns_pkt_tsig(answer), wall_ms, e);
		return rc ? rc : judge_rcode(rcode, e);
	}
	/* an unsigned refusal is believed too: it only makes us do less */
	enum err_code rc = judge_rcode(rcode, e);
	return rc && rc != ERR_CONFLICT ? rc : verify_tsig(opts, asked, answer, bytes, len, wall_ms, e) ? e->code : rc;
}

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
	snprintf(text, sizeof(text), "coldmx1 pair=%u epoch=%" PRIu64 " op=%" PRIu64, opts->pair, verb->epoch, verb->op);
	marker_mac(opts, verb->zone, text, hex);
	snprintf(out, DNS_MARKER_MAX, "%s mac=%s", text, hex);
}

bool dns_marker_parse(const struct dns_opts *opts, const char *zone, const char *text, struct dns_answer *out)
{
	unsigned pair = 0;
	char signed_part[128], hex[2 * MAC_SHOWN + 1];
	const char *mac = strstr(text, " mac=");
	if (!mac || (size_t)(mac - text) >= sizeof(signed_part))
		return false;
	memcpy(signed_part, text, (size_t)(mac - text));
	signed_part[mac - text] = '\0';
	marker_mac(opts, zone, signed_part, hex);
	if (strlen(mac + 5) != strlen(hex) || CRYPTO_memcmp(mac + 5, hex, strlen(hex)) != 0)
		return false;
	if (sscanf(signed_part, "coldmx1 pair=%u epoch=%" SCNu64 " op=%" SCNu64, &pair, &out->marker_epoch,
		   &out->marker_op) != 3)
		return false;
	out->has_marker = true;
	return true;
}
