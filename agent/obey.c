/* Makes mail follow a record that has just changed. Runs as root from coldmx-agent-obey.path, so that the daemon, which
 * listens to the network, needs no privilege for it. Only the stored record decides: nobody hands a command over.
 *
 * A primary's units are started when their gate had skipped them; what a person or the controller stopped stays down.
 * A standby is never started here: the controller's start-mail holds the queue first. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../common/base/mem.h"
#include "child.h"
#include "commands.h"
#include "delivery.h"
#include "state.h"

#define MAIL_UNIT "postfix@-.service"
#define OWN_UNIT "dovecot.service"
#define ROUNDS_MAX 3

enum unit_is { UNIT_STOPPED, UNIT_SKIPPED, UNIT_RUNS };

static enum err_code look_at(const struct agent_config *c, const char *unit, enum unit_is *is, struct err *e)
{
	const char *const argv[] = { c->systemctl, "show", "--property=ActiveState,Result", unit, NULL };
	struct strbuf said = STRBUF_INIT;
	enum err_code rc = child_run(argv, NULL, &said, e);
	const char *text = strbuf_str(&said);
	if (rc == ERR_OK && !strstr(text, "ActiveState="))
		rc = err_set(e, ERR_FAILED, "%s does not say how %s is", c->systemctl, unit);
	*is = strstr(text, "ActiveState=active\n") || strstr(text, "ActiveState=activating\n") ||
			      strstr(text, "ActiveState=reloading\n")
		      ? UNIT_RUNS
	      : strstr(text, "Result=exec-condition\n") ? UNIT_SKIPPED
							: UNIT_STOPPED;
	strbuf_fini(&said);
	return rc;
}

/* Without a right a restart is a stop: the gate refuses, and the unit remembers that it was skipped. */
static enum err_code move(const struct agent_config *c, const char *unit, const char *word, const char *why,
			  struct err *e)
{
	const char *const argv[] = { c->systemctl, "--no-block", word, unit, NULL };
	struct strbuf said = STRBUF_INIT;
	fprintf(stderr, "obey: %s %s: %s\n", word, unit, why);
	enum err_code rc = child_run(argv, NULL, &said, e);
	strbuf_fini(&said);
	return rc;
}

/* `changed`: it may run, and must read its configuration anew. */
static enum err_code follow(const struct agent_config *c, const char *unit, bool may_run, bool may_start, bool changed,
			    const char *why, struct err *e)
{
	enum unit_is is = UNIT_STOPPED;
	enum err_code rc = look_at(c, unit, &is, e);
	if (rc == ERR_OK && is == UNIT_RUNS && (!may_run || changed))
		rc = move(c, unit, "restart", why, e);
	else if (rc == ERR_OK && is == UNIT_SKIPPED && may_start && c->role == RIGHTS_PRIMARY)
		rc = move(c, unit, "start", why, e);
	return rc;
}

/* When the record, or its confirmation, was replaced last. */
static int64_t replaced_ns(const struct agent_config *c)
{
	static const char *const names[] = { "rights", "confirmed" };
	int64_t last_ns = 0;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char path[PATH_MAX];
		struct stat is;
		state_path(c->state_dir, names[i], path, sizeof(path));
		if (stat(path, &is) != 0)
			continue;
		int64_t ns = (int64_t)is.st_mtim.tv_sec * 1000000000 + is.st_mtim.tv_nsec;
		last_ns = ns > last_ns ? ns : last_ns;
	}
	return last_ns;
}

/* The gate holds delivery, or gives it back, while the unit starts: this service may not write Postfix's settings. */
static enum err_code obey_once(const struct agent_config *c, int64_t *decided_ns, struct err *e)
{
	struct rights_answer may;
	enum err_code rc = command_decide(c, &may, e);
	bool entitled = may.may_accept || may.may_rehearse;
	bool changed = rc == ERR_OK && entitled && delivery_must_wait(c, &may) != delivery_is_held(c);
	*decided_ns = replaced_ns(c); /* deciding may have stored something itself */
	if (rc == ERR_OK)
		rc = follow(c, MAIL_UNIT, entitled, may.may_accept, changed, may.why, e);
	if (rc == ERR_OK)
		rc = follow(c, OWN_UNIT, may.may_own || may.may_rehearse, may.may_own, false, may.why, e);
	return rc;
}

/* systemd watches the record only while this does not run: what changed meanwhile is looked at here. */
int command_obey(const struct agent_config *c)
{
	struct err e = { 0 };
	enum err_code rc;
	int64_t decided_ns;
	int rounds = 0;
	do
		rc = obey_once(c, &decided_ns, &e);
	while (rc == ERR_OK && replaced_ns(c) != decided_ns && ++rounds < ROUNDS_MAX);
	if (rc == ERR_OK)
		return EXIT_SUCCESS;
	fprintf(stderr, "failed: %s\n", e.text);
	return EXIT_FAILURE;
}
