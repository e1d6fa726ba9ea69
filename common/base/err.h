/*
 * Purpose:   the one error idiom: a code with a class, and the reason in words.
 * Not its job: logging. The layer that decides logs, once, with err->text.
 * Thread:    any (values).   Ownership: struct err is a value; text is inline.
 * Errors:    none of its own; over-long reasons are cut with "...".
 */
#ifndef COLDMX_ERR_H
#define COLDMX_ERR_H

#include <stdbool.h>

#include "attr.h"

enum err_class {
	ERR_CLASS_NONE,     /* no error */
	ERR_CLASS_TEMP,     /* try again inside the deadline */
	ERR_CLASS_PERM,     /* trying again changes nothing: an operator must look */
	ERR_CLASS_LOCAL,    /* our side: descriptor limit, route, disk; no evidence about others */
	ERR_CLASS_CONFLICT, /* the world is not what we last knew: plan again */
	ERR_CLASS_BUG,      /* our own mistake */
};

enum err_code {
	ERR_OK,
	ERR_TIMEOUT,    /* TEMP: the deadline passed */
	ERR_REFUSED,    /* TEMP: connection refused or closed by the peer */
	ERR_UNREACH,    /* TEMP: no answer from network or host */
	ERR_AGAIN,      /* TEMP: the peer said "later" (exit 75, SERVFAIL, 4xx) */
	ERR_UNKNOWN,    /* TEMP: the reply was lost; the effect may have happened */
	ERR_AUTH,       /* PERM: key, token, TSIG or host key not accepted */
	ERR_DENIED,     /* PERM: authenticated, yet not allowed */
	ERR_PROTOCOL,   /* PERM: the answer is not in the peer's language */
	ERR_FAILED,     /* PERM: the peer did it and says it failed */
	ERR_UNVERIFIED, /* PERM: reported done, read back not done */
	ERR_INVALID,    /* PERM: bad input; the text names file, line or field */
	ERR_NOT_FOUND,  /* PERM */
	ERR_BLOCKED,    /* PERM: one of coldmx's own rules forbids it; the text names the rule */
	ERR_CANCELLED,  /* PERM: asked to stop */
	ERR_CONFLICT,   /* CONFLICT: compare-and-swap found another value */
	ERR_STALE,      /* CONFLICT: a higher epoch exists */
	ERR_LOCAL,      /* LOCAL: resource or system call on our side */
	ERR_STORE,      /* LOCAL: the database does not answer or is not ours */
	ERR_BUG,        /* BUG */
};

#define ERR_TEXT_MAX 320

struct err {
	enum err_code code;
	char text[ERR_TEXT_MAX]; /* "" when code is ERR_OK; never NULL */
};

enum err_class err_code_class(enum err_code code);
const char *err_code_name(enum err_code code);  /* "timeout", "conflict", ... for JSON */
const char *err_class_name(enum err_class cls); /* "temp", "perm", ... */
bool err_code_parse(const char *name, enum err_code *out);

/* Writes the reason where it is known; returns `code`, so that `return err_set(...)` reads well.
 * `e` may be NULL. */
enum err_code err_set(struct err *e, enum err_code code, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Appends ": strerror(errnum)". */
enum err_code err_set_errno(struct err *e, enum err_code code, int errnum, const char *fmt, ...) PRINTF_LIKE(4, 5);
/* Puts "context: " before the reason; keeps the code, returns it. */
enum err_code err_wrap(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);
void err_clear(struct err *e);

#endif
