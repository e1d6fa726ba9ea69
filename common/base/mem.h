/*
 * Purpose:   allocation that never returns NULL, and bounded string copies.
 * Thread:    any.   Ownership: the caller frees with free().
 * Errors:    out of memory is BUG-like: abort; systemd restarts, the journal replays.
 */
#ifndef COLDMX_MEM_H
#define COLDMX_MEM_H

#include <stdbool.h>
#include <stddef.h>

#include "attr.h"

void *mem_calloc(size_t count, size_t size) NODISCARD RETURNS_NONNULL;
void *mem_realloc(void *old, size_t count, size_t size) NODISCARD RETURNS_NONNULL;
char *mem_strdup(const char *s) NODISCARD RETURNS_NONNULL;

/* Copies `src` with its NUL into dst[size]; false (and a cut copy) when it does not fit. */
bool str_copy(char *dst, size_t size, const char *src);

#endif
