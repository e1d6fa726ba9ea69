/* The limits over all pairs, lifted for a while and restored by a person who says why. The pairs go on deciding by them
 * as they stand durably: a lift that a crash could forget must not have let a promotion pass. */
#include "../../common/base/mem.h"
#include "internal.h"
#include "records.h"

#define LIFT_MAX_MS ((int64_t)24 * 3600 * 1000) /* by then somebody has looked again */

static void refuse(command_cb *cb, void *arg, enum err_code code, const char *rule, const char *why)
{
	struct command_answer a = { .text = "" };
	err_set(&a.err, code, "%s", why);
	(void)str_copy(a.rule, sizeof(a.rule), rule);
	cb(arg, &a);
}

static void lift(struct engine *e, const struct command *cmd, command_cb *cb, void *arg)
{
	int64_t now_ms = engine_now(e).wall_ms;
	if (cmd->expires_wall_ms <= now_ms || cmd->expires_wall_ms > now_ms + LIFT_MAX_MS) {
		refuse(cb, arg, ERR_INVALID, "", "a lift ends within 24 hours: --for \"30 min\"");
		return;
	}
	struct hold lift = { .set = true, .since_wall_ms = now_ms, .expires_wall_ms = cmd->expires_wall_ms };
	(void)str_copy(lift.owner, sizeof(lift.owner), cmd->who);
	(void)str_copy(lift.reason, sizeof(lift.reason), cmd->reason);
	records_save_lift(e, &lift, cmd->who, "brake-lift", cmd->reason, cb, arg);
}

static void restore(struct engine *e, const struct command *cmd, command_cb *cb, void *arg)
{
	if (!hold_active(&e->brake.lift, engine_now(e))) {
		refuse(cb, arg, ERR_BLOCKED, "no-lift", "the brakes are not lifted: there is nothing to restore");
		return;
	}
	e->brake.lift.set = false; /* the stricter word needs no proof that it stands */
	brakes_touch(e);
	records_save_lift(e, &(struct hold){ .set = false }, cmd->who, "brake-restore", cmd->reason, cb, arg);
}

void brakes_touch(struct engine *e)
{
	for (size_t i = 0; i < e->npairs; i++)
		engine_touch(&e->pairs[i]);
}

void brakes_command(struct engine *e, const struct command *cmd, command_cb *cb, void *arg)
{
	if (cmd->kind == CMD_BRAKE_LIFT)
		lift(e, cmd, cb, arg);
	else
		restore(e, cmd, cb, arg);
}
