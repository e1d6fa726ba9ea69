/* The levels of fencing in their order, until one holds: what it says is read back, and a machine that is said to be off
 * and still answers is not. In spool mode all of it is best effort: what cannot be verified is said and degrades, since
 * a primary that still takes mail only splits it. Undo gives back what was taken. */
#include "../../common/base/mem.h"
#include "step.h"

#include <stdio.h>
#include <string.h>

enum { ASK, NOTE, SWITCH, READ_BACK, HELLO };

#define READ_BACK_TRIES 3
#define PAUSE_MS 1000
#define HELLO_MS 3000

static const struct plan_level *level(const struct step_ctx *ctx)
{
	return &ctx->plan->site.level[ctx->mem->index];
}

/* A level that is slow or restarts is asked again, for as long as one command may take: one that died with the primary
 * must not keep the standby dark. */
static bool time_left(struct step_ctx *ctx)
{
	const struct plan_site *site = &ctx->plan->site;
	int64_t span_ms = site->command_ms < site->boot_ms / 2 ? site->command_ms : site->boot_ms / 2;
	if (!ctx->mem->mark_ms)
		ctx->mem->mark_ms = ctx->now.boot_ms + span_ms;
	return ctx->now.boot_ms + PAUSE_MS < ctx->mem->mark_ms;
}

static enum step_say ask(struct step_ctx *ctx, enum verb_kind kind, struct step_out *out)
{
	(void)time_left(ctx); /* counts from the first call */
	return step_level(ctx, out, kind, level(ctx)->name);
}

/* What this level did wrong is kept, and the next one is tried. */
static enum step_say pass_on(struct step_ctx *ctx, const char *why, struct step_out *out)
{
	struct step_mem *mem = ctx->mem;
	size_t used = strlen(mem->text);
	snprintf(mem->text + used, sizeof(mem->text) - used, "%s%s: %.90s", used ? "; " : "", level(ctx)->name, why);
	mem->index++;
	mem->at = ASK;
	mem->tries = 0;
	mem->mark_ms = 0;
	if (mem->index < ctx->plan->site.nlevels)
		return ask(ctx, VERB_FENCE_STATUS, out);
	step_degrade(ctx, "the primary is not fenced: %.170s", mem->text);
	return step_done(out, "not fenced: %.140s", mem->text);
}

static enum step_say holds(struct step_ctx *ctx, struct step_out *out)
{
	const struct plan_level *l = level(ctx);
	(void)str_copy(ctx->facts->held, sizeof(ctx->facts->held), l->name);
	ctx->facts->proven_off = l->proves_off;
	if (ctx->mem->text[0])
		step_degrade(ctx, "fencing held at %s only: %.140s", l->name, ctx->mem->text);
	return step_done(out, "%s: %s, read back%s%.90s", l->name,
			 l->proves_off ? "off" : "cut off, it runs on behind it", ctx->mem->text[0] ? "; " : "",
			 ctx->mem->text);
}

/* Off by its own word. A machine that is off answers nobody; behind an edge it may answer us. */
static enum step_say says_off(struct step_ctx *ctx, struct step_out *out)
{
	if (!level(ctx)->proves_off)
		return holds(ctx, out);
	ctx->mem->at = HELLO;
	out->limit_ms = HELLO_MS;
	return step_host(out, HOST_PRIMARY, "hello");
}

static enum step_say after_hello(struct step_ctx *ctx, const struct outcome *last, struct step_out *out)
{
	if (err_code_class(last->err.code) == ERR_CLASS_LOCAL)
		return pass_on(ctx, "it says off, and our own side kept us from asking the primary", out);
	return verb_host_answered(last->err.code) ? pass_on(ctx, "it says off, the primary answers", out)
						  : holds(ctx, out);
}

static enum step_say read_back(struct step_ctx *ctx, const struct outcome *last, struct step_out *out)
{
	char why[80];
	if (last->u.power == POWER_STATE_OFF)
		return says_off(ctx, out);
	if (ctx->mem->tries++ < READ_BACK_TRIES)
		return step_wait(out, PAUSE_MS);
	snprintf(why, sizeof(why), "off reported done, it reads back as %s", power_state_name(last->u.power));
	return pass_on(ctx, why, out);
}

static enum step_say after_error(struct step_ctx *ctx, const struct err *err, struct step_out *out)
{
	enum err_class cls = err_code_class(err->code);
	if ((cls != ERR_CLASS_TEMP && cls != ERR_CLASS_LOCAL) || !time_left(ctx))
		return pass_on(ctx, err->text, out);
	if (ctx->mem->at == SWITCH)
		ctx->mem->at = NOTE; /* off once more: it does no harm twice */
	return step_wait(out, PAUSE_MS);
}

/* Nothing is switched: there is nothing to give back. */
static enum step_say by_a_person(struct step_ctx *ctx, struct step_out *out)
{
	(void)str_copy(ctx->facts->held, sizeof(ctx->facts->held), LEVEL_PERSON);
	ctx->facts->proven_off = true;
	return step_done(out, "off, as %.60s confirms; nothing answered", ctx->plan->actor);
}

enum step_say step_fence(struct step_ctx *ctx, const struct outcome *last, struct step_out *out)
{
	if (ctx->plan->confirmed)
		return by_a_person(ctx, out);
	if (ctx->mem->at == HELLO && last)
		return after_hello(ctx, last, out);
	if (last && last->err.code)
		return after_error(ctx, &last->err, out);
	switch (ctx->mem->at) {
	case ASK:
		if (!last)
			return ask(ctx, VERB_FENCE_STATUS, out);
		if (last->u.power == POWER_STATE_OFF)
			return says_off(ctx, out);
		(void)owed_add(ctx->facts->owed, level(ctx)->name); /* durable first: the undo must know */
		ctx->mem->at = NOTE;
		return STEP_COMMIT;
	case NOTE: ctx->mem->at = SWITCH; return ask(ctx, VERB_FENCE_OFF, out);
	case SWITCH: ctx->mem->at = READ_BACK; return ask(ctx, VERB_FENCE_STATUS, out);
	default: return last ? read_back(ctx, last, out) : ask(ctx, VERB_FENCE_STATUS, out);
	}
}
