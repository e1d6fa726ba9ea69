/*
 * Purpose:   what a fence agent says of itself: its parameters and its actions, out of its metadata (XML).
 * Not its job: running it (fence_agent.c), what a configuration must have of them (config_check_agent.c).
 * Thread:    any; pure.   Ownership: a value.
 * Errors:    ERR_INVALID: not whole, not metadata, or more of it than an agent has. The bytes are hostile.
 */
#ifndef COLDMX_FENCE_METADATA_H
#define COLDMX_FENCE_METADATA_H

#include "../../common/base/err.h"

#include <stddef.h>

#define METADATA_MAX_BYTES 262144
#define METADATA_PARAMETERS 200
#define METADATA_ACTIONS 40
#define METADATA_NAME_MAX 48

struct metadata_parameter {
	char name[METADATA_NAME_MAX];
	char replaces[METADATA_NAME_MAX]; /* the older name of the same; "" = none */
	bool required, deprecated, has_default;
};

struct fence_metadata {
	size_t nparameters, nactions;
	struct metadata_parameter parameter[METADATA_PARAMETERS];
	char action[METADATA_ACTIONS][METADATA_NAME_MAX];
};

enum err_code fence_metadata_parse(const char *text, size_t len, struct fence_metadata *out, struct err *e) NODISCARD;
bool fence_metadata_has_action(const struct fence_metadata *m, const char *name);
/* NULL: it has none of this name. */
const struct metadata_parameter *fence_metadata_parameter(const struct fence_metadata *m, const char *name);

#endif
