/* See dns_txt.h. */
#include "dns_txt.h"

#include "dns_tcp.h"

enum err_code dns_txt_ask(const struct dns_server *server, const char *name, int64_t deadline_ms, int cancel_fd,
			  char *out, size_t size, struct err *e)
{
	struct dns_tcp tcp;
	ldns_pkt *answer = NULL;
	enum err_code rc = dns_tcp_open(server, 1, deadline_ms, cancel_fd, &tcp, e);
	if (rc)
		return rc;
	rc = dns_tcp_query(&tcp, name, LDNS_RR_TYPE_TXT, &answer, e);
	dns_tcp_close(&tcp);
	if (rc)
		return rc;
	ldns_rr_list *txt = dns_read_txt(answer, name);
	dns_txt_text(txt, out, size);
	ldns_rr_list_deep_free(txt);
	ldns_pkt_free(answer);
	return out[0] ? ERR_OK : err_set(e, ERR_NOT_FOUND, "there is no TXT record %s of one string", name);
}
