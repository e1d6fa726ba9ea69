/* See drivers.h. */
#include "drivers.h"

#include <string.h>

#include "../../common/base/clock.h"
#include "dns.h"
#include "smtp_check.h"

enum {
	SESSION_NONE,
	SESSION_HOST,
	SESSION_POWER = SESSION_HOST + HOST_ROLES,
	SESSION_LEVEL = SESSION_POWER + HOST_ROLES,
};

unsigned drivers_session_of(const struct verb *verb)
{
	switch (verb->kind) {
	case VERB_POWER_ON:
	case VERB_POWER_OFF:
	case VERB_POWER_STATUS: return SESSION_POWER + (unsigned)verb->u.power_target;
	case VERB_FENCE_ON:
	case VERB_FENCE_OFF:
	case VERB_FENCE_STATUS:
		return verb->u.fence.index < LEVELS_MAX ? SESSION_LEVEL + verb->u.fence.index : SESSION_NONE;
	case VERB_HOST_RUN: return SESSION_HOST + (unsigned)verb->u.host.target;
	case VERB_QUEUE_EXPORT: return SESSION_HOST + (unsigned)verb->u.queue.target;
	case VERB_SMTP_CHECK:
	case VERB_DNS_GET:
	case VERB_DNS_SWAP:
	case VERB_DNS_VERIFY:
	case VERB_NOTIFY:
	case VERB_HEARTBEAT: break;
	}
	return SESSION_NONE;
}

static void smtp_run(const struct driver_pair *pair, const struct verb *verb, const struct job_wait *wait,
		     struct outcome *out)
{
	const struct verb_smtp *smtp = &verb->u.smtp;
	const struct host_addr *addr = &pair->host[smtp->target].addr;
	struct smtp_check_opts opts = {
		.addr = smtp->family == 4 ? addr->v4 : addr->v6,
		.port = pair->smtp_port,
		.family = smtp->family,
		.name = pair->tls_name[smtp->target],
		.ca_file = pair->ca_file,
		.ehlo = pair->ehlo,
		.known = smtp->known,
		.unknown = smtp->unknown,
		.deadline_ms = wait->deadline_ms,
		.cancel_fd = wait->cancel_fd,
	};
	(void)!smtp_check_run(&opts, &out->u.smtp, &out->err);
}

static const struct dns_opts *find_zone(const struct driver_pair *pair, const char *name)
{
	for (size_t i = 0; i < pair->nzones; i++)
		if (strcmp(pair->zones[i].name, name) == 0)
			return pair->zones[i].dns;
	return NULL;
}

static void dns_run(const struct driver_pair *pair, const struct verb *verb, const struct job_wait *wait,
		    struct outcome *out)
{
	const struct verb_dns *dns = &verb->u.dns;
	const struct dns_opts *opts = find_zone(pair, dns->zone);
	if (!opts)
		(void)err_set(&out->err, ERR_INVALID, "zone %s is no longer configured for %s", dns->zone, pair->name);
	else if (verb->kind == VERB_DNS_GET)
		(void)!dns_get(opts, dns->zone, wait->deadline_ms, wait->cancel_fd, &out->u.dns, &out->err);
	else if (verb->kind == VERB_DNS_SWAP)
		(void)!dns_swap(opts, dns, wait->deadline_ms, wait->cancel_fd, &out->err);
	else
		(void)!dns_verify(opts, dns, wait->deadline_ms, wait->cancel_fd, &out->u.verify, &out->err);
}

static void dispatch(const struct drivers *d, const struct driver_pair *pair, const struct verb *verb,
		     const struct job_wait *wait, struct ssh_session **kept, struct outcome *out)
{
	switch (verb->kind) {
	case VERB_POWER_ON:
	case VERB_POWER_OFF:
	case VERB_POWER_STATUS: power_run(pair, verb, wait, kept, out); return;
	case VERB_FENCE_ON:
	case VERB_FENCE_OFF:
	case VERB_FENCE_STATUS: fence_run(pair, verb, wait, kept, out); return;
	case VERB_HOST_RUN: host_run(d, pair, verb, wait, kept, out); return;
	case VERB_SMTP_CHECK: smtp_run(pair, verb, wait, out); return;
	case VERB_DNS_GET:
	case VERB_DNS_SWAP:
	case VERB_DNS_VERIFY: dns_run(pair, verb, wait, out); return;
	case VERB_QUEUE_EXPORT: export_run(pair, verb, wait, kept, out); return;
	case VERB_NOTIFY: notify_run(d, pair, verb, wait, out); return;
	case VERB_HEARTBEAT: heartbeat_run(d, wait, out); return;
	}
}

void drivers_run(const struct drivers *d, const struct verb *verb, int cancel_fd, struct ssh_session **kept,
		 struct outcome *out)
{
	uint32_t id = verb->guard.pair;
	const struct driver_pair *pair = id >= 1 && id <= d->npairs ? &d->pairs[id - 1] : NULL;
	struct job_wait wait = { verb->deadline_ms, cancel_fd };
	int64_t began_ms = clock_boot_ms();
	memset(out, 0, sizeof(*out));
	if (!pair && verb->kind != VERB_NOTIFY && verb->kind != VERB_HEARTBEAT)
		(void)err_set(&out->err, ERR_INVALID, "pair %u is not configured", id);
	else
		dispatch(d, pair, verb, &wait, kept, out);
	out->took_ms = clock_boot_ms() - began_ms;
}
