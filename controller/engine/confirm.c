/* A person says that the primary is off. That is believed only when nothing speaks against it: every probe of ours and
 * every power level is asked first, one after the other, and one answer refuses it. Then the failover begins, and the
 * person stands where the level that held would stand. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/base/mem.h"
#include "internal.h"

#define QUESTION_MS 5000
#define RULE "confirm-answered"

struct confirm {
	struct watched *p;
	struct command cmd;
	command_cb *cb;
	void *arg;
	size_t at; /* families, then SSH, then levels */
	char level[LEVEL_NAME_MAX];
};

static void ask_next(struct confirm *c);

static void drop(struct confirm *c)
{
	c->p->confirm = NULL;
	free(c);
}

static void refuse(struct confirm *c, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void refuse(struct confirm *c, const char *fmt, ...)
{
	struct command_answer a = { .text = "" };
	char text[ERR_TEXT_MAX];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	snprintf(a.rule, sizeof(a.rule), RULE);
	snprintf(a.hint, sizeof(a.hint), "coldmx failover %s --reason ..., without --confirm-fenced",
		 c->p->opts.site.pair);
	err_set(&a.err, ERR_BLOCKED, "%s", text);
	c->cb(c->arg, &a);
	drop(c);
}

static bool smtp_answered(const struct outcome *o)
{
	return !o->err.code || (o->u.smtp.layer[0] && strcmp(o->u.smtp.layer, "connect") != 0);
}

/* True: it is refused, and c is gone. */
static bool speaks_against(struct confirm *c, const struct outcome *o)
{
	if (o->err.code == ERR_LOCAL) {
		refuse(c, "not asked, so not confirmed: %.200s", o->err.text);
		return true;
	}
	if (c->at < FAMILIES ? smtp_answered(o) : c->at == FAMILIES && verb_host_answered(o->err.code)) {
		refuse(c, "the primary is not off: it answers %s", c->at < FAMILIES ? "on port 25" : "SSH");
		return true;
	}
	if (c->at > FAMILIES && !o->err.code && o->u.power == POWER_STATE_ON) {
		refuse(c, "the primary is not off: level %s says that it is on", c->level);
		return true;
	}
	return false;
}

static void have_answer(void *arg, uint64_t ticket, const struct outcome *o)
{
	struct confirm *c = arg;
	(void)ticket;
	if (c->p->e->stopping || speaks_against(c, o))
		return;
	c->at++;
	ask_next(c);
}

/* False: there is nothing to ask at this place. */
static bool question(struct confirm *c, struct verb *v)
{
	const struct plan_site *s = &c->p->opts.site;
	const struct host_addr *primary = &s->host[HOST_PRIMARY];
	if (c->at < FAMILIES) {
		v->kind = VERB_SMTP_CHECK;
		v->u.smtp.target = HOST_PRIMARY;
		v->u.smtp.family = c->at == FAMILY_V4 ? 4 : 6;
		(void)str_copy(v->u.smtp.known, sizeof(v->u.smtp.known), s->known);
		(void)str_copy(v->u.smtp.unknown, sizeof(v->u.smtp.unknown), s->unknown);
		return c->at == FAMILY_V4 ? primary->v4[0] : primary->v6[0];
	}
	if (c->at == FAMILIES) {
		v->kind = VERB_HOST_RUN;
		v->u.host.target = HOST_PRIMARY;
		(void)str_copy(v->u.host.words, sizeof(v->u.host.words), "hello");
		return true;
	}
	const struct plan_level *l = &s->level[c->at - FAMILIES - 1];
	v->kind = VERB_FENCE_STATUS;
	v->u.fence.index = (uint8_t)(c->at - FAMILIES - 1);
	(void)str_copy(v->u.fence.level, sizeof(v->u.fence.level), l->name);
	memcpy(c->level, l->name, sizeof(c->level));
	return l->proves_off; /* an edge says nothing of the machine behind it */
}

/* The world may have moved while we asked: the pair's own rule is asked again. */
static void begin(struct confirm *c)
{
	struct watched *p = c->p;
	const struct pair_row *row = pair_rule(p->state, PAIR_EV_FAILOVER);
	if (p->health.opts.references && p->health.isolated) {
		refuse(c, "no reference host answers either: that we hear nothing of the primary says nothing");
		return;
	}
	bool up = p->state == PAIR_DRILLING &&
		  p->health.verdict == HEALTH_UP; /* that state has no row of its own for it */
	if (row->action == PAIR_ACT_REFUSE || p->op.beginning || p->op.ending || up || drill_leaves(p)) {
		refuse(c, "meanwhile: %.200s",
		       up || row->action == PAIR_ACT_REFUSE ? row->why : "an operation begins or ends");
		return;
	}
	struct op_request req = { .kind = PLAN_PROMOTE,
				  .actor = c->cmd.who,
				  .reason = c->cmd.reason,
				  .confirmed = true,
				  .answer = c->cb,
				  .answer_arg = c->arg };
	watch_fire(p, PAIR_EV_FAILOVER);
	operate_begin(p, &req);
	drop(c);
}

static void ask_next(struct confirm *c)
{
	struct engine *e = c->p->e;
	struct verb v = { .guard = { c->p->id, c->p->epoch } };
	while (c->at <= FAMILIES + c->p->opts.site.nlevels && !question(c, &v)) {
		memset(&v.u, 0, sizeof(v.u));
		c->at++;
	}
	if (c->at > FAMILIES + c->p->opts.site.nlevels) {
		begin(c);
		return;
	}
	v.deadline_ms = engine_now(e).boot_ms + QUESTION_MS;
	e->ports.exec->submit(e->ports.exec_ctx, &v, have_answer, c);
}

bool confirm_start(struct watched *p, const struct command *cmd, command_cb *cb, void *arg)
{
	if (p->confirm)
		return false;
	struct confirm *c = mem_calloc(1, sizeof(*c));
	*c = (struct confirm){ .p = p, .cmd = *cmd, .cb = cb, .arg = arg };
	p->confirm = c;
	ask_next(c);
	return true;
}

void confirm_fini(struct watched *p)
{
	free(p->confirm);
	p->confirm = NULL;
}
