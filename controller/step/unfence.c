/* An abort gives the primary the power back that our fence took. What cannot be verified is a person's: until then the
 * standby stays on with the mail, its port closed. A primary that answers is on, whatever its power switch says. */
#include "step.h"

#include <stdio.h>

enum { ASK, SWITCH, READ_BACK, HELLO };

#define HELLO_MS 5000

static enum step_say is_on(struct step_ctx *ctx, struct step_out *out, const char *how)
{
	ctx->facts->primary_fenced = false;
	return step_done(out, "the primary is on again%s", how);
}

/* The switch failed or cannot be believed: a person may have pressed the button. */
static enum step_say look(struct step_ctx *ctx, const char *trouble, struct step_out *out)
{
	snprintf(ctx->mem->text, sizeof(ctx->mem->text), "%.150s", trouble);
	ctx->mem->at = HELLO;
	out->limit_ms = HELLO_MS;
	return step_host(out, HOST_PRIMARY, "hello");
}

enum step_say step_unfence(struct step_ctx *ctx, const struct outcome *last, struct step_out *out)
{
	if (!ctx->facts->primary_fenced)
		return step_done(out, "is on already");
	if (!last)
		return step_power(out, VERB_POWER_STATUS, HOST_PRIMARY);
	if (ctx->mem->at == HELLO && !last->err.code)
		return is_on(ctx, out, ", it answers");
	if (ctx->mem->at == HELLO)
		return step_fail(out, ERR_AGAIN,
				 "we switched the primary off and cannot switch it on (%s): switch it on, then resume",
				 ctx->mem->text);
	if (last->err.code)
		return look(ctx, last->err.text, out);
	if (ctx->mem->at == SWITCH) {
		ctx->mem->at = READ_BACK;
		return step_power(out, VERB_POWER_STATUS, HOST_PRIMARY);
	}
	if (last->u.power == POWER_STATE_ON)
		return is_on(ctx, out, ", read back");
	if (ctx->mem->at == READ_BACK)
		return look(ctx, "power-on reported done, it reads back as off", out);
	ctx->mem->at = SWITCH;
	return step_power(out, VERB_POWER_ON, HOST_PRIMARY);
}
