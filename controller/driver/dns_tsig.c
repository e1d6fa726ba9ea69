/* What an answer to an update means, and whether it is really the server's: ldns checks the MAC,
 * not the time. A refusal is believed unsigned, since it only makes us do less. What claims that
 * the update was carried out, or that a prerequisite failed, is believed with a good MAC only, and
 * is as good as lost (ERR_UNKNOWN) without one. */
#include <inttypes.h>
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

static int64_t read_time48(const ldns_rdf *rdf, size_t at)
{
	int64_t seconds = 0;
	for (size_t i = 0; i < 6 && at + i < ldns_rdf_size(rdf); i++)
		seconds = seconds << 8 | ldns_rdf_data(rdf)[at + i];
	return seconds;
}

/* The signed BADTIME reply carries the server's clock: two bytes of length, six of time (RFC
 * 8945 5.2.3). */
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
		return err_set(e, ERR_AUTH, "TSIG key %s: the server does not know it, or not for this (BADKEY)",
			       opts->key_name);
	return ERR_OK;
}

static enum err_code verify_tsig(const struct dns_opts *opts, const struct dns_wire *asked, ldns_pkt *answer,
				 const uint8_t *bytes, size_t len, int64_t wall_ms, struct err *e)
{
	char key[DOMAIN_MAX + 1];
	ldns_rr *tsig = ldns_pkt_tsig(answer);
	if (!opts->key_name[0])
		return ERR_OK;
	if (!tsig || ldns_rr_rd_count(tsig) <= TSIG_OTHER)
		return err_set(e, ERR_UNKNOWN, "the answer to the update is not signed");
	enum err_code rc = judge_tsig_error(opts, tsig, wall_ms, e);
	if (rc)
		return rc;
	snprintf(key, sizeof(key), "%.254s.", opts->key_name);
	bool good = ldns_pkt_tsig_verify(answer, bytes, len, key, opts->key_base64, asked->mac);
	ldns_pkt_set_tsig(answer, tsig); /* ldns forgets, and leaks, it on some error paths */
	if (!good)
		return err_set(e, ERR_UNKNOWN, "TSIG: the signature of the answer to the update does not verify");
	int64_t skew_s = read_time48(ldns_rr_rdf(tsig, TSIG_TIME), 0) - wall_ms / 1000;
	int64_t fudge_s = ldns_rdf2native_int16(ldns_rr_rdf(tsig, TSIG_FUDGE));
	if (llabs(skew_s) > fudge_s)
		return err_set(e, ERR_UNKNOWN, "TSIG: the answer is signed %" PRId64 " s %s our clock",
			       skew_s < 0 ? -skew_s : skew_s, skew_s < 0 ? "before" : "after");
	return ERR_OK;
}

static enum err_code rcode_code(ldns_pkt_rcode rcode)
{
	switch ((int)rcode) {
	case LDNS_RCODE_NOERROR: return ERR_OK;
	case LDNS_RCODE_NXRRSET:
	case LDNS_RCODE_YXRRSET:
	case LDNS_RCODE_NXDOMAIN:
	case LDNS_RCODE_YXDOMAIN: return ERR_CONFLICT;
	case LDNS_RCODE_SERVFAIL: return ERR_AGAIN;
	case LDNS_RCODE_FORMERR: return ERR_PROTOCOL;
	default: return ERR_DENIED; /* REFUSED, NOTIMP, NOTZONE, NOTAUTH without a TSIG error */
	}
}

enum err_code dns_judge_update(const struct dns_opts *opts, const struct dns_wire *asked, ldns_pkt *answer,
			       const uint8_t *bytes, size_t len, int64_t wall_ms, struct err *e)
{
	ldns_pkt_rcode rcode = ldns_pkt_get_rcode(answer);
	enum err_code code = rcode_code(rcode), rc = ERR_OK;
	if (rcode == LDNS_RCODE_NOTAUTH && ldns_pkt_tsig(answer))
		rc = judge_tsig_error(opts, ldns_pkt_tsig(answer), wall_ms, e);
	else if (!code || code == ERR_CONFLICT)
		rc = verify_tsig(opts, asked, answer, bytes, len, wall_ms, e);
	if (rc || !code)
		return rc;
	char *name = ldns_pkt_rcode2str(rcode);
	(void)err_set(e, code, "the name server answered %s%s", name ? name : "an unknown code",
		      rcode == LDNS_RCODE_NOTAUTH ? ": it is not authoritative for the zone" : "");
	LDNS_FREE(name);
	return code;
}
