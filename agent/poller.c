/* What the controller said last wins only by its epoch: an answer that was long under way changes nothing. */
#include "poller.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "../common/base/clock.h"
#include "../common/base/log.h"
#include "../common/base/mem.h"
#include "../common/net/wait.h"
#include "../common/proto/maps.h"
#include "client.h"
#include "export.h"
#include "state.h"

#define REQUEST_LIMIT_MS 20000
#define MAPS_LIMIT_MS 120000
#define MAPS_RETRY_MS 30000

struct errand {
	const char *name;
	char trouble[ERR_TEXT_MAX]; /* what was logged last, "" = it works */
};

struct poller {
	const struct agent_config *config;
	char boot_id[RIGHTS_BOOT_ID_SIZE];
	pthread_t thread;
	int wake_fd;
	atomic_bool stop;
	struct errand rights, boots, maps;
	bool boot_told;
	char order_told[STATE_ORDER_MAX + 1];
	char maps_sent[SHA256_HEX_SIZE];
	int64_t maps_sent_ms, maps_tried_ms; /* 0 = never */
};

static void note(struct errand *errand, enum err_code rc, const struct err *e)
{
	const char *now = rc == ERR_OK ? "" : e->text;
	if (rc == ERR_CANCELLED || strcmp(errand->trouble, now) == 0)
		return;
	(void)str_copy(errand->trouble, sizeof(errand->trouble), now);
	if (now[0])
		log_warn(errand->name, "%s", now);
	else
		log_note(errand->name, "works again");
}

static struct client client_for(struct poller *p, int64_t limit_ms)
{
	return (struct client){ p->config, clock_boot_ms() + limit_ms, &p->stop };
}

static void ask_rights(struct poller *p)
{
	struct client c = client_for(p, REQUEST_LIMIT_MS);
	struct rights_record r;
	struct err e = { 0 };
	enum err_code rc = client_get_rights(&c, &r, &e);
	if (rc == ERR_OK)
		rc = state_store(p->config->state_dir, &r, p->boot_id, &e);
	note(&p->rights, rc, &e);
}

static void tell_boot(struct poller *p)
{
	struct client c = client_for(p, REQUEST_LIMIT_MS);
	char order[STATE_ORDER_MAX + 1];
	struct err e = { 0 };
	enum err_code rc = state_boot_order(p->config->state_dir, p->boot_id, order, sizeof(order), &e);
	if (rc == ERR_OK && p->boot_told && strcmp(order, p->order_told) == 0)
		return;
	if (rc == ERR_OK)
		rc = client_post_boot(&c, p->boot_id, order, &e);
	if (rc == ERR_OK) {
		p->boot_told = true;
		(void)str_copy(p->order_told, sizeof(p->order_told), order);
	}
	note(&p->boots, rc, &e);
}

static bool maps_due(const struct poller *p, const char *sha256, int64_t now_ms)
{
	bool news = strcmp(sha256, p->maps_sent) != 0 || now_ms - p->maps_sent_ms >= p->config->maps_refresh_ms;
	bool may_try =
		!p->maps_tried_ms || p->maps_tried_ms <= p->maps_sent_ms || now_ms - p->maps_tried_ms >= MAPS_RETRY_MS;
	return news && may_try;
}

static enum err_code send_maps(struct poller *p, const struct strbuf *bundle, struct err *e)
{
	struct client c = client_for(p, MAPS_LIMIT_MS);
	struct maps_summary is;
	enum err_code rc = maps_check(bundle->data, bundle->len, p->config->pair, &is, e);
	int64_t now_ms = clock_boot_ms();
	if (rc != ERR_OK || !maps_due(p, is.sha256, now_ms))
		return rc;
	p->maps_tried_ms = now_ms;
	rc = client_put_maps(&c, bundle, e);
	if (rc != ERR_OK)
		return rc;
	if (strcmp(p->maps_sent, is.sha256) != 0)
		log_note("maps", "sent: %u domains, %u recipients, sha256 %.16s...", is.domains, is.recipients,
			 is.sha256);
	(void)str_copy(p->maps_sent, sizeof(p->maps_sent), is.sha256);
	p->maps_sent_ms = p->maps_tried_ms = now_ms;
	return ERR_OK;
}

static void push_maps(struct poller *p)
{
	struct strbuf bundle = STRBUF_INIT;
	struct err e = { 0 };
	if (p->config->role != RIGHTS_PRIMARY)
		return;
	enum err_code rc = export_maps(p->config, &bundle, &e);
	if (rc == ERR_OK)
		rc = send_maps(p, &bundle, &e);
	/* After a failure a due bundle waits for its next try: the trouble still stands until one was taken. */
	if (rc != ERR_OK || p->maps_tried_ms == p->maps_sent_ms)
		note(&p->maps, rc, &e);
	strbuf_fini(&bundle);
}

static void *run(void *arg)
{
	struct poller *p = arg;
	while (!atomic_load(&p->stop)) {
		int64_t next_ms = clock_boot_ms() + p->config->poll_ms;
		ask_rights(p);
		tell_boot(p);
		push_maps(p);
		if (net_wait(-1, 0, next_ms, p->wake_fd, NULL) != ERR_TIMEOUT)
			break;
	}
	return NULL;
}

enum err_code poller_start(const struct agent_config *c, const char *boot_id, struct poller **out, struct err *e)
{
	*out = NULL;
	if (c->ncontrollers == 0)
		return ERR_OK;
	struct poller *p = mem_calloc(1, sizeof(*p));
	p->config = c;
	p->rights.name = "rights";
	p->boots.name = "boots";
	p->maps.name = "maps";
	(void)str_copy(p->boot_id, sizeof(p->boot_id), boot_id);
	p->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int why = p->wake_fd < 0 ? errno : pthread_create(&p->thread, NULL, run, p);
	if (why) {
		if (p->wake_fd >= 0)
			close(p->wake_fd);
		free(p);
		return err_set_errno(e, ERR_LOCAL, why, "start the poller");
	}
	*out = p;
	return ERR_OK;
}

void poller_stop(struct poller *p)
{
	if (!p)
		return;
	atomic_store(&p->stop, true);
	eventfd_write(p->wake_fd, 1);
	pthread_join(p->thread, NULL);
	close(p->wake_fd);
	free(p);
}
