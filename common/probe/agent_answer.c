/* A field of the wrong type fails the whole answer: half a report would be read as a healthy one. */
#include "agent_answer.h"

#include <string.h>

#include <jansson.h>

#include "../proto/printable.h"

static enum err_code bad_field(struct err *e, const char *key, const char *want)
{
	return err_set(e, ERR_PROTOCOL, "agent's answer: \"%s\" is not %s", key, want);
}

static enum err_code get_text(const json_t *root, const char *key, char *out, size_t size, struct err *e)
{
	const json_t *v = json_object_get(root, key);

	out[0] = '\0';
	if (!v || json_is_null(v))
		return ERR_OK;
	if (!json_is_string(v))
		return bad_field(e, key, "a string");
	proto_printable(out, size, json_string_value(v), json_string_length(v));
	return ERR_OK;
}

static enum err_code get_bool(const json_t *root, const char *key, bool *out, struct err *e)
{
	const json_t *v = json_object_get(root, key);

	if (!json_is_boolean(v))
		return bad_field(e, key, "true or false");
	*out = json_is_true(v);
	return ERR_OK;
}

static enum err_code get_count(const json_t *root, const char *key, int64_t missing, int64_t *out, struct err *e)
{
	const json_t *v = json_object_get(root, key);

	*out = missing;
	if (!v || json_is_null(v))
		return ERR_OK;
	if (!json_is_integer(v) || json_integer_value(v) < missing)
		return bad_field(e, key, "a count");
	*out = json_integer_value(v);
	return ERR_OK;
}

static enum err_code read_fields(const json_t *root, struct agent_report *out, struct err *e)
{
	int64_t epoch = 0;
	enum err_code rc;

	if (!json_is_object(root))
		return err_set(e, ERR_PROTOCOL, "agent's answer is no JSON object");
	if ((rc = get_text(root, "boot_id", out->boot_id, sizeof(out->boot_id), e)) ||
	    (rc = get_bool(root, "serving", &out->serving, e)) ||
	    (rc = get_bool(root, "has_right", &out->has_right, e)) || (rc = get_count(root, "epoch", 0, &epoch, e)) ||
	    (rc = get_count(root, "queue", -1, &out->queue, e)) ||
	    (rc = get_count(root, "disk_free_mb", -1, &out->disk_free_mb, e)) ||
	    (rc = get_text(root, "boot_order", out->boot_order, sizeof(out->boot_order), e)) ||
	    (rc = get_text(root, "trouble", out->trouble, sizeof(out->trouble), e)))
		return rc;
	if (!out->boot_id[0])
		return bad_field(e, "boot_id", "a name");
	out->epoch = (uint64_t)epoch;
	out->present = true;
	return ERR_OK;
}

enum err_code agent_answer_parse(const char *json, size_t len, struct agent_report *out, struct err *e)
{
	json_error_t where;

	memset(out, 0, sizeof(*out));
	if (len > AGENT_ANSWER_BYTES)
		return err_set(e, ERR_PROTOCOL, "agent's answer is too long");
	json_t *root = json_loadb(json, len, JSON_REJECT_DUPLICATES, &where);
	if (!root) {
		char text[80];

		proto_printable(text, sizeof(text), where.text, strlen(where.text));
		return err_set(e, ERR_PROTOCOL, "agent's answer is no JSON: %s", text);
	}
	enum err_code rc = read_fields(root, out, e);
	json_decref(root);
	if (rc != ERR_OK)
		memset(out, 0, sizeof(*out));
	return rc;
}
