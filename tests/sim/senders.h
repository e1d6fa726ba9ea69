/*
 * Purpose:   strangers with numbered messages, who follow the published MX, and where each message is.
 * Not its job: whether a host may take it (hosts.h, net.h).
 * Thread:    one.   Ownership: part of the world.   Units: _ms since the world began.
 */
#ifndef SIM_SENDERS_H
#define SIM_SENDERS_H

#include "../../controller/verb.h"
#include "dns.h"

struct world;
struct host;

enum place {
	AT_SENDER = 1,
	IN_PRIMARY_QUEUE = 2,
	IN_STANDBY_QUEUE = 4,
	DELIVERED = 8,
	EXPORTED = 16,
	STRANDED = 32,
};

struct message {
	uint32_t id;   /* from 1; the queue id at the standby is "Q<id>" */
	uint8_t where; /* bits of enum place */
	uint8_t zone;
	bool acked;
	bool refused;      /* the primary will refuse it for good */
	bool refused_seen; /* the standby has its 5xx as delay reason */
};

struct senders {
	struct message *msg;
	uint32_t n, cap, first_open;
	int64_t cached_ms[SIM_ZONES];
	bool has_cache[SIM_ZONES];
	struct mx_set cache[SIM_ZONES];
	int64_t accepted_standby_ms; /* last message that the standby took */
	uint32_t at_standby;
};

void senders_start(struct world *w, uint8_t pair);
void senders_fini(struct senders *s);
uint32_t senders_count(const struct senders *s, enum place where);
void senders_queue_status(struct world *w, const struct host *h, struct outcome *out);
void senders_flush(struct world *w, struct host *standby);
bool senders_export(struct world *w, uint8_t pair, const char *queue_id);
void senders_remove(struct world *w, uint8_t pair, const char *queue_id);
/* A STRANDED row became durable. */
void senders_listed(struct world *w, uint8_t pair, const char *queue_id);

#endif
