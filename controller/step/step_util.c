/* The words that steps share: how to ask for a verb, how to say that it is done, how to read an answer. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/base/mem.h"
#include "step.h"

enum step_say step_host(struct step_out *out, enum host_role target, const char *fmt, ...)
{
	va_list ap;
	out->verb.kind = VERB_HOST_RUN;
	out->verb.u.host.target = target;
	va_start(ap, fmt);
	int n = vsnprintf(out->verb.u.host.words, sizeof(out->verb.u.host.words), fmt, ap);
	va_end(ap);
	BUG_ON(n < 0 || (size_t)n >= sizeof(out->verb.u.host.words));
	return STEP_VERB;
}

enum step_say step_power(struct step_out *out, enum verb_kind kind, enum host_role target)
{
	out->verb.kind = kind;
	out->verb.u.power_target = target;
	return STEP_VERB;
}

enum step_say step_level(const struct step_ctx *ctx, struct step_out *out, enum verb_kind kind, const char *level)
{
	struct verb_fence *fence = &out->verb.u.fence;
	out->verb.kind = kind;
	(void)str_copy(fence->level, sizeof(fence->level), level);
	fence->index = LEVELS_MAX;
	for (size_t i = 0; i < ctx->plan->site.nlevels; i++)
		if (strcmp(ctx->plan->site.level[i].name, level) == 0)
			fence->index = (uint8_t)i;
	return STEP_VERB;
}

enum step_say step_wait(struct step_out *out, int64_t wait_ms)
{
	out->wait_ms = wait_ms;
	return STEP_WAIT;
}

enum step_say step_done(struct step_out *out, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(out->note, sizeof(out->note), fmt, ap);
	va_end(ap);
	return STEP_DONE;
}

enum step_say step_fail(struct step_out *out, enum err_code code, const char *fmt, ...)
{
	char text[ERR_TEXT_MAX];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	err_set(&out->err, code, "%s", text);
	return STEP_FAIL;
}

enum step_say step_fail_err(struct step_out *out, const struct err *err)
{
	out->err = *err;
	return STEP_FAIL;
}

enum step_say step_same_boot(struct step_ctx *ctx, const struct outcome *last, struct step_out *out)
{
	char boot_id[sizeof(ctx->facts->boot_id)];
	if (last->err.code)
		return step_fail_err(out, &last->err);
	if (!step_answer(last, "boot_id", boot_id, sizeof(boot_id)) || strcmp(boot_id, ctx->facts->boot_id) != 0)
		return step_fail(out, ERR_UNVERIFIED,
				 "the standby was verified in boot %s and is in boot %s: abort, then fail over again",
				 ctx->facts->boot_id, boot_id);
	return STEP_DONE;
}

bool step_ask_epoch(struct step_ctx *ctx, enum host_role who, const struct outcome *refusal, struct step_out *out)
{
	enum err_class cls = err_code_class(refusal->err.code);
	if (cls == ERR_CLASS_TEMP || cls == ERR_CLASS_LOCAL)
		return false;
	snprintf(ctx->mem->text, sizeof(ctx->mem->text), "%.230s", refusal->err.text);
	(void)step_host(out, who, "rights");
	return true;
}

bool step_stands_above(struct step_ctx *ctx, enum host_role who, const struct outcome *last)
{
	int64_t epoch = 0;
	if (last->err.code || !step_answer_i64(last, "epoch", &epoch) || epoch < 0 ||
	    (uint64_t)epoch <= ctx->plan->epoch + 1)
		return false;
	ctx->facts->stands_at[who] = epoch;
	return true;
}

_Static_assert(PLAN_ZONES_MAX <= 64, "zones are counted in the bits of a word");

void step_degrade(struct step_ctx *ctx, const char *fmt, ...)
{
	char text[200];
	char *all = ctx->facts->degrade;
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (strstr(all, text))
		return;
	size_t used = strlen(all);
	snprintf(all + used, sizeof(ctx->facts->degrade) - used, "%s%s", used ? "; " : "", text);
}

static int severity(enum err_class cls)
{
	static const int order[] = {
		[ERR_CLASS_NONE] = 0, [ERR_CLASS_TEMP] = 1,     [ERR_CLASS_LOCAL] = 1,
		[ERR_CLASS_PERM] = 2, [ERR_CLASS_CONFLICT] = 3, [ERR_CLASS_BUG] = 4,
	};
	return order[cls];
}

/* The list of the pass before stands until this one has something to say: a limit that falls in between tells it. */
void step_note_zone(struct step_ctx *ctx, enum err_code code, const char *why)
{
	struct step_mem *mem = ctx->mem;
	enum err_class cls = err_code_class(code) == ERR_CLASS_LOCAL ? ERR_CLASS_TEMP : err_code_class(code);
	size_t used = mem->bad ? strlen(mem->text) : 0;
	snprintf(mem->text + used, sizeof(mem->text) - used, "%s%.60s: %.80s", used ? "; " : "",
		 ctx->plan->site.zones[mem->index].name, why);
	if (severity(cls) > severity(mem->worst_class)) {
		mem->worst = code;
		mem->worst_class = cls;
	}
	mem->temporary |= cls == ERR_CLASS_TEMP;
	mem->bad++;
}

void step_forget_zones(struct step_ctx *ctx)
{
	ctx->mem->bad = 0;
	ctx->mem->temporary = false;
	ctx->mem->worst = ERR_OK;
	ctx->mem->worst_class = ERR_CLASS_NONE;
}

size_t step_next_zone(const struct step_ctx *ctx, size_t from)
{
	while (from < ctx->plan->site.nzones && ctx->mem->done >> from & 1)
		from++;
	return from;
}

bool step_answer(const struct outcome *last, const char *key, char *out, size_t size)
{
	size_t key_len = strlen(key);
	for (const char *at = last->u.text; *at;) {
		size_t len = strcspn(at, "\n");
		if (len > key_len && at[key_len] == '=' && strncmp(at, key, key_len) == 0) {
			size_t n = len - key_len - 1;
			n = n < size ? n : size - 1;
			memcpy(out, at + key_len + 1, n);
			out[n] = '\0';
			return true;
		}
		at += len + (at[len] == '\n');
	}
	out[0] = '\0';
	return false;
}

bool step_answer_i64(const struct outcome *last, const char *key, int64_t *out)
{
	char digits[24], *end;
	if (!step_answer(last, key, digits, sizeof(digits)) || !digits[0])
		return false;
	*out = strtoll(digits, &end, 10);
	return *end == '\0';
}

void step_rights_text(const struct plan *plan, uint64_t epoch, bool standby_accepts, char *out, size_t size)
{
	snprintf(out, size, "coldmx-rights 1\npair=%s\nepoch=%llu\nown=primary\naccept=%s\nissued_ms=%lld\n",
		 plan->site.pair, (unsigned long long)epoch, standby_accepts ? "primary,standby" : "primary",
		 (long long)plan->began.wall_ms);
}

void step_rehearse_text(const struct plan *plan, uint64_t epoch, const char *boot_id, char *out, size_t size)
{
	step_rights_text(plan, epoch, false, out, size);
	size_t used = strlen(out);
	if (boot_id[0])
		snprintf(out + used, size - used, "rehearse=%s %lld\n", boot_id,
			 (long long)(plan->began.wall_ms + plan_rehearse_ms(plan)) / 1000);
}
