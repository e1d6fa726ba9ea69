/* The file `held` in the state folder keeps what the site had set. It is there before the setting changes, and goes after
 * it changed back: a crash in between ends as held, or with the same value written twice. */
#include "delivery.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../common/base/file.h"
#include "../common/base/mem.h"
#include "child.h"
#include "state.h"

#define HELD "held"
#define HELD_BYTES_MAX 4096
#define BLANKS " \t\r\n"

bool delivery_must_wait(const struct agent_config *c, const struct rights_answer *may)
{
	return c->role == RIGHTS_PRIMARY && may->may_accept && !may->may_own;
}

bool delivery_is_held(const struct agent_config *c)
{
	char path[PATH_MAX];
	state_path(c->state_dir, HELD, path, sizeof(path));
	return access(path, F_OK) == 0;
}

/* Programs of Debian's /usr/lib/postfix that deliver; a transport is a service that runs one of them. */
static bool delivers(const char *program)
{
	static const char *const programs[] = { "smtp", "lmtp", "local", "virtual", "pipe", NULL };
	for (size_t i = 0; programs[i]; i++)
		if (strcmp(programs[i], program) == 0)
			return true;
	return false;
}

/* "name unix private unprivileged chroot wakeup limit program arguments..." */
static void add_transport(char *line, struct strbuf *out)
{
	char *save = NULL, *field[8];
	size_t n = 0;
	for (char *word = strtok_r(line, BLANKS, &save); word && n < ARRAY_LEN(field);
	     word = strtok_r(NULL, BLANKS, &save))
		field[n++] = word;
	if (n == ARRAY_LEN(field) && strcmp(field[1], "unix") == 0 && delivers(field[7]))
		strbuf_addf(out, "%s%s", out->len ? " " : "", field[0]);
}

static enum err_code list_transports(const struct agent_config *c, struct strbuf *out, struct err *e)
{
	const char *const argv[] = { c->maps.postconf, "-M", NULL };
	struct strbuf said = STRBUF_INIT;
	char *save = NULL;
	enum err_code rc = child_run(argv, NULL, &said, e);
	for (char *line = rc == ERR_OK && said.len ? strtok_r(said.data, "\n", &save) : NULL; line;
	     line = strtok_r(NULL, "\n", &save))
		add_transport(line, out);
	strbuf_fini(&said);
	if (rc == ERR_OK && !out->len)
		rc = err_set(e, ERR_FAILED, "%s -M names no transport", c->maps.postconf);
	return rc;
}

static enum err_code set_deferred(const struct agent_config *c, const char *transports, struct err *e)
{
	struct strbuf setting = STRBUF_INIT, said = STRBUF_INIT;
	strbuf_addf(&setting, "defer_transports=%s", transports);
	const char *const argv[] = { c->maps.postconf, "-e", strbuf_str(&setting), NULL };
	enum err_code rc = child_run(argv, NULL, &said, e);
	strbuf_fini(&setting);
	strbuf_fini(&said);
	return rc;
}

static enum err_code hold(const struct agent_config *c, const char *path, struct err *e)
{
	const char *const argv[] = { c->maps.postconf, "-h", "defer_transports", NULL };
	struct strbuf before = STRBUF_INIT, all = STRBUF_INIT;
	enum err_code rc = list_transports(c, &all, e);
	if (rc == ERR_OK && !delivery_is_held(c)) {
		rc = child_run(argv, NULL, &before, e);
		if (rc == ERR_OK)
			rc = file_replace(path, strbuf_str(&before), before.len, 0644, e);
	}
	if (rc == ERR_OK)
		rc = set_deferred(c, strbuf_str(&all), e);
	strbuf_fini(&before);
	strbuf_fini(&all);
	return rc;
}

static enum err_code give_back(const struct agent_config *c, const char *path, struct err *e)
{
	char *before = NULL;
	enum err_code rc = file_read(path, HELD_BYTES_MAX, FILE_ANY, &before, NULL, e);
	if (rc != ERR_OK)
		return rc;
	before[strcspn(before, "\n")] = '\0';
	rc = set_deferred(c, before, e);
	free(before);
	if (rc == ERR_OK && unlink(path) < 0 && errno != ENOENT)
		rc = err_set_errno(e, ERR_LOCAL, errno, "remove %s", path);
	return rc;
}

enum err_code delivery_set(const struct agent_config *c, bool held, struct err *e)
{
	char path[PATH_MAX];
	enum err_code rc = ERR_OK;
	state_path(c->state_dir, HELD, path, sizeof(path));
	if (held)
		rc = hold(c, path, e);
	else if (delivery_is_held(c))
		rc = give_back(c, path, e);
	return rc == ERR_OK ? rc : err_wrap(e, held ? "hold delivery" : "give delivery back");
}
