/* Allocation that aborts instead of returning NULL: no caller has an untested branch for it. */
#include "mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void *mem_calloc(size_t count, size_t size)
{
	void *p = calloc(count ? count : 1, size ? size : 1);
	BUG_ON(!p);
	return p;
}

void *mem_realloc(void *old, size_t count, size_t size)
{
	BUG_ON(size && count > SIZE_MAX / size);
	void *p = realloc(old, count && size ? count * size : 1);
	BUG_ON(!p);
	return p;
}

char *mem_strdup(const char *s)
{
	char *p = strdup(s);
	BUG_ON(!p);
	return p;
}

bool str_copy(char *dst, size_t size, const char *src)
{
	size_t n = strnlen(src, size);
	bool fits = n < size;
	if (!fits)
		n = size - 1;
	memcpy(dst, src, n);
	dst[n] = '\0';
	return fits;
}
