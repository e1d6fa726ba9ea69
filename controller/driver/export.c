/* A message that the primary refuses for good: envelope and content stream into a file here, are
 * fsynced, renamed, read back and hashed. Only then may it leave the standby's queue. The same
 * message exported twice is the same file. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../common/base/file.h"
#include "../../common/base/mem.h"
#include "../../common/base/sha256.h"
#include "drivers.h"

#define MESSAGE_MAX_BYTES ((size_t)1 << 30)

struct export
{
	char path[512], tmp[520];
	int fd;
	size_t written;
};

/* The id comes from the standby, and becomes a file name here. */
static bool is_queue_id(const char *id)
{
	size_t n = strspn(id, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

	return n > 0 && !id[n];
}

static enum err_code make_dir(const char *dir, struct err *e)
{
	if (mkdir(dir, 0700) == 0)
		return file_sync_dir(dir, e);
	return errno == EEXIST ? ERR_OK : err_set_errno(e, ERR_LOCAL, errno, "stranded list: %s", dir);
}

static enum err_code begin(struct export *x, const struct driver_pair *pair, const struct verb *verb, struct err *e)
{
	char dir[400];
	enum err_code rc = make_dir(pair->stranded_dir, e);
	int n = snprintf(dir, sizeof(dir), "%s/%s", pair->stranded_dir, pair->name);

	if (rc)
		return rc;
	if (n < 0 || (size_t)n >= sizeof(dir))
		return err_set(e, ERR_INVALID, "stranded list: the path is too long");
	rc = make_dir(dir, e);
	if (rc)
		return rc;
	snprintf(x->path, sizeof(x->path), "%s/%llu-%s.eml", dir, (unsigned long long)verb->op, verb->u.queue.queue_id);
	snprintf(x->tmp, sizeof(x->tmp), "%s.tmp", x->path);
	x->fd = open(x->tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	return x->fd < 0 ? err_set_errno(e, ERR_LOCAL, errno, "%s", x->tmp) : ERR_OK;
}

static enum err_code append(void *arg, const char *bytes, size_t len, struct err *e)
{
	struct export *x = arg;

	for (size_t done = 0; done < len;) {
		ssize_t n = write(x->fd, bytes + done, len - done);

		if (n < 0 && errno != EINTR)
			return err_set_errno(e, ERR_LOCAL, errno, "%s", x->tmp);
		if (n > 0)
			done += (size_t)n;
	}
	x->written += len;
	return ERR_OK;
}

static enum err_code settle(struct export *x, struct err *e)
{
	if (!x->written)
		return err_set(e, ERR_FAILED, "%s: the exported message is empty", x->path);
	if (fsync(x->fd))
		return err_set_errno(e, ERR_LOCAL, errno, "%s", x->tmp);
	if (rename(x->tmp, x->path))
		return err_set_errno(e, ERR_LOCAL, errno, "%s", x->path);
	return file_sync_dir(x->path, e);
}

/* By a descriptor of its own, from what the name leads to now. */
static enum err_code hash_file(const struct export *x, char hex[SHA256_HEX_SIZE], struct err *e)
{
	uint8_t hash[SHA256_BYTES];
	char buf[16384];
	struct sha256 sha;
	size_t total = 0;
	ssize_t n;
	int fd = open(x->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return err_set_errno(e, ERR_LOCAL, errno, "%s", x->path);
	sha256_init(&sha);
	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		sha256_add(&sha, buf, (size_t)n);
		total += (size_t)n;
	}
	int errnum = errno;
	close(fd);
	sha256_final(&sha, hash);
	sha256_hex(hash, hex);
	if (n < 0)
		return err_set_errno(e, ERR_LOCAL, errnum, "%s", x->path);
	if (total != x->written)
		return err_set(e, ERR_LOCAL, "%s: %zu bytes read back of %zu", x->path, total, x->written);
	return ERR_OK;
}

/* A run that found and kept an earlier file must not be undone by a failed one: only tmp goes. */
static void end(struct export *x, enum err_code rc)
{
	if (x->fd >= 0)
		close(x->fd);
	if (x->fd >= 0 && rc)
		(void)unlink(x->tmp);
}

void export_run(const struct driver_pair *pair, const struct verb *verb, const struct job_wait *wait,
		struct ssh_session **kept, struct outcome *out)
{
	const struct verb_export *queue = &verb->u.queue;
	char words[NAME_MAX_LEN + 16], hex[SHA256_HEX_SIZE];
	struct export x = { .fd = -1 };
	struct ssh_command cmd = {
		.words = words, .out_max = MESSAGE_MAX_BYTES, .whole = true, .sink = append, .sink_arg = &x
	};

	if (!is_queue_id(queue->queue_id)) {
		(void)err_set(&out->err, ERR_INVALID, "%s: not a queue id: letters and digits only",
			      pair->host[queue->target].name);
		return;
	}
	snprintf(words, sizeof(words), "queue export %s", queue->queue_id);
	enum err_code rc = begin(&x, pair, verb, &out->err);
	if (!rc)
		rc = session_run(&pair->host[queue->target], &cmd, wait, kept, &out->err);
	if (!rc)
		rc = settle(&x, &out->err);
	if (!rc)
		rc = hash_file(&x, hex, &out->err);
	if (!rc)
		(void)str_copy(out->u.text, sizeof(out->u.text), hex);
	end(&x, rc);
}
