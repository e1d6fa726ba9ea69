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
#include "consult.h"
#include "export.h"
#include "state.h"

#define REQUEST_LIMIT_MS 20000
#define PEER_LIMIT_MS 3000
#define MARKER_LIMIT_MS 5000
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
	struct errand rights, peer, marker, boots, maps;
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

static struct consult consult_for(const struct poller *p)
{
	return (struct consult){ p->config, p->boot_id, &p->stop, p->wake_fd };
}

/* The peer is asked whether a controller answers or not: it is the one that this host must not contradict, and whoever
 * broke its glass did so for a reason. Most of the time it is off, so it comes last and gets little time. */
static void ask_peer(struct poller *p)
{
	struct consult c = consult_for(p);
	struct err e = { 0 };
	if (!p->config->peer.naddresses || atomic_load(&p->stop))
		return;
	enum err_code rc = consult_peer(&c, clock_boot_ms() + PEER_LIMIT_MS, &e);
	bool away = err_code_class(rc) == ERR_CLASS_TEMP || rc == ERR_NOT_FOUND;
	if (away)
		rc = ERR_OK; /* a cold standby is off, and that is no trouble */
	note(&p->peer, rc, &e);
}

static void ask_marker(struct poller *p)
{
	struct consult c = consult_for(p);
	struct err e = { 0 };
	if (!p->config->marker.domain[0] || !p->config->marker.nservers)
		return;
	enum err_code rc = consult_marker(&c, clock_boot_ms() + MARKER_LIMIT_MS, &e);
	note(&p->marker, rc == ERR_NOT_FOUND ? ERR_OK : rc, &e);
}

static void ask_rights(struct poller *p)
{
	struct consult c = consult_for(p);
	struct err e = { 0 };
	enum err_code rc = ERR_UNREACH;
	if (p->config->ncontrollers) {
		rc = consult_controllers(&c, clock_boot_ms() + REQUEST_LIMIT_MS, &e);
		note(&p->rights, rc, &e);
	}
	if (rc != ERR_OK)
		ask_marker(p);
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
		if (p->config->ncontrollers) {
			tell_boot(p);
			push_maps(p);
		}
		ask_peer(p);
		if (net_wait(-1, 0, next_ms, p->wake_fd, NULL) != ERR_TIMEOUT)
			break;
	}
	return NULL;
}

enum err_code poller_start(const struct agent_config *c, const char *boot_id, struct poller **out, struct err *e)
{
	*out = NULL;
	if (!consult_possible(c))
		return ERR_OK;
	struct poller *p = mem_calloc(1, sizeof(*p));
	p->config = c;
	p->rights.name = "rights";
	p->peer.name = "peer";
	p->marker.name = "marker";
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
