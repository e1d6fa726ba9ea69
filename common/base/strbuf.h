/*
 * Purpose:   a growing byte string, always NUL-terminated.
 * Thread:    any (one owner).   Ownership: strbuf_fini frees; strbuf_take gives the bytes away.
 * Errors:    none; out of memory aborts (mem.h).
 */
#ifndef COLDMX_STRBUF_H
#define COLDMX_STRBUF_H

#include <stdarg.h>
#include <stddef.h>

#include "attr.h"

struct strbuf {
	char *data; /* never NULL after the first append; use strbuf_str before */
	size_t len, cap;
};

/* clang-format off */
#define STRBUF_INIT { NULL, 0, 0 }
/* clang-format on */

void strbuf_fini(struct strbuf *sb);
void strbuf_reset(struct strbuf *sb); /* keeps the memory */
void strbuf_add(struct strbuf *sb, const void *bytes, size_t len);
void strbuf_adds(struct strbuf *sb, const char *s);
void strbuf_addc(struct strbuf *sb, char c);
void strbuf_addf(struct strbuf *sb, const char *fmt, ...) PRINTF_LIKE(2, 3);
void strbuf_vaddf(struct strbuf *sb, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);
void strbuf_drop_front(struct strbuf *sb, size_t len);
const char *strbuf_str(const struct strbuf *sb) RETURNS_NONNULL;
char *strbuf_take(struct strbuf *sb) RETURNS_NONNULL; /* caller frees; sb is empty afterwards */

#endif
