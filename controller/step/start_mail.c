/* Mail starts behind the closed port, its relay held: a wounded or half-restored primary would bounce. */
#include "step.h"

#include <string.h>

enum { HOLD, START, CHECK };

enum step_say step_start_mail(struct step_ctx *ctx, const struct outcome *last, struct step_out *out)
{
	char listening[8];
	if (last && last->err.code)
		return step_fail_err(out, &last->err);
	if (!last)
		return step_host(out, HOST_STANDBY, "queue hold on");
	if (ctx->mem->at == HOLD) {
		ctx->mem->at = CHECK;
		return step_host(out, HOST_STANDBY, "mail start");
	}
	/* `systemctl start` returns 0 for a unit that its gate skipped: only the listener counts */
	if (!step_answer(last, "listening", listening, sizeof(listening)) || strcmp(listening, "yes") != 0)
		return step_fail(out, ERR_AGAIN, "mail was started, yet nothing listens on port 25");
	return step_done(out, "listening, relay held");
}

enum step_say step_start_mail_undo(struct step_ctx *ctx, const struct outcome *last, struct step_out *out)
{
	(void)ctx;
	if (!last)
		return step_host(out, HOST_STANDBY, "mail stop");
	if (last->err.code) /* the power-off that follows is the one that counts */
		return step_done(out, "not stopped: %.120s", last->err.text);
	return step_done(out, "stopped");
}
