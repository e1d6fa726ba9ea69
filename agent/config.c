/* Every key of agent.conf: one row each. The sample and the manual page are held to these rows by a test. */
#include "config.h"

#include <stddef.h>
#include <stdlib.h>

#include "../common/base/mem.h"

#define AT(field) .offset = offsetof(struct agent_config, field)
#define LIST(field)                                                                                                    \
	.offset = offsetof(struct agent_config, field), .count_offset = offsetof(struct agent_config, n##field)
#define TEXTS(field)                                                                                                   \
	.offset = offsetof(struct config_maps, field) + offsetof(struct config_texts, items),                          \
	.count_offset = offsetof(struct config_maps, field) + offsetof(struct config_texts, count)
#define ROWS(table) .rows = (table), .nrows = ARRAY_LEN(table)
#define SECONDS(n) ((int64_t)(n)*1000)
#define DAYS(n) ((int64_t)(n)*86400000)
#define FILES_MAX 64

_Static_assert(sizeof(enum rights_place) == sizeof(int), "conf stores enums as int");

static const char *const roles[] = { "primary", "standby", NULL };
static const char *const modes[] = { "spool", "full", NULL };
static const char *const returnings[] = { "serve", "wait", NULL };
static const char *const alones[] = { "serve", "accept-only", NULL };

static const struct conf_row listen_item[] = { { .type = CONF_ENDPOINT, .port = 8826 } };
static const struct conf_section listen_section = { .what = "listen",
						    ROWS(listen_item),
						    .size = sizeof(struct conf_endpoint) };
static const struct conf_row controller_item[] = { { .type = CONF_ENDPOINT, .port = 8827 } };
static const struct conf_section controller_section = { .what = "controllers",
							ROWS(controller_item),
							.size = sizeof(struct conf_endpoint) };
static const struct conf_row path_item[] = { { .type = CONF_PATH } };
static const struct conf_section path_section = { .what = "files", ROWS(path_item), .size = sizeof(char *) };
static const struct conf_row domain_item[] = { { .type = CONF_DOMAIN } };
static const struct conf_section domain_section = { .what = "domains", ROWS(domain_item), .size = sizeof(char *) };

static const struct conf_row peer_item[] = { { .type = CONF_ENDPOINT, .port = 8826 } };
static const struct conf_section peer_addresses = { .what = "addresses",
						    ROWS(peer_item),
						    .size = sizeof(struct conf_endpoint) };
static const struct conf_row server_item[] = { { .type = CONF_ENDPOINT, .port = 53 } };
static const struct conf_section server_section = { .what = "servers",
						    ROWS(server_item),
						    .size = sizeof(struct conf_endpoint) };

/* clang-format off */
static const struct conf_row peer_rows[] = {
	{ .name = "addresses", .type = CONF_LIST, .section = &peer_addresses, .def = "", .max = 4,
	  .offset = offsetof(struct config_peer, addresses), .count_offset = offsetof(struct config_peer, naddresses),
	  .help = "listen of the other host's agent, tried in this order" },
	{ .name = "token_file", .type = CONF_PATH, .def = "/etc/coldmx/peer.token",
	  .offset = offsetof(struct config_peer, token_file), .help = "the token that both hosts share" },
	{ .name = "name", .type = CONF_DOMAIN, .def = "", .offset = offsetof(struct config_peer, name),
	  .help = "name in its certificate; none: the literal address" },
	{ .name = "ca_file", .type = CONF_PATH, .def = "", .offset = offsetof(struct config_peer, ca_file),
	  .help = "CA of its certificate; none: the system's" },
};
static const struct conf_row marker_rows[] = {
	{ .name = "domain", .type = CONF_DOMAIN, .def = "", .offset = offsetof(struct config_marker, domain),
	  .help = "whose _coldmx TXT record is read: one mail domain of the pair" },
	{ .name = "key_file", .type = CONF_PATH, .def = "/etc/coldmx/marker.key",
	  .offset = offsetof(struct config_marker, key_file), .help = "what coldmxd --print-marker-key printed" },
	{ .name = "servers", .type = CONF_LIST, .section = &server_section, .def = "", .max = 4,
	  .offset = offsetof(struct config_marker, servers), .count_offset = offsetof(struct config_marker, nservers),
	  .help = "authoritative servers of the domain, tried in this order" },
};
/* clang-format on */
static const struct conf_section peer_section = { .what = "peer", ROWS(peer_rows), .size = sizeof(struct config_peer) };
static const struct conf_section marker_section = { .what = "marker",
						    ROWS(marker_rows),
						    .size = sizeof(struct config_marker) };

/* clang-format off */
static const struct conf_row maps_rows[] = {
	{ .name = "domains", .type = CONF_LIST, .section = &path_section, .def = "", .max = FILES_MAX, TEXTS(domains),
	  .help = "files whose first words are mail domains; all lists empty: what postconf names" },
	{ .name = "mailboxes", .type = CONF_LIST, .section = &path_section, .def = "", .max = FILES_MAX,
	  TEXTS(mailboxes), .help = "sources of virtual_mailbox_maps" },
	{ .name = "aliases", .type = CONF_LIST, .section = &path_section, .def = "", .max = FILES_MAX, TEXTS(aliases),
	  .help = "sources of virtual_alias_maps" },
	{ .name = "transport", .type = CONF_LIST, .section = &path_section, .def = "", .max = FILES_MAX,
	  TEXTS(transport), .help = "sources of transport_maps" },
	{ .name = "local_domains", .type = CONF_LIST, .section = &domain_section, .def = "", .max = FILES_MAX,
	  TEXTS(local_domains), .help = "mail domains in which names without a domain are recipients" },
	{ .name = "postconf", .type = CONF_PATH, .def = "/usr/sbin/postconf",
	  .offset = offsetof(struct config_maps, postconf), .help = "the program that names Postfix's tables" },
};
/* clang-format on */
static const struct conf_section maps_section = { .what = "maps", ROWS(maps_rows), .size = sizeof(struct config_maps) };

/* clang-format off */
static const struct conf_row rows[] = {
	{ .name = "pair", .type = CONF_NAME, AT(pair), .help = "the pair, as the controller calls it" },
	{ .name = "role", .type = CONF_ENUM, .words = roles, AT(role), .help = "the place of this host" },
	{ .name = "mode", .type = CONF_ENUM, .words = modes, .def = "spool", AT(policy.mode),
	  .help = "what the pair's standby is for" },
	{ .name = "returning_primary", .type = CONF_ENUM, .words = returnings, .def = "serve",
	  AT(policy.returning_primary), .help = "full pairs: a primary that comes back while promoted" },
	{ .name = "gate_alone", .type = CONF_ENUM, .words = alones, .def = "serve", AT(policy.gate_alone),
	  .help = "full pairs: what an owner may do whom no controller confirms" },
	{ .name = "gate_wait", .type = CONF_DURATION, .def = "10 s", .max = SECONDS(60), AT(gate_wait_ms),
	  .help = "how long the gate asks controllers, peer and marker after boot" },
	{ .name = "state_dir", .type = CONF_PATH, .def = "/var/lib/coldmx-agent", AT(state_dir),
	  .help = "rights record, boots" },
	{ .name = "spool", .type = CONF_PATH, .def = "/var/spool/postfix", AT(spool),
	  .help = "Postfix's queue directory" },
	{ .name = "systemctl", .type = CONF_PATH, .def = "/usr/bin/systemctl", AT(systemctl),
	  .help = "the program that starts and stops mail" },
	{ .name = "smtp", .type = CONF_ENDPOINT, .def = "127.0.0.1:25", .port = 25, AT(smtp),
	  .help = "where this host's own SMTP service answers" },
	{ .name = "check_every", .type = CONF_DURATION, .def = "3 s", .min = 500, .max = SECONDS(60),
	  AT(check_every_ms), .help = "how often this host looks at itself" },
	{ .name = "smtp_timeout", .type = CONF_DURATION, .def = "3 s", .min = 100, .max = SECONDS(30),
	  AT(smtp_timeout_ms), .help = "limit for its own SMTP service's greeting" },
	{ .name = "trouble_after", .type = CONF_DURATION, .def = "15 s", .max = SECONDS(300), AT(trouble_after_ms),
	  .help = "how long mail and right may differ before it is said" },
	{ .name = "notify_hook", .type = CONF_PATH, .def = "", AT(notify_hook),
	  .help = "program that pages a person when mail and right differ, besides the controller" },
	{ .name = "listen", .type = CONF_LIST, .section = &listen_section, .def = "", .max = 8, LIST(listen),
	  .help = "where the controller asks for health, over TLS" },
	{ .name = "cert", .type = CONF_PATH, .def = "/etc/coldmx/agent.crt", AT(cert),
	  .help = "certificate chain of `listen`, PEM" },
	{ .name = "key", .type = CONF_PATH, .def = "/etc/coldmx/agent.key", AT(key), .help = "its private key, PEM" },
	{ .name = "token_file", .type = CONF_PATH, .def = "/etc/coldmx/agent.token", AT(token_file),
	  .help = "the token of this host, shown and asked for in both directions" },
	{ .name = "controllers", .type = CONF_LIST, .section = &controller_section, .def = "", .max = 8,
	  LIST(controllers), .help = "agent_listen of the controllers, tried in this order" },
	{ .name = "controller_name", .type = CONF_DOMAIN, .def = "", AT(controller_name),
	  .help = "name in their certificates; none: the literal address" },
	{ .name = "ca_file", .type = CONF_PATH, .def = "", AT(ca_file),
	  .help = "CA of their certificates; none: the system's" },
	{ .name = "peer", .type = CONF_GROUP, .section = &peer_section, .def = "", AT(peer),
	  .help = "the agent of the other host, asked while no controller answers" },
	{ .name = "marker", .type = CONF_GROUP, .section = &marker_section, .def = "", AT(marker),
	  .help = "the TXT record that the controller keeps beside the MX, asked after the peer" },
	{ .name = "poll", .type = CONF_DURATION, .def = "15 s", .min = 500, .max = SECONDS(3600), AT(poll_ms),
	  .help = "how often they are asked for the rights" },
	{ .name = "maps_refresh", .type = CONF_DURATION, .def = "10 min", .min = SECONDS(1), .max = DAYS(1),
	  AT(maps_refresh_ms), .help = "a primary's unchanged recipient maps are sent again so often" },
	{ .name = "maps", .type = CONF_GROUP, .section = &maps_section, .def = "", AT(maps),
	  .help = "where a primary's recipients stand" },
};
/* clang-format on */
const struct conf_section agent_config_section = { .what = "agent", ROWS(rows), .size = sizeof(struct agent_config) };

enum err_code agent_config_load(const char *path, struct agent_config **out, struct err *e)
{
	struct conf_doc *doc = NULL;
	*out = mem_calloc(1, sizeof(**out));
	enum err_code rc = conf_load(path, &agent_config_section, *out, &doc, e);
	conf_doc_free(doc);
	if (rc != ERR_OK) {
		agent_config_free(*out);
		*out = NULL;
	}
	return rc;
}

void agent_config_free(struct agent_config *c)
{
	if (!c)
		return;
	conf_free_values(&agent_config_section, c);
	free(c);
}

void agent_config_print(const struct agent_config *c, struct strbuf *out)
{
	conf_print(&agent_config_section, c, out);
}
