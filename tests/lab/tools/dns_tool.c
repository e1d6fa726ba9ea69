/* The DNS driver by hand, for tests against real name servers:
 *   dns_tool ADDR:PORT KEY ALGORITHM SECRET get ZONE
 *   dns_tool ... swap ZONE OP EPOCH TTL "10:a 20:b" "20:a 10:b"     (with marker)
 *   dns_tool ... verify ZONE TTL "10:a 20:b" [ADDR:PORT ...]
 * Prints one line of facts; exit 0, or 1 with "code: reason" on standard error. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../common/base/clock.h"
#include "../../../common/base/mem.h"
#include "../../../controller/core/text.h"
#include "../../../controller/driver/dns.h"

static void read_server(const char *text, struct dns_server *out)
{
	const char *colon = strrchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : strlen(text);
	snprintf(out->addr, sizeof(out->addr), "%.*s", (int)len, text);
	out->port = (uint16_t)(colon ? atoi(colon + 1) : 53);
}

static void read_set(const char *ttl, const char *text, struct mx_set *out)
{
	struct strbuf line = STRBUF_INIT;
	struct text_line parsed;
	strbuf_addf(&line, "set=%s %s\n", ttl, text);
	const char *at = strbuf_str(&line);
	if (!text_next(&at, &parsed) || !text_mx_set(&parsed, out)) {
		fprintf(stderr, "bad set \"%s\"\n", text);
		exit(2);
	}
	strbuf_fini(&line);
}

static void print_set(const struct mx_set *set)
{
	struct strbuf line = STRBUF_INIT;
	text_put_mx_set(&line, "set", set);
	fputs(strbuf_str(&line), stdout);
	strbuf_fini(&line);
}

static enum err_code get(const struct dns_opts *opts, char **argv, int64_t deadline_ms, struct err *e)
{
	struct dns_answer answer;
	enum err_code rc = dns_get(opts, argv[6], deadline_ms, -1, &answer, e);
	if (rc)
		return rc;
	print_set(&answer.set);
	printf("marker=%d op=%llu epoch=%llu\n", answer.has_marker, (unsigned long long)answer.marker_op,
	       (unsigned long long)answer.marker_epoch);
	return ERR_OK;
}

static enum err_code swap(const struct dns_opts *opts, char **argv, int64_t deadline_ms, struct err *e)
{
	struct verb_dns verb = { .marker = true, .op = strtoull(argv[7], NULL, 10),
				 .epoch = strtoull(argv[8], NULL, 10) };
	(void)str_copy(verb.zone, sizeof(verb.zone), argv[6]);
	read_set(argv[9], argv[10], &verb.expect);
	read_set(argv[9], argv[11], &verb.want);
	return dns_swap(opts, &verb, deadline_ms, -1, e);
}

static enum err_code verify(struct dns_opts *opts, int argc, char **argv, int64_t deadline_ms, struct err *e)
{
	struct verb_dns verb = { .marker = false };
	struct verify_answer answer;
	(void)str_copy(verb.zone, sizeof(verb.zone), argv[6]);
	read_set(argv[7], argv[8], &verb.expect);
	for (int i = 9; i < argc && opts->nauthoritative < VERIFY_SERVERS_MAX; i++)
		read_server(argv[i], &opts->authoritative[opts->nauthoritative++]);
	enum err_code rc = dns_verify(opts, &verb, deadline_ms, -1, &answer, e);
	for (size_t i = 0; !rc && i < answer.count; i++)
		printf("%s answered=%d matches=%d\n", answer.server[i].server, answer.server[i].answered,
		       answer.server[i].matches);
	return rc;
}

int main(int argc, char **argv)
{
	struct dns_opts opts = { .nupdate = 1, .pair = 1 };
	struct err e = { 0 };
	int64_t deadline_ms = clock_boot_ms() + 4000;
	enum err_code rc = ERR_INVALID;
	if (argc < 7)
		return 2;
	read_server(argv[1], &opts.update[0]);
	opts.key_name = argv[2];
	opts.key_algorithm = argv[3];
	opts.key_base64 = argv[4];
	if (strcmp(argv[5], "get") == 0)
		rc = get(&opts, argv, deadline_ms, &e);
	else if (strcmp(argv[5], "swap") == 0 && argc == 12)
		rc = swap(&opts, argv, deadline_ms, &e);
	else if (strcmp(argv[5], "verify") == 0 && argc >= 9)
		rc = verify(&opts, argc, argv, deadline_ms, &e);
	if (rc)
		fprintf(stderr, "%s: %s\n", err_code_name(rc), e.text);
	else
		puts("done");
	return rc ? 1 : 0;
}
