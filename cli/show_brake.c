/* The limits over all pairs: each value against its limit, and whether a person has lifted them. */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "text.h"

int show_brake(const struct cli_options *o, const struct answer *a)
{
	const json_t *brake = json_object_get(a->json, "brake"), *lift = json_object_get(brake, "lift");
	if (o->json) {
		fputs(a->body, stdout);
		return CLI_DONE;
	}
	printf("automatic promotions today  %lld, fewer than %lld are needed for another\n",
	       (long long)text_int(brake, "promotions_today", 0), (long long)text_int(brake, "per_day", 0));
	printf("primaries that fail now     %lld of %lld, stops at %lld that are also %lld %% of all\n",
	       (long long)text_int(brake, "failing", 0), (long long)text_int(brake, "primaries", 0),
	       (long long)text_int(brake, "mass_count", 0), (long long)text_int(brake, "mass_percent", 0));
	if (!json_is_object(lift)) {
		printf("\nbrakes: in force\n");
		return CLI_DONE;
	}
	printf("lifted by                   %s at %s: ", text_of(lift, "owner"),
	       text_time(text_int(lift, "since_ms", 0)));
	text_flow(30, 30, text_of(lift, "reason"));
	printf("\nbrakes: lifted until %s; coldmx brake restore --reason ... ends it\n",
	       text_time(text_int(lift, "expires_ms", 0)));
	return CLI_DONE;
}
