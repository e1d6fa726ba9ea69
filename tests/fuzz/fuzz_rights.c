/* A hostile rights record: what parses comes out again as the same bytes, and decides without a contradiction. */
#include <stdint.h>
#include <string.h>

#include "../../common/rights.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rights_record r;
	struct err e = { 0 };
	if (rights_parse((const char *)data, size, &r, &e) != ERR_OK)
		return 0;
	struct strbuf out = STRBUF_INIT;
	rights_format(&r, &out);
	if (out.len != size || memcmp(out.data, data, size) != 0)
		__builtin_trap();
	strbuf_fini(&out);
	for (int role = RIGHTS_PRIMARY; role <= RIGHTS_STANDBY; role++) {
		struct rights_site site = { .role = (enum rights_place)role, .boot_id = r.rehearse_boot };
		struct rights_answer may;
		rights_decide(&r, &site, &may);
		if ((may.may_own && !may.may_accept) || (may.may_rehearse && may.may_accept))
			__builtin_trap();
	}
	return 0;
}
