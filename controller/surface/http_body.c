/* The body of a POST becomes a command. Strict: a member that we do not know could mean something
 * to its sender. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "../../common/base/mem.h"
#include "http_int.h"

static const struct {
	const char *action;
	enum command_kind kind;
} actions[] = {
	{ "failover", CMD_FAILOVER },
	{ "failback", CMD_FAILBACK },
	{ "drill", CMD_DRILL },
	{ "abort", CMD_ABORT },
	{ "resume", CMD_RESUME },
	{ "ack", CMD_ACK },
	{ "hold", CMD_HOLD },
	{ "release", CMD_RELEASE },
	{ "plan", CMD_PLAN },
	{ "brake-lift", CMD_BRAKE_LIFT },
	{ "brake-restore", CMD_BRAKE_RESTORE },
};

static enum err_code bad_member(struct err *e, const char *key, const char *want)
{
	return err_set(e, ERR_INVALID, "body: \"%.40s\" must be %s", key, want);
}

static enum err_code take_text(const char *key, const json_t *value, char *out, size_t size, struct err *e)
{
	char want[40];
	const char *text = json_string_value(value);
	snprintf(want, sizeof(want), "a text of at most %zu bytes", size - 1);
	if (!text || strlen(text) != json_string_length(value) || !str_copy(out, size, text))
		return bad_member(e, key, want);
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return bad_member(e, key, "one line without control characters");
	return ERR_OK;
}

static enum err_code take_member(const char *key, const json_t *value, struct command *out, struct err *e)
{
	if (strcmp(key, "reason") == 0)
		return take_text(key, value, out->reason, sizeof(out->reason), e);
	if (strcmp(key, "skip") == 0)
		return take_text(key, value, out->skip, sizeof(out->skip), e);
	if (strcmp(key, "plan") == 0)
		return take_text(key, value, out->plan, sizeof(out->plan), e);
	if (strcmp(key, "expires_ms") == 0) {
		if (!json_is_integer(value) || json_integer_value(value) < 0)
			return bad_member(e, key, "milliseconds since 1970");
		out->expires_wall_ms = json_integer_value(value);
		return ERR_OK;
	}
	bool *flag = strcmp(key, "dry_run") == 0          ? &out->dry_run
		     : strcmp(key, "failback") == 0       ? &out->failback
		     : strcmp(key, "confirm_fenced") == 0 ? &out->confirm_fenced
							  : NULL;
	if (!flag)
		return err_set(e, ERR_INVALID,
			       "body: unknown member \"%.40s\": it takes reason, plan, skip, expires_ms, "
			       "dry_run, failback, confirm_fenced",
			       key);
	if (!json_is_boolean(value))
		return bad_member(e, key, "true or false");
	*flag = json_is_true(value);
	return ERR_OK;
}

static enum err_code take_body(const char *body, size_t len, struct command *out, struct err *e)
{
	json_error_t where;
	const char *key;
	json_t *value;
	enum err_code rc = ERR_OK;
	json_t *root = json_loadb(body, len, JSON_REJECT_DUPLICATES, &where);
	if (!root)
		return err_set(e, ERR_INVALID, "body: line %d: %.120s", where.line, where.text);
	if (!json_is_object(root))
		rc = err_set(e, ERR_INVALID, "body: must be a JSON object");
	json_object_foreach(root, key, value)
	{
		if (rc == ERR_OK)
			rc = take_member(key, value, out, e);
	}
	json_decref(root);
	return rc;
}

enum err_code http_parse_command(const char *action, const char *pair, const char *body, size_t len,
				 struct command *out, struct err *e)
{
	*out = (struct command){ 0 };
	size_t i = 0;
	while (i < ARRAY_LEN(actions) && strcmp(actions[i].action, action) != 0)
		i++;
	bool brake = i < ARRAY_LEN(actions) && strncmp(action, "brake-", 6) == 0;
	if (i == ARRAY_LEN(actions) || brake != !pair[0])
		return err_set(e, ERR_NOT_FOUND, "no such command");
	if (!str_copy(out->pair, sizeof(out->pair), pair))
		return err_set(e, ERR_NOT_FOUND, "no pair has so long a name");
	out->kind = actions[i].kind;
	return len ? take_body(body, len, out, e) : ERR_OK;
}
