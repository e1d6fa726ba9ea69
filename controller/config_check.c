/* What the values mean together. Each refusal names the setting, so that its line is shown. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../common/base/mem.h"
#include "config_rows.h"

struct check {
	const struct config *c;
	const struct conf_doc *doc;
	struct err *e;
	char at[80]; /* where the keys of `fail` stand: "pairs.[3]", or "" */
};

static enum err_code fail(const struct check *k, const char *key, const char *fmt, ...) PRINTF_LIKE(3, 4);

static enum err_code fail(const struct check *k, const char *key, const char *fmt, ...)
{
	char at[240], text[ERR_TEXT_MAX];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	snprintf(at, sizeof(at), "%s%s%s", k->at, k->at[0] && key[0] ? "." : "", key);
	return conf_fail(k->doc, k->e, at, "%s", text);
}

static bool is_loopback(const char *addr)
{
	return strncmp(addr, "127.", 4) == 0 || strcmp(addr, "::1") == 0;
}

static enum err_code check_global(const struct check *k)
{
	const struct config_global *g = &k->c->global;
	const struct config_agent_listen *l = &g->agent_listen;
	if (!g->v4[0] && !g->v6[0])
		return fail(k, "global",
			    "global has neither v4 nor v6: add our own address as the mail hosts see "
			    "it, v4 = \"192.0.2.9\"");
	if (g->http.addr[0] && !is_loopback(g->http.addr))
		return fail(k, "global.http",
			    "http on %s would be open to others without TLS and tokens: write "
			    "http = \"127.0.0.1:8825\" or \"off\"",
			    g->http.addr);
	if (l->at.addr[0] && (!l->cert[0] || !l->key[0]))
		return fail(k, "global.agent_listen", "agent_listen needs a certificate: add cert and key");
	if (l->at.addr[0] && !g->maps_key_file[0])
		return fail(k, "global",
			    "agent_listen takes recipient maps, which are kept encrypted: add "
			    "maps_key_file = \"/etc/coldmx/maps.key\" (openssl rand -hex 32)");
	return ERR_OK;
}

/* A name that may be there only once, and where it was written. */
struct claim {
	const char *name;
	size_t item, part;
};

static int compare_claims(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;
	int order = strcmp(x->name, y->name);
	if (order)
		return order;
	if (x->item != y->item)
		return x->item < y->item ? -1 : 1;
	return x->part < y->part ? -1 : x->part > y->part;
}

/* `format`: path of a claim by item and part. Sorted, since there may be 10,000 pairs. */
static enum err_code check_unique(const struct check *k, struct claim *claims, size_t n, const char *what,
				  const char *list, const char *part_list)
{
	if (n)
		qsort(claims, n, sizeof(*claims), compare_claims);
	for (size_t i = 1; i < n; i++) {
		char at[120];
		int len = snprintf(at, sizeof(at), "%s.[%zu]", list, claims[i].item);
		if (strcmp(claims[i - 1].name, claims[i].name) != 0)
			continue;
		if (part_list)
			snprintf(at + len, sizeof(at) - (size_t)len, ".%s.[%zu]", part_list, claims[i].part);
		strncat(at, ".name", sizeof(at) - strlen(at) - 1);
		return fail(k, at, "%s \"%s\" is there twice: rename or remove one", what, claims[i].name);
	}
	return ERR_OK;
}

static enum err_code check_names(const struct check *k)
{
	const struct config *c = k->c;
	size_t n = c->npairs + c->ntsig + c->npower_hosts, m = 0;
	for (size_t i = 0; i < c->npairs; i++)
		n += c->pairs[i].ndomains;
	struct claim *claims = mem_calloc(n, sizeof(*claims));
	for (size_t i = 0; i < c->npairs; i++)
		claims[m++] = (struct claim){ c->pairs[i].name, i, 0 };
	enum err_code rc = check_unique(k, claims, m, "pair", "pairs", NULL);
	m = 0;
	for (size_t i = 0; i < c->npairs; i++)
		for (size_t d = 0; d < c->pairs[i].ndomains; d++)
			claims[m++] = (struct claim){ c->pairs[i].domains[d].name, i, d };
	if (rc == ERR_OK)
		rc = check_unique(k, claims, m, "domain", "pairs", "domains");
	m = 0;
	for (size_t i = 0; i < c->ntsig; i++)
		claims[m++] = (struct claim){ c->tsig[i].name, i, 0 };
	if (rc == ERR_OK)
		rc = check_unique(k, claims, m, "tsig key", "tsig", NULL);
	m = 0;
	for (size_t i = 0; i < c->npower_hosts; i++)
		claims[m++] = (struct claim){ c->power_hosts[i].name, i, 0 };
	if (rc == ERR_OK)
		rc = check_unique(k, claims, m, "power host", "power_hosts", NULL);
	free(claims);
	return rc;
}

/* A mail host keeps one rights record, so it serves one pair. */
static enum err_code check_shared_hosts(const struct check *k)
{
	const struct config *c = k->c;
	struct claim *claims = mem_calloc(c->npairs * HOST_ROLES * 2 + 1, sizeof(*claims));
	enum err_code rc = ERR_OK;
	size_t n = 0;
	for (size_t i = 0; i < c->npairs; i++)
		for (size_t r = 0; r < HOST_ROLES; r++) {
			const struct config_host *h = &c->pairs[i].host[r];
			if (h->v4[0])
				claims[n++] = (struct claim){ h->v4, i, r * 2 };
			if (h->v6[0])
				claims[n++] = (struct claim){ h->v6, i, r * 2 + 1 };
		}
	qsort(claims, n, sizeof(*claims), compare_claims);
	for (size_t i = 1; i < n && rc == ERR_OK; i++) {
		static const char *const keys[] = { "primary.v4", "primary.v6", "standby.v4", "standby.v6" };
		char at[60];
		if (strcmp(claims[i - 1].name, claims[i].name) != 0 || claims[i - 1].item == claims[i].item)
			continue; /* twice in one pair: check_hosts says it better */
		snprintf(at, sizeof(at), "pairs.[%zu].%s", claims[i].item, keys[claims[i].part]);
		rc = fail(k, at, "%s is a host of pair \"%s\" too, and a host serves one pair: write this pair's own",
			  claims[i].name, c->pairs[claims[i - 1].item].name);
	}
	free(claims);
	return rc;
}

static enum err_code check_hosts(const struct check *k, const struct config_pair *p)
{
	const struct config_host *a = &p->host[HOST_PRIMARY], *b = &p->host[HOST_STANDBY];
	const struct config_global *g = &k->c->global;
	for (int r = 0; r < HOST_ROLES; r++)
		if (!p->host[r].v4[0] && !p->host[r].v6[0])
			return fail(k, r ? "standby" : "primary",
				    "the %s has neither v4 nor v6: add its literal "
				    "address, v4 = \"192.0.2.1\"",
				    r ? "standby" : "primary");
	if (a->v4[0] && strcmp(a->v4, b->v4) == 0)
		return fail(k, "standby.v4", "%s is the primary's address too: write the standby's own", b->v4);
	if (a->v6[0] && strcmp(a->v6, b->v6) == 0)
		return fail(k, "standby.v6", "%s is the primary's address too: write the standby's own", b->v6);
	if (strcmp(a->name, b->name) == 0)
		return fail(k, "standby.name", "%s is the primary's name too: write the standby's own MX name",
			    b->name);
	if (!(b->v4[0] && g->v4[0]) && !(b->v6[0] && g->v6[0]))
		return fail(k, "standby",
			    "the standby and the controller have no address family in common, so "
			    "nothing could be verified: add v4 or v6 here or in global");
	return ERR_OK;
}

static enum err_code check_power(const struct check *k, const struct config_pair *p)
{
	if (!p->host[HOST_STANDBY].power.via[0])
		return fail(k, "standby",
			    "the standby has no power group, so it could not be switched on: add "
			    "power = { via = \"...\"; on = \"...\"; off = \"...\"; status = "
			    "\"...\"; }");
	for (int r = 0; r < HOST_ROLES; r++) {
		const char *via = p->host[r].power.via;
		if (via[0] && !config_power_host(k->c, via))
			return fail(k, r ? "standby.power.via" : "primary.power.via",
				    "power_hosts has no \"%s\": add it, or write the name of one "
				    "that is there",
				    via);
	}
	return ERR_OK;
}

static bool is_own_domain(const struct config_pair *p, const char *recipient)
{
	const char *domain = strchr(recipient, '@') + 1;
	for (size_t d = 0; d < p->ndomains; d++)
		if (strcasecmp(p->domains[d].name, domain) == 0)
			return true;
	return false;
}

static enum err_code check_mail(const struct check *k, const struct config_pair *p)
{
	for (size_t d = 0; d < p->ndomains; d++) {
		char at[40];
		snprintf(at, sizeof(at), "domains.[%zu]", d);
		if (!config_tsig(k->c, p->domains[d].key))
			return fail(k, strncat(at, ".key", 5),
				    "tsig has no key \"%s\": add it, or write the name of "
				    "one that is there",
				    p->domains[d].key);
		if (p->domains[d].ttl_ms % 1000)
			return fail(k, strncat(at, ".ttl", 5), "a TTL has whole seconds: write ttl = \"300 s\"");
	}
	if (!is_own_domain(p, p->known_recipient))
		return fail(k, "known_recipient",
			    "%s is in none of the pair's domains: write one that both hosts "
			    "accept",
			    p->known_recipient);
	if (!is_own_domain(p, p->unknown_recipient))
		return fail(k, "unknown_recipient",
			    "%s is in none of the pair's domains: a refusal would prove "
			    "nothing; write one that is",
			    p->unknown_recipient);
	if (strcasecmp(p->known_recipient, p->unknown_recipient) == 0)
		return fail(k, "unknown_recipient", "is the known one: write an address that nobody has");
	if (p->preference[HOST_PRIMARY] >= p->preference[HOST_STANDBY])
		return fail(k, "preference",
			    "the primary's preference must be the lower number: write primary = 10; "
			    "standby = 20;");
	for (size_t i = 0; i < p->nother_mx; i++)
		for (int r = 0; r < HOST_ROLES; r++)
			if (strcmp(p->other_mx[i].target, p->host[r].name) == 0)
				return fail(k, "other_mx", "%s is one of the pair's own hosts: remove it here",
					    p->other_mx[i].target);
	return ERR_OK;
}

static enum err_code check_times(const struct check *k, const struct config_pair *p)
{
	const struct config_probe *b = &p->probe;
	if (b->fast_every_ms > b->every_ms)
		return fail(k, "probe.fast_every", "is slower than every: write a shorter one");
	if (p->returning_primary == RETURNING_WAIT)
		return fail(k, "returning_primary",
			    "\"wait\" belongs to full mode, and pairs are in spool mode, where "
			    "the primary never lost its right: write \"serve\"");
	return ERR_OK;
}

static enum err_code check_drills(const struct check *k, const struct config_drills *d)
{
	struct calendar at;
	struct calendar_span span;
	if (!calendar_parse(d->at, &at))
		return fail(k, "drills.at", "\"%s\" is no weekly time: write at = \"Sun 03:30\", of UTC", d->at);
	for (size_t i = 0; i < d->nblackout; i++)
		if (!calendar_parse_span(d->blackout[i], &span))
			return fail(k, "drills.blackout",
				    "\"%s\" is no first and last day: write \"2026-12-20 2027-01-06\"", d->blackout[i]);
	return ERR_OK;
}

static enum err_code check_pair(const struct check *k, const struct config_pair *p)
{
	enum err_code rc = check_hosts(k, p);
	if (rc == ERR_OK)
		rc = check_power(k, p);
	if (rc == ERR_OK)
		rc = check_mail(k, p);
	if (rc == ERR_OK)
		rc = check_drills(k, &p->drills);
	return rc == ERR_OK ? check_times(k, p) : rc;
}

enum err_code config_check(const struct config *c, const struct conf_doc *doc, struct err *e)
{
	struct check k = { .c = c, .doc = doc, .e = e };
	enum err_code rc = check_global(&k);
	if (rc == ERR_OK)
		rc = check_names(&k);
	if (rc == ERR_OK)
		rc = check_shared_hosts(&k);
	for (size_t i = 0; rc == ERR_OK && i < c->npower_hosts; i++) {
		snprintf(k.at, sizeof(k.at), "power_hosts.[%zu]", i);
		if (!c->power_hosts[i].v4[0] && !c->power_hosts[i].v6[0])
			rc = fail(&k, "", "power host \"%s\" has neither v4 nor v6: add its literal address",
				  c->power_hosts[i].name);
	}
	for (size_t i = 0; rc == ERR_OK && i < c->npairs; i++) {
		snprintf(k.at, sizeof(k.at), "pairs.[%zu]", i);
		rc = check_pair(&k, &c->pairs[i]);
		if (rc == ERR_OK)
			rc = config_check_fence(c, i, doc, e);
	}
	return rc;
}
