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

#include "../common/base/conf.h"
#include "engine/engine.h"

/* No format function prints it; wiped on free. */
struct config_secret {
	char *bytes;
	size_t len;
};

enum config_fence { FENCE_NONE, FENCE_POWER };
enum config_returning { RETURNING_SERVE, RETURNING_WAIT };
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
	char *state_dir, *socket, *notify_hook, *harden_dir, *stranded_dir, *maps_dir, *maps_key_file;
	struct conf_endpoint http; /* addr "" = off */
	int log_level;             /* index: config_log_level() */
	int64_t grace_ms;
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

struct config_power_host {
	char *name, *v4, *v6, *user;
	int port;
};

/* Three commands on a power host; via "" = none. */
struct config_power {
	char *via, *on, *off, *status;
};

struct config_host {
	char *name, *v4, *v6, *agent_token_file;
	int agent_port;
	struct config_power power;
	struct config_secret agent_token; /* len 0 = no agent */
};

struct config_domain {
	char *name, *key;
	struct conf_endpoint *servers, *authoritative; /* update servers, in order; checked besides those found */
	size_t nservers, nauthoritative;
	int64_t ttl_ms;
};

struct config_mx {
	int preference;
	char *target;
};

struct config_probe {
	int64_t every_ms, fast_every_ms, timeout_ms;
	int fail_after, up_after, port;
	bool tls;
	char *ca_file;
};

struct config_limits {
	int64_t boot_ms, command_ms, dns_ms, drain_ms, linger_margin_ms, clock_skew_ms;
};

struct config_pair {
	char *name, *known_recipient, *unknown_recipient;
	enum pair_mode mode;
	struct config_host host[HOST_ROLES];
	struct config_domain *domains;
	size_t ndomains;
	enum dns_strategy strategy;
	int preference[HOST_ROLES]; /* while the primary serves; swap exchanges them */
	struct config_mx *other_mx;
	size_t nother_mx;
	bool marker;
	enum config_fence fence;
	enum config_returning returning_primary;
	struct config_probe probe;
	int64_t agent_every_ms, agent_timeout_ms, cooldown_ms, maps_max_age_ms;
	struct config_limits limits;
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
