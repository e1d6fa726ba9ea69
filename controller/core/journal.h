/*
 * Purpose:   one row of an operation's journal, as struct and as versioned text.
 * Not its job: storing it (store), replaying it (run).
 * Thread:    loop.   Ownership: values.   Errors: ERR_INVALID names what cannot be read.
 */
#ifndef COLDMX_JOURNAL_H
#define COLDMX_JOURNAL_H

#include "run.h"

enum journal_event {
	JOURNAL_BEGIN,
	JOURNAL_DONE,
	JOURNAL_TURN_BACK,
	JOURNAL_UNDONE,
	JOURNAL_STUCK,
	JOURNAL_RESUME,
	JOURNAL_SKIP, /* a person's word stands in for the step; done or undone follows */
	JOURNAL_NOTE, /* facts learned in the middle of a step */
};

struct journal_row {
	enum journal_event event;
	size_t step;
	char note[160];
	struct err err;
	struct facts facts;
	struct instant when;
};

const char *journal_event_name(enum journal_event event);
void journal_format(const struct journal_row *row, struct strbuf *out);
enum err_code journal_parse(const char *text, size_t nsteps, struct journal_row *out, struct err *e) NODISCARD;

#endif
