/* coldmxd: options, the list of parts in the order in which they start, run, and the same list backwards. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

#include "../common/base/clock.h"
#include "../common/base/log.h"
#include "../common/base/mem.h"
#include "../common/marker.h"
#include "config_drivers.h"
#include "config_runbook.h"
#include "real/executor.h"
#include "real/loop.h"
#include "real/probe_port.h"
#include "real/store_port.h"
#include "surface/maps_store.h"
#include "surface/server.h"
#include "surface/views.h"

#define EXIT_CONFIG 2
#define DEFAULT_CONFIG "/etc/coldmx/coldmx.conf"

struct daemon {
	struct config *config;
	struct loop *loop;
	struct store_port *store;
	struct drivers drivers;
	struct executor *executor;
	struct probe_port *probes;
	struct views *views;
	struct engine *engine;
	struct server *server;
	bool told_ready, store_refused;
};

static void on_suspended(void *arg)
{
	struct daemon *d = arg;
	engine_suspended(d->engine);
}

static void on_stop(void *arg)
{
	struct daemon *d = arg;
	log_note("coldmxd", "stopping; a running operation is taken up again at the next start");
	sd_notify(0, "STOPPING=1");
	engine_stop(d->engine);
	loop_stop(d->loop);
}

static void on_beat(void *arg)
{
	struct daemon *d = arg;
	bool ready = engine_ready(d->engine);
	views_heartbeat(d->views, clock_boot_ms(), ready);
	server_tick(d->server);
	if (ready && !d->told_ready) {
		d->told_ready = true;
		sd_notify(0, "READY=1");
		log_note("coldmxd", "ready: %zu pairs are watched", d->config->npairs);
	}
	if (ready)
		sd_notify(0, "WATCHDOG=1");
}

/* Without its journal the daemon knows nothing, and a database that does not open is not tried again: it ends, with the
 * reason as its last word. */
static void on_store_trouble(void *arg, const struct err *why)
{
	struct daemon *d = arg;
	if (!why->code) {
		log_note("store", "works again");
		return;
	}
	log_error("store", "%s", why->text);
	if (d->told_ready)
		return;
	d->store_refused = true;
	engine_stop(d->engine);
	loop_stop(d->loop);
}

static bool find_token(void *arg, const char *name, char *out, size_t size)
{
	const struct config_secret *token = config_token(arg, name);
	return token && str_copy(out, size, token->bytes);
}

static void store_path(const struct config *c, char *out, size_t size)
{
	snprintf(out, size, "%s/coldmx.db", c->global.state_dir);
}

static enum err_code start_parts(struct daemon *d, struct err *e)
{
	const struct config *c = d->config;
	struct executor_opts executor = { .threads = (unsigned)c->global.executor_threads,
					  .drivers = &d->drivers,
					  .run = drivers_run };
	enum err_code rc = loop_new(&d->loop, e);
	if (!rc)
		rc = ssh_global_init(e);
	if (rc)
		return rc;
	char path[512];
	store_path(c, path, sizeof(path));
	struct store_port_opts store = {
		.path = path, .loop = loop_mailbox(d->loop), .on_trouble = on_store_trouble, .trouble_arg = d
	};
	d->store = store_port_start(&store);
	config_fill_drivers(c, &d->drivers);
	d->drivers.load_maps = maps_store_load;
	d->drivers.maps_arg = d->config;
	executor.loop = loop_mailbox(d->loop);
	rc = executor_start(&executor, &d->executor, e);
	if (!rc)
		rc = probe_port_start(d->loop, find_token, d->config, &d->probes, e);
	return rc;
}

static void start_engine(struct daemon *d)
{
	struct ports ports = {
		.store = &store_port_ops,
		.store_ctx = d->store,
		.exec = &executor_ops,
		.exec_ctx = d->executor,
		.probe = &probe_port_ops,
		.probe_ctx = d->probes,
		.time = &loop_time_ops,
		.time_ctx = d->loop,
		.random = loop_random,
		.log = loop_log,
	};
	struct loop_events events = { on_suspended, on_stop, on_beat, d };
	struct engine_opts opts;
	d->views = views_new(d->config->npairs, d->config->global.stranded_dir);
	config_fill_engine(d->config, &opts);
	d->engine = engine_new(&ports, &opts, views_publish, d->views);
	config_engine_free(&opts);
	loop_set_events(d->loop, &events);
}

static enum err_code start_server(struct daemon *d, struct err *e)
{
	struct server_opts opts = { .config = d->config,
				    .views = d->views,
				    .engine = d->engine,
				    .loop = loop_mailbox(d->loop),
				    .store = d->store };
	return server_start(&opts, &d->server, e);
}

/* Whoever makes calls stops before the one that takes them; the engine makes none since engine_stop. The probes' handles
 * are closed while the store is there, since that turns the loop once more. */
static void stop_parts(struct daemon *d)
{
	server_stop(d->server);
	probe_port_stop(d->probes);
	if (d->executor)
		executor_stop(d->executor);
	if (d->store)
		store_port_stop(d->store);
	if (d->loop)
		mailbox_drain(loop_mailbox(d->loop));
	engine_free(d->engine); /* takes its probes out of the port */
	probe_port_free(d->probes);
	executor_free(d->executor);
	if (d->store)
		store_port_free(d->store);
	config_drivers_free(&d->drivers);
	server_free(d->server);
	views_free(d->views);
	loop_free(d->loop);
}

static int serve(struct config *config)
{
	struct daemon d = { .config = config };
	struct err e = { 0 };
	signal(SIGPIPE, SIG_IGN);
	enum err_code rc = start_parts(&d, &e);
	if (!rc) {
		start_engine(&d);
		rc = start_server(&d, &e);
	}
	if (rc) {
		log_error("coldmxd", "%s", e.text);
	} else {
		engine_start(d.engine);
		loop_run(d.loop);
	}
	if (d.engine)
		engine_stop(d.engine);
	stop_parts(&d);
	return rc || d.store_refused ? EXIT_FAILURE : EXIT_SUCCESS;
}

static enum err_code make_folders(const struct config_global *g, struct err *e)
{
	const char *const folders[] = { g->state_dir, g->stranded_dir, g->maps_dir };
	for (size_t i = 0; i < ARRAY_LEN(folders); i++)
		if (folders[i][0] && mkdir(folders[i], 0700) && errno != EEXIST)
			return err_set_errno(e, ERR_LOCAL, errno, "%s", folders[i]);
	return ERR_OK;
}

/* An empty journal is made only when asked for: a lost one must never look like a fresh start. */
static int make_store(const struct config *config)
{
	char path[512];
	struct sqlite_store *store = NULL;
	struct err e = { 0 };
	store_path(config, path, sizeof(path));
	if (make_folders(&config->global, &e) || sqlite_store_open(path, true, &store, &e)) {
		fprintf(stderr, "coldmxd: %s\n", e.text);
		return EXIT_FAILURE;
	}
	sqlite_store_close(store);
	printf("%s is ready\n", path);
	return EXIT_SUCCESS;
}

static void print_machine(const char *format)
{
	struct strbuf out = STRBUF_INIT;
	if (strcmp(format, "dot") == 0)
		pair_print_dot(&out);
	else
		pair_print_mermaid(&out);
	fputs(strbuf_str(&out), stdout);
	strbuf_fini(&out);
}

/* For the agents' marker.key: with it nobody can change a zone. */
static int print_marker_key(const struct config *c, const char *domain)
{
	struct marker_key key;
	char hex[MARKER_KEY_HEX_SIZE];
	const struct config_tsig *tsig = config_marker_tsig(c, domain);
	if (!tsig) {
		fprintf(stderr, "coldmxd: %s is no domain of a pair with marker = true and a TSIG key\n", domain);
		return EXIT_FAILURE;
	}
	marker_key_derive(tsig->secret.bytes, &key);
	marker_key_format(&key, hex);
	puts(hex);
	explicit_bzero(&key, sizeof(key));
	explicit_bzero(hex, sizeof(hex));
	return EXIT_SUCCESS;
}

static void print_usage(FILE *to)
{
	fputs("usage: coldmxd [-c FILE] [--check-config | --print-config | --init]\n"
	      "       coldmxd [-c FILE] [--runbook PAIR | --runbook-back PAIR | --kept-maps PAIR]\n"
	      "       coldmxd [-c FILE] --print-marker-key=DOMAIN\n"
	      "       coldmxd --print-machine=dot|mermaid\n"
	      "Runs in the foreground; " DEFAULT_CONFIG " unless -c names another file. See coldmxd(8).\n",
	      to);
}

enum action { ACT_SERVE, ACT_CHECK, ACT_PRINT, ACT_INIT, ACT_MARKER_KEY, ACT_RUNBOOK, ACT_RUNBOOK_BACK, ACT_KEPT_MAPS };

static int print_kept_maps(struct config *c, const struct config_pair *pair)
{
	char *bytes = NULL;
	size_t len = 0;
	struct err e = { 0 };
	if (maps_store_load(c, (uint32_t)(pair - c->pairs) + 1, &bytes, &len, &e)) {
		fprintf(stderr, "coldmxd: %s\n", e.text);
		return EXIT_FAILURE;
	}
	bool whole = fwrite(bytes, 1, len, stdout) == len && fflush(stdout) == 0;
	free(bytes);
	return whole ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int print_of_pair(struct config *c, const char *path, enum action action, const char *name)
{
	const struct config_pair *pair = config_pair(c, name);
	struct strbuf text = STRBUF_INIT;
	if (!pair) {
		fprintf(stderr, "coldmxd: %s: no pair is named \"%s\"\n", path, name);
		return EXIT_CONFIG;
	}
	if (action == ACT_KEPT_MAPS)
		return print_kept_maps(c, pair);
	config_runbook(c, pair, action == ACT_RUNBOOK ? PLAN_PROMOTE : PLAN_FAILBACK, path, &text);
	fputs(strbuf_str(&text), stdout);
	strbuf_fini(&text);
	return EXIT_SUCCESS;
}

static int with_config(const char *path, enum action action, const char *name)
{
	struct config *config = NULL;
	struct err e = { 0 };
	struct strbuf text = STRBUF_INIT;
	int status = EXIT_SUCCESS;
	if (config_load(path, &config, &e)) {
		fprintf(stderr, "coldmxd: %s\n", e.text);
		config_free(config);
		return EXIT_CONFIG;
	}
	switch (action) {
	case ACT_CHECK:
		printf("%s: %zu pair%s, no errors\n", path, config->npairs, config->npairs == 1 ? "" : "s");
		break;
	case ACT_PRINT:
		config_print(config, &text);
		fputs(strbuf_str(&text), stdout);
		break;
	case ACT_INIT: status = make_store(config); break;
	case ACT_MARKER_KEY: status = print_marker_key(config, name); break;
	case ACT_RUNBOOK:
	case ACT_RUNBOOK_BACK:
	case ACT_KEPT_MAPS: status = print_of_pair(config, path, action, name); break;
	case ACT_SERVE:
		log_set_level((enum log_level)config_log_level(config));
		status = serve(config);
		break;
	}
	strbuf_fini(&text);
	config_free(config);
	return status;
}

#define OPT_ACTION 256 /* and the action */

int main(int argc, char **argv)
{
	/* clang-format off */
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ "print-machine", required_argument, NULL, 'm' },
		{ "check-config", no_argument, NULL, OPT_ACTION + ACT_CHECK },
		{ "print-config", no_argument, NULL, OPT_ACTION + ACT_PRINT },
		{ "init", no_argument, NULL, OPT_ACTION + ACT_INIT },
		{ "print-marker-key", required_argument, NULL, OPT_ACTION + ACT_MARKER_KEY },
		{ "runbook", required_argument, NULL, OPT_ACTION + ACT_RUNBOOK },
		{ "runbook-back", required_argument, NULL, OPT_ACTION + ACT_RUNBOOK_BACK },
		{ "kept-maps", required_argument, NULL, OPT_ACTION + ACT_KEPT_MAPS },
		{ NULL, 0, NULL, 0 },
	};
	/* clang-format on */
	const char *path = DEFAULT_CONFIG, *name = "";
	enum action action = ACT_SERVE;
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): no other thread has started */
	for (int c; (c = getopt_long(argc, argv, "c:h", options, NULL)) != -1;) {
		const char *word = optarg ? optarg : "";
		switch (c) {
		case 'c': path = word; break;
		case 'm':
			if (strcmp(word, "dot") != 0 && strcmp(word, "mermaid") != 0) {
				print_usage(stderr);
				return EXIT_CONFIG;
			}
			print_machine(word);
			return EXIT_SUCCESS;
		case 'h': print_usage(stdout); return EXIT_SUCCESS;
		case '?': print_usage(stderr); return EXIT_CONFIG;
		default: action = (enum action)(c - OPT_ACTION); name = optarg ? optarg : "";
		}
	}
	if (optind < argc) {
		print_usage(stderr);
		return EXIT_CONFIG;
	}
	return with_config(path, action, name);
}
