/* A skipped step is one that a person answers for. What keeps mail, names and rights safe is nobody's to answer for. */
#include "skip.h"

/* An undo only gives back; the power is all of it that a person can give back by hand. */
static const char *undo_veto(enum step_id step)
{
	if (step == STEP_POWER_ON || step == STEP_FENCE)
		return NULL;
	if (step == STEP_GRANT || step == STEP_REHEARSE)
		return "the standby's right is taken back by the next epoch alone (promise 3)";
	return "its undo is part of what makes the pair whole again";
}

const char *step_skip_veto(enum step_id step, bool back)
{
	if (back)
		return undo_veto(step);
	switch (step) {
	case STEP_GUARD: return "the published MX set must be the one that coldmx knows (promise 4)";
	case STEP_BOOT_ORDER: return "a boot without an order is an attack signal";
	case STEP_INTERLOCK:
	case STEP_INTERLOCK_BACK: return "pushes of maps hang on it (promise 13)";
	case STEP_CONNECT: return "nothing after it can be done at a standby that does not answer";
	case STEP_HARDEN:
	case STEP_MAPS:
	case STEP_VERIFY_LOCAL: return "what it verifies BLOCKs (promise 14)";
	case STEP_GRANT:
	case STEP_REHEARSE: return "rights move by their record alone (promise 3)";
	case STEP_START_MAIL: return "the standby's queue must be held before mail runs (promise 9)";
	case STEP_VERIFY_OUTSIDE: return "nothing opens and no MX moves before it (promise 5)";
	case STEP_READINESS: return "it is the last look at what BLOCKs (promise 5)";
	case STEP_OPEN_PORT: return "the MX would name a standby that takes no mail (promise 5)";
	case STEP_SWITCH_DNS: return "the MX set moves by compare and swap, or not at all (promise 4)";
	case STEP_VERIFY_PRIMARY: return "the MX would name a primary that nobody has seen listen (promise 5)";
	case STEP_LINGER: return "resolvers still send mail to the standby (promise 12)";
	case STEP_CLOSE_PORT: return "mail could come in behind the drain (promise 9)";
	case STEP_DRAIN:
	case STEP_DRAIN_AGAIN: return "acknowledged mail would stay behind (promise 9)";
	case STEP_SETTLE: return "the standby must hold no mail and no right before its power goes (promise 9)";
	case STEP_POWER_ON:
	case STEP_CLOCK:
	case STEP_FENCE:
	case STEP_OPEN_TO_PROBES:
	case STEP_VERIFY_DNS:
	case STEP_ANNOUNCE:
	case STEP_RESCUE:
	case STEP_POWER_OFF:
	case STEP_UNFENCE: break;
	}
	return NULL;
}

bool step_skip_leaves_on(enum step_id step, bool back)
{
	return back ? step == STEP_POWER_ON : step == STEP_POWER_OFF;
}

bool step_skip_gives_back(enum step_id step, bool back)
{
	return back ? step == STEP_FENCE : step == STEP_UNFENCE;
}
