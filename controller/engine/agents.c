/* What the agents of the two hosts say when they are asked, and that they say nothing. A silent agent is no evidence
 * against the primary; it is told to a person, because nobody else would notice a host that stopped watching itself. */
#include <stdio.h>
#include <string.h>

#include "../../common/base/mem.h"
#include "internal.h"

static void agent_result(struct watched *p, enum host_role role, const struct probe_result *r)
{
	if (role == HOST_PRIMARY)
		health_agent_result(&p->health, r, engine_now(p->e));
	if (r->outcome != PROBE_OK || !r->agent.present)
		return;
	p->agent[role] = r->agent;
	p->agent_ms[role] = engine_now(p->e).boot_ms;
	(void)str_copy(p->agent_trouble[role], sizeof(p->agent_trouble[role]), r->agent.trouble);
	if (r->agent.boot_id[0])
		engine_boot_reported(p->e, p->id, role, r->agent.boot_id, r->agent.boot_order);
	foreign_reported(p, role, r->agent.epoch);
	engine_touch(p);
	watch_evaluate(p);
}

void agents_primary_result(void *arg, uint32_t id, const struct probe_result *r)
{
	(void)id;
	agent_result(arg, HOST_PRIMARY, r);
}

void agents_standby_result(void *arg, uint32_t id, const struct probe_result *r)
{
	(void)id;
	agent_result(arg, HOST_STANDBY, r);
}

/* Two questions without an answer: within 30 s at the default pace. */
static int64_t patience_ms(const struct watched *p, enum host_role role)
{
	const struct probe_opts *o = &p->opts.agent[role];
	return 2 * o->every_ms + o->timeout_ms;
}

/* A primary that answers mail, and a standby that may take mail, are on: their agents must be heard. */
static bool must_be_heard(const struct watched *p, enum host_role role)
{
	if (!p->agent_probe[role])
		return false;
	return role == HOST_PRIMARY ? p->health.verdict == HEALTH_UP : p->told_accepts;
}

bool agents_silent(const struct watched *p, enum host_role role)
{
	return !p->agent_ms[role] || engine_now(p->e).boot_ms - p->agent_ms[role] > patience_ms(p, role);
}

static void page_silence(struct watched *p, enum host_role role)
{
	int64_t now_ms = engine_now(p->e).boot_ms, last_ms = p->agent_ms[role];
	if (last_ms)
		page_send(p, "page", "%s: its agent is silent, last heard %lld s ago: nothing is known of the host",
			  host_role_name(role), (long long)(now_ms - last_ms) / 1000);
	else
		page_send(p, "page", "%s: its agent was never heard since the controller started",
			  host_role_name(role));
}

static void page_when_silent(struct watched *p, enum host_role role)
{
	int64_t now_ms = engine_now(p->e).boot_ms;
	if (!must_be_heard(p, role)) {
		p->agent_due_ms[role] = 0;
		p->silence_paged[role] = false;
		return;
	}
	if (!p->agent_due_ms[role])
		p->agent_due_ms[role] = now_ms + patience_ms(p, role); /* a host that has just come up */
	bool due = p->agent_silent[role] && now_ms > p->agent_due_ms[role];
	if (due && !p->silence_paged[role])
		page_silence(p, role);
	p->silence_paged[role] = due;
}

/* Between grant and start-mail a standby has a right and no mail: while an operation moves it, its steps judge it. */
static void page_trouble(struct watched *p, enum host_role role)
{
	bool moving = p->state == PAIR_PROMOTING || p->state == PAIR_FAILING_BACK || p->state == PAIR_DRILLING;
	const char *trouble = p->agent_trouble[role];
	if ((role == HOST_STANDBY && moving) || strcmp(p->trouble_paged[role], trouble) == 0)
		return;
	(void)str_copy(p->trouble_paged[role], sizeof(p->trouble_paged[role]), trouble);
	if (trouble[0])
		page_send(p, "page", "%s: %s", host_role_name(role), trouble);
}

void agents_listen(struct watched *p)
{
	for (enum host_role role = HOST_PRIMARY; role <= HOST_STANDBY; role++) {
		page_trouble(p, role);
		bool silent = agents_silent(p, role), paged = p->silence_paged[role];
		bool news = silent != p->agent_silent[role];
		p->agent_silent[role] = silent;
		page_when_silent(p, role);
		if (news || paged != p->silence_paged[role])
			engine_touch(p);
	}
}
