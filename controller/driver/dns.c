/* Reading at the update server, all over TCP. See dns.h. */
#include "dns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dns_io.h"

static enum err_code judge_query(ldns_pkt *answer, const char *server, const char *name, struct err *e)
{
	ldns_pkt_rcode rcode = ldns_pkt_get_rcode(answer);
	if (rcode == LDNS_RCODE_NOERROR || rcode == LDNS_RCODE_NXDOMAIN)
		return ldns_pkt_aa(answer)
			       ? ERR_OK
			       : err_set(e, ERR_DENIED, "name server %s is not authoritative for %s", server, name);
	char *word = ldns_pkt_rcode2str(rcode);
	enum err_code rc = rcode == LDNS_RCODE_SERVFAIL ? ERR_AGAIN : ERR_DENIED;
	(void)err_set(e, rc, "name server %s, asked for %s, answered %s", server, name,
		      word ? word : "an unknown code");
	LDNS_FREE(word);
	return rc;
}

enum err_code dns_tcp_query(struct dns_tcp *tcp, const char *name, ldns_rr_type type, ldns_pkt **answer, struct err *e)
{
	struct dns_wire wire;
	uint8_t *bytes = NULL;
	size_t len = 0;
	*answer = NULL;
	enum err_code rc = dns_build_query(name, type, &wire, e);
	if (!rc)
		rc = dns_tcp_ask(tcp, &wire, answer, &bytes, &len, e);
	if (!rc)
		rc = judge_query(*answer, tcp->server, name, e);
	dns_wire_fini(&wire);
	free(bytes);
	if (rc) {
		ldns_pkt_free(*answer);
		*answer = NULL;
	}
	return rc;
}

enum err_code dns_tcp_read(struct dns_tcp *tcp, const struct dns_opts *opts, const char *zone, struct dns_answer *out,
			   struct err *e)
{
	ldns_pkt *answer = NULL;
	ldns_rr_list *marker = NULL;
	memset(out, 0, sizeof(*out));
	enum err_code rc = dns_tcp_query(tcp, zone, LDNS_RR_TYPE_MX, &answer, e);
	if (!rc)
		rc = dns_read_mx(answer, zone, &out->set, e);
	ldns_pkt_free(answer);
	if (!rc)
		rc = dns_tcp_marker(tcp, opts, zone, &marker, out, e);
	ldns_rr_list_deep_free(marker);
	return rc;
}

enum err_code dns_tcp_marker(struct dns_tcp *tcp, const struct dns_opts *opts, const char *zone, ldns_rr_list **txt,
			     struct dns_answer *out, struct err *e)
{
	char name[DOMAIN_MAX + 16], text[DNS_MARKER_MAX];
	ldns_pkt *answer = NULL;
	*txt = NULL;
	snprintf(name, sizeof(name), "_coldmx.%s", zone);
	enum err_code rc = dns_tcp_query(tcp, name, LDNS_RR_TYPE_TXT, &answer, e);
	if (rc)
		return rc;
	*txt = dns_read_txt(answer, name);
	dns_txt_text(*txt, text, sizeof(text));
	(void)dns_marker_parse(opts, zone, text, out);
	ldns_pkt_free(answer);
	return ERR_OK;
}

enum err_code dns_get(const struct dns_opts *opts, const char *zone, int64_t deadline_ms, int cancel_fd,
		      struct dns_answer *out, struct err *e)
{
	struct dns_tcp tcp;
	memset(out, 0, sizeof(*out));
	enum err_code rc = dns_tcp_open(opts->update, opts->nupdate, deadline_ms, cancel_fd, &tcp, e);
	if (rc)
		return rc;
	rc = dns_tcp_read(&tcp, opts, zone, out, e);
	dns_tcp_close(&tcp);
	return rc;
}
