/* See config_drivers.h. */
#include "config_drivers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../common/base/mem.h"
#include "driver/dns.h"

static const char *tsig_algorithm_name(enum config_tsig_algorithm algorithm)
{
	switch (algorithm) {
	case TSIG_HMAC_SHA256: return "hmac-sha256";
	case TSIG_HMAC_SHA512: return "hmac-sha512";
	}
	return "?";
}

/* "mail-a standby": who a message is about. */
static char *target_name(const char *pair, const char *what)
{
	struct strbuf name = STRBUF_INIT;
	strbuf_addf(&name, "%s %s", pair, what);
	return strbuf_take(&name);
}

static void fill_target(const struct config_ssh *ssh, const char *v4, const char *v6, struct ssh_target *out)
{
	out->port = (uint16_t)ssh->port;
	out->user = ssh->user;
	out->identity = ssh->identity;
	out->known_hosts = ssh->known_hosts;
	(void)str_copy(out->addr.v4, sizeof(out->addr.v4), v4);
	(void)str_copy(out->addr.v6, sizeof(out->addr.v6), v6);
}

static void fill_power(const struct config *c, const char *pair, const struct config_power *power,
		       struct driver_power *out)
{
	const struct config_power_host *via = power->via[0] ? config_power_host(c, power->via) : NULL;
	if (!via)
		return;
	fill_target(&c->global.ssh, via->v4, via->v6, &out->via);
	out->via.name = target_name(pair, via->name);
	out->via.port = (uint16_t)via->port;
	if (via->user[0])
		out->via.user = via->user;
	out->on = power->on;
	out->off = power->off;
	out->status = power->status;
}

static struct driver_level *make_levels(const struct config *c, const struct config_pair *p)
{
	struct driver_level *levels = mem_calloc(p->nfence, sizeof(*levels));
	for (size_t i = 0; i < p->nfence; i++) {
		const struct config_level *l = &p->fence[i];
		levels[i] = (struct driver_level){ .name = l->name,
						   .kind = l->kind == LEVEL_EDGE    ? LEVEL_BY_EDGE
							   : l->kind == LEVEL_AGENT ? LEVEL_BY_AGENT
										    : LEVEL_BY_COMMAND,
						   .program = l->program,
						   .nparameters = l->nparameters,
						   .parameters = l->parameters,
						   .secret = l->secret.bytes,
						   .secret_len = l->secret.len };
		if (l->kind == LEVEL_COMMAND)
			fill_power(c, p->name, l->power.via[0] ? &l->power : &p->host[HOST_PRIMARY].power,
				   &levels[i].power);
	}
	return levels;
}

static void copy_servers(struct dns_server *out, size_t max, size_t *nout, const struct conf_endpoint *in, size_t n)
{
	for (size_t i = 0; i < n && i < max; i++) {
		(void)str_copy(out[i].addr, sizeof(out[i].addr), in[i].addr);
		out[(*nout)++].port = in[i].port;
	}
}

static struct dns_opts *make_zone(const struct config *c, const struct config_domain *d, const char *pair)
{
	struct dns_opts *dns = mem_calloc(1, sizeof(*dns));
	const struct config_tsig *key = d->key[0] ? config_tsig(c, d->key) : NULL;
	copy_servers(dns->update, DNS_SERVERS_MAX, &dns->nupdate, d->servers, d->nservers);
	copy_servers(dns->authoritative, VERIFY_SERVERS_MAX, &dns->nauthoritative, d->authoritative, d->nauthoritative);
	dns->key_name = key ? key->name : "";
	dns->key_algorithm = key ? tsig_algorithm_name(key->algorithm) : "";
	dns->key_base64 = key ? key->secret.bytes : "";
	dns->pair = pair;
	return dns;
}

static void fill_pair(const struct config *c, size_t index, struct driver_pair *out)
{
	const struct config_pair *p = &c->pairs[index];
	struct driver_zone *zones = mem_calloc(p->ndomains, sizeof(*zones));
	out->name = p->name;
	for (int r = 0; r < HOST_ROLES; r++) {
		fill_target(&c->global.ssh, p->host[r].v4, p->host[r].v6, &out->host[r]);
		out->host[r].name = target_name(p->name, host_role_name((enum host_role)r));
		fill_power(c, p->name, &p->host[r].power, &out->power[r]);
		out->tls_name[r] = p->probe.tls ? p->host[r].name : "";
	}
	out->nlevels = p->nfence;
	out->levels = make_levels(c, p);
	(void)str_copy(out->controller.v4, sizeof(out->controller.v4), c->global.v4);
	(void)str_copy(out->controller.v6, sizeof(out->controller.v6), c->global.v6);
	out->smtp_port = (uint16_t)p->probe.port;
	out->ca_file = p->probe.ca_file;
	out->ehlo = c->global.ehlo_name;
	out->stranded_dir = c->global.stranded_dir;
	for (size_t i = 0; i < p->ndomains; i++)
		zones[i] = (struct driver_zone){ p->domains[i].name, make_zone(c, &p->domains[i], p->name) };
	out->nzones = p->ndomains;
	out->zones = zones;
}

void config_fill_drivers(const struct config *c, struct drivers *out)
{
	struct driver_pair *pairs = mem_calloc(c->npairs, sizeof(*pairs));
	for (size_t i = 0; i < c->npairs; i++)
		fill_pair(c, i, &pairs[i]);
	*out = (struct drivers){ .npairs = c->npairs,
				 .pairs = pairs,
				 .harden_dir = c->global.harden_dir,
				 .notify_hook = c->global.notify_hook,
				 .heartbeat_hook = c->global.heartbeat_hook };
}

static void free_const(const void *p)
{
	free((void *)(uintptr_t)p);
}

void config_drivers_free(struct drivers *d)
{
	for (size_t i = 0; i < d->npairs; i++) {
		const struct driver_pair *p = &d->pairs[i];
		for (int r = 0; r < HOST_ROLES; r++) {
			free_const(p->host[r].name);
			free_const(p->power[r].via.name);
		}
		for (size_t l = 0; l < p->nlevels; l++)
			free_const(p->levels[l].power.via.name);
		free_const(p->levels);
		for (size_t z = 0; z < p->nzones; z++)
			free_const(p->zones[z].dns);
		free_const(p->zones);
	}
	free_const(d->pairs);
	memset(d, 0, sizeof(*d));
}
