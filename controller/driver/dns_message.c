/* Queries, updates and answers on ldns. Prerequisites get TTL 0 explicitly, since a record made from text with a
 * default TTL keeps that one. */
#include "dns_message.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/base/mem.h"

#define UDP_SIZE 1232

void dns_wire_fini(struct dns_wire *wire)
{
	free(wire->bytes);
	if (wire->mac)
		ldns_rdf_deep_free(wire->mac);
	memset(wire, 0, sizeof(*wire));
}

void dns_name_text(const ldns_rdf *name, char *out, size_t size)
{
	char *text = ldns_rdf2str(name);
	(void)str_copy(out, size, text ? text : "");
	LDNS_FREE(text);
	size_t len = strlen(out);
	if (len > 1 && out[len - 1] == '.')
		out[len - 1] = '\0';
	for (char *c = out; *c; c++)
		*c = (char)tolower((unsigned char)*c);
}

static enum err_code to_wire(const ldns_pkt *pkt, struct dns_wire *out, struct err *e)
{
	ldns_status rc = ldns_pkt2wire(&out->bytes, pkt, &out->len);
	out->id = ldns_pkt_id(pkt);
	if (rc != LDNS_STATUS_OK)
		return err_set(e, ERR_INVALID, "DNS message: %s", ldns_get_errorstr_by_id(rc));
	return ERR_OK;
}

enum err_code dns_build_query(const char *name, ldns_rr_type type, struct dns_wire *out, struct err *e)
{
	ldns_pkt *pkt = NULL;
	memset(out, 0, sizeof(*out));
	ldns_status rc = ldns_pkt_query_new_frm_str(&pkt, name, type, LDNS_RR_CLASS_IN, 0);
	if (rc != LDNS_STATUS_OK)
		return err_set(e, ERR_INVALID, "name \"%s\": %s", name, ldns_get_errorstr_by_id(rc));
	ldns_pkt_set_random_id(pkt);
	ldns_pkt_set_edns_udp_size(pkt, UDP_SIZE);
	enum err_code code = to_wire(pkt, out, e);
	ldns_pkt_free(pkt);
	return code;
}

/* A record with its own TTL and class; the list takes it over. */
static ldns_rr *add_rr(ldns_rr_list *list, const char *owner, ldns_rr_type type, ldns_rr_class cls, uint32_t ttl_s)
{
	ldns_rr *rr = ldns_rr_new();
	BUG_ON(!rr);
	ldns_rr_set_owner(rr, ldns_dname_new_frm_str(owner));
	ldns_rr_set_type(rr, type);
	ldns_rr_set_class(rr, cls);
	ldns_rr_set_ttl(rr, ttl_s);
	BUG_ON(!ldns_rr_list_push_rr(list, rr));
	return rr;
}

static void add_mx_set(ldns_rr_list *list, const char *owner, const struct mx_set *set, uint32_t ttl_s)
{
	for (size_t i = 0; i < set->count; i++) {
		ldns_rr *rr = add_rr(list, owner, LDNS_RR_TYPE_MX, LDNS_RR_CLASS_IN, ttl_s);
		ldns_rr_push_rdf(rr, ldns_native2rdf_int16(LDNS_RDF_TYPE_INT16, set->mx[i].preference));
		ldns_rr_push_rdf(rr, ldns_dname_new_frm_str(set->mx[i].target));
	}
}

static void add_txt(ldns_rr_list *list, const char *owner, const char *text, uint32_t ttl_s)
{
	uint8_t bytes[DNS_MARKER_MAX];
	size_t len = strlen(text);
	BUG_ON(len > 255);
	bytes[0] = (uint8_t)len;
	memcpy(bytes + 1, text, len);
	ldns_rr *rr = add_rr(list, owner, LDNS_RR_TYPE_TXT, LDNS_RR_CLASS_IN, ttl_s);
	ldns_rr_push_rdf(rr, ldns_rdf_new_frm_data(LDNS_RDF_TYPE_STR, len + 1, bytes));
}

static void add_marker(ldns_rr_list *need, ldns_rr_list *change, const char *owner, const char *marker_old,
		       const char *marker_new, uint32_t ttl_s)
{
	if (marker_old[0])
		add_txt(need, owner, marker_old, 0);
	else
		add_rr(need, owner, LDNS_RR_TYPE_TXT, LDNS_RR_CLASS_NONE, 0);
	add_rr(change, owner, LDNS_RR_TYPE_TXT, LDNS_RR_CLASS_ANY, 0);
	add_txt(change, owner, marker_new, ttl_s);
}

static enum err_code sign(const struct dns_opts *opts, ldns_pkt *pkt, struct dns_wire *out, struct err *e)
{
	char algorithm[32], key[DOMAIN_MAX + 1];
	if (!opts->key_name[0])
		return ERR_OK;
	snprintf(algorithm, sizeof(algorithm), "%s.", opts->key_algorithm);
	snprintf(key, sizeof(key), "%.254s.", opts->key_name);
	ldns_status rc = ldns_pkt_tsig_sign(pkt, key, opts->key_base64, 300, algorithm, NULL);
	if (rc != LDNS_STATUS_OK)
		return err_set(e, ERR_AUTH, "TSIG key %s: %s", opts->key_name, ldns_get_errorstr_by_id(rc));
	out->mac = ldns_rdf_clone(ldns_rr_rdf(ldns_pkt_tsig(pkt), 3));
	return ERR_OK;
}

enum err_code dns_build_update(const struct dns_opts *opts, const struct verb_dns *verb, const char *marker_old,
			       const char *marker_new, struct dns_wire *out, struct err *e)
{
	char marker_name[DOMAIN_MAX + 16];
	memset(out, 0, sizeof(*out));
	if (!verb->want.count)
		return err_set(e, ERR_BLOCKED, "%s: an empty MX set is never published", verb->zone);
	ldns_rr_list *need = ldns_rr_list_new(), *change = ldns_rr_list_new(), *none = ldns_rr_list_new();
	if (verb->expect.count)
		add_mx_set(need, verb->zone, &verb->expect, 0);
	else
		add_rr(need, verb->zone, LDNS_RR_TYPE_MX, LDNS_RR_CLASS_NONE, 0);
	add_rr(change, verb->zone, LDNS_RR_TYPE_MX, LDNS_RR_CLASS_ANY, 0);
	add_mx_set(change, verb->zone, &verb->want, verb->want.ttl_s);
	snprintf(marker_name, sizeof(marker_name), "_coldmx.%s", verb->zone);
	if (marker_new[0])
		add_marker(need, change, marker_name, marker_old, marker_new, verb->want.ttl_s);
	ldns_pkt *pkt = ldns_update_pkt_new(ldns_dname_new_frm_str(verb->zone), LDNS_RR_CLASS_IN, need, change, none);
	enum err_code rc = pkt ? ERR_OK : err_set(e, ERR_LOCAL, "DNS update: out of memory");
	if (pkt) {
		ldns_pkt_set_random_id(pkt);
		rc = sign(opts, pkt, out, e);
		if (!rc)
			rc = to_wire(pkt, out, e);
		ldns_pkt_free(pkt);
	}
	ldns_rr_list_deep_free(need);
	ldns_rr_list_deep_free(change);
	ldns_rr_list_deep_free(none);
	return rc;
}

#define TYPE_TSIG 250

static size_t skip_name(const uint8_t *bytes, size_t len, size_t at)
{
	while (at < len && bytes[at] && bytes[at] < 0xc0)
		at += bytes[at] + 1u;
	return at + (at < len && bytes[at] >= 0xc0 ? 2 : 1);
}

/* At most one TSIG record, as RFC 8945 5.2 wants: ldns loses the memory of a first one when a second follows. */
static bool one_tsig_at_most(const uint8_t *bytes, size_t len)
{
	unsigned found = 0;
	size_t at = 12;
	if (len < at)
		return true;
	unsigned questions = (unsigned)bytes[4] << 8 | bytes[5], records = 0;
	for (size_t i = 6; i < 12; i += 2)
		records += (unsigned)bytes[i] << 8 | bytes[i + 1];
	while (questions-- && at < len)
		at = skip_name(bytes, len, at) + 4;
	while (records-- && at < len) {
		at = skip_name(bytes, len, at);
		if (at + 10 > len)
			break;
		found += bytes[at] == 0 && bytes[at + 1] == TYPE_TSIG;
		at += 10 + ((size_t)bytes[at + 8] << 8 | bytes[at + 9]);
	}
	return found <= 1;
}

enum err_code dns_parse(const uint8_t *bytes, size_t len, uint16_t id, ldns_pkt **out, struct err *e)
{
	*out = NULL;
	if (!one_tsig_at_most(bytes, len))
		return err_set(e, ERR_PROTOCOL, "DNS answer: more than one TSIG record");
	ldns_status rc = ldns_wire2pkt(out, bytes, len);
	if (rc != LDNS_STATUS_OK)
		return err_set(e, ERR_PROTOCOL, "DNS answer: %s", ldns_get_errorstr_by_id(rc));
	if (ldns_pkt_id(*out) == id && ldns_pkt_qr(*out))
		return ERR_OK;
	ldns_pkt_free(*out);
	*out = NULL;
	return err_set(e, ERR_PROTOCOL, "DNS answer: to another question");
}

enum err_code dns_read_mx(const ldns_pkt *answer, const char *name, struct mx_set *out, struct err *e)
{
	const ldns_rr_list *list = ldns_pkt_answer(answer);
	memset(out, 0, sizeof(*out));
	for (size_t i = 0; list && i < ldns_rr_list_rr_count(list); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(list, i);
		char owner[DOMAIN_MAX];
		if (ldns_rr_get_type(rr) != LDNS_RR_TYPE_MX || ldns_rr_rd_count(rr) != 2)
			continue;
		dns_name_text(ldns_rr_owner(rr), owner, sizeof(owner));
		if (strcasecmp(owner, name) != 0)
			continue;
		if (out->count == MX_SET_MAX)
			return err_set(e, ERR_PROTOCOL, "%s has more than %d MX records", name, MX_SET_MAX);
		struct mx *mx = &out->mx[out->count++];
		mx->preference = ldns_rdf2native_int16(ldns_rr_rdf(rr, 0));
		dns_name_text(ldns_rr_rdf(rr, 1), mx->target, sizeof(mx->target));
		out->ttl_s = ldns_rr_ttl(rr);
	}
	return ERR_OK;
}

void dns_read_txt(const ldns_pkt *answer, char *out, size_t size)
{
	const ldns_rr_list *list = ldns_pkt_answer(answer);
	out[0] = '\0';
	for (size_t i = 0; list && i < ldns_rr_list_rr_count(list); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(list, i);
		if (ldns_rr_get_type(rr) != LDNS_RR_TYPE_TXT || !ldns_rr_rd_count(rr))
			continue;
		const ldns_rdf *rdf = ldns_rr_rdf(rr, 0);
		size_t len = ldns_rdf_size(rdf) ? ldns_rdf_data(rdf)[0] : 0;
		if (len + 1 > ldns_rdf_size(rdf) || len >= size)
			return;
		memcpy(out, ldns_rdf_data(rdf) + 1, len);
		out[len] = '\0';
		return;
	}
}
