/*
 * Purpose:   whole files: read one with a size limit and checks of owner and mode; replace one so
 *            that after any crash there is the old content or the new.
 * Not its job: parsing, directories, wiping what was read (the caller of FILE_SECRET wipes).
 * Thread:    any; one writer a path. Blocks on the disk.
 * Ownership: *out is the caller's, freed with free().
 * Errors:    ERR_NOT_FOUND, ERR_DENIED (may not, or the file is not to be trusted), ERR_INVALID
 *            (not a regular file, too large, grew meanwhile), ERR_LOCAL (disk). The text names
 *            the path.
 */
#ifndef COLDMX_FILE_H
#define COLDMX_FILE_H

#include <sys/types.h>

#include "err.h"

enum file_check {
	FILE_ANY = 0,
	FILE_OWNED = 1,  /* owner root or this user, not writable by group or others */
	FILE_SECRET = 2, /* FILE_OWNED, and others may not even read it (the group may) */
};

/* Looks at the file by name without opening it: closing a descriptor would drop POSIX locks. */
enum err_code file_check(const char *path, enum file_check check, struct err *e) NODISCARD;

/* The whole file with a NUL behind it; `len` may be NULL. Files whose size reads as 0 (/proc) work
 * too. */
enum err_code file_read(const char *path, size_t max_bytes, enum file_check check, char **out, size_t *len,
			struct err *e) NODISCARD;

/* Writes PATH.tmp, fsync, rename, fsync of the directory. After an error the old file is still
 * whole; only when the last fsync failed may either one be there after a power loss. */
enum err_code file_replace(const char *path, const void *bytes, size_t len, mode_t mode, struct err *e) NODISCARD;

/* fsync of the directory that holds `path`: makes a new, renamed or removed name durable. */
enum err_code file_sync_dir(const char *path, struct err *e) NODISCARD;

#endif
