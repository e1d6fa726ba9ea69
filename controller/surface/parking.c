/* The suspended connection comes back to its handler when it is resumed; who answers late answers
 * nobody. */
#include "parking.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdlib.h>

#include "../../common/base/mem.h"

struct parked {
	struct parking *in;
	struct parked *prev, *next;
	struct MHD_Connection *conn;
	int64_t deadline_ms;
	bool waiting, request_holds, asker_holds;
	struct reply reply;
};

struct parking {
	pthread_mutex_t lock;
	struct parked *first;
	bool closed;
};

struct parking *parking_new(void)
{
	struct parking *p = mem_calloc(1, sizeof(*p));
	pthread_mutex_init(&p->lock, NULL);
	return p;
}

static void unlink_parked(struct parked *q)
{
	if (q->prev)
		q->prev->next = q->next;
	else
		q->in->first = q->next;
	if (q->next)
		q->next->prev = q->prev;
}

static void free_parked(struct parked *q)
{
	free(q->reply.text);
	free(q);
}

/* Under the lock. */
static void release_if_over(struct parked *q)
{
	if (q->request_holds || q->asker_holds)
		return;
	unlink_parked(q);
	free_parked(q);
}

/* Under the lock. */
static void give_up(struct parked *q, enum err_code code, const char *why)
{
	if (!q->waiting)
		return;
	q->waiting = false;
	err_set(&q->reply.err, code, "%s", why);
	MHD_resume_connection(q->conn);
}

void parking_close(struct parking *p)
{
	pthread_mutex_lock(&p->lock);
	p->closed = true;
	for (struct parked *q = p->first; q; q = q->next)
		give_up(q, ERR_CANCELLED, "the controller is stopping; what was asked may still have happened");
	pthread_mutex_unlock(&p->lock);
}

void parking_free(struct parking *p)
{
	if (!p)
		return;
	for (struct parked *q = p->first, *next; q; q = next) {
		next = q->next;
		free_parked(q);
	}
	pthread_mutex_destroy(&p->lock);
	free(p);
}

void parking_tick(struct parking *p, int64_t boot_ms)
{
	pthread_mutex_lock(&p->lock);
	for (struct parked *q = p->first; q; q = q->next)
		if (boot_ms >= q->deadline_ms)
			give_up(q, ERR_TIMEOUT,
				"no answer from inside the controller in time; what was asked may "
				"still "
				"happen: look at coldmx status before asking again");
	pthread_mutex_unlock(&p->lock);
}

struct parked *parking_park(struct parking *p, struct MHD_Connection *conn, int64_t deadline_ms)
{
	struct parked *q = mem_calloc(1, sizeof(*q));
	*q = (struct parked){ .in = p,
			      .conn = conn,
			      .deadline_ms = deadline_ms,
			      .waiting = true,
			      .request_holds = true,
			      .asker_holds = true };
	pthread_mutex_lock(&p->lock);
	q->next = p->first;
	if (p->first)
		p->first->prev = q;
	p->first = q;
	MHD_suspend_connection(conn);
	if (p->closed)
		give_up(q, ERR_CANCELLED, "the controller is stopping");
	pthread_mutex_unlock(&p->lock);
	return q;
}

void parked_done(struct parked *q, struct reply *reply)
{
	struct parking *p = q->in;
	pthread_mutex_lock(&p->lock);
	if (q->waiting) {
		q->reply = *reply;
		reply->text = NULL;
		q->waiting = false;
		MHD_resume_connection(q->conn);
	}
	q->asker_holds = false;
	release_if_over(q);
	pthread_mutex_unlock(&p->lock);
	free(reply->text);
	reply->text = NULL;
}

const struct reply *parked_reply(const struct parked *q)
{
	pthread_mutex_lock(&q->in->lock);
	bool waiting = q->waiting;
	pthread_mutex_unlock(&q->in->lock);
	return waiting ? NULL : &q->reply;
}

void parked_drop(struct parked *q)
{
	if (!q)
		return;
	struct parking *p = q->in;
	pthread_mutex_lock(&p->lock);
	q->request_holds = false;
	q->waiting = false;
	release_if_over(q);
	pthread_mutex_unlock(&p->lock);
}
