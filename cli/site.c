/* One site is lost: a failover of every pair whose primary stood there. Each pair is asked for by itself and refuses by its
 * own rules; one that goes wrong holds back no other. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../common/base/clock.h"
#include "../common/base/mem.h"
#include "cli.h"
#include "text.h"

#define POLL_MS 500
#define RESTART_LIMIT_MS 60000 /* a controller that restarts takes its operations up again */

struct moved {
	char *pair;
	uint64_t op;    /* 0 = none */
	char last[120]; /* what was printed of it */
	bool over, good;
};

struct site {
	const struct cli_options *o;
	struct client *c;
	struct moved *pairs;
	size_t n, refused, begun, unknown; /* unknown: no answer came, it may run */
};

static void nap(void)
{
	struct timespec ts = { .tv_nsec = POLL_MS * 1000000L };
	nanosleep(&ts, NULL);
}

/* Exit code, -1: go on. */
static int find_pairs(struct site *s)
{
	struct answer a;
	const json_t *pair;
	size_t i;
	client_ask(s->c, "/v1/status", NULL, &a);
	if (a.status != 200) {
		int code = cli_problem(s->o, &a);
		answer_fini(&a);
		return code;
	}
	const json_t *pairs = json_object_get(a.json, "pairs");
	s->pairs = mem_calloc(json_array_size(pairs) + 1, sizeof(*s->pairs));
	for (i = 0; (pair = json_array_get(pairs, i)); i++)
		if (strcmp(text_of(pair, "primary_site"), s->o->site) == 0)
			s->pairs[s->n++].pair = mem_strdup(text_of(pair, "name"));
	answer_fini(&a);
	if (s->n)
		return -1;
	fprintf(stderr, "coldmx: no pair has its primary at site \"%s\": primary.site of coldmx.conf names it\n",
		s->o->site);
	return CLI_USAGE;
}

static void begin(struct site *s, struct moved *m)
{
	struct strbuf body = STRBUF_INIT;
	struct answer a;
	char path[160];
	snprintf(path, sizeof(path), "/v1/pairs/%s/failover", m->pair);
	command_body(s->o, &body);
	client_ask(s->c, path, strbuf_str(&body), &a);
	m->op = (uint64_t)text_int(a.json, "operation", 0);
	m->over = !m->op;
	if (m->op) {
		printf("%-20s operation %" PRIu64 " runs\n", m->pair, m->op);
		s->begun++;
	} else if (a.status == 0 || a.status == 504) {
		printf("%-20s no answer, it may run: %s\n", m->pair, a.status ? text_of(a.json, "detail") : a.why.text);
		s->unknown++;
	} else {
		const char *why = text_of(a.json, "detail"), *rule = text_of(a.json, "rule");
		printf("%-20s refused%s%s%s: %s\n", m->pair, rule[0] ? " (rule " : "", rule, rule[0] ? ")" : "", why);
		s->refused++;
	}
	answer_fini(&a);
	strbuf_fini(&body);
}

static void tell(struct moved *m, const json_t *op)
{
	char now[sizeof(m->last)];
	const char *status = text_of(op, "status"), *step = text_of(op, "step");
	if ((uint64_t)text_int(op, "id", 0) > m->op) { /* somebody aborted or resumed it: that is another operation */
		printf("%-20s another operation took its place: coldmx status %s\n", m->pair, m->pair);
		m->over = true;
		return;
	}
	m->over = strcmp(status, "running") != 0 && strcmp(status, "undoing") != 0;
	m->good = strcmp(status, "done") == 0;
	if (m->over)
		snprintf(now, sizeof(now), "%.100s", status);
	else
		snprintf(now, sizeof(now), "%.40s at %.60s", status, step);
	if (strcmp(now, m->last) == 0)
		return;
	memcpy(m->last, now, sizeof(now));
	text_paint(!m->over ? PAINT_NONE : m->good ? PAINT_GOOD : PAINT_BAD);
	printf("%-20s %s\n", m->pair, now);
	text_paint(PAINT_NONE);
}

/* How many still run. */
static size_t look(struct site *s, const json_t *pairs)
{
	size_t running = 0;
	for (size_t i = 0; i < s->n; i++) {
		const json_t *pair;
		struct moved *m = &s->pairs[i];
		for (size_t k = 0; !m->over && (pair = json_array_get(pairs, k)); k++) {
			const json_t *op = json_object_get(pair, "operation");
			if (strcmp(text_of(pair, "name"), m->pair) == 0 && (uint64_t)text_int(op, "id", 0) >= m->op)
				tell(m, op);
		}
		running += !m->over;
	}
	fflush(stdout);
	return running;
}

/* *lost: nothing was seen for too long. */
static size_t follow(struct site *s, bool *lost)
{
	int64_t began_ms = clock_boot_ms(), seen_ms = began_ms;
	for (size_t running = s->begun;;) {
		struct answer a;
		client_ask(s->c, "/v1/status", NULL, &a);
		if (a.status == 200) {
			running = look(s, json_object_get(a.json, "pairs"));
			seen_ms = clock_boot_ms();
		}
		answer_fini(&a);
		*lost = clock_boot_ms() - seen_ms > RESTART_LIMIT_MS;
		if (!running || *lost || (s->o->wait_ms >= 0 && clock_boot_ms() - began_ms >= s->o->wait_ms))
			return running;
		nap();
	}
}

static int conclude(const struct site *s, size_t running, bool lost)
{
	size_t good = 0;
	for (size_t i = 0; i < s->n; i++)
		good += s->pairs[i].good;
	if (lost || s->unknown) {
		printf("site %s: lost sight of %zu of %zu pairs; what began is journaled, and goes on when coldmxd "
		       "runs\n",
		       s->o->site, running + s->unknown, s->n);
		return CLI_UNREACHABLE;
	}
	if (running) {
		printf("site %s: %zu of %zu still run, %zu refused; coldmx status --watch\n", s->o->site, running, s->n,
		       s->refused);
		return CLI_RUNNING;
	}
	text_paint(good == s->n ? PAINT_GOOD : PAINT_BAD);
	printf("site %s: %zu of %zu pairs promoted, %zu refused, %zu failed\n", s->o->site, good, s->n, s->refused,
	       s->begun - good);
	text_paint(PAINT_NONE);
	return good == s->n ? CLI_DONE : s->begun > good ? CLI_FAILED : CLI_REFUSED;
}

int site_run(const struct cli_options *o, struct client *c)
{
	struct site s = { .o = o, .c = c };
	int code = command_confirm(o, o->site);
	if (code < 0)
		code = find_pairs(&s);
	if (code < 0) {
		for (size_t i = 0; i < s.n; i++)
			begin(&s, &s.pairs[i]);
		bool lost = false;
		size_t running = s.begun ? follow(&s, &lost) : 0;
		code = conclude(&s, running, lost);
	}
	for (size_t i = 0; i < s.n; i++)
		free(s.pairs[i].pair);
	free(s.pairs);
	return code;
}
