/* See hold.h. */
#include "hold.h"

#include <string.h>

#include "text.h"

bool hold_active(const struct hold *hold, struct instant now)
{
	return hold->set && now.wall_ms < hold->expires_wall_ms;
}

void hold_format(const struct hold *hold, struct strbuf *out)
{
	if (!hold->set)
		return;
	text_put(out, "owner", hold->owner);
	text_put(out, "reason", hold->reason);
	text_put_i64(out, "since", hold->since_wall_ms);
	text_put_i64(out, "expires", hold->expires_wall_ms);
}

enum err_code hold_parse(const char *text, struct hold *out, struct err *e)
{
	struct text_line line;
	memset(out, 0, sizeof(*out));
	while (text_next(&text, &line)) {
		bool ok = true;
		if (text_is(&line, "owner"))
			ok = text_copy(&line, out->owner, sizeof(out->owner));
		else if (text_is(&line, "reason"))
			ok = text_copy(&line, out->reason, sizeof(out->reason));
		else if (text_is(&line, "since"))
			ok = text_i64(&line, &out->since_wall_ms);
		else if (text_is(&line, "expires"))
			ok = text_i64(&line, &out->expires_wall_ms);
		if (!ok)
			return err_set(e, ERR_INVALID, "hold: bad value of %s", line.key);
		out->set = true;
	}
	return ERR_OK;
}
