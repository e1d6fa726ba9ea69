/*
 * Purpose:   what the files config*.c share: the rows, and the checks that need more than one of them.
 * Not its job: being included by anybody else, tests of the rows excepted.
 * Thread:    before the others start.   Ownership: static rows.   Errors: as config.h.
 */
#ifndef COLDMX_CONFIG_ROWS_H
#define COLDMX_CONFIG_ROWS_H

#include "config.h"

extern const struct conf_section config_section;

/* What the values mean together. */
enum err_code config_check(const struct config *c, const struct conf_doc *doc, struct err *e) NODISCARD;
/* Reads harden_dir: names, "# BLOCK", "# phase:". */
enum err_code config_read_controls(struct config *c, const struct conf_doc *doc, struct err *e) NODISCARD;
/* Reads every secret file. */
enum err_code config_read_secrets(struct config *c, const struct conf_doc *doc, struct err *e) NODISCARD;
void config_wipe_secrets(struct config *c);

#endif
