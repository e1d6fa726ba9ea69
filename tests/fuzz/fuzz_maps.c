/* A hostile map bundle. The trailer is written anew, so that the lines above it are reached. */
#include <stdint.h>
#include <string.h>

#include "../../common/proto/maps.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct strbuf b = STRBUF_INIT;
	struct maps_summary is;
	struct err e = { 0 };
	uint8_t hash[SHA256_BYTES];
	char hex[SHA256_HEX_SIZE];
	(void)!maps_check((const char *)data, size, "example", &is, &e);
	strbuf_add(&b, data, size);
	sha256_of(strbuf_str(&b), b.len, hash);
	sha256_hex(hash, hex);
	strbuf_addf(&b, "sha256 %s\n", hex);
	if (maps_check(b.data, b.len, "example", &is, &e) == ERR_OK && (!is.domains || !is.recipients))
		__builtin_trap();
	strbuf_fini(&b);
	return 0;
}
