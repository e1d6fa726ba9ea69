/* From the configuration to what the engine watches and plans with. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../common/base/mem.h"
#include "../common/base/sha256.h"
#include "config.h"

static void fill_zone(const struct config_pair *p, const struct config_domain *d, struct plan_zone *z)
{
	bool swap = p->strategy == DNS_SWAP;
	(void)str_copy(z->name, sizeof(z->name), d->name);
	for (int after = 0; after < 2; after++) {
		struct mx_set *set = after ? &z->after : &z->before;
		set->ttl_s = (uint32_t)(d->ttl_ms / 1000);
		for (int r = 0; r < HOST_ROLES; r++) {
			int like = after && swap ? !r : r; /* swap exchanges the two preferences */
			struct mx *mx = &set->mx[set->count++];
			mx->preference = (uint16_t)p->preference[like];
			(void)str_copy(mx->target, sizeof(mx->target), p->host[r].name);
		}
		for (size_t i = 0; i < p->nother_mx; i++) {
			struct mx *mx = &set->mx[set->count++];
			mx->preference = (uint16_t)p->other_mx[i].preference;
			(void)str_copy(mx->target, sizeof(mx->target), p->other_mx[i].target);
		}
	}
}

static void fill_addr(struct host_addr *out, const char *v4, const char *v6)
{
	(void)str_copy(out->v4, sizeof(out->v4), v4);
	(void)str_copy(out->v6, sizeof(out->v6), v6);
}

static void fill_levels(const struct config_pair *p, struct plan_site *s)
{
	const char *site = p->host[HOST_PRIMARY].site;
	for (size_t i = 0; i < p->nfence; i++) {
		struct plan_level *l = &s->level[s->nlevels++];
		(void)str_copy(l->name, sizeof(l->name), p->fence[i].name);
		l->proves_off = p->fence[i].kind != LEVEL_EDGE;
		l->shares_site = site[0] && strcmp(site, p->fence[i].site) == 0;
	}
}

static void fill_site(const struct config *c, const struct config_pair *p, struct plan_site *s)
{
	(void)str_copy(s->pair, sizeof(s->pair), p->name);
	for (int r = 0; r < HOST_ROLES; r++) {
		fill_addr(&s->host[r], p->host[r].v4, p->host[r].v6);
		(void)str_copy(s->mx_name[r], sizeof(s->mx_name[r]), p->host[r].name);
	}
	(void)str_copy(s->known, sizeof(s->known), p->known_recipient);
	(void)str_copy(s->unknown, sizeof(s->unknown), p->unknown_recipient);
	fill_addr(&s->controller, c->global.v4, c->global.v6);
	s->strategy = p->strategy;
	s->marker = p->marker;
	s->drill_blackhole = p->drill_blackhole;
	fill_levels(p, s);
	s->nzones = p->ndomains;
	s->zones = mem_calloc(p->ndomains, sizeof(*s->zones));
	for (size_t d = 0; d < p->ndomains; d++)
		fill_zone(p, &p->domains[d], &s->zones[d]);
	s->ncontrols = c->ncontrols;
	memcpy(s->control, c->control, sizeof(s->control));
	s->boot_ms = p->limits.boot_ms;
	s->command_ms = p->limits.command_ms;
	s->dns_ms = p->limits.dns_ms;
	s->drain_ms = p->limits.drain_ms;
	s->linger_margin_ms = p->limits.linger_margin_ms;
	s->clock_skew_ms = p->limits.clock_skew_ms;
}

/* Per mille of the interval; steps of the golden ratio spread any number of probes evenly. */
static uint32_t stagger(size_t pair, size_t which)
{
	return (uint32_t)((pair * 4 + which) * 618 % 1000);
}

static void fill_probes(const struct config *c, const struct config_pair *p, size_t index, struct engine_pair *out)
{
	const struct config_host *primary = &p->host[HOST_PRIMARY];
	const char *addr[FAMILIES] = { primary->v4, primary->v6 };
	for (size_t f = 0; f < FAMILIES; f++) {
		struct probe_opts *o = &out->probe[f];
		*o = (struct probe_opts){ .kind = PROBE_SMTP,
					  .port = (uint16_t)p->probe.port,
					  .every_ms = p->probe.every_ms,
					  .timeout_ms = p->probe.timeout_ms,
					  .stagger = stagger(index, f) };
		(void)str_copy(o->addr, sizeof(o->addr), addr[f]);
		(void)str_copy(o->name, sizeof(o->name), p->probe.tls ? primary->name : "");
		(void)str_copy(o->ehlo, sizeof(o->ehlo), c->global.ehlo_name);
		(void)str_copy(o->recipient, sizeof(o->recipient), p->known_recipient);
		(void)str_copy(o->ca_file, sizeof(o->ca_file), p->probe.ca_file);
		out->health.used[f] = addr[f][0] != '\0';
	}
	for (size_t r = 0; r < HOST_ROLES; r++) {
		const struct config_host *h = &p->host[r];
		struct probe_opts *o = &out->agent[r];
		*o = (struct probe_opts){ .kind = PROBE_AGENT,
					  .port = (uint16_t)h->agent_port,
					  .every_ms = p->agent_every_ms,
					  .timeout_ms = p->agent_timeout_ms,
					  .stagger = stagger(index, 2 + r) };
		if (!h->agent_token.len)
			continue;
		(void)str_copy(o->addr, sizeof(o->addr), h->v4[0] ? h->v4 : h->v6);
		(void)str_copy(o->name, sizeof(o->name), h->name);
		(void)str_copy(o->ca_file, sizeof(o->ca_file), c->global.agent_ca_file);
		(void)snprintf(o->token_name, sizeof(o->token_name), "agent:%s:%s", p->name,
			       host_role_name((enum host_role)r));
	}
}

/* "Never seen up" is kept under it: another host or another way of probing is another thing to see
 * up. */
static void fill_fingerprint(const struct config_pair *p, char *out, size_t size)
{
	struct strbuf text = STRBUF_INIT;
	uint8_t hash[SHA256_BYTES];
	char hex[SHA256_HEX_SIZE];
	for (int r = 0; r < HOST_ROLES; r++)
		strbuf_addf(&text, "%s %s %s\n", p->host[r].name, p->host[r].v4, p->host[r].v6);
	strbuf_addf(&text, "%d %d %s\n", p->probe.port, p->probe.tls, p->known_recipient);
	sha256_of(text.data, text.len, hash);
	sha256_hex(hash, hex);
	snprintf(out, size, "%.32s", hex);
	strbuf_fini(&text);
}

static void fill_drills(const struct config *c, const struct config_pair *p, struct drill_times *out)
{
	const struct config_power_host *via = config_power_host(c, p->host[HOST_STANDBY].power.via);
	(void)calendar_parse(p->drills.at, &out->at); /* both were checked */
	out->nblackout = p->drills.nblackout;
	for (size_t i = 0; i < out->nblackout; i++)
		(void)calendar_parse_span(p->drills.blackout[i], &out->blackout[i]);
	out->jitter_ms = p->drills.jitter_ms;
	out->overdue_ms = p->drills.overdue_ms;
	(void)str_copy(out->power_host, sizeof(out->power_host), p->host[HOST_STANDBY].power.via);
	out->one_at_a_time = via && via->one_drill;
}

static void fill_pair(const struct config *c, size_t index, struct engine_pair *out)
{
	const struct config_pair *p = &c->pairs[index];
	fill_site(c, p, &out->site);
	out->mode = p->mode;
	(void)str_copy(out->primary_site, sizeof(out->primary_site), p->host[HOST_PRIMARY].site);
	out->every_ms = p->probe.every_ms;
	out->fast_every_ms = p->probe.fast_every_ms;
	out->cooldown_ms = p->cooldown_ms;
	out->maps_max_age_ms = p->maps_max_age_ms;
	out->health.fail_after = p->probe.fail_after;
	out->health.up_after = p->probe.up_after;
	out->health.stale_ms = 3 * p->probe.every_ms + p->probe.timeout_ms;
	out->health.agent = p->host[HOST_PRIMARY].agent_token.len > 0;
	out->health.references = c->global.nreferences > 0;
	fill_probes(c, p, index, out);
	fill_drills(c, p, &out->drills);
	fill_fingerprint(p, out->fingerprint, sizeof(out->fingerprint));
}

void config_fill_engine(const struct config *c, struct engine_opts *out)
{
	const struct config_global *g = &c->global;
	struct engine_pair *pairs = mem_calloc(c->npairs, sizeof(*pairs));
	struct probe_opts *references = mem_calloc(g->nreferences, sizeof(*references));
	for (size_t i = 0; i < c->npairs; i++)
		fill_pair(c, i, &pairs[i]);
	for (size_t i = 0; i < g->nreferences; i++) {
		references[i] = (struct probe_opts){ .kind = PROBE_TCP,
						     .port = g->references[i].port,
						     .every_ms = g->references_every_ms,
						     .timeout_ms = g->references_timeout_ms,
						     .stagger = stagger(i, 0) };
		(void)str_copy(references[i].addr, sizeof(references[i].addr), g->references[i].addr);
	}
	*out = (struct engine_opts){ .npairs = c->npairs,
				     .pairs = pairs,
				     .brake = g->brake,
				     .heartbeat_ms = g->heartbeat_hook[0] ? g->heartbeat_ms : 0,
				     .grace_ms = g->grace_ms,
				     .nreferences = g->nreferences,
				     .references = references };
}

void config_engine_free(struct engine_opts *opts)
{
	struct engine_pair *pairs = (struct engine_pair *)(uintptr_t)opts->pairs;
	for (size_t i = 0; i < opts->npairs; i++)
		plan_site_fini(&pairs[i].site);
	free(pairs);
	free((void *)(uintptr_t)opts->references);
	*opts = (struct engine_opts){ 0 };
}
