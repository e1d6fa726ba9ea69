/*
 * Purpose:   the recipient maps of a primary, read from the sources of Postfix's tables, as a map bundle.
 * Not its job: the bundle's format (common/proto/maps.h), sending it (poller.h).
 * Thread:    any; blocks on files and, without lists in the configuration, on postconf (10 s at most).
 * Ownership: `out` is the caller's.
 * Errors:    ERR_INVALID naming file and line, or the table that cannot be read (SQL, LDAP, patterns);
 *            those of file_read. Nothing is exported by halves: a map that is missing would be mail refused.
 */
#ifndef COLDMX_AGENT_EXPORT_H
#define COLDMX_AGENT_EXPORT_H

#include "config.h"

enum err_code export_maps(const struct agent_config *c, struct strbuf *out, struct err *e) NODISCARD;

#endif
