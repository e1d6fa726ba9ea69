/* Hostile metadata of a fence agent: what parses has names that a configuration can hold, all of them ended. */
#include <stdint.h>
#include <string.h>

#include "../../controller/driver/fence_metadata.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_name(const char *name)
{
	if (!memchr(name, '\0', METADATA_NAME_MAX) || strpbrk(name, "<>&\"'\n= "))
		__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fence_metadata m;
	struct err e = { 0 };
	if (fence_metadata_parse((const char *)data, size, &m, &e) != ERR_OK) {
		if (e.code != ERR_INVALID || !e.text[0])
			__builtin_trap();
		return 0;
	}
	if (m.nparameters > METADATA_PARAMETERS || m.nactions > METADATA_ACTIONS)
		__builtin_trap();
	for (size_t i = 0; i < m.nparameters; i++) {
		check_name(m.parameter[i].name);
		if (!fence_metadata_parameter(&m, m.parameter[i].name))
			__builtin_trap();
	}
	for (size_t i = 0; i < m.nactions; i++)
		check_name(m.action[i]);
	return 0;
}
