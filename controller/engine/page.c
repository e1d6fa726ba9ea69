/* A page outside an operation is a verb without one: at least once, under one key, tried until it is out. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/base/mem.h"
#include "internal.h"

#define PAGE_LIMIT_MS 30000
#define PAGE_RETRY_FIRST_MS 10000
#define PAGE_RETRY_LAST_MS ((int64_t)5 * 60 * 1000)
#define PAGE_GIVE_UP_MS ((int64_t)24 * 60 * 60 * 1000) /* the fault that is paged often takes the pager's way as well */

struct page {
	struct page *next;
	struct engine *e;
	struct verb verb;
	int64_t began_ms, pause_ms;
};

static void unlink_page(struct page *page)
{
	for (struct page **at = &page->e->pages; *at; at = &(*at)->next) {
		if (*at == page) {
			*at = page->next;
			free(page);
			return;
		}
	}
}

static void submit_page(void *arg);

static void page_out(void *arg, uint64_t ticket, const struct outcome *outcome)
{
	struct page *page = arg;
	struct engine *e = page->e;
	(void)ticket;
	if (e->stopping)
		return;
	if (!outcome->err.code) {
		unlink_page(page);
		return;
	}
	if (engine_now(e).boot_ms - page->began_ms >= PAGE_GIVE_UP_MS) {
		engine_log(e, 3, NULL, "page \"%.200s\" reached nobody: %s", page->verb.u.notify.text,
			   outcome->err.text);
		unlink_page(page);
		return;
	}
	e->ports.time->at(e->ports.time_ctx, engine_now(e).boot_ms + page->pause_ms, submit_page, page);
	page->pause_ms = 2 * page->pause_ms < PAGE_RETRY_LAST_MS ? 2 * page->pause_ms : PAGE_RETRY_LAST_MS;
}

static void submit_page(void *arg)
{
	struct page *page = arg;
	struct engine *e = page->e;
	if (e->stopping)
		return;
	page->verb.deadline_ms = engine_now(e).boot_ms + PAGE_LIMIT_MS;
	page->verb.attempt++;
	e->ports.exec->submit(e->ports.exec_ctx, &page->verb, page_out, page);
}

/* `p` NULL: of no pair. */
static void send_about(struct engine *e, struct watched *p, const char *severity, const char *text)
{
	struct page *page = mem_calloc(1, sizeof(*page));
	struct verb_notify *notify = &page->verb.u.notify;
	page->e = e;
	page->began_ms = engine_now(e).boot_ms;
	page->pause_ms = PAGE_RETRY_FIRST_MS;
	page->verb.kind = VERB_NOTIFY;
	page->verb.guard.pair = p ? p->id : 0;
	snprintf(notify->key, sizeof(notify->key), "p%u-%lld-%llu", page->verb.guard.pair,
		 (long long)engine_now(e).wall_ms, (unsigned long long)++e->page_count);
	(void)str_copy(notify->severity, sizeof(notify->severity), severity);
	snprintf(notify->text, sizeof(notify->text), "%s: %s", p ? p->opts.site.pair : "coldmxd", text);
	engine_log(e, 4, p, "%s: %s", severity, text);
	page->next = e->pages;
	e->pages = page;
	submit_page(page);
}

void page_send(struct watched *p, const char *severity, const char *fmt, ...)
{
	char text[900];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	send_about(p->e, p, severity, text);
}

void page_send_all(struct engine *e, const char *severity, const char *fmt, ...)
{
	char text[900];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	send_about(e, NULL, severity, text);
}

void page_drop_all(struct engine *e)
{
	for (struct page *next; e->pages; e->pages = next) {
		next = e->pages->next;
		free(e->pages);
	}
}
