/*
 * Purpose:   who reaches whom: the controller's probes and checks, SSH, senders.
 * Not its job: what a host does with a connection (hosts.h).
 * Thread:    one.   Ownership: probes are its own.   Units: _ms since the world began.
 */
#ifndef SIM_NET_H
#define SIM_NET_H

#include "../../controller/ports.h"

struct world;
struct host;

struct sim_probe {
	uint32_t id;
	struct probe_opts opts;
	result_cb *cb;
	void *arg;
	int64_t every_ms;
	uint64_t timer;
	bool reference;
	uint8_t pair; /* index */
	enum host_role role;
	int family; /* 4 or 6 */
};

#define SIM_PROBES_MAX 64

struct net {
	struct sim_probe probe[SIM_PROBES_MAX];
	uint32_t last;
};

extern const struct probe_ops sim_probe_ops;

void net_crash(struct world *w);
/* Packets of the controller arrive there. */
bool net_controller_reaches(const struct world *w, const struct host *h, int family);
bool net_sender_reaches(const struct world *w, const struct host *h);
bool net_ssh(const struct world *w, const struct host *h);
void net_smtp_check(struct world *w, const struct verb *v, struct outcome *out);

#endif
