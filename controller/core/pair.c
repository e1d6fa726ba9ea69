/* States cause nothing; transitions act. The table is the whole policy: who wants to know why coldmx did or did
 * not act reads one row, and each row's id and reason travel to log, audit and JSON. */
#include "pair.h"

#include <string.h>

static const struct pair_row table[PAIR_STATES][PAIR_EVENTS] = {
	[PAIR_UNKNOWN] = {
		[PAIR_EV_UNKNOWN] = { PAIR_UNKNOWN, PAIR_ACT_NONE, "unknown-unknown",
			"still no evidence either way" },
		[PAIR_EV_UP] = { PAIR_UP, PAIR_ACT_CALM, "unknown-up",
			"the primary answers" },
		[PAIR_EV_SUSPECT] = { PAIR_SUSPECT, PAIR_ACT_HURRY, "unknown-suspect",
			"probes fail, not confirmed yet: probing fast" },
		[PAIR_EV_DOWN_VETOED] = { PAIR_DOWN, PAIR_ACT_PAGE, "unknown-downvetoed",
			"the primary is down; something forbids to act without a person" },
		[PAIR_EV_DOWN_ACT] = { PAIR_SUSPECT, PAIR_ACT_HURRY, "unknown-downact",
			"down since before we looked: confirmed once more first" },
		[PAIR_EV_WOUNDED] = { PAIR_UNKNOWN, PAIR_ACT_PAGE, "unknown-wounded",
			"the primary answers, and refuses good mail: a person must look" },
		[PAIR_EV_FAILOVER] = { PAIR_PROMOTING, PAIR_ACT_PROMOTE, "unknown-failover",
			"an operator orders the failover" },
		[PAIR_EV_FAILBACK] = { PAIR_UNKNOWN, PAIR_ACT_REFUSE, "unknown-failback",
			"the primary holds its role already: nothing to fail back" },
		[PAIR_EV_DRILL] = { PAIR_UNKNOWN, PAIR_ACT_REFUSE, "unknown-drill",
			"a drill needs a primary that is known to be up" },
		[PAIR_EV_ABORT] = { PAIR_UNKNOWN, PAIR_ACT_REFUSE, "unknown-abort",
			"no operation runs" },
		[PAIR_EV_ABORT_LATE] = { PAIR_UNKNOWN, PAIR_ACT_REFUSE, "unknown-abortlate",
			"no operation runs" },
		[PAIR_EV_RESUME] = { PAIR_UNKNOWN, PAIR_ACT_REFUSE, "unknown-resume",
			"nothing is stuck" },
		[PAIR_EV_RESUME_BACK] = { PAIR_UNKNOWN, PAIR_ACT_REFUSE, "unknown-resumeback",
			"nothing is stuck" },
		[PAIR_EV_RESUME_DRILL] = { PAIR_UNKNOWN, PAIR_ACT_REFUSE, "unknown-resumedrill",
			"nothing is stuck" },
		[PAIR_EV_TAKEN_UP] = { PAIR_UNKNOWN, PAIR_ACT_NONE, "unknown-takenup",
			"as the journal has it: the controller has just started" },
		[PAIR_EV_OP_DONE] = { PAIR_UNKNOWN, PAIR_ACT_NONE, "unknown-opdone",
			"no operation runs here: a late word of an older one is ignored" },
		[PAIR_EV_OP_UNDONE] = { PAIR_UNKNOWN, PAIR_ACT_NONE, "unknown-opundone",
			"no operation runs here: a late word of an older one is ignored" },
		[PAIR_EV_OP_BACK] = { PAIR_UNKNOWN, PAIR_ACT_NONE, "unknown-opback",
			"no operation runs here: a late word of an older one is ignored" },
		[PAIR_EV_OP_STUCK] = { PAIR_UNKNOWN, PAIR_ACT_NONE, "unknown-opstuck",
			"no operation runs here: a late word of an older one is ignored" },
	},
	[PAIR_UP] = {
		[PAIR_EV_UNKNOWN] = { PAIR_UNKNOWN, PAIR_ACT_NONE, "up-unknown",
			"no evidence either way; unknown never promotes" },
		[PAIR_EV_UP] = { PAIR_UP, PAIR_ACT_NONE, "up-up",
			"the primary answers" },
		[PAIR_EV_SUSPECT] = { PAIR_SUSPECT, PAIR_ACT_HURRY, "up-suspect",
			"probes fail, not confirmed yet: probing fast" },
		[PAIR_EV_DOWN_VETOED] = { PAIR_DOWN, PAIR_ACT_PAGE, "up-downvetoed",
			"the primary is down; something forbids to act without a person" },
		[PAIR_EV_DOWN_ACT] = { PAIR_SUSPECT, PAIR_ACT_HURRY, "up-downact",
			"down without a suspicion before: confirmed once more first" },
		[PAIR_EV_WOUNDED] = { PAIR_UP, PAIR_ACT_PAGE, "up-wounded",
			"the primary answers, and refuses good mail: a person must look" },
		[PAIR_EV_FAILOVER] = { PAIR_UP, PAIR_ACT_REFUSE, "up-failover",
			"the primary answers: failover is for a dead primary" },
		[PAIR_EV_FAILBACK] = { PAIR_UP, PAIR_ACT_REFUSE, "up-failback",
			"the primary holds its role already: nothing to fail back" },
		[PAIR_EV_DRILL] = { PAIR_DRILLING, PAIR_ACT_DRILL, "up-drill",
			"a drill of the standby is ordered, by an operator or by the timetable" },
		[PAIR_EV_ABORT] = { PAIR_UP, PAIR_ACT_REFUSE, "up-abort",
			"no operation runs" },
		[PAIR_EV_ABORT_LATE] = { PAIR_UP, PAIR_ACT_REFUSE, "up-abortlate",
			"no operation runs" },
		[PAIR_EV_RESUME] = { PAIR_UP, PAIR_ACT_REFUSE, "up-resume",
			"nothing is stuck" },
		[PAIR_EV_RESUME_BACK] = { PAIR_UP, PAIR_ACT_REFUSE, "up-resumeback",
			"nothing is stuck" },
		[PAIR_EV_RESUME_DRILL] = { PAIR_UP, PAIR_ACT_REFUSE, "up-resumedrill",
			"nothing is stuck" },
		[PAIR_EV_TAKEN_UP] = { PAIR_UP, PAIR_ACT_NONE, "up-takenup",
			"as the journal has it: the controller has just started" },
		[PAIR_EV_OP_DONE] = { PAIR_UP, PAIR_ACT_NONE, "up-opdone",
			"no operation runs here: a late word of an older one is ignored" },
		[PAIR_EV_OP_UNDONE] = { PAIR_UP, PAIR_ACT_NONE, "up-opundone",
			"no operation runs here: a late word of an older one is ignored" },
		[PAIR_EV_OP_BACK] = { PAIR_UP, PAIR_ACT_NONE, "up-opback",
			"no operation runs here: a late word of an older one is ignored" },
		[PAIR_EV_OP_STUCK] = { PAIR_UP, PAIR_ACT_NONE, "up-opstuck",
			"no operation runs here: a late word of an older one is ignored" },
	},
	[PAIR_SUSPECT] = {
		[PAIR_EV_UNKNOWN] = { PAIR_UNKNOWN, PAIR_ACT_NONE, "suspect-unknown",
			"no evidence either way; unknown never promotes" },
		[PAIR_EV_UP] = { PAIR_UP, PAIR_ACT_CALM, "suspect-up",
			"the primary answers" },
		[PAIR_EV_SUSPECT] = { PAIR_SUSPECT, PAIR_ACT_NONE, "suspect-suspect",
			"probes fail, not confirmed yet: probing fast" },
		[PAIR_EV_DOWN_VETOED] = { PAIR_DOWN, PAIR_ACT_PAGE, "suspect-downvetoed",
			"the primary is down; something forbids to act without a person" },
		[PAIR_EV_DOWN_ACT] = { PAIR_PROMOTING, PAIR_ACT_PROMOTE, "suspect-downact",
			"the primary is down, and nothing forbids to act" },
		[PAIR_EV_WOUNDED] = { PAIR_SUSPECT, PAIR_ACT_PAGE, "suspect-wounded",
			"the primary answers, and refuses good mail: a person must look" },
		[PAIR_EV_FAILOVER] = { PAIR_PROMOTING, PAIR_ACT_PROMOTE, "suspect-failover",
			"an operator orders the failover" },
		[PAIR_EV_FAILBACK] = { PAIR_SUSPECT, PAIR_ACT_REFUSE, "suspect-failback",
			"the primary holds its role already: nothing to fail back" },
		[PAIR_EV_DRILL] = { PAIR_SUSPECT, PAIR_ACT_REFUSE, "suspect-drill",
			"a drill needs a primary that is up: its probes fail just now" },
		[PAIR_EV_ABORT] = { PAIR_SUSPECT, PAIR_ACT_REFUSE, "suspect-abort",
			"no operation runs" },
		[PAIR_EV_ABORT_LATE] = { PAIR_SUSPECT, PAIR_ACT_REFUSE, "suspect-abortlate",
			"no operation runs" },
		[PAIR_EV_RESUME] = { PAIR_SUSPECT, PAIR_ACT_REFUSE, "suspect-resume",
			"nothing is stuck" },
		[PAIR_EV_RESUME_BACK] = { PAIR_SUSPECT, PAIR_ACT_REFUSE, "suspect-resumeback",
			"nothing is stuck" },
		[PAIR_EV_RESUME_DRILL] = { PAIR_SUSPECT, PAIR_ACT_REFUSE, "suspect-resumedrill",
			"nothing is stuck" },
		[PAIR_EV_TAKEN_UP] = { PAIR_SUSPECT, PAIR_ACT_NONE, "suspect-takenup",
			"as the journal has it: the controller has just started" },
		[PAIR_EV_OP_DONE] = { PAIR_SUSPECT, PAIR_ACT_NONE, "suspect-opdone",
			"no operation runs here: a late word of an older one is ignored" },
		[PAIR_EV_OP_UNDONE] = { PAIR_SUSPECT, PAIR_ACT_NONE, "suspect-opundone",
			"no operation runs here: a late word of an older one is ignored" },
		[PAIR_EV_OP_BACK] = { PAIR_SUSPECT, PAIR_ACT_NONE, "suspect-opback",
			"no operation runs here: a late word of an older one is ignored" },
		[PAIR_EV_OP_STUCK] = { PAIR_SUSPECT, PAIR_ACT_NONE, "suspect-opstuck",
			"no operation runs here: a late word of an older one is ignored" },
	},
	[PAIR_DOWN] = {
		[PAIR_EV_UNKNOWN] = { PAIR_UNKNOWN, PAIR_ACT_NONE, "down-unknown",
			"no evidence either way; unknown never promotes" },
		[PAIR_EV_UP] = { PAIR_UP, PAIR_ACT_CALM, "down-up",
			"the primary answers" },
		[PAIR_EV_SUSPECT] = { PAIR_SUSPECT, PAIR_ACT_HURRY, "down-suspect",
			"probes fail, not confirmed yet: probing fast" },
		[PAIR_EV_DOWN_VETOED] = { PAIR_DOWN, PAIR_ACT_NONE, "down-downvetoed",
			"the primary is down; something forbids to act without a person" },
		[PAIR_EV_DOWN_ACT] = { PAIR_PROMOTING, PAIR_ACT_PROMOTE, "down-downact",
			"the primary is down, and nothing forbids to act" },
		[PAIR_EV_WOUNDED] = { PAIR_DOWN, PAIR_ACT_PAGE, "down-wounded",
			"the primary answers, and refuses good mail: a person must look" },
		[PAIR_EV_FAILOVER] = { PAIR_PROMOTING, PAIR_ACT_PROMOTE, "down-failover",
			"an operator orders the failover" },
		[PAIR_EV_FAILBACK] = { PAIR_DOWN, PAIR_ACT_REFUSE, "down-failback",
			"the primary holds its role already: nothing to fail back" },
		[PAIR_EV_DRILL] = { PAIR_DOWN, PAIR_ACT_REFUSE, "down-drill",
			"the primary is down: failover, not a drill" },
		[PAIR_EV_ABORT] = { PAIR_DOWN, PAIR_ACT_REFUSE, "down-abort",
			"no operation runs" },
		[PAIR_EV_ABORT_LATE] = { PAIR_DOWN, PAIR_ACT_REFUSE, "down-abortlate",
			"no operation runs" },
		[PAIR_EV_RESUME] = { PAIR_DOWN, PAIR_ACT_REFUSE, "down-resume",
			"nothing is stuck" },
		[PAIR_EV_RESUME_BACK] = { PAIR_DOWN, PAIR_ACT_REFUSE, "down-resumeback",
			"nothing is stuck" },
		[PAIR_EV_RESUME_DRILL] = { PAIR_DOWN, PAIR_ACT_REFUSE, "down-resumedrill",
			"nothing is stuck" },
		[PAIR_EV_TAKEN_UP] = { PAIR_DOWN, PAIR_ACT_NONE, "down-takenup",
			"as the journal has it: the controller has just started" },
		[PAIR_EV_OP_DONE] = { PAIR_DOWN, PAIR_ACT_NONE, "down-opdone",
			"no operation runs here: a late word of an older one is ignored" },
		[PAIR_EV_OP_UNDONE] = { PAIR_DOWN, PAIR_ACT_NONE, "down-opundone",
			"no operation runs here: a late word of an older one is ignored" },
		[PAIR_EV_OP_BACK] = { PAIR_DOWN, PAIR_ACT_NONE, "down-opback",
			"no operation runs here: a late word of an older one is ignored" },
		[PAIR_EV_OP_STUCK] = { PAIR_DOWN, PAIR_ACT_NONE, "down-opstuck",
			"no operation runs here: a late word of an older one is ignored" },
	},
	[PAIR_PROMOTING] = {
		[PAIR_EV_UNKNOWN] = { PAIR_PROMOTING, PAIR_ACT_NONE, "promoting-unknown",
			"a promotion runs: the verdict is shown, the operation goes on" },
		[PAIR_EV_UP] = { PAIR_PROMOTING, PAIR_ACT_CANCEL, "promoting-up",
			"the primary is back before the point of no return: undoing" },
		[PAIR_EV_SUSPECT] = { PAIR_PROMOTING, PAIR_ACT_NONE, "promoting-suspect",
			"a promotion runs: the verdict is shown, the operation goes on" },
		[PAIR_EV_DOWN_VETOED] = { PAIR_PROMOTING, PAIR_ACT_NONE, "promoting-downvetoed",
			"a promotion runs: the verdict is shown, the operation goes on" },
		[PAIR_EV_DOWN_ACT] = { PAIR_PROMOTING, PAIR_ACT_NONE, "promoting-downact",
			"a promotion runs: the verdict is shown, the operation goes on" },
		[PAIR_EV_WOUNDED] = { PAIR_PROMOTING, PAIR_ACT_NONE, "promoting-wounded",
			"a promotion runs: the verdict is shown, the operation goes on" },
		[PAIR_EV_FAILOVER] = { PAIR_PROMOTING, PAIR_ACT_REFUSE, "promoting-failover",
			"a promotion runs already" },
		[PAIR_EV_FAILBACK] = { PAIR_PROMOTING, PAIR_ACT_REFUSE, "promoting-failback",
			"a promotion runs already" },
		[PAIR_EV_DRILL] = { PAIR_PROMOTING, PAIR_ACT_REFUSE, "promoting-drill",
			"a promotion runs already" },
		[PAIR_EV_ABORT] = { PAIR_PROMOTING, PAIR_ACT_CANCEL, "promoting-abort",
			"an operator aborts before the point of no return: undoing" },
		[PAIR_EV_ABORT_LATE] = { PAIR_FAILING_BACK, PAIR_ACT_ABORT, "promoting-abortlate",
			"an operator aborts after the point of no return: restoring the MX and draining" },
		[PAIR_EV_RESUME] = { PAIR_PROMOTING, PAIR_ACT_REFUSE, "promoting-resume",
			"a promotion runs: nothing is stuck" },
		[PAIR_EV_RESUME_BACK] = { PAIR_PROMOTING, PAIR_ACT_REFUSE, "promoting-resumeback",
			"a promotion runs: nothing is stuck" },
		[PAIR_EV_RESUME_DRILL] = { PAIR_PROMOTING, PAIR_ACT_REFUSE, "promoting-resumedrill",
			"a promotion runs: nothing is stuck" },
		[PAIR_EV_TAKEN_UP] = { PAIR_PROMOTING, PAIR_ACT_NONE, "promoting-takenup",
			"the promotion is taken up again after a restart of the controller" },
		[PAIR_EV_OP_DONE] = { PAIR_PROMOTED, PAIR_ACT_PAGE, "promoting-opdone",
			"the standby takes the mail" },
		[PAIR_EV_OP_UNDONE] = { PAIR_UNKNOWN, PAIR_ACT_SETTLE, "promoting-opundone",
			"the operation was undone: looking afresh" },
		[PAIR_EV_OP_BACK] = { PAIR_PROMOTED, PAIR_ACT_SETTLE, "promoting-opback",
			"the failback was undone: the standby keeps the mail" },
		[PAIR_EV_OP_STUCK] = { PAIR_STUCK, PAIR_ACT_PAGE, "promoting-opstuck",
			"the operation needs a person" },
	},
	[PAIR_PROMOTED] = {
		[PAIR_EV_UNKNOWN] = { PAIR_PROMOTED, PAIR_ACT_NONE, "promoted-unknown",
			"the standby takes the mail; the primary's verdict is only shown" },
		[PAIR_EV_UP] = { PAIR_PROMOTED, PAIR_ACT_NONE, "promoted-up",
			"the primary is back: mail waits at the standby until an operator fails back" },
		[PAIR_EV_SUSPECT] = { PAIR_PROMOTED, PAIR_ACT_NONE, "promoted-suspect",
			"the standby takes the mail; the primary's verdict is only shown" },
		[PAIR_EV_DOWN_VETOED] = { PAIR_PROMOTED, PAIR_ACT_NONE, "promoted-downvetoed",
			"the standby takes the mail; the primary's verdict is only shown" },
		[PAIR_EV_DOWN_ACT] = { PAIR_PROMOTED, PAIR_ACT_NONE, "promoted-downact",
			"the standby takes the mail; the primary's verdict is only shown" },
		[PAIR_EV_WOUNDED] = { PAIR_PROMOTED, PAIR_ACT_NONE, "promoted-wounded",
			"the standby takes the mail; the primary's verdict is only shown" },
		[PAIR_EV_FAILOVER] = { PAIR_PROMOTED, PAIR_ACT_REFUSE, "promoted-failover",
			"the standby takes the mail already" },
		[PAIR_EV_FAILBACK] = { PAIR_FAILING_BACK, PAIR_ACT_FAILBACK, "promoted-failback",
			"an operator orders the failback" },
		[PAIR_EV_DRILL] = { PAIR_PROMOTED, PAIR_ACT_REFUSE, "promoted-drill",
			"the standby has the mail: it is no time for a drill" },
		[PAIR_EV_ABORT] = { PAIR_PROMOTED, PAIR_ACT_REFUSE, "promoted-abort",
			"no operation runs; failback gives the primary its role back" },
		[PAIR_EV_ABORT_LATE] = { PAIR_FAILING_BACK, PAIR_ACT_ABORT, "promoted-abortlate",
			"an operator takes the promotion back: restoring the MX and draining" },
		[PAIR_EV_RESUME] = { PAIR_PROMOTING, PAIR_ACT_PROMOTE, "promoted-resume",
			"an operator has the standby hardened, verified and opened again" },
		[PAIR_EV_RESUME_BACK] = { PAIR_PROMOTED, PAIR_ACT_REFUSE, "promoted-resumeback",
			"nothing is stuck" },
		[PAIR_EV_RESUME_DRILL] = { PAIR_PROMOTED, PAIR_ACT_REFUSE, "promoted-resumedrill",
			"nothing is stuck" },
		[PAIR_EV_TAKEN_UP] = { PAIR_PROMOTED, PAIR_ACT_NONE, "promoted-takenup",
			"the standby has the mail, as before the restart of the controller" },
		[PAIR_EV_OP_DONE] = { PAIR_PROMOTED, PAIR_ACT_NONE, "promoted-opdone",
			"no operation runs here: a late word of an older one is ignored" },
		[PAIR_EV_OP_UNDONE] = { PAIR_PROMOTED, PAIR_ACT_NONE, "promoted-opundone",
			"no operation runs here: a late word of an older one is ignored" },
		[PAIR_EV_OP_BACK] = { PAIR_PROMOTED, PAIR_ACT_NONE, "promoted-opback",
			"no operation runs here: a late word of an older one is ignored" },
		[PAIR_EV_OP_STUCK] = { PAIR_PROMOTED, PAIR_ACT_NONE, "promoted-opstuck",
			"no operation runs here: a late word of an older one is ignored" },
	},
	[PAIR_FAILING_BACK] = {
		[PAIR_EV_UNKNOWN] = { PAIR_FAILING_BACK, PAIR_ACT_NONE, "failingback-unknown",
			"a failback runs: the verdict is shown, the operation goes on" },
		[PAIR_EV_UP] = { PAIR_FAILING_BACK, PAIR_ACT_NONE, "failingback-up",
			"a failback runs: the verdict is shown, the operation goes on" },
		[PAIR_EV_SUSPECT] = { PAIR_FAILING_BACK, PAIR_ACT_NONE, "failingback-suspect",
			"a failback runs: the verdict is shown, the operation goes on" },
		[PAIR_EV_DOWN_VETOED] = { PAIR_FAILING_BACK, PAIR_ACT_NONE, "failingback-downvetoed",
			"a failback runs: the verdict is shown, the operation goes on" },
		[PAIR_EV_DOWN_ACT] = { PAIR_FAILING_BACK, PAIR_ACT_NONE, "failingback-downact",
			"a failback runs: the verdict is shown, the operation goes on" },
		[PAIR_EV_WOUNDED] = { PAIR_FAILING_BACK, PAIR_ACT_NONE, "failingback-wounded",
			"a failback runs: the verdict is shown, the operation goes on" },
		[PAIR_EV_FAILOVER] = { PAIR_FAILING_BACK, PAIR_ACT_REFUSE, "failingback-failover",
			"a failback runs already" },
		[PAIR_EV_FAILBACK] = { PAIR_FAILING_BACK, PAIR_ACT_REFUSE, "failingback-failback",
			"a failback runs already" },
		[PAIR_EV_DRILL] = { PAIR_FAILING_BACK, PAIR_ACT_REFUSE, "failingback-drill",
			"a failback runs already" },
		[PAIR_EV_ABORT] = { PAIR_FAILING_BACK, PAIR_ACT_CANCEL, "failingback-abort",
			"an operator aborts before the point of no return: undoing" },
		[PAIR_EV_ABORT_LATE] = { PAIR_FAILING_BACK, PAIR_ACT_REFUSE, "failingback-abortlate",
			"the way back cannot be aborted any more; it can only be resumed" },
		[PAIR_EV_RESUME] = { PAIR_FAILING_BACK, PAIR_ACT_REFUSE, "failingback-resume",
			"a failback runs: nothing is stuck" },
		[PAIR_EV_RESUME_BACK] = { PAIR_FAILING_BACK, PAIR_ACT_REFUSE, "failingback-resumeback",
			"a failback runs: nothing is stuck" },
		[PAIR_EV_RESUME_DRILL] = { PAIR_FAILING_BACK, PAIR_ACT_REFUSE, "failingback-resumedrill",
			"a failback runs: nothing is stuck" },
		[PAIR_EV_TAKEN_UP] = { PAIR_FAILING_BACK, PAIR_ACT_NONE, "failingback-takenup",
			"the way back is taken up again after a restart of the controller" },
		[PAIR_EV_OP_DONE] = { PAIR_UNKNOWN, PAIR_ACT_SETTLE, "failingback-opdone",
			"the primary has its role back, the standby is off: looking afresh" },
		[PAIR_EV_OP_UNDONE] = { PAIR_UNKNOWN, PAIR_ACT_SETTLE, "failingback-opundone",
			"the operation was undone: looking afresh" },
		[PAIR_EV_OP_BACK] = { PAIR_PROMOTED, PAIR_ACT_SETTLE, "failingback-opback",
			"the failback was undone: the standby keeps the mail" },
		[PAIR_EV_OP_STUCK] = { PAIR_STUCK, PAIR_ACT_PAGE, "failingback-opstuck",
			"the operation needs a person" },
	},
	[PAIR_DRILLING] = {
		[PAIR_EV_UNKNOWN] = { PAIR_DRILLING, PAIR_ACT_NONE, "drilling-unknown",
			"a drill runs: the verdict is shown, the operation goes on" },
		[PAIR_EV_UP] = { PAIR_DRILLING, PAIR_ACT_CALM, "drilling-up",
			"a drill runs: the verdict is shown, the operation goes on" },
		[PAIR_EV_SUSPECT] = { PAIR_DRILLING, PAIR_ACT_HURRY, "drilling-suspect",
			"a drill runs, and probes of the primary fail: probing fast" },
		[PAIR_EV_DOWN_VETOED] = { PAIR_DRILLING, PAIR_ACT_PAGE, "drilling-downvetoed",
			"the primary is down while a drill runs; something forbids to act without a person" },
		[PAIR_EV_DOWN_ACT] = { PAIR_PROMOTING, PAIR_ACT_PROMOTE, "drilling-downact",
			"the primary died during the drill: the standby is already up" },
		[PAIR_EV_WOUNDED] = { PAIR_DRILLING, PAIR_ACT_PAGE, "drilling-wounded",
			"the primary answers, and refuses good mail: a person must look" },
		[PAIR_EV_FAILOVER] = { PAIR_PROMOTING, PAIR_ACT_PROMOTE, "drilling-failover",
			"an operator orders the failover: the standby is already up" },
		[PAIR_EV_FAILBACK] = { PAIR_DRILLING, PAIR_ACT_REFUSE, "drilling-failback",
			"a drill runs already" },
		[PAIR_EV_DRILL] = { PAIR_DRILLING, PAIR_ACT_REFUSE, "drilling-drill",
			"a drill runs already" },
		[PAIR_EV_ABORT] = { PAIR_DRILLING, PAIR_ACT_CANCEL, "drilling-abort",
			"an operator aborts before the point of no return: undoing" },
		[PAIR_EV_ABORT_LATE] = { PAIR_DRILLING, PAIR_ACT_CANCEL, "drilling-abortlate",
			"a drill has no point of no return: undoing" },
		[PAIR_EV_RESUME] = { PAIR_DRILLING, PAIR_ACT_REFUSE, "drilling-resume",
			"a drill runs: nothing is stuck" },
		[PAIR_EV_RESUME_BACK] = { PAIR_DRILLING, PAIR_ACT_REFUSE, "drilling-resumeback",
			"a drill runs: nothing is stuck" },
		[PAIR_EV_RESUME_DRILL] = { PAIR_DRILLING, PAIR_ACT_REFUSE, "drilling-resumedrill",
			"a drill runs: nothing is stuck" },
		[PAIR_EV_TAKEN_UP] = { PAIR_DRILLING, PAIR_ACT_NONE, "drilling-takenup",
			"the drill is taken up again after a restart of the controller" },
		[PAIR_EV_OP_DONE] = { PAIR_UNKNOWN, PAIR_ACT_SETTLE, "drilling-opdone",
			"the drill is over: looking afresh" },
		[PAIR_EV_OP_UNDONE] = { PAIR_UNKNOWN, PAIR_ACT_SETTLE, "drilling-opundone",
			"the operation was undone: looking afresh" },
		[PAIR_EV_OP_BACK] = { PAIR_PROMOTED, PAIR_ACT_SETTLE, "drilling-opback",
			"the failback was undone: the standby keeps the mail" },
		[PAIR_EV_OP_STUCK] = { PAIR_STUCK, PAIR_ACT_PAGE, "drilling-opstuck",
			"the operation needs a person" },
	},
	[PAIR_STUCK] = {
		[PAIR_EV_UNKNOWN] = { PAIR_STUCK, PAIR_ACT_NONE, "stuck-unknown",
			"stuck: nothing moves without a person" },
		[PAIR_EV_UP] = { PAIR_STUCK, PAIR_ACT_NONE, "stuck-up",
			"stuck: nothing moves without a person" },
		[PAIR_EV_SUSPECT] = { PAIR_STUCK, PAIR_ACT_NONE, "stuck-suspect",
			"stuck: nothing moves without a person" },
		[PAIR_EV_DOWN_VETOED] = { PAIR_STUCK, PAIR_ACT_NONE, "stuck-downvetoed",
			"stuck: nothing moves without a person" },
		[PAIR_EV_DOWN_ACT] = { PAIR_STUCK, PAIR_ACT_NONE, "stuck-downact",
			"stuck: nothing moves without a person" },
		[PAIR_EV_WOUNDED] = { PAIR_STUCK, PAIR_ACT_NONE, "stuck-wounded",
			"stuck: nothing moves without a person" },
		[PAIR_EV_FAILOVER] = { PAIR_STUCK, PAIR_ACT_REFUSE, "stuck-failover",
			"an operation is stuck: resume or abort it first" },
		[PAIR_EV_FAILBACK] = { PAIR_STUCK, PAIR_ACT_REFUSE, "stuck-failback",
			"an operation is stuck: resume or abort it first" },
		[PAIR_EV_DRILL] = { PAIR_STUCK, PAIR_ACT_REFUSE, "stuck-drill",
			"an operation is stuck: resume or abort it first" },
		[PAIR_EV_ABORT] = { PAIR_UNKNOWN, PAIR_ACT_SETTLE, "stuck-abort",
			"an operator clears the operation; everything was undone" },
		[PAIR_EV_ABORT_LATE] = { PAIR_FAILING_BACK, PAIR_ACT_ABORT, "stuck-abortlate",
			"an operator aborts after the point of no return: restoring the MX and draining" },
		[PAIR_EV_RESUME] = { PAIR_PROMOTING, PAIR_ACT_RESUME, "stuck-resume",
			"an operator resumes the stuck promotion" },
		[PAIR_EV_RESUME_BACK] = { PAIR_FAILING_BACK, PAIR_ACT_RESUME, "stuck-resumeback",
			"an operator resumes the stuck way back" },
		[PAIR_EV_RESUME_DRILL] = { PAIR_DRILLING, PAIR_ACT_RESUME, "stuck-resumedrill",
			"an operator resumes the stuck drill" },
		[PAIR_EV_TAKEN_UP] = { PAIR_STUCK, PAIR_ACT_NONE, "stuck-takenup",
			"the operation needs a person, as before the restart of the controller" },
		[PAIR_EV_OP_DONE] = { PAIR_STUCK, PAIR_ACT_NONE, "stuck-opdone",
			"no operation runs here: a late word of an older one is ignored" },
		[PAIR_EV_OP_UNDONE] = { PAIR_STUCK, PAIR_ACT_NONE, "stuck-opundone",
			"no operation runs here: a late word of an older one is ignored" },
		[PAIR_EV_OP_BACK] = { PAIR_STUCK, PAIR_ACT_NONE, "stuck-opback",
			"no operation runs here: a late word of an older one is ignored" },
		[PAIR_EV_OP_STUCK] = { PAIR_STUCK, PAIR_ACT_NONE, "stuck-opstuck",
			"no operation runs here: a late word of an older one is ignored" },
	},
};

const struct pair_row *pair_rule(enum pair_state state, enum pair_event event)
{
	BUG_ON((unsigned)state >= PAIR_STATES || (unsigned)event >= PAIR_EVENTS);
	const struct pair_row *row = &table[state][event];
	BUG_ON(!row->rule);
	return row;
}

const char *pair_state_name(enum pair_state state)
{
	switch (state) {
	case PAIR_UNKNOWN: return "unknown";
	case PAIR_UP: return "up";
	case PAIR_SUSPECT: return "suspect";
	case PAIR_DOWN: return "down";
	case PAIR_PROMOTING: return "promoting";
	case PAIR_PROMOTED: return "promoted";
	case PAIR_FAILING_BACK: return "failing-back";
	case PAIR_DRILLING: return "drilling";
	case PAIR_STUCK: return "stuck";
	}
	return "?";
}

const char *pair_event_name(enum pair_event event)
{
	switch (event) {
	case PAIR_EV_UNKNOWN: return "unknown";
	case PAIR_EV_UP: return "up";
	case PAIR_EV_SUSPECT: return "suspect";
	case PAIR_EV_DOWN_VETOED: return "down-vetoed";
	case PAIR_EV_DOWN_ACT: return "down-act";
	case PAIR_EV_WOUNDED: return "wounded";
	case PAIR_EV_FAILOVER: return "failover";
	case PAIR_EV_FAILBACK: return "failback";
	case PAIR_EV_DRILL: return "drill";
	case PAIR_EV_ABORT: return "abort";
	case PAIR_EV_ABORT_LATE: return "abort-late";
	case PAIR_EV_RESUME: return "resume";
	case PAIR_EV_RESUME_BACK: return "resume-back";
	case PAIR_EV_RESUME_DRILL: return "resume-drill";
	case PAIR_EV_TAKEN_UP: return "taken-up";
	case PAIR_EV_OP_DONE: return "op-done";
	case PAIR_EV_OP_UNDONE: return "op-undone";
	case PAIR_EV_OP_BACK: return "op-back";
	case PAIR_EV_OP_STUCK: return "op-stuck";
	}
	return "?";
}

const char *pair_action_name(enum pair_action action)
{
	switch (action) {
	case PAIR_ACT_NONE: return "none";
	case PAIR_ACT_HURRY: return "hurry";
	case PAIR_ACT_CALM: return "calm";
	case PAIR_ACT_PAGE: return "page";
	case PAIR_ACT_PROMOTE: return "promote";
	case PAIR_ACT_DRILL: return "drill";
	case PAIR_ACT_FAILBACK: return "failback";
	case PAIR_ACT_CANCEL: return "cancel";
	case PAIR_ACT_ABORT: return "abort";
	case PAIR_ACT_RESUME: return "resume";
	case PAIR_ACT_SETTLE: return "settle";
	case PAIR_ACT_REFUSE: return "refuse";
	}
	return "?";
}

bool pair_state_parse(const char *name, enum pair_state *out)
{
	for (int s = 0; s < PAIR_STATES; s++) {
		if (strcmp(name, pair_state_name((enum pair_state)s)) == 0) {
			*out = (enum pair_state)s;
			return true;
		}
	}
	return false;
}

static bool drawn(int s, const struct pair_row *row)
{
	return (int)row->next != s || (row->action != PAIR_ACT_NONE && row->action != PAIR_ACT_REFUSE);
}

void pair_print_dot(struct strbuf *out)
{
	strbuf_adds(out, "digraph pair {\n");
	for (int s = 0; s < PAIR_STATES; s++)
		for (int e = 0; e < PAIR_EVENTS; e++) {
			const struct pair_row *row = &table[s][e];
			if (drawn(s, row))
				strbuf_addf(out, "\t\"%s\" -> \"%s\" [label=\"%s / %s\"];\n",
					    pair_state_name((enum pair_state)s), pair_state_name(row->next),
					    pair_event_name((enum pair_event)e), pair_action_name(row->action));
		}
	strbuf_adds(out, "}\n");
}

void pair_print_mermaid(struct strbuf *out)
{
	strbuf_adds(out, "stateDiagram-v2\n");
	for (int s = 0; s < PAIR_STATES; s++)
		for (int e = 0; e < PAIR_EVENTS; e++) {
			const struct pair_row *row = &table[s][e];
			if (drawn(s, row))
				strbuf_addf(out, "    %s --> %s: %s / %s\n", pair_state_name((enum pair_state)s),
					    pair_state_name(row->next), pair_event_name((enum pair_event)e),
					    pair_action_name(row->action));
		}
}
