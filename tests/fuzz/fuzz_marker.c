/* A marker, as a stranger writes it, and as whoever has the key might: what is believed is whole. */
#include <stdint.h>
#include <string.h>

#include "../../common/marker.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct marker_key key;
	struct marker m;
	char text[MARKER_MAX], again[MARKER_MAX];
	if (size > MARKER_MAX - 40)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	(void)marker_key_parse(text, &key);
	marker_key_derive("c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0", &key);
	if (marker_parse(&key, "example.test", text, &m))
		__builtin_trap(); /* the key was guessed */
	marker_seal(&key, "example.test", text);
	if (!marker_parse(&key, "example.test", text, &m))
		return 0;
	marker_format(&key, "example.test", &m, again);
	if (strcmp(text, again) != 0)
		__builtin_trap();
	return 0;
}
