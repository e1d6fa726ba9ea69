/* The DNS driver by hand, for tests against real name servers:
 *   dns_tool ADDR:PORT[,ADDR:PORT...] KEY ALGORITHM SECRET_FILE get ZONE
 *   dns_tool ... swap ZONE OP EPOCH TTL "10:a 20:b" "20:a 10:b"   OP 0: no marker; "" = no MX set
 *   dns_tool ... turns ZONE COUNT TTL "10:a 20:b" "20:a 10:b"     to and fro, prints ms a swap
 *   dns_tool ... verify ZONE TTL "10:a 20:b" [ADDR:PORT ...]
 * Prints one line a fact; exit 0, or 1 with "code: reason" on standard error. */
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

static void read_update_servers(char *list, struct dns_opts *opts)
{
	char *rest = NULL;
	for (char *at = strtok_r(list, ",", &rest); at && opts->nupdate < DNS_SERVERS_MAX;
	     at = strtok_r(NULL, ",", &rest))
		read_server(at, &opts->update[opts->nupdate++]);
}

static const char *read_secret(const char *path, char *out, size_t size)
{
	FILE *f = fopen(path, "r");
	if (!f || !fgets(out, (int)size, f)) {
		perror(path);
		exit(2);
	}
	out[strcspn(out, "\n")] = '\0';
	fclose(f);
	return out;
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
	struct verb_dns verb = { .own = "primary",
				 .accept = "primary,standby",
				 .marker = strcmp(argv[7], "0") != 0,
				 .op = strtoull(argv[7], NULL, 10),
				 .epoch = strtoull(argv[8], NULL, 10) };
	(void)str_copy(verb.zone, sizeof(verb.zone), argv[6]);
	read_set(argv[9], argv[10], &verb.expect);
	read_set(argv[9], argv[11], &verb.want);
	return dns_swap(opts, &verb, deadline_ms, -1, e);
}

static enum err_code turns(const struct dns_opts *opts, char **argv, struct err *e)
{
	struct verb_dns verb = { .own = "primary", .accept = "primary,standby", .marker = true };
	struct mx_set other;
	int count = atoi(argv[7]);
	(void)str_copy(verb.zone, sizeof(verb.zone), argv[6]);
	read_set(argv[8], argv[9], &verb.expect);
	read_set(argv[8], argv[10], &verb.want);
	int64_t began_ms = clock_boot_ms();
	for (int i = 0; i < count; i++) {
		verb.op = verb.epoch = (uint64_t)clock_wall_ms() * 1000 + (uint64_t)i;
		enum err_code rc = dns_swap(opts, &verb, clock_boot_ms() + 4000, -1, e);
		if (rc)
			return rc;
		other = verb.expect;
		verb.expect = verb.want;
		verb.want = other;
	}
	printf("ms=%.3f\n", (double)(clock_boot_ms() - began_ms) / (count > 0 ? count : 1));
	return ERR_OK;
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
	struct dns_opts opts = { .pair = "example" };
	struct err e = { 0 };
	int64_t deadline_ms = clock_boot_ms() + 4000;
	enum err_code rc = ERR_INVALID;
	char secret[256];
	if (argc < 7)
		return 2;
	read_update_servers(argv[1], &opts);
	opts.key_name = argv[2];
	opts.key_algorithm = argv[3];
	opts.key_base64 = read_secret(argv[4], secret, sizeof(secret));
	if (strcmp(argv[5], "get") == 0)
		rc = get(&opts, argv, deadline_ms, &e);
	else if (strcmp(argv[5], "swap") == 0 && argc == 12)
		rc = swap(&opts, argv, deadline_ms, &e);
	else if (strcmp(argv[5], "turns") == 0 && argc == 11)
		rc = turns(&opts, argv, &e);
	else if (strcmp(argv[5], "verify") == 0 && argc >= 9)
		rc = verify(&opts, argc, argv, deadline_ms, &e);
	if (rc)
		fprintf(stderr, "%s: %s\n", err_code_name(rc), e.text);
	else
		puts("done");
	return rc ? 1 : 0;
}
