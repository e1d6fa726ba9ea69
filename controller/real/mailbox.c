/* Two arrays: posters fill one under the lock, the owner swaps them and runs the other
 * without it. */
#include "mailbox.h"

#include <pthread.h>
#include <stdlib.h>

#include "../../common/base/mem.h"

#define KEEP_SLOTS 1024 /* a burst's memory is given back */

struct mail {
	mail_fn *fn;
	void *arg;
};

struct tray {
	struct mail *mail;
	size_t count, cap;
};

struct mailbox {
	pthread_mutex_t lock;
	pthread_cond_t arrived;
	struct tray in;  /* under the lock */
	struct tray out; /* the owner's */
	bool closed;
	size_t limit;
	mailbox_wake *wake;
	void *wake_arg;
};

struct mailbox *mailbox_new(size_t limit, mailbox_wake *wake, void *wake_arg)
{
	struct mailbox *mb = mem_calloc(1, sizeof(*mb));
	BUG_ON(pthread_mutex_init(&mb->lock, NULL) || pthread_cond_init(&mb->arrived, NULL));
	mb->limit = limit;
	mb->wake = wake;
	mb->wake_arg = wake_arg;
	return mb;
}

void mailbox_free(struct mailbox *mb)
{
	if (!mb)
		return;
	pthread_cond_destroy(&mb->arrived);
	pthread_mutex_destroy(&mb->lock);
	free(mb->in.mail);
	free(mb->out.mail);
	free(mb);
}

static void wake_owner(struct mailbox *mb)
{
	if (mb->wake)
		mb->wake(mb->wake_arg);
	else
		pthread_cond_signal(&mb->arrived);
}

static bool post_below(struct mailbox *mb, size_t limit, mail_fn *fn, void *arg)
{
	pthread_mutex_lock(&mb->lock);
	bool taken = !mb->closed && mb->in.count < limit;
	if (taken) {
		struct tray *in = &mb->in;
		if (in->count == in->cap) {
			in->cap = in->cap ? in->cap * 2 : 16;
			in->mail = mem_realloc(in->mail, in->cap, sizeof(*in->mail));
		}
		in->mail[in->count++] = (struct mail){ fn, arg };
		if (in->count == 1)
			wake_owner(mb);
	}
	pthread_mutex_unlock(&mb->lock);
	return taken;
}

bool mailbox_post(struct mailbox *mb, mail_fn *fn, void *arg)
{
	return post_below(mb, (size_t)-1, fn, arg);
}

bool mailbox_try_post(struct mailbox *mb, mail_fn *fn, void *arg)
{
	return post_below(mb, mb->limit, fn, arg);
}

size_t mailbox_drain(struct mailbox *mb)
{
	pthread_mutex_lock(&mb->lock);
	struct tray full = mb->in;
	mb->in = mb->out;
	mb->out = (struct tray){ NULL, 0, 0 };
	pthread_mutex_unlock(&mb->lock);

	for (size_t i = 0; i < full.count; i++)
		full.mail[i].fn(full.mail[i].arg);

	size_t ran = full.count;
	full.count = 0;
	if (full.cap > KEEP_SLOTS) {
		free(full.mail);
		full = (struct tray){ NULL, 0, 0 };
	}
	mb->out = full;
	return ran;
}

bool mailbox_wait(struct mailbox *mb)
{
	pthread_mutex_lock(&mb->lock);
	while (!mb->in.count && !mb->closed)
		pthread_cond_wait(&mb->arrived, &mb->lock);
	bool mail = mb->in.count > 0;
	pthread_mutex_unlock(&mb->lock);
	return mail;
}

void mailbox_close(struct mailbox *mb)
{
	pthread_mutex_lock(&mb->lock);
	if (!mb->closed) {
		mb->closed = true;
		wake_owner(mb);
	}
	pthread_mutex_unlock(&mb->lock);
}
