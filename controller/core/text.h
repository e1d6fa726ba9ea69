/*
 * Purpose:   reading and writing the `key=value` lines that journal bodies and plans are made of.
 * Not its job: JSON for surfaces.
 * Thread:    any.   Ownership: views into the caller's text; nothing is allocated.
 * Errors:    text_next returns false at the end; ERR_INVALID from the typed getters, naming the key.
 */
#ifndef COLDMX_TEXT_H
#define COLDMX_TEXT_H

#include "../../common/base/strbuf.h"
#include "../verb.h"

struct text_line {
	char key[NAME_MAX_LEN];
	const char *value; /* not NUL-terminated */
	size_t value_len;
};

/* Advances *at past one line; skips lines without "=". */
bool text_next(const char **at, struct text_line *line);
bool text_is(const struct text_line *line, const char *key);
/* Copies the value; false when it does not fit. */
bool text_copy(const struct text_line *line, char *out, size_t size);
bool text_u64(const struct text_line *line, uint64_t *out);
bool text_i64(const struct text_line *line, int64_t *out);
/* First value of `key` in `text` into out; false when absent. */
bool text_find(const char *text, const char *key, char *out, size_t size);
/* Writes "key=value\n"; control characters in the value become spaces. */
void text_put(struct strbuf *out, const char *key, const char *value);
void text_put_i64(struct strbuf *out, const char *key, int64_t value);

/* "300 10:mx1.example.test 20:mx2.example.test" */
void text_put_mx_set(struct strbuf *out, const char *key, const struct mx_set *set);
bool text_mx_set(const struct text_line *line, struct mx_set *out);

#endif
