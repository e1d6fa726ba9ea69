/* What agents bring: recipient maps, boots; and what they ask: the rights record in force. */
#include <stdio.h>
#include <string.h>

#include "../../common/base/mem.h"
#include "internal.h"
#include "records.h"

static struct watched *pair_of(const struct engine *e, uint32_t pair)
{
	return pair >= 1 && pair <= e->npairs ? &e->pairs[pair - 1] : NULL;
}

bool engine_maps_wanted(const struct engine *e, uint32_t pair)
{
	const struct watched *p = pair_of(e, pair);
	/* from its begin on an operation counts on the maps that it was planned with */
	bool moving = p && p->op.open && p->op.run.mode != RUNNING_OVER;
	return p && e->ready && !p->interlock && !moving;
}

void engine_maps_pushed(struct engine *e, uint32_t pair, const char *sha256, uint32_t recipients)
{
	struct watched *p = pair_of(e, pair);
	char why[120];
	if (!engine_maps_wanted(e, pair))
		return; /* promise 13: nothing flows towards the standby now */
	bool same = strcmp(p->maps_sha256, sha256) == 0;
	p->maps_wall_ms = engine_now(e).wall_ms;
	engine_touch(p);
	/* after a restart the maps look older than they are, by an eighth of their limit at most */
	if (same && p->maps_wall_ms - p->maps_saved_ms < p->opts.maps_max_age_ms / 8)
		return;
	p->maps_saved_ms = p->maps_wall_ms;
	(void)str_copy(p->maps_sha256, sizeof(p->maps_sha256), sha256);
	snprintf(why, sizeof(why), "%s%u recipients, sha256 %.16s...", same ? "unchanged, " : "", recipients, sha256);
	records_save(p, "primary's agent", "maps", why, NULL, NULL);
}

static void primary_booted(struct watched *p, const char *boot_id)
{
	char why[120];
	if (strcmp(p->primary_boot, boot_id) == 0)
		return;
	(void)str_copy(p->primary_boot, sizeof(p->primary_boot), boot_id);
	snprintf(why, sizeof(why), "boot %s of the primary", boot_id);
	records_boot(p, "primary's agent", "boot", why, boot_id, "");
}

/* Running, undoing or stuck: the boot that `connect` found, or as long as it has found none, one without an order yet. */
static bool is_our_boot(const struct watched *p, const char *boot_id, const char *order)
{
	const char *found = p->op.run.facts.boot_id;
	if (!p->op.open || !plan_boots(p->op.plan.kind))
		return false;
	return found[0] ? strcmp(found, boot_id) == 0 : !order[0];
}

static void standby_booted(struct watched *p, const char *boot_id, const char *order)
{
	char why[160];
	if (strcmp(p->boot_id, boot_id) == 0)
		return;
	if (is_our_boot(p, boot_id, order))
		return; /* the order reaches it at `connect`, which records it (operate.c) */
	bool ordered = order[0] ? strcmp(order, p->nonce) == 0 : p->order_unseen;
	(void)str_copy(p->boot_id, sizeof(p->boot_id), boot_id);
	p->order_unseen = false;
	if (ordered) {
		snprintf(why, sizeof(why), "boot %s of the standby, order %s", boot_id,
			 order[0] ? order : "given, and aborted before it was told");
		records_boot(p, "standby's agent", "ordered-boot", why, boot_id, order);
		return;
	}
	p->left_on_by[0] = '\0'; /* the boot that was left on is over */
	(void)str_copy(p->unordered_boot, sizeof(p->unordered_boot), boot_id);
	snprintf(why, sizeof(why), "boot %s of the standby without an order%s", boot_id,
		 order[0] ? " that we gave" : "");
	page_send(p, "page", "ATTACK SIGNAL: %s", why);
	records_boot(p, "standby's agent", "unordered-boot", why, boot_id, order);
	engine_touch(p);
}

void engine_boot_reported(struct engine *e, uint32_t pair, enum host_role role, const char *boot_id, const char *order)
{
	struct watched *p = pair_of(e, pair);
	if (!p || !e->ready)
		return;
	if (role == HOST_PRIMARY)
		primary_booted(p, boot_id);
	else
		standby_booted(p, boot_id, order);
}

bool engine_rights(const struct engine *e, uint32_t pair, char *out, size_t size)
{
	const struct watched *p = pair_of(e, pair);
	if (!p || !e->ready)
		return false;
	snprintf(out, size, "coldmx-rights 1\npair=%s\nepoch=%llu\nown=primary\naccept=%s\nissued_ms=%lld\n%s%s%s",
		 p->opts.site.pair, (unsigned long long)p->told_epoch, p->told_accepts ? "primary,standby" : "primary",
		 (long long)engine_now(e).wall_ms, p->told_rehearse[0] ? "rehearse=" : "", p->told_rehearse,
		 p->told_rehearse[0] ? "\n" : "");
	return true;
}
