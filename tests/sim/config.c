/* The configuration that the simulated controller runs with. Short times, so that a day's work fits in minutes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/base/mem.h"
#include "levels.h"
#include "world.h"

static void set_probe(struct probe_opts *o, enum probe_kind kind, const char *addr, int64_t every_ms)
{
	memset(o, 0, sizeof(*o));
	o->kind = kind;
	snprintf(o->addr, sizeof(o->addr), "%s", addr);
	o->port = kind == PROBE_AGENT ? 8025 : 25;
	o->every_ms = every_ms;
	o->timeout_ms = 1000;
	snprintf(o->recipient, sizeof(o->recipient), "probe@example.test");
}

static void set_zones(struct plan_site *s, size_t i)
{
	s->nzones = SIM_ZONES;
	s->zones = mem_calloc(s->nzones, sizeof(*s->zones));
	for (size_t z = 0; z < s->nzones; z++) {
		struct plan_zone *zone = &s->zones[z];
		snprintf(zone->name, sizeof(zone->name), "p%zu-z%zu.test", i, z);
		zone->before.ttl_s = zone->after.ttl_s = 5;
		zone->before.count = zone->after.count = 2;
		for (int r = 0; r < HOST_ROLES; r++) {
			zone->before.mx[r].preference = (uint16_t)(r == HOST_PRIMARY ? 10 : 20);
			zone->after.mx[r].preference = (uint16_t)(r == HOST_PRIMARY ? 20 : 10);
			snprintf(zone->before.mx[r].target, DOMAIN_MAX, "%.250s", s->mx_name[r]);
			snprintf(zone->after.mx[r].target, DOMAIN_MAX, "%.250s", s->mx_name[r]);
		}
	}
}

static void set_site(struct plan_site *s, size_t i, const struct world_opts *opts)
{
	/* clang-format off */
	static const struct plan_control controls[] = {
		{ "10-firewall", true, false }, { "20-ssh", true, false }, { "40-note", false, false },
		{ "50-relay-matrix", true, true },
	};
	/* clang-format on */
	snprintf(s->pair, sizeof(s->pair), "pair%zu", i);
	for (int r = 0; r < HOST_ROLES; r++) {
		snprintf(s->host[r].v4, ADDR_TEXT_MAX, "10.0.%zu.%d", i, r + 1);
		snprintf(s->host[r].v6, ADDR_TEXT_MAX, "fd00::%zu:%d", i, r + 1);
		snprintf(s->mx_name[r], DOMAIN_MAX, "mx%d.p%zu.test", r + 1, i);
	}
	snprintf(s->known, sizeof(s->known), "known@p%zu.test", i);
	snprintf(s->unknown, sizeof(s->unknown), "nobody@p%zu.test", i);
	snprintf(s->controller.v4, ADDR_TEXT_MAX, "10.9.0.1");
	snprintf(s->controller.v6, ADDR_TEXT_MAX, "fd00::9:1");
	s->strategy = opts->strategy;
	s->marker = opts->marker;
	levels_configure(s, opts->levels);
	set_zones(s, i);
	s->ncontrols = ARRAY_LEN(controls);
	memcpy(s->control, controls, sizeof(controls));
	s->boot_ms = 30000;
	s->command_ms = 5000;
	s->dns_ms = 15000;
	s->drain_ms = 60000;
	s->linger_margin_ms = 5000;
	s->clock_skew_ms = 5000;
}

static void set_pair(struct engine_pair *p, size_t i, const struct world_opts *opts)
{
	set_site(&p->site, i, opts);
	p->mode = opts->mode;
	p->health = (struct health_opts){ .used = { true, true },
					  .fail_after = 3,
					  .up_after = 2,
					  .stale_ms = 15000,
					  .agent = !opts->agentless,
					  .references = true };
	set_probe(&p->probe[FAMILY_V4], PROBE_SMTP, p->site.host[HOST_PRIMARY].v4, 2000);
	set_probe(&p->probe[FAMILY_V6], PROBE_SMTP, p->site.host[HOST_PRIMARY].v6, 2000);
	if (!opts->agentless)
		set_probe(&p->agent[HOST_PRIMARY], PROBE_AGENT, p->site.host[HOST_PRIMARY].v4, 3000);
	set_probe(&p->agent[HOST_STANDBY], PROBE_AGENT, p->site.host[HOST_STANDBY].v4, 3000);
	p->every_ms = 2000;
	p->fast_every_ms = 500;
	p->cooldown_ms = 300000;
	if (opts->drill_minute)
		p->drills = (struct drill_times){
			.at = { .days = 0x7f, .minute = (int)((FIRST_WALL_MS / 60000 + opts->drill_minute) % 1440) },
			.jitter_ms = 20000,
			.overdue_ms = 180000,
			.power_host = "hyper",
			.one_at_a_time = opts->one_drill
		};
	p->maps_max_age_ms = opts->maps_max_age_ms ? opts->maps_max_age_ms : 3600000;
	snprintf(p->fingerprint, sizeof(p->fingerprint), "f%zu", i);
}

void world_configure(struct world *w, const struct world_opts *opts)
{
	w->opts = mem_calloc(w->npairs, sizeof(*w->opts));
	for (size_t i = 0; i < w->npairs; i++)
		set_pair(&w->opts[i], i, opts);
	set_probe(&w->references[0], PROBE_TCP, "10.8.0.1", 2000);
	set_probe(&w->references[1], PROBE_TCP, "10.8.0.2", 2000);
	w->references[0].timeout_ms = w->references[1].timeout_ms =
		2500; /* they say "cut off" after three dead rounds */
	w->engine_opts = (struct engine_opts){
		.npairs = w->npairs,
		.pairs = w->opts,
		.brake = { .per_day = 3, .mass_count = 3, .mass_percent = 50 },
		.grace_ms = 8000,
		.heartbeat_ms = opts->seed % 4 == 3 ? 5000 : 0, /* every fourth world has somebody who listens */
		.nreferences = ARRAY_LEN(w->references),
		.references = w->references,
	};
}
