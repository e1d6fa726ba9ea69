/* The standby stops taking part: its queue is empty, its mail stops, and the next epoch takes its right away. */
#include "step.h"

enum { EMPTY, STOP, RECORD, TELL, TOLD, ASKED };

enum step_say step_settle(struct step_ctx *ctx, const struct outcome *last, struct step_out *out)
{
	uint64_t epoch = ctx->plan->epoch + 1;
	int64_t total = 0;
	char text[512];
	if (ctx->mem->at == ASKED && step_stands_above(ctx, HOST_STANDBY, last)) {
		step_degrade(ctx, "the standby keeps an epoch that somebody else told it");
		return step_done(out, "standby stopped; it stands above epoch %llu", (unsigned long long)epoch);
	}
	if (ctx->mem->at == ASKED)
		return step_fail(out, ERR_FAILED, "%s", ctx->mem->text);
	if (last && last->err.code && ctx->mem->at == TOLD && step_ask_epoch(ctx, HOST_STANDBY, last, out)) {
		ctx->mem->at = ASKED;
		return STEP_VERB;
	}
	if (last && last->err.code)
		return step_fail_err(out, &last->err);
	switch (ctx->mem->at) {
	case EMPTY: ctx->mem->at = STOP; return step_host(out, HOST_STANDBY, "queue status");
	case STOP:
		if (!step_answer_i64(last, "total", &total) || total)
			return step_fail(out, ERR_BLOCKED, "the standby's queue holds %lld messages again",
					 (long long)total);
		ctx->mem->at = RECORD;
		return step_host(out, HOST_STANDBY, "mail stop");
	case RECORD:
		ctx->mem->at = TELL;
		step_rights_text(ctx->plan, epoch, false, text, sizeof(text));
		out->rec.kind = RECORD_GRANT;
		strbuf_adds(out->body, text);
		return STEP_COMMIT;
	case TELL:
		ctx->mem->at = TOLD;
		out->verb.u.host.input = INPUT_RIGHTS;
		step_rights_text(ctx->plan, epoch, false, out->verb.u.host.rights, sizeof(out->verb.u.host.rights));
		return step_host(out, HOST_STANDBY, "grant");
	default: return step_done(out, "standby stopped, epoch %llu", (unsigned long long)epoch);
	}
}
