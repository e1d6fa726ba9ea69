/* The daemon: parts in the order in which they start, a loop that looks every few seconds, the parts backwards. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <curl/curl.h>
#include <systemd/sd-daemon.h>

#include "../common/base/clock.h"
#include "../common/base/log.h"
#include "../common/net/wait.h"
#include "commands.h"
#include "http.h"
#include "poller.h"
#include "report.h"
#include "state.h"

struct agent {
	const struct agent_config *config;
	char boot_id[RIGHTS_BOOT_ID_SIZE];
	int signal_fd;
	struct pager *pager;
	struct report *report;
	struct http *http;
	struct poller *poller;
};

/* Blocked before any thread begins, so that each of them inherits it. */
static enum err_code take_signals(struct agent *a, struct err *e)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	signal(SIGPIPE, SIG_IGN);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	a->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return a->signal_fd < 0 ? err_set_errno(e, ERR_LOCAL, errno, "signalfd") : ERR_OK;
}

static enum err_code start(struct agent *a, struct err *e)
{
	enum err_code rc = take_signals(a, e);
	if (rc == ERR_OK && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		rc = err_set(e, ERR_LOCAL, "libcurl does not start");
	if (rc == ERR_OK)
		rc = state_boot_id(a->boot_id, e);
	if (rc == ERR_OK)
		rc = state_note_boot(a->config->state_dir, a->boot_id, "", e);
	if (rc == ERR_OK)
		rc = state_prepare(a->config->state_dir, e);
	if (rc != ERR_OK)
		return rc;
	rc = pager_start(a->config, &a->pager, e);
	if (rc != ERR_OK)
		return rc;
	a->report = report_new(a->config, a->boot_id, a->pager);
	report_look(a->report, a->signal_fd);
	rc = http_start(a->config, a->report, &a->http, e);
	return rc == ERR_OK ? poller_start(a->config, a->boot_id, &a->poller, e) : rc;
}

static void stop(struct agent *a)
{
	poller_stop(a->poller);
	http_stop(a->http);
	report_free(a->report);
	pager_stop(a->pager);
	curl_global_cleanup();
	if (a->signal_fd >= 0)
		close(a->signal_fd);
}

static void tell_systemd(struct agent *a, const char *state)
{
	char status[400];
	report_status(a->report, status, sizeof(status));
	sd_notifyf(0, "%s\nSTATUS=%s", state, status);
}

int command_serve(const struct agent_config *c)
{
	struct agent a = { .config = c, .signal_fd = -1 };
	struct err e = { 0 };
	if (start(&a, &e) != ERR_OK) {
		log_error("agent", "%s", e.text);
		stop(&a);
		return EXIT_FAILURE;
	}
	tell_systemd(&a, "READY=1");
	log_note("agent", "%s of pair %s, boot %s", rights_place_name(c->role), c->pair, a.boot_id);
	while (net_wait(-1, 0, clock_boot_ms() + c->check_every_ms, a.signal_fd, NULL) == ERR_TIMEOUT) {
		report_look(a.report, a.signal_fd);
		tell_systemd(&a, "WATCHDOG=1");
	}
	sd_notify(0, "STOPPING=1");
	stop(&a);
	return EXIT_SUCCESS;
}
