/* A page goes out through the one exec hook, as JSON on its standard input; at least once, under
 * its key. The engine logs every page itself, so without a hook it is not lost altogether. */
#include "../../common/base/clock.h"
#include "../../common/base/json.h"
#include "drivers.h"

static void fill_json(struct strbuf *out, const struct driver_pair *pair, const struct verb_notify *n)
{
	struct json j;
	char when[32];

	clock_format_utc(clock_wall_ms(), when, sizeof(when));
	json_init(&j, out);
	json_open_object(&j, NULL);
	json_put_string(&j, "key", n->key);
	json_put_string(&j, "pair", pair ? pair->name : "");
	json_put_string(&j, "severity", n->severity);
	json_put_string(&j, "text", n->text);
	json_put_string(&j, "time", when);
	json_close_object(&j);
	strbuf_addc(out, '\n');
}

void notify_run(const struct drivers *d, const struct driver_pair *pair, const struct verb *verb,
		const struct job_wait *wait, struct outcome *out)
{
	static const char *const env[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "COLDMX_ACTION=page", NULL };
	const char *const argv[] = { d->notify_hook, "page", NULL };
	struct strbuf json = STRBUF_INIT, said = STRBUF_INIT;

	if (!d->notify_hook[0])
		return;
	fill_json(&json, pair, &verb->u.notify);
	struct child_opts child = { .argv = argv, .env = env, .input = strbuf_str(&json), .input_len = json.len };
	(void)!child_run(&child, wait, &said, &out->err);
	strbuf_fini(&json);
	strbuf_fini(&said);
}

/* Who it is that works, and how much it watches: a watcher may keep several. */
void heartbeat_run(const struct drivers *d, const struct job_wait *wait, struct outcome *out)
{
	static const char *const env[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "COLDMX_ACTION=beat", NULL };
	const char *const argv[] = { d->heartbeat_hook, "beat", NULL };
	struct strbuf text = STRBUF_INIT, said = STRBUF_INIT;
	struct json j;
	char when[32];

	clock_format_utc(clock_wall_ms(), when, sizeof(when));
	json_init(&j, &text);
	json_open_object(&j, NULL);
	json_put_int(&j, "pairs", (int64_t)d->npairs);
	json_put_string(&j, "time", when);
	json_close_object(&j);
	strbuf_addc(&text, '\n');
	struct child_opts child = { .argv = argv, .env = env, .input = strbuf_str(&text), .input_len = text.len };
	(void)!child_run(&child, wait, &said, &out->err);
	strbuf_fini(&text);
	strbuf_fini(&said);
}
