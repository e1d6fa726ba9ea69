/* Queries, updates and answers on ldns. Prerequisites get TTL 0 explicitly, since a record made
 * from text with a default TTL keeps that one. */
#include "dns_message.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/base/mem.h"

#define UDP_SIZE 1232
#define HEADER_BYTES 12
#define FUDGE_S 300
#define TYPE_TSIG 250

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

static size_t skip_name(const uint8_t *bytes, size_t len, size_t at)
{
	while (at < len && bytes[at] && bytes[at] < 0xc0)
		at += bytes[at] + 1u;
	return at + (at < len && bytes[at] >= 0xc0 ? 2 : 1);
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
	if (!code)
		out->question_len = skip_name(out->bytes, out->len, HEADER_BYTES) + 4 - HEADER_BYTES;
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
	char marker_name[DOMAIN_MAX + 16];
	if (verb->expect.count)
		add_mx_set(need, verb->zone, &verb->expect, 0);
	else
		add_rr(need, verb->zone, LDNS_RR_TYPE_MX, LDNS_RR_CLASS_NONE, 0);
	add_rr(change, verb->zone, LDNS_RR_TYPE_MX, LDNS_RR_CLASS_ANY, 0);
	add_mx_set(change, verb->zone, &verb->want, verb->want.ttl_s);
	snprintf(marker_name, sizeof(marker_name), "_coldmx.%s", verb->zone);
	if (marker_new[0])
		add_marker(need, change, marker_name, marker_old, marker_new, verb->want.ttl_s);
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
		rc = to_wire(pkt, out, e);
	ldns_pkt_free(pkt);
	ldns_rr_list_deep_free(need);
	ldns_rr_list_deep_free(change);
	ldns_rr_list_deep_free(none);
	return rc;
}

/* A TSIG is the last record, as RFC 8945 5.1 wants: behind one, ldns loses its memory over another
 * TSIG or a broken record. */
static bool nothing_behind_tsig(const uint8_t *bytes, size_t len)
{
	bool found = false;
	size_t at = HEADER_BYTES;
	if (len < at)
		return true;
	unsigned questions = (unsigned)bytes[4] << 8 | bytes[5], records = 0;
	for (size_t i = 6; i < HEADER_BYTES; i += 2)
		records += (unsigned)bytes[i] << 8 | bytes[i + 1];
	while (questions-- && at < len)
		at = skip_name(bytes, len, at) + 4;
	while (records-- && !found) {
		at = skip_name(bytes, len, at);
		if (at + 10 > len)
			return true; /* broken; ldns says how */
		found = bytes[at] == 0 && bytes[at + 1] == TYPE_TSIG;
		at += 10 + ((size_t)bytes[at + 8] << 8 | bytes[at + 9]);
		if (found && records)
			return false;
	}
	return true;
}

static bool repeats_question(const uint8_t *bytes, size_t len, const struct dns_wire *asked)
{
	if (len < HEADER_BYTES + asked->question_len)
		return false;
	for (size_t i = HEADER_BYTES; i < HEADER_BYTES + asked->question_len; i++)
		if (tolower(bytes[i]) != tolower(asked->bytes[i]))
			return false;
	return true;
}

enum err_code dns_parse(const uint8_t *bytes, size_t len, const struct dns_wire *asked, ldns_pkt **out, struct err *e)
{
	*out = NULL;
	if (!nothing_behind_tsig(bytes, len))
		return err_set(e, ERR_PROTOCOL, "DNS answer: a record stands behind the TSIG");
	ldns_status rc = ldns_wire2pkt(out, bytes, len);
	if (rc != LDNS_STATUS_OK)
		return err_set(e, ERR_PROTOCOL, "DNS answer: %s", ldns_get_errorstr_by_id(rc));
	if (ldns_pkt_id(*out) == asked->id && ldns_pkt_qr(*out) && repeats_question(bytes, len, asked))
		return ERR_OK;
	ldns_pkt_free(*out);
	*out = NULL;
	return err_set(e, ERR_PROTOCOL, "DNS answer: to another question");
}

static bool is_record(const ldns_rr *rr, ldns_rr_type type, const char *name)
{
	char owner[DOMAIN_MAX];
	if (ldns_rr_get_type(rr) != type || ldns_rr_get_class(rr) != LDNS_RR_CLASS_IN)
		return false;
	dns_name_text(ldns_rr_owner(rr), owner, sizeof(owner));
	return strcasecmp(owner, name) == 0;
}

enum err_code dns_read_mx(const ldns_pkt *answer, const char *name, struct mx_set *out, struct err *e)
{
	const ldns_rr_list *list = ldns_pkt_answer(answer);
	memset(out, 0, sizeof(*out));
	for (size_t i = 0; list && i < ldns_rr_list_rr_count(list); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(list, i);
		if (!is_record(rr, LDNS_RR_TYPE_MX, name) || ldns_rr_rd_count(rr) != 2)
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

ldns_rr_list *dns_read_txt(const ldns_pkt *answer, const char *name)
{
	const ldns_rr_list *list = ldns_pkt_answer(answer);
	ldns_rr_list *found = NULL;
	for (size_t i = 0; list && i < ldns_rr_list_rr_count(list); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(list, i);
		if (!is_record(rr, LDNS_RR_TYPE_TXT, name))
			continue;
		if (!found)
			found = ldns_rr_list_new();
		BUG_ON(!ldns_rr_list_push_rr(found, ldns_rr_clone(rr)));
	}
	return found;
}

void dns_txt_text(const ldns_rr_list *txt, char *out, size_t size)
{
	out[0] = '\0';
	if (!txt || ldns_rr_list_rr_count(txt) != 1 || ldns_rr_rd_count(ldns_rr_list_rr(txt, 0)) != 1)
		return;
	const ldns_rdf *rdf = ldns_rr_rdf(ldns_rr_list_rr(txt, 0), 0);
	size_t len = ldns_rdf_size(rdf) ? ldns_rdf_data(rdf)[0] : 0;
	if (len + 1 > ldns_rdf_size(rdf) || len >= size)
		return;
	memcpy(out, ldns_rdf_data(rdf) + 1, len);
	out[len] = '\0';
}

void dns_set_text(const struct mx_set *set, char *out, size_t size)
{
	size_t used = 0;
	snprintf(out, size, "no MX");
	for (size_t i = 0; i < set->count && used < size; i++)
		used += (size_t)snprintf(out + used, size - used, "%s%u %s", i ? ", " : "", set->mx[i].preference,
					 set->mx[i].target);
}
