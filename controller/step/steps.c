/* Which functions are behind each step of a plan: forward, and the undo where there is one. */
#include "step.h"

static const struct step steps[STEP_IDS] = {
	[STEP_GUARD] = { step_guard, NULL },
	[STEP_BOOT_ORDER] = { step_boot_order, NULL },
	[STEP_POWER_ON] = { step_power_on, step_power_on_undo },
	[STEP_INTERLOCK] = { step_interlock, step_interlock_undo },
	[STEP_CONNECT] = { step_connect, NULL },
	[STEP_CLOCK] = { step_clock, NULL },
	[STEP_HARDEN] = { step_harden, NULL },
	[STEP_MAPS] = { step_maps, NULL },
	[STEP_GRANT] = { step_grant, step_grant_undo },
	[STEP_START_MAIL] = { step_start_mail, step_start_mail_undo },
	[STEP_VERIFY_LOCAL] = { step_verify_local, NULL },
	[STEP_FENCE] = { step_fence, step_unfence },
	[STEP_OPEN_TO_PROBES] = { step_open_to_probes, step_close_undo },
	[STEP_VERIFY_OUTSIDE] = { step_verify_outside, NULL },
	[STEP_READINESS] = { step_readiness, NULL },
	[STEP_OPEN_PORT] = { step_open_port, NULL },
	[STEP_SWITCH_DNS] = { step_switch_dns, NULL },
	[STEP_VERIFY_DNS] = { step_verify_dns, NULL },
	[STEP_ANNOUNCE] = { step_announce, NULL },
	[STEP_VERIFY_PRIMARY] = { step_verify_primary, NULL },
	[STEP_RESCUE] = { step_rescue, NULL },
	[STEP_DRAIN] = { step_drain, NULL },
	[STEP_LINGER] = { step_linger, NULL },
	[STEP_CLOSE_PORT] = { step_close_port, NULL },
	[STEP_DRAIN_AGAIN] = { step_drain, NULL },
	[STEP_SETTLE] = { step_settle, NULL },
	[STEP_POWER_OFF] = { step_power_off, NULL },
	[STEP_INTERLOCK_BACK] = { step_interlock_back, NULL },
	[STEP_UNFENCE] = { step_unfence, NULL },
	[STEP_REHEARSE] = { step_rehearse, step_rehearse_undo },
};

const struct step *step_find(enum step_id id)
{
	BUG_ON((unsigned)id >= STEP_IDS || !steps[id].next);
	return &steps[id];
}
