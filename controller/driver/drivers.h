/*
 * Purpose:   from a verb to the driver that performs it, with what configuration says of the pair.
 * Not its job: threads and sessions (real/executor.c), what a verb is for (step/).
 * Thread:    executor threads, several at once; everything here is read-only.
 * Ownership: options belong to main and outlive the executor; nothing is kept.
 * Errors:    in the outcome.
 */
#ifndef COLDMX_DRIVERS_H
#define COLDMX_DRIVERS_H

#include "child.h"

struct dns_opts; /* dns.h */

/* A machine's power: three commands on a power host. via.name "" = none. */
struct driver_power {
	struct ssh_target via;
	const char *on, *off, *status;
};

enum power_want { POWER_WANT_ON, POWER_WANT_OFF, POWER_WANT_STATUS };

/* One level of fencing of the primary (hooks/README.md, section 5). */
struct driver_level {
	const char *name;
	enum { LEVEL_BY_COMMAND, LEVEL_BY_AGENT, LEVEL_BY_EDGE } kind;
	struct driver_power power; /* by command */
	const char *program;       /* by agent, by edge */
	size_t nparameters;
	char *const *parameters; /* "key=value" */
	const char *secret;      /* by agent: lines of the same form, for its standard input alone */
	size_t secret_len;
};

struct driver_zone {
	const char *name;
	const struct dns_opts *dns;
};

struct driver_pair {
	const char *name;
	struct ssh_target host[HOST_ROLES];
	struct driver_power power[HOST_ROLES];
	size_t nlevels;
	const struct driver_level *levels;
	struct host_addr controller;
	uint16_t smtp_port;
	const char *tls_name[HOST_ROLES]; /* "" = no TLS */
	const char *ca_file, *ehlo;
	const char *stranded_dir;
	size_t nzones;
	const struct driver_zone *zones;
};

struct drivers {
	size_t npairs;
	const struct driver_pair *pairs;      /* pair id = index + 1 */
	const char *harden_dir, *notify_hook; /* notify_hook "" = none: pages are only logged */
	const char *heartbeat_hook;
	/* The pair's kept map bundle, decrypted; the caller frees. */
	enum err_code (*load_maps)(void *arg, uint32_t pair, char **out, size_t *len, struct err *e);
	void *maps_arg;
};

/* `kept`: the session of this (op, host), NULL or open; on return NULL or usable for the next. */
void drivers_run(const struct drivers *d, const struct verb *verb, int cancel_fd, struct ssh_session **kept,
		 struct outcome *out);
/* Which session a verb wants: 0 none, else a number that is the same for the same host. */
unsigned drivers_session_of(const struct verb *verb);

/* ---- one verb each ---- */
void power_run(const struct driver_pair *pair, const struct verb *verb, const struct job_wait *wait,
	       struct ssh_session **kept, struct outcome *out);
void fence_run(const struct driver_pair *pair, const struct verb *verb, const struct job_wait *wait,
	       struct ssh_session **kept, struct outcome *out);
/* ---- fence_agent.c ---- */
struct fence_metadata; /* fence_metadata.h */
void fence_agent_run(const struct driver_level *level, enum power_want want, const struct job_wait *wait,
		     struct outcome *out);
/* Asks the agent what it is. ERR_INVALID, ERR_TIMEOUT, or as child.h. */
enum err_code fence_agent_metadata(const char *program, const struct job_wait *wait, struct fence_metadata *out,
				   struct err *e) NODISCARD;
void host_run(const struct drivers *d, const struct driver_pair *pair, const struct verb *verb,
	      const struct job_wait *wait, struct ssh_session **kept, struct outcome *out);
void export_run(const struct driver_pair *pair, const struct verb *verb, const struct job_wait *wait,
		struct ssh_session **kept, struct outcome *out);
void notify_run(const struct drivers *d, const struct driver_pair *pair, const struct verb *verb,
		const struct job_wait *wait, struct outcome *out);
void heartbeat_run(const struct drivers *d, const struct job_wait *wait, struct outcome *out);
/* One of the three commands; a state only for status. `whose`: for the message when there is none. */
void power_command(const struct driver_power *power, enum power_want want, const char *whose,
		   const struct job_wait *wait, struct ssh_session **kept, struct outcome *out);
/* What `text` ends with is one of the two words, in any case. */
enum power_state power_last_word(const char *text, const char *on, const char *off);
/* Opens *kept when it is NULL, or when it turns out dead before the command was asked; runs; closes
 * what broke. */
enum err_code session_run(const struct ssh_target *target, const struct ssh_command *cmd, const struct job_wait *wait,
			  struct ssh_session **kept, struct err *e) NODISCARD;

#endif
