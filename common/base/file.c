/* Reading asks the open descriptor, not the name, for owner and mode: what was checked is what is
 * read. */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mem.h"

static enum err_code fail(struct err *e, int errnum, const char *doing, const char *path)
{
	enum err_code code = ERR_LOCAL;
	if (errnum == ENOENT || errnum == ENOTDIR)
		code = ERR_NOT_FOUND;
	else if (errnum == EACCES || errnum == EPERM || errnum == EROFS)
		code = ERR_DENIED;
	return err_set_errno(e, code, errnum, "%s %s", doing, path);
}

static enum err_code check_stat(const char *path, const struct stat *st, enum file_check check, struct err *e)
{
	unsigned mode = st->st_mode & 07777;
	if (!S_ISREG(st->st_mode))
		return err_set(e, ERR_INVALID, "%s is not a regular file", path);
	if (check == FILE_ANY)
		return ERR_OK;
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return err_set(e, ERR_DENIED, "%s belongs to uid %u: it must belong to root or to uid %u", path,
			       (unsigned)st->st_uid, (unsigned)geteuid());
	if (mode & 022)
		return err_set(e, ERR_DENIED, "%s is writable by others (mode %04o): chmod go-w it", path, mode);
	if (check == FILE_SECRET && (mode & 07))
		return err_set(e, ERR_DENIED, "%s is a secret and readable by others (mode %04o): chmod o= it", path,
			       mode);
	return ERR_OK;
}

enum err_code file_check(const char *path, enum file_check check, struct err *e)
{
	struct stat st;
	if (stat(path, &st) < 0)
		return fail(e, errno, "stat", path);
	return check_stat(path, &st, check, e);
}

static ssize_t read_full(int fd, char *buf, size_t size)
{
	size_t have = 0;
	while (have < size) {
		ssize_t n = read(fd, buf + have, size - have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		have += (size_t)n;
	}
	return (ssize_t)have;
}

/* One allocation of the right size: a growing buffer would leave copies of a secret behind. */
static enum err_code read_open(int fd, const char *path, size_t max_bytes, char **out, size_t *len, struct err *e)
{
	char *buf = mem_calloc(max_bytes + 1, 1);
	ssize_t got = read_full(fd, buf, max_bytes + 1);
	if (got >= 0 && (size_t)got <= max_bytes) {
		buf[got] = '\0';
		*out = buf;
		if (len)
			*len = (size_t)got;
		return ERR_OK;
	}
	enum err_code rc =
		got < 0 ? fail(e, errno, "read", path)
			: err_set(e, ERR_INVALID, "%s has more than the %zu bytes expected", path, max_bytes);
	explicit_bzero(buf, max_bytes + 1);
	free(buf);
	return rc;
}

enum err_code file_read(const char *path, size_t max_bytes, enum file_check check, char **out, size_t *len,
			struct err *e)
{
	struct stat st;
	/* O_NONBLOCK: a FIFO in place of the file must not hang us. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return fail(e, errno, "open", path);
	enum err_code rc = fstat(fd, &st) < 0 ? fail(e, errno, "stat", path) : check_stat(path, &st, check, e);
	if (rc == ERR_OK && st.st_size > 0 && (uintmax_t)st.st_size > max_bytes)
		rc = err_set(e, ERR_INVALID, "%s has %jd bytes: at most %zu are read", path, (intmax_t)st.st_size,
			     max_bytes);
	if (rc == ERR_OK)
		rc = read_open(fd, path, st.st_size > 0 ? (size_t)st.st_size : max_bytes, out, len, e);
	close(fd);
	return rc;
}

static int write_full(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t n = write(fd, bytes, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

static enum err_code write_tmp(const char *tmp, const void *bytes, size_t len, mode_t mode, struct err *e)
{
	/* A tmp left by a crash is stale; a symlink put in its place is not followed. */
	if (unlink(tmp) < 0 && errno != ENOENT)
		return fail(e, errno, "remove stale", tmp);
	int fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return fail(e, errno, "create", tmp);
	enum err_code rc = ERR_OK;
	if (write_full(fd, bytes, len) < 0)
		rc = fail(e, errno, "write", tmp);
	else if (fchmod(fd, mode) < 0)
		rc = fail(e, errno, "chmod", tmp);
	else if (fsync(fd) < 0)
		rc = fail(e, errno, "fsync", tmp);
	if (close(fd) < 0 && rc == ERR_OK)
		rc = fail(e, errno, "close", tmp);
	if (rc != ERR_OK)
		unlink(tmp);
	return rc;
}

enum err_code file_replace(const char *path, const void *bytes, size_t len, mode_t mode, struct err *e)
{
	char tmp[PATH_MAX];
	int n = snprintf(tmp, sizeof(tmp), "%s.tmp", path);
	if (n < 0 || (size_t)n >= sizeof(tmp))
		return err_set(e, ERR_INVALID, "path too long: %.200s...", path);
	enum err_code rc = write_tmp(tmp, bytes, len, mode, e);
	if (rc != ERR_OK)
		return rc;
	if (rename(tmp, path) < 0) {
		rc = fail(e, errno, "rename over", path);
		unlink(tmp);
		return rc;
	}
	return file_sync_dir(path, e);
}

enum err_code file_sync_dir(const char *path, struct err *e)
{
	char dir[PATH_MAX];
	if (!str_copy(dir, sizeof(dir), path))
		return err_set(e, ERR_INVALID, "path too long: %.200s...", path);
	char *slash = strrchr(dir, '/');
	if (!slash)
		memcpy(dir, ".", 2);
	else
		slash[slash == dir] = '\0';
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return fail(e, errno, "open directory", dir);
	enum err_code rc = fsync(fd) < 0 ? fail(e, errno, "fsync directory", dir) : ERR_OK;
	close(fd);
	return rc;
}
