/* A request is one struct job that goes to the store thread and comes back to the loop. The thread
 * takes all that waits, gathers its commits into groups (one fsync each) and sends each group back
 * as one mail. A read first writes the group before it, so that it sees what was committed before
 * it was asked. */
#include "store_port.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/base/mem.h"

#define GROUP_MAX 256    /* commits behind one fsync */
#define WAITING_MAX 256  /* mails before a surface's read is refused */
#define AUDIT_SLICE 2000 /* rows walked before commits get their turn */

enum job_kind { JOB_OWN, JOB_COMMIT, JOB_READ, JOB_HISTORY, JOB_AUDIT };

struct job {
	enum job_kind kind;
	struct store_port *port;
	struct job *next; /* in its group */
	union {
		owner_cb *own;
		commit_cb *commit;
		rows_cb *read;
		store_history_cb *history;
		audit_cb *audit;
	} cb;
	void *arg;
	struct txn txn; /* COMMIT: records and bodies lie behind the job */
	struct history_query query;
	struct audit_walk walk;
	struct store_rows rows;
	enum store_rc rc;
	struct err why;
};

struct store_port {
	struct mailbox *inbox; /* the store thread's */
	struct mailbox *loop;
	pthread_t thread;
	char *path;
	bool create;

	/* store thread */
	struct sqlite_store *store; /* NULL: not open */
	struct err open_err;
	struct job *group[GROUP_MAX];
	size_t group_len;

	/* loop */
	struct err trouble;
	store_trouble_cb *on_trouble;
	void *trouble_arg;
};

static struct job *job_new(struct store_port *port, enum job_kind kind, void *arg, size_t extra)
{
	struct job *job = mem_calloc(1, sizeof(*job) + extra);
	job->kind = kind;
	job->port = port;
	job->arg = arg;
	job->rc = STORE_AWAY;
	return job;
}

static void job_free(struct job *job)
{
	store_rows_fini(&job->rows);
	free(job);
}

/* -- on the loop ------------------------------------------------------------------------------ */

/* Only a commit proves that the trouble is over: a full disk can still be read. */
static void note_trouble(struct store_port *port, const struct err *why, bool committed)
{
	if (why->code == ERR_CANCELLED || (why->code == ERR_OK && !committed))
		return;
	if (why->code == port->trouble.code && strcmp(why->text, port->trouble.text) == 0)
		return;
	port->trouble = *why;
	if (port->on_trouble)
		port->on_trouble(port->trouble_arg, why);
}

static void job_answer(struct job *job)
{
	note_trouble(job->port, &job->why, job->kind == JOB_COMMIT && job->rc == STORE_OK);
	switch (job->kind) {
	case JOB_OWN: job->cb.own(job->arg, job->rc == STORE_OK); break;
	case JOB_COMMIT: job->cb.commit(job->arg, job->rc); break;
	case JOB_READ: job->cb.read(job->arg, job->rc, job->rows.rec, job->rows.count); break;
	case JOB_HISTORY: job->cb.history(job->arg, job->rc, &job->rows, &job->why); break;
	case JOB_AUDIT: job->cb.audit(job->arg, job->rc, &job->walk, &job->why); break;
	}
}

static void jobs_answer(void *arg)
{
	struct job *job = arg;
	while (job) {
		struct job *next = job->next;
		job_answer(job);
		job_free(job);
		job = next;
	}
}

/* A loop that closed its mailbox wants no answers any more. */
static void jobs_send(struct store_port *port, struct job *first)
{
	if (mailbox_post(port->loop, jobs_answer, first))
		return;
	while (first) {
		struct job *next = first->next;
		job_free(first);
		first = next;
	}
}

/* -- on the store thread ---------------------------------------------------------------------- */

static void group_write(struct store_port *port)
{
	const struct txn *txn[GROUP_MAX];
	enum store_rc rc[GROUP_MAX];
	struct err why = { 0 };
	size_t n = port->group_len;
	if (!n)
		return;
	port->group_len = 0;
	for (size_t i = 0; i < n; i++)
		txn[i] = &port->group[i]->txn;
	sqlite_store_apply(port->store, txn, n, rc, &why);
	for (size_t i = 0; i < n; i++) {
		struct job *job = port->group[i];
		job->rc = rc[i];
		if (rc[i] == STORE_AWAY || rc[i] == STORE_UNKNOWN)
			job->why = why;
		job->next = i + 1 < n ? port->group[i + 1] : NULL;
	}
	jobs_send(port, port->group[0]);
}

static void job_read(struct job *job)
{
	struct store_port *port = job->port;
	enum err_code rc = job->kind == JOB_READ
				   ? sqlite_store_read_state(port->store, &job->rows, &job->why)
				   : sqlite_store_history(port->store, &job->query, &job->rows, &job->why);
	job->rc = rc == ERR_OK ? STORE_OK : STORE_AWAY;
}

static void job_do(void *arg);

/* True: done; false: the next slice waits behind what came in meanwhile. */
static bool job_audit(struct job *job)
{
	struct store_port *port = job->port;
	enum err_code rc = sqlite_store_audit_verify(port->store, &job->walk, AUDIT_SLICE, &job->why);
	if (rc == ERR_OK && !job->walk.done) {
		if (mailbox_post(port->inbox, job_do, job))
			return false;
		err_set(&job->why, ERR_CANCELLED, "the controller stops");
		return true;
	}
	job->rc = rc == ERR_OK ? STORE_OK : STORE_AWAY;
	return true;
}

static void job_do(void *arg)
{
	struct job *job = arg;
	struct store_port *port = job->port;
	if (job->kind == JOB_COMMIT && port->store) {
		port->group[port->group_len++] = job;
		if (port->group_len == GROUP_MAX)
			group_write(port);
		return;
	}
	group_write(port);
	if (!port->store)
		job->why = port->open_err;
	else if (job->kind == JOB_OWN)
		job->rc = STORE_OK;
	else if (job->kind != JOB_AUDIT)
		job_read(job);
	else if (!job_audit(job))
		return;
	jobs_send(port, job);
}

static void *store_thread(void *arg)
{
	struct store_port *port = arg;
	if (sqlite_store_open(port->path, port->create, &port->store, &port->open_err) != ERR_OK)
		port->store = NULL;
	while (mailbox_wait(port->inbox)) {
		mailbox_drain(port->inbox);
		group_write(port);
	}
	sqlite_store_close(port->store);
	return NULL;
}

/* -- calls ------------------------------------------------------------------------------------ */

struct store_port *store_port_start(const struct store_port_opts *opts)
{
	struct store_port *port = mem_calloc(1, sizeof(*port));
	port->inbox = mailbox_new(WAITING_MAX, NULL, NULL);
	port->loop = opts->loop;
	port->path = mem_strdup(opts->path);
	port->create = opts->create;
	port->on_trouble = opts->on_trouble;
	port->trouble_arg = opts->trouble_arg;
	BUG_ON(pthread_create(&port->thread, NULL, store_thread, port));
	return port;
}

void store_port_stop(struct store_port *port)
{
	mailbox_close(port->inbox);
	BUG_ON(pthread_join(port->thread, NULL));
}

void store_port_free(struct store_port *port)
{
	mailbox_free(port->inbox);
	free(port->path);
	free(port);
}

/* Of the ops; the loop makes no calls after stop. */
static void job_post(struct job *job)
{
	BUG_ON(!mailbox_post(job->port->inbox, job_do, job));
}

/* One allocation for the job, its records and their bodies. */
static struct job *job_commit_new(struct store_port *port, const struct txn *txn, void *arg)
{
	size_t rec_bytes = txn->nrec * sizeof(struct record);
	size_t body_bytes = 0;
	for (size_t i = 0; i < txn->nrec; i++)
		body_bytes += strlen(txn->rec[i].body) + 1;
	struct job *job = job_new(port, JOB_COMMIT, arg, rec_bytes + body_bytes);
	struct record *rec = (struct record *)(job + 1);
	char *body = (char *)(rec + txn->nrec);
	job->txn = (struct txn){ .guard = txn->guard, .rec = rec, .nrec = txn->nrec };
	for (size_t i = 0; i < txn->nrec; i++) {
		size_t len = strlen(txn->rec[i].body) + 1;
		rec[i] = txn->rec[i];
		rec[i].body = memcpy(body, txn->rec[i].body, len);
		body += len;
	}
	return job;
}

static void port_commit(void *ctx, const struct txn *txn, commit_cb *cb, void *arg)
{
	struct job *job = job_commit_new(ctx, txn, arg);
	job->cb.commit = cb;
	job_post(job);
}

static void port_read(void *ctx, const struct query *query, rows_cb *cb, void *arg)
{
	struct job *job = job_new(ctx, JOB_READ, arg, 0);
	BUG_ON(query->kind != QUERY_ALL_STATE);
	job->cb.read = cb;
	job_post(job);
}

static void port_own(void *ctx, owner_cb *cb, void *arg)
{
	struct job *job = job_new(ctx, JOB_OWN, arg, 0);
	job->cb.own = cb;
	job_post(job);
}

const struct store_ops store_port_ops = {
	.commit = port_commit,
	.read = port_read,
	.own = port_own,
};

static bool job_try_post(struct job *job)
{
	if (mailbox_try_post(job->port->inbox, job_do, job))
		return true;
	job_free(job);
	return false;
}

bool store_port_history(struct store_port *port, const struct history_query *query, store_history_cb *cb, void *arg)
{
	struct job *job = job_new(port, JOB_HISTORY, arg, 0);
	job->query = *query;
	job->cb.history = cb;
	return job_try_post(job);
}

bool store_port_audit_verify(struct store_port *port, uint32_t pair, audit_cb *cb, void *arg)
{
	struct job *job = job_new(port, JOB_AUDIT, arg, 0);
	audit_walk_init(&job->walk, pair);
	job->cb.audit = cb;
	return job_try_post(job);
}
