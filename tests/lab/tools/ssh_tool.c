/* Drives the SSH driver from a test: key=value options, then commands that share one kept session.
 * One JSON line a command. verb=KIND sends each command through drivers_run instead. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "../../../common/base/clock.h"
#include "../../../common/base/file.h"
#include "../../../common/base/json.h"
#include "../../../common/base/mem.h"
#include "../../../controller/driver/drivers.h"

static struct options {
	struct ssh_target target;
	int64_t within_ms, cancel_ms;
	size_t out_max;
	bool whole, pause;
	const char *input, *verb, *stranded, *harden, *control;
	int cancel_fd;
} o = { .target = { .name = "test standby", .user = "root", .port = 22 },
	.within_ms = 10000,
	.cancel_ms = -1,
	.out_max = OUTCOME_TEXT_MAX - 1,
	.cancel_fd = -1 };

static bool take_option(char *arg)
{
	char *value = strchr(arg, '=');

	if (!value)
		return false;
	*value++ = '\0';
	if (!strcmp(arg, "v4"))
		(void)str_copy(o.target.addr.v4, ADDR_TEXT_MAX, value);
	else if (!strcmp(arg, "v6"))
		(void)str_copy(o.target.addr.v6, ADDR_TEXT_MAX, value);
	else if (!strcmp(arg, "port"))
		o.target.port = (uint16_t)atoi(value);
	else if (!strcmp(arg, "identity"))
		o.target.identity = value;
	else if (!strcmp(arg, "known"))
		o.target.known_hosts = value;
	else if (!strcmp(arg, "within_ms"))
		o.within_ms = atoll(value);
	else if (!strcmp(arg, "cancel_ms"))
		o.cancel_ms = atoll(value);
	else if (!strcmp(arg, "out_max"))
		o.out_max = (size_t)atoll(value);
	else if (!strcmp(arg, "whole"))
		o.whole = value[0] == '1';
	else if (!strcmp(arg, "pause"))
		o.pause = value[0] == '1';
	else if (!strcmp(arg, "input"))
		o.input = value;
	else if (!strcmp(arg, "verb"))
		o.verb = value;
	else if (!strcmp(arg, "stranded"))
		o.stranded = value;
	else if (!strcmp(arg, "harden"))
		o.harden = value;
	else if (!strcmp(arg, "control"))
		o.control = value;
	else
		return false;
	return true;
}

static void *cancel_later(void *arg)
{
	const uint64_t one = 1;

	(void)arg;
	usleep((useconds_t)(o.cancel_ms * 1000));
	(void)!write(o.cancel_fd, &one, sizeof(one));
	return NULL;
}

static void show(const struct err *e, int64_t took_ms, const char *text, size_t len)
{
	struct strbuf out = STRBUF_INIT;
	struct json j;

	json_init(&j, &out);
	json_open_object(&j, NULL);
	json_put_string(&j, "code", err_code_name(e->code));
	json_put_string(&j, "class", err_class_name(err_code_class(e->code)));
	json_put_string(&j, "reason", e->text);
	json_put_int(&j, "took_ms", took_ms);
	json_put_uint(&j, "len", len);
	json_put_string(&j, "text", text);
	json_close_object(&j);
	puts(strbuf_str(&out));
	fflush(stdout);
	strbuf_fini(&out);
}

static void run_words(const char *words, struct ssh_session **kept)
{
	struct strbuf out = STRBUF_INIT;
	struct err e = { .code = ERR_OK };
	char *input = NULL;
	size_t input_len = 0;
	int64_t began_ms = clock_boot_ms();
	struct job_wait wait = { began_ms + o.within_ms, o.cancel_fd };

	if (o.input && file_read(o.input, 1 << 26, FILE_ANY, &input, &input_len, &e))
		exit(2);
	struct ssh_command cmd = { .words = words,
				   .input = input,
				   .input_len = input_len,
				   .out = &out,
				   .out_max = o.out_max,
				   .whole = o.whole };
	(void)!session_run(&o.target, &cmd, &wait, kept, &e);
	show(&e, clock_boot_ms() - began_ms, strbuf_str(&out), out.len);
	strbuf_fini(&out);
	free(input);
}

static void fill_verb(struct verb *verb, const char *words)
{
	*verb = (struct verb){ .op = 7, .guard = { 1, 1 }, .deadline_ms = clock_boot_ms() + o.within_ms };
	if (!strcmp(o.verb, "export")) {
		verb->kind = VERB_QUEUE_EXPORT;
		verb->u.queue.target = HOST_STANDBY;
		(void)str_copy(verb->u.queue.queue_id, NAME_MAX_LEN, words);
		return;
	}
	if (!strcmp(o.verb, "host")) {
		verb->kind = VERB_HOST_RUN;
		verb->u.host.target = HOST_STANDBY;
		(void)str_copy(verb->u.host.words, sizeof(verb->u.host.words), words);
		if (o.control)
			verb->u.host.input = INPUT_CONTROL;
		(void)str_copy(verb->u.host.control, NAME_MAX_LEN, o.control ? o.control : "");
		return;
	}
	verb->kind = !strcmp(words, "on") ? VERB_POWER_ON : !strcmp(words, "off") ? VERB_POWER_OFF : VERB_POWER_STATUS;
	verb->u.power_target = HOST_STANDBY;
}

/* verb=power: the command is "on", "off", or what the status command is to be. */
static void run_verb(const char *words, struct ssh_session **kept)
{
	struct driver_power power = { o.target, "machine on", "machine off", words };
	struct driver_pair pair = { .name = "mail-a", .stranded_dir = o.stranded };
	struct drivers d = { .npairs = 1, .pairs = &pair, .harden_dir = o.harden, .notify_hook = "" };
	struct verb verb;
	struct outcome *out = mem_calloc(1, sizeof(*out));

	pair.host[HOST_STANDBY] = o.target;
	pair.power[HOST_STANDBY] = power;
	fill_verb(&verb, words);
	drivers_run(&d, &verb, o.cancel_fd, kept, out);
	const char *text = strcmp(o.verb, "power") ? out->u.text : power_state_name(out->u.power);
	show(&out->err, out->took_ms, text, strlen(text));
	free(out);
}

int main(int argc, char **argv)
{
	struct ssh_session *kept = NULL;
	struct err e = { .code = ERR_OK };
	pthread_t canceller;
	char line[16];
	int i = 1;

	while (i < argc && take_option(argv[i]))
		i++;
	o.cancel_fd = eventfd(0, EFD_CLOEXEC);
	if (ssh_global_init(&e) || o.cancel_fd < 0)
		return 2;
	if (o.cancel_ms >= 0 && pthread_create(&canceller, NULL, cancel_later, NULL))
		return 2;
	for (int first = i; i < argc; i++) {
		if (o.pause && i > first && !fgets(line, sizeof(line), stdin))
			return 2;
		if (o.verb)
			run_verb(argv[i], &kept);
		else
			run_words(argv[i], &kept);
	}
	if (o.cancel_ms >= 0)
		pthread_join(canceller, NULL);
	ssh_close(kept);
	close(o.cancel_fd);
	return 0;
}
