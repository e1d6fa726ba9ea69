/*
 * Purpose:   agent.conf in one const struct, from typed rows.
 * Not its job: reading the secrets that it names: `gate` must work while a certificate is missing.
 * Thread:    any once loaded.   Ownership: agent_config_load to agent_config_free.
 * Errors:    ERR_INVALID "file:line: what, and what to write instead".   Units: _ms milliseconds.
 */
#ifndef COLDMX_AGENT_CONFIG_H
#define COLDMX_AGENT_CONFIG_H

#include "../common/base/conf.h"
#include "../common/rights.h"

#define AGENT_CONFIG_PATH "/etc/coldmx/agent.conf"

struct config_texts {
	char **items;
	size_t count;
};

/* Source files of Postfix's tables; all empty: what postconf names. */
struct config_maps {
	char *postconf;
	struct config_texts domains, mailboxes, aliases, transport, local_domains;
};

/* The agent of the other host; no addresses = off, in both directions. */
struct config_peer {
	struct conf_endpoint *addresses;
	size_t naddresses;
	char *name, *token_file, *ca_file;
};

/* The TXT record of common/marker.h; no servers = off. */
struct config_marker {
	char *domain, *key_file;
	struct conf_endpoint *servers;
	size_t nservers;
};

struct agent_config {
	char *pair;
	enum rights_place role;
	struct rights_policy policy;
	int64_t gate_wait_ms;
	char *state_dir, *spool, *systemctl, *notify_hook;
	struct conf_endpoint smtp;
	int64_t check_every_ms, smtp_timeout_ms, trouble_after_ms;
	struct conf_endpoint *listen;
	size_t nlisten;
	char *cert, *key, *token_file;
	struct conf_endpoint *controllers;
	size_t ncontrollers;
	char *controller_name, *ca_file;
	struct config_peer peer;
	struct config_marker marker;
	int64_t poll_ms, maps_refresh_ms;
	struct config_maps maps;
};

extern const struct conf_section agent_config_section; /* the rows */

enum err_code agent_config_load(const char *path, struct agent_config **out, struct err *e) NODISCARD;
void agent_config_free(struct agent_config *c); /* NULL is legal */
void agent_config_print(const struct agent_config *c, struct strbuf *out);

#endif
