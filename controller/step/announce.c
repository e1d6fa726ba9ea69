/* The page that says what happened; at least once, under one idempotency key. */
#include "step.h"

#include <stdio.h>

static void write_text(const struct step_ctx *ctx, char *out, size_t size)
{
	const struct plan *p = ctx->plan;
	const struct facts *f = ctx->facts;
	int used;
	switch (p->kind) {
	case PLAN_PROMOTE:
		used = snprintf(out, size,
				"%s: the standby takes the mail (%s). It waits there until `coldmx failback %s "
				"--reason ...`.",
				p->site.pair, p->automatic ? "automatic" : p->actor, p->site.pair);
		if (p->confirmed)
			used += snprintf(out + used, size - (size_t)used, " The primary is off, as %.60s confirms.",
					 p->actor);
		else if (f->held[0])
			used += snprintf(out + used, size - (size_t)used,
					 f->proven_off ? " The primary is off (%s)."
						       : " The primary is cut off at %s and runs on behind it.",
					 f->held);
		snprintf(out + used, size - (size_t)used, "%s%.300s", f->degrade[0] ? " DEGRADE: " : "", f->degrade);
		return;
	case PLAN_DRILL: BUG_ON(true); return; /* it has no such step: it pages when it is red */
	case PLAN_FAILBACK:
	case PLAN_ABORT:
		used = snprintf(out, size, "%s: the primary has its role back, the standby %s.", p->site.pair,
				f->left_on ? "was left on by a person" : "is off");
		if (f->stranded)
			snprintf(out + used, size - (size_t)used,
				 " The primary refused %lld message%s for good: `coldmx status %s` names the folder.",
				 (long long)f->stranded, f->stranded == 1 ? "" : "s", p->site.pair);
		return;
	}
}

enum step_say step_announce(struct step_ctx *ctx, const struct outcome *last, struct step_out *out)
{
	struct verb_notify *notify = &out->verb.u.notify;
	if (last && last->err.code) {
		step_degrade(ctx, "the page did not go out: %.120s", last->err.text);
		return step_done(out, "not delivered: %.120s", last->err.text);
	}
	if (last)
		return step_done(out, "paged");
	out->verb.kind = VERB_NOTIFY;
	snprintf(notify->key, sizeof(notify->key), "op-%llu-announce", (unsigned long long)ctx->plan->op);
	snprintf(notify->severity, sizeof(notify->severity), "page");
	write_text(ctx, notify->text, sizeof(notify->text));
	return STEP_VERB;
}
