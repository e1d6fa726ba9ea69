/* A job is one verb. A thread takes the first waiting job whose session is not in use, runs it without the lock, and
 * posts the outcome to the loop. Cancel writes to the job's eventfd, which every wait of a driver watches. */
#include "executor.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "../../common/base/mem.h"

struct kept_session {
	struct kept_session *next;
	uint64_t op;
	uint32_t pair;
	unsigned host;
	bool busy, ended;
	struct ssh_session *ssh; /* NULL: not open */
};

struct job {
	struct job *next;
	struct executor *x;
	uint64_t ticket;
	struct verb verb;
	int cancel_fd;
	struct kept_session *session;
	outcome_cb *cb;
	void *arg;
	struct outcome outcome;
};

struct executor {
	struct executor_opts opts;
	pthread_mutex_t lock;
	pthread_cond_t work;
	pthread_t *threads;
	unsigned started;
	struct job *waiting, *running; /* waiting: in order */
	struct kept_session *sessions;
	uint64_t last_ticket;
	bool stopping;
};

static struct kept_session *find_session(struct executor *x, const struct verb *verb)
{
	unsigned host = drivers_session_of(verb);
	if (!host || !verb->op)
		return NULL;
	for (struct kept_session *s = x->sessions; s; s = s->next)
		if (s->op == verb->op && s->pair == verb->guard.pair && s->host == host && !s->ended)
			return s;
	struct kept_session *s = mem_calloc(1, sizeof(*s));
	*s = (struct kept_session){ .next = x->sessions, .op = verb->op, .pair = verb->guard.pair, .host = host };
	x->sessions = s;
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
		ssh_close(s->ssh);
		free(s);
	}
}

/* The first job whose session is free; NULL when there is none. Under the lock. */
static struct job *take_job(struct executor *x)
{
	for (struct job **at = &x->waiting; *at; at = &(*at)->next) {
		struct job *job = *at;
		struct kept_session *s = find_session(x, &job->verb);
		if (s && s->busy)
			continue;
		*at = job->next;
		job->session = s;
		if (s)
			s->busy = true;
		job->next = x->running;
		x->running = job;
		return job;
	}
	return NULL;
}

static void untake(struct executor *x, struct job *job)
{
	for (struct job **at = &x->running; *at; at = &(*at)->next) {
		if (*at == job) {
			*at = job->next;
			break;
		}
	}
	if (job->session)
		job->session->busy = false;
	drop_ended(x);
	pthread_cond_broadcast(&x->work); /* a job may have waited for this session */
}

static void deliver(void *arg)
{
	struct job *job = arg;
	if (!job->x->stopping) /* read on the loop, which alone sets it */
		job->cb(job->arg, job->ticket, &job->outcome);
	close(job->cancel_fd);
	free(job);
}

static void perform(struct executor *x, struct job *job)
{
	struct ssh_session *one_shot = NULL;
	struct ssh_session **kept = job->session ? &job->session->ssh : &one_shot;
	x->opts.run(x->opts.drivers, &job->verb, job->cancel_fd, kept, &job->outcome);
	ssh_close(one_shot);
}

static void *work(void *arg)
{
	struct executor *x = arg;
	pthread_mutex_lock(&x->lock);
	for (;;) {
		struct job *job = take_job(x);
		if (!job && x->stopping && !x->waiting)
			break;
		if (!job) {
			pthread_cond_wait(&x->work, &x->lock);
			continue;
		}
		pthread_mutex_unlock(&x->lock);
		perform(x, job);
		pthread_mutex_lock(&x->lock);
		untake(x, job);
		if (!mailbox_post(x->opts.loop, deliver, job)) {
			close(job->cancel_fd);
			free(job);
		}
	}
	pthread_mutex_unlock(&x->lock);
	return NULL;
}

static uint64_t submit(void *ctx, const struct verb *verb, outcome_cb *cb, void *arg)
{
	struct executor *x = ctx;
	struct job *job = mem_calloc(1, sizeof(*job));
	*job = (struct job){ .x = x, .verb = *verb, .cb = cb, .arg = arg };
	job->cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); /* -1: only the deadline bounds it */
	pthread_mutex_lock(&x->lock);
	uint64_t ticket = job->ticket = ++x->last_ticket;
	struct job **at = &x->waiting;
	while (*at)
		at = &(*at)->next;
	*at = job;
	pthread_cond_signal(&x->work);
	pthread_mutex_unlock(&x->lock);
	return ticket;
}

static void wake(struct job *jobs, uint64_t ticket)
{
	const uint64_t one = 1;
	for (struct job *job = jobs; job; job = job->next)
		if ((!ticket || job->ticket == ticket) && job->cancel_fd >= 0)
			(void)!write(job->cancel_fd, &one, sizeof(one));
}

static void cancel(void *ctx, uint64_t ticket)
{
	struct executor *x = ctx;
	pthread_mutex_lock(&x->lock);
	wake(x->waiting, ticket);
	wake(x->running, ticket);
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

enum err_code executor_start(const struct executor_opts *opts, struct executor **out, struct err *e)
{
	struct executor *x = mem_calloc(1, sizeof(*x));
	sigset_t all, before;
	x->opts = *opts;
	pthread_mutex_init(&x->lock, NULL);
	pthread_cond_init(&x->work, NULL);
	x->threads = mem_calloc(opts->threads, sizeof(*x->threads));
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the loop's */
	int rc = 0;
	while (!rc && x->started < opts->threads) {
		rc = pthread_create(&x->threads[x->started], NULL, work, x);
		x->started += rc == 0;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc) {
		executor_stop(x);
		executor_free(x);
		return err_set_errno(e, ERR_LOCAL, rc, "executor threads");
	}
	*out = x;
	return ERR_OK;
}

void executor_stop(struct executor *x)
{
	pthread_mutex_lock(&x->lock);
	x->stopping = true;
	wake(x->waiting, 0);
	wake(x->running, 0);
	pthread_cond_broadcast(&x->work);
	pthread_mutex_unlock(&x->lock);
	for (unsigned i = 0; i < x->started; i++)
		pthread_join(x->threads[i], NULL);
}

void executor_free(struct executor *x)
{
	if (!x)
		return;
	while (x->sessions) {
		struct kept_session *s = x->sessions;
		x->sessions = s->next;
		ssh_close(s->ssh);
		free(s);
	}
	pthread_mutex_destroy(&x->lock);
	pthread_cond_destroy(&x->work);
	free(x->threads);
	free(x);
}
