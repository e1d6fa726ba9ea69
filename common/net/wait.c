/* poll(2) counts on CLOCK_MONOTONIC, which stands still in a suspension; the deadline does not.
 * So no single poll is longer than a second, and the deadline is looked at again after each. */
#include "wait.h"

#include <errno.h>
#include <poll.h>

#include "../base/clock.h"

#define SLICE_MS 1000

static int slice_ms(int64_t deadline_ms)
{
	int64_t left_ms = deadline_ms - clock_boot_ms();

	if (left_ms <= 0)
		return 0;
	return left_ms < SLICE_MS ? (int)left_ms : SLICE_MS;
}

enum err_code net_wait(int fd, unsigned events, int64_t deadline_ms, int cancel_fd, struct err *e)
{
	struct pollfd set[2] = { { .fd = fd }, { .fd = cancel_fd, .events = POLLIN } };

	if (events & NET_WAIT_READ)
		set[0].events |= POLLIN;
	if (events & NET_WAIT_WRITE)
		set[0].events |= POLLOUT;
	for (;;) {
		int timeout_ms = slice_ms(deadline_ms);
		int n = poll(set, 2, timeout_ms);

		if (n < 0 && errno != EINTR)
			return err_set_errno(e, ERR_LOCAL, errno, "poll");
		if (n > 0) {
			BUG_ON((set[0].revents | set[1].revents) & POLLNVAL);
			if (set[1].revents)
				return err_set(e, ERR_CANCELLED, "cancelled");
			return ERR_OK;
		}
		if (timeout_ms == 0)
			return err_set(e, ERR_TIMEOUT, "the deadline passed");
	}
}
