/* See dns_query.h. */
#include "dns_query.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "../base/mem.h"

#define UDP_SIZE 1232
#define HEADER_BYTES 12
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

enum err_code dns_to_wire(const ldns_pkt *pkt, struct dns_wire *out, struct err *e)
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
	enum err_code code = dns_to_wire(pkt, out, e);
	if (!code)
		out->question_len = skip_name(out->bytes, out->len, HEADER_BYTES) + 4 - HEADER_BYTES;
	ldns_pkt_free(pkt);
	return code;
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

bool dns_is_record(const ldns_rr *rr, ldns_rr_type type, const char *name)
{
	char owner[DOMAIN_MAX];
	if (ldns_rr_get_type(rr) != type || ldns_rr_get_class(rr) != LDNS_RR_CLASS_IN)
		return false;
	dns_name_text(ldns_rr_owner(rr), owner, sizeof(owner));
	return strcasecmp(owner, name) == 0;
}

ldns_rr_list *dns_read_txt(const ldns_pkt *answer, const char *name)
{
	const ldns_rr_list *list = ldns_pkt_answer(answer);
	ldns_rr_list *found = NULL;
	for (size_t i = 0; list && i < ldns_rr_list_rr_count(list); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(list, i);
		if (!dns_is_record(rr, LDNS_RR_TYPE_TXT, name))
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
