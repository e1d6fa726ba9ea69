/* Evidence against the primary is only what the primary itself failed to say: no answer at all. Whatever it
 * answers (4xx, 5xx, a broken handshake) proves that it lives; what failed on our side proves nothing. */
#include "health.h"

#include <stdio.h>
#include <string.h>

enum sample { SAMPLE_NOTHING, SAMPLE_DEAD, SAMPLE_ALIVE };

static enum sample judge(const struct probe_result *r)
{
	switch (r->outcome) {
	case PROBE_OK:
	case PROBE_BUSY: return SAMPLE_ALIVE;
	case PROBE_LOCAL: return SAMPLE_NOTHING;
	case PROBE_FAIL: break;
	}
	if (r->smtp_code >= 400)
		return SAMPLE_ALIVE; /* a refusal that perhaps only we see (promise 2) */
	if (r->layer == LAYER_STARTTLS && !r->hung)
		return SAMPLE_ALIVE; /* it answered, with TLS that is broken: senders mostly go on without */
	return SAMPLE_DEAD;
}

void health_init(struct health *h, const struct health_opts *opts, struct instant now)
{
	memset(h, 0, sizeof(*h));
	h->opts = *opts;
	h->verdict = HEALTH_UNKNOWN;
	h->since_ms = now.boot_ms;
}

void health_forget(struct health *h, struct instant now)
{
	struct health_opts opts = h->opts;
	health_init(h, &opts, now);
	h->forgot_ms = now.boot_ms;
}

/* A cut of our own network that is shorter than the references' pace shows in no verdict of theirs. So a dead round
 * counts only when a reference answered between the start of the one that counted before it and its own: the cut would
 * have to hit each round and spare every reference in between. */
static void count_dead(struct health *h, struct health_line *line, int64_t started_ms, struct instant now)
{
	line->alive = 0;
	line->last_ms = now.boot_ms;
	bool vouched = line->vouched_ms && line->vouched_ms <= started_ms;
	if (h->opts.references && line->dead && !vouched) {
		line->uncounted++;
		return;
	}
	line->dead++;
	line->vouched_ms = h->answered_ms > started_ms ? h->answered_ms : 0;
}

void health_smtp_result(struct health *h, enum health_family family, const struct probe_result *r, struct instant now)
{
	struct health_line *line = &h->line[family];
	if (r->started.boot_ms < h->forgot_ms)
		return; /* it began before we slept */
	line->last = *r;
	switch (judge(r)) {
	case SAMPLE_NOTHING: line->local++; return;
	case SAMPLE_DEAD:
		if (h->opts.references && h->isolated) { /* our own route: no evidence (promise 2) */
			line->local++;
			return;
		}
		count_dead(h, line, r->started.boot_ms, now);
		break;
	case SAMPLE_ALIVE:
		line->alive++;
		line->dead = line->uncounted = 0;
		line->last_ms = now.boot_ms;
		break;
	}
	line->local = 0;
}

void health_agent_result(struct health *h, const struct probe_result *r, struct instant now)
{
	if (r->outcome != PROBE_OK || !r->agent.present)
		return; /* a silent agent is no evidence; its last word ages */
	h->agent = *r;
	h->agent_ms = now.boot_ms;
}

void health_references(struct health *h, bool any_answers, struct instant now)
{
	for (int f = 0; f < FAMILIES && !any_answers && !h->isolated; f++)
		h->line[f].dead = h->line[f].uncounted = 0; /* perhaps lost on our side already */
	h->isolated = !any_answers;
	h->reference_ms = now.boot_ms;
}

void health_reference_answered(struct health *h, struct instant now)
{
	h->answered_ms = now.boot_ms;
	for (int f = 0; f < FAMILIES; f++)
		if (!h->line[f].vouched_ms)
			h->line[f].vouched_ms = now.boot_ms;
}

static int dead_rounds_needed(const struct health *h)
{
	return h->opts.references && h->opts.fail_after < 2 ? 2 : h->opts.fail_after;
}

bool health_wants_references(const struct health *h)
{
	for (int f = 0; f < FAMILIES; f++)
		if (h->opts.used[f] && h->line[f].dead && h->line[f].dead < dead_rounds_needed(h))
			return h->opts.references;
	return false;
}

static bool line_fresh(const struct health *h, enum health_family f, struct instant now)
{
	return h->line[f].last_ms && now.boot_ms - h->line[f].last_ms <= h->opts.stale_ms;
}

/* The agent checks its own SMTP dialogue, so "serving" is a second vantage point. */
static bool agent_vouches(const struct health *h, struct instant now)
{
	return h->opts.agent && h->agent_ms && now.boot_ms - h->agent_ms <= h->opts.stale_ms / 2 &&
	       h->agent.agent.serving;
}

static bool references_veto(const struct health *h)
{
	return h->opts.references && (h->isolated || !h->reference_ms);
}

struct tally {
	int used, fresh, dead, failing, alive, confirmed_alive;
};

static struct tally count_lines(const struct health *h, struct instant now)
{
	struct tally t = { 0 };
	for (int f = 0; f < FAMILIES; f++) {
		if (!h->opts.used[f])
			continue;
		t.used++;
		if (!line_fresh(h, (enum health_family)f, now))
			continue;
		t.fresh++;
		t.dead += h->line[f].dead >= dead_rounds_needed(h);
		t.failing += h->line[f].dead > 0;
		t.alive += h->line[f].alive > 0;
		t.confirmed_alive += h->line[f].alive >= h->opts.up_after;
	}
	return t;
}

static enum health_verdict conclude(const struct health *h, const struct tally *t, struct instant now)
{
	if (!t->used || t->fresh < t->used)
		return t->alive ? HEALTH_UP : HEALTH_UNKNOWN;
	if (t->alive) {
		if (h->verdict == HEALTH_DOWN && !t->confirmed_alive)
			return HEALTH_SUSPECT;
		return HEALTH_UP;
	}
	if (h->opts.references && h->isolated)
		return HEALTH_UNKNOWN; /* whoever sees nobody knows nothing of the primary */
	if (t->dead < t->used)
		return HEALTH_SUSPECT;
	if (references_veto(h) || agent_vouches(h, now))
		return HEALTH_SUSPECT;
	return HEALTH_DOWN;
}

static void note_trouble(struct health *h, struct instant now)
{
	bool busy = false, other = false;
	h->refuses = false;
	h->tls_trouble = NULL;
	for (int f = 0; f < FAMILIES; f++) {
		const struct health_line *line = &h->line[f];
		if (!h->opts.used[f] || !line_fresh(h, (enum health_family)f, now))
			continue;
		busy |= line->last.outcome == PROBE_BUSY;
		other |= line->last.outcome != PROBE_BUSY;
		if (line->last.tls_trouble[0])
			h->tls_trouble = line->last.tls_trouble;
		h->refuses |= line->last.outcome == PROBE_FAIL && line->last.smtp_code >= 500;
	}
	if (busy && !other && !h->busy_only)
		h->busy_since_ms = now.boot_ms;
	h->busy_only = busy && !other;
}

enum health_verdict health_evaluate(struct health *h, struct instant now)
{
	struct tally t = count_lines(h, now);
	enum health_verdict verdict = conclude(h, &t, now);
	note_trouble(h, now);
	for (int f = 0; f < FAMILIES; f++)
		h->degraded[f] = h->opts.used[f] && t.confirmed_alive && h->line[f].dead >= dead_rounds_needed(h);
	if (verdict != h->verdict) {
		h->verdict = verdict;
		h->since_ms = now.boot_ms;
	}
	return verdict;
}

bool health_recovered(const struct health *h)
{
	return h->verdict == HEALTH_UP &&
	       (h->line[FAMILY_V4].alive >= h->opts.up_after || h->line[FAMILY_V6].alive >= h->opts.up_after);
}

static int64_t age_of(int64_t at_ms, struct instant now)
{
	return at_ms ? now.boot_ms - at_ms : -1;
}

static void explain_family(const struct health *h, enum health_family f, struct instant now, struct condition *c)
{
	const struct health_line *line = &h->line[f];
	snprintf(c->name, sizeof(c->name), "smtp-%s", health_family_name(f));
	if (!line->last_ms)
		snprintf(c->value, sizeof(c->value), "no report%s", line->local ? " (local fault)" : "");
	else if (line->dead && line->uncounted)
		snprintf(c->value, sizeof(c->value),
			 "%d dead round%s (%d not counted: no reference), the last at %s: %.40s", line->dead,
			 line->dead == 1 ? "" : "s", line->uncounted, probe_layer_name(line->last.layer),
			 line->last.reason);
	else if (line->dead)
		snprintf(c->value, sizeof(c->value), "%d dead round%s, the last at %s: %.60s", line->dead,
			 line->dead == 1 ? "" : "s", probe_layer_name(line->last.layer), line->last.reason);
	else if (judge(&line->last) != SAMPLE_ALIVE)
		snprintf(c->value, sizeof(c->value), "not counted (our own side): %s: %.60s",
			 probe_layer_name(line->last.layer), line->last.reason);
	else
		snprintf(c->value, sizeof(c->value), "answers (%s%s%.60s)%s%.40s",
			 probe_outcome_name(line->last.outcome), line->last.reason[0] ? ": " : "", line->last.reason,
			 line->last.tls_trouble[0] ? "; TLS: " : "", line->last.tls_trouble);
	snprintf(c->limit, sizeof(c->limit), "%d dead rounds in a row%s", dead_rounds_needed(h),
		 h->opts.references ? ", a reference's answer between any two" : "");
	c->met = line->dead >= dead_rounds_needed(h);
	c->age_ms = age_of(line->last_ms, now);
	snprintf(c->source, sizeof(c->source), "probe");
}

static void explain_agent(const struct health *h, struct instant now, struct condition *c)
{
	bool vouches = agent_vouches(h, now);
	snprintf(c->name, sizeof(c->name), "agent");
	snprintf(c->value, sizeof(c->value), "%s",
		 !h->agent_ms             ? "no report"
		 : vouches                ? "says: serving"
		 : h->agent.agent.serving ? "said: serving, too long ago"
					  : "says: not serving");
	snprintf(c->limit, sizeof(c->limit), "no fresh word that it serves");
	c->met = !vouches;
	c->age_ms = age_of(h->agent_ms, now);
	snprintf(c->source, sizeof(c->source), "primary's agent");
}

static void explain_references(const struct health *h, struct instant now, struct condition *c)
{
	snprintf(c->name, sizeof(c->name), "references");
	snprintf(c->value, sizeof(c->value), "%s",
		 !h->reference_ms ? "no report"
		 : h->isolated    ? "none answers: the controller is cut off"
				  : "reachable");
	snprintf(c->limit, sizeof(c->limit), "at least one that answers");
	c->met = !references_veto(h);
	c->age_ms = age_of(h->reference_ms, now);
	snprintf(c->source, sizeof(c->source), "probe");
}

size_t health_explain(const struct health *h, struct instant now, struct condition *out, size_t max)
{
	size_t n = 0;
	for (int f = 0; f < FAMILIES && n < max; f++)
		if (h->opts.used[f])
			explain_family(h, (enum health_family)f, now, &out[n++]);
	if (h->opts.agent && n < max)
		explain_agent(h, now, &out[n++]);
	if (h->opts.references && n < max)
		explain_references(h, now, &out[n++]);
	return n;
}

const char *health_verdict_name(enum health_verdict verdict)
{
	switch (verdict) {
	case HEALTH_UNKNOWN: return "unknown";
	case HEALTH_UP: return "up";
	case HEALTH_SUSPECT: return "suspect";
	case HEALTH_DOWN: return "down";
	case HEALTH_WOUNDED: return "wounded";
	}
	return "?";
}

const char *health_family_name(enum health_family family)
{
	switch (family) {
	case FAMILY_V4: return "v4";
	case FAMILY_V6: return "v6";
	}
	return "?";
}
