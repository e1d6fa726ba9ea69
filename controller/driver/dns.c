/* Reading and swapping at the update server. See dns.h. */
#include "dns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/base/clock.h"
#include "dns_io.h"

static enum err_code query(struct dns_tcp *tcp, const char *name, ldns_rr_type type, ldns_pkt **answer, struct err *e)
{
	struct dns_wire wire;
	uint8_t *bytes = NULL;
	size_t len = 0;
	enum err_code rc = dns_build_query(name, type, &wire, e);
	if (!rc)
		rc = dns_tcp_ask(tcp, &wire, answer, &bytes, &len, e);
	dns_wire_fini(&wire);
	free(bytes);
	if (rc == ERR_UNKNOWN)
		rc = e->code = ERR_TIMEOUT; /* a question has no effect: simply ask again */
	if (rc)
		return rc;
	ldns_pkt_rcode rcode = ldns_pkt_get_rcode(*answer);
	if (ldns_pkt_aa(*answer) && (rcode == LDNS_RCODE_NOERROR || rcode == LDNS_RCODE_NXDOMAIN))
		return ERR_OK;
	rc = rcode == LDNS_RCODE_SERVFAIL ? ERR_AGAIN : ERR_DENIED;
	ldns_pkt_free(*answer);
	*answer = NULL;
	return err_set(e, rc, "name server %s is not authoritative for %s", tcp->server, name);
}

static enum err_code read_marker(struct dns_tcp *tcp, const char *zone, char *text, size_t size, struct err *e)
{
	char name[DOMAIN_MAX + 16];
	ldns_pkt *answer = NULL;
	snprintf(name, sizeof(name), "_coldmx.%s", zone);
	enum err_code rc = query(tcp, name, LDNS_RR_TYPE_TXT, &answer, e);
	if (rc)
		return rc;
	dns_read_txt(answer, text, size);
	ldns_pkt_free(answer);
	return ERR_OK;
}

enum err_code dns_get(const struct dns_opts *opts, const char *zone, int64_t deadline_ms, int cancel_fd,
		      struct dns_answer *out, struct err *e)
{
	struct dns_tcp tcp;
	ldns_pkt *answer = NULL;
	char marker[DNS_MARKER_MAX] = "";
	memset(out, 0, sizeof(*out));
	enum err_code rc = dns_tcp_open(opts->update, opts->nupdate, deadline_ms, cancel_fd, &tcp, e);
	if (rc)
		return rc;
	rc = query(&tcp, zone, LDNS_RR_TYPE_MX, &answer, e);
	if (!rc)
		rc = dns_read_mx(answer, zone, &out->set, e);
	if (!rc)
		rc = read_marker(&tcp, zone, marker, sizeof(marker), e);
	if (!rc)
		(void)dns_marker_parse(opts, zone, marker, out);
	ldns_pkt_free(answer);
	dns_tcp_close(&tcp);
	return rc;
}

static enum err_code update(const struct dns_opts *opts, const struct verb_dns *verb, struct dns_tcp *tcp,
			    const char *marker_old, const char *marker_new, struct err *e)
{
	struct dns_wire wire;
	ldns_pkt *answer = NULL;
	uint8_t *bytes = NULL;
	size_t len = 0;
	enum err_code rc = dns_build_update(opts, verb, marker_old, marker_new, &wire, e);
	if (!rc)
		rc = dns_tcp_ask(tcp, &wire, &answer, &bytes, &len, e);
	if (!rc)
		rc = dns_judge_update(opts, &wire, answer, bytes, len, clock_wall_ms(), e);
	dns_wire_fini(&wire);
	ldns_pkt_free(answer);
	free(bytes);
	return rc;
}

/* The prerequisite failed: either it is done already, or somebody else was there. */
static enum err_code settle(const struct verb_dns *verb, struct dns_tcp *tcp, struct err *e)
{
	struct mx_set found;
	ldns_pkt *answer = NULL;
	enum err_code rc = query(tcp, verb->zone, LDNS_RR_TYPE_MX, &answer, e);
	if (!rc)
		rc = dns_read_mx(answer, verb->zone, &found, e);
	ldns_pkt_free(answer);
	if (rc)
		return rc;
	if (mx_set_equal(&found, &verb->want))
		return ERR_OK;
	if (mx_set_equal(&found, &verb->expect))
		return err_set(e, ERR_AGAIN, "%s: the prerequisite failed, yet the expected MX set is published",
			       verb->zone);
	return err_set(e, ERR_CONFLICT, "%s: %u MX records are published, and they are not what coldmx last knew",
		       verb->zone, found.count);
}

enum err_code dns_swap(const struct dns_opts *opts, const struct verb_dns *verb, int64_t deadline_ms, int cancel_fd,
		       struct err *e)
{
	struct dns_tcp tcp;
	char marker_old[DNS_MARKER_MAX] = "", marker_new[DNS_MARKER_MAX] = "";
	enum err_code rc = dns_tcp_open(opts->update, opts->nupdate, deadline_ms, cancel_fd, &tcp, e);
	if (rc)
		return rc;
	if (verb->marker) {
		rc = read_marker(&tcp, verb->zone, marker_old, sizeof(marker_old), e);
		dns_marker_format(opts, verb, marker_new);
	}
	if (!rc)
		rc = update(opts, verb, &tcp, marker_old, marker_new, e);
	if (rc == ERR_CONFLICT) {
		rc = settle(verb, &tcp, e);
		if (!rc)
			err_clear(e);
	}
	dns_tcp_close(&tcp);
	return rc;
}
