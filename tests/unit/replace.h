/*
 * Purpose:   words of a sample or a page put in place of others, for the tests that change one thing in a whole file.
 * Thread:    the test's.   Ownership: takes `text`, returns a new one that the caller frees.
 */
#ifndef COLDMX_TEST_REPLACE_H
#define COLDMX_TEST_REPLACE_H

#include <stdlib.h>
#include <string.h>

#include "../../common/base/strbuf.h"

/* Every `from` becomes `to`. */
static char *replace(char *text, const char *from, const char *to)
{
	struct strbuf out = STRBUF_INIT;
	for (const char *at = text; *at;) {
		if (strncmp(at, from, strlen(from)) == 0) {
			strbuf_adds(&out, to);
			at += strlen(from);
		} else {
			strbuf_addc(&out, *at++);
		}
	}
	free(text);
	return strbuf_take(&out);
}

#endif
