/* A reason is written once, where it is known, and travels unchanged to log, audit, JSON and terminal. */
#include "err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void bug_abort(const char *file, int line, const char *what)
{
	fprintf(stderr, "<2>bug: %s:%d: %s\n", file, line, what);
	abort();
}

enum err_class err_code_class(enum err_code code)
{
	switch (code) {
	case ERR_OK: return ERR_CLASS_NONE;
	case ERR_TIMEOUT:
	case ERR_REFUSED:
	case ERR_UNREACH:
	case ERR_AGAIN:
	case ERR_UNKNOWN: return ERR_CLASS_TEMP;
	case ERR_AUTH:
	case ERR_DENIED:
	case ERR_PROTOCOL:
	case ERR_FAILED:
	case ERR_UNVERIFIED:
	case ERR_INVALID:
	case ERR_NOT_FOUND:
	case ERR_BLOCKED:
	case ERR_CANCELLED: return ERR_CLASS_PERM;
	case ERR_CONFLICT:
	case ERR_STALE: return ERR_CLASS_CONFLICT;
	case ERR_LOCAL:
	case ERR_STORE: return ERR_CLASS_LOCAL;
	case ERR_BUG: return ERR_CLASS_BUG;
	}
	return ERR_CLASS_BUG;
}

const char *err_code_name(enum err_code code)
{
	switch (code) {
	case ERR_OK: return "ok";
	case ERR_TIMEOUT: return "timeout";
	case ERR_REFUSED: return "refused";
	case ERR_UNREACH: return "unreachable";
	case ERR_AGAIN: return "try-again";
	case ERR_UNKNOWN: return "reply-lost";
	case ERR_AUTH: return "not-authenticated";
	case ERR_DENIED: return "denied";
	case ERR_PROTOCOL: return "protocol";
	case ERR_FAILED: return "failed";
	case ERR_UNVERIFIED: return "unverified";
	case ERR_INVALID: return "invalid";
	case ERR_NOT_FOUND: return "not-found";
	case ERR_BLOCKED: return "blocked";
	case ERR_CANCELLED: return "cancelled";
	case ERR_CONFLICT: return "conflict";
	case ERR_STALE: return "stale-epoch";
	case ERR_LOCAL: return "local";
	case ERR_STORE: return "store";
	case ERR_BUG: return "bug";
	}
	return "bug";
}

const char *err_class_name(enum err_class cls)
{
	switch (cls) {
	case ERR_CLASS_NONE: return "none";
	case ERR_CLASS_TEMP: return "temp";
	case ERR_CLASS_PERM: return "perm";
	case ERR_CLASS_LOCAL: return "local";
	case ERR_CLASS_CONFLICT: return "conflict";
	case ERR_CLASS_BUG: return "bug";
	}
	return "bug";
}

bool err_code_parse(const char *name, enum err_code *out)
{
	for (int c = ERR_OK; c <= ERR_BUG; c++) {
		if (strcmp(name, err_code_name((enum err_code)c)) == 0) {
			*out = (enum err_code)c;
			return true;
		}
	}
	return false;
}

static void mark_cut(struct err *e, int wanted)
{
	if (wanted >= ERR_TEXT_MAX)
		memcpy(e->text + ERR_TEXT_MAX - 4, "...", 4);
}

enum err_code err_set(struct err *e, enum err_code code, const char *fmt, ...)
{
	if (e) {
		va_list ap;
		va_start(ap, fmt);
		e->code = code;
		mark_cut(e, vsnprintf(e->text, sizeof(e->text), fmt, ap));
		va_end(ap);
	}
	return code;
}

enum err_code err_set_errno(struct err *e, enum err_code code, int errnum, const char *fmt, ...)
{
	if (e) {
		va_list ap;
		char what[ERR_TEXT_MAX];
		char sys[128];
		va_start(ap, fmt);
		vsnprintf(what, sizeof(what), fmt, ap);
		va_end(ap);
		e->code = code;
		mark_cut(e, snprintf(e->text, sizeof(e->text), "%s: %s", what, strerror_r(errnum, sys, sizeof(sys))));
	}
	return code;
}

enum err_code err_wrap(struct err *e, const char *fmt, ...)
{
	if (!e)
		return ERR_BUG;
	va_list ap;
	char context[ERR_TEXT_MAX];
	char old[ERR_TEXT_MAX];
	va_start(ap, fmt);
	vsnprintf(context, sizeof(context), fmt, ap);
	va_end(ap);
	memcpy(old, e->text, sizeof(old));
	mark_cut(e, snprintf(e->text, sizeof(e->text), "%s: %s", context, old));
	return e->code;
}

void err_clear(struct err *e)
{
	e->code = ERR_OK;
	e->text[0] = '\0';
}
