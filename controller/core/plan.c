/* The orders of the steps are the operations (DESIGN of the product: promote, failback, abort in spool mode). */
#include "plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/base/mem.h"

#define LEVEL_EXTRA_MS 10000 /* reading back, and the look whether the primary answers */

/* clang-format off */
/* Booting overlaps with nothing yet; fencing comes late in spool mode, since nobody delivers meanwhile. */
static const enum step_id promote_steps[] = {
	STEP_GUARD, STEP_BOOT_ORDER, STEP_POWER_ON, STEP_INTERLOCK, STEP_CONNECT, STEP_CLOCK, STEP_HARDEN,
	STEP_MAPS, STEP_GRANT, STEP_START_MAIL, STEP_VERIFY_LOCAL, STEP_FENCE, STEP_OPEN_TO_PROBES,
	STEP_VERIFY_OUTSIDE, STEP_READINESS, STEP_OPEN_PORT, STEP_SWITCH_DNS, STEP_VERIFY_DNS, STEP_ANNOUNCE,
};

static const enum step_id failback_steps[] = {
	STEP_GUARD, STEP_VERIFY_PRIMARY, STEP_RESCUE, STEP_GRANT, STEP_VERIFY_OUTSIDE, STEP_SWITCH_DNS,
	STEP_VERIFY_DNS, STEP_DRAIN, STEP_LINGER, STEP_CLOSE_PORT, STEP_DRAIN_AGAIN, STEP_SETTLE,
	STEP_POWER_OFF, STEP_INTERLOCK_BACK, STEP_ANNOUNCE,
};

/* No linger: 25 closes first, since an abort says that the standby must not go on taking mail. Only then the primary,
 * if we fenced it, is switched on again: a power switch that fails must hold back neither. */
static const enum step_id abort_steps[] = {
	STEP_SWITCH_DNS, STEP_VERIFY_DNS, STEP_CLOSE_PORT, STEP_UNFENCE, STEP_DRAIN, STEP_SETTLE, STEP_POWER_OFF,
	STEP_INTERLOCK_BACK, STEP_ANNOUNCE,
};
/* To the end of verify-local like a promotion, so that all that a promotion rests on was seen; then off again. */
static const enum step_id drill_steps[] = {
	STEP_GUARD, STEP_BOOT_ORDER, STEP_POWER_ON, STEP_INTERLOCK, STEP_CONNECT, STEP_CLOCK, STEP_HARDEN,
	STEP_MAPS, STEP_REHEARSE, STEP_START_MAIL, STEP_VERIFY_LOCAL, STEP_READINESS, STEP_SETTLE, STEP_POWER_OFF,
	STEP_INTERLOCK_BACK,
};
/* clang-format on */

static void copy_steps(struct plan *p, const enum step_id *steps, size_t n)
{
	p->nsteps = 0;
	if (p->standby_on) /* first, so that whatever fails from here on switches it off again */
		p->step[p->nsteps++] = STEP_POWER_ON;
	for (size_t i = 0; i < n; i++) {
		if (steps[i] == STEP_FENCE &&
		    ((!p->site.nlevels && !p->confirmed) || p->again)) /* a primary that came back may serve */
			continue;
		if (steps[i] == STEP_POWER_ON && p->standby_on)
			continue;
		if (steps[i] == STEP_UNFENCE && !p->owed[0])
			continue;
		p->step[p->nsteps++] = steps[i];
	}
}

void plan_choose_steps(struct plan *p)
{
	switch (p->kind) {
	case PLAN_PROMOTE: copy_steps(p, promote_steps, ARRAY_LEN(promote_steps)); return;
	case PLAN_FAILBACK: copy_steps(p, failback_steps, ARRAY_LEN(failback_steps)); return;
	case PLAN_ABORT: copy_steps(p, abort_steps, ARRAY_LEN(abort_steps)); return;
	case PLAN_DRILL: copy_steps(p, drill_steps, ARRAY_LEN(drill_steps)); return;
	}
}

bool step_no_return(enum plan_kind kind, enum step_id step)
{
	switch (kind) {
	case PLAN_PROMOTE: return step == STEP_OPEN_PORT;   /* strangers' mail can be acknowledged from here */
	case PLAN_FAILBACK: return step == STEP_SWITCH_DNS; /* the world is sent to the primary from here */
	case PLAN_ABORT: return step == STEP_SWITCH_DNS;    /* an abort only goes forward */
	case PLAN_DRILL: return false;                      /* nobody's mail comes in */
	}
	return false;
}

bool plan_boots(enum plan_kind kind)
{
	return kind == PLAN_PROMOTE || kind == PLAN_DRILL;
}

bool plan_gives_back(enum plan_kind kind)
{
	return kind == PLAN_FAILBACK || kind == PLAN_ABORT;
}

int64_t plan_rehearse_ms(const struct plan *p)
{
	return 2 * p->site.boot_ms + 40 * p->site.command_ms;
}

void plan_site_copy(struct plan_site *dst, const struct plan_site *src)
{
	*dst = *src;
	dst->zones = mem_calloc(src->nzones, sizeof(*src->zones));
	if (src->nzones)
		memcpy(dst->zones, src->zones, src->nzones * sizeof(*src->zones));
}

void plan_site_fini(struct plan_site *s)
{
	free(s->zones);
	s->zones = NULL;
	s->nzones = 0;
}

void plan_fini(struct plan *p)
{
	plan_site_fini(&p->site);
}

int64_t plan_step_limit_ms(const struct plan *p, enum step_id step)
{
	switch (step) {
	case STEP_POWER_ON:
	case STEP_CONNECT:
	case STEP_VERIFY_PRIMARY:
	case STEP_POWER_OFF:
	case STEP_UNFENCE: return p->site.boot_ms;
	case STEP_FENCE: return p->site.boot_ms + (int64_t)p->site.nlevels * (2 * p->site.command_ms + LEVEL_EXTRA_MS);
	case STEP_SWITCH_DNS:
	case STEP_VERIFY_DNS:
	case STEP_GUARD: return p->site.dns_ms;
	case STEP_DRAIN:
	case STEP_DRAIN_AGAIN: return p->site.drain_ms;
	case STEP_HARDEN:
	case STEP_VERIFY_LOCAL: return p->site.command_ms * 5; /* many controls, each within command_ms */
	case STEP_LINGER: return INT64_MAX / 4;                /* it waits by its own clock */
	case STEP_BOOT_ORDER:
	case STEP_INTERLOCK:
	case STEP_CLOCK:
	case STEP_MAPS:
	case STEP_GRANT:
	case STEP_START_MAIL:
	case STEP_OPEN_TO_PROBES:
	case STEP_VERIFY_OUTSIDE:
	case STEP_READINESS:
	case STEP_OPEN_PORT:
	case STEP_ANNOUNCE:
	case STEP_RESCUE:
	case STEP_CLOSE_PORT:
	case STEP_SETTLE:
	case STEP_INTERLOCK_BACK:
	case STEP_REHEARSE: break;
	}
	return p->site.command_ms * 2;
}

const char *plan_kind_name(enum plan_kind kind)
{
	switch (kind) {
	case PLAN_PROMOTE: return "promote";
	case PLAN_FAILBACK: return "failback";
	case PLAN_ABORT: return "abort";
	case PLAN_DRILL: return "drill";
	}
	return "?";
}

const char *dns_strategy_name(enum dns_strategy strategy)
{
	switch (strategy) {
	case DNS_STANDING: return "standing";
	case DNS_SWAP: return "swap";
	}
	return "?";
}

const char *step_name(enum step_id step)
{
	switch (step) {
	case STEP_GUARD: return "guard";
	case STEP_BOOT_ORDER: return "boot-order";
	case STEP_POWER_ON: return "power-on";
	case STEP_INTERLOCK: return "interlock";
	case STEP_CONNECT: return "connect";
	case STEP_CLOCK: return "clock";
	case STEP_HARDEN: return "harden";
	case STEP_MAPS: return "maps";
	case STEP_GRANT: return "grant";
	case STEP_START_MAIL: return "start-mail";
	case STEP_VERIFY_LOCAL: return "verify-local";
	case STEP_FENCE: return "fence";
	case STEP_OPEN_TO_PROBES: return "open-to-probes";
	case STEP_VERIFY_OUTSIDE: return "verify-outside";
	case STEP_READINESS: return "readiness";
	case STEP_OPEN_PORT: return "open-port";
	case STEP_SWITCH_DNS: return "switch-dns";
	case STEP_VERIFY_DNS: return "verify-dns";
	case STEP_ANNOUNCE: return "announce";
	case STEP_VERIFY_PRIMARY: return "verify-primary";
	case STEP_RESCUE: return "rescue";
	case STEP_DRAIN: return "drain";
	case STEP_LINGER: return "linger";
	case STEP_CLOSE_PORT: return "close-port";
	case STEP_DRAIN_AGAIN: return "drain-again";
	case STEP_SETTLE: return "settle";
	case STEP_POWER_OFF: return "power-off";
	case STEP_INTERLOCK_BACK: return "interlock-back";
	case STEP_UNFENCE: return "unfence";
	case STEP_REHEARSE: return "rehearse";
	}
	return "?";
}

static const char *step_purpose(enum step_id step)
{
	switch (step) {
	case STEP_GUARD: return "the published MX set is the one that coldmx knows";
	case STEP_BOOT_ORDER: return "a number for this boot, journaled before it";
	case STEP_POWER_ON: return "switch the standby on, read the state back";
	case STEP_INTERLOCK: return "refuse pushes of recipient maps from now on";
	case STEP_CONNECT: return "SSH to the standby: is it the boot that was ordered";
	case STEP_CLOCK: return "its clock against ours";
	case STEP_HARDEN: return "the controls that come before mail";
	case STEP_MAPS: return "install the primary's recipient maps";
	case STEP_GRANT: return "a new epoch: the standby may take mail";
	case STEP_START_MAIL: return "start mail; what it takes is held";
	case STEP_VERIFY_LOCAL: return "the controls that need running mail";
	case STEP_FENCE: return "take the dead primary away, level by level, as well as it goes";
	case STEP_UNFENCE: return "give the primary back what fencing took";
	case STEP_OPEN_TO_PROBES: return "port 25 of the standby for the controller only";
	case STEP_VERIFY_OUTSIDE: return "250 to a known recipient, a refusal to an unknown one";
	case STEP_READINESS: return "the last look";
	case STEP_OPEN_PORT: return "port 25 for everybody";
	case STEP_SWITCH_DNS: return "compare and swap, zone by zone";
	case STEP_VERIFY_DNS: return "every authoritative server shows it";
	case STEP_ANNOUNCE: return "page what happened";
	case STEP_VERIFY_PRIMARY: return "the primary is on, can be reached and listens";
	case STEP_RESCUE: return "count what the primary itself still queues";
	case STEP_DRAIN: return "the standby delivers its queue to the primary";
	case STEP_LINGER: return "twice the TTL: resolvers forget the old set";
	case STEP_CLOSE_PORT: return "port 25 of the standby for nobody";
	case STEP_DRAIN_AGAIN: return "deliver what came meanwhile";
	case STEP_SETTLE: return "stop mail there; the primary alone may take it";
	case STEP_POWER_OFF: return "switch the standby off, read the state back";
	case STEP_INTERLOCK_BACK: return "accept pushes of recipient maps again";
	case STEP_REHEARSE: return "this boot may run mail on loopback; port 25 is shut both ways";
	}
	return "";
}

static void describe_set(const struct mx_set *set, struct strbuf *out)
{
	for (size_t i = 0; i < set->count; i++)
		strbuf_addf(out, "%s%u %s", i ? ", " : "", set->mx[i].preference, set->mx[i].target);
	strbuf_addf(out, " (TTL %u s)", (unsigned)set->ttl_s);
}

static void describe_zone(const struct plan *p, const struct plan_zone *z, struct strbuf *out)
{
	strbuf_addf(out, "  %s MX\n    old    ", z->name);
	describe_set(&z->before, out);
	strbuf_adds(out, "\n    new    ");
	describe_set(&z->after, out);
	if (p->site.strategy == DNS_STANDING)
		strbuf_adds(out, "\n    (standing: both hosts stay listed, nothing is changed, only verified)");
	strbuf_addc(out, '\n');
}

static void describe_levels(const struct plan *p, struct strbuf *out)
{
	strbuf_adds(out, "\nFencing of the primary, one level after the other until one holds\n");
	for (size_t i = 0; i < p->site.nlevels; i++) {
		const struct plan_level *l = &p->site.level[i];
		strbuf_addf(out, "  %zu  %-15s %s\n", i + 1, l->name,
			    l->proves_off ? "switches it off" : "cuts it off; it runs on behind it");
		if (l->shares_site)
			strbuf_addf(out,
				    "     WARN: %s is at the primary's own site: what takes the site away takes it "
				    "along\n",
				    l->name);
	}
	if (!p->site.nlevels)
		strbuf_adds(out, "  none is configured: a primary that comes back takes mail as well\n");
}

static void describe_maps(const struct plan *p, struct strbuf *out)
{
	if (!p->maps_sha256[0])
		strbuf_adds(out, "\nBLOCK: no recipient maps are kept; it would stop at `maps`\n");
	else if (p->maps_stale)
		strbuf_addf(out, "\nDEGRADE: recipient maps are %lld min old: unknown recipients get 4xx\n",
			    (long long)(p->maps_age_ms / 60000));
}

void plan_describe(const struct plan *p, struct strbuf *out)
{
	strbuf_addf(out, "%s of pair %s, spool mode, epoch %llu\n\nSteps\n", plan_kind_name(p->kind), p->site.pair,
		    (unsigned long long)p->epoch);
	for (size_t i = 0; i < p->nsteps; i++)
		strbuf_addf(out, "  %2zu  %-15s %s%s\n", i + 1, step_name(p->step[i]), step_purpose(p->step[i]),
			    step_no_return(p->kind, p->step[i]) ? "   <- point of no return" : "");
	if (p->kind == PLAN_DRILL) {
		strbuf_adds(out, "\nDNS is not touched; the primary serves; nobody's mail comes in.\n");
		describe_maps(p, out);
		return;
	}
	strbuf_adds(out, "\nDNS, changed only where exactly the old set is published\n");
	for (size_t i = 0; i < p->site.nzones; i++)
		describe_zone(p, &p->site.zones[i], out);
	if (p->kind != PLAN_PROMOTE)
		return;
	describe_levels(p, out);
	strbuf_adds(out, "\nWhat users will not have until failback\n"
			 "  IMAP and submission (spool mode: mail is accepted and queued, not delivered)\n");
	describe_maps(p, out);
}
