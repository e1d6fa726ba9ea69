/* Answers of name servers are hostile bytes: parsed, judged, read as MX and marker. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "../../controller/driver/dns_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct dns_opts opts = { .key_name = "coldmx",
					      .key_algorithm = "hmac-sha256",
					      .key_base64 = "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0" };
	struct dns_wire asked = { .id = 0x1234 };
	struct mx_set set;
	struct dns_answer answer = { .has_marker = false };
	struct err e = { 0 };
	ldns_pkt *pkt = NULL;
	char text[MARKER_MAX];
	if (dns_parse(data, size, &asked, &pkt, &e))
		return 0;
	(void)!dns_read_mx(pkt, "example.test", &set, &e);
	ldns_rr_list *txt = dns_read_txt(pkt, "_coldmx.example.test");
	dns_txt_text(txt, text, sizeof(text));
	ldns_rr_list_deep_free(txt);
	(void)dns_marker_parse(&opts, "example.test", text, &answer);
	asked.mac = ldns_rdf_new_frm_data(LDNS_RDF_TYPE_INT16_DATA, 4, "\0\2ab");
	(void)!dns_judge_update(&opts, &asked, pkt, data, size, 1700000000000, &e);
	dns_wire_fini(&asked);
	ldns_pkt_free(pkt);
	return 0;
}
