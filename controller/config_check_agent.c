/* The levels by fence agent are held to what the agents say of themselves, so that a wrong name is found today and not
 * in the night of the failover. Values of secrets are in no message. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../common/base/clock.h"
#include "../common/base/mem.h"
#include "config_rows.h"
#include "driver/drivers.h"
#include "driver/fence_metadata.h"

#define METADATA_LIMIT_MS 10000

/* One agent may serve many pairs, and is asked once. */
struct known {
	const char *program;
	struct fence_metadata metadata;
};

struct check {
	const struct conf_doc *doc;
	const struct config_level *level;
	const struct fence_metadata *metadata;
	char at[80]; /* "pairs.[0].fence.[1]" */
	struct err *e;
};

static enum err_code fail(const struct check *k, const char *key, const char *name, const char *text)
{
	char at[120];
	const char *agent = strrchr(k->level->program, '/') + 1;
	snprintf(at, sizeof(at), "%s.%s", k->at, key);
	return conf_fail(k->doc, k->e, at, "%.60s: %s%.48s%s%s", agent, name[0] ? "\"" : "", name, name[0] ? "\" " : "",
			 text);
}

/* Lines of the secret file, one after the other; NULL at the end. */
static const char *next_line(const struct config_secret *s, const char *at, size_t *len)
{
	const char *end = s->bytes + s->len;
	at = at ? at + *len : s->bytes;
	while (at && at < end && *at == '\n')
		at++;
	if (!at || at >= end)
		return NULL;
	const char *newline = memchr(at, '\n', (size_t)(end - at));
	*len = (size_t)((newline ? newline : end) - at);
	return at;
}

static bool line_sets(const char *line, size_t len, const char *name)
{
	size_t n = strlen(name);
	return len > n && line[n] == '=' && strncmp(line, name, n) == 0;
}

/* Agents take "ip-port" as "ip_port" in their input. */
static bool same_name(const char *metadata, const char *key)
{
	for (; *metadata && *key; metadata++, key++)
		if (*metadata != *key && !(*metadata == '-' && *key == '_'))
			return false;
	return *metadata == *key;
}

static bool is_set(const struct config_level *l, const char *name)
{
	size_t len = 0;
	for (size_t i = 0; i < l->nparameters; i++)
		if (line_sets(l->parameters[i], strlen(l->parameters[i]), name))
			return true;
	for (const char *line = NULL; (line = next_line(&l->secret, line, &len));)
		if (line_sets(line, len, name))
			return true;
	return false;
}

static enum err_code check_name(const struct check *k, const char *key, const char *line)
{
	char name[METADATA_NAME_MAX];
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(line, "="), line);
	if (strcmp(name, "action") == 0 || strcmp(name, "option") == 0)
		return fail(k, key, name, "is coldmx's to say: remove it");
	if (strncmp(name, "debug", 5) == 0 || strncmp(name, "verbose", 7) == 0)
		return fail(k, key, name, "makes agents write secrets down: remove it");
	bool secret = strstr(name, "passw") && !strstr(name, "script");
	if (secret && strcmp(key, "parameters") == 0)
		return fail(k, key, name, "is a secret: write it into a file that secret_file names");
	for (size_t i = 0; i < k->metadata->nparameters; i++)
		if (same_name(k->metadata->parameter[i].name, name))
			return ERR_OK;
	return fail(k, key, name, "is no parameter of this agent: its metadata names them");
}

static enum err_code check_names(const struct check *k)
{
	const struct config_level *l = k->level;
	enum err_code rc = ERR_OK;
	size_t len = 0;
	for (size_t i = 0; rc == ERR_OK && i < l->nparameters; i++)
		rc = check_name(k, "parameters", l->parameters[i]);
	for (const char *line = NULL; rc == ERR_OK && (line = next_line(&l->secret, line, &len));) {
		if (!config_is_parameter(line, len))
			return fail(k, "secret_file", "", "a line of it is not key=value");
		rc = check_name(k, "secret_file", line);
	}
	return rc;
}

/* A required parameter that has a default, or whose older name is set, is there. An older name asks for nothing. */
static enum err_code check_required(const struct check *k)
{
	for (size_t i = 0; i < k->metadata->nparameters; i++) {
		const struct metadata_parameter *p = &k->metadata->parameter[i];
		if (!p->required || p->deprecated || p->has_default || strcmp(p->name, "action") == 0)
			continue;
		if (!is_set(k->level, p->name) && !(p->replaces[0] && is_set(k->level, p->replaces)))
			return fail(k, "parameters", p->name, "is required by this agent: add it");
	}
	return ERR_OK;
}

static enum err_code check_actions(const struct check *k)
{
	static const char *const wanted[] = { "off", "on", "status" };
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
		if (!fence_metadata_has_action(k->metadata, wanted[i]))
			return fail(k, "program", wanted[i],
				    "is no action of this agent: what cannot be read back and given back is no level");
	return ERR_OK;
}

static const struct fence_metadata *ask(struct known **known, size_t *n, const char *program, struct err *why)
{
	for (size_t i = 0; i < *n; i++)
		if (strcmp((*known)[i].program, program) == 0)
			return &(*known)[i].metadata;
	struct job_wait wait = { clock_boot_ms() + METADATA_LIMIT_MS, -1 };
	*known = mem_realloc(*known, *n + 1, sizeof(**known));
	struct known *fresh = &(*known)[*n];
	fresh->program = program;
	if (fence_agent_metadata(program, &wait, &fresh->metadata, why) != ERR_OK)
		return NULL;
	++*n;
	return &fresh->metadata;
}

enum err_code config_check_agents(const struct config *c, const struct conf_doc *doc, struct err *e)
{
	struct known *known = NULL;
	size_t nknown = 0;
	enum err_code rc = ERR_OK;
	for (size_t i = 0; i < c->npairs; i++) {
		for (size_t l = 0; rc == ERR_OK && l < c->pairs[i].nfence; l++) {
			struct check k = { .doc = doc, .level = &c->pairs[i].fence[l], .e = e };
			struct err why = { 0 };
			if (k.level->kind != LEVEL_AGENT)
				continue;
			snprintf(k.at, sizeof(k.at), "pairs.[%zu].fence.[%zu]", i, l);
			k.metadata = ask(&known, &nknown, k.level->program, &why);
			rc = k.metadata ? check_names(&k) : fail(&k, "program", "", why.text);
			if (rc == ERR_OK)
				rc = check_required(&k);
			if (rc == ERR_OK)
				rc = check_actions(&k);
		}
	}
	free(known);
	return rc;
}
