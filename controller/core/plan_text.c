/* The journal's form of a plan: versioned key=value lines, so that a newer coldmx reads it and an older one
 * refuses it by name. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/base/mem.h"
#include "plan.h"
#include "text.h"

enum field_type { FIELD_TEXT, FIELD_I64, FIELD_U64, FIELD_BOOL };

struct field {
	const char *key;
	enum field_type type;
	size_t offset, size;
};

/* clang-format off */
#define FIELD(key, type, member) { key, type, offsetof(struct plan, member), sizeof(((struct plan *)0)->member) }
/* clang-format on */

static const struct field fields[] = {
	FIELD("op", FIELD_U64, op),
	FIELD("epoch", FIELD_U64, epoch),
	FIELD("actor", FIELD_TEXT, actor),
	FIELD("reason", FIELD_TEXT, reason),
	FIELD("automatic", FIELD_BOOL, automatic),
	FIELD("nonce", FIELD_TEXT, nonce),
	FIELD("maps", FIELD_TEXT, maps_sha256),
	FIELD("maps_age_ms", FIELD_I64, maps_age_ms),
	FIELD("maps_stale", FIELD_BOOL, maps_stale),
	FIELD("again", FIELD_BOOL, again),
	FIELD("standby_on", FIELD_BOOL, standby_on),
	FIELD("owed", FIELD_TEXT, owed),
	FIELD("confirmed", FIELD_BOOL, confirmed),
	FIELD("began_boot_ms", FIELD_I64, began.boot_ms),
	FIELD("began_wall_ms", FIELD_I64, began.wall_ms),
	FIELD("name", FIELD_TEXT, site.pair),
	FIELD("primary4", FIELD_TEXT, site.host[HOST_PRIMARY].v4),
	FIELD("primary6", FIELD_TEXT, site.host[HOST_PRIMARY].v6),
	FIELD("standby4", FIELD_TEXT, site.host[HOST_STANDBY].v4),
	FIELD("standby6", FIELD_TEXT, site.host[HOST_STANDBY].v6),
	FIELD("primary_mx", FIELD_TEXT, site.mx_name[HOST_PRIMARY]),
	FIELD("standby_mx", FIELD_TEXT, site.mx_name[HOST_STANDBY]),
	FIELD("known", FIELD_TEXT, site.known),
	FIELD("unknown", FIELD_TEXT, site.unknown),
	FIELD("controller4", FIELD_TEXT, site.controller.v4),
	FIELD("controller6", FIELD_TEXT, site.controller.v6),
	FIELD("marker", FIELD_BOOL, site.marker),
	FIELD("drill_blackhole", FIELD_BOOL, site.drill_blackhole),
	FIELD("boot_ms", FIELD_I64, site.boot_ms),
	FIELD("command_ms", FIELD_I64, site.command_ms),
	FIELD("dns_ms", FIELD_I64, site.dns_ms),
	FIELD("drain_ms", FIELD_I64, site.drain_ms),
	FIELD("linger_margin_ms", FIELD_I64, site.linger_margin_ms),
	FIELD("clock_skew_ms", FIELD_I64, site.clock_skew_ms),
};

static void put_field(const struct plan *p, const struct field *f, struct strbuf *out)
{
	const char *at = (const char *)p + f->offset;
	switch (f->type) {
	case FIELD_TEXT: text_put(out, f->key, at); return;
	case FIELD_I64: text_put_i64(out, f->key, *(const int64_t *)(const void *)at); return;
	case FIELD_U64: strbuf_addf(out, "%s=%llu\n", f->key, *(const unsigned long long *)(const void *)at); return;
	case FIELD_BOOL: text_put_i64(out, f->key, *(const bool *)at); return;
	}
}

void plan_format(const struct plan *p, struct strbuf *out)
{
	text_put_i64(out, "plan", PLAN_VERSION);
	text_put(out, "kind", plan_kind_name(p->kind));
	text_put_i64(out, "pair", p->pair);
	text_put(out, "strategy", dns_strategy_name(p->site.strategy));
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		put_field(p, &fields[i], out);
	for (size_t i = 0; i < p->site.ncontrols; i++)
		strbuf_addf(out, "control=%s %d %d\n", p->site.control[i].name, p->site.control[i].block,
			    p->site.control[i].with_mail);
	for (size_t i = 0; i < p->site.nlevels; i++)
		strbuf_addf(out, "level=%s %d %d\n", p->site.level[i].name, p->site.level[i].proves_off,
			    p->site.level[i].shares_site);
	for (size_t i = 0; i < p->site.nzones; i++) {
		text_put(out, "zone", p->site.zones[i].name);
		text_put_mx_set(out, "before", &p->site.zones[i].before);
		text_put_mx_set(out, "after", &p->site.zones[i].after);
	}
	for (size_t i = 0; i < p->nsteps; i++)
		text_put(out, "step", step_name(p->step[i]));
}

static bool get_field(struct plan *p, const struct field *f, const struct text_line *line)
{
	char *at = (char *)p + f->offset;
	int64_t number = 0;
	switch (f->type) {
	case FIELD_TEXT: return text_copy(line, at, f->size);
	case FIELD_I64: return text_i64(line, (int64_t *)(void *)at);
	case FIELD_U64: return text_u64(line, (uint64_t *)(void *)at);
	case FIELD_BOOL:
		if (!text_i64(line, &number))
			return false;
		*(bool *)at = number != 0;
		return true;
	}
	return false;
}

/* "NAME 1 0" */
static bool get_flagged(const struct text_line *line, char *name, size_t size, bool *one, bool *two)
{
	char copy[NAME_MAX_LEN + 16], word[NAME_MAX_LEN], first[2], second[2];
	if (!text_copy(line, copy, sizeof(copy)) || sscanf(copy, "%63s %1[01] %1[01]", word, first, second) != 3)
		return false;
	*one = first[0] == '1';
	*two = second[0] == '1';
	return str_copy(name, size, word);
}

static bool get_control(struct plan *p, const struct text_line *line)
{
	struct plan_control *c = &p->site.control[p->site.ncontrols];
	if (p->site.ncontrols == PLAN_CONTROLS_MAX ||
	    !get_flagged(line, c->name, sizeof(c->name), &c->block, &c->with_mail))
		return false;
	p->site.ncontrols++;
	return true;
}

static bool get_level(struct plan *p, const struct text_line *line)
{
	struct plan_level *l = &p->site.level[p->site.nlevels];
	if (p->site.nlevels == LEVELS_MAX ||
	    !get_flagged(line, l->name, sizeof(l->name), &l->proves_off, &l->shares_site))
		return false;
	p->site.nlevels++;
	return true;
}

static bool get_zone(struct plan *p, const struct text_line *line)
{
	if (p->site.nzones == PLAN_ZONES_MAX)
		return false;
	p->site.zones = mem_realloc(p->site.zones, p->site.nzones + 1, sizeof(*p->site.zones));
	struct plan_zone *z = &p->site.zones[p->site.nzones++];
	memset(z, 0, sizeof(*z));
	return text_copy(line, z->name, sizeof(z->name));
}

static bool get_step(struct plan *p, const struct text_line *line)
{
	if (p->nsteps == PLAN_STEPS_MAX)
		return false;
	for (int s = 0; s < STEP_IDS; s++) {
		char name[NAME_MAX_LEN];
		if (text_copy(line, name, sizeof(name)) && strcmp(name, step_name((enum step_id)s)) == 0) {
			p->step[p->nsteps++] = (enum step_id)s;
			return true;
		}
	}
	return false;
}

static bool get_kind(struct plan *p, const struct text_line *line)
{
	char name[NAME_MAX_LEN];
	if (!text_copy(line, name, sizeof(name)))
		return false;
	for (int k = 0; k < PLAN_KINDS; k++)
		if (strcmp(name, plan_kind_name((enum plan_kind)k)) == 0) {
			p->kind = (enum plan_kind)k;
			return true;
		}
	return false;
}

static bool get_strategy(struct plan *p, const struct text_line *line)
{
	char name[NAME_MAX_LEN];
	if (!text_copy(line, name, sizeof(name)))
		return false;
	for (int s = DNS_STANDING; strcmp(dns_strategy_name((enum dns_strategy)s), "?") != 0; s++)
		if (strcmp(name, dns_strategy_name((enum dns_strategy)s)) == 0) {
			p->site.strategy = (enum dns_strategy)s;
			return true;
		}
	return false;
}

static bool get_line(struct plan *p, const struct text_line *line)
{
	int64_t number = 0;
	struct plan_zone *z = p->site.nzones ? &p->site.zones[p->site.nzones - 1] : NULL;
	if (text_is(line, "kind"))
		return get_kind(p, line);
	if (text_is(line, "pair")) {
		bool ok = text_i64(line, &number);
		p->pair = (uint32_t)number;
		return ok;
	}
	if (text_is(line, "strategy"))
		return get_strategy(p, line);
	if (text_is(line, "control"))
		return get_control(p, line);
	if (text_is(line, "level"))
		return get_level(p, line);
	if (text_is(line, "zone"))
		return get_zone(p, line);
	if (text_is(line, "before"))
		return z && text_mx_set(line, &z->before);
	if (text_is(line, "after"))
		return z && text_mx_set(line, &z->after);
	if (text_is(line, "step"))
		return get_step(p, line);
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (text_is(line, fields[i].key))
			return get_field(p, &fields[i], line);
	return true; /* a field that a newer minor form added */
}

enum err_code plan_parse(const char *text, struct plan *out, struct err *e)
{
	struct text_line line;
	char version[16];
	memset(out, 0, sizeof(*out));
	if (!text_find(text, "plan", version, sizeof(version)))
		return err_set(e, ERR_INVALID, "journal: the operation has no plan");
	if (strtol(version, NULL, 10) != PLAN_VERSION)
		return err_set(e, ERR_INVALID,
			       "journal: plan version %s, this coldmxd reads %d: "
			       "start the version that wrote it",
			       version, PLAN_VERSION);
	for (const char *at = text; text_next(&at, &line);) {
		if (!get_line(out, &line)) {
			plan_fini(out);
			return err_set(e, ERR_INVALID, "journal: plan line %s is not readable", line.key);
		}
	}
	if (!out->nsteps)
		return err_set(e, ERR_INVALID, "journal: the plan has no steps");
	return ERR_OK;
}
