/* A job is one verb. A thread takes the first waiting job whose session is not in use, runs it
 * without the lock, and posts the outcome to the loop. Each thread has one eventfd, which every
 * wait of a driver watches: cancelling a running job writes to its thread's. A job that was not
 * begun is answered where it waits: neither a cancel nor a deadline needs a free thread for it. */
#include "executor.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "../../common/base/clock.h"
#include "../../common/base/mem.h"

/* The condition's clock stands still in a suspension, deadlines do not: so look again. */
#define LOOK_AGAIN_MS 1000

struct kept_session {
	struct kept_session *next;
	uint64_t op;
	uint32_t pair;
	unsigned host;
	bool busy, ended;
	struct ssh_session *ssh; /* NULL: not open; the thread's while busy */
};

struct job {
	struct job *next;
	struct executor *x;
	uint64_t ticket;
	struct verb verb;
	outcome_cb *cb;
	void *arg;
	struct outcome *outcome; /* only once there is one: a long queue stays small */
};

struct worker {
	struct executor *x;
	pthread_t thread;
	int cancel_fd;
	struct job *job; /* under the lock */
};

struct executor {
	struct executor_opts opts;
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct worker *workers;
	unsigned started;
	struct job *waiting, **tail; /* in order */
	struct kept_session *sessions;
	uint64_t last_ticket;
	bool closing;  /* under the lock */
	bool stopping; /* the loop's alone */
};

/* ---- sessions, under the lock ---- */

static struct kept_session *find_session(struct executor *x, const struct verb *verb)
{
	unsigned host = drivers_session_of(verb);

	for (struct kept_session *s = x->sessions; s; s = s->next)
		if (s->op == verb->op && s->pair == verb->guard.pair && s->host == host && !s->ended)
			return s;
	return NULL;
}

static bool wants_session(const struct verb *verb)
{
	return verb->op && drivers_session_of(verb);
}

static struct kept_session *use_session(struct executor *x, const struct verb *verb)
{
	struct kept_session *s = find_session(x, verb);

	if (!s) {
		s = mem_calloc(1, sizeof(*s));
		*s = (struct kept_session){
			.next = x->sessions, .op = verb->op, .pair = verb->guard.pair, .host = drivers_session_of(verb)
		};
		x->sessions = s;
	}
	s->busy = true;
	return s;
}

static void drop_ended(struct executor *x)
{
	for (struct kept_session **at = &x->sessions; *at;) {
		struct kept_session *s = *at;

		if (!s->ended || s->busy) {
			at = &s->next;
			continue;
		}
		*at = s->next;
		x->opts.close(s->ssh);
		free(s);
	}
}

/* ---- jobs ---- */

static void job_free(struct job *job)
{
	free(job->outcome);
	free(job);
}

/* On the loop. */
static void deliver(void *arg)
{
	struct job *job = arg;

	if (!job->x->stopping)
		job->cb(job->arg, job->ticket, job->outcome);
	job_free(job);
}

static void answer(struct job *job)
{
	if (!mailbox_post(job->x->opts.loop, deliver, job))
		job_free(job);
}

static void answer_unbegun(struct job *job, enum err_code code)
{
	job->outcome = mem_calloc(1, sizeof(*job->outcome));
	(void)err_set(&job->outcome->err, code, "%s: %s before it was begun", verb_kind_name(job->verb.kind),
		      code == ERR_TIMEOUT ? "the deadline passed" : "cancelled");
	answer(job);
}

/* Under the lock, as all below that take `at`. */
static struct job *unlink_job(struct executor *x, struct job **at)
{
	struct job *job = *at;

	*at = job->next;
	if (!*at)
		x->tail = at;
	job->next = NULL;
	return job;
}

/* The first job that is not late and whose session is free; NULL when there is none. */
static struct job *take_job(struct executor *x, struct kept_session **session)
{
	int64_t now_ms = clock_boot_ms();

	for (struct job **at = &x->waiting; *at;) {
		const struct verb *verb = &(*at)->verb;
		bool keeps = wants_session(verb);

		if (verb->deadline_ms <= now_ms) {
			answer_unbegun(unlink_job(x, at), ERR_TIMEOUT);
			continue;
		}
		const struct kept_session *s = keeps ? find_session(x, verb) : NULL;
		if (s && s->busy) {
			at = &(*at)->next;
			continue;
		}
		struct job *job = unlink_job(x, at);
		*session = keeps ? use_session(x, &job->verb) : NULL;
		return job;
	}
	return NULL;
}

/* ---- threads ---- */

static void wait_for_work(struct executor *x)
{
	int64_t now_ms = clock_boot_ms(), until_ms = now_ms + LOOK_AGAIN_MS;
	struct timespec ts;

	if (!x->waiting) {
		pthread_cond_wait(&x->work, &x->lock);
		return;
	}
	/* All of them wait for sessions in use, and the first deadline for none. */
	for (const struct job *job = x->waiting; job; job = job->next)
		if (job->verb.deadline_ms < until_ms)
			until_ms = job->verb.deadline_ms;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	int64_t ns = ts.tv_nsec + (until_ms > now_ms ? until_ms - now_ms : 0) * 1000000;
	ts.tv_sec += ns / 1000000000;
	ts.tv_nsec = ns % 1000000000;
	pthread_cond_timedwait(&x->work, &x->lock, &ts);
}

static void perform(struct executor *x, const struct worker *w, struct job *job, struct kept_session *session)
{
	struct ssh_session *one_shot = NULL;

	job->outcome = mem_calloc(1, sizeof(*job->outcome));
	x->opts.run(x->opts.drivers, &job->verb, w->cancel_fd, session ? &session->ssh : &one_shot, job->outcome);
	x->opts.close(one_shot);
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct executor *x = w->x;
	struct kept_session *session;
	uint64_t ignore;

	pthread_mutex_lock(&x->lock);
	while (!x->closing) {
		struct job *job = take_job(x, &session);

		if (!job) {
			wait_for_work(x);
			continue;
		}
		w->job = job;
		pthread_mutex_unlock(&x->lock);
		perform(x, w, job, session);
		pthread_mutex_lock(&x->lock);
		w->job = NULL;
		(void)!read(w->cancel_fd, &ignore, sizeof(ignore)); /* a cancel dies with its job */
		if (session)
			session->busy = false;
		drop_ended(x);
		pthread_cond_broadcast(&x->work); /* a job may have waited for this session */
		answer(job);
	}
	pthread_mutex_unlock(&x->lock);
	return NULL;
}

/* ---- the port, on the loop ---- */

static uint64_t submit(void *ctx, const struct verb *verb, outcome_cb *cb, void *arg)
{
	struct executor *x = ctx;
	struct job *job = mem_calloc(1, sizeof(*job));

	pthread_mutex_lock(&x->lock);
	uint64_t ticket = ++x->last_ticket;
	*job = (struct job){ .x = x, .ticket = ticket, .verb = *verb, .cb = cb, .arg = arg };
	*x->tail = job;
	x->tail = &job->next;
	pthread_cond_signal(&x->work);
	pthread_mutex_unlock(&x->lock);
	return ticket;
}

static void wake(const struct worker *w)
{
	const uint64_t one = 1;

	(void)!write(w->cancel_fd, &one, sizeof(one));
}

static void cancel(void *ctx, uint64_t ticket)
{
	struct executor *x = ctx;

	pthread_mutex_lock(&x->lock);
	for (unsigned i = 0; i < x->started; i++)
		if (x->workers[i].job && x->workers[i].job->ticket == ticket)
			wake(&x->workers[i]);
	for (struct job **at = &x->waiting; *at; at = &(*at)->next) {
		if ((*at)->ticket == ticket) {
			answer_unbegun(unlink_job(x, at), ERR_CANCELLED);
			break;
		}
	}
	pthread_mutex_unlock(&x->lock);
}

static void op_ended(void *ctx, uint64_t op)
{
	struct executor *x = ctx;

	pthread_mutex_lock(&x->lock);
	for (struct kept_session *s = x->sessions; s; s = s->next)
		s->ended |= s->op == op;
	drop_ended(x);
	pthread_mutex_unlock(&x->lock);
}

const struct exec_ops executor_ops = { submit, cancel, op_ended };

/* ---- start and stop ---- */

static enum err_code start_worker(struct executor *x, struct err *e)
{
	struct worker *w = &x->workers[x->started];

	w->x = x;
	w->cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->cancel_fd < 0)
		return err_set_errno(e, ERR_LOCAL, errno, "executor: eventfd");
	int rc = pthread_create(&w->thread, NULL, work, w);
	if (rc) {
		close(w->cancel_fd);
		return err_set_errno(e, ERR_LOCAL, rc, "executor: thread");
	}
	x->started++;
	return ERR_OK;
}

enum err_code executor_start(const struct executor_opts *opts, struct executor **out, struct err *e)
{
	struct executor *x = mem_calloc(1, sizeof(*x));
	pthread_condattr_t attr;
	sigset_t all, before;
	enum err_code rc = ERR_OK;

	x->opts = *opts;
	if (!x->opts.close)
		x->opts.close = ssh_close;
	x->tail = &x->waiting;
	pthread_mutex_init(&x->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&x->work, &attr);
	pthread_condattr_destroy(&attr);
	x->workers = mem_calloc(opts->threads, sizeof(*x->workers));
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the loop's */
	for (unsigned i = 0; !rc && i < opts->threads; i++)
		rc = start_worker(x, e);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc) {
		executor_stop(x);
		executor_free(x);
		return rc;
	}
	*out = x;
	return ERR_OK;
}

void executor_stop(struct executor *x)
{
	x->stopping = true;
	pthread_mutex_lock(&x->lock);
	x->closing = true;
	for (unsigned i = 0; i < x->started; i++)
		wake(&x->workers[i]);
	pthread_cond_broadcast(&x->work);
	pthread_mutex_unlock(&x->lock);
	for (unsigned i = 0; i < x->started; i++)
		pthread_join(x->workers[i].thread, NULL);
}

void executor_free(struct executor *x)
{
	if (!x)
		return;
	while (x->waiting)
		job_free(unlink_job(x, &x->waiting));
	while (x->sessions) {
		struct kept_session *s = x->sessions;

		x->sessions = s->next;
		x->opts.close(s->ssh);
		free(s);
	}
	for (unsigned i = 0; i < x->started; i++)
		close(x->workers[i].cancel_fd);
	pthread_mutex_destroy(&x->lock);
	pthread_cond_destroy(&x->work);
	free(x->workers);
	free(x);
}
