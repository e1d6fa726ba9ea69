/* The hook runs on a thread of its own: one that hangs must not keep the agent from looking at its host. */
#include "pager.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "../common/base/clock.h"
#include "../common/base/file.h"
#include "../common/base/json.h"
#include "../common/base/log.h"
#include "../common/base/mem.h"
#include "../common/net/wait.h"
#include "child.h"

#define TEXT_MAX 400
#define RETRY_FIRST_MS 5000
#define RETRY_LAST_MS ((int64_t)5 * 60 * 1000)

struct page {
	uint64_t number; /* 0 = none */
	int64_t wall_ms;
	char text[TEXT_MAX];
};

struct pager {
	const struct agent_config *config;
	pthread_t thread;
	int wake_fd;
	atomic_bool stop;
	pthread_mutex_t lock;
	struct page next; /* under the lock */
	bool failing;     /* its own thread only */
};

static void fill_json(const struct pager *p, const struct page *page, struct strbuf *out)
{
	struct json j;
	char key[NAME_MAX_LEN * 2], when[32];
	snprintf(key, sizeof(key), "agent-%s-%" PRId64 "-%" PRIu64, rights_place_name(p->config->role), page->wall_ms,
		 page->number);
	clock_format_utc(page->wall_ms, when, sizeof(when));
	json_init(&j, out);
	json_open_object(&j, NULL);
	json_put_string(&j, "key", key);
	json_put_string(&j, "pair", p->config->pair);
	json_put_string(&j, "severity", "page");
	json_put_string(&j, "text", page->text);
	json_put_string(&j, "time", when);
	json_close_object(&j);
	strbuf_addc(out, '\n');
}

static bool send_page(struct pager *p, const struct page *page)
{
	const char *const argv[] = { p->config->notify_hook, "page", NULL };
	struct strbuf json = STRBUF_INIT, said = STRBUF_INIT;
	struct err e = { 0 };
	enum err_code rc = file_check(p->config->notify_hook, FILE_OWNED, &e);
	fill_json(p, page, &json);
	if (rc == ERR_OK)
		rc = child_run(argv, strbuf_str(&json), &said, &e);
	strbuf_fini(&json);
	strbuf_fini(&said);
	if (rc != ERR_OK && !p->failing)
		log_error("notify", "%s; it is tried again", e.text);
	if (rc == ERR_OK && p->failing)
		log_note("notify", "works again");
	p->failing = rc != ERR_OK;
	return rc == ERR_OK;
}

static struct page take(struct pager *p)
{
	pthread_mutex_lock(&p->lock);
	struct page page = p->next;
	pthread_mutex_unlock(&p->lock);
	return page;
}

static void *run(void *arg)
{
	struct pager *p = arg;
	uint64_t sent = 0, woken;
	int64_t pause_ms = RETRY_FIRST_MS;
	while (!atomic_load(&p->stop)) {
		struct page page = take(p);
		bool due = page.number > sent;
		if (due && send_page(p, &page)) {
			sent = page.number;
			pause_ms = RETRY_FIRST_MS;
			continue;
		}
		int64_t until_ms = due ? clock_boot_ms() + pause_ms : INT64_MAX;
		if (net_wait(p->wake_fd, NET_WAIT_READ, until_ms, -1, NULL) == ERR_OK)
			(void)!eventfd_read(p->wake_fd, &woken);
		else if (pause_ms < RETRY_LAST_MS)
			pause_ms *= 2;
	}
	return NULL;
}

enum err_code pager_start(const struct agent_config *c, struct pager **out, struct err *e)
{
	*out = NULL;
	if (!c->notify_hook[0])
		return ERR_OK;
	struct pager *p = mem_calloc(1, sizeof(*p));
	p->config = c;
	pthread_mutex_init(&p->lock, NULL);
	p->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int why = p->wake_fd < 0 ? errno : pthread_create(&p->thread, NULL, run, p);
	if (why) {
		if (p->wake_fd >= 0)
			close(p->wake_fd);
		free(p);
		return err_set_errno(e, ERR_LOCAL, why, "start the pager");
	}
	*out = p;
	return ERR_OK;
}

void pager_send(struct pager *p, const char *text)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->next.number++;
	p->next.wall_ms = clock_wall_ms();
	(void)str_copy(p->next.text, sizeof(p->next.text), text);
	pthread_mutex_unlock(&p->lock);
	eventfd_write(p->wake_fd, 1);
}

void pager_stop(struct pager *p)
{
	if (!p)
		return;
	atomic_store(&p->stop, true);
	eventfd_write(p->wake_fd, 1);
	pthread_join(p->thread, NULL);
	pthread_mutex_destroy(&p->lock);
	close(p->wake_fd);
	free(p);
}
