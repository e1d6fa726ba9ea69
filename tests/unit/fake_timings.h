/* What the pretended engine's last failover took. */
#ifndef COLDMX_FAKE_TIMINGS_H
#define COLDMX_FAKE_TIMINGS_H

#include "../../controller/surface/http.h"
#include "../../controller/surface/timings.h"

static inline void fake_timings(void *ctx, const char *pair, timings_cb *cb, void *arg)
{
	static const struct record rows[] = {
		{ .kind = RECORD_OPERATION,
		  .op = 4,
		  .body = "status=ended-done\nkind=promote\nmaps_age_ms=60000\n"
			  "began_wall_ms=1790000000000\nstep=guard\nstep=open-port\n"
			  "step=verify-dns\n" },
		{ .kind = RECORD_JOURNAL, .op = 4, .body = "ev=begin\nstep=0\nwall_ms=1790000000000\n" },
		{ .kind = RECORD_JOURNAL, .op = 4, .body = "ev=done\nstep=0\nwall_ms=1790000001000\n" },
		{ .kind = RECORD_JOURNAL, .op = 4, .body = "ev=begin\nstep=1\nwall_ms=1790000001000\n" },
		{ .kind = RECORD_JOURNAL, .op = 4, .body = "ev=done\nstep=1\nwall_ms=1790000040000\n" },
		{ .kind = RECORD_JOURNAL, .op = 4, .body = "ev=begin\nstep=2\nwall_ms=1790000040000\n" },
		{ .kind = RECORD_JOURNAL, .op = 4, .body = "ev=done\nstep=2\nwall_ms=1790000048000\n" },
	};
	struct strbuf out = STRBUF_INIT;
	(void)ctx;
	timings_json(pair, &(struct timings_wanted){ 30000, 86400000 }, rows, ARRAY_LEN(rows), &out);
	cb(arg, NULL, strbuf_str(&out));
	strbuf_fini(&out);
}

#endif
