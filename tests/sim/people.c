/* What people ask the controller for, and what its answers are held to. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/base/mem.h"
#include "apply.h"

#define HOLD_MS 60000

static bool of_no_pair(enum command_kind kind)
{
	return kind == CMD_BRAKE_LIFT || kind == CMD_BRAKE_RESTORE;
}

static uint32_t operator_rows(const struct world *w, uint8_t pair, enum command_kind kind)
{
	return of_no_pair(kind) ? w->controller_rows : w->pair[pair].ghost.operator_rows;
}

/* The plan for people names the epoch that its operation would take. */
static uint64_t epoch_of(const char *text)
{
	const char *at = strstr(text, "epoch ");
	return at ? strtoull(at + strlen("epoch "), NULL, 10) : 0;
}

/* Nothing that changes by itself may change a token. A fence does change the way back, and maps are pushed. */
static void keep_token(struct world *w, const struct sim_asked *asked, const struct command_answer *a)
{
	struct pair_world *p = &w->pair[asked->pair];
	struct sim_token now = { .failback = asked->extra,
				 .epoch = epoch_of(a->text),
				 .no_maps = strstr(a->text, "BLOCK: no recipient maps") != NULL };
	struct sim_token *was = &p->token[asked->extra];
	(void)str_copy(now.text, sizeof(now.text), a->token);
	(void)str_copy(now.maps, sizeof(now.maps), p->bundle);
	now.pushed_ms = p->view.built_wall_ms - p->view.maps_age_ms;
	bool alike = was->text[0] && was->epoch == now.epoch && was->no_maps == now.no_maps &&
		     strcmp(was->maps, now.maps) == 0 && was->pushed_ms == now.pushed_ms &&
		     !w->opts[asked->pair].site.nlevels;
	if (alike && strcmp(was->text, now.text) != 0)
		world_fail(w, 4, "pair%u: the token of a plan changed by itself: %s, %s", asked->pair, was->text,
			   now.text);
	*was = now;
}

/* What began under a token is what the token's plan said. */
static void compare_plan(struct world *w, const struct sim_asked *asked, const struct command_answer *a)
{
	const struct ghost_op *o = ghost_find_op(&w->pair[asked->pair].ghost, a->op);
	if (asked->token.text[0] && o && o->epoch != asked->token.epoch)
		world_fail(w, 4, "pair%u: the plan of epoch %llu was read, epoch %llu began", asked->pair,
			   (unsigned long long)asked->token.epoch, (unsigned long long)o->epoch);
}

static void note_answer(struct world *w, const struct sim_asked *asked)
{
	struct ghost *g = &w->pair[asked->pair].ghost;
	size_t no = (size_t)(asked - w->asked) + 1;
	struct ghost_op *last = g->nops ? &g->op[g->nops - 1] : NULL;
	/* who ends a drill says nothing against a promotion */
	if (asked->kind == CMD_ABORT && no > g->ack_asked && last && !last->ended && last->kind != PLAN_DRILL) {
		last->aborted = g->latched = true;
		g->latch_ms = w->clock.now_ms;
	}
	if (asked->kind == CMD_HOLD && no > g->release_asked) {
		g->held = true;
		g->hold_until_ms = asked->expires_wall_ms;
	}
}

static void answered(void *arg, const struct command_answer *a)
{
	struct sim_asked *asked = arg;
	struct world *w = asked->w;
	asked->answered = true;
	world_trace(w, "answer to the operator: %s %s [%s]", err_code_name(a->err.code), a->err.text, a->rule);
	if (a->rule[0])
		coverage_rule(w->coverage, a->rule);
	if (a->err.code || w->crashed)
		return;
	if (asked->kind == CMD_PLAN)
		keep_token(w, asked, a);
	else if (operator_rows(w, asked->pair, asked->kind) == asked->operator_rows)
		world_fail(w, 11, "pair%u: a command is answered, and no audit row says who asked for it", asked->pair);
	compare_plan(w, asked, a);
	note_answer(w, asked);
}

struct late_command {
	uint8_t pair;
	enum command_kind kind;
	bool extra;
};

static void command_lands(struct world *w, void *data)
{
	const struct late_command *late = data;
	apply_command(w, late->pair, late->kind, late->extra);
}

bool apply_asleep(const struct world *w)
{
	return w->clock.now_ms < w->asleep_until_ms;
}

/* What is said to a controller that sleeps waits in its socket until it has noticed its sleep. */
static void wait_for_it(struct world *w, uint8_t pair, enum command_kind kind, bool extra)
{
	struct late_command *late = mem_calloc(1, sizeof(*late));
	*late = (struct late_command){ pair, kind, extra };
	world_after(w, w->asleep_until_ms - w->clock.now_ms, command_lands, late, w->life);
}

static const char *step_at_hand(const struct pair_view *v)
{
	for (size_t i = 0; v->has_op && i < v->op.nsteps; i++)
		if (strcmp(v->op.step[i].state, "failed") == 0)
			return v->op.step[i].name;
	return "announce";
}

/* A failover or failback by the token of the plan that was read last; the plan of a failback; a skipped step. */
static void add_extra(struct world *w, struct sim_asked *asked, struct command *cmd)
{
	if (!asked->extra)
		return;
	cmd->failback = cmd->kind == CMD_PLAN;
	if (cmd->kind == CMD_RESUME)
		(void)str_copy(cmd->skip, sizeof(cmd->skip), step_at_hand(&w->pair[asked->pair].view));
	if (cmd->kind != CMD_FAILOVER && cmd->kind != CMD_FAILBACK)
		return;
	asked->token = w->pair[asked->pair].token[cmd->kind == CMD_FAILBACK];
	(void)str_copy(cmd->plan, sizeof(cmd->plan), asked->token.text);
}

void apply_command(struct world *w, uint8_t pair, enum command_kind kind, bool extra)
{
	struct ghost *g = &w->pair[pair].ghost;
	if (!w->engine || w->crashed || w->nasked == ARRAY_LEN(w->asked))
		return;
	if (apply_asleep(w)) {
		wait_for_it(w, pair, kind, extra);
		return;
	}
	struct command cmd = { .kind = kind, .expires_wall_ms = world_now(w).wall_ms + HOLD_MS };
	if (!of_no_pair(kind))
		snprintf(cmd.pair, sizeof(cmd.pair), "pair%u", pair);
	snprintf(cmd.who, sizeof(cmd.who), "operator");
	snprintf(cmd.reason, sizeof(cmd.reason), "simulated");
	struct sim_asked *asked = &w->asked[w->nasked++];
	*asked = (struct sim_asked){ .w = w,
				     .pair = pair,
				     .kind = kind,
				     .extra = extra,
				     .expires_wall_ms = cmd.expires_wall_ms,
				     .life = w->life,
				     .operator_rows = operator_rows(w, pair, kind) };
	add_extra(w, asked, &cmd);
	cmd.confirm_fenced = kind == CMD_FAILOVER && w->pair[pair].confirms;
	w->pair[pair].confirms &= kind != CMD_FAILOVER;
	g->asked_failback += kind == CMD_FAILBACK;
	g->asked_abort += kind == CMD_ABORT;
	g->asked_resume += kind == CMD_RESUME;
	g->asked_drill += kind == CMD_DRILL;
	if (kind == CMD_ACK && engine_ready(w->engine)) {
		g->ack_asked = w->nasked;
		g->latched = false;
	}
	if (kind == CMD_RELEASE) {
		g->release_asked = w->nasked;
		g->held = false;
	}
	world_trace(w, "operator asks pair%u: %d", pair, kind);
	engine_command(w->engine, &cmd, answered, asked);
}
