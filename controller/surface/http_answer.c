/* Responses: JSON with an ETag, problems with code, class, rule and the command that would work. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/base/json.h"
#include "http_int.h"

static enum MHD_Result queue(struct MHD_Connection *conn, unsigned status, struct MHD_Response *response,
			     const char *type)
{
	if (!response)
		return MHD_NO;
	if (type)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-cache");
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	enum MHD_Result rc = MHD_queue_response(conn, status, response);
	MHD_destroy_response(response);
	return rc;
}

static struct MHD_Response *response_taking(struct strbuf *text)
{
	size_t len = text->len;
	return MHD_create_response_from_buffer(len, strbuf_take(text), MHD_RESPMEM_MUST_FREE);
}

enum MHD_Result answer_text(struct MHD_Connection *conn, unsigned status, const char *type, const char *text,
			    size_t len)
{
	struct strbuf copy = STRBUF_INIT;
	strbuf_add(&copy, text, len);
	return queue(conn, status, response_taking(&copy), type);
}

enum MHD_Result answer_json(struct MHD_Connection *conn, unsigned status, struct strbuf *text, const char *etag)
{
	const char *have = MHD_lookup_connection_value(conn, MHD_HEADER_KIND, MHD_HTTP_HEADER_IF_NONE_MATCH);
	struct MHD_Response *response;
	bool same = etag[0] && have && strcmp(have, etag) == 0;
	if (same)
		strbuf_reset(text);
	else
		strbuf_addc(text, '\n');
	response = response_taking(text);
	if (response && etag[0])
		MHD_add_response_header(response, MHD_HTTP_HEADER_ETAG, etag);
	return queue(conn, same ? MHD_HTTP_NOT_MODIFIED : status, response, same ? NULL : "application/json");
}

static const char *title_of(unsigned status)
{
	switch (status) {
	case MHD_HTTP_BAD_REQUEST: return "Bad request";
	case MHD_HTTP_UNAUTHORIZED: return "Not authenticated";
	case MHD_HTTP_FORBIDDEN: return "Not allowed";
	case MHD_HTTP_NOT_FOUND: return "Not found";
	case MHD_HTTP_METHOD_NOT_ALLOWED: return "Method not allowed";
	case MHD_HTTP_CONFLICT: return "Refused";
	case MHD_HTTP_CONTENT_TOO_LARGE: return "Too large";
	case MHD_HTTP_MISDIRECTED_REQUEST: return "Wrong host";
	case MHD_HTTP_SERVICE_UNAVAILABLE: return "Not now";
	case MHD_HTTP_GATEWAY_TIMEOUT: return "No answer in time";
	default: return "Internal error";
	}
}

enum MHD_Result answer_problem(struct MHD_Connection *conn, unsigned status, const struct err *err, const char *rule,
			       const char *hint, const char *allow)
{
	struct strbuf text = STRBUF_INIT;
	struct json j;
	char type[80];
	snprintf(type, sizeof(type), "urn:coldmx:%s", err_code_name(err->code));
	json_init(&j, &text);
	json_open_object(&j, NULL);
	json_put_string(&j, "type", type);
	json_put_string(&j, "title", title_of(status));
	json_put_uint(&j, "status", status);
	json_put_string(&j, "detail", err->text);
	json_put_string(&j, "code", err_code_name(err->code));
	json_put_string(&j, "class", err_class_name(err_code_class(err->code)));
	json_put_string(&j, "rule", rule);
	json_put_string(&j, "hint", hint);
	json_close_object(&j);
	strbuf_addc(&text, '\n');
	struct MHD_Response *response = response_taking(&text);
	if (response && allow)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, allow);
	if (response && status == MHD_HTTP_UNAUTHORIZED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
	return queue(conn, status, response, "application/problem+json");
}

enum MHD_Result answer_error(struct MHD_Connection *conn, unsigned status, enum err_code code, const char *fmt, ...)
{
	struct err err;
	char text[ERR_TEXT_MAX];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	err_set(&err, code, "%s", text);
	return answer_problem(conn, status, &err, "", "", status == MHD_HTTP_METHOD_NOT_ALLOWED ? "GET, HEAD" : NULL);
}

unsigned answer_status(enum err_code code)
{
	switch (code) {
	case ERR_OK: return MHD_HTTP_OK;
	case ERR_INVALID:
	case ERR_PROTOCOL: return MHD_HTTP_BAD_REQUEST;
	case ERR_AUTH: return MHD_HTTP_UNAUTHORIZED;
	case ERR_DENIED: return MHD_HTTP_FORBIDDEN;
	case ERR_NOT_FOUND: return MHD_HTTP_NOT_FOUND;
	case ERR_BLOCKED:
	case ERR_CONFLICT:
	case ERR_STALE: return MHD_HTTP_CONFLICT;
	case ERR_TIMEOUT:
	case ERR_UNKNOWN: return MHD_HTTP_GATEWAY_TIMEOUT;
	case ERR_AGAIN:
	case ERR_REFUSED:
	case ERR_UNREACH:
	case ERR_CANCELLED:
	case ERR_STORE:
	case ERR_LOCAL: return MHD_HTTP_SERVICE_UNAVAILABLE;
	case ERR_FAILED:
	case ERR_UNVERIFIED:
	case ERR_BUG: break;
	}
	return MHD_HTTP_INTERNAL_SERVER_ERROR;
}
