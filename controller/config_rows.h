/*
 * Purpose:   what the files config*.c share: the rows, and the checks that need more than one of
 *            them.
 * Not its job: being included by anybody else, tests of the rows excepted.
 * Thread:    before the others start.   Ownership: static rows.   Errors: as config.h.
 */
#ifndef COLDMX_CONFIG_ROWS_H
#define COLDMX_CONFIG_ROWS_H

#include <stddef.h>

#include "config.h"

#define AT(type, field) .offset = offsetof(struct type, field)
#define ROWS(table) .rows = (table), .nrows = ARRAY_LEN(table)
#define LIST_AT(type, items, count) .offset = offsetof(struct type, items), .count_offset = offsetof(struct type, count)
#define SECONDS(n) ((int64_t)(n)*1000)
#define DAYS(n) ((int64_t)(n)*86400000)

extern const struct conf_section config_section;      /* the whole file */
extern const struct conf_section config_pair_section; /* one pair */

/* What the values mean together. */
enum err_code config_check(const struct config *c, const struct conf_doc *doc, struct err *e) NODISCARD;
/* The levels of fencing of one pair. */
enum err_code config_check_fence(const struct config *c, size_t pair, const struct conf_doc *doc,
				 struct err *e) NODISCARD;
/* "key=value": what programs of levels are told. */
bool config_is_parameter(const char *text, size_t len);
/* Asks each fence agent for its metadata, and holds the configuration to it. Runs them, for up to 10 s each. */
enum err_code config_check_agents(const struct config *c, const struct conf_doc *doc, struct err *e) NODISCARD;
/* Reads harden_dir: names, "# BLOCK", "# phase:". */
enum err_code config_read_controls(struct config *c, const struct conf_doc *doc, struct err *e) NODISCARD;
/* Reads every secret file. */
enum err_code config_read_secrets(struct config *c, const struct conf_doc *doc, struct err *e) NODISCARD;
void config_wipe_secrets(struct config *c);

#endif
