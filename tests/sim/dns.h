/*
 * Purpose:   the zones of a pair: an update server, secondaries that lag or are dead, and a person's hand.
 * Not its job: judging a swap (promises.h).
 * Thread:    one.   Ownership: part of the world.   Units: _ms since the world began.
 */
#ifndef SIM_DNS_H
#define SIM_DNS_H

#include "../../controller/verb.h"

struct world;

#define SIM_ZONES 2
#define SIM_SERVERS 3 /* 0 takes updates */

struct dns_zone {
	uint8_t pair;
	uint8_t index;
	char name[DOMAIN_MAX];
	struct mx_set set[SIM_SERVERS];
	bool has_marker;
	uint64_t marker_op, marker_epoch;
	char marker_own[12], marker_accept[20];
	struct mx_set before_hand; /* what a person will put back */
	bool hand;
	int64_t swapped_ms; /* last swap that came to effect */
};

void dns_init(struct world *w, uint8_t pair);
void dns_verb(struct world *w, const struct verb *v, struct outcome *out);
void dns_hand(struct world *w, uint8_t pair, bool back);
/* The rights record that a host makes of the first zone's marker; false: there is none, or no server answers. */
bool dns_marker_record(const struct world *w, uint8_t pair, char *out, size_t size);
/* What a sender's resolver learns now; false: no server answers. */
bool dns_resolve(struct world *w, uint8_t pair, uint8_t zone, struct mx_set *out);

#endif
