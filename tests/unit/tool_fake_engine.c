/* Serves four pretended pairs on a UNIX socket, to look at the coldmx command without a mail host:
 *   tool_fake_engine /tmp/sock 400 &   then   coldmx --socket /tmp/sock status
 * Ends on SIGTERM or SIGINT. */
#include "fake_engine.h"

#include <signal.h>

int main(int argc, char **argv)
{
	static struct fake f;
	struct err e;
	sigset_t set;
	if (argc < 2) {
		fprintf(stderr, "usage: tool_fake_engine SOCKET [STEP_MS [STUCK_STEP]]\n");
		return 2;
	}
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (fake_start(&f, argv[1], argc > 2 ? atoi(argv[2]) : 300, &e) != ERR_OK) {
		fprintf(stderr, "tool_fake_engine: %s\n", e.text);
		return 1;
	}
	f.fail_step = argc > 3 ? atoi(argv[3]) : -1;
	struct timespec beat = { .tv_sec = 1 };
	while (sigtimedwait(&set, NULL, &beat) < 0)
		views_heartbeat(f.views, clock_boot_ms(), true);
	fake_stop(&f);
	return unlink(argv[1]);
}
