/* The prober's round under net_wait instead of epoll, so that "the standby answers" means the same
 * thing in both places. */
#include "smtp_check.h"

#include <stdlib.h>
#include <string.h>

#include "../../common/base/clock.h"
#include "../../common/base/mem.h"
#include "../../common/net/wait.h"
#include "../../common/probe/round.h"

#define OVERTIME_MS 200   /* for what was ready when the deadline passed */
#define QUIT_WAIT_MS 1000 /* for the answer to QUIT, once nothing more is to be learnt */

static int64_t earlier(int64_t a_ms, int64_t b_ms)
{
	return a_ms < b_ms ? a_ms : b_ms;
}

/* ERR_OK: the round has decided by itself; ERR_TIMEOUT: the deadline decided. */
static enum err_code drive(struct round *r, const struct smtp_check_opts *o, struct err *e)
{
	int64_t deadline_ms = o->deadline_ms;
	bool leaving = false;

	for (;;) {
		enum round_wait wait = round_step(r, true);

		if (wait == ROUND_OVER)
			return ERR_OK;
		if (r->decided && !leaving) {
			leaving = true;
			deadline_ms = earlier(deadline_ms, clock_boot_ms() + QUIT_WAIT_MS);
		}
		unsigned events = wait == ROUND_READ ? NET_WAIT_READ : NET_WAIT_WRITE;
		enum err_code rc = net_wait(r->stream.fd, events, deadline_ms, o->cancel_fd, e);
		/* A peer that always has one more byte ready must not outlive the deadline either.
		 */
		if (rc == ERR_OK && clock_boot_ms() < deadline_ms + OVERTIME_MS)
			continue;
		if (rc == ERR_OK || rc == ERR_TIMEOUT) {
			rc = ERR_TIMEOUT;
			round_expire(r, NULL);
		} else {
			round_stop(r);
		}
		return leaving ? ERR_OK : rc;
	}
}

static enum err_code verdict_code(const struct round *r, bool timed_out)
{
	switch (r->outcome) {
	case PROBE_OK: return ERR_OK;
	case PROBE_BUSY: return ERR_AGAIN;
	case PROBE_LOCAL: return ERR_LOCAL;
	case PROBE_FAIL: break;
	}
	if (timed_out)
		return ERR_TIMEOUT;
	return r->code >= 500 ? ERR_FAILED : ERR_REFUSED;
}

static enum err_code report(const struct round *r, const struct smtp_check_opts *o, bool timed_out,
			    struct smtp_answer *answer, struct err *e)
{
	char to[NET_ADDR_PORT_MAX];
	enum err_code code = verdict_code(r, timed_out);

	if (code != ERR_OK)
		(void)str_copy(answer->layer, sizeof(answer->layer), probe_layer_name(r->layer));
	/* A refusal at RCPT is an answer, not an error. */
	if (o->known[0] && answer->known_code && (!o->unknown[0] || answer->unknown_code))
		code = ERR_OK;
	if (code == ERR_OK) {
		err_clear(e);
		return ERR_OK;
	}
	net_addr_format(r->opts.to, to, sizeof(to));
	return err_set(e, code, "SMTP check of %s failed at %s: %s", to, probe_layer_name(r->layer), r->reason);
}

/* A handshake that broke took the connection with it; the next one can do without. */
static bool tls_broke(const struct round *r)
{
	return r->opts.tls && r->decided && r->outcome == PROBE_FAIL && r->layer == LAYER_STARTTLS && !r->hung;
}

static enum err_code run_round(const struct smtp_check_opts *o, const struct round_opts *ro, struct smtp_answer *answer,
			       bool *broke, struct err *e)
{
	struct round *r = mem_calloc(1, sizeof(*r));

	round_init(r);
	round_start(r, ro);
	enum err_code rc = r->part == ROUND_PART_OVER ? ERR_OK : drive(r, o, e);
	/* Before the connection stands there is no dialogue, and its memory is zero. */
	answer->known_code = r->u.smtp.known_code;
	answer->unknown_code = r->u.smtp.unknown_code;
	*broke = tls_broke(r);
	if (*broke || r->tls_trouble[0])
		(void)str_copy(answer->tls_trouble, sizeof(answer->tls_trouble), *broke ? r->reason : r->tls_trouble);
	if (rc == ERR_OK || rc == ERR_TIMEOUT)
		rc = report(r, o, rc == ERR_TIMEOUT, answer, e);
	round_fini(r);
	free(r);
	return rc;
}

enum err_code smtp_check_run(const struct smtp_check_opts *opts, struct smtp_answer *answer, struct err *e)
{
	struct net_addr to;
	struct round_opts ro = { .kind = PROBE_SMTP,
				 .to = &to,
				 .name = opts->name,
				 .ehlo = opts->ehlo,
				 .known = opts->known,
				 .unknown = opts->unknown,
				 .token_name = "" };
	enum err_code rc;
	bool broke;

	memset(answer, 0, sizeof(*answer));
	if ((rc = net_addr_parse(opts->addr, opts->port, &to, e)) != ERR_OK)
		return rc;
	if (opts->family && opts->family != net_addr_family(&to))
		return err_set(e, ERR_INVALID, "\"%s\" is no IPv%d address", opts->addr, opts->family);
	if (opts->name[0] && net_tls_ctx_new(opts->ca_file, &ro.tls, e) != ERR_OK)
		(void)str_copy(answer->tls_trouble, sizeof(answer->tls_trouble), e->text);
	struct tls_ctx *tls = ro.tls;
	rc = run_round(opts, &ro, answer, &broke, e);
	if (broke) {
		ro.tls = NULL;
		answer->layer[0] = '\0';
		rc = run_round(opts, &ro, answer, &broke, e);
	}
	net_tls_ctx_free(tls);
	return rc;
}
