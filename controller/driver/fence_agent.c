/* A fence agent, by the protocol that all of them have: key=value lines on standard input, `action` first; on and off
 * exit 0 when they have verified it themselves; status exits 0 for on and 2 for off. 2 is also what a misread option
 * ends with, so off is believed only together with the word. Secrets are in its input, and nowhere else. */
#include <string.h>

#include "drivers.h"
#include "fence_metadata.h"

enum { EXIT_BAD_ARGUMENTS = 2, EXIT_LOGIN_DENIED = 3, EXIT_PASSWORD_MISSING = 10, EXIT_PRIVILEGES = 11 };

static const char *const environment[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", NULL };

/* What trying again may mend, and what it cannot. */
static enum err_code code_of(int exit_code)
{
	switch (exit_code) {
	case EXIT_BAD_ARGUMENTS: return ERR_INVALID;
	case EXIT_LOGIN_DENIED:
	case EXIT_PASSWORD_MISSING:
	case EXIT_PRIVILEGES: return ERR_AUTH;
	default: return ERR_AGAIN;
	}
}

static void write_input(const struct driver_level *level, const char *action, struct strbuf *input)
{
	strbuf_addf(input, "action=%s\n", action);
	for (size_t i = 0; i < level->nparameters; i++)
		strbuf_addf(input, "%s\n", level->parameters[i]);
	if (level->secret_len) {
		strbuf_add(input, level->secret, level->secret_len);
		strbuf_addc(input, '\n');
	}
}

static void read_status(const struct strbuf *said, int exit_code, struct outcome *out)
{
	bool says_off = strstr(strbuf_str(said), "Status: OFF") != NULL;
	if (exit_code == 0 && !says_off)
		out->u.power = POWER_STATE_ON;
	if (exit_code != EXIT_BAD_ARGUMENTS || !says_off)
		return;
	out->u.power = POWER_STATE_OFF;
	err_clear(&out->err);
}

void fence_agent_run(const struct driver_level *level, enum power_want want, const struct job_wait *wait,
		     struct outcome *out)
{
	static const char *const actions[] = { "on", "off", "status" }; /* by enum power_want */
	const char *const argv[] = { level->program, NULL };
	struct strbuf input = STRBUF_INIT, said = STRBUF_INIT;
	int exit_code;
	write_input(level, actions[want], &input);
	struct child_opts child = { .argv = argv,
				    .env = environment,
				    .input = strbuf_str(&input),
				    .input_len = input.len,
				    .exit_code = &exit_code };
	if (child_run(&child, wait, &said, &out->err) == ERR_FAILED && exit_code > 0)
		out->err.code = code_of(exit_code);
	if (want == POWER_WANT_STATUS)
		read_status(&said, exit_code, out);
	if (input.len)
		explicit_bzero(input.data, input.len);
	strbuf_fini(&input);
	strbuf_fini(&said);
}

/* What its interpreter had to say before does not matter. */
static const char *begin_of(const struct strbuf *said)
{
	const char *text = strbuf_str(said);
	if (said->len > METADATA_MAX_BYTES) /* refused for its length */
		return text;
	const char *xml = memmem(text, said->len, "<?xml", 5), *root = memmem(text, said->len, "<resource-agent", 15);
	return xml ? xml : root ? root : text;
}

enum err_code fence_agent_metadata(const char *program, const struct job_wait *wait, struct fence_metadata *out,
				   struct err *e)
{
	static const char question[] = "action=metadata\n";
	const char *const argv[] = { program, NULL };
	struct strbuf said = STRBUF_INIT;
	struct child_opts child = { .argv = argv,
				    .env = environment,
				    .input = question,
				    .input_len = sizeof(question) - 1,
				    .output_max = METADATA_MAX_BYTES + 1 };
	enum err_code rc = child_run(&child, wait, &said, e);
	if (!rc) {
		const char *at = begin_of(&said);
		rc = fence_metadata_parse(at, said.len - (size_t)(at - strbuf_str(&said)), out, e);
	}
	strbuf_fini(&said);
	return rc;
}
