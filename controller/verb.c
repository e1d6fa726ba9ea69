/* Names and comparisons of the plain data in verb.h and ports.h. */
#include "verb.h"

#include <string.h>

#include "ports.h"

const char *verb_kind_name(enum verb_kind kind)
{
	switch (kind) {
	case VERB_POWER_ON: return "power-on";
	case VERB_POWER_OFF: return "power-off";
	case VERB_POWER_STATUS: return "power-status";
	case VERB_FENCE_ON: return "fence-on";
	case VERB_FENCE_OFF: return "fence-off";
	case VERB_FENCE_STATUS: return "fence-status";
	case VERB_HOST_RUN: return "host-run";
	case VERB_SMTP_CHECK: return "smtp-check";
	case VERB_DNS_GET: return "dns-get";
	case VERB_DNS_SWAP: return "dns-swap";
	case VERB_DNS_VERIFY: return "dns-verify";
	case VERB_QUEUE_EXPORT: return "queue-export";
	case VERB_NOTIFY: return "notify";
	case VERB_HEARTBEAT: return "heartbeat";
	}
	return "?";
}

const char *host_role_name(enum host_role role)
{
	switch (role) {
	case HOST_PRIMARY: return "primary";
	case HOST_STANDBY: return "standby";
	}
	return "?";
}

const char *power_state_name(enum power_state state)
{
	switch (state) {
	case POWER_UNKNOWN: return "unknown";
	case POWER_STATE_OFF: return "off";
	case POWER_STATE_ON: return "on";
	}
	return "?";
}

const char *record_kind_name(enum record_kind kind)
{
	switch (kind) {
	case RECORD_PAIR: return "pair";
	case RECORD_OPERATION: return "operation";
	case RECORD_JOURNAL: return "journal";
	case RECORD_AUDIT: return "audit";
	case RECORD_GRANT: return "grant";
	case RECORD_BOOT: return "boot";
	case RECORD_STRANDED: return "stranded";
	case RECORD_HOLD: return "hold";
	case RECORD_GLOBAL: return "global";
	}
	return "?";
}

bool verb_host_answered(enum err_code code)
{
	return code == ERR_OK || code == ERR_AGAIN || code == ERR_FAILED || code == ERR_AUTH || code == ERR_DENIED ||
	       code == ERR_PROTOCOL || code == ERR_REFUSED;
}

bool verb_has_effect(const struct verb *verb)
{
	switch (verb->kind) {
	case VERB_POWER_STATUS:
	case VERB_FENCE_STATUS:
	case VERB_SMTP_CHECK:
	case VERB_DNS_GET:
	case VERB_DNS_VERIFY: return false;
	case VERB_POWER_ON:
	case VERB_POWER_OFF:
	case VERB_FENCE_ON:
	case VERB_FENCE_OFF:
	case VERB_HOST_RUN:
	case VERB_DNS_SWAP:
	case VERB_QUEUE_EXPORT:
	case VERB_NOTIFY:
	case VERB_HEARTBEAT: return true;
	}
	return true;
}

static bool mx_set_has(const struct mx_set *set, const struct mx *mx)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->mx[i].preference == mx->preference && strcmp(set->mx[i].target, mx->target) == 0)
			return true;
	return false;
}

bool mx_set_equal(const struct mx_set *a, const struct mx_set *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!mx_set_has(b, &a->mx[i]) || !mx_set_has(a, &b->mx[i]))
			return false;
	return true;
}

const char *store_rc_name(enum store_rc rc)
{
	switch (rc) {
	case STORE_OK: return "ok";
	case STORE_FENCED: return "fenced";
	case STORE_AWAY: return "away";
	case STORE_UNKNOWN: return "unknown";
	}
	return "?";
}
