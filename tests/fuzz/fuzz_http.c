/* One hostile HTTP answer and the agent's JSON in it. First byte: the size of the reads. */
#include <stdint.h>
#include <string.h>

#include "../../common/probe/agent_answer.h"
#include "../../common/proto/http_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text, size_t size)
{
	if (!memchr(text, '\0', size))
		__builtin_trap();
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			__builtin_trap();
}

static void check_report(const struct strbuf *body)
{
	struct agent_report report;
	struct err e;

	if (agent_answer_parse(strbuf_str(body), body->len, &report, &e) != ERR_OK)
		return;
	check_text(report.boot_id, sizeof(report.boot_id));
	check_text(report.boot_order, sizeof(report.boot_order));
	check_text(report.trouble, sizeof(report.trouble));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	size_t chunk = data[0] % 64 + 1u;
	struct strbuf body = STRBUF_INIT;
	struct http_reply r;
	struct err e;
	enum err_code rc = ERR_OK;

	http_reply_init(&r, &body, AGENT_ANSWER_BYTES);
	for (size_t at = 1; at < size && rc == ERR_OK; at += chunk)
		rc = http_reply_feed(&r, (const char *)data + at, size - at < chunk ? size - at : chunk, &e);
	if (rc == ERR_OK && !http_reply_complete(&r))
		rc = http_reply_eof(&r, &e);
	if (body.len > AGENT_ANSWER_BYTES || (rc == ERR_OK && (r.status < 200 || r.status > 599)))
		__builtin_trap();
	if (rc == ERR_OK)
		check_report(&body);
	strbuf_fini(&body);
	return 0;
}
