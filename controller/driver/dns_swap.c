/* Compare and swap of one MX RRset and its marker, in one message; other types stay as they are.
 *
 * A failed prerequisite is settled by reading. What we want is published: done, and a TTL or marker
 * that is not ours is put right by the same message, with the published set as prerequisite. What
 * we expected is published: somebody was there in between, again. Another set: never overwritten.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "../../common/base/clock.h"
#include "dns.h"
#include "dns_io.h"

static enum err_code send_update(const struct dns_opts *opts, const struct verb_dns *verb, struct dns_tcp *tcp,
				 const ldns_rr_list *marker_old, const char *marker_new, struct err *e)
{
	struct dns_wire wire;
	ldns_pkt *answer = NULL;
	uint8_t *bytes = NULL;
	size_t len = 0;
	enum err_code rc = dns_build_update(opts, verb, marker_old, marker_new, &wire, e);
	if (rc)
		goto out;
	rc = dns_tcp_ask(tcp, &wire, &answer, &bytes, &len, e);
	if (rc) {
		(void)err_wrap(e, "update of %s is out, no answer came", verb->zone);
		rc = e->code = ERR_UNKNOWN; /* whatever happened here, it may have happened there */
		goto out;
	}
	rc = dns_judge_update(opts, &wire, answer, bytes, len, clock_wall_ms(), e);
	if (rc)
		(void)err_wrap(e, "update of %s at %s", verb->zone, tcp->server);
out:
	dns_wire_fini(&wire);
	ldns_pkt_free(answer);
	free(bytes);
	return rc;
}

static enum err_code attempt(const struct dns_opts *opts, const struct verb_dns *verb, struct dns_tcp *tcp,
			     struct err *e)
{
	struct dns_answer seen = { .has_marker = false };
	ldns_rr_list *marker_old = NULL;
	char marker_new[MARKER_MAX] = "";
	enum err_code rc = ERR_OK;
	if (verb->marker) {
		rc = dns_tcp_marker(tcp, opts, verb->zone, &marker_old, &seen, e);
		dns_marker_format(opts, verb, marker_new);
	}
	if (!rc && seen.has_marker && seen.marker_epoch > verb->epoch)
		rc = err_set(e, ERR_STALE, "%s: the marker shows epoch %" PRIu64 ", ours is %" PRIu64, verb->zone,
			     seen.marker_epoch, verb->epoch);
	if (!rc)
		rc = send_update(opts, verb, tcp, marker_old, marker_new, e);
	ldns_rr_list_deep_free(marker_old);
	return rc;
}

static enum err_code conflict(const struct verb_dns *verb, const struct mx_set *found, struct err *e)
{
	char published[160], expected[80], wanted[80];
	dns_set_text(found, published, sizeof(published));
	dns_set_text(&verb->expect, expected, sizeof(expected));
	dns_set_text(&verb->want, wanted, sizeof(wanted));
	return err_set(e, ERR_CONFLICT, "found %s; expected %s; wanted %s", published, expected, wanted);
}

static bool is_complete(const struct verb_dns *verb, const struct dns_answer *found)
{
	return found->set.ttl_s == verb->want.ttl_s &&
	       (!verb->marker ||
		(found->has_marker && found->marker_op == verb->op && found->marker_epoch == verb->epoch));
}

static enum err_code settle(const struct dns_opts *opts, const struct verb_dns *verb, struct dns_tcp *tcp,
			    struct err *e)
{
	struct dns_answer found;
	struct verb_dns again = *verb;
	enum err_code rc = dns_tcp_read(tcp, opts, verb->zone, &found, e);
	if (rc)
		return rc;
	if (mx_set_equal(&found.set, &verb->want)) {
		if (is_complete(verb, &found))
			return ERR_OK;
		again.expect = verb->want;
		rc = attempt(opts, &again, tcp, e);
		if (rc != ERR_CONFLICT)
			return rc;
		return err_set(e, ERR_AGAIN, "%s: changed by another hand while it was settled", verb->zone);
	}
	if (mx_set_equal(&found.set, &verb->expect))
		return err_set(e, ERR_AGAIN, "%s: the prerequisite failed, yet the expected MX set is published",
			       verb->zone);
	return conflict(verb, &found.set, e);
}

enum err_code dns_swap(const struct dns_opts *opts, const struct verb_dns *verb, int64_t deadline_ms, int cancel_fd,
		       struct err *e)
{
	struct dns_tcp tcp;
	if (verb->marker && !opts->key_base64[0])
		return err_set(e, ERR_INVALID, "%s: a marker needs a TSIG key", verb->zone);
	enum err_code rc = dns_tcp_open(opts->update, opts->nupdate, deadline_ms, cancel_fd, &tcp, e);
	if (rc)
		return rc;
	rc = attempt(opts, verb, &tcp, e);
	if (rc == ERR_CONFLICT)
		rc = settle(opts, verb, &tcp, e);
	dns_tcp_close(&tcp);
	if (!rc)
		err_clear(e); /* of a conflict that was none */
	return rc;
}
