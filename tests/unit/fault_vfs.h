/*
 * Purpose:   SQLite's own file layer with a hook before and after each write and fsync, for the
 *            store's tests: the hook can fail the call, kill the process, or copy what has been
 *            synced.
 * Thread:    one.   Ownership: static; the names belong to SQLite while the file is open.
 */
#ifndef COLDMX_TEST_FAULT_VFS_H
#define COLDMX_TEST_FAULT_VFS_H

#include <sqlite3.h>
#include <stdbool.h>
#include <string.h>

#include "../../common/base/attr.h"

enum fault_point { FAULT_BEFORE_WRITE, FAULT_AFTER_WRITE, FAULT_BEFORE_SYNC, FAULT_AFTER_SYNC };

#define FAULT_FILES 8

struct fault_file {
	sqlite3_file *file;
	const char *name;
	const sqlite3_io_methods *real;
	sqlite3_io_methods mine;
};

/* Returns SQLITE_OK, or the code that the call returns instead. */
typedef int fault_hook(enum fault_point point, struct fault_file *file);

static struct fault_file fault_files[FAULT_FILES];
static fault_hook *fault_do;

static struct fault_file *fault_find(sqlite3_file *file)
{
	for (size_t i = 0; i < FAULT_FILES; i++)
		if (fault_files[i].file == file)
			return &fault_files[i];
	bug_abort(__FILE__, __LINE__, "more files than slots");
}

static int fault_at(enum fault_point point, struct fault_file *f)
{
	return fault_do ? fault_do(point, f) : SQLITE_OK;
}

static int fault_write(sqlite3_file *file, const void *bytes, int len, sqlite3_int64 offset)
{
	struct fault_file *f = fault_find(file);
	int rc = fault_at(FAULT_BEFORE_WRITE, f);
	if (rc == SQLITE_OK)
		rc = f->real->xWrite(file, bytes, len, offset);
	return rc == SQLITE_OK ? fault_at(FAULT_AFTER_WRITE, f) : rc;
}

static int fault_sync(sqlite3_file *file, int flags)
{
	struct fault_file *f = fault_find(file);
	int rc = fault_at(FAULT_BEFORE_SYNC, f);
	if (rc == SQLITE_OK)
		rc = f->real->xSync(file, flags);
	return rc == SQLITE_OK ? fault_at(FAULT_AFTER_SYNC, f) : rc;
}

static int fault_close(sqlite3_file *file)
{
	struct fault_file *f = fault_find(file);
	file->pMethods = f->real;
	f->file = NULL;
	return file->pMethods->xClose(file);
}

static int fault_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
	sqlite3_vfs *real = vfs->pNext;
	while (strcmp(real->zName, "unix") != 0)
		real = real->pNext;
	int rc = real->xOpen(real, name, file, flags, out);
	if (rc != SQLITE_OK || !file->pMethods)
		return rc;
	struct fault_file *f = fault_find(NULL);
	f->file = file;
	f->name = name;
	f->real = file->pMethods;
	f->mine = *file->pMethods;
	f->mine.xWrite = fault_write;
	f->mine.xSync = fault_sync;
	f->mine.xClose = fault_close;
	file->pMethods = &f->mine;
	return SQLITE_OK;
}

/* From now on every database of this process goes through the hook. */
static void fault_install(void)
{
	static sqlite3_vfs vfs;
	vfs = *sqlite3_vfs_find("unix");
	vfs.zName = "fault";
	vfs.xOpen = fault_open;
	BUG_ON(sqlite3_vfs_register(&vfs, 1) != SQLITE_OK);
}

#endif
