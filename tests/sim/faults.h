/*
 * Purpose:   all that can happen to the world on purpose: faults, people, crashes; one list, each with a name.
 * Not its job: when (schedule.c), what it does (apply.c).
 * Thread:    any (values).   Units: _ms since the world began.
 */
#ifndef SIM_FAULTS_H
#define SIM_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

enum fault {
	/* the primary */
	FAULT_PRIMARY_DIES,
	FAULT_PRIMARY_RETURNS,
	FAULT_PRIMARY_HANGS,
	FAULT_PRIMARY_WAKES,
	FAULT_PRIMARY_MAIL_KILLED,
	FAULT_PRIMARY_MAIL_STARTED,
	FAULT_PRIMARY_BUSY,
	FAULT_PRIMARY_REFUSES,
	FAULT_PRIMARY_V4_CUT,
	FAULT_PRIMARY_V6_CUT,
	FAULT_PRIMARY_FAR,
	FAULT_PRIMARY_SMTP_FAR,
	/* the controller */
	FAULT_CUT_OFF,
	FAULT_LOCAL,
	FAULT_SUSPENDED,
	FAULT_CRASH,
	FAULT_REBOOT,
	FAULT_CRASH_POINT,
	/* power */
	FAULT_POWER_LIES,
	FAULT_POWER_FAILS,
	FAULT_POWER_HANGS,
	FAULT_POWER_FLAKY,
	FAULT_POWER_UNSURE,
	/* one level of fencing; arg: its place */
	FAULT_LEVEL_LIES,   /* off and on do nothing and are called done */
	FAULT_LEVEL_BLUFFS, /* its status is off, whatever is true */
	FAULT_LEVEL_FAILS,
	FAULT_LEVEL_HANGS,
	/* SSH; arg: the host's role */
	FAULT_SSH_TEMP,
	FAULT_SSH_PERM,
	FAULT_SSH_TIMEOUT,
	FAULT_SSH_AUTH,
	FAULT_SSH_LOST,
	/* name servers */
	FAULT_DNS_DEAD,
	FAULT_DNS_SECONDARY_DEAD,
	FAULT_DNS_SLOW,
	FAULT_DNS_LOST,
	FAULT_DNS_AUTH,
	FAULT_DNS_HAND,
	FAULT_DNS_HAND_BACK,
	/* the standby */
	FAULT_STANDBY_DIES,
	FAULT_STANDBY_RETURNS,
	FAULT_STANDBY_SLOW,
	FAULT_STANDBY_RELAYS,
	FAULT_STANDBY_REFUSES,
	FAULT_STANDBY_V6_CUT,
	FAULT_STANDBY_CLOCK,
	FAULT_CONTROL_BLOCKS,
	FAULT_CONTROL_SOFT,
	FAULT_MAIL_LATE,
	/* store and pages */
	FAULT_STORE_AWAY,
	FAULT_STORE_UNKNOWN,
	FAULT_NOTIFY,
	/* what agents bring */
	FAULT_MAPS_CHANGE,
	FAULT_AGENT_SILENT,
	FAULT_BREAK_GLASS, /* arg: the host's role */
	/* people */
	FAULT_CMD_FAILOVER,
	FAULT_CMD_FAILBACK,
	FAULT_CMD_ABORT,
	FAULT_CMD_RESUME,
	FAULT_CMD_ACK,
	FAULT_CMD_HOLD,
	FAULT_CMD_RELEASE,
	FAULT_CMD_PLAN,
	FAULT_CMD_BRAKE_LIFT,
	FAULT_CMD_BRAKE_RESTORE,
	FAULT_CMD_DRILL,
	FAULT_CMD_CONFIRM, /* a failover by somebody who says that the primary is off, true or not */
};
#define FAULTS ((int)FAULT_CMD_CONFIRM + 1)

/* One entry of a schedule. */
struct action {
	int64_t at_ms, for_ms; /* for_ms: of a fault that lasts */
	enum fault fault;
	uint8_t pair; /* index */
	uint8_t arg;
	bool dropped; /* by the shrinker */
};

const char *fault_name(enum fault fault);
bool fault_lasts(enum fault fault);

#endif
