/* See printable.h. */
#include "printable.h"

void proto_printable(char *dst, size_t size, const char *src, size_t len)
{
	size_t n = len < size ? len : size - 1;

	for (size_t i = 0; i < n; i++)
		dst[i] = src[i] >= ' ' && src[i] <= '~' ? src[i] : '?';
	dst[n] = '\0';
}
