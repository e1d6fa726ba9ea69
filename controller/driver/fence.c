/* One level of fencing, asked for one thing: off, on, or how it stands. A level that exits 0 has promised nothing: only
 * `status` is a state. An edge's words are open and closed; closed is what off is for a power level. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/base/json.h"
#include "drivers.h"

#define ENV_MAX 32

/* Texts that live as long as one call. */
struct env {
	struct strbuf text[ENV_MAX];
	const char *line[ENV_MAX + 1];
	size_t n;
};

static void env_add(struct env *env, const char *prefix, const char *key, size_t key_len, const char *value)
{
	if (env->n == ENV_MAX)
		return;
	struct strbuf *text = &env->text[env->n];
	strbuf_adds(text, prefix);
	for (size_t i = 0; i < key_len; i++)
		strbuf_addc(text, (char)toupper((unsigned char)key[i]));
	strbuf_addf(text, "=%s", value);
	env->line[env->n++] = strbuf_str(text);
}

static void env_put(struct env *env, const char *key, const char *value)
{
	env_add(env, "", key, strlen(key), value);
}

static void env_fini(struct env *env)
{
	for (size_t i = 0; i < env->n; i++)
		strbuf_fini(&env->text[i]);
}

static void fill_env(const struct driver_pair *pair, const struct driver_level *level, const char *word,
		     struct env *env)
{
	const struct host_addr *primary = &pair->host[HOST_PRIMARY].addr;
	env_put(env, "PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
	env_put(env, "LC_ALL", "C");
	env_put(env, "COLDMX_ACTION", word);
	env_put(env, "COLDMX_PAIR", pair->name);
	env_put(env, "COLDMX_LEVEL", level->name);
	env_put(env, "COLDMX_V4", primary->v4);
	env_put(env, "COLDMX_V6", primary->v6);
	env_put(env, "COLDMX_CONTROLLER4", pair->controller.v4);
	env_put(env, "COLDMX_CONTROLLER6", pair->controller.v6);
	for (size_t i = 0; i < level->nparameters; i++) {
		size_t len = strcspn(level->parameters[i], "=");
		env_add(env, "COLDMX_PARAMETER_", level->parameters[i], len, level->parameters[i] + len + 1);
	}
}

static void fill_json(const struct driver_pair *pair, const struct driver_level *level, struct strbuf *out)
{
	const struct host_addr *primary = &pair->host[HOST_PRIMARY].addr;
	struct json j;
	json_init(&j, out);
	json_open_object(&j, NULL);
	json_put_string(&j, "pair", pair->name);
	json_put_string(&j, "level", level->name);
	json_put_string(&j, "v4", primary->v4);
	json_put_string(&j, "v6", primary->v6);
	json_open_array(&j, "parameters");
	for (size_t i = 0; i < level->nparameters; i++)
		json_put_string(&j, NULL, level->parameters[i]);
	json_close_array(&j);
	json_close_object(&j);
	strbuf_addc(out, '\n');
}

static void run_edge(const struct driver_pair *pair, const struct driver_level *level, enum power_want want,
		     const struct job_wait *wait, struct outcome *out)
{
	static const char *const words[] = { "open", "close", "status" }; /* by enum power_want */
	const char *const argv[] = { level->program, words[want], NULL };
	struct strbuf json = STRBUF_INIT, said = STRBUF_INIT;
	struct env env = { .n = 0 };
	fill_env(pair, level, words[want], &env);
	fill_json(pair, level, &json);
	struct child_opts child = { .argv = argv, .env = env.line, .input = strbuf_str(&json), .input_len = json.len };
	if (child_run(&child, wait, &said, &out->err) == ERR_OK && want == POWER_WANT_STATUS)
		out->u.power = power_last_word(strbuf_str(&said), "open", "closed");
	strbuf_fini(&json);
	strbuf_fini(&said);
	env_fini(&env);
}

static const struct driver_level *find(const struct driver_pair *pair, const char *name)
{
	for (size_t i = 0; i < pair->nlevels; i++)
		if (strcmp(pair->levels[i].name, name) == 0)
			return &pair->levels[i];
	return NULL;
}

void fence_run(const struct driver_pair *pair, const struct verb *verb, const struct job_wait *wait,
	       struct ssh_session **kept, struct outcome *out)
{
	const struct driver_level *level = find(pair, verb->u.fence.level);
	enum power_want want = verb->kind == VERB_FENCE_ON    ? POWER_WANT_ON
			       : verb->kind == VERB_FENCE_OFF ? POWER_WANT_OFF
							      : POWER_WANT_STATUS;
	if (!level) {
		(void)err_set(&out->err, ERR_INVALID, "%s has no level of fencing \"%s\" any more", pair->name,
			      verb->u.fence.level);
		return;
	}
	switch (level->kind) {
	case LEVEL_BY_COMMAND: power_command(&level->power, want, level->name, wait, kept, out); return;
	case LEVEL_BY_AGENT: fence_agent_run(level, want, wait, out); return;
	case LEVEL_BY_EDGE: run_edge(pair, level, want, wait, out); return;
	}
}
