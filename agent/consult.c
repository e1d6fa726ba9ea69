/* The controller's word is the only one that confirms. The peer may have been told something newer than this host while
 * the controller is away, and so may have been the DNS: both can only take this host to a higher epoch, never back, and a
 * cold standby's record, which is mostly older, changes nothing. */
#include "consult.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../common/base/clock.h"
#include "../common/base/file.h"
#include "../common/base/log.h"
#include "../common/base/mem.h"
#include "../common/dns/dns_txt.h"
#include "../common/marker.h"
#include "state.h"

#define KEY_BYTES_MAX 256

enum err_code consult_controllers(const struct consult *c, int64_t deadline_ms, struct err *e)
{
	struct client client = { c->config, deadline_ms, c->stop };
	struct rights_record r;
	enum err_code rc = client_get_rights(&client, &r, e);
	return rc == ERR_OK ? state_store(c->config->state_dir, &r, c->boot_id, e) : rc;
}

static enum err_code learn(const struct consult *c, const char *from, const struct rights_record *r, struct err *e)
{
	bool raised;
	enum err_code rc = state_learn(c->config->state_dir, c->config->role, r, &raised, e);
	if (rc != ERR_OK)
		return err_wrap(e, "record of the %s", from);
	if (raised)
		log_note("rights", "the %s shows epoch %" PRIu64 ": own=%s accept=%s", from, r->epoch,
			 rights_place_name(r->own), rights_accept_name(r->accept));
	return ERR_OK;
}

enum err_code consult_peer(const struct consult *c, int64_t deadline_ms, struct err *e)
{
	struct client client = { c->config, deadline_ms, c->stop };
	struct rights_record r;
	enum err_code rc = client_get_peer(&client, &r, e);
	return rc == ERR_OK ? learn(c, "peer", &r, e) : rc;
}

static enum err_code read_key(const char *path, struct marker_key *out, struct err *e)
{
	char *text = NULL;
	enum err_code rc = file_read(path, KEY_BYTES_MAX, FILE_SECRET, &text, NULL, e);
	if (rc != ERR_OK)
		return rc;
	if (!marker_key_parse(text, out))
		rc = err_set(e, ERR_INVALID, "%s: must be what coldmxd --print-marker-key printed", path);
	explicit_bzero(text, strlen(text));
	free(text);
	return rc;
}

static enum err_code parse_marker(const struct consult *c, const char *text, struct rights_record *out, struct err *e)
{
	const struct config_marker *cfg = &c->config->marker;
	struct marker_key key;
	struct marker m;
	enum err_code rc = read_key(cfg->key_file, &key, e);
	if (rc == ERR_OK && !marker_parse(&key, cfg->domain, text, &m))
		rc = err_set(e, ERR_AUTH, "the marker of %s is not authentic: it changes nothing", cfg->domain);
	else if (rc == ERR_OK && strcmp(m.pair, c->config->pair) != 0)
		rc = err_set(e, ERR_PROTOCOL, "the marker of %s is of pair %s", cfg->domain, m.pair);
	explicit_bzero(&key, sizeof(key));
	if (rc != ERR_OK)
		return rc;
	*out = (struct rights_record){ .epoch = m.epoch, .own = m.own, .accept = m.accept };
	out->issued_ms = clock_wall_ms(); /* when it was learned: the marker does not say */
	(void)str_copy(out->pair, sizeof(out->pair), m.pair);
	return ERR_OK;
}

/* The time that is left is shared among those who have not been asked. A server without a marker may be one that has
 * not heard of it yet: the next one is asked. */
enum err_code consult_marker(const struct consult *c, int64_t deadline_ms, struct err *e)
{
	const struct config_marker *cfg = &c->config->marker;
	char name[DOMAIN_MAX + 16], text[MARKER_MAX];
	struct rights_record r = { .epoch = 0 };
	marker_name(cfg->domain, name, sizeof(name));
	enum err_code rc = err_set(e, ERR_UNREACH, "no name server is configured");
	for (size_t i = 0; i < cfg->nservers; i++) {
		int64_t now_ms = clock_boot_ms();
		int64_t until_ms = now_ms + (deadline_ms - now_ms) / (int64_t)(cfg->nservers - i);
		struct dns_server server = { .port = cfg->servers[i].port };
		(void)str_copy(server.addr, sizeof(server.addr), cfg->servers[i].addr);
		rc = dns_txt_ask(&server, name, until_ms, c->cancel_fd, text, sizeof(text), e);
		if (rc == ERR_OK)
			rc = parse_marker(c, text, &r, e);
		if (rc == ERR_OK || rc == ERR_CANCELLED)
			break;
	}
	return rc == ERR_OK ? learn(c, "marker", &r, e) : rc;
}

static bool has_marker(const struct agent_config *c)
{
	return c->marker.domain[0] && c->marker.nservers;
}

bool consult_possible(const struct agent_config *c)
{
	return c->ncontrollers || c->peer.naddresses || has_marker(c);
}

/* What is left, in proportion to how many of those who are still to be asked belong to this turn. */
static int64_t turn_ms(int64_t deadline_ms, size_t now, size_t later)
{
	int64_t now_ms = clock_boot_ms();
	return now_ms + (deadline_ms - now_ms) * (int64_t)now / (int64_t)(now + later);
}

static void say(const char *what, enum err_code rc, const struct err *e)
{
	if (rc != ERR_OK && rc != ERR_NOT_FOUND)
		fprintf(stderr, "%s: %s\n", what, e->text);
}

void consult_all(const struct consult *c, int64_t deadline_ms)
{
	const struct agent_config *cfg = c->config;
	size_t peers = cfg->peer.naddresses, servers = has_marker(cfg) ? cfg->marker.nservers : 0;
	struct err e = { 0 };
	enum err_code rc = err_set(&e, ERR_UNREACH, "no controller is configured");
	if (cfg->ncontrollers)
		rc = consult_controllers(c, turn_ms(deadline_ms, cfg->ncontrollers, peers + servers), &e);
	if (rc == ERR_OK)
		return;
	say("no confirmation", rc, &e);
	if (peers)
		say("peer", consult_peer(c, turn_ms(deadline_ms, peers, servers), &e), &e);
	if (servers)
		say("marker", consult_marker(c, deadline_ms, &e), &e);
}
