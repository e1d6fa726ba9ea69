/* Epochs that this controller did not give. An agent that stands above it was told by somebody else: a broken glass, a
 * runbook by hand, a controller with another database. What comes next is planned above them, so that it is obeyed; until
 * a person has acknowledged it, nothing is done automatically over what another person did. */
#include <stdio.h>

#include "internal.h"
#include "records.h"

/* Beyond that it is no epoch that anybody can have reached: believed, it would leave none to plan above. */
#define LEAP_MAX 1000000

/* The settling and the undo of an operation use the epoch after its own before the pair's is raised. */
static uint64_t given(const struct watched *p)
{
	uint64_t top = p->rights_epoch > p->epoch ? p->rights_epoch : p->epoch;
	return p->op.open && p->op.plan.epoch >= top ? p->op.plan.epoch + 1 : top;
}

bool foreign_pending(const struct watched *p)
{
	return p->foreign_epoch > given(p) && p->foreign_epoch > p->foreign_acked;
}

void foreign_words(const struct watched *p, char *out, size_t size)
{
	snprintf(out, size,
		 "the %s's agent is at epoch %llu, above the controller's %llu: a broken glass or a runbook by hand; "
		 "look "
		 "at both hosts, then `coldmx ack %s --reason ...`",
		 host_role_name(p->foreign_role), (unsigned long long)p->foreign_epoch, (unsigned long long)given(p),
		 p->opts.site.pair);
}

uint64_t foreign_top(const struct watched *p)
{
	return p->foreign_epoch > p->epoch ? p->foreign_epoch : p->epoch;
}

void foreign_page(struct watched *p)
{
	char words[240];
	foreign_words(p, words, sizeof(words));
	page_send(p, "page", "%s", words);
}

static void disbelieve(struct watched *p, enum host_role role, uint64_t epoch)
{
	if (!p->foreign_lie[role])
		page_send(p, "page",
			  "%s: its agent claims epoch %llu, and the controller gave %llu: it is not believed",
			  host_role_name(role), (unsigned long long)epoch, (unsigned long long)given(p));
	p->foreign_lie[role] = true;
}

void foreign_reported(struct watched *p, enum host_role role, uint64_t epoch)
{
	char why[120];
	uint64_t top = given(p) > p->foreign_epoch ? given(p) : p->foreign_epoch;
	if (epoch > top && epoch - given(p) > LEAP_MAX) {
		disbelieve(p, role, epoch);
		return;
	}
	p->foreign_lie[role] = false;
	if (epoch <= top)
		return;
	p->foreign_epoch = epoch;
	p->foreign_role = role;
	snprintf(why, sizeof(why), "epoch %llu at the %s, above the controller's %llu", (unsigned long long)epoch,
		 host_role_name(role), (unsigned long long)given(p));
	records_save(p, role == HOST_PRIMARY ? "primary's agent" : "standby's agent", "foreign-epoch", why, NULL, NULL);
	foreign_page(p);
	engine_touch(p);
}
