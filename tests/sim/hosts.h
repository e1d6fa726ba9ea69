/*
 * Purpose:   the two machines of a pair: power, boot, port 25, mail service, rights, maps, and the words they answer.
 * Not its job: messages (senders.h), who can reach them (net.h).
 * Thread:    one.   Ownership: part of the world.   Units: _ms since the world began.
 */
#ifndef SIM_HOSTS_H
#define SIM_HOSTS_H

#include "../../controller/verb.h"

struct world;

enum port_state { PORT_CLOSED, PORT_PROBES, PORT_OPEN, PORT_REHEARSE };

#define SIM_CONTROLS 4

struct host {
	uint8_t pair; /* index */
	enum host_role role;
	bool on;      /* power */
	bool up;      /* booted: SSH answers */
	bool hung;    /* mail is stopped by a signal: the kernel still accepts connections */
	bool running; /* mail service */
	enum port_state port;
	bool hold, relay_soft, listener_soft;
	uint32_t boots;
	char boot_id[40], order[NAME_MAX_LEN];
	char maps[72];
	char rights[512];                       /* what its agent stored; "" = none yet */
	uint64_t epoch;                         /* of that record; 0 = none */
	bool may_accept, may_own, may_rehearse; /* the agent's gate, by common/rights.c */
	/* what the promises compare with, since this boot */
	uint32_t verified;    /* bit a control: its verify said ok */
	bool checked_outside; /* 250 and a refusal, seen from outside */
	bool blocked;         /* a BLOCK control's verify said not ok */
	bool fenced_by_us;    /* our power-off took it down */
	bool cut_off;         /* an edge is closed: no stranger reaches it; the controller does */
	bool boot_is_ours;    /* our power-on brought it up */
	bool mail_fault;      /* a fault stopped its mail, and nobody has started it since */
};

void host_init(struct world *w, uint8_t pair, enum host_role role);
void host_power(struct world *w, struct host *h, bool on);
void host_kill_mail(struct host *h);
void host_start_mail(struct host *h);
/* A record by SSH or from the controller's listener; false: refused. */
bool host_take_rights(struct world *w, struct host *h, const char *text, struct err *e);
/* The epochs after it are above all that the controller has given and may be giving just now. */
void host_break_glass(struct world *w, struct host *h);
/* The agent asks the controller, and when that does not answer its peer and the marker. */
void host_ask_rights(struct world *w, struct host *h);
/* It would answer on 25 itself, whoever may reach it. */
bool host_serves(const struct host *h);

/* VERB_POWER_*, VERB_HOST_RUN at a host that can be reached. */
void host_power_verb(struct world *w, const struct verb *v, struct outcome *out);
void host_run_word(struct world *w, struct host *h, const struct verb *v, struct outcome *out);

const char *port_state_name(enum port_state port);

#endif
