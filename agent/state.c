/* Read, compare and replace happen under one lock: otherwise the daemon, asking the controller, could put an older
 * record over one that `grant` has just stored. */
#include "state.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../common/base/clock.h"
#include "../common/base/file.h"
#include "../common/base/mem.h"
#include "../common/net/wait.h"

#define LOCK_WAIT_MS 10000
#define LOCK_TRY_MS 50
#define STATE_MODE 0644 /* root writes what the daemon reads; nothing here is secret */

enum err_code state_boot_id(char out[RIGHTS_BOOT_ID_SIZE], struct err *e)
{
	char *text = NULL;
	enum err_code rc = file_read("/proc/sys/kernel/random/boot_id", 64, FILE_ANY, &text, NULL, e);
	if (rc != ERR_OK)
		return rc;
	text[strcspn(text, "\n")] = '\0';
	if (!text[0] || !str_copy(out, RIGHTS_BOOT_ID_SIZE, text))
		rc = err_set(e, ERR_LOCAL, "the kernel's boot id is unusable");
	free(text);
	return rc;
}

void state_path(const char *dir, const char *name, char *out, size_t size)
{
	int n = snprintf(out, size, "%s/%s", dir, name);
	BUG_ON(n < 0);
}

enum err_code state_lock(const char *dir, int *fd, struct err *e)
{
	int64_t deadline_ms = clock_boot_ms() + LOCK_WAIT_MS;
	if (mkdir(dir, 0755) < 0 && errno != EEXIST)
		return err_set_errno(e, ERR_LOCAL, errno, "create %s", dir);
	*fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*fd < 0)
		return err_set_errno(e, ERR_LOCAL, errno, "open %s", dir);
	while (flock(*fd, LOCK_EX | LOCK_NB) < 0) {
		int why = errno;
		int64_t now_ms = clock_boot_ms();
		if (why == EINTR)
			continue;
		if (why == EWOULDBLOCK && now_ms < deadline_ms &&
		    net_wait(-1, 0, now_ms + LOCK_TRY_MS, -1, NULL) == ERR_TIMEOUT)
			continue;
		close(*fd);
		*fd = -1;
		return err_set_errno(e, ERR_LOCAL, why, "lock %s", dir);
	}
	return ERR_OK;
}

enum err_code state_read(const char *dir, struct rights_record *out, bool *present, struct err *e)
{
	char path[PATH_MAX];
	char *text = NULL;
	size_t len = 0;
	struct err why = { 0 };
	state_path(dir, "rights", path, sizeof(path));
	*present = false;
	enum err_code rc = file_read(path, RIGHTS_BYTES_MAX, FILE_ANY, &text, &len, &why);
	if (rc == ERR_NOT_FOUND)
		return ERR_OK;
	if (rc == ERR_OK)
		rc = rights_parse(text, len, out, &why);
	free(text);
	*present = rc == ERR_OK;
	return rc == ERR_OK ? ERR_OK : err_set(e, rc, "%s: %s", path, why.text);
}

static enum err_code write_record(const char *dir, const struct rights_record *r, struct err *e)
{
	char path[PATH_MAX];
	struct strbuf text = STRBUF_INIT;
	state_path(dir, "rights", path, sizeof(path));
	rights_format(r, &text);
	enum err_code rc = file_replace(path, text.data, text.len, STATE_MODE, e);
	strbuf_fini(&text);
	return rc;
}

static void confirmed_text(const char *boot_id, uint64_t epoch, char *out, size_t size)
{
	snprintf(out, size, "%s %" PRIu64 "\n", boot_id, epoch);
}

bool state_confirmed(const char *dir, const char *boot_id, uint64_t epoch)
{
	char path[PATH_MAX], want[128];
	char *is = NULL;
	state_path(dir, "confirmed", path, sizeof(path));
	confirmed_text(boot_id, epoch, want, sizeof(want));
	bool same = file_read(path, sizeof(want), FILE_ANY, &is, NULL, NULL) == ERR_OK && strcmp(is, want) == 0;
	free(is);
	return same;
}

/* The last that was confirmed, in whatever boot; 0 = none. */
static uint64_t confirmed_epoch(const char *dir)
{
	char path[PATH_MAX];
	char *is = NULL;
	state_path(dir, "confirmed", path, sizeof(path));
	const char *blank = file_read(path, 128, FILE_ANY, &is, NULL, NULL) == ERR_OK ? strrchr(is, ' ') : NULL;
	uint64_t epoch = blank ? strtoull(blank + 1, NULL, 10) : 0;
	free(is);
	return epoch;
}

enum err_code state_prepare(const char *dir, struct err *e)
{
	char path[PATH_MAX];
	state_path(dir, "confirmed", path, sizeof(path));
	return access(path, F_OK) == 0 ? ERR_OK : file_replace(path, "", 0, STATE_MODE, e);
}

static enum err_code confirm(const char *dir, const char *boot_id, uint64_t epoch, struct err *e)
{
	char path[PATH_MAX], text[128];
	if (state_confirmed(dir, boot_id, epoch))
		return ERR_OK;
	state_path(dir, "confirmed", path, sizeof(path));
	confirmed_text(boot_id, epoch, text, sizeof(text));
	return file_replace(path, text, strlen(text), STATE_MODE, e);
}

static enum err_code store_locked(const char *dir, const struct rights_record *r, const char *boot_id, struct err *e)
{
	struct rights_record current;
	bool present;
	enum err_code rc = state_read(dir, &current, &present, e);
	if (rc == ERR_OK)
		rc = rights_accept_new(present ? &current : NULL, r, e);
	/* In this order: whoever watches the record finds it confirmed. Alone, a confirmation says nothing. */
	if (rc == ERR_OK)
		rc = confirm(dir, boot_id, r->epoch, e);
	if (rc == ERR_OK && !(present && rights_same(&current, r)))
		rc = write_record(dir, r, e);
	return rc;
}

enum err_code state_store(const char *dir, const struct rights_record *r, const char *boot_id, struct err *e)
{
	int lock;
	enum err_code rc = state_lock(dir, &lock, e);
	if (rc != ERR_OK)
		return rc;
	rc = store_locked(dir, r, boot_id, e);
	close(lock);
	return rc;
}

static enum err_code learn_locked(const char *dir, enum rights_place me, struct rights_record *r, bool *raised,
				  struct err *e)
{
	struct rights_record is;
	bool present;
	enum err_code rc = state_read(dir, &is, &present, e);
	if (rc == ERR_OK)
		rc = rights_learn(present ? &is : NULL, me, r, raised, e);
	return rc == ERR_OK && *raised ? write_record(dir, r, e) : rc;
}

enum err_code state_learn(const char *dir, enum rights_place me, const struct rights_record *r, bool *raised,
			  struct err *e)
{
	struct rights_record seen = *r;
	int lock;
	*raised = false;
	enum err_code rc = state_lock(dir, &lock, e);
	if (rc != ERR_OK)
		return rc;
	rc = learn_locked(dir, me, &seen, raised, e);
	close(lock);
	return rc;
}

static enum err_code log_break_glass(const char *dir, const char *reason, uint64_t epoch, struct err *e)
{
	char path[PATH_MAX], when[32];
	state_path(dir, "break-glass", path, sizeof(path));
	clock_format_utc(clock_wall_ms(), when, sizeof(when));
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, STATE_MODE);
	if (fd < 0)
		return err_set_errno(e, ERR_LOCAL, errno, "open %s", path);
	bool ok = dprintf(fd, "%s uid=%u epoch=%" PRIu64 " %s\n", when, (unsigned)getuid(), epoch, reason) > 0 &&
		  fsync(fd) == 0;
	int why = errno;
	close(fd);
	return ok ? ERR_OK : err_set_errno(e, ERR_LOCAL, why, "write %s", path);
}

/* "EPOCH REASON" */
static enum err_code note_glass(const char *dir, const char *reason, uint64_t epoch, struct err *e)
{
	char path[PATH_MAX];
	struct strbuf text = STRBUF_INIT;
	state_path(dir, "glass", path, sizeof(path));
	strbuf_addf(&text, "%" PRIu64 " %s\n", epoch, reason);
	enum err_code rc = file_replace(path, text.data, text.len, STATE_MODE, e);
	strbuf_fini(&text);
	return rc;
}

bool state_glass(const char *dir, uint64_t epoch, char *reason, size_t size)
{
	char path[PATH_MAX], want[32];
	char *is = NULL;
	state_path(dir, "glass", path, sizeof(path));
	int n = snprintf(want, sizeof(want), "%" PRIu64 " ", epoch);
	bool same = file_read(path, 1024, FILE_ANY, &is, NULL, NULL) == ERR_OK && strncmp(is, want, (size_t)n) == 0;
	if (same) {
		is[strcspn(is, "\n")] = '\0';
		(void)str_copy(reason, size, is + n);
	}
	free(is);
	return same;
}

enum err_code state_break_glass(const char *dir, const char *pair, enum rights_place role, const char *reason,
				struct err *e)
{
	struct rights_record was, r;
	char boot_id[RIGHTS_BOOT_ID_SIZE];
	bool present;
	int lock = -1;
	enum err_code rc = state_boot_id(boot_id, e);
	if (rc == ERR_OK)
		rc = state_lock(dir, &lock, e);
	if (rc != ERR_OK)
		return rc;
	/* A damaged record is one of the reasons for breaking the glass: then what was confirmed last says how high. The other
	 * host obeys it once it asks this one, and the controller plans above it. */
	bool readable = state_read(dir, &was, &present, NULL) == ERR_OK && present;
	rights_break_glass(readable ? &was : NULL, confirmed_epoch(dir), role, &r);
	(void)str_copy(r.pair, sizeof(r.pair), pair);
	r.issued_ms = clock_wall_ms();
	rc = log_break_glass(dir, reason, r.epoch, e);
	if (rc == ERR_OK)
		rc = note_glass(dir, reason, r.epoch, e);
	if (rc == ERR_OK)
		rc = confirm(dir, boot_id, r.epoch, e);
	if (rc == ERR_OK)
		rc = write_record(dir, &r, e);
	close(lock);
	return rc;
}
