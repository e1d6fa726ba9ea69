/* Failback begins with a primary that is on, can be reached and listens. In spool mode it may serve already. */
#include "step.h"

#include <stdio.h>
#include <string.h>

enum { HELLO = 16, START, CHECK }; /* below HELLO: what step_unfence is at */

#define PAUSE_MS 1000
#define TRY_MS 5000

static enum step_say hello(struct step_ctx *ctx, struct step_out *out)
{
	ctx->mem->at = HELLO;
	out->limit_ms = TRY_MS;
	return step_host(out, HOST_PRIMARY, "hello");
}

static enum step_say after_hello(struct step_ctx *ctx, const struct outcome *last, struct step_out *out)
{
	enum err_class cls = err_code_class(last->err.code);
	if (cls == ERR_CLASS_TEMP || cls == ERR_CLASS_LOCAL) {
		snprintf(ctx->mem->text, sizeof(ctx->mem->text), "%.150s", last->err.text);
		return step_wait(out, PAUSE_MS);
	}
	if (last->err.code)
		return step_fail_err(out, &last->err);
	ctx->mem->at = START;
	return step_host(out, HOST_PRIMARY, "mail status");
}

static enum step_say after_status(struct step_ctx *ctx, const struct outcome *last, struct step_out *out)
{
	char listening[8];
	if (last->err.code)
		return step_fail_err(out, &last->err);
	if (step_answer(last, "listening", listening, sizeof(listening)) && !strcmp(listening, "yes"))
		return step_done(out, "the primary listens");
	if (ctx->mem->at == CHECK)
		return step_fail(out, ERR_AGAIN, "the primary's mail was started, yet nothing listens");
	ctx->mem->at = CHECK;
	return step_host(out, HOST_PRIMARY, "mail start");
}

/* Every level, before anything is asked of the primary: an edge that stays closed would leave it without mail. */
static enum step_say give_back(struct step_ctx *ctx, const struct outcome *last, struct step_out *out)
{
	enum step_say say = step_unfence(ctx, last, out);
	return say == STEP_DONE ? hello(ctx, out) : say;
}

enum step_say step_verify_primary(struct step_ctx *ctx, const struct outcome *last, struct step_out *out)
{
	switch (ctx->mem->at) {
	case HELLO: return last ? after_hello(ctx, last, out) : hello(ctx, out);
	case START:
	case CHECK: return after_status(ctx, last, out);
	default: return give_back(ctx, last, out);
	}
}
