/* A line ends at LF, with or without CR. RFC 5321 2.3.8 forbids a bare LF, but that rule protects message
 * data, and a reply carries none: what strangers' servers bear must not look dead to us. */
#include "smtp_reply.h"

#include <string.h>

void smtp_reply_reset(struct smtp_reply *reply)
{
	reply->code = 0;
	reply->lines = reply->bytes = reply->line_bytes = 0;
	reply->bad = NULL;
	reply->line[0] = '\0';
}

static enum smtp_reply_rc reply_bad(struct smtp_reply *reply, const char *why)
{
	reply->bad = why;
	return SMTP_REPLY_BAD;
}

static int parse_code(const char *line)
{
	if (line[0] < '2' || line[0] > '5')
		return 0;
	if (line[1] < '0' || line[1] > '9' || line[2] < '0' || line[2] > '9')
		return 0;
	return (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
}

static enum smtp_reply_rc end_line(struct smtp_reply *reply)
{
	size_t len = reply->line_bytes < SMTP_LINE_KEPT ? reply->line_bytes : SMTP_LINE_KEPT - 1;

	if (reply->line_bytes < SMTP_LINE_KEPT && len && reply->line[len - 1] == '\r')
		len--;
	memset(reply->line + len, 0, SMTP_LINE_KEPT - len);
	reply->line_bytes = 0;

	int code = parse_code(reply->line);
	char sep = code ? reply->line[3] : '?';

	if (sep != '-' && sep != ' ' && sep != '\0')
		return reply_bad(reply, "is no SMTP reply");
	if (reply->lines && code != reply->code)
		return reply_bad(reply, "mixes two codes in one reply");
	reply->code = code;
	reply->lines++;
	return sep == '-' ? SMTP_REPLY_LINE : SMTP_REPLY_LAST;
}

enum smtp_reply_rc smtp_reply_feed(struct smtp_reply *reply, const char *bytes, size_t len, size_t *used)
{
	*used = 0;
	if (reply->bad)
		return SMTP_REPLY_BAD;
	while (*used < len) {
		char c = bytes[(*used)++];

		if (++reply->bytes > SMTP_REPLY_BYTES)
			return reply_bad(reply, "is an endless reply");
		if (c == '\n')
			return end_line(reply);
		if (reply->line_bytes < SMTP_LINE_KEPT - 1)
			reply->line[reply->line_bytes] = c ? c : '?';
		if (++reply->line_bytes > SMTP_LINE_BYTES)
			return reply_bad(reply, "is an endless line");
	}
	return SMTP_REPLY_MORE;
}

const char *smtp_reply_text(const struct smtp_reply *reply)
{
	return reply->line[0] && reply->line[1] && reply->line[2] && reply->line[3] ? reply->line + 4 : "";
}
