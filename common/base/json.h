/*
 * Purpose:   streaming JSON text out: commas, escapes and nesting are kept right, nothing is
 *            built in memory but the text.
 * Not its job: parsing (jansson).
 * Thread:    any (one owner).   Ownership: the text is the caller's strbuf; a writer is a value.
 * Errors:    none; wrong nesting is our own mistake: BUG_ON.
 * Note:      json_string, json_null and json_object_... belong to jansson, which is linked beside
 *            this.
 *
 * `key` is NULL inside an array and for the outermost value. Bytes that are no UTF-8 become
 * U+FFFD.
 */
#ifndef COLDMX_JSON_H
#define COLDMX_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "strbuf.h"

#define JSON_DEPTH_MAX 16

struct json {
	struct strbuf *out;
	int depth;
	bool some[JSON_DEPTH_MAX]; /* this level has a member already */
};

void json_init(struct json *j, struct strbuf *out);
void json_open_object(struct json *j, const char *key);
void json_close_object(struct json *j);
void json_open_array(struct json *j, const char *key);
void json_close_array(struct json *j);
void json_put_string(struct json *j, const char *key, const char *value);
void json_put_string_len(struct json *j, const char *key, const char *value, size_t len);
void json_put_int(struct json *j, const char *key, int64_t value);
void json_put_uint(struct json *j, const char *key, uint64_t value);
void json_put_bool(struct json *j, const char *key, bool value);
void json_put_null(struct json *j, const char *key);
/* Text that is JSON already. */
void json_put_raw(struct json *j, const char *key, const char *text, size_t len);

#endif
