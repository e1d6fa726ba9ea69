/* The SMTP dialogue against a hostile server. First byte: which recipients and TLS; the rest is cut into reads at each
 * 0xFF byte, whose follower chooses what happens there (nothing, end, deadline, broken, bad certificate). */
#include <stdint.h>
#include <string.h>

#include "../../common/proto/smtp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Moves it until it wants bytes. False: it is over. It must always come to rest within a few turns. */
static bool settle(struct smtp *s, struct strbuf *out, uint8_t choice)
{
	for (int turns = 0; turns < 20; turns++) {
		size_t before = out->len;
		switch (smtp_next(s, out)) {
		case SMTP_WANT_RECV: return true;
		case SMTP_WANT_CLOSE:
			/* Whoever decides has words for what is not OK. */
			if (!s->decided || (s->outcome != PROBE_OK && !s->reason[0]))
				__builtin_trap();
			return false;
		case SMTP_WANT_TLS:
			if (choice & 1)
				smtp_untrusted(s, "bad certificate");
			else
				smtp_secured(s);
			break;
		case SMTP_WANT_SEND:
			/* One command line at a time, and nothing of the server's in it. */
			if (out->len < before + 6 || memcmp(out->data + out->len - 2, "\r\n", 2) != 0)
				__builtin_trap();
			break;
		}
	}
	__builtin_trap();
}

static void happen(struct smtp *s, struct strbuf *out, uint8_t choice)
{
	switch (choice) {
	case 0: smtp_eof(s); break;
	case 1: smtp_timeout(s, out); break;
	case 2: smtp_break(s, PROBE_LOCAL, "ours"); break;
	case 3: smtp_farewell(s, out); break;
	default: break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	uint8_t kind = data[0];
	struct smtp_opts opts = { "probe.example.test", kind & 1 ? "a@example.test" : "",
				  kind & 2 ? "b@example.test" : "", (kind & 4) != 0 };
	struct strbuf out = STRBUF_INIT;
	struct smtp s;
	size_t at = 1;

	smtp_init(&s, &opts);
	while (at < size && settle(&s, &out, kind >> 3)) {
		const uint8_t *cut = memchr(data + at, 0xFF, size - at);
		size_t len = cut ? (size_t)(cut - data) - at : size - at;
		smtp_feed(&s, (const char *)data + at, len);
		at += len + 1;
		if (at < size)
			happen(&s, &out, data[at++]);
	}
	if (settle(&s, &out, kind >> 3)) {
		smtp_eof(&s);
		if (settle(&s, &out, kind >> 3))
			__builtin_trap();
	}
	strbuf_fini(&out);
	return 0;
}
