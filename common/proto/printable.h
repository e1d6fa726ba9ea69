/*
 * Purpose:   makes a peer's bytes fit for a log line and a terminal.
 * Thread:    any.   Ownership: none.   Errors: none; what does not fit is cut.
 */
#ifndef COLDMX_PRINTABLE_H
#define COLDMX_PRINTABLE_H

#include <stddef.h>

/* Copies printable ASCII and spaces; each other byte becomes '?': a peer's escape sequence must not
 * reach a terminal. Always NUL-terminated. */
void proto_printable(char *dst, size_t size, const char *src, size_t len);

#endif
