/* Every authoritative address is asked: those that configuration names, and those that the zone's
 * own NS set names, as the update server knows them. What could not be asked is listed too, as not
 * answering: nothing is left out silently. A server that answers REFUSED or SERVFAIL serves no set
 * at all, and counts as silent. */
#include <stdio.h>
#include <string.h>

#include "../../common/base/clock.h"
#include "../../common/base/mem.h"
#include "dns.h"
#include "dns_io.h"

#define DISCOVER_MS 2000
#define ASK_MS 3000
#define DNS_PORT 53

struct survey {
	const struct dns_opts *opts;
	const struct verb_dns *verb;
	int64_t deadline_ms;
	int cancel_fd;
	size_t n, nnames;
	struct dns_server at[VERIFY_SERVERS_MAX];
	char of[VERIFY_SERVERS_MAX][NAME_MAX_LEN]; /* the server's name, "" = configured */
	char name[VERIFY_SERVERS_MAX][DOMAIN_MAX]; /* the NS set */
	bool has_address[VERIFY_SERVERS_MAX];
	bool overflow;
};

static int64_t within(const struct survey *s, int64_t span_ms)
{
	int64_t until_ms = clock_boot_ms() + span_ms;
	return until_ms < s->deadline_ms ? until_ms : s->deadline_ms;
}

static void add_server(struct survey *s, const char *of, const char *addr, uint16_t port)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->at[i].addr, addr) == 0 && s->at[i].port == port)
			return;
	if (s->n == VERIFY_SERVERS_MAX) {
		s->overflow = true;
		return;
	}
	(void)str_copy(s->at[s->n].addr, sizeof(s->at[0].addr), addr);
	(void)str_copy(s->of[s->n], sizeof(s->of[0]), of);
	s->at[s->n++].port = port;
}

/* The world asks port 53. Only an address that configuration knows may be reached at another one.
 */
static uint16_t port_of(const struct dns_opts *opts, const char *addr)
{
	for (size_t i = 0; i < opts->nauthoritative; i++)
		if (strcmp(opts->authoritative[i].addr, addr) == 0)
			return opts->authoritative[i].port;
	for (size_t i = 0; i < opts->nupdate; i++)
		if (strcmp(opts->update[i].addr, addr) == 0)
			return opts->update[i].port;
	return DNS_PORT;
}

static void read_names(struct survey *s, const ldns_pkt *answer)
{
	const ldns_rr_list *rrs = ldns_pkt_answer(answer);
	for (size_t i = 0; rrs && i < ldns_rr_list_rr_count(rrs); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(rrs, i);
		if (ldns_rr_get_type(rr) != LDNS_RR_TYPE_NS || !ldns_rr_rd_count(rr))
			continue;
		if (s->nnames == VERIFY_SERVERS_MAX)
			s->overflow = true;
		else
			dns_name_text(ldns_rr_rdf(rr, 0), s->name[s->nnames++], DOMAIN_MAX);
	}
}

/* The first update server that knows the zone's NS set; NULL: none does. */
static enum err_code find_names(struct survey *s, const struct dns_server **asked, struct err *e)
{
	const struct dns_opts *opts = s->opts;
	enum err_code rc = ERR_OK;
	*asked = NULL;
	for (size_t i = 0; !rc && !*asked && i < opts->nupdate; i++) {
		struct dns_question q = { .server = opts->update[i] };
		rc = dns_build_query(s->verb->zone, LDNS_RR_TYPE_NS, &q.wire, e);
		if (!rc)
			rc = dns_ask_all(&q, 1, within(s, DISCOVER_MS), s->cancel_fd, e);
		if (!rc && q.answer)
			read_names(s, q.answer);
		if (s->nnames)
			*asked = &opts->update[i];
		dns_questions_fini(&q, 1);
	}
	return rc;
}

static void read_addresses(struct survey *s, size_t name, const ldns_pkt *answer)
{
	const ldns_rr_list *rrs = ldns_pkt_answer(answer);
	for (size_t i = 0; rrs && i < ldns_rr_list_rr_count(rrs); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(rrs, i);
		ldns_rr_type type = ldns_rr_get_type(rr);
		if ((type != LDNS_RR_TYPE_A && type != LDNS_RR_TYPE_AAAA) || !ldns_rr_rd_count(rr))
			continue;
		char *text = ldns_rdf2str(ldns_rr_rdf(rr, 0));
		if (text) {
			add_server(s, s->name[name], text, port_of(s->opts, text));
			s->has_address[name] = true;
		}
		LDNS_FREE(text);
	}
}

static enum err_code discover(struct survey *s, struct err *e)
{
	static const ldns_rr_type types[] = { LDNS_RR_TYPE_A, LDNS_RR_TYPE_AAAA };
	struct dns_question q[2 * VERIFY_SERVERS_MAX];
	const struct dns_server *asked;
	memset(q, 0, sizeof(q));
	enum err_code rc = find_names(s, &asked, e);
	size_t n = rc || !asked ? 0 : 2 * s->nnames;
	for (size_t i = 0; !rc && i < n; i++) {
		q[i].server = *asked;
		rc = dns_build_query(s->name[i / 2], types[i % 2], &q[i].wire, e);
	}
	if (!rc && n)
		rc = dns_ask_all(q, n, within(s, DISCOVER_MS), s->cancel_fd, e);
	for (size_t i = 0; !rc && i < n; i++) {
		if (!q[i].answer) /* lost, for the NS set came: an unasked server proves nothing */
			rc = err_set(e, ERR_AGAIN, "name server %s did not say the addresses of %s", asked->addr,
				     s->name[i / 2]);
		else
			read_addresses(s, i / 2, q[i].answer);
	}
	dns_questions_fini(q, n);
	return rc;
}

/* What is wrong with an answer, short enough to stand behind a server's name; "" = nothing. */
static const char *judge(const struct verb_dns *verb, const ldns_pkt *answer, bool *serves, bool *other_ttl)
{
	struct mx_set found;
	ldns_pkt_rcode rcode = answer ? ldns_pkt_get_rcode(answer) : LDNS_RCODE_SERVFAIL;
	*other_ttl = false;
	*serves = answer && (rcode == LDNS_RCODE_NOERROR || rcode == LDNS_RCODE_NXDOMAIN);
	if (!answer)
		return "";
	if (!*serves)
		return rcode == LDNS_RCODE_REFUSED ? " REFUSED" : " SERVFAIL";
	if (!ldns_pkt_aa(answer))
		return " not AA";
	if (dns_read_mx(answer, verb->zone, &found, NULL) || !mx_set_equal(&found, &verb->expect))
		return " other set";
	*other_ttl = found.ttl_s != verb->expect.ttl_s;
	return *other_ttl ? " other TTL" : "";
}

static void report(struct verify_answer *out, const char *name, const char *where, const char *remark, bool answered,
		   bool other_ttl)
{
	if (out->count == VERIFY_SERVERS_MAX) {
		const struct server_answer *last = &out->server[out->count - 1];
		if (last->answered && (!last->matches || last->other_ttl))
			return; /* that one is news enough: nothing is proven */
		out->count--;   /* the last line then stands for the rest */
	}
	struct server_answer *a = &out->server[out->count++];
	snprintf(a->server, sizeof(a->server), "%.45s%s[%.45s]%s", name, name[0] ? " " : "", where, remark);
	a->answered = answered;
	a->matches = answered && (!remark[0] || other_ttl);
	a->other_ttl = other_ttl;
}

static void report_all(const struct survey *s, const struct dns_question *q, struct verify_answer *out)
{
	for (size_t i = 0; i < s->n; i++) {
		bool serves, other_ttl;
		const char *remark = judge(s->verb, q[i].answer, &serves, &other_ttl);
		report(out, s->of[i], s->at[i].addr, remark, serves, other_ttl);
	}
	for (size_t i = 0; i < s->nnames; i++)
		if (!s->has_address[i])
			report(out, s->name[i], "address unknown", "", false, false);
	if (!s->nnames)
		report(out, s->verb->zone, "NS set unknown", "", false, false);
	if (s->overflow)
		report(out, s->verb->zone, "more servers, not asked", "", false, false);
}

enum err_code dns_verify(const struct dns_opts *opts, const struct verb_dns *verb, int64_t deadline_ms, int cancel_fd,
			 struct verify_answer *out, struct err *e)
{
	struct survey s;
	struct dns_question q[VERIFY_SERVERS_MAX];
	memset(out, 0, sizeof(*out));
	memset(q, 0, sizeof(q));
	memset(&s, 0, sizeof(s));
	s.opts = opts;
	s.verb = verb;
	s.deadline_ms = deadline_ms;
	s.cancel_fd = cancel_fd;
	for (size_t i = 0; i < opts->nauthoritative; i++)
		add_server(&s, "", opts->authoritative[i].addr, opts->authoritative[i].port);
	enum err_code rc = discover(&s, e);
	if (!rc && !s.n)
		rc = err_set(e, ERR_AGAIN, "%s: no authoritative server is known: the update server does not say",
			     verb->zone);
	for (size_t i = 0; !rc && i < s.n; i++) {
		q[i].server = s.at[i];
		rc = dns_build_query(verb->zone, LDNS_RR_TYPE_MX, &q[i].wire, e);
	}
	if (!rc)
		rc = dns_ask_all(q, s.n, within(&s, ASK_MS), cancel_fd, e);
	if (!rc)
		report_all(&s, q, out);
	dns_questions_fini(q, s.n);
	return rc;
}
