/* Updates and MX answers on ldns. Prerequisites get TTL 0 explicitly, since a record made from text with a default TTL
 * keeps that one. */
#include "dns_message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/base/mem.h"

#define FUDGE_S 300

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
	uint8_t bytes[MARKER_MAX];
	size_t len = strlen(text);
	BUG_ON(len > 255);
	bytes[0] = (uint8_t)len;
	memcpy(bytes + 1, text, len); /* NOLINT(bugprone-not-null-terminated-result): DNS strings carry their length */
	ldns_rr *rr = add_rr(list, owner, LDNS_RR_TYPE_TXT, LDNS_RR_CLASS_IN, ttl_s);
	ldns_rr_push_rdf(rr, ldns_rdf_new_frm_data(LDNS_RDF_TYPE_STR, len + 1, bytes));
}

/* The old value is required as it was read, whoever wrote it. */
static void add_marker(ldns_rr_list *need, ldns_rr_list *change, const char *owner, const ldns_rr_list *marker_old,
		       const char *marker_new, uint32_t ttl_s)
{
	for (size_t i = 0; marker_old && i < ldns_rr_list_rr_count(marker_old); i++) {
		ldns_rr *rr = ldns_rr_clone(ldns_rr_list_rr(marker_old, i));
		BUG_ON(!rr);
		ldns_rr_set_ttl(rr, 0);
		BUG_ON(!ldns_rr_list_push_rr(need, rr));
	}
	if (!marker_old)
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
	ldns_status rc = ldns_pkt_tsig_sign(pkt, key, opts->key_base64, FUDGE_S, algorithm, NULL);
	if (rc != LDNS_STATUS_OK)
		return err_set(e, ERR_AUTH, "TSIG key %s: %s", opts->key_name, ldns_get_errorstr_by_id(rc));
	out->mac = ldns_rdf_clone(ldns_rr_rdf(ldns_pkt_tsig(pkt), 3));
	return ERR_OK;
}

static enum err_code check_name(const char *text, struct err *e)
{
	ldns_rdf *name = NULL;
	ldns_status rc = text[0] ? ldns_str2rdf_dname(&name, text) : LDNS_STATUS_EMPTY_LABEL;
	if (rc != LDNS_STATUS_OK)
		return err_set(e, ERR_INVALID, "name \"%.250s\": %s", text, ldns_get_errorstr_by_id(rc));
	ldns_rdf_deep_free(name);
	return ERR_OK;
}

static enum err_code check_update(const struct verb_dns *verb, struct err *e)
{
	if (!verb->want.count)
		return err_set(e, ERR_BLOCKED, "%s: an empty MX set is never published", verb->zone);
	BUG_ON(verb->want.count > MX_SET_MAX || verb->expect.count > MX_SET_MAX);
	enum err_code rc = check_name(verb->zone, e);
	for (size_t i = 0; !rc && i < verb->want.count; i++)
		rc = check_name(verb->want.mx[i].target, e);
	for (size_t i = 0; !rc && i < verb->expect.count; i++)
		rc = check_name(verb->expect.mx[i].target, e);
	return rc;
}

static void fill_update(const struct verb_dns *verb, const ldns_rr_list *marker_old, const char *marker_new,
			ldns_rr_list *need, ldns_rr_list *change)
{
	char owner[DOMAIN_MAX + 16];
	if (verb->expect.count)
		add_mx_set(need, verb->zone, &verb->expect, 0);
	else
		add_rr(need, verb->zone, LDNS_RR_TYPE_MX, LDNS_RR_CLASS_NONE, 0);
	add_rr(change, verb->zone, LDNS_RR_TYPE_MX, LDNS_RR_CLASS_ANY, 0);
	add_mx_set(change, verb->zone, &verb->want, verb->want.ttl_s);
	marker_name(verb->zone, owner, sizeof(owner));
	if (marker_new[0])
		add_marker(need, change, owner, marker_old, marker_new, verb->want.ttl_s);
}

enum err_code dns_build_update(const struct dns_opts *opts, const struct verb_dns *verb, const ldns_rr_list *marker_old,
			       const char *marker_new, struct dns_wire *out, struct err *e)
{
	memset(out, 0, sizeof(*out));
	enum err_code rc = check_update(verb, e);
	if (rc)
		return rc;
	ldns_rr_list *need = ldns_rr_list_new(), *change = ldns_rr_list_new(), *none = ldns_rr_list_new();
	fill_update(verb, marker_old, marker_new, need, change);
	ldns_pkt *pkt = ldns_update_pkt_new(ldns_dname_new_frm_str(verb->zone), LDNS_RR_CLASS_IN, need, change, none);
	BUG_ON(!pkt);
	ldns_pkt_set_random_id(pkt);
	rc = sign(opts, pkt, out, e);
	if (!rc)
		rc = dns_to_wire(pkt, out, e);
	ldns_pkt_free(pkt);
	ldns_rr_list_deep_free(need);
	ldns_rr_list_deep_free(change);
	ldns_rr_list_deep_free(none);
	return rc;
}

enum err_code dns_read_mx(const ldns_pkt *answer, const char *name, struct mx_set *out, struct err *e)
{
	const ldns_rr_list *list = ldns_pkt_answer(answer);
	memset(out, 0, sizeof(*out));
	for (size_t i = 0; list && i < ldns_rr_list_rr_count(list); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(list, i);
		if (!dns_is_record(rr, LDNS_RR_TYPE_MX, name) || ldns_rr_rd_count(rr) != 2)
			continue;
		if (out->count == MX_SET_MAX)
			return err_set(e, ERR_PROTOCOL, "%s has more than %d MX records", name, MX_SET_MAX);
		struct mx *mx = &out->mx[out->count++];
		mx->preference = ldns_rdf2native_int16(ldns_rr_rdf(rr, 0));
		dns_name_text(ldns_rr_rdf(rr, 1), mx->target, sizeof(mx->target));
		if (ldns_rr_ttl(rr) > out->ttl_s)
			out->ttl_s = ldns_rr_ttl(rr);
	}
	return ERR_OK;
}

void dns_set_text(const struct mx_set *set, char *out, size_t size)
{
	size_t used = 0;
	snprintf(out, size, "no MX");
	for (size_t i = 0; i < set->count && used < size; i++)
		used += (size_t)snprintf(out + used, size - used, "%s%u %s", i ? ", " : "", set->mx[i].preference,
					 set->mx[i].target);
}
