/* The standby's queue goes to the primary, without one bounce: 5xx becomes 4xx on the relay, what is refused for good
 * is exported, made durable, listed, and only then removed. A primary that refuses most of it has something against
 * the standby, not against the messages: then a person looks first. */
#include "step.h"

#include <stdio.h>
#include <string.h>

enum { SOFT, RELEASE, FLUSH, SETTLE, COUNT, EXPORT, LIST, REMOVE };

#define PAUSE_MS 700
#define REFUSED_MANY 20 /* and more than half of what was tried */
#define REFUSED_ALIKE 5 /* with the same words */
#define SETTLE_MS 30000 /* after `resume`: refusals from before the mending are old news by then */

static enum step_say count(struct step_ctx *ctx, struct step_out *out)
{
	ctx->mem->at = COUNT;
	return step_host(out, HOST_STANDBY, "queue status");
}

static enum step_say remove_listed(struct step_ctx *ctx, struct step_out *out)
{
	ctx->mem->at = REMOVE;
	return step_host(out, HOST_STANDBY, "queue remove %.39s", ctx->facts->listed);
}

/* True: it looks like a policy. What a person has seen once does not stop the next try. */
static bool mass_refusal(struct step_ctx *ctx, const struct outcome *last, int64_t total, struct step_out *out)
{
	struct facts *f = ctx->facts;
	int64_t refused = 0, alike = 0;
	char reason[130];
	(void)step_answer_i64(last, "refused", &refused);
	(void)step_answer_i64(last, "alike", &alike);
	(void)step_answer(last, "reason", reason, sizeof(reason));
	if (total + f->stranded > f->drain_from)
		f->drain_from = total + f->stranded;
	int64_t tried = f->drain_from - (total - refused);
	int64_t news = f->stranded + refused - f->refused_ok;
	if (news * 2 <= tried || (news <= REFUSED_MANY && (news <= REFUSED_ALIKE || alike <= REFUSED_ALIKE)))
		return false;
	f->refused_ok = f->stranded + refused;
	(void)step_fail(
		out, ERR_BLOCKED,
		"the primary refuses %lld of %lld messages for good (%.110s): exempt the standby's addresses from "
		"its policies, or `coldmx resume` keeps as files what it still refuses",
		(long long)refused, (long long)tried, reason);
	return true;
}

static enum step_say after_count(struct step_ctx *ctx, const struct outcome *last, struct step_out *out)
{
	int64_t total = 0;
	char id[sizeof(ctx->facts->listed)];
	BUG_ON(!last); /* COUNT is only left with the answer to its verb */
	if (!step_answer_i64(last, "total", &total))
		return step_fail(out, ERR_PROTOCOL, "`queue status` without total=");
	ctx->facts->queue = total;
	if (!total)
		return step_done(out, "queue empty, %lld stranded", (long long)ctx->facts->stranded);
	if (mass_refusal(ctx, last, total, out))
		return STEP_FAIL;
	/* `refused=COUNT` comes first; the identifiers follow, one a line */
	const char *list = strstr(last->u.text, "\nrefused_id=");
	if (list && sscanf(list, "\nrefused_id=%39[A-Za-z0-9]", id) == 1) {
		if (strcmp(id, ctx->facts->listed) == 0) /* a crash came in between: it is listed, and counted */
			return remove_listed(ctx, out);
		ctx->mem->at = EXPORT;
		snprintf(ctx->mem->text, sizeof(ctx->mem->text), "%s", id);
		out->verb.kind = VERB_QUEUE_EXPORT;
		out->verb.u.queue.target = HOST_STANDBY;
		snprintf(out->verb.u.queue.queue_id, sizeof(out->verb.u.queue.queue_id), "%s", id);
		return STEP_VERB;
	}
	ctx->mem->at = FLUSH;
	snprintf(ctx->mem->text, sizeof(ctx->mem->text), "draining: %lld messages wait", (long long)total);
	return step_wait(out, PAUSE_MS);
}

static enum step_say list_stranded(struct step_ctx *ctx, const struct outcome *last, struct step_out *out)
{
	out->rec.kind = RECORD_STRANDED;
	snprintf(out->rec.key, sizeof(out->rec.key), "%.39s", ctx->mem->text);
	snprintf(ctx->facts->listed, sizeof(ctx->facts->listed), "%.39s", ctx->mem->text);
	strbuf_addf(out->body, "id=%s\nsha256=%.64s\nwall_ms=%lld\n", ctx->mem->text, last->u.text,
		    (long long)ctx->now.wall_ms);
	ctx->facts->stranded++;
	ctx->mem->at = LIST;
	return STEP_COMMIT;
}

enum step_say step_drain(struct step_ctx *ctx, const struct outcome *last, struct step_out *out)
{
	if (last && last->err.code)
		return step_fail_err(out, &last->err);
	switch (ctx->mem->at) {
	case SOFT: ctx->mem->at = RELEASE; return step_host(out, HOST_STANDBY, "queue soft-bounce on");
	case RELEASE: ctx->mem->at = FLUSH; return step_host(out, HOST_STANDBY, "queue hold off");
	case FLUSH:
		ctx->mem->at =
			ctx->facts->refused_ok && !ctx->mem->tries++ ? SETTLE : REMOVE; /* then a count follows */
		return step_host(out, HOST_STANDBY, "queue flush");
	case SETTLE: ctx->mem->at = REMOVE; return step_wait(out, SETTLE_MS);
	case COUNT: return after_count(ctx, last, out);
	case EXPORT: return list_stranded(ctx, last, out);
	case LIST: return remove_listed(ctx, out);
	default: return count(ctx, out);
	}
}
