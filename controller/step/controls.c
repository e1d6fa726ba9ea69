/* An unverified control is not done: each is applied, then verified, and the verify's TAP lines are what counts. */
#include "controls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { APPLY, VERIFY, READ };

static enum step_say run_control(struct step_ctx *ctx, const char *word, struct step_out *out)
{
	const struct plan_control *control = &ctx->plan->site.control[ctx->mem->index];
	out->verb.u.host.input = INPUT_CONTROL;
	snprintf(out->verb.u.host.control, sizeof(out->verb.u.host.control), "%s", control->name);
	return step_host(out, HOST_STANDBY, "harden %s %s", control->name, word);
}

/* Counts "ok" and "not ok" lines; keeps the first "not ok" in `bad`. A verify that says nothing, or less than its
 * plan line ("1..N") promised, is not ok: the control died on the way. */
static int read_tap(const char *text, int *total, char *bad, size_t size)
{
	int good = 0;
	long planned = -1;
	*total = 0;
	bad[0] = '\0';
	while (*text) {
		size_t len = strcspn(text, "\n");
		bool not_ok = strncmp(text, "not ok", 6) == 0;
		if (not_ok || strncmp(text, "ok ", 3) == 0) {
			++*total;
			good += !not_ok;
			if (not_ok && !bad[0])
				snprintf(bad, size, "%.*s", (int)len, text);
		}
		if (strncmp(text, "1..", 3) == 0)
			planned = strtol(text + 3, NULL, 10);
		text += len + (text[len] == '\n');
	}
	if (!bad[0] && planned != *total)
		snprintf(bad, size, "%ld checks planned, %d reported", planned, *total);
	return good;
}

static enum step_say judge(struct step_ctx *ctx, const struct outcome *last, struct step_out *out)
{
	const struct plan_control *control = &ctx->plan->site.control[ctx->mem->index];
	char bad[120];
	int total = 0;
	int good = read_tap(last->u.text, &total, bad, sizeof(bad));
	ctx->mem->good += good;
	ctx->mem->total += total;
	if (total && good == total && !bad[0] && !last->err.code)
		return STEP_DONE;
	if (control->block)
		return step_fail(out, ERR_BLOCKED, "control %s: %s", control->name,
				 bad[0]           ? bad
				 : last->err.code ? last->err.text
						  : "verified nothing");
	step_degrade(ctx, "control %s: %s", control->name, bad[0] ? bad : "not verified");
	return STEP_DONE;
}

static bool seek(struct step_ctx *ctx, bool with_mail)
{
	while (ctx->mem->index < ctx->plan->site.ncontrols &&
	       ctx->plan->site.control[ctx->mem->index].with_mail != with_mail)
		ctx->mem->index++;
	return ctx->mem->index < ctx->plan->site.ncontrols;
}

enum step_say controls_next(struct step_ctx *ctx, bool with_mail, int base, const struct outcome *last,
			    struct step_out *out)
{
	if (last) {
		enum err_class cls = err_code_class(last->err.code);
		if (last->err.code && (cls != ERR_CLASS_PERM || last->err.code == ERR_AUTH))
			return step_fail_err(out, &last->err); /* the connection failed, not the control */
	}
	if (ctx->mem->at == base + READ && last) {
		enum step_say say = judge(ctx, last, out);
		if (say == STEP_FAIL)
			return say;
		ctx->mem->index++;
		ctx->mem->at = base + APPLY;
	} else if (ctx->mem->at == base + VERIFY) {
		ctx->mem->at = base + READ; /* a failed apply shows in the verify */
		return run_control(ctx, "verify", out);
	}
	if (!seek(ctx, with_mail))
		return step_done(out, "hardening %d/%d ok", ctx->mem->good, ctx->mem->total);
	ctx->mem->at = base + VERIFY;
	return run_control(ctx, "apply", out);
}
