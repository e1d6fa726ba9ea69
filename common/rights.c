/* Strict on purpose: a record that reads differently to two programs would give two hosts the same right. */
#include "rights.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define PRIMARY_BIT RIGHTS_BIT(RIGHTS_PRIMARY)
#define LEAP_MAX 1000000 /* an epoch further off is no operation's, and would leave none above it */
#define STANDBY_BIT RIGHTS_BIT(RIGHTS_STANDBY)

struct lines {
	char text[RIGHTS_BYTES_MAX + 1];
	char *at;
	int number; /* of the line that was taken last */
};

const char *rights_place_name(enum rights_place place)
{
	switch (place) {
	case RIGHTS_PRIMARY: return "primary";
	case RIGHTS_STANDBY: return "standby";
	case RIGHTS_PARKED: return "parked";
	}
	return "?";
}

bool rights_place_parse(const char *name, enum rights_place *out)
{
	for (int p = RIGHTS_PRIMARY; p <= RIGHTS_PARKED; p++) {
		if (strcmp(name, rights_place_name((enum rights_place)p)) == 0) {
			*out = (enum rights_place)p;
			return true;
		}
	}
	return false;
}

const char *rights_accept_name(unsigned accept)
{
	static const char *const names[] = { "none", "primary", "standby", "primary,standby" };
	return names[accept & (PRIMARY_BIT | STANDBY_BIT)];
}

bool rights_accept_parse(const char *text, unsigned *out)
{
	for (unsigned a = 0; a <= (PRIMARY_BIT | STANDBY_BIT); a++) {
		if (strcmp(text, rights_accept_name(a)) == 0) {
			*out = a;
			return true;
		}
	}
	return false;
}

static enum err_code bad(const struct lines *l, struct err *e, const char *want)
{
	return err_set(e, ERR_INVALID, "rights record line %d: %s", l->number, want);
}

static enum err_code split(struct lines *l, const char *text, size_t len, struct err *e)
{
	if (len > RIGHTS_BYTES_MAX)
		return err_set(e, ERR_INVALID, "rights record: longer than %d bytes", RIGHTS_BYTES_MAX);
	if (len == 0 || text[len - 1] != '\n')
		return err_set(e, ERR_INVALID, "rights record: does not end with a newline (truncated)");
	memcpy(l->text, text, len);
	l->text[len] = '\0';
	l->at = l->text;
	l->number = 1;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		if ((c < ' ' && c != '\n') || c >= 0x7f)
			return bad(l, e, "a character that is not printable ASCII");
		l->number += c == '\n';
	}
	l->number = 0;
	return ERR_OK;
}

static char *take_line(struct lines *l)
{
	char *line = l->at;
	char *end = strchr(line, '\n');
	l->number++;
	if (!end)
		return NULL;
	*end = '\0';
	l->at = end + 1;
	return line;
}

/* The value of the next line when that has this key; else the line stays and NULL comes back. */
static char *take_value(struct lines *l, const char *key)
{
	size_t len = strlen(key);
	if (strncmp(l->at, key, len) != 0 || l->at[len] != '=') {
		l->number++;
		return NULL;
	}
	return take_line(l) + len + 1;
}

/* Decimal, no sign, no leading zero, nothing behind it. */
static bool parse_number(const char *text, uint64_t *out)
{
	uint64_t value = 0;
	if (!text[0] || (text[0] == '0' && text[1]))
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		if (__builtin_mul_overflow(value, (uint64_t)10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*text - '0'), &value))
			return false;
	}
	*out = value;
	return true;
}

static bool parse_stamp(const char *text, int64_t *out)
{
	uint64_t value;
	if (!parse_number(text, &value) || value > INT64_MAX)
		return false;
	*out = (int64_t)value;
	return true;
}

static bool is_name(const char *text, const char *extra)
{
	for (const char *c = text; *c; c++)
		if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ||
		      strchr(extra, *c)))
			return false;
	return text[0] != '\0';
}

static bool parse_rehearse(char *value, struct rights_record *out)
{
	char *blank = strchr(value, ' ');
	if (!blank)
		return false;
	*blank = '\0';
	return is_name(value, "-") && str_copy(out->rehearse_boot, sizeof(out->rehearse_boot), value) &&
	       parse_stamp(blank + 1, &out->rehearse_until_s);
}

static enum err_code read_lines(struct lines *l, struct rights_record *out, struct err *e)
{
	char *v = take_line(l);
	if (!v || strcmp(v, "coldmx-rights 1") != 0)
		return bad(l, e, "must be `coldmx-rights 1`");
	if (!(v = take_value(l, "pair")) || !is_name(v, "._-") || !str_copy(out->pair, sizeof(out->pair), v))
		return bad(l, e, "must be pair= and a name");
	if (!(v = take_value(l, "epoch")) || !parse_number(v, &out->epoch) || out->epoch == 0)
		return bad(l, e, "must be epoch= and a number from 1");
	if (!(v = take_value(l, "own")) || !rights_place_parse(v, &out->own))
		return bad(l, e, "must be own= and primary, standby or parked");
	if (!(v = take_value(l, "accept")) || !rights_accept_parse(v, &out->accept))
		return bad(l, e, "must be accept= and primary, standby, primary,standby or none");
	if (out->own != RIGHTS_PARKED && !(out->accept & RIGHTS_BIT(out->own)))
		return bad(l, e, "whoever owns must accept as well");
	if (!(v = take_value(l, "issued_ms")) || !parse_stamp(v, &out->issued_ms))
		return bad(l, e, "must be issued_ms= and milliseconds since 1970");
	if (!l->at[0])
		return ERR_OK;
	if (!(v = take_value(l, "rehearse")) || !parse_rehearse(v, out))
		return bad(l, e, "must be rehearse= with boot id and seconds, or absent");
	return l->at[0] ? (l->number++, bad(l, e, "nothing may follow the record")) : ERR_OK;
}

enum err_code rights_parse(const char *text, size_t len, struct rights_record *out, struct err *e)
{
	struct lines l = { .at = l.text };
	memset(out, 0, sizeof(*out));
	enum err_code rc = split(&l, text, len, e);
	return rc == ERR_OK ? read_lines(&l, out, e) : rc;
}

void rights_format(const struct rights_record *r, struct strbuf *out)
{
	strbuf_addf(out, "coldmx-rights 1\npair=%s\nepoch=%" PRIu64 "\nown=%s\naccept=%s\nissued_ms=%" PRId64 "\n",
		    r->pair, r->epoch, rights_place_name(r->own), rights_accept_name(r->accept), r->issued_ms);
	if (r->rehearse_boot[0])
		strbuf_addf(out, "rehearse=%s %" PRId64 "\n", r->rehearse_boot, r->rehearse_until_s);
}

bool rights_same(const struct rights_record *a, const struct rights_record *b)
{
	return strcmp(a->pair, b->pair) == 0 && a->epoch == b->epoch && a->own == b->own && a->accept == b->accept &&
	       strcmp(a->rehearse_boot, b->rehearse_boot) == 0 && a->rehearse_until_s == b->rehearse_until_s;
}

enum err_code rights_accept_new(const struct rights_record *current, const struct rights_record *new, struct err *e)
{
	if (!current || rights_same(current, new))
		return ERR_OK;
	if (strcmp(current->pair, new->pair) != 0)
		return err_set(e, ERR_CONFLICT, "the record is of pair %s; this host belongs to pair %s", new->pair,
			       current->pair);
	if (new->epoch < current->epoch)
		return err_set(e, ERR_STALE, "epoch %" PRIu64 " is lower than the stored epoch %" PRIu64, new->epoch,
			       current->epoch);
	if (new->epoch == current->epoch)
		return err_set(e, ERR_CONFLICT, "epoch %" PRIu64 " is stored already with other rights", new->epoch);
	return ERR_OK;
}

enum err_code rights_learn(const struct rights_record *current, enum rights_place me, struct rights_record *seen,
			   bool *raised, struct err *e)
{
	uint64_t epoch = current ? current->epoch : 0;
	*raised = false;
	if (current && strcmp(current->pair, seen->pair) != 0)
		return err_set(e, ERR_CONFLICT, "the record is of pair %s; this host belongs to pair %s", seen->pair,
			       current->pair);
	if (seen->epoch > epoch && seen->epoch - epoch > LEAP_MAX)
		return err_set(e, ERR_INVALID, "epoch %" PRIu64 " cannot follow the stored epoch %" PRIu64, seen->epoch,
			       epoch);
	if (current && seen->epoch == epoch && seen->own != current->own)
		return err_set(e, ERR_CONFLICT, "epoch %" PRIu64 " is stored already with another owner", seen->epoch);
	if (current && me == RIGHTS_STANDBY)
		seen->accept |= current->accept & STANDBY_BIT;
	*raised = seen->epoch > epoch;
	return ERR_OK;
}

void rights_break_glass(const struct rights_record *current, uint64_t known_epoch, enum rights_place me,
			struct rights_record *out)
{
	if (current)
		*out = *current;
	else
		*out = (struct rights_record){ .epoch = known_epoch, .accept = PRIMARY_BIT | STANDBY_BIT };
	out->epoch += RIGHTS_GLASS_LEAP;
	out->own = me;
	out->accept |= RIGHTS_BIT(me);
}

static PRINTF_LIKE(3, 4) void answer(struct rights_answer *out, unsigned may, const char *fmt, ...)
{
	va_list ap;
	out->may_accept = may >= 1;
	out->may_own = may >= 2;
	va_start(ap, fmt);
	vsnprintf(out->why, sizeof(out->why), fmt, ap);
	va_end(ap);
}

enum { NOTHING, ACCEPT, OWN };

/* A full pair's owner whom nobody has confirmed in this boot: the other host may own by now. */
static void decide_alone(const struct rights_record *r, const struct rights_site *site, struct rights_answer *out)
{
	uint64_t epoch = r ? r->epoch : 0;
	bool returning = r && (r->accept & ~RIGHTS_BIT(site->role));
	if (site->role == RIGHTS_PRIMARY && returning && site->policy.returning_primary == RIGHTS_RETURNING_WAIT)
		answer(out, ACCEPT,
		       "epoch %" PRIu64 " is not confirmed since boot and shows a promotion: a returning "
		       "primary's delivery waits",
		       epoch);
	else if (site->policy.gate_alone == RIGHTS_ALONE_SERVE)
		answer(out, OWN, "epoch %" PRIu64 " is not confirmed since boot; gate_alone says serve", epoch);
	else
		answer(out, ACCEPT, "epoch %" PRIu64 " is not confirmed since boot; gate_alone says accept only",
		       epoch);
}

static void decide_by_record(const struct rights_record *r, const struct rights_site *site, struct rights_answer *out)
{
	const char *me = rights_place_name(site->role);
	bool owns = r->own == site->role;
	if (owns && !site->confirmed && site->policy.mode == RIGHTS_FULL)
		decide_alone(r, site, out);
	else if (owns)
		answer(out, OWN, "epoch %" PRIu64 " gives own to the %s", r->epoch, me);
	else if (r->accept & RIGHTS_BIT(site->role))
		answer(out, ACCEPT, "epoch %" PRIu64 " gives accept to the %s", r->epoch, me);
	else
		answer(out, NOTHING, "epoch %" PRIu64 " gives no right to the %s (accept=%s)", r->epoch, me,
		       rights_accept_name(r->accept));
}

void rights_decide(const struct rights_record *r, const struct rights_site *site, struct rights_answer *out)
{
	memset(out, 0, sizeof(*out));
	if (r)
		decide_by_record(r, site, out);
	else if (site->role != RIGHTS_PRIMARY)
		answer(out, NOTHING, "no rights record yet: a standby waits for its grant");
	else if (site->policy.mode == RIGHTS_FULL)
		decide_alone(NULL, site, out);
	else
		answer(out, OWN, "no rights record yet: a primary serves");
	if (!r || out->may_accept || site->role != RIGHTS_STANDBY || strcmp(r->rehearse_boot, site->boot_id) != 0)
		return;
	out->may_rehearse = site->now_s < r->rehearse_until_s;
	if (out->may_rehearse)
		answer(out, NOTHING, "epoch %" PRIu64 " lets this boot rehearse on loopback", r->epoch);
	else
		answer(out, NOTHING, "epoch %" PRIu64 ": the rehearsal of this boot has expired", r->epoch);
}
