/* Reading at the update server, all over TCP. See dns.h. */
#include "dns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dns_io.h"

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
	char name[DOMAIN_MAX + 16], text[MARKER_MAX];
	ldns_pkt *answer = NULL;
	*txt = NULL;
	marker_name(zone, name, sizeof(name));
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
