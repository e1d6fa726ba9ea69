/*
 * Purpose:   compiler contracts used on prototypes, and BUG_ON for our own mistakes.
 * Not its job: input checking. BUG_ON is never for what comes from outside.
 * Thread:    any.   Ownership: none.   Errors: BUG_ON aborts, in release too.
 */
#ifndef COLDMX_ATTR_H
#define COLDMX_ATTR_H

#include <stddef.h>

#define NODISCARD __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define NORETURN __attribute__((noreturn))
#define RETURNS_NONNULL __attribute__((returns_nonnull))
#define UNUSED __attribute__((unused))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

NORETURN void bug_abort(const char *file, int line, const char *what);

#define BUG_ON(cond)                                                                                                   \
	do {                                                                                                           \
		if (cond)                                                                                              \
			bug_abort(__FILE__, __LINE__, #cond);                                                          \
	} while (0)

#endif
