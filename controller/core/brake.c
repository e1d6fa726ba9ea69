/* See brake.h. */
#include "brake.h"

#include "text.h"

#define DAY_MS 86400000

void brake_count(struct brake *b, int failing, int total)
{
	b->failing = failing;
	b->total = total;
}

static void roll_day(struct brake *b, struct instant now)
{
	int64_t day = now.wall_ms / DAY_MS;
	if (day > b->day) { /* a clock that steps back gives no new budget */
		b->day = day;
		b->used = 0;
	}
}

void brake_spend(struct brake *b, struct instant now)
{
	roll_day(b, now);
	b->used++;
}

enum err_code brake_check_budget(struct brake *b, struct instant now, struct err *e)
{
	roll_day(b, now);
	if (b->used < b->opts.per_day || hold_active(&b->lift, now))
		return ERR_OK;
	return err_set(e, ERR_BLOCKED, "daily budget: %d automatic promotions today, limit %d", b->used,
		       b->opts.per_day);
}

enum err_code brake_check_mass(const struct brake *b, struct instant now, struct err *e)
{
	if (b->failing < b->opts.mass_count || b->failing * 100 < b->opts.mass_percent * b->total ||
	    hold_active(&b->lift, now))
		return ERR_OK;
	return err_set(e, ERR_BLOCKED,
		       "mass brake: %d of %d primaries fail at once (limit %d and %d %%): "
		       "the fault may be on our side",
		       b->failing, b->total, b->opts.mass_count, b->opts.mass_percent);
}

void brake_format(const struct brake *b, struct strbuf *out)
{
	text_put_i64(out, "day", b->day);
	text_put_i64(out, "used", b->used);
}

void brake_parse(const char *text, struct brake *b)
{
	struct text_line line;
	int64_t used = 0;
	while (text_next(&text, &line)) {
		if (text_is(&line, "day"))
			(void)text_i64(&line, &b->day);
		else if (text_is(&line, "used"))
			(void)text_i64(&line, &used);
	}
	b->used = (int)used;
}
