/* One uv_poll for all probes: a watcher a socket would cost more instructions than the probe itself. */
#include "probe_port.h"

#include <stdlib.h>

#include "../../common/base/clock.h"
#include "../../common/base/mem.h"

struct probe_port {
	struct prober *prober;
	uv_poll_t poll;
	uv_timer_t timer;
	struct loop *loop;
	uv_loop_t *uv;
	bool stopped;
};

static void on_timer(uv_timer_t *timer);

static void arm(struct probe_port *port)
{
	if (port->stopped)
		return;
	int64_t next_ms = prober_next_ms(port->prober);
	if (next_ms == INT64_MAX) {
		uv_timer_stop(&port->timer);
		return;
	}
	int64_t left_ms = next_ms - clock_boot_ms();
	uv_update_time(port->uv);
	uv_timer_start(&port->timer, on_timer, left_ms > 0 ? (uint64_t)left_ms : 0, 0);
}

static void process(struct probe_port *port)
{
	loop_notice_stop(port->loop);
	prober_process(port->prober, (struct instant){ clock_boot_ms(), clock_wall_ms() });
	arm(port);
}

static void on_timer(uv_timer_t *timer)
{
	process(timer->data);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	process(poll->data);
}

enum err_code probe_port_start(struct loop *loop, round_token_fn *token, void *token_arg, struct probe_port **out,
			       struct err *e)
{
	struct probe_port *port = mem_calloc(1, sizeof(*port));
	enum err_code rc = prober_new(token, token_arg, &port->prober, e);
	if (rc) {
		free(port);
		return rc;
	}
	port->loop = loop;
	port->uv = loop_uv(loop);
	int uv_rc = uv_poll_init(port->uv, &port->poll, prober_fd(port->prober));
	if (uv_rc) {
		prober_free(port->prober);
		free(port);
		return err_set(e, ERR_LOCAL, "probes: %s", uv_strerror(uv_rc));
	}
	uv_timer_init(port->uv, &port->timer);
	port->poll.data = port->timer.data = port;
	uv_poll_start(&port->poll, UV_READABLE, on_poll);
	*out = port;
	return ERR_OK;
}

void probe_port_stop(struct probe_port *port)
{
	if (!port)
		return;
	port->stopped = true;
	uv_close((uv_handle_t *)&port->poll, NULL);
	uv_close((uv_handle_t *)&port->timer, NULL);
	uv_run(port->uv, UV_RUN_NOWAIT); /* the handles live in the port: let libuv finish with them */
}

void probe_port_free(struct probe_port *port)
{
	if (!port)
		return;
	prober_free(port->prober);
	free(port);
}

void probe_port_stats(const struct probe_port *port, struct prober_stats *out)
{
	prober_stats(port->prober, out);
}

static uint32_t port_add(void *ctx, const struct probe_opts *opts, result_cb *cb, void *arg)
{
	struct probe_port *port = ctx;
	uint32_t id = prober_add(port->prober, opts, cb, arg, clock_boot_ms());
	arm(port);
	return id;
}

static void port_hurry(void *ctx, uint32_t id, int64_t every_ms)
{
	struct probe_port *port = ctx;
	prober_hurry(port->prober, id, every_ms, clock_boot_ms());
	arm(port);
}

static void port_remove(void *ctx, uint32_t id)
{
	struct probe_port *port = ctx;
	prober_remove(port->prober, id);
}

const struct probe_ops probe_port_ops = { port_add, port_hurry, port_remove };
