/* The rights record: durable at the controller first, then told. Promote: the standby may accept too. Failback: the
 * primary is told the new epoch. `own` stays with the primary in spool mode: nobody delivers while it is down. */
#include "step.h"

enum { RECORD, TELL, TOLD, ASKED };

static enum step_say record(struct step_ctx *ctx, uint64_t epoch, bool standby, struct step_out *out)
{
	char text[512];
	step_rights_text(ctx->plan, epoch, standby, text, sizeof(text));
	out->rec.kind = RECORD_GRANT;
	strbuf_adds(out->body, text);
	ctx->mem->at = TELL;
	return STEP_COMMIT;
}

static enum step_say tell(struct step_ctx *ctx, enum host_role who, uint64_t epoch, bool standby, struct step_out *out)
{
	ctx->mem->at = TOLD;
	out->verb.u.host.input = INPUT_RIGHTS;
	step_rights_text(ctx->plan, epoch, standby, out->verb.u.host.rights, sizeof(out->verb.u.host.rights));
	return step_host(out, who, "grant");
}

enum step_say step_grant(struct step_ctx *ctx, const struct outcome *last, struct step_out *out)
{
	enum host_role who = ctx->plan->kind == PLAN_PROMOTE ? HOST_STANDBY : HOST_PRIMARY;
	if (ctx->mem->at == ASKED)
		return step_fail(out, ERR_FAILED, "%s%s", ctx->mem->text,
				 step_stands_above(ctx, who, last) ? ": somebody else told it; the next try goes above"
								   : "");
	if (last && last->err.code && step_ask_epoch(ctx, who, last, out)) {
		ctx->mem->at = ASKED;
		return STEP_VERB;
	}
	if (last && last->err.code)
		return step_fail_err(out, &last->err);
	if (ctx->mem->at == RECORD)
		return record(ctx, ctx->plan->epoch, true, out);
	if (ctx->mem->at == TELL)
		return tell(ctx, who, ctx->plan->epoch, true, out);
	return step_done(out, "epoch %llu", (unsigned long long)ctx->plan->epoch);
}

/* The epoch after this operation's takes the standby's right away; an unreachable one is switched off next. */
enum step_say step_grant_undo(struct step_ctx *ctx, const struct outcome *last, struct step_out *out)
{
	if (ctx->plan->kind != PLAN_PROMOTE)
		return step_done(out, "both may accept, as before");
	if (ctx->mem->at == RECORD)
		return record(ctx, ctx->plan->epoch + 1, false, out);
	if (ctx->mem->at == TELL)
		return tell(ctx, HOST_STANDBY, ctx->plan->epoch + 1, false, out);
	if (last->err.code)
		return step_done(out, "the standby was not told: %.100s", last->err.text);
	return step_done(out, "epoch %llu", (unsigned long long)ctx->plan->epoch + 1);
}
