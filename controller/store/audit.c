/* The canonical text carries byte counts, so that no two rows have the same text. */
#include "audit.h"

#include <inttypes.h>
#include <string.h>

#include "../../common/base/strbuf.h"

void audit_hash(const uint8_t prev[SHA256_BYTES], const struct record *rec, int64_t wall_ms, uint8_t out[SHA256_BYTES])
{
	struct strbuf text = STRBUF_INIT;
	strbuf_add(&text, prev, SHA256_BYTES);
	strbuf_addf(&text,
		    "coldmx-audit-1\npair=%" PRIu32 "\nseq=%" PRIu32 "\nwall_ms=%" PRId64 "\nop=%" PRIu64
		    "\nkey=%zu:%s\nbody=%zu:",
		    rec->pair, rec->seq, wall_ms, rec->op, strlen(rec->key), rec->key, strlen(rec->body));
	strbuf_adds(&text, rec->body);
	strbuf_addc(&text, '\n');
	sha256_of(text.data, text.len, out);
	strbuf_fini(&text);
}
