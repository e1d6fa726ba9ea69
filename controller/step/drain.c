/* The standby's queue goes to the primary, without one bounce: 5xx becomes 4xx on the relay, what is refused for good
 * is exported, made durable, listed, and only then removed. */
#include "step.h"

#include <stdio.h>
#include <string.h>

enum { SOFT, RELEASE, FLUSH, COUNT, EXPORT, LIST, REMOVE };

#define PAUSE_MS 700

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
		ctx->mem->at = REMOVE; /* what follows is a count */
		return step_host(out, HOST_STANDBY, "queue flush");
	case COUNT: return after_count(ctx, last, out);
	case EXPORT: return list_stranded(ctx, last, out);
	case LIST: return remove_listed(ctx, out);
	default: return count(ctx, out);
	}
}
