/* Files that the configuration names: the controls of harden_dir, and the secrets. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../common/base/file.h"
#include "../common/base/mem.h"
#include "config_rows.h"

#define CONTROL_MAX_BYTES ((size_t)256 * 1024)
#define CONTROL_HEADER_LINES 20
#define SECRET_MAX_BYTES 4096
#define TOKEN_MIN 16
#define MAPS_KEY_BYTES 32

static bool is_control_name(const char *name)
{
	if (!isdigit((unsigned char)name[0]) || !isdigit((unsigned char)name[1]) || name[2] != '-' || !name[3])
		return false;
	for (const char *c = name + 3; *c; c++)
		if (!islower((unsigned char)*c) && !isdigit((unsigned char)*c) && *c != '-')
			return false;
	return strlen(name) < NAME_MAX_LEN;
}

static bool line_is(const char *line, size_t len, const char *text)
{
	while (len && isspace((unsigned char)line[len - 1]))
		len--;
	return strlen(text) == len && strncmp(line, text, len) == 0;
}

static enum err_code read_header(const char *path, const char *text, struct plan_control *control, struct err *e)
{
	bool phase = false;
	for (int i = 0; i < CONTROL_HEADER_LINES && text[0] == '#'; i++) {
		size_t len = strcspn(text, "\n");
		control->block |= line_is(text, len, "# BLOCK");
		control->with_mail |= line_is(text, len, "# phase: with-mail");
		phase |= line_is(text, len, "# phase: with-mail") || line_is(text, len, "# phase: before-mail");
		text += len + (text[len] == '\n');
	}
	if (!phase)
		return err_set(e, ERR_INVALID,
			       "%s:1: the header does not say when this control runs: add "
			       "\"# phase: before-mail\" or \"# phase: with-mail\"",
			       path);
	return ERR_OK;
}

static enum err_code read_control(struct config *c, const struct conf_doc *doc, const char *name, struct err *e)
{
	char path[PATH_MAX];
	char *text = NULL;
	struct err why = { 0 };
	struct plan_control *control = &c->control[c->ncontrols];
	snprintf(path, sizeof(path), "%s/%s", c->global.harden_dir, name);
	if (!is_control_name(name))
		return conf_fail(doc, e, "global.harden_dir",
				 "%s is not named as a control (NN-name, lower case), and "
				 "would be left out silently: rename or remove it",
				 path);
	if (c->ncontrols == PLAN_CONTROLS_MAX)
		return conf_fail(doc, e, "global.harden_dir", "%s holds more than %d controls: merge some",
				 c->global.harden_dir, PLAN_CONTROLS_MAX);
	if (file_read(path, CONTROL_MAX_BYTES, FILE_OWNED, &text, NULL, &why) != ERR_OK)
		return conf_fail(doc, e, "global.harden_dir", "%s", why.text);
	(void)str_copy(control->name, sizeof(control->name), name);
	enum err_code rc = read_header(path, text, control, e);
	free(text);
	c->ncontrols++;
	return rc;
}

static int not_hidden(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

enum err_code config_read_controls(struct config *c, const struct conf_doc *doc, struct err *e)
{
	struct dirent **entries = NULL;
	enum err_code rc = ERR_OK;
	int n = scandir(c->global.harden_dir, &entries, not_hidden, by_bytes);
	if (n < 0) {
		struct err why;
		err_set_errno(&why, ERR_INVALID, errno, "cannot read %s", c->global.harden_dir);
		return conf_fail(doc, e, "global.harden_dir", "%s", why.text);
	}
	for (int i = 0; i < n; i++) {
		if (rc == ERR_OK)
			rc = read_control(c, doc, entries[i]->d_name, e);
		free(entries[i]);
	}
	free(entries);
	return rc;
}

/* White space at both ends goes: editors add a newline. */
static enum err_code read_secret(const char *path, struct config_secret *out, struct err *e)
{
	size_t len, skip = 0;
	enum err_code rc = file_read(path, SECRET_MAX_BYTES, FILE_SECRET, &out->bytes, &len, e);
	if (rc != ERR_OK)
		return rc;
	out->len = len;
	while (len && isspace((unsigned char)out->bytes[len - 1]))
		len--;
	while (skip < len && isspace((unsigned char)out->bytes[skip]))
		skip++;
	memmove(out->bytes, out->bytes + skip, len - skip);
	explicit_bzero(out->bytes + len - skip, out->len - (len - skip));
	out->len = len - skip;
	return ERR_OK;
}

static bool is_base64(const struct config_secret *s)
{
	for (size_t i = 0; i < s->len; i++)
		if (!isalnum((unsigned char)s->bytes[i]) && !strchr("+/=", s->bytes[i]))
			return false;
	return s->len % 4 == 0 && s->len >= 24; /* 128 bits */
}

static bool is_token(const struct config_secret *s)
{
	for (size_t i = 0; i < s->len; i++)
		if (s->bytes[i] <= ' ' || s->bytes[i] > '~')
			return false;
	return s->len >= TOKEN_MIN;
}

static int hex_value(char c)
{
	const char *digits = "0123456789abcdef";
	const char *found = c ? strchr(digits, tolower((unsigned char)c)) : NULL;
	return found ? (int)(found - digits) : -1;
}

static bool decode_key(struct config_secret *s)
{
	if (s->len != (size_t)MAPS_KEY_BYTES * 2)
		return false;
	for (size_t i = 0; i < MAPS_KEY_BYTES; i++) {
		int high = hex_value(s->bytes[2 * i]), low = hex_value(s->bytes[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		s->bytes[i] = (char)(high * 16 + low);
	}
	explicit_bzero(s->bytes + MAPS_KEY_BYTES, MAPS_KEY_BYTES);
	s->len = MAPS_KEY_BYTES;
	return true;
}

static enum err_code read_tokens(struct config *c, const struct conf_doc *doc, struct err *e)
{
	for (size_t i = 0; i < c->npairs; i++) {
		for (int r = 0; r < HOST_ROLES; r++) {
			struct config_host *h = &c->pairs[i].host[r];
			struct err why = { 0 };
			char at[80];
			snprintf(at, sizeof(at), "pairs.[%zu].%s.agent_token_file", i,
				 host_role_name((enum host_role)r));
			if (!h->agent_token_file[0])
				continue;
			if (read_secret(h->agent_token_file, &h->agent_token, &why) != ERR_OK)
				return conf_fail(doc, e, at, "%s", why.text);
			if (!is_token(&h->agent_token))
				return conf_fail(doc, e, at,
						 "%s does not hold a token of %d or more characters: write "
						 "one with openssl rand -hex 32",
						 h->agent_token_file, TOKEN_MIN);
		}
	}
	return ERR_OK;
}

/* Not to be guessed at is not asked of it: whatever a device takes. */
static enum err_code read_level_secrets(struct config *c, const struct conf_doc *doc, struct err *e)
{
	for (size_t i = 0; i < c->npairs; i++) {
		for (size_t l = 0; l < c->pairs[i].nfence; l++) {
			struct config_level *level = &c->pairs[i].fence[l];
			struct err why = { 0 };
			char at[80];
			snprintf(at, sizeof(at), "pairs.[%zu].fence.[%zu].secret_file", i, l);
			if (level->secret_file[0] && read_secret(level->secret_file, &level->secret, &why) != ERR_OK)
				return conf_fail(doc, e, at, "%s", why.text);
		}
	}
	return ERR_OK;
}

enum err_code config_read_secrets(struct config *c, const struct conf_doc *doc, struct err *e)
{
	struct err why = { 0 };
	for (size_t i = 0; i < c->ntsig; i++) {
		struct config_tsig *t = &c->tsig[i];
		char at[60];
		snprintf(at, sizeof(at), "tsig.[%zu].secret_file", i);
		if (read_secret(t->secret_file, &t->secret, &why) != ERR_OK)
			return conf_fail(doc, e, at, "%s", why.text);
		if (!is_base64(&t->secret))
			return conf_fail(doc, e, at,
					 "%s does not hold a key in base64, alone: write what "
					 "tsig-keygen prints after \"secret\"",
					 t->secret_file);
	}
	if (c->global.maps_key_file[0]) {
		if (read_secret(c->global.maps_key_file, &c->maps_key, &why) != ERR_OK)
			return conf_fail(doc, e, "global.maps_key_file", "%s", why.text);
		if (!decode_key(&c->maps_key))
			return conf_fail(doc, e, "global.maps_key_file",
					 "%s does not hold 64 hexadecimal digits: write "
					 "it with openssl rand -hex 32",
					 c->global.maps_key_file);
	}
	enum err_code rc = read_tokens(c, doc, e);
	return rc == ERR_OK ? read_level_secrets(c, doc, e) : rc;
}

static void wipe(struct config_secret *s)
{
	if (s->bytes)
		explicit_bzero(s->bytes, s->len);
	free(s->bytes);
	*s = (struct config_secret){ 0 };
}

void config_wipe_secrets(struct config *c)
{
	for (size_t i = 0; i < c->ntsig; i++)
		wipe(&c->tsig[i].secret);
	for (size_t i = 0; i < c->npairs; i++)
		for (int r = 0; r < HOST_ROLES; r++)
			wipe(&c->pairs[i].host[r].agent_token);
	for (size_t i = 0; i < c->npairs; i++)
		for (size_t l = 0; l < c->pairs[i].nfence; l++)
			wipe(&c->pairs[i].fence[l].secret);
	wipe(&c->maps_key);
}
