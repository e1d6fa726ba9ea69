/* Strict on purpose: the peer is our own agent, so whatever is unusual is somebody else. */
#include "http_reply.h"

#include <string.h>
#include <strings.h>

void http_reply_init(struct http_reply *r, struct strbuf *body, size_t body_max)
{
	r->part = HTTP_STATUS;
	r->status = 0;
	r->length = -1;
	r->body_max = body_max;
	r->body = body;
	r->lines = r->line_len = 0;
	strbuf_reset(body);
}

bool http_reply_complete(const struct http_reply *r)
{
	return r->part == HTTP_COMPLETE;
}

static enum err_code broken(struct http_reply *r, struct err *e, const char *why)
{
	r->part = HTTP_BROKEN;
	return err_set(e, ERR_PROTOCOL, "HTTP answer: %s", why);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* RFC 9112 4: HTTP-version SP status-code SP [ reason-phrase ] */
static enum err_code on_status(struct http_reply *r, struct err *e)
{
	const char *s = r->line;

	if (strncmp(s, "HTTP/1.", 7) != 0 || !is_digit(s[7]) || s[8] != ' ')
		return broken(r, e, "no status line of HTTP/1.x");
	s += 9;
	if (!is_digit(s[0]) || !is_digit(s[1]) || !is_digit(s[2]) || (s[3] != ' ' && s[3] != '\0'))
		return broken(r, e, "no status code");
	r->status = (s[0] - '0') * 100 + (s[1] - '0') * 10 + (s[2] - '0');
	if (r->status < 200 || r->status > 599)
		return broken(r, e, "a status code that nobody asked for");
	r->part = HTTP_HEADERS;
	return ERR_OK;
}

/* RFC 9112 6.3: only digits; two fields must agree, or the framing is an attack. */
static enum err_code on_length(struct http_reply *r, const char *value, struct err *e)
{
	int64_t n = 0;
	size_t digits = 0;

	for (; is_digit(*value); value++) {
		if (++digits > 12)
			return broken(r, e, "Content-Length is beyond reason");
		n = n * 10 + (*value - '0');
	}
	value += strspn(value, " \t");
	if (!digits || *value)
		return broken(r, e, "Content-Length is not a number");
	if (r->length >= 0 && r->length != n)
		return broken(r, e, "two different Content-Length");
	if (n > (int64_t)r->body_max)
		return broken(r, e, "the body is too long");
	r->length = n;
	return ERR_OK;
}

static enum err_code on_header(struct http_reply *r, struct err *e)
{
	char *colon = strchr(r->line, ':');

	if (r->line[0] == ' ' || r->line[0] == '\t')
		return broken(r, e, "a folded header");
	if (!colon || colon == r->line || strcspn(r->line, " \t") < (size_t)(colon - r->line))
		return broken(r, e, "a header without a name");
	*colon = '\0';
	const char *value = colon + 1 + strspn(colon + 1, " \t");
	if (strcasecmp(r->line, "Transfer-Encoding") == 0)
		return broken(r, e, "Transfer-Encoding");
	if (strcasecmp(r->line, "Content-Length") == 0)
		return on_length(r, value, e);
	return ERR_OK;
}

static enum err_code on_line(struct http_reply *r, struct err *e)
{
	if (++r->lines > HTTP_HEAD_LINES)
		return broken(r, e, "too many header lines");
	if (r->part == HTTP_STATUS)
		return on_status(r, e);
	if (r->line[0])
		return on_header(r, e);
	r->part = r->length == 0 || r->status == 204 || r->status == 304 ? HTTP_COMPLETE : HTTP_BODY;
	return ERR_OK;
}

static enum err_code feed_head(struct http_reply *r, char c, struct err *e)
{
	if (c != '\n') {
		if (c == '\0')
			return broken(r, e, "a zero byte in the head");
		if (r->line_len == HTTP_LINE_BYTES - 1)
			return broken(r, e, "a line is too long");
		r->line[r->line_len++] = c;
		return ERR_OK;
	}
	if (!r->line_len || r->line[r->line_len - 1] != '\r')
		return broken(r, e, "a line without CR");
	r->line[--r->line_len] = '\0';
	r->line_len = 0;
	return on_line(r, e);
}

static enum err_code feed_body(struct http_reply *r, const char *bytes, size_t len, struct err *e)
{
	size_t room = (r->length >= 0 ? (size_t)r->length : r->body_max) - r->body->len;

	if (len > room && r->length < 0)
		return broken(r, e, "the body is too long");
	strbuf_add(r->body, bytes, len < room ? len : room);
	if (r->length >= 0 && r->body->len == (size_t)r->length)
		r->part = HTTP_COMPLETE;
	return ERR_OK;
}

enum err_code http_reply_feed(struct http_reply *r, const char *bytes, size_t len, struct err *e)
{
	size_t i = 0;

	while (i < len && (r->part == HTTP_STATUS || r->part == HTTP_HEADERS)) {
		enum err_code code = feed_head(r, bytes[i++], e);

		if (code != ERR_OK)
			return code;
	}
	if (r->part == HTTP_BROKEN)
		return broken(r, e, "was broken before");
	return r->part == HTTP_BODY && i < len ? feed_body(r, bytes + i, len - i, e) : ERR_OK;
}

enum err_code http_reply_eof(struct http_reply *r, struct err *e)
{
	if (r->part == HTTP_BODY && r->length < 0)
		r->part = HTTP_COMPLETE;
	return r->part == HTTP_COMPLETE ? ERR_OK : broken(r, e, "ended in the middle");
}
