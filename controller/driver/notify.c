/* A page goes out through the one exec hook, as JSON on its standard input; at least once, under its key. */
#include <stdio.h>
#include <string.h>

#include "../../common/base/clock.h"
#include "../../common/base/log.h"
#include "drivers.h"

static void json_text(struct strbuf *out, const char *key, const char *value)
{
	strbuf_addf(out, "%s\"%s\":\"", out->len > 1 ? "," : "", key);
	for (; *value; value++) {
		unsigned char c = (unsigned char)*value;
		if (c == '"' || c == '\\')
			strbuf_addf(out, "\\%c", c);
		else if (c < ' ')
			strbuf_addf(out, "\\u%04x", c);
		else
			strbuf_addc(out, (char)c);
	}
	strbuf_addc(out, '"');
}

void notify_run(const struct drivers *d, const struct driver_pair *pair, const struct verb *verb,
		const struct job_wait *wait, struct outcome *out)
{
	const struct verb_notify *n = &verb->u.notify;
	static const char *const env[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "COLDMX_ACTION=page", NULL };
	const char *const argv[] = { d->notify_hook, "page", NULL };
	struct strbuf json = STRBUF_INIT, said = STRBUF_INIT;
	char when[32];
	if (!d->notify_hook[0]) {
		log_warn("notify", "no hook is configured, this page reached nobody: %s", n->text);
		return;
	}
	clock_format_utc(clock_wall_ms(), when, sizeof(when));
	strbuf_addc(&json, '{');
	json_text(&json, "key", n->key);
	json_text(&json, "pair", pair ? pair->name : "");
	json_text(&json, "severity", n->severity);
	json_text(&json, "text", n->text);
	json_text(&json, "time", when);
	strbuf_adds(&json, "}\n");
	struct child_opts child = { argv, env, strbuf_str(&json), json.len };
	(void)!child_run(&child, wait, &said, &out->err);
	strbuf_fini(&json);
	strbuf_fini(&said);
}
