/* A cold host wakes with an old clock: TLS, TSIG and DKIM suffer, so it is said; mail is still better accepted. */
#include "step.h"

enum step_say step_clock(struct step_ctx *ctx, const struct outcome *last, struct step_out *out)
{
	int64_t unix_ms = 0;
	if (!last)
		return step_host(out, HOST_STANDBY, "clock");
	if (last->err.code)
		return step_fail_err(out, &last->err);
	if (!step_answer_i64(last, "unix_ms", &unix_ms))
		return step_fail(out, ERR_PROTOCOL, "`clock` without unix_ms=");
	int64_t off_ms = unix_ms - ctx->now.wall_ms;
	if (off_ms > ctx->plan->site.clock_skew_ms || -off_ms > ctx->plan->site.clock_skew_ms)
		step_degrade(ctx, "the standby's clock is off by %lld s", (long long)(off_ms / 1000));
	return step_done(out, "%lld ms off", (long long)off_ms);
}
