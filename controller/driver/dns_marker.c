/* The marker: who changed the MX set last, under which epoch, provably. */
#include <string.h>

#include "../../common/base/mem.h"
#include "dns_message.h"

static void key_of(const struct dns_opts *opts, struct marker_key *out)
{
	marker_key_derive(opts->key_base64, out);
}

void dns_marker_format(const struct dns_opts *opts, const struct verb_dns *verb, char out[MARKER_MAX])
{
	struct marker_key key;
	struct marker m = { .epoch = verb->epoch, .op = verb->op };
	(void)str_copy(m.pair, sizeof(m.pair), opts->pair);
	BUG_ON(!rights_place_parse(verb->own, &m.own) || !rights_accept_parse(verb->accept, &m.accept));
	key_of(opts, &key);
	marker_format(&key, verb->zone, &m, out);
	explicit_bzero(&key, sizeof(key));
}

bool dns_marker_parse(const struct dns_opts *opts, const char *zone, const char *text, struct dns_answer *out)
{
	struct marker_key key;
	struct marker m;
	if (!opts->key_base64[0]) /* without a secret everybody could write one */
		return false;
	key_of(opts, &key);
	out->has_marker = marker_parse(&key, zone, text, &m) && strcmp(m.pair, opts->pair) == 0;
	explicit_bzero(&key, sizeof(key));
	if (!out->has_marker)
		return false;
	out->marker_epoch = m.epoch;
	out->marker_op = m.op;
	return true;
}
