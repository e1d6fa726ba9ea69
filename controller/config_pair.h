/*
 * Purpose:   what the configuration says of one pair, its hosts, its levels of fencing, and the machines that switch
 *            power.
 * Not its job: the rest of the file, loading (config.h).
 * Thread:    loaded before any thread starts; read-only afterwards, from any.
 * Ownership: struct config's.
 * Units:     _ms milliseconds.
 */
#ifndef COLDMX_CONFIG_PAIR_H
#define COLDMX_CONFIG_PAIR_H

#include "../common/base/conf.h"
#include "engine/engine.h"

/* No format function prints it; wiped on free. */
struct config_secret {
	char *bytes;
	size_t len;
};

enum config_level_kind { LEVEL_COMMAND, LEVEL_AGENT, LEVEL_EDGE };
enum config_returning { RETURNING_SERVE, RETURNING_WAIT };

struct config_power_host {
	char *name, *v4, *v6, *user;
	int port;
	bool one_drill;
};

/* Three commands on a power host; via "" = none. */
struct config_power {
	char *via, *on, *off, *status;
};

struct config_host {
	char *name, *v4, *v6, *site, *agent_token_file;
	int agent_port;
	struct config_power power;
	struct config_secret agent_token; /* len 0 = no agent */
};

/* One level of fencing. What another kind needs is "" or none. */
struct config_level {
	char *name, *site;
	enum config_level_kind kind;
	struct config_power power; /* command; via "" = the primary's own power group */
	char *program;             /* agent, edge */
	char **parameters;         /* "key=value" */
	size_t nparameters;
	char *secret_file;           /* agent: more parameters */
	struct config_secret secret; /* len 0 = none */
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

/* When drills begin by themselves; the texts are checked by config_check (core/calendar.h). */
struct config_drills {
	char *at; /* "" = never */
	int64_t jitter_ms, overdue_ms;
	char **blackout;
	size_t nblackout;
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
	bool marker, drill_blackhole;
	struct config_level *fence; /* tried in order until one holds */
	size_t nfence;
	enum config_returning returning_primary;
	struct config_probe probe;
	int64_t agent_every_ms, agent_timeout_ms, cooldown_ms, maps_max_age_ms, objective_ms;
	struct config_limits limits;
	struct config_drills drills;
};

#endif
