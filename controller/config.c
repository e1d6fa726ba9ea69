/* Loading in order: notation and single values (rows), what they mean together, files that they
 * name. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../common/base/log.h"
#include "../common/base/mem.h"
#include "config_rows.h"

/* An address that nobody has: the known one's domain, and a local part that no person would choose.
 */
static void fill_unknown_recipient(struct config_pair *p)
{
	char text[DOMAIN_MAX];
	const char *at = strchr(p->known_recipient, '@');
	if (p->unknown_recipient[0] || !at)
		return;
	snprintf(text, sizeof(text), "coldmx-nobody-7f3a9c%s", at);
	free(p->unknown_recipient);
	p->unknown_recipient = mem_strdup(text);
}

enum err_code config_load(const char *path, struct config **out, struct err *e)
{
	struct config *c = mem_calloc(1, sizeof(*c));
	struct conf_doc *doc = NULL;
	enum err_code rc = conf_load(path, &config_section, c, &doc, e);
	for (size_t i = 0; rc == ERR_OK && i < c->npairs; i++)
		fill_unknown_recipient(&c->pairs[i]);
	if (rc == ERR_OK)
		rc = config_check(c, doc, e);
	if (rc == ERR_OK)
		rc = config_read_controls(c, doc, e);
	if (rc == ERR_OK)
		rc = config_read_secrets(c, doc, e);
	if (rc == ERR_OK)
		rc = config_check_agents(c, doc, e);
	conf_doc_free(doc);
	if (rc != ERR_OK) {
		config_free(c);
		c = NULL;
	}
	*out = c;
	return rc;
}

void config_free(struct config *c)
{
	if (!c)
		return;
	config_wipe_secrets(c);
	conf_free_values(&config_section, c);
	free(c);
}

void config_print(const struct config *c, struct strbuf *out)
{
	conf_print(&config_section, c, out);
}

int config_log_level(const struct config *c)
{
	return LOG_LEVEL_ERROR + c->global.log_level;
}

const struct config_pair *config_pair(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->npairs; i++)
		if (strcmp(c->pairs[i].name, name) == 0)
			return &c->pairs[i];
	return NULL;
}

const struct config_tsig *config_tsig(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->ntsig; i++)
		if (strcmp(c->tsig[i].name, name) == 0)
			return &c->tsig[i];
	return NULL;
}

const struct config_tsig *config_marker_tsig(const struct config *c, const char *domain)
{
	for (size_t i = 0; i < c->npairs; i++)
		for (size_t d = 0; c->pairs[i].marker && d < c->pairs[i].ndomains; d++)
			if (strcmp(c->pairs[i].domains[d].name, domain) == 0 && c->pairs[i].domains[d].key[0])
				return config_tsig(c, c->pairs[i].domains[d].key);
	return NULL;
}

const struct config_power_host *config_power_host(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->npower_hosts; i++)
		if (strcmp(c->power_hosts[i].name, name) == 0)
			return &c->power_hosts[i];
	return NULL;
}

const struct config_secret *config_token(const struct config *c, const char *token_name)
{
	char name[NAME_MAX_LEN * 2];
	char *role;
	if (strncmp(token_name, "agent:", 6) != 0 || !str_copy(name, sizeof(name), token_name + 6) ||
	    !(role = strrchr(name, ':')))
		return NULL;
	*role++ = '\0';
	const struct config_pair *p = config_pair(c, name);
	for (int r = 0; p && r < HOST_ROLES; r++)
		if (strcmp(role, host_role_name((enum host_role)r)) == 0 && p->host[r].agent_token.len)
			return &p->host[r].agent_token;
	return NULL;
}
