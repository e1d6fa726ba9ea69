/* "skipped with a right" and "listening without one" are the two ways in which mail and right can differ; both also
 * happen for moments while mail starts and stops, so they are said only once they have stood for a while. */
#include "report.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../common/base/clock.h"
#include "../common/base/json.h"
#include "../common/base/log.h"
#include "../common/base/mem.h"
#include "check.h"
#include "state.h"

#define SKIPPED "skipped with a right"
#define UNENTITLED "listening without one"
#define TROUBLE_MAX 160
#define FRESH_MS 30000 /* beyond the pace of looking: a loop that hangs must not look alive */

struct seen {
	bool looked;
	struct check_smtp smtp;
	struct check_disk disk;
	int64_t queue, wall_ms, boot_ms;
	struct rights_answer may;
	struct rights_record record;
	bool has_record;
	char order[STATE_ORDER_MAX + 1];
	char state_error[ERR_TEXT_MAX]; /* "" or why the record cannot be read */
	char trouble[TROUBLE_MAX];      /* "" = none */
};

struct report {
	const struct agent_config *config;
	char boot_id[RIGHTS_BOOT_ID_SIZE];
	struct pager *pager;
	pthread_mutex_t lock;
	struct seen now;
	/* main thread only */
	const char *differs; /* how mail and right differ, before its time; a constant */
	int64_t differs_since_ms;
};

struct report *report_new(const struct agent_config *c, const char *boot_id, struct pager *pager)
{
	struct report *r = mem_calloc(1, sizeof(*r));
	r->config = c;
	r->pager = pager;
	(void)str_copy(r->boot_id, sizeof(r->boot_id), boot_id);
	pthread_mutex_init(&r->lock, NULL);
	r->differs = "";
	r->now.queue = r->now.disk.free_mb = r->now.disk.inode_free_pct = -1;
	return r;
}

void report_free(struct report *r)
{
	if (!r)
		return;
	pthread_mutex_destroy(&r->lock);
	free(r);
}

static void look_at_rights(const struct report *r, struct seen *s)
{
	const struct agent_config *c = r->config;
	struct err e = { 0 };
	struct rights_site site = {
		.role = c->role, .boot_id = r->boot_id, .now_s = clock_wall_ms() / 1000, .policy = c->policy
	};
	if (state_boot_order(c->state_dir, r->boot_id, s->order, sizeof(s->order), &e) != ERR_OK ||
	    state_read(c->state_dir, &s->record, &s->has_record, &e) != ERR_OK) {
		(void)str_copy(s->state_error, sizeof(s->state_error), e.text);
		snprintf(s->may.why, sizeof(s->may.why), "the rights record cannot be read");
		return;
	}
	site.confirmed = s->has_record && state_confirmed(c->state_dir, r->boot_id, s->record.epoch);
	rights_decide(s->has_record ? &s->record : NULL, &site, &s->may);
}

static const char *judge_mail(struct report *r, const struct seen *s)
{
	const struct rights_answer *may = &s->may;
	bool entitled = may->may_accept || may->may_rehearse;
	const char *differs = may->may_accept && !s->smtp.listening ? SKIPPED
			      : s->smtp.listening && !entitled      ? UNENTITLED
								    : "";
	int64_t now_ms = clock_boot_ms();
	if (strcmp(differs, r->differs) != 0)
		r->differs_since_ms = now_ms;
	r->differs = differs;
	return now_ms - r->differs_since_ms >= r->config->trouble_after_ms ? differs : "";
}

static void judge(struct report *r, struct seen *s)
{
	char reason[100];
	const char *differs = judge_mail(r, s);
	int n = snprintf(s->trouble, sizeof(s->trouble), "%s", differs);
	if (s->has_record && state_glass(r->config->state_dir, s->record.epoch, reason, sizeof(reason)))
		snprintf(s->trouble + n, sizeof(s->trouble) - (size_t)n, "%sbreak-glass at epoch %" PRIu64 ": %s",
			 n ? "; " : "", s->record.epoch, reason);
}

static void page(const struct report *r, const struct seen *s)
{
	char text[TROUBLE_MAX + RIGHTS_WHY_SIZE + 40];
	snprintf(text, sizeof(text), "%s: %s: %s (%s)", r->config->pair, rights_place_name(r->config->role), s->trouble,
		 s->may.why);
	pager_send(r->pager, text);
}

static void say_changes(const struct seen *old, const struct seen *new)
{
	if (!old->looked || old->smtp.serving != new->smtp.serving)
		log_note("mail", new->smtp.serving ? "serves%s" : "does not serve: %s", new->smtp.why);
	if (!old->looked || strcmp(old->may.why, new->may.why) != 0)
		log_note("rights", "%s", new->may.why);
	if (strcmp(old->state_error, new->state_error) != 0)
		log_error("rights", "%s", new->state_error[0] ? new->state_error : "readable again");
	if (strcmp(old->trouble, new->trouble) != 0)
		log_warn("mail", "%s", new->trouble[0] ? new->trouble : "mail and right agree again");
}

void report_look(struct report *r, int cancel_fd)
{
	const struct agent_config *c = r->config;
	struct seen s = { .looked = true };
	check_smtp(&c->smtp, clock_boot_ms() + c->smtp_timeout_ms, cancel_fd, &s.smtp);
	s.queue = check_queue(c->spool);
	check_disk(c->spool, &s.disk);
	look_at_rights(r, &s);
	judge(r, &s);
	s.wall_ms = clock_wall_ms();
	s.boot_ms = clock_boot_ms();
	pthread_mutex_lock(&r->lock);
	struct seen old = r->now;
	r->now = s;
	pthread_mutex_unlock(&r->lock);
	say_changes(&old, &s);
	if (s.trouble[0] && strcmp(old.trouble, s.trouble) != 0)
		page(r, &s);
}

static struct seen copy_seen(struct report *r)
{
	pthread_mutex_lock(&r->lock);
	struct seen s = r->now;
	pthread_mutex_unlock(&r->lock);
	return s;
}

void report_status(struct report *r, char *out, size_t size)
{
	struct seen s = copy_seen(r);
	snprintf(out, size, "%s%s%s", s.trouble, s.trouble[0] ? ": " : "", s.may.why);
}

bool report_health(struct report *r, struct strbuf *out)
{
	struct seen s = copy_seen(r);
	struct json j;
	if (clock_boot_ms() - s.boot_ms > r->config->check_every_ms + FRESH_MS)
		return false;
	json_init(&j, out);
	json_open_object(&j, NULL);
	json_put_string(&j, "boot_id", r->boot_id);
	json_put_bool(&j, "serving", s.smtp.serving);
	json_put_bool(&j, "has_right", s.may.may_accept);
	json_put_uint(&j, "epoch", s.has_record ? s.record.epoch : 0);
	json_put_int(&j, "queue", s.queue);
	json_put_int(&j, "disk_free_mb", s.disk.free_mb);
	json_put_int(&j, "inode_free_pct", s.disk.inode_free_pct);
	json_put_string(&j, "boot_order", s.order);
	json_put_string(&j, "trouble", s.trouble);
	json_put_string(&j, "mail", s.smtp.why);
	json_put_int(&j, "unix_ms", s.wall_ms);
	json_close_object(&j);
	strbuf_addc(out, '\n');
	return true;
}

void report_rights(struct report *r, struct strbuf *out)
{
	struct seen s = copy_seen(r);
	struct json j;
	json_init(&j, out);
	json_open_object(&j, NULL);
	json_put_string(&j, "pair", r->config->pair);
	json_put_string(&j, "holder", rights_place_name(r->config->role));
	json_put_uint(&j, "epoch", s.has_record ? s.record.epoch : 0);
	json_put_string(&j, "own", s.has_record ? rights_place_name(s.record.own) : "none");
	json_put_string(&j, "accept", rights_accept_name(s.has_record ? s.record.accept : 0));
	json_put_bool(&j, "may_accept", s.may.may_accept);
	json_put_bool(&j, "may_own", s.may.may_own);
	json_put_bool(&j, "may_rehearse", s.may.may_rehearse);
	json_put_string(&j, "why", s.may.why);
	json_close_object(&j);
	strbuf_addc(out, '\n');
}

/* From the disk: whoever asks may be about to serve, and the last look is some seconds old. */
void report_record(struct report *r, struct strbuf *out)
{
	struct rights_record record;
	bool present;
	if (state_read(r->config->state_dir, &record, &present, NULL) == ERR_OK && present)
		rights_format(&record, out);
}
