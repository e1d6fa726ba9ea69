/* Port 25 of the standby in three states: closed, open to the controller only, open (the point of no return). */
#include "step.h"

#include <string.h>

static enum step_say expect(const struct outcome *last, const char *state, struct step_out *out)
{
	char port[16];
	if (last->err.code)
		return step_fail_err(out, &last->err);
	if (!step_answer(last, "port", port, sizeof(port)) || strcmp(port, state) != 0)
		return step_fail(out, ERR_UNVERIFIED, "port 25 reads back as \"%s\", wanted %s", port, state);
	return step_done(out, "port 25 %s", state);
}

enum step_say step_open_to_probes(struct step_ctx *ctx, const struct outcome *last, struct step_out *out)
{
	const struct host_addr *us = &ctx->plan->site.controller;
	if (last)
		return expect(last, "probes", out);
	return step_host(out, HOST_STANDBY, "port probes%s%s%s%s", us->v4[0] ? " " : "", us->v4, us->v6[0] ? " " : "",
			 us->v6);
}

enum step_say step_close_undo(struct step_ctx *ctx, const struct outcome *last, struct step_out *out)
{
	(void)ctx;
	if (!last)
		return step_host(out, HOST_STANDBY, "port closed");
	if (last->err.code) /* nobody but us could reach it; the power-off follows */
		return step_done(out, "not closed: %.120s", last->err.text);
	return step_done(out, "port 25 closed");
}

enum step_say step_open_port(struct step_ctx *ctx, const struct outcome *last, struct step_out *out)
{
	if (last)
		return expect(last, "open", out);
	return step_host(out, HOST_STANDBY, "port open %s", ctx->facts->boot_id);
}

enum step_say step_close_port(struct step_ctx *ctx, const struct outcome *last, struct step_out *out)
{
	(void)ctx;
	if (last)
		return expect(last, "closed", out);
	return step_host(out, HOST_STANDBY, "port closed");
}
