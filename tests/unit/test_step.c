/* Single steps, one outcome at a time: what they ask next, when they fail, what they only degrade. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../controller/step/step.h"

struct stage {
	struct plan plan;
	struct plan_zone zone[3];
	struct facts facts;
	struct step_mem mem;
	struct strbuf body;
	struct step_out out;
};

static enum step_say ask(struct stage *s, step_fn *fn, const struct outcome *last)
{
	struct step_ctx ctx = { &s->plan, &s->facts, &s->mem, { 1000, 1000 }, false };
	strbuf_reset(&s->body);
	s->out = (struct step_out){ .body = &s->body };
	return fn(&ctx, last, &s->out);
}

static void stage_init(struct stage *s)
{
	*s = (struct stage){ .body = STRBUF_INIT };
	s->plan.kind = PLAN_PROMOTE;
	s->plan.op = 7;
	s->plan.epoch = 5;
	s->plan.site.zones = s->zone;
	s->plan.site.dns_ms = 60000;
	s->plan.site.command_ms = 60000;
	strcpy(s->plan.site.host[HOST_STANDBY].v4, "192.0.2.2");
}

static struct outcome smtp(int known, int unknown, const char *tls_trouble)
{
	struct outcome o = { .u.smtp = { .known_code = known, .unknown_code = unknown } };
	snprintf(o.u.smtp.tls_trouble, sizeof(o.u.smtp.tls_trouble), "%s", tls_trouble);
	return o;
}

/* Promise 14: senders go on past a bad certificate, so does the promotion, loudly. */
static void a_bad_certificate_only_degrades(void **state)
{
	struct stage s;
	struct outcome o = smtp(250, 550, "certificate has expired");
	(void)state;
	stage_init(&s);
	assert_int_equal(ask(&s, step_verify_outside, NULL), STEP_VERB);
	assert_int_equal(ask(&s, step_verify_outside, &o), STEP_DONE);
	assert_non_null(strstr(s.facts.degrade, "IPv4: no trusted TLS: certificate has expired"));
	strbuf_fini(&s.body);
}

/* 4xx to the unknown recipient is greylisting until a later try says more; 2xx is backscatter. */
static void a_greylisted_unknown_recipient_is_asked_again(void **state)
{
	struct stage s;
	struct outcome later = smtp(250, 451, ""), good = smtp(250, 550, ""), takes_all = smtp(250, 250, "");
	(void)state;
	stage_init(&s);
	assert_int_equal(ask(&s, step_verify_outside, NULL), STEP_VERB);
	assert_int_equal(ask(&s, step_verify_outside, &later), STEP_WAIT);
	assert_non_null(strstr(s.mem.text, "greylisting"));
	assert_int_equal(ask(&s, step_verify_outside, NULL), STEP_VERB);
	assert_int_equal(ask(&s, step_verify_outside, &good), STEP_DONE);
	stage_init(&s);
	s.facts.soft_bounce = true;
	assert_int_equal(ask(&s, step_verify_outside, NULL), STEP_VERB);
	assert_int_equal(ask(&s, step_verify_outside, &later), STEP_DONE);
	stage_init(&s);
	assert_int_equal(ask(&s, step_verify_outside, NULL), STEP_VERB);
	assert_int_equal(ask(&s, step_verify_outside, &takes_all), STEP_FAIL);
	assert_int_equal(err_code_class(s.out.err.code), ERR_CLASS_PERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bad_certificate_only_degrades),
		cmocka_unit_test(a_greylisted_unknown_recipient_is_asked_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
