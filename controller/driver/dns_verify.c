/* Every authoritative address is asked: those that configuration names, and those that the zone's own NS set names,
 * as the update server knows them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/base/clock.h"
#include "../../common/base/mem.h"
#include "dns.h"
#include "dns_io.h"

#define LOOK_MS 3000

struct list {
	size_t n;
	struct dns_server at[VERIFY_SERVERS_MAX];
	char name[VERIFY_SERVERS_MAX][NAME_MAX_LEN];
};

static void add(struct list *list, const char *name, const char *addr, uint16_t port)
{
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->at[i].addr, addr) == 0 && list->at[i].port == port)
			return;
	if (list->n == VERIFY_SERVERS_MAX)
		return;
	(void)str_copy(list->at[list->n].addr, sizeof(list->at[0].addr), addr);
	(void)str_copy(list->name[list->n], sizeof(list->name[0]), name);
	list->at[list->n++].port = port;
}

static ldns_pkt *ask_one(const struct dns_server *server, const char *name, ldns_rr_type type, int64_t deadline_ms,
			 int cancel_fd)
{
	struct dns_question q = { .server = *server };
	if (dns_build_query(name, type, &q.wire, NULL) == ERR_OK)
		dns_udp_ask(&q, 1, deadline_ms, cancel_fd);
	dns_wire_fini(&q.wire);
	return q.answer;
}

static void add_addresses(struct list *list, const struct dns_server *server, const char *name, int64_t deadline_ms,
			  int cancel_fd)
{
	static const ldns_rr_type types[] = { LDNS_RR_TYPE_A, LDNS_RR_TYPE_AAAA };
	for (size_t t = 0; t < ARRAY_LEN(types); t++) {
		ldns_pkt *answer = ask_one(server, name, types[t], deadline_ms, cancel_fd);
		const ldns_rr_list *rrs = answer ? ldns_pkt_answer(answer) : NULL;
		for (size_t i = 0; rrs && i < ldns_rr_list_rr_count(rrs); i++) {
			const ldns_rr *rr = ldns_rr_list_rr(rrs, i);
			char *text = ldns_rr_get_type(rr) == types[t] && ldns_rr_rd_count(rr) ?
					     ldns_rdf2str(ldns_rr_rdf(rr, 0)) : NULL;
			if (text)
				add(list, name, text, server->port);
			LDNS_FREE(text);
		}
		ldns_pkt_free(answer);
	}
}

static void discover(const struct dns_opts *opts, const char *zone, int64_t deadline_ms, int cancel_fd,
		     struct list *list)
{
	ldns_pkt *answer = NULL;
	const struct dns_server *server = NULL;
	for (size_t i = 0; i < opts->nupdate && !answer; i++) {
		server = &opts->update[i];
		answer = ask_one(server, zone, LDNS_RR_TYPE_NS, deadline_ms, cancel_fd);
	}
	const ldns_rr_list *rrs = answer ? ldns_pkt_answer(answer) : NULL;
	for (size_t i = 0; rrs && i < ldns_rr_list_rr_count(rrs); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(rrs, i);
		char name[DOMAIN_MAX];
		if (ldns_rr_get_type(rr) != LDNS_RR_TYPE_NS || !ldns_rr_rd_count(rr))
			continue;
		dns_name_text(ldns_rr_rdf(rr, 0), name, sizeof(name));
		add_addresses(list, server, name, deadline_ms, cancel_fd);
	}
	ldns_pkt_free(answer);
}

static bool matches(const ldns_pkt *answer, const struct verb_dns *verb)
{
	struct mx_set found;
	return ldns_pkt_aa(answer) && ldns_pkt_get_rcode(answer) == LDNS_RCODE_NOERROR &&
	       dns_read_mx(answer, verb->zone, &found, NULL) == ERR_OK && mx_set_equal(&found, &verb->expect) &&
	       found.ttl_s == verb->expect.ttl_s;
}

enum err_code dns_verify(const struct dns_opts *opts, const struct verb_dns *verb, int64_t deadline_ms, int cancel_fd,
			 struct verify_answer *out, struct err *e)
{
	struct list list = { .n = 0 };
	struct dns_question q[VERIFY_SERVERS_MAX];
	int64_t look_ms = clock_boot_ms() + LOOK_MS;
	if (look_ms > deadline_ms)
		look_ms = deadline_ms;
	memset(out, 0, sizeof(*out));
	memset(q, 0, sizeof(q));
	for (size_t i = 0; i < opts->nauthoritative; i++)
		add(&list, "", opts->authoritative[i].addr, opts->authoritative[i].port);
	discover(opts, verb->zone, look_ms, cancel_fd, &list);
	if (!list.n)
		return err_set(e, ERR_AGAIN, "%s: no authoritative server is known: the update server does not say",
			       verb->zone);
	for (size_t i = 0; i < list.n; i++) {
		q[i].server = list.at[i];
		enum err_code rc = dns_build_query(verb->zone, LDNS_RR_TYPE_MX, &q[i].wire, e);
		if (rc)
			return rc;
	}
	dns_udp_ask(q, list.n, clock_boot_ms() + LOOK_MS < deadline_ms ? clock_boot_ms() + LOOK_MS : deadline_ms,
		    cancel_fd);
	for (size_t i = 0; i < list.n; i++) {
		struct server_answer *a = &out->server[out->count++];
		snprintf(a->server, sizeof(a->server), "%.50s%s[%.45s]", list.name[i], list.name[i][0] ? " " : "",
			 list.at[i].addr);
		a->answered = q[i].answer != NULL;
		a->matches = a->answered && matches(q[i].answer, verb);
		ldns_pkt_free(q[i].answer);
		dns_wire_fini(&q[i].wire);
	}
	return ERR_OK;
}
