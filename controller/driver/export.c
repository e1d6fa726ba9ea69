/* A message that the primary refuses for good: envelope and content to a file here, fsynced, read back, hashed. Only
 * then may it leave the standby's queue. The same message exported twice is the same file. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../../common/base/file.h"
#include "../../common/base/sha256.h"
#include "drivers.h"

#define MESSAGE_MAX_BYTES (128 * 1024 * 1024)

static enum err_code keep(const char *dir, const char *path, const struct strbuf *message, char *hex, struct err *e)
{
	char *back = NULL;
	size_t len = 0;
	uint8_t want[SHA256_BYTES], have[SHA256_BYTES];
	if (mkdir(dir, 0700) && errno != EEXIST)
		return err_set_errno(e, ERR_LOCAL, errno, "stranded list: %s", dir);
	enum err_code rc = file_sync_dir(dir, e);
	if (!rc)
		rc = file_replace(path, message->data, message->len, 0600, e);
	if (!rc)
		rc = file_read(path, MESSAGE_MAX_BYTES, FILE_SECRET, &back, &len, e);
	if (rc)
		return rc;
	sha256_of(message->data, message->len, want);
	sha256_of(back, len, have);
	free(back);
	if (memcmp(want, have, sizeof(want)) != 0)
		return err_set(e, ERR_LOCAL, "%s: reads back differently", path);
	sha256_hex(have, hex);
	return ERR_OK;
}

void export_run(const struct driver_pair *pair, const struct verb *verb, const struct job_wait *wait,
		struct ssh_session **kept, struct outcome *out)
{
	const struct verb_export *queue = &verb->u.queue;
	struct strbuf message = STRBUF_INIT;
	char words[NAME_MAX_LEN + 16], dir[300], path[420], hex[SHA256_HEX_SIZE];
	snprintf(words, sizeof(words), "queue export %s", queue->queue_id);
	snprintf(dir, sizeof(dir), "%.200s/%.64s", pair->stranded_dir, pair->name);
	snprintf(path, sizeof(path), "%s/%llu-%s.eml", dir, (unsigned long long)verb->op, queue->queue_id);
	struct ssh_command cmd = { .words = words, .out = &message, .out_max = MESSAGE_MAX_BYTES, .whole = true };
	enum err_code rc = session_run(&pair->host[queue->target], &cmd, wait, kept, &out->err);
	if (!rc && !message.len)
		rc = err_set(&out->err, ERR_FAILED, "queue export %s: the message is empty", queue->queue_id);
	if (!rc)
		rc = keep(dir, path, &message, hex, &out->err);
	if (!rc)
		memcpy(out->u.text, hex, sizeof(hex));
	strbuf_fini(&message);
}
