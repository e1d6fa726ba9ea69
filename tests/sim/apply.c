/* See apply.h. */
#include "apply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/base/mem.h"

#define OPERATOR_MS 4000
#define PUSH_MS 9000
#define PUSH_TAKES_MS 300
#define BOOTS_MS 170

/* ---- faults that are over at once ---- */

static void woke(struct world *w, void *data)
{
	(void)data;
	if (!w->engine)
		return;
	world_trace(w, "--- controller wakes up");
	w->suspended_ms = w->clock.now_ms;
	ghost_forget(w);
	engine_suspended(w->engine);
}

static void suspend(struct world *w, int64_t for_ms)
{
	if (!w->engine || apply_asleep(w))
		return;
	w->asleep_until_ms = w->clock.now_ms + for_ms + 2;
	clock_delay_life(&w->clock, w->life, w->clock.now_ms + for_ms + 1);
	world_after(w, for_ms, woke, NULL, w->life);
}

static void change_maps(struct pair_world *p)
{
	unsigned long n = strtoul(p->maps_now, NULL, 16);
	snprintf(p->maps_now, sizeof(p->maps_now), "%064lx", n + 1);
}

typedef void fault_fn(struct world *w, const struct action *a);

static struct host *host_of(struct world *w, const struct action *a, enum host_role role)
{
	return &w->pair[a->pair].host[role];
}

static void primary_dies(struct world *w, const struct action *a)
{
	host_power(w, host_of(w, a, HOST_PRIMARY), false);
}

static void primary_returns(struct world *w, const struct action *a)
{
	host_power(w, host_of(w, a, HOST_PRIMARY), true);
}

static void primary_hangs(struct world *w, const struct action *a)
{
	struct host *h = host_of(w, a, HOST_PRIMARY);
	h->hung = h->running;
}

static void primary_wakes(struct world *w, const struct action *a)
{
	host_of(w, a, HOST_PRIMARY)->hung = false;
}

static void mail_killed(struct world *w, const struct action *a)
{
	host_kill_mail(host_of(w, a, HOST_PRIMARY));
}

static void mail_started(struct world *w, const struct action *a)
{
	host_start_mail(host_of(w, a, HOST_PRIMARY));
}

static void standby_dies(struct world *w, const struct action *a)
{
	host_power(w, host_of(w, a, HOST_STANDBY), false);
}

static void standby_returns(struct world *w, const struct action *a)
{
	struct host *h = host_of(w, a, HOST_STANDBY);
	w->pair[a->pair].standby_by_hand |= !h->on;
	host_power(w, h, true);
}

static void suspended(struct world *w, const struct action *a)
{
	suspend(w, a->for_ms);
}

static void crash(struct world *w, const struct action *a)
{
	w->restart_ms = a->for_ms;
	w->reboot = a->fault == FAULT_REBOOT;
	world_crash(w);
}

/* Dies at one of its next calls, wherever that is. */
static void crash_point(struct world *w, const struct action *a)
{
	w->restart_ms = a->for_ms;
	w->crash_at = w->points + 1 + (uint64_t)a->for_ms % 97;
	w->crash_after = a->arg;
}

static void hand(struct world *w, const struct action *a)
{
	dns_hand(w, a->pair, a->fault == FAULT_DNS_HAND_BACK);
}

/* A person takes over at a host, for once: whoever does it at both makes two owners, as the manual says. Not against a way
 * back that goes on: that is stuck then, and stays so. */
static void break_glass(struct world *w, const struct action *a)
{
	enum pair_state state = w->pair[a->pair].view.state;
	if (state != PAIR_FAILING_BACK && state != PAIR_STUCK && !w->pair[a->pair].ghost.glass)
		host_break_glass(w, &w->pair[a->pair].host[a->arg & 1]);
}

static void maps_change(struct world *w, const struct action *a)
{
	change_maps(&w->pair[a->pair]);
}

static void confirm(struct world *w, const struct action *a)
{
	w->pair[a->pair].confirms = true;
	apply_command(w, a->pair, CMD_FAILOVER, false);
}

static void command(struct world *w, const struct action *a)
{
	static const enum command_kind kinds[] = {
		CMD_FAILOVER, CMD_FAILBACK, CMD_ABORT,      CMD_RESUME,        CMD_ACK,   CMD_HOLD,
		CMD_RELEASE,  CMD_PLAN,     CMD_BRAKE_LIFT, CMD_BRAKE_RESTORE, CMD_DRILL,
	};
	apply_command(w, a->pair, kinds[a->fault - FAULT_CMD_FAILOVER], a->arg);
}

/* Without a function the fault lasts; `all`: it is the controller's, and concerns every pair. */
static const struct {
	const char *name;
	fault_fn *fn;
	bool all;
} faults[FAULTS] = {
	[FAULT_PRIMARY_DIES] = { "primary-dies", primary_dies, false },
	[FAULT_PRIMARY_RETURNS] = { "primary-returns", primary_returns, false },
	[FAULT_PRIMARY_HANGS] = { "primary-hangs", primary_hangs, false },
	[FAULT_PRIMARY_WAKES] = { "primary-wakes", primary_wakes, false },
	[FAULT_PRIMARY_MAIL_KILLED] = { "primary-mail-killed", mail_killed, false },
	[FAULT_PRIMARY_MAIL_STARTED] = { "primary-mail-started", mail_started, false },
	[FAULT_PRIMARY_BUSY] = { "primary-busy", NULL, false },
	[FAULT_PRIMARY_REFUSES] = { "primary-refuses", NULL, false },
	[FAULT_PRIMARY_V4_CUT] = { "primary-v4-cut", NULL, false },
	[FAULT_PRIMARY_V6_CUT] = { "primary-v6-cut", NULL, false },
	[FAULT_PRIMARY_FAR] = { "primary-far", NULL, false },
	[FAULT_PRIMARY_SMTP_FAR] = { "primary-smtp-far", NULL, false },
	[FAULT_CUT_OFF] = { "controller-cut-off", NULL, true },
	[FAULT_LOCAL] = { "controller-local-fault", NULL, true },
	[FAULT_SUSPENDED] = { "controller-suspended", suspended, false },
	[FAULT_CRASH] = { "controller-crash", crash, false },
	[FAULT_REBOOT] = { "controller-reboot", crash, false },
	[FAULT_CRASH_POINT] = { "controller-crash-at-call", crash_point, false },
	[FAULT_POWER_LIES] = { "power-lies", NULL, false },
	[FAULT_POWER_FAILS] = { "power-fails", NULL, false },
	[FAULT_POWER_HANGS] = { "power-hangs", NULL, false },
	[FAULT_POWER_FLAKY] = { "power-flaky", NULL, false },
	[FAULT_POWER_UNSURE] = { "power-unsure", NULL, false },
	[FAULT_LEVEL_LIES] = { "level-lies", NULL, false },
	[FAULT_LEVEL_BLUFFS] = { "level-bluffs", NULL, false },
	[FAULT_LEVEL_FAILS] = { "level-fails", NULL, false },
	[FAULT_LEVEL_HANGS] = { "level-hangs", NULL, false },
	[FAULT_SSH_TEMP] = { "ssh-temp", NULL, false },
	[FAULT_SSH_PERM] = { "ssh-perm", NULL, false },
	[FAULT_SSH_TIMEOUT] = { "ssh-timeout", NULL, false },
	[FAULT_SSH_AUTH] = { "ssh-auth", NULL, false },
	[FAULT_SSH_LOST] = { "ssh-reply-lost", NULL, false },
	[FAULT_DNS_DEAD] = { "dns-update-server-dead", NULL, false },
	[FAULT_DNS_SECONDARY_DEAD] = { "dns-secondary-dead", NULL, false },
	[FAULT_DNS_SLOW] = { "dns-slow-transfer", NULL, false },
	[FAULT_DNS_LOST] = { "dns-reply-lost", NULL, false },
	[FAULT_DNS_AUTH] = { "dns-auth", NULL, false },
	[FAULT_DNS_HAND] = { "dns-changed-by-hand", hand, false },
	[FAULT_DNS_HAND_BACK] = { "dns-put-back-by-hand", hand, false },
	[FAULT_STANDBY_DIES] = { "standby-dies", standby_dies, false },
	[FAULT_STANDBY_RETURNS] = { "standby-returns", standby_returns, false },
	[FAULT_STANDBY_SLOW] = { "standby-boots-slowly", NULL, false },
	[FAULT_STANDBY_RELAYS] = { "standby-relays", NULL, false },
	[FAULT_STANDBY_REFUSES] = { "standby-refuses", NULL, false },
	[FAULT_STANDBY_V6_CUT] = { "standby-v6-cut", NULL, false },
	[FAULT_STANDBY_CLOCK] = { "standby-clock-off", NULL, false },
	[FAULT_CONTROL_BLOCKS] = { "control-not-ok", NULL, false },
	[FAULT_CONTROL_SOFT] = { "control-not-ok-soft", NULL, false },
	[FAULT_MAIL_LATE] = { "mail-starts-late", NULL, false },
	[FAULT_STORE_AWAY] = { "store-away", NULL, true },
	[FAULT_STORE_UNKNOWN] = { "store-unknown", NULL, true },
	[FAULT_NOTIFY] = { "notify-fails", NULL, true },
	[FAULT_MAPS_CHANGE] = { "maps-change", maps_change, false },
	[FAULT_AGENT_SILENT] = { "agent-silent", NULL, false },
	[FAULT_BREAK_GLASS] = { "break-glass", break_glass, false },
	[FAULT_CMD_FAILOVER] = { "cmd-failover", command, false },
	[FAULT_CMD_FAILBACK] = { "cmd-failback", command, false },
	[FAULT_CMD_ABORT] = { "cmd-abort", command, false },
	[FAULT_CMD_RESUME] = { "cmd-resume", command, false },
	[FAULT_CMD_ACK] = { "cmd-ack", command, false },
	[FAULT_CMD_HOLD] = { "cmd-hold", command, false },
	[FAULT_CMD_RELEASE] = { "cmd-release", command, false },
	[FAULT_CMD_PLAN] = { "cmd-plan", command, false },
	[FAULT_CMD_BRAKE_LIFT] = { "cmd-brake-lift", command, true },
	[FAULT_CMD_BRAKE_RESTORE] = { "cmd-brake-restore", command, true },
	[FAULT_CMD_DRILL] = { "cmd-drill", command, false },
	[FAULT_CMD_CONFIRM] = { "cmd-confirm-fenced", confirm, false },
};

const char *fault_name(enum fault fault)
{
	return faults[fault].name;
}

bool fault_lasts(enum fault fault)
{
	return !faults[fault].fn;
}

void apply_action(struct world *w, const struct action *a)
{
	struct pair_world *p = &w->pair[a->pair];
	world_trace(w, "=== pair%u %s (%lld ms)", a->pair, fault_name(a->fault), (long long)a->for_ms);
	w->coverage->faults++;
	if (faults[a->fault].fn) {
		faults[a->fault].fn(w, a);
		return;
	}
	int64_t *until_ms = faults[a->fault].all ? w->until_ms : p->until_ms;
	if (a->fault == FAULT_CUT_OFF && until_ms[a->fault] <= w->clock.now_ms)
		w->cut_from_ms = w->clock.now_ms;
	if (until_ms[a->fault] < w->clock.now_ms + a->for_ms)
		until_ms[a->fault] = w->clock.now_ms + a->for_ms;
	w->cut_until_ms = w->until_ms[FAULT_CUT_OFF];
	p->fault_arg[a->fault] = a->arg;
}

/* ---- what goes on by itself ---- */

/* Between the leave to push and the kept bundle an operation may begin, and the controller may die. */
static void push_lands(struct world *w, void *data)
{
	const uint8_t *pair = data;
	struct pair_world *p = &w->pair[*pair];
	snprintf(p->bundle, sizeof(p->bundle), "%s", p->maps_now);
	if (w->engine && !w->crashed && !apply_asleep(w))
		engine_maps_pushed(w->engine, (uint32_t)*pair + 1, p->bundle, 9);
}

static void push_due(struct world *w, void *data)
{
	for (uint8_t i = 0; i < w->npairs; i++) {
		for (int r = 0; r < HOST_ROLES; r++)
			host_ask_rights(w, &w->pair[i].host[r]);
		struct pair_world *p = &w->pair[i];
		uint32_t id = (uint32_t)i + 1;
		if (!w->maps || !w->engine || apply_asleep(w) || !engine_maps_wanted(w->engine, id) ||
		    !net_controller_reaches(w, &p->host[HOST_PRIMARY], 4) || world_fault(w, i, FAULT_AGENT_SILENT))
			continue;
		uint8_t *pair = mem_calloc(1, sizeof(*pair));
		*pair = i;
		world_after(w, PUSH_TAKES_MS, push_lands, pair, 0);
	}
	(void)data;
	world_after(w, PUSH_MS, push_due, NULL, 0);
}

/* Agents tell their boot, with the order once they have it. Ours must never be taken for a stranger's. */
static void boots_due(struct world *w, void *data)
{
	(void)data;
	for (uint8_t i = 0; i < w->npairs; i++) {
		struct pair_world *p = &w->pair[i];
		struct host *h = &p->host[HOST_STANDBY];
		if (w->engine && !apply_asleep(w) && h->on && h->up && net_controller_reaches(w, h, 4))
			engine_boot_reported(w->engine, (uint32_t)i + 1, HOST_STANDBY, h->boot_id, h->order);
		if (h->boot_is_ours && p->has_view && strcmp(p->view.unordered_boot, h->boot_id) == 0)
			world_fail(w, 11, "pair%u: boot %s was ordered, and is called unordered", i,
				   p->view.unordered_boot);
	}
	world_after(w, BOOTS_MS, boots_due, NULL, 0);
}

void apply_start(struct world *w)
{
	world_after(w, BOOTS_MS, boots_due, NULL, 0);
	world_after(w, 500, push_due, NULL, 0);
}

static uint32_t stranded_rows(const struct world *w, uint8_t pair)
{
	uint32_t n = 0;
	for (size_t i = 0; i < w->store.n; i++)
		n += w->store.rows[i].kind == RECORD_STRANDED && w->store.rows[i].pair == (uint32_t)pair + 1;
	return n;
}

static bool waits_for_answer(const struct world *w, uint8_t pair)
{
	for (size_t i = 0; i < w->nasked; i++)
		if (w->asked[i].pair == pair && w->asked[i].life == w->life && !w->asked[i].answered)
			return true;
	return false;
}

bool apply_is_home(const struct world *w, uint8_t pair, char *why, size_t size)
{
	const struct pair_world *p = &w->pair[pair];
	const struct ghost *g = &p->ghost;
	why[0] = '\0';
	if (!w->engine || !p->has_view)
		snprintf(why, size, "the controller is not up");
	else if (p->view.state != PAIR_UP)
		snprintf(why, size, "state is %s: %.150s", pair_state_name(p->view.state),
			 p->view.has_op ? p->view.op.err.text : p->view.why);
	else if (g->nops && !g->op[g->nops - 1].ended)
		snprintf(why, size, "an operation has not ended");
	else if (senders_count(&p->senders, IN_STANDBY_QUEUE | IN_PRIMARY_QUEUE | AT_SENDER))
		snprintf(why, size, "%u messages are not settled",
			 senders_count(&p->senders, IN_STANDBY_QUEUE | IN_PRIMARY_QUEUE | AT_SENDER));
	else if (p->host[HOST_STANDBY].port == PORT_OPEN)
		snprintf(why, size, "the standby's port 25 is open");
	else if (p->host[HOST_STANDBY].on && !p->standby_by_hand)
		snprintf(why, size, "the standby is on");
	else if (p->host[HOST_PRIMARY].cut_off)
		snprintf(why, size, "the primary is cut off at the edge");
	else if (p->view.owed[0])
		snprintf(why, size, "fencing still owes the primary: %s", p->view.owed);
	else if (waits_for_answer(w, pair))
		snprintf(why, size, "a command was never answered");
	else if (p->view.stranded != stranded_rows(w, pair))
		snprintf(why, size, "status counts %u stranded messages, %u are listed", p->view.stranded,
			 stranded_rows(w, pair));
	for (int z = 0; z < SIM_ZONES && !why[0]; z++)
		if (!mx_set_equal(&p->zone[z].set[0], &w->opts[pair].site.zones[z].before))
			snprintf(why, size, "%s shows the standby first", p->zone[z].name);
	return !why[0];
}

static void repair(struct world *w, uint8_t pair)
{
	struct pair_world *p = &w->pair[pair];
	struct host *primary = &p->host[HOST_PRIMARY], *standby = &p->host[HOST_STANDBY];
	enum pair_state state = p->view.state;
	primary->hung = false;
	if (state != PAIR_PROMOTING && !primary->fenced_by_us) /* what the controller switched off it gives back */
		host_power(w, primary, true);
	host_start_mail(primary);
	bool stuck_back = state == PAIR_STUCK && p->view.has_op && strcmp(p->view.op.kind, "promote") != 0;
	if (!standby->on && (stuck_back || senders_count(&p->senders, IN_STANDBY_QUEUE))) {
		p->standby_by_hand = true;
		host_power(w, standby, true);
	}
}

static void operate(struct world *w, uint8_t pair)
{
	const struct pair_view *v = &w->pair[pair].view;
	if (v->state == PAIR_PROMOTED) {
		apply_command(w, pair, CMD_FAILBACK, false);
	} else if (v->state == PAIR_STUCK) {
		bool undone = v->has_op && strcmp(v->op.status, "undone") == 0;
		bool tired = ++w->resumes[pair] % 6 == 0;
		bool skips = w->resumes[pair] % 4 == 3;
		apply_command(w, pair, undone || tired ? CMD_ABORT : CMD_RESUME, skips);
	}
}

static void operator_due(struct world *w, void *data)
{
	(void)data;
	for (uint8_t i = 0; i < w->npairs; i++) {
		repair(w, i);
		if (w->engine && w->pair[i].has_view)
			operate(w, i);
	}
	world_after(w, OPERATOR_MS, operator_due, NULL, 0);
}

void apply_calm(struct world *w)
{
	world_trace(w, "=== calm: faults are over, operators work");
	w->calm = w->quiet_senders = true;
	if (w->cut_until_ms > w->clock.now_ms)
		w->cut_until_ms = w->clock.now_ms;
	memset(w->until_ms, 0, sizeof(w->until_ms));
	for (uint8_t i = 0; i < w->npairs; i++) {
		memset(w->pair[i].until_ms, 0, sizeof(w->pair[i].until_ms));
		dns_hand(w, i, true);
	}
	operator_due(w, NULL);
}
