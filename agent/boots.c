/* Each boot of this host, with the order that it was given. The controller judges which of them is an attack signal. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../common/base/clock.h"
#include "../common/base/file.h"
#include "../common/base/mem.h"
#include "state.h"

#define BOOTS_KEPT 200
#define BOOTS_BYTES_MAX 65536
#define NO_ORDER "-"

struct boot {
	char id[RIGHTS_BOOT_ID_SIZE];
	char order[STATE_ORDER_MAX + 1];
	int64_t first_ms;
};

bool state_order_ok(const char *order)
{
	size_t len = strlen(order);
	size_t fit = strspn(order, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-");
	return len == fit && len >= STATE_ORDER_MIN && len <= STATE_ORDER_MAX;
}

enum err_code state_boots(const char *dir, struct strbuf *out, struct err *e)
{
	char path[PATH_MAX];
	char *text = NULL;
	size_t len = 0;
	struct err why = { 0 };
	state_path(dir, "boots", path, sizeof(path));
	enum err_code rc = file_read(path, BOOTS_BYTES_MAX, FILE_ANY, &text, &len, &why);
	if (rc == ERR_NOT_FOUND)
		return ERR_OK;
	if (rc != ERR_OK)
		return err_set(e, rc, "%s", why.text);
	strbuf_add(out, text, len);
	free(text);
	return ERR_OK;
}

static bool parse_boot(const char *line, struct boot *b)
{
	char digits[24], *end;
	*b = (struct boot){ 0 };
	if (sscanf(line, "%39s %64s %23s", b->id, b->order, digits) != 3)
		return false;
	errno = 0;
	b->first_ms = strtoll(digits, &end, 10);
	return end != digits && !*end && errno == 0;
}

/* Lines that do not parse are dropped: a damaged list must not hide the present boot. */
static size_t read_boots(const char *dir, struct boot *boots, struct err *e, enum err_code *rc)
{
	struct strbuf text = STRBUF_INIT;
	size_t n = 0;
	*rc = state_boots(dir, &text, e);
	char *save = NULL;
	for (char *line = text.data ? strtok_r(text.data, "\n", &save) : NULL; line;
	     line = strtok_r(NULL, "\n", &save)) {
		struct boot b;
		if (!parse_boot(line, &b))
			continue;
		if (n == BOOTS_KEPT)
			memmove(boots, boots + 1, --n * sizeof(*boots));
		boots[n++] = b;
	}
	strbuf_fini(&text);
	return n;
}

static enum err_code write_boots(const char *dir, const struct boot *boots, size_t n, struct err *e)
{
	char path[PATH_MAX];
	struct strbuf text = STRBUF_INIT;
	state_path(dir, "boots", path, sizeof(path));
	for (size_t i = n > BOOTS_KEPT ? n - BOOTS_KEPT : 0; i < n; i++)
		strbuf_addf(&text, "%s %s %" PRId64 "\n", boots[i].id, boots[i].order, boots[i].first_ms);
	enum err_code rc = file_replace(path, text.data, text.len, 0644, e);
	strbuf_fini(&text);
	return rc;
}

static struct boot *find_boot(struct boot *boots, size_t n, const char *boot_id)
{
	for (size_t i = n; i-- > 0;)
		if (strcmp(boots[i].id, boot_id) == 0)
			return &boots[i];
	return NULL;
}

static enum err_code note_locked(const char *dir, const char *boot_id, const char *order, struct err *e)
{
	struct boot boots[BOOTS_KEPT + 1];
	enum err_code rc;
	size_t n = read_boots(dir, boots, e, &rc);
	if (rc != ERR_OK)
		return rc;
	struct boot *b = find_boot(boots, n, boot_id);
	if (b && (!order[0] || strcmp(b->order, order) == 0))
		return ERR_OK;
	if (!b) {
		b = &boots[n++];
		*b = (struct boot){ .order = NO_ORDER, .first_ms = clock_wall_ms() };
		(void)str_copy(b->id, sizeof(b->id), boot_id);
	}
	if (order[0])
		(void)str_copy(b->order, sizeof(b->order), order);
	return write_boots(dir, boots, n, e);
}

enum err_code state_note_boot(const char *dir, const char *boot_id, const char *order, struct err *e)
{
	int lock;
	enum err_code rc = state_lock(dir, &lock, e);
	if (rc != ERR_OK)
		return rc;
	rc = note_locked(dir, boot_id, order, e);
	close(lock);
	return rc;
}

enum err_code state_boot_order(const char *dir, const char *boot_id, char *out, size_t size, struct err *e)
{
	struct boot boots[BOOTS_KEPT + 1];
	enum err_code rc;
	size_t n = read_boots(dir, boots, e, &rc);
	const struct boot *b = find_boot(boots, n, boot_id);
	(void)str_copy(out, size, b && strcmp(b->order, NO_ORDER) != 0 ? b->order : "");
	return rc;
}
