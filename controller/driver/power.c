/* A machine's power by three commands on another host. Exit 0 has promised nothing: only `status`
 * is a state. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "drivers.h"

#define ANSWER_MAX_BYTES 4096

enum err_code session_run(const struct ssh_target *target, const struct ssh_command *cmd, const struct job_wait *wait,
			  struct ssh_session **kept, struct err *e)
{
	for (bool fresh = !*kept;; fresh = true) {
		enum err_code rc = *kept ? ERR_OK : ssh_open(target, wait, kept, e);

		if (!rc)
			rc = ssh_run(*kept, cmd, wait, e);
		/* a kept session that died meanwhile says nothing of the host as it is now */
		bool again = rc == ERR_REFUSED && !fresh && !ssh_asked(*kept);
		if (*kept && !ssh_usable(*kept)) {
			ssh_close(*kept);
			*kept = NULL;
		}
		if (!again)
			return rc;
		err_clear(e);
	}
}

enum power_state power_last_word(const char *text, const char *on, const char *off)
{
	size_t end = strlen(text);
	while (end && strchr(" \t\r\n", text[end - 1]))
		end--;
	size_t start = end;
	while (start && !strchr(" \t\r\n", text[start - 1]))
		start--;
	if (end - start == strlen(on) && strncasecmp(text + start, on, end - start) == 0)
		return POWER_STATE_ON;
	if (end - start == strlen(off) && strncasecmp(text + start, off, end - start) == 0)
		return POWER_STATE_OFF;
	return POWER_UNKNOWN;
}

static const char *command_of(const struct driver_power *power, enum power_want want)
{
	switch (want) {
	case POWER_WANT_ON: return power->on;
	case POWER_WANT_OFF: return power->off;
	case POWER_WANT_STATUS: break;
	}
	return power->status;
}

void power_command(const struct driver_power *power, enum power_want want, const char *whose,
		   const struct job_wait *wait, struct ssh_session **kept, struct outcome *out)
{
	struct strbuf text = STRBUF_INIT;
	if (!power->via.name || !power->via.name[0]) {
		(void)err_set(&out->err, ERR_INVALID, "no power command is configured for %s", whose);
		return;
	}
	struct ssh_command cmd = { .words = command_of(power, want),
				   .out = &text,
				   .out_max = ANSWER_MAX_BYTES,
				   .whole = want == POWER_WANT_STATUS };
	if (session_run(&power->via, &cmd, wait, kept, &out->err) == ERR_OK && want == POWER_WANT_STATUS)
		out->u.power = power_last_word(strbuf_str(&text), "on", "off");
	if (out->err.code == ERR_FAILED)
		out->err.code = ERR_AGAIN; /* management boards fail now and then; the step's limit ends the tries */
	strbuf_fini(&text);
}

void power_run(const struct driver_pair *pair, const struct verb *verb, const struct job_wait *wait,
	       struct ssh_session **kept, struct outcome *out)
{
	char whose[NAME_MAX_LEN + 24];
	enum power_want want = verb->kind == VERB_POWER_ON    ? POWER_WANT_ON
			       : verb->kind == VERB_POWER_OFF ? POWER_WANT_OFF
							      : POWER_WANT_STATUS;
	snprintf(whose, sizeof(whose), "the %s of %s", host_role_name(verb->u.power_target), pair->name);
	power_command(&pair->power[verb->u.power_target], want, whose, wait, kept, out);
}
