/* One word of the host command, with what goes on its standard input. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/base/file.h"
#include "../../common/base/mem.h"
#include "drivers.h"

#define CONTROL_MAX_BYTES ((size_t)256 * 1024)

static enum err_code read_control(const struct drivers *d, const char *name, char **out, size_t *len, struct err *e)
{
	char path[512];
	if (!name[0] || strchr(name, '/'))
		return err_set(e, ERR_INVALID, "control \"%s\": a file name in %s is wanted", name, d->harden_dir);
	snprintf(path, sizeof(path), "%s/%s", d->harden_dir, name);
	enum err_code rc = child_check_program(path, e);
	return rc ? rc : file_read(path, CONTROL_MAX_BYTES, FILE_OWNED, out, len, e);
}

static enum err_code load_input(const struct drivers *d, const struct verb *verb, char **out, size_t *len,
				struct err *e)
{
	const struct verb_host *host = &verb->u.host;
	switch (host->input) {
	case INPUT_NONE: return ERR_OK;
	case INPUT_CONTROL: return read_control(d, host->control, out, len, e);
	case INPUT_MAPS:
		if (!d->load_maps)
			return err_set(e, ERR_NOT_FOUND, "no recipient maps are kept for this pair");
		return d->load_maps(d->maps_arg, verb->guard.pair, out, len, e);
	case INPUT_RIGHTS:
		*out = mem_strdup(host->rights);
		*len = strlen(*out);
		return ERR_OK;
	}
	return ERR_BUG;
}

/* The contract's characters: a host must never get the chance to see other ones. */
static bool are_words(const char *words)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789.:@_- ";

	return words[0] && !words[strspn(words, allowed)];
}

static void run(const struct ssh_target *target, const struct ssh_command *cmd, const struct verb_host *host,
		const struct job_wait *wait, struct ssh_session **kept, struct err *e)
{
	struct ssh_session *own = NULL;
	if (!host->fresh) {
		(void)!session_run(target, cmd, wait, kept, e);
		return;
	}
	(void)!session_run(target, cmd, wait, &own, e);
	ssh_close(own);
}

void host_run(const struct drivers *d, const struct driver_pair *pair, const struct verb *verb,
	      const struct job_wait *wait, struct ssh_session **kept, struct outcome *out)
{
	const struct verb_host *host = &verb->u.host;
	struct strbuf text = STRBUF_INIT;
	char *input = NULL;
	size_t len = 0;

	if (!are_words(host->words)) {
		(void)err_set(&out->err, ERR_INVALID, "`%.100s`: letters, digits and .:@_- only", host->words);
		return;
	}
	if (load_input(d, verb, &input, &len, &out->err) == ERR_OK) {
		struct ssh_command cmd = { .words = host->words,
					   .input = input,
					   .input_len = len,
					   .out = &text,
					   .out_max = sizeof(out->u.text) - 1 };
		run(&pair->host[host->target], &cmd, host, wait, kept, &out->err);
		/* of a failed control too: its TAP says which line */
		(void)str_copy(out->u.text, sizeof(out->u.text), strbuf_str(&text));
	}
	free(input);
	strbuf_fini(&text);
}
