/*
 * Purpose:   is this a whole map bundle of this pair (docs/maps.md), and what is its name.
 * Not its job: what Postfix makes of it (hooks/host).
 * Thread:    any.   Ownership: none.   Errors: ERR_INVALID names the line. Input is hostile: one pass, no copies.
 */
#ifndef COLDMX_MAPS_CHECK_H
#define COLDMX_MAPS_CHECK_H

#include <stdint.h>

#include "../../common/base/err.h"
#include "../../common/base/sha256.h"

struct maps_info {
	char sha256[SHA256_HEX_SIZE];
	uint32_t domains, recipients;
};

enum err_code maps_check(const char *bytes, size_t len, const char *pair, struct maps_info *out, struct err *e)
	NODISCARD;

#endif
