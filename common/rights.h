/*
 * Purpose:   the rights record (docs/rights.md), and what a host may do under it: the agent's whole decision.
 * Not its job: storing, asking, clocks. The simulator's hosts run this very code.
 * Thread:    any (values, pure).   Ownership: flat; boot_id of rights_site is borrowed.
 * Errors:    ERR_INVALID naming the line of a record; ERR_STALE, ERR_CONFLICT from rights_accept_new.
 * Units:     _ms milliseconds, _s seconds, both since 1970.
 */
#ifndef COLDMX_RIGHTS_H
#define COLDMX_RIGHTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/basic.h"
#include "base/err.h"
#include "base/strbuf.h"

#define RIGHTS_BYTES_MAX 4096
#define RIGHTS_BOOT_ID_SIZE 40
#define RIGHTS_WHY_SIZE 160

/* A broken glass leaves these epochs to a controller that does not know of it yet, and stands above what it gives. */
#define RIGHTS_GLASS_LEAP 1000

#define RIGHTS_BIT(place) (1u << (place))

enum rights_place { RIGHTS_PRIMARY, RIGHTS_STANDBY, RIGHTS_PARKED };

struct rights_record {
	char pair[NAME_MAX_LEN];
	uint64_t epoch; /* never 0 */
	enum rights_place own;
	unsigned accept;                         /* RIGHTS_BIT of primary, standby */
	int64_t issued_ms;                       /* for people: no decision hangs on it */
	char rehearse_boot[RIGHTS_BOOT_ID_SIZE]; /* "" = none */
	int64_t rehearse_until_s;
};

enum rights_mode { RIGHTS_SPOOL, RIGHTS_FULL };
enum rights_returning { RIGHTS_RETURNING_SERVE, RIGHTS_RETURNING_WAIT };
enum rights_alone { RIGHTS_ALONE_SERVE, RIGHTS_ALONE_ACCEPT_ONLY };

struct rights_policy {
	enum rights_mode mode;
	enum rights_returning returning_primary; /* full pairs */
	enum rights_alone gate_alone;            /* full pairs */
};

/* Who asks. `confirmed`: the controller has said in this boot that the record is the one in force. */
struct rights_site {
	enum rights_place role; /* RIGHTS_PRIMARY or RIGHTS_STANDBY */
	const char *boot_id;
	int64_t now_s;
	bool confirmed;
	struct rights_policy policy;
};

struct rights_answer {
	bool may_accept;           /* take mail on port 25 into the queue */
	bool may_own;              /* deliver, IMAP, submission, Sieve; implies may_accept */
	bool may_rehearse;         /* on loopback only */
	char why[RIGHTS_WHY_SIZE]; /* one line, never empty */
};

/* `len` bytes, which need no NUL behind them. `out` is undefined after an error. */
enum err_code rights_parse(const char *text, size_t len, struct rights_record *out, struct err *e) NODISCARD;
/* Appends the text that rights_parse reads. */
void rights_format(const struct rights_record *r, struct strbuf *out);

/* Whether `new` may take the place of `current` (NULL: there is none). ERR_STALE: its epoch is lower.
 * ERR_CONFLICT: another pair, or the same epoch and other rights (issued_ms is no right). */
enum err_code rights_accept_new(const struct rights_record *current, const struct rights_record *new,
				struct err *e) NODISCARD;
/* Whether what the peer or the marker shows is to be stored at `me` (*raised): only a higher epoch changes anything.
 * `accept` is taken from a standby by the controller alone, since it may hold mail that is to be drained: `seen` keeps it.
 * ERR_CONFLICT: another pair, or the same epoch and another owner. ERR_INVALID: an epoch that nobody can have reached. */
enum err_code rights_learn(const struct rights_record *current, enum rights_place me, struct rights_record *seen,
			   bool *raised, struct err *e) NODISCARD;
/* The same rights at the same epoch: there is nothing to store. */
bool rights_same(const struct rights_record *a, const struct rights_record *b);

/* `r` NULL: no record yet. A spool primary serves without a record and without a confirmation (promise 10); a
 * standby without a record never serves. */
void rights_decide(const struct rights_record *r, const struct rights_site *site, struct rights_answer *out);

/* The record of a person who breaks the glass at `me`: it owns; who accepts mail goes on to, and without a record (NULL)
 * both do. It is far above `current`, or above `known_epoch` without one. */
void rights_break_glass(const struct rights_record *current, uint64_t known_epoch, enum rights_place me,
			struct rights_record *out);

const char *rights_place_name(enum rights_place place);
bool rights_place_parse(const char *name, enum rights_place *out);
/* "primary", "standby", "primary,standby", "none" */
const char *rights_accept_name(unsigned accept);
bool rights_accept_parse(const char *name, unsigned *out);

#endif
