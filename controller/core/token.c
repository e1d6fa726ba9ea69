/* One digest of all facts decides; a tag of two digits for each fact only says which of them changed. */
#include "token.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "text.h"

enum fact { FACT_STEPS, FACT_RRSETS, FACT_EPOCH, FACT_HOSTS, FACT_MAPS, FACT_CONTROLS, FACT_CONFIG };
#define FACTS 7
#define DIGEST_DIGITS 12
#define TOKEN_LEN (DIGEST_DIGITS + 1 + 2 * FACTS)

_Static_assert(TOKEN_LEN < PLAN_TOKEN_SIZE, "the token fits");

static const char *fact_name(enum fact fact)
{
	switch (fact) {
	case FACT_STEPS: return "the steps";
	case FACT_RRSETS: return "the MX sets";
	case FACT_EPOCH: return "the epoch (an operation came in between)";
	case FACT_HOSTS: return "the hosts";
	case FACT_MAPS: return "the recipient maps";
	case FACT_CONTROLS: return "the hardening controls";
	case FACT_CONFIG: return "the configuration";
	}
	return "?";
}

/* FNV-1a, 64 bits. */
static uint64_t hash_of(const char *text, uint64_t hash)
{
	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	return hash;
}

/* FNV hardly moves its upper half at the last byte: every bit of the result hangs on every bit of the text after this. */
static uint64_t mix(uint64_t hash)
{
	hash = (hash ^ hash >> 33) * UINT64_C(0xff51afd7ed558ccd);
	hash = (hash ^ hash >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
	return hash ^ hash >> 33;
}

static void put_steps(const struct plan *p, struct strbuf *out)
{
	text_put(out, "kind", plan_kind_name(p->kind));
	text_put(out, "owed", p->owed);
	for (size_t i = 0; i < p->nsteps; i++)
		text_put(out, "step", step_name(p->step[i]));
}

static void put_rrsets(const struct plan *p, struct strbuf *out)
{
	text_put(out, "strategy", dns_strategy_name(p->site.strategy));
	for (size_t i = 0; i < p->site.nzones; i++) {
		text_put(out, "zone", p->site.zones[i].name);
		text_put_mx_set(out, "before", &p->site.zones[i].before);
		text_put_mx_set(out, "after", &p->site.zones[i].after);
	}
}

static void put_hosts(const struct plan_site *s, struct strbuf *out)
{
	text_put(out, "pair", s->pair);
	for (int r = 0; r < HOST_ROLES; r++) {
		text_put(out, "name", s->mx_name[r]);
		text_put(out, "v4", s->host[r].v4);
		text_put(out, "v6", s->host[r].v6);
	}
}

static void put_config(const struct plan_site *s, const char *config, struct strbuf *out)
{
	const int64_t limits[] = { s->boot_ms,          s->command_ms,    s->dns_ms, s->drain_ms,
				   s->linger_margin_ms, s->clock_skew_ms, s->marker };
	text_put(out, "config", config);
	for (size_t i = 0; i < s->nlevels; i++)
		strbuf_addf(out, "level=%s %d %d\n", s->level[i].name, s->level[i].proves_off, s->level[i].shares_site);
	text_put(out, "known", s->known);
	text_put(out, "unknown", s->unknown);
	text_put(out, "controller4", s->controller.v4);
	text_put(out, "controller6", s->controller.v6);
	for (size_t i = 0; i < ARRAY_LEN(limits); i++)
		text_put_i64(out, "limit", limits[i]);
}

static void put_fact(const struct plan *p, const char *config, enum fact fact, struct strbuf *out)
{
	switch (fact) {
	case FACT_STEPS: put_steps(p, out); return;
	case FACT_RRSETS: put_rrsets(p, out); return;
	case FACT_EPOCH: strbuf_addf(out, "%" PRIu64, p->epoch); return;
	case FACT_HOSTS: put_hosts(&p->site, out); return;
	case FACT_MAPS: /* the way back installs none */
		if (p->kind == PLAN_PROMOTE)
			text_put(out, "maps", p->maps_sha256);
		return;
	case FACT_CONTROLS:
		for (size_t i = 0; i < p->site.ncontrols; i++)
			strbuf_addf(out, "%s %d %d\n", p->site.control[i].name, p->site.control[i].block,
				    p->site.control[i].with_mail);
		return;
	case FACT_CONFIG: put_config(&p->site, config, out); return;
	}
}

void plan_token(const struct plan *p, const char *config, char out[PLAN_TOKEN_SIZE])
{
	uint64_t all = UINT64_C(0xcbf29ce484222325);
	for (size_t f = 0; f < FACTS; f++) {
		struct strbuf text = STRBUF_INIT;
		put_fact(p, config, (enum fact)f, &text);
		uint64_t hash = hash_of(strbuf_str(&text), UINT64_C(0xcbf29ce484222325));
		all = hash_of(strbuf_str(&text), all);
		snprintf(out + DIGEST_DIGITS + 1 + 2 * f, 3, "%02x", (unsigned)(mix(hash) & 0xff));
		strbuf_fini(&text);
	}
	char digest[20];
	snprintf(digest, sizeof(digest), "%016" PRIx64, mix(all));
	memcpy(out, digest + 16 - DIGEST_DIGITS, DIGEST_DIGITS);
	out[DIGEST_DIGITS] = '-';
}

bool plan_token_same(const char *now, const char *given, char *why, size_t size)
{
	size_t used = 0;
	why[0] = '\0';
	if (strcmp(now, given) == 0)
		return true;
	if (strlen(given) != TOKEN_LEN || given[DIGEST_DIGITS] != '-') {
		snprintf(why, size, "it is no token of this version");
		return false;
	}
	for (int f = 0; f < FACTS && used < size; f++) {
		size_t at = DIGEST_DIGITS + 1 + 2 * (size_t)f;
		if (strncmp(now + at, given + at, 2) != 0)
			used += (size_t)snprintf(why + used, size - used, "%s%s", used ? ", " : "",
						 fact_name((enum fact)f));
	}
	if (!used)
		snprintf(why, size, "it is not the token of this plan");
	return false;
}
