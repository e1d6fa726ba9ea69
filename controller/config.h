/*
 * Purpose:   coldmxd's configuration: one const struct after load, and what each part is filled
 *            from.
 * Not its job: applying it (main), rows and notation (common/base/conf.h).
 * Thread:    loaded before any thread starts; read-only afterwards, from any.
 * Ownership: struct config owns everything; config_free wipes the secrets.
 * Errors:    ERR_INVALID "file:line: what, and what to write instead", the first one found.
 * Units:     _ms milliseconds, _bytes bytes.
 */
#ifndef COLDMX_CONFIG_H
#define COLDMX_CONFIG_H

#include "config_pair.h"

enum config_tsig_algorithm { TSIG_HMAC_SHA256, TSIG_HMAC_SHA512 };

struct config_ssh {
	char *user, *identity, *known_hosts;
	int port;
};

struct config_agent_listen {
	struct conf_endpoint at; /* addr "" = off */
	char *cert, *key;
	int64_t maps_max_bytes;
};

struct config_global {
	char *state_dir, *socket, *notify_hook, *heartbeat_hook, *harden_dir, *stranded_dir, *maps_dir, *maps_key_file;
	struct conf_endpoint http; /* addr "" = off */
	int log_level;             /* index: config_log_level() */
	int64_t grace_ms, heartbeat_ms;
	struct brake_opts brake;
	struct conf_endpoint *references;
	size_t nreferences;
	int64_t references_every_ms, references_timeout_ms;
	int executor_threads;
	struct config_ssh ssh;
	char *ehlo_name, *v4, *v6, *agent_ca_file;
	struct config_agent_listen agent_listen;
};

struct config_tsig {
	char *name, *secret_file;
	enum config_tsig_algorithm algorithm;
	struct config_secret secret; /* base64 text */
};

struct config {
	struct config_global global;
	struct config_tsig *tsig;
	struct config_power_host *power_hosts;
	struct config_pair *pairs; /* pair id = index + 1 */
	size_t ntsig, npower_hosts, npairs;
	struct plan_control control[PLAN_CONTROLS_MAX]; /* of harden_dir, by name */
	size_t ncontrols;
	struct config_secret maps_key; /* 32 bytes; len 0 = none */
};

enum err_code config_load(const char *path, struct config **out, struct err *e) NODISCARD;
void config_free(struct config *c); /* NULL is legal */
void config_print(const struct config *c, struct strbuf *out);
int config_log_level(const struct config *c); /* enum log_level */

/* NULL: none. */
const struct config_pair *config_pair(const struct config *c, const char *name);
const struct config_tsig *config_tsig(const struct config *c, const char *name);
/* The key under which this mail domain's marker is written. */
const struct config_tsig *config_marker_tsig(const struct config *c, const char *domain);
const struct config_power_host *config_power_host(const struct config *c, const char *name);
/* What probe_opts.token_name stands for: "agent:PAIR:primary". NULL: none. */
const struct config_secret *config_token(const struct config *c, const char *token_name);

/* The engine copies them; config_engine_free afterwards. */
void config_fill_engine(const struct config *c, struct engine_opts *out);
void config_engine_free(struct engine_opts *opts);

#endif
