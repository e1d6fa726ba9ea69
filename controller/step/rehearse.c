/* A drill's right: this boot of the standby may run mail on loopback for a while, and takes nobody's. Its firewall follows:
 * port 25 shut to everybody, no mail out, and where configured nothing to the primary, which finds what leans on it. */
#include "step.h"

#include <stdio.h>
#include <string.h>

enum { RECORD, TELL, SHUT, READ, ASKED };

static enum step_say record(struct step_ctx *ctx, uint64_t epoch, bool rehearse, struct step_out *out)
{
	char text[512];
	step_rehearse_text(ctx->plan, epoch, rehearse ? ctx->facts->boot_id : "", text, sizeof(text));
	out->rec.kind = RECORD_GRANT;
	strbuf_adds(out->body, text);
	ctx->mem->at = TELL;
	return STEP_COMMIT;
}

static enum step_say tell(struct step_ctx *ctx, uint64_t epoch, bool rehearse, struct step_out *out)
{
	struct verb_host *host = &out->verb.u.host;
	ctx->mem->at = SHUT;
	host->input = INPUT_RIGHTS;
	step_rehearse_text(ctx->plan, epoch, rehearse ? ctx->facts->boot_id : "", host->rights, sizeof(host->rights));
	return step_host(out, HOST_STANDBY, "grant");
}

static enum step_say shut(struct step_ctx *ctx, struct step_out *out)
{
	const struct plan_site *site = &ctx->plan->site;
	const struct host_addr *primary = &site->host[HOST_PRIMARY];
	bool four = site->drill_blackhole && primary->v4[0], six = site->drill_blackhole && primary->v6[0];
	ctx->mem->at = READ;
	return step_host(out, HOST_STANDBY, "port rehearse%s%s%s%s", four ? " " : "", four ? primary->v4 : "",
			 six ? " " : "", six ? primary->v6 : "");
}

enum step_say step_rehearse(struct step_ctx *ctx, const struct outcome *last, struct step_out *out)
{
	char port[16];
	if (ctx->mem->at == ASKED)
		return step_fail(out, ERR_FAILED, "%s%s", ctx->mem->text,
				 step_stands_above(ctx, HOST_STANDBY, last)
					 ? ": somebody else told it; the next try goes above"
					 : "");
	if (last && last->err.code && ctx->mem->at == SHUT && step_ask_epoch(ctx, HOST_STANDBY, last, out)) {
		ctx->mem->at = ASKED;
		return STEP_VERB;
	}
	if (last && last->err.code)
		return step_fail_err(out, &last->err);
	switch (ctx->mem->at) {
	case RECORD: return record(ctx, ctx->plan->epoch, true, out);
	case TELL: return tell(ctx, ctx->plan->epoch, true, out);
	case SHUT: return shut(ctx, out);
	default:
		if (!step_answer(last, "port", port, sizeof(port)) || strcmp(port, "rehearse") != 0)
			return step_fail(out, ERR_UNVERIFIED, "port 25 reads back as \"%s\", wanted rehearse", port);
		return step_done(out, "epoch %llu: loopback only, no mail out%s", (unsigned long long)ctx->plan->epoch,
				 ctx->plan->site.drill_blackhole ? ", the primary blackholed" : "");
	}
}

/* The next epoch ends the right, and the port is shut in the usual way; a standby that cannot be told is switched off next,
 * and one that stays on keeps no firewall of a drill. */
enum step_say step_rehearse_undo(struct step_ctx *ctx, const struct outcome *last, struct step_out *out)
{
	uint64_t epoch = ctx->plan->epoch + 1;
	switch (ctx->mem->at) {
	case RECORD: return record(ctx, epoch, false, out);
	case TELL: return tell(ctx, epoch, false, out);
	case SHUT:
		snprintf(ctx->mem->text, sizeof(ctx->mem->text), "%.100s",
			 last->err.code ? last->err.text : ""); /* of the grant */
		ctx->mem->at = READ;
		return step_host(out, HOST_STANDBY, "port closed");
	default: break;
	}
	if (ctx->mem->text[0] || last->err.code)
		return step_done(out, "the standby was not told: %.100s",
				 ctx->mem->text[0] ? ctx->mem->text : last->err.text);
	return step_done(out, "epoch %llu, port closed", (unsigned long long)epoch);
}
