/* What fencing took is given back, the last level first; it is the step of an abort, the undo of fence, and the begin of
 * a failback. What cannot be verified is a person's. A primary that answers is on, whatever its power switch says; what
 * an edge does with other people's packets, its answer to us does not show. */
#include "step.h"

#include <stdio.h>
#include <string.h>

enum { ASK, SWITCH, READ_BACK, HELLO };

#define HELLO_MS 5000

static const struct plan_level *find(const struct step_ctx *ctx, const char *name)
{
	for (size_t i = 0; i < ctx->plan->site.nlevels; i++)
		if (strcmp(ctx->plan->site.level[i].name, name) == 0)
			return &ctx->plan->site.level[i];
	return NULL;
}

static enum step_say ask(struct step_ctx *ctx, int at, enum verb_kind kind, const char *name, struct step_out *out)
{
	ctx->mem->at = at;
	return step_level(ctx, out, kind, name);
}

/* Nothing holds the primary any more. */
static void forget(struct step_ctx *ctx)
{
	ctx->facts->held[0] = '\0';
	ctx->facts->proven_off = false;
}

static enum step_say given(struct step_ctx *ctx, const char *name, const char *how, struct step_out *out)
{
	char next[LEVEL_NAME_MAX];
	owed_drop(ctx->facts->owed, name);
	if (strcmp(ctx->facts->held, name) == 0)
		forget(ctx);
	if (owed_last(ctx->facts->owed, next))
		return ask(ctx, ASK, VERB_FENCE_STATUS, next, out);
	return step_done(out, "the primary has back what fencing took (%s: %s)", name, how);
}

/* The switch failed or cannot be believed: a person may have pressed the button. */
static enum step_say look(struct step_ctx *ctx, const char *name, const char *trouble, struct step_out *out)
{
	const struct plan_level *l = find(ctx, name);
	if (!l)
		return step_fail(out, ERR_AGAIN,
				 "we fenced the primary at %s, which is no longer configured: configure "
				 "it again, restart, then resume",
				 name);
	if (!l->proves_off)
		return step_fail(out, ERR_AGAIN,
				 "we cut the primary off at %s and cannot open it (%.120s): open it, then "
				 "resume",
				 name, trouble);
	snprintf(ctx->mem->text, sizeof(ctx->mem->text), "%.150s", trouble);
	ctx->mem->at = HELLO;
	out->limit_ms = HELLO_MS;
	return step_host(out, HOST_PRIMARY, "hello");
}

static enum step_say after_hello(struct step_ctx *ctx, const char *name, const struct outcome *last,
				 struct step_out *out)
{
	if (!last->err.code)
		return given(ctx, name, "it answers", out);
	return step_fail(out, ERR_AGAIN,
			 "we switched the primary off at %s and cannot switch it on (%s): switch it on, then resume",
			 name, ctx->mem->text);
}

enum step_say step_unfence(struct step_ctx *ctx, const struct outcome *last, struct step_out *out)
{
	char name[LEVEL_NAME_MAX];
	if (!owed_last(ctx->facts->owed, name)) {
		forget(ctx);
		return step_done(out, "fencing took nothing");
	}
	if (!last)
		return ask(ctx, ASK, VERB_FENCE_STATUS, name, out);
	if (ctx->mem->at == HELLO)
		return after_hello(ctx, name, last, out);
	if (last->err.code)
		return look(ctx, name, last->err.text, out);
	if (ctx->mem->at == SWITCH)
		return ask(ctx, READ_BACK, VERB_FENCE_STATUS, name, out);
	if (last->u.power == POWER_STATE_ON)
		return given(ctx, name, "on, read back", out);
	if (ctx->mem->at == READ_BACK)
		return look(ctx, name, "on reported done, it does not read back as on", out);
	return ask(ctx, SWITCH, VERB_FENCE_ON, name, out);
}
