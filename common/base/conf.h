/*
 * Purpose:   configuration as typed rows: one row a key, with type, unit, default, bounds and
 *            help, from which loading, checking, printing, the sample and the manual page follow.
 * Not its job: what the values mean together (controller/config_check.c).
 * Thread:    any; blocks on the disk.   Ownership: texts and lists in `base` belong to it:
 *            conf_free_values.
 * Errors:    ERR_INVALID "file:line: what, and what to write instead"; the first one ends the
 *            load.
 * Units:     durations are stored in milliseconds, sizes in bytes. Texts are never NULL.
 * BUGS:      @include is refused: libconfig reads 5000000000 as 705032704, and only the one file
 *            that we read ourselves is searched for such numbers.
 */
#ifndef COLDMX_CONF_H
#define COLDMX_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include "basic.h"
#include "err.h"
#include "strbuf.h"

enum conf_type {
	CONF_BOOL,      /* bool */
	CONF_INT,       /* int */
	CONF_DURATION,  /* int64_t, ms: "300 ms", "5 s", "10 min", "24 h", "7 d" */
	CONF_SIZE,      /* int64_t, bytes: "20 MB", "16 MiB" */
	CONF_STRING,    /* char * */
	CONF_PATH,      /* char *, absolute */
	CONF_NAME,      /* char *: letters, digits, ".", "_", "-" */
	CONF_DOMAIN,    /* char *, lower case, no final dot */
	CONF_RECIPIENT, /* char *, local@domain in the characters that hooks/README.md section 1
			   lets through */
	CONF_ADDR4,     /* char *, literal */
	CONF_ADDR6,     /* char *, literal, canonical */
	CONF_ENDPOINT,  /* struct conf_endpoint: "192.0.2.1:53", "[2001:db8::1]:53", "192.0.2.1" */
	CONF_ENUM,      /* an enum: index into `words` */
	CONF_GROUP,     /* a struct inside the struct: `section` */
	CONF_LIST,      /* pointer to items and size_t count: `section` */
};

struct conf_endpoint {
	char addr[ADDR_TEXT_MAX]; /* "" = off */
	uint16_t port;
};

#define CONF_MAY_BE_OFF 1u /* ENDPOINT: "off" is a value */
#define CONF_SECRET 2u     /* PATH: a regular file that nobody but its owner may read */
#define CONF_FILE 4u       /* PATH: a readable file, not writable by others */
#define CONF_PROGRAM 8u    /* PATH: CONF_FILE that can be run */
#define CONF_FOLDER 16u    /* PATH: a folder, not writable by others */

struct conf_row {
	const char *name; /* NULL in a section whose items are plain values */
	enum conf_type type;
	unsigned flags;
	const char *def;          /* as in the file, without quotes; "" = none; NULL = required */
	int64_t min, max;         /* INT, DURATION, SIZE (stored units); both 0 = no bounds; texts: bytes */
	uint16_t port;            /* ENDPOINT without one */
	const char *const *words; /* ENUM, NULL at the end */
	const struct conf_section *section;
	size_t offset, count_offset;
	const char *help; /* one phrase */
};

struct conf_section {
	const char *what; /* "pair": for messages */
	const struct conf_row *rows;
	size_t nrows, size; /* size of one item */
};

struct conf_doc;

/* `base` is zeroed by the caller, and is to be freed with conf_free_values after errors too. */
enum err_code conf_load(const char *path, const struct conf_section *top, void *base, struct conf_doc **doc,
			struct err *e) NODISCARD;
void conf_doc_free(struct conf_doc *doc);
void conf_free_values(const struct conf_section *section, void *base);

/* ERR_INVALID at the line of `at` ("pairs.[3].standby.v4"), or of the nearest setting around it. */
enum err_code conf_fail(const struct conf_doc *doc, struct err *e, const char *at, const char *fmt, ...)
	PRINTF_LIKE(4, 5);

/* A whole configuration file that loads to the same values; each line says unit and "default" or
 * "set". */
void conf_print(const struct conf_section *top, const void *base, struct strbuf *out);

const char *conf_type_name(enum conf_type type);

/* ---- conf_value.c ---- */
/* Parses `text` into the row's place in `base`; the reason says what to write, without file and
 * line. */
enum err_code conf_value_set(const struct conf_row *row, const char *text, void *base, struct err *e) NODISCARD;
/* As in the file, with quotes where the type has them. */
void conf_value_format(const struct conf_row *row, const void *base, struct strbuf *out);
bool conf_value_is_default(const struct conf_row *row, const void *base);
bool conf_is_text(enum conf_type type); /* stored as char * */
/* `name = "60 s"`: what a right line looks like. */
void conf_value_example(const struct conf_row *row, struct strbuf *out);
bool conf_parse_duration(const char *text, int64_t *out_ms);
bool conf_parse_size(const char *text, int64_t *out_bytes);
void conf_format_duration(int64_t ms, struct strbuf *out); /* with quotes */
void conf_format_size(int64_t bytes, struct strbuf *out);

#endif
