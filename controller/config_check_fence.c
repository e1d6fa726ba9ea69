/* What the levels of fencing must have, and must not have, by their kind. Each refusal names the setting. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "config_rows.h"

struct place {
	const struct config *c;
	const struct conf_doc *doc;
	const struct config_pair *pair;
	char at[60]; /* "pairs.[0].fence.[1]" */
	struct err *e;
};

static enum err_code fail(const struct place *k, const char *key, const char *text, const char *arg)
{
	char at[100];
	snprintf(at, sizeof(at), "%s%s%s", k->at, key[0] ? "." : "", key);
	return conf_fail(k->doc, k->e, at, "%s%s", text, arg);
}

bool config_is_parameter(const char *text, size_t len)
{
	const char *eq = memchr(text, '=', len);
	if (!eq || eq == text || eq - text > 40)
		return false;
	for (const char *c = text; c < eq; c++)
		if (!isalnum((unsigned char)*c) && !strchr("_-.", *c))
			return false;
	for (size_t i = 0; i < len; i++)
		if (iscntrl((unsigned char)text[i]))
			return false;
	return true;
}

static enum err_code check_parameters(const struct place *k, const struct config_level *l)
{
	for (size_t i = 0; i < l->nparameters; i++)
		if (!config_is_parameter(l->parameters[i], strlen(l->parameters[i])))
			return fail(k, "parameters", "a parameter is \"key=value\", not: ", l->parameters[i]);
	return ERR_OK;
}

static enum err_code check_command(const struct place *k, const struct config_level *l)
{
	const struct config_power *own = &l->power;
	if (l->program[0] || l->nparameters || l->secret_file[0])
		return fail(k,
			    l->program[0]    ? "program"
			    : l->nparameters ? "parameters"
					     : "secret_file",
			    "a level by command has no program: write kind = \"agent\" or \"edge\", or remove this",
			    "");
	if (!own->via[0]) {
		if (own->on[0] || own->off[0] || own->status[0])
			return fail(k, "", "commands need the power host that runs them: add via = \"...\"", "");
		if (!k->pair->host[HOST_PRIMARY].power.via[0])
			return fail(
				k, "",
				"neither this level nor the primary names a power host: add via, on, off and status",
				"");
		return ERR_OK;
	}
	if (!own->on[0] || !own->off[0] || !own->status[0])
		return fail(k, "",
			    "a level by command needs all three of on, off and status: what is done is read back", "");
	if (!config_power_host(k->c, own->via))
		return fail(k, "via",
			    "power_hosts has no such host: add it, or write the name of one that is there: ", own->via);
	return ERR_OK;
}

static bool has_commands(const struct config_level *l)
{
	return l->power.via[0] || l->power.on[0] || l->power.off[0] || l->power.status[0];
}

static enum err_code check_edge(const struct place *k, const struct config_level *l)
{
	if (has_commands(l))
		return fail(k, "", "an edge is a hook: via, on, off and status belong to kind = \"command\"", "");
	if (!l->program[0])
		return fail(k, "", "an edge needs its hook: add program = \"/etc/coldmx/edge\"", "");
	if (l->secret_file[0])
		return fail(k, "secret_file", "an edge's secrets are files that its parameters name: remove this", "");
	for (size_t i = 0; i < l->nparameters; i++) /* it becomes a variable's name */
		if (l->parameters[i][strspn(l->parameters[i], "abcdefghijklmnopqrstuvwxyz0123456789_")] != '=')
			return fail(
				k, "parameters",
				"an edge's parameter is \"key=value\", its key in lower case, not: ", l->parameters[i]);
	return check_parameters(k, l);
}

static enum err_code check_agent(const struct place *k, const struct config_level *l)
{
	if (has_commands(l))
		return fail(k, "", "an agent is a program: via, on, off and status belong to kind = \"command\"", "");
	if (!l->program[0])
		return fail(k, "", "an agent needs its program: add program = \"/usr/sbin/fence_ipmilan\"", "");
	return check_parameters(k, l);
}

static enum err_code check_level(const struct place *k, const struct config_level *l)
{
	switch (l->kind) {
	case LEVEL_COMMAND: return check_command(k, l);
	case LEVEL_AGENT: return check_agent(k, l);
	case LEVEL_EDGE: return check_edge(k, l);
	}
	return ERR_OK;
}

enum err_code config_check_fence(const struct config *c, size_t pair, const struct conf_doc *doc, struct err *e)
{
	struct place k = { .c = c, .doc = doc, .pair = &c->pairs[pair], .e = e };
	enum err_code rc = ERR_OK;
	for (size_t i = 0; rc == ERR_OK && i < k.pair->nfence; i++) {
		snprintf(k.at, sizeof(k.at), "pairs.[%zu].fence.[%zu]", pair, i);
		if (strcmp(k.pair->fence[i].name, LEVEL_PERSON) == 0)
			return fail(&k, "name", "a person is no level, and is called so: choose another name", "");
		for (size_t before = 0; before < i; before++)
			if (strcmp(k.pair->fence[before].name, k.pair->fence[i].name) == 0)
				return fail(&k, "name",
					    "two levels have this name: rename one: ", k.pair->fence[i].name);
		rc = check_level(&k, &k.pair->fence[i]);
	}
	return rc;
}
