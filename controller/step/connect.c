/* Waits for the booting standby, then tells it that this boot was ordered. */
#include "step.h"

#include <stdio.h>

#define CONNECT_TRY_MS 5000
#define CONNECT_PAUSE_MS 300

enum { HELLO, ORDER };

enum step_say step_connect(struct step_ctx *ctx, const struct outcome *last, struct step_out *out)
{
	out->limit_ms = CONNECT_TRY_MS;
	if (!last)
		return step_host(out, HOST_STANDBY, "hello");
	enum err_class cls = err_code_class(last->err.code);
	if (cls == ERR_CLASS_TEMP || cls == ERR_CLASS_LOCAL) {
		ctx->mem->at = HELLO;
		snprintf(ctx->mem->text, sizeof(ctx->mem->text), "%.150s", last->err.text);
		return step_wait(out, CONNECT_PAUSE_MS);
	}
	if (last->err.code)
		return step_fail_err(out, &last->err);
	if (ctx->mem->at == ORDER)
		return step_done(out, "boot %s, ordered", ctx->facts->boot_id);
	if (!step_answer(last, "boot_id", ctx->facts->boot_id, sizeof(ctx->facts->boot_id)))
		return step_fail(out, ERR_PROTOCOL, "`hello` without boot_id=");
	ctx->mem->at = ORDER;
	return step_host(out, HOST_STANDBY, "boot-order %s", ctx->plan->nonce);
}
