/* objs: controller/real/mailbox.o */
/* mailbox.c: order, limits, wakes, closing, and many posters against one owner. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>

#include "../../controller/real/mailbox.h"

#define POSTERS 4
#define POSTS 20000

static int seen[64];
static size_t nseen;

static void note(void *arg)
{
	seen[nseen++] = *(int *)arg;
}

static void count_wake(void *arg)
{
	++*(int *)arg;
}

static void test_order_and_wakes(void **state)
{
	(void)state;
	int wakes = 0, n[3] = { 10, 11, 12 };
	struct mailbox *mb = mailbox_new(8, count_wake, &wakes);
	nseen = 0;
	assert_int_equal(mailbox_drain(mb), 0);
	for (int i = 0; i < 3; i++)
		assert_true(mailbox_post(mb, note, &n[i]));
	assert_int_equal(wakes, 1); /* only when it stopped being empty */
	assert_int_equal(mailbox_drain(mb), 3);
	for (int i = 0; i < 3; i++)
		assert_int_equal(seen[i], n[i]);
	assert_true(mailbox_post(mb, note, &n[0]));
	assert_int_equal(wakes, 2);
	assert_int_equal(mailbox_drain(mb), 1);
	mailbox_free(mb);
}

static void test_limit(void **state)
{
	(void)state;
	int n = 1;
	struct mailbox *mb = mailbox_new(2, NULL, NULL);
	nseen = 0;
	assert_true(mailbox_try_post(mb, note, &n));
	assert_true(mailbox_try_post(mb, note, &n));
	assert_false(mailbox_try_post(mb, note, &n));
	assert_true(mailbox_post(mb, note, &n)); /* an answer always fits */
	assert_int_equal(mailbox_drain(mb), 3);
	assert_true(mailbox_try_post(mb, note, &n));
	assert_int_equal(mailbox_drain(mb), 1);
	mailbox_free(mb);
}

struct chain {
	struct mailbox *mb;
	int left;
};

static void post_again(void *arg)
{
	struct chain *chain = arg;
	if (--chain->left)
		assert_true(mailbox_post(chain->mb, post_again, chain));
}

static void test_post_from_mail_waits(void **state)
{
	(void)state;
	struct chain chain = { mailbox_new(8, NULL, NULL), 3 };
	assert_true(mailbox_post(chain.mb, post_again, &chain));
	for (int turns = 1; turns <= 3; turns++) {
		assert_int_equal(mailbox_drain(chain.mb), 1);
		assert_int_equal(chain.left, 3 - turns);
	}
	assert_int_equal(mailbox_drain(chain.mb), 0);
	mailbox_free(chain.mb);
}

static void test_close(void **state)
{
	(void)state;
	int wakes = 0, n = 1;
	struct mailbox *mb = mailbox_new(8, count_wake, &wakes);
	nseen = 0;
	assert_true(mailbox_post(mb, note, &n));
	mailbox_close(mb);
	mailbox_close(mb);
	assert_int_equal(wakes, 2);
	assert_false(mailbox_post(mb, note, &n));
	assert_false(mailbox_try_post(mb, note, &n));
	assert_true(mailbox_wait(mb)); /* what waited is not lost */
	assert_int_equal(mailbox_drain(mb), 1);
	assert_false(mailbox_wait(mb));
	assert_int_equal(wakes, 2);
	mailbox_free(mb);
	mailbox_free(NULL);
}

struct poster {
	struct mailbox *mb;
	int sent, got;
};

struct letter {
	struct poster *from;
	int number;
};

static struct letter letters[POSTERS][POSTS];

static void got_letter(void *arg)
{
	struct letter *letter = arg;
	assert_int_equal(letter->number, letter->from->got); /* in order, each poster for itself */
	letter->from->got++;
}

static void *poster_run(void *arg)
{
	struct poster *poster = arg;
	struct letter *mine = letters[poster->sent];
	for (int i = 0; i < POSTS; i++) {
		mine[i] = (struct letter){ poster, i };
		if (!mailbox_post(poster->mb, got_letter, &mine[i]))
			return poster;
	}
	return NULL;
}

static void test_threads(void **state)
{
	(void)state;
	struct mailbox *mb = mailbox_new(8, NULL, NULL);
	struct poster poster[POSTERS];
	pthread_t thread[POSTERS];
	for (int i = 0; i < POSTERS; i++) {
		poster[i] = (struct poster){ .mb = mb, .sent = i };
		assert_int_equal(pthread_create(&thread[i], NULL, poster_run, &poster[i]), 0);
	}
	size_t got = 0;
	while (got < (size_t)POSTERS * POSTS) {
		assert_true(mailbox_wait(mb));
		got += mailbox_drain(mb);
	}
	for (int i = 0; i < POSTERS; i++) {
		void *failed;
		assert_int_equal(pthread_join(thread[i], &failed), 0);
		assert_null(failed);
		assert_int_equal(poster[i].got, POSTS);
	}
	mailbox_close(mb);
	assert_false(mailbox_wait(mb));
	mailbox_free(mb);
}

static void *close_it(void *arg)
{
	mailbox_close(arg);
	return NULL;
}

static void test_close_wakes_waiter(void **state)
{
	(void)state;
	struct mailbox *mb = mailbox_new(8, NULL, NULL);
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, close_it, mb), 0);
	assert_false(mailbox_wait(mb));
	assert_int_equal(pthread_join(thread, NULL), 0);
	mailbox_free(mb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order_and_wakes),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_post_from_mail_waits),
		cmocka_unit_test(test_close),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_close_wakes_waiter),
	};
	return cmocka_run_group_tests_name("mailbox", tests, NULL, NULL);
}
