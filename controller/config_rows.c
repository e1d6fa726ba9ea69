/* Every key of coldmx.conf: one row each. The sample and the manual page are held to these rows by a test. */
#include "config_rows.h"

#include <stddef.h>

#define AT(type, field) .offset = offsetof(struct type, field)
#define ROWS(table) .rows = (table), .nrows = ARRAY_LEN(table)
#define LIST_AT(type, items, count) .offset = offsetof(struct type, items), .count_offset = offsetof(struct type, count)
#define SECONDS(n) ((int64_t)(n) * 1000)
#define DAYS(n) ((int64_t)(n) * 86400000)

_Static_assert(sizeof(enum pair_mode) == sizeof(int), "conf stores enums as int");

static const char *const log_levels[] = { "error", "warn", "note", "info", "debug", NULL };
static const char *const modes[] = { "manual", "automatic", "shadow", NULL };
static const char *const strategies[] = { "standing", "swap", NULL };
static const char *const fences[] = { "none", "power", NULL };
static const char *const returnings[] = { "serve", "wait", NULL };
static const char *const algorithms[] = { "hmac-sha256", "hmac-sha512", NULL };

static const struct conf_row brake_rows[] = {
	{ .name = "per_day", .type = CONF_INT, .def = "3", .min = 0, .max = 1000, AT(brake_opts, per_day),
	  .help = "automatic promotions a day over all pairs" },
	{ .name = "mass_count", .type = CONF_INT, .def = "3", .min = 2, .max = 10000, AT(brake_opts, mass_count),
	  .help = "so many primaries failing at once stop automatic promotion" },
	{ .name = "mass_percent", .type = CONF_INT, .def = "30", .min = 1, .max = 100, AT(brake_opts, mass_percent),
	  .help = "when they are also this share of all pairs, in percent" },
};
static const struct conf_section brake_section = { .what = "brake", ROWS(brake_rows) };

static const struct conf_row ssh_rows[] = {
	{ .name = "user", .type = CONF_NAME, .def = "coldmx", AT(config_ssh, user),
	  .help = "account on the mail hosts" },
	{ .name = "port", .type = CONF_INT, .def = "22", .min = 1, .max = 65535, AT(config_ssh, port),
	  .help = "port of their SSH service" },
	{ .name = "identity", .type = CONF_PATH, .flags = CONF_SECRET, AT(config_ssh, identity),
	  .help = "private key, ed25519 or ECDSA" },
	{ .name = "known_hosts", .type = CONF_PATH, .flags = CONF_FILE, AT(config_ssh, known_hosts),
	  .help = "pinned host keys; an unknown or changed key is refused" },
};
static const struct conf_section ssh_section = { .what = "ssh", ROWS(ssh_rows) };

static const struct conf_row agent_listen_rows[] = {
	{ .name = "listen", .type = CONF_ENDPOINT, .flags = CONF_MAY_BE_OFF, .def = "off", .port = 8827,
	  AT(config_agent_listen, at), .help = "where agents reach the controller, over TLS" },
	{ .name = "cert", .type = CONF_PATH, .flags = CONF_FILE, .def = "", AT(config_agent_listen, cert),
	  .help = "certificate chain, PEM" },
	{ .name = "key", .type = CONF_PATH, .flags = CONF_SECRET, .def = "", AT(config_agent_listen, key),
	  .help = "its private key, PEM" },
	{ .name = "maps_max", .type = CONF_SIZE, .def = "16 MiB", .min = 1024, .max = 16777216,
	  AT(config_agent_listen, maps_max_bytes), .help = "largest map bundle that is taken" },
};
static const struct conf_section agent_listen_section = { .what = "agent_listen", ROWS(agent_listen_rows) };

static const struct conf_row endpoint25_rows[] = {
	{ .type = CONF_ENDPOINT, .port = 25, .def = NULL },
};
static const struct conf_section endpoint25_section = { .what = "references", ROWS(endpoint25_rows),
							.size = sizeof(struct conf_endpoint) };
static const struct conf_row endpoint53_rows[] = {
	{ .type = CONF_ENDPOINT, .port = 53, .def = NULL },
};
static const struct conf_section endpoint53_section = { .what = "servers", ROWS(endpoint53_rows),
							.size = sizeof(struct conf_endpoint) };

static const struct conf_row global_rows[] = {
	{ .name = "ehlo_name", .type = CONF_DOMAIN, AT(config_global, ehlo_name),
	  .help = "name that probes and checks say in EHLO" },
	{ .name = "v4", .type = CONF_ADDR4, .def = "", AT(config_global, v4),
	  .help = "our own address as the mail hosts see it" },
	{ .name = "v6", .type = CONF_ADDR6, .def = "", AT(config_global, v6),
	  .help = "our own address as the mail hosts see it" },
	{ .name = "state_dir", .type = CONF_PATH, .def = "/var/lib/coldmx", AT(config_global, state_dir),
	  .help = "database: journal, audit trail, state" },
	{ .name = "stranded_dir", .type = CONF_PATH, .def = "/var/lib/coldmx/stranded",
	  AT(config_global, stranded_dir), .help = "messages that the primary refused for good" },
	{ .name = "maps_dir", .type = CONF_PATH, .def = "/var/lib/coldmx/maps", AT(config_global, maps_dir),
	  .help = "recipient maps of the primaries, encrypted" },
	{ .name = "maps_key_file", .type = CONF_PATH, .flags = CONF_SECRET, .def = "",
	  AT(config_global, maps_key_file), .help = "key for maps_dir, 64 hexadecimal digits" },
	{ .name = "socket", .type = CONF_PATH, .def = "/run/coldmx/coldmxd.sock", .max = 107,
	  AT(config_global, socket), .help = "UNIX socket of the coldmx command" },
	{ .name = "http", .type = CONF_ENDPOINT, .flags = CONF_MAY_BE_OFF, .def = "127.0.0.1:8825", .port = 8825,
	  AT(config_global, http), .help = "read-only HTTP, loopback only" },
	{ .name = "log_level", .type = CONF_ENUM, .words = log_levels, .def = "info", AT(config_global, log_level),
	  .help = "most verbose level that is logged" },
	{ .name = "executor_threads", .type = CONF_INT, .def = "8", .min = 1, .max = 256,
	  AT(config_global, executor_threads), .help = "calls to the outside at once" },
	{ .name = "grace", .type = CONF_DURATION, .def = "60 s", .min = 0, .max = DAYS(1),
	  AT(config_global, grace_ms), .help = "after start and suspension nothing is automatic for so long" },
	{ .name = "brake", .type = CONF_GROUP, .section = &brake_section, .def = "", AT(config_global, brake),
	  .help = "limits over all pairs" },
	{ .name = "references", .type = CONF_LIST, .section = &endpoint25_section, .def = "", .max = 16,
	  LIST_AT(config_global, references, nreferences),
	  .help = "hosts that answer TCP when our own network is well" },
	{ .name = "references_every", .type = CONF_DURATION, .def = "10 s", .min = SECONDS(1), .max = DAYS(1),
	  AT(config_global, references_every_ms), .help = "how often they are tried" },
	{ .name = "references_timeout", .type = CONF_DURATION, .def = "5 s", .min = 100, .max = SECONDS(60),
	  AT(config_global, references_timeout_ms), .help = "limit for one try" },
	{ .name = "notify_hook", .type = CONF_PATH, .flags = CONF_PROGRAM, .def = "",
	  AT(config_global, notify_hook), .help = "program that pages a person" },
	{ .name = "harden_dir", .type = CONF_PATH, .flags = CONF_FOLDER, .def = "/usr/lib/coldmx/harden.d",
	  AT(config_global, harden_dir), .help = "controls that are applied to a standby" },
	{ .name = "ssh", .type = CONF_GROUP, .section = &ssh_section, AT(config_global, ssh),
	  .help = "how mail hosts are reached" },
	{ .name = "agent_listen", .type = CONF_GROUP, .section = &agent_listen_section, .def = "",
	  AT(config_global, agent_listen), .help = "the agents' way to the controller" },
	{ .name = "agent_ca_file", .type = CONF_PATH, .flags = CONF_FILE, .def = "",
	  AT(config_global, agent_ca_file), .help = "CA of the agents' certificates; none: the system's" },
};
static const struct conf_section global_section = { .what = "global", ROWS(global_rows) };

static const struct conf_row tsig_rows[] = {
	{ .name = "name", .type = CONF_NAME, AT(config_tsig, name), .help = "key name, as in the name server" },
	{ .name = "algorithm", .type = CONF_ENUM, .words = algorithms, .def = "hmac-sha256",
	  AT(config_tsig, algorithm), .help = "MAC of the key" },
	{ .name = "secret_file", .type = CONF_PATH, .flags = CONF_SECRET, AT(config_tsig, secret_file),
	  .help = "the key in base64, alone in its file" },
};
static const struct conf_section tsig_section = { .what = "tsig key", ROWS(tsig_rows),
						  .size = sizeof(struct config_tsig) };

static const struct conf_row power_host_rows[] = {
	{ .name = "name", .type = CONF_NAME, AT(config_power_host, name), .help = "what power.via refers to" },
	{ .name = "v4", .type = CONF_ADDR4, .def = "", AT(config_power_host, v4), .help = "address" },
	{ .name = "v6", .type = CONF_ADDR6, .def = "", AT(config_power_host, v6), .help = "address" },
	{ .name = "port", .type = CONF_INT, .def = "22", .min = 1, .max = 65535, AT(config_power_host, port),
	  .help = "port of its SSH service" },
	{ .name = "user", .type = CONF_NAME, .def = "coldmx", AT(config_power_host, user), .help = "account" },
};
static const struct conf_section power_host_section = { .what = "power host", ROWS(power_host_rows),
							.size = sizeof(struct config_power_host) };

static const struct conf_row power_rows[] = {
	{ .name = "via", .type = CONF_NAME, AT(config_power, via), .help = "a power host's name" },
	{ .name = "on", .type = CONF_STRING, .max = 255, AT(config_power, on), .help = "command that switches on" },
	{ .name = "off", .type = CONF_STRING, .max = 255, AT(config_power, off),
	  .help = "command that switches off" },
	{ .name = "status", .type = CONF_STRING, .max = 255, AT(config_power, status),
	  .help = "command whose last word is on or off" },
};
static const struct conf_section power_section = { .what = "power", ROWS(power_rows) };

static const struct conf_row host_rows[] = {
	{ .name = "name", .type = CONF_DOMAIN, AT(config_host, name), .help = "MX target and TLS name" },
	{ .name = "v4", .type = CONF_ADDR4, .def = "", AT(config_host, v4), .help = "address" },
	{ .name = "v6", .type = CONF_ADDR6, .def = "", AT(config_host, v6), .help = "address" },
	{ .name = "agent_port", .type = CONF_INT, .def = "8826", .min = 1, .max = 65535, AT(config_host, agent_port),
	  .help = "port of coldmx-agent" },
	{ .name = "agent_token_file", .type = CONF_PATH, .flags = CONF_SECRET, .def = "",
	  AT(config_host, agent_token_file), .help = "token of its agent; none: no agent" },
	{ .name = "power", .type = CONF_GROUP, .section = &power_section, .def = "", AT(config_host, power),
	  .help = "how its power is switched; a standby needs it" },
};
static const struct conf_section host_section = { .what = "host", ROWS(host_rows) };

static const struct conf_row domain_rows[] = {
	{ .name = "name", .type = CONF_DOMAIN, AT(config_domain, name), .help = "mail domain, and its zone" },
	{ .name = "servers", .type = CONF_LIST, .section = &endpoint53_section, .min = 1, .max = 8,
	  LIST_AT(config_domain, servers, nservers), .help = "where updates are sent, in order" },
	{ .name = "key", .type = CONF_NAME, AT(config_domain, key), .help = "a tsig key's name" },
	{ .name = "ttl", .type = CONF_DURATION, .def = "300 s", .min = SECONDS(1), .max = DAYS(7),
	  AT(config_domain, ttl_ms), .help = "of the MX set" },
	{ .name = "authoritative", .type = CONF_LIST, .section = &endpoint53_section, .def = "",
	  .max = VERIFY_SERVERS_MAX, LIST_AT(config_domain, authoritative, nauthoritative),
	  .help = "servers that must show the change; none: those of the zone" },
};
static const struct conf_section domain_section = { .what = "domain", ROWS(domain_rows),
						    .size = sizeof(struct config_domain) };

static const struct conf_row other_mx_rows[] = {
	{ .name = "preference", .type = CONF_INT, .min = 0, .max = 65535, AT(config_mx, preference),
	  .help = "its preference" },
	{ .name = "target", .type = CONF_DOMAIN, AT(config_mx, target), .help = "its name" },
};
static const struct conf_section other_mx_section = { .what = "other_mx", ROWS(other_mx_rows),
						      .size = sizeof(struct config_mx) };

static const struct conf_row preference_rows[] = {
	{ .name = "primary", .type = CONF_INT, .def = "10", .min = 0, .max = 65535,
	  AT(config_pair, preference[HOST_PRIMARY]), .help = "MX preference of the primary" },
	{ .name = "standby", .type = CONF_INT, .def = "20", .min = 0, .max = 65535,
	  AT(config_pair, preference[HOST_STANDBY]), .help = "MX preference of the standby" },
};
static const struct conf_section preference_section = { .what = "preference", ROWS(preference_rows) };

static const struct conf_row probe_rows[] = {
	{ .name = "every", .type = CONF_DURATION, .def = "30 s", .min = 500, .max = DAYS(1),
	  AT(config_probe, every_ms), .help = "usual pace" },
	{ .name = "fast_every", .type = CONF_DURATION, .def = "2 s", .min = 200, .max = DAYS(1),
	  AT(config_probe, fast_every_ms), .help = "pace after a first failure" },
	{ .name = "timeout", .type = CONF_DURATION, .def = "10 s", .min = 100, .max = SECONDS(300),
	  AT(config_probe, timeout_ms), .help = "limit for one whole dialogue" },
	{ .name = "fail_after", .type = CONF_INT, .def = "3", .min = 1, .max = 100, AT(config_probe, fail_after),
	  .help = "dead rounds in a row, in every family, before DOWN" },
	{ .name = "up_after", .type = CONF_INT, .def = "2", .min = 1, .max = 100, AT(config_probe, up_after),
	  .help = "living rounds in a row before UP again" },
	{ .name = "port", .type = CONF_INT, .def = "25", .min = 1, .max = 65535, AT(config_probe, port),
	  .help = "port of the mail service" },
	{ .name = "tls", .type = CONF_BOOL, .def = "true", AT(config_probe, tls),
	  .help = "STARTTLS, and check the certificate" },
	{ .name = "ca_file", .type = CONF_PATH, .flags = CONF_FILE, .def = "", .max = DOMAIN_MAX - 1,
	  AT(config_probe, ca_file), .help = "CA of that certificate; none: the system's" },
};
static const struct conf_section probe_section = { .what = "probe", ROWS(probe_rows) };

static const struct conf_row limit_rows[] = {
	{ .name = "boot", .type = CONF_DURATION, .def = "10 min", .min = SECONDS(1), .max = DAYS(1),
	  AT(config_limits, boot_ms), .help = "power and boot" },
	{ .name = "command", .type = CONF_DURATION, .def = "60 s", .min = SECONDS(1), .max = DAYS(1),
	  AT(config_limits, command_ms), .help = "one command on a host" },
	{ .name = "dns", .type = CONF_DURATION, .def = "60 s", .min = SECONDS(1), .max = DAYS(1),
	  AT(config_limits, dns_ms), .help = "a change until every server shows it" },
	{ .name = "drain", .type = CONF_DURATION, .def = "1 h", .min = SECONDS(1), .max = DAYS(14),
	  AT(config_limits, drain_ms), .help = "emptying the standby's queue" },
	{ .name = "linger_margin", .type = CONF_DURATION, .def = "60 s", .min = 0, .max = DAYS(7),
	  AT(config_limits, linger_margin_ms), .help = "added to twice the TTL before the standby closes" },
	{ .name = "clock_skew", .type = CONF_DURATION, .def = "5 s", .min = 100, .max = SECONDS(300),
	  AT(config_limits, clock_skew_ms), .help = "largest difference of the standby's clock" },
};
static const struct conf_section limit_section = { .what = "limits", ROWS(limit_rows) };

static const struct conf_row pair_rows[] = {
	{ .name = "name", .type = CONF_NAME, .max = 48, AT(config_pair, name), .help = "name of the pair" },
	{ .name = "mode", .type = CONF_ENUM, .words = modes, .def = "manual", AT(config_pair, mode),
	  .help = "manual pages, automatic acts, shadow only says what it would do" },
	{ .name = "primary", .type = CONF_GROUP, .section = &host_section, AT(config_pair, host[HOST_PRIMARY]),
	  .help = "the host that serves" },
	{ .name = "standby", .type = CONF_GROUP, .section = &host_section, AT(config_pair, host[HOST_STANDBY]),
	  .help = "the host that is off" },
	{ .name = "domains", .type = CONF_LIST, .section = &domain_section, .min = 1, .max = PLAN_ZONES_MAX,
	  LIST_AT(config_pair, domains, ndomains), .help = "whose MX sets change" },
	{ .name = "known_recipient", .type = CONF_RECIPIENT, .max = DOMAIN_MAX - 1,
	  AT(config_pair, known_recipient), .help = "an address that both hosts must accept" },
	{ .name = "unknown_recipient", .type = CONF_RECIPIENT, .def = "", .max = DOMAIN_MAX - 1,
	  AT(config_pair, unknown_recipient),
	  .help = "an address that both must refuse; none: one that nobody has" },
	{ .name = "strategy", .type = CONF_ENUM, .words = strategies, .def = "swap", AT(config_pair, strategy),
	  .help = "swap exchanges the preferences, standing changes nothing" },
	{ .name = "preference", .type = CONF_GROUP, .section = &preference_section, .def = "", .offset = 0,
	  .help = "MX preferences while the primary serves" },
	{ .name = "other_mx", .type = CONF_LIST, .section = &other_mx_section, .def = "", .max = MX_SET_MAX - 2,
	  LIST_AT(config_pair, other_mx, nother_mx), .help = "further MX entries, which stay as they are" },
	{ .name = "marker", .type = CONF_BOOL, .def = "false", AT(config_pair, marker),
	  .help = "the key may change TXT _coldmx: settles lost replies" },
	{ .name = "fence", .type = CONF_ENUM, .words = fences, .def = "none", AT(config_pair, fence),
	  .help = "power switches a dead primary off" },
	{ .name = "returning_primary", .type = CONF_ENUM, .words = returnings, .def = "serve",
	  AT(config_pair, returning_primary), .help = "what a primary does that comes back while promoted" },
	{ .name = "probe", .type = CONF_GROUP, .section = &probe_section, .def = "", AT(config_pair, probe),
	  .help = "how the primary is watched" },
	{ .name = "agent_every", .type = CONF_DURATION, .def = "10 s", .min = SECONDS(1), .max = DAYS(1),
	  AT(config_pair, agent_every_ms), .help = "how often agents are asked" },
	{ .name = "agent_timeout", .type = CONF_DURATION, .def = "5 s", .min = 100, .max = SECONDS(300),
	  AT(config_pair, agent_timeout_ms), .help = "limit for one answer" },
	{ .name = "cooldown", .type = CONF_DURATION, .def = "24 h", .min = 0, .max = DAYS(365),
	  AT(config_pair, cooldown_ms), .help = "between automatic promotions, unless acknowledged" },
	{ .name = "maps_max_age", .type = CONF_DURATION, .def = "24 h", .min = SECONDS(60), .max = DAYS(365),
	  AT(config_pair, maps_max_age_ms), .help = "older recipient maps: unknown recipients get 4xx" },
	{ .name = "limits", .type = CONF_GROUP, .section = &limit_section, .def = "", AT(config_pair, limits),
	  .help = "how long steps may take" },
};
static const struct conf_section pair_section = { .what = "pair", ROWS(pair_rows),
						  .size = sizeof(struct config_pair) };

static const struct conf_row top_rows[] = {
	{ .name = "global", .type = CONF_GROUP, .section = &global_section, AT(config, global),
	  .help = "the controller itself" },
	{ .name = "tsig", .type = CONF_LIST, .section = &tsig_section, .def = "", .max = 10000,
	  LIST_AT(config, tsig, ntsig), .help = "keys for DNS updates" },
	{ .name = "power_hosts", .type = CONF_LIST, .section = &power_host_section, .def = "", .max = 10000,
	  LIST_AT(config, power_hosts, npower_hosts), .help = "machines that switch power" },
	{ .name = "pairs", .type = CONF_LIST, .section = &pair_section, .min = 1, .max = 10000,
	  LIST_AT(config, pairs, npairs), .help = "what is watched" },
};
const struct conf_section config_section = { .what = "the file", ROWS(top_rows), .size = sizeof(struct config) };
