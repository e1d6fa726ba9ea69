/* Makes mail follow a record that has just changed. Runs as root from coldmx-agent-obey.path, so that the daemon, which
 * listens to the network, needs no privilege for it. Only the stored record decides: nobody hands a command over.
 *
 * A primary is started when its gate had skipped it; a mail system that a person or the controller stopped stays down.
 * A standby is never started here: the controller's start-mail holds the queue first. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "export.h"

#define MAIL_UNIT "postfix@-.service"

enum mail_is { MAIL_STOPPED, MAIL_SKIPPED, MAIL_RUNS };

static enum err_code look_at_mail(const struct agent_config *c, enum mail_is *is, struct err *e)
{
	const char *const argv[] = { c->systemctl, "show", "--property=ActiveState,Result", MAIL_UNIT, NULL };
	struct strbuf said = STRBUF_INIT;
	enum err_code rc = child_read(argv, &said, e);
	const char *text = strbuf_str(&said);
	if (rc == ERR_OK && !strstr(text, "ActiveState="))
		rc = err_set(e, ERR_FAILED, "%s does not say how %s is", c->systemctl, MAIL_UNIT);
	*is = strstr(text, "ActiveState=active\n") || strstr(text, "ActiveState=activating\n") ||
			      strstr(text, "ActiveState=reloading\n")
		      ? MAIL_RUNS
	      : strstr(text, "Result=exec-condition\n") ? MAIL_SKIPPED
							: MAIL_STOPPED;
	strbuf_fini(&said);
	return rc;
}

/* Without a right a restart is a stop: the gate refuses, and the unit remembers that it was skipped. */
static enum err_code move_mail(const struct agent_config *c, const char *word, const char *why, struct err *e)
{
	const char *const argv[] = { c->systemctl, "--no-block", word, MAIL_UNIT, NULL };
	struct strbuf said = STRBUF_INIT;
	fprintf(stderr, "obey: %s %s: %s\n", word, MAIL_UNIT, why);
	enum err_code rc = child_read(argv, &said, e);
	strbuf_fini(&said);
	return rc;
}

int command_obey(const struct agent_config *c)
{
	struct rights_answer may;
	enum mail_is is = MAIL_STOPPED;
	struct err e = { 0 };
	enum err_code rc = command_decide(c, &may, &e);
	bool entitled = may.may_accept || may.may_rehearse;
	if (rc == ERR_OK)
		rc = look_at_mail(c, &is, &e);
	if (rc == ERR_OK && is == MAIL_RUNS && !entitled)
		rc = move_mail(c, "restart", may.why, &e);
	else if (rc == ERR_OK && is == MAIL_SKIPPED && may.may_accept && c->role == RIGHTS_PRIMARY)
		rc = move_mail(c, "start", may.why, &e);
	if (rc == ERR_OK)
		return EXIT_SUCCESS;
	fprintf(stderr, "failed: %s\n", e.text);
	return EXIT_FAILURE;
}
