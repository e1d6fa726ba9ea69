/* child.c and notify.c with real children: input, exits, last line, cap, environment, signals,
 * descriptors, group kill, deadline, cancel, and who may write the program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../common/base/clock.h"
#include "../../common/base/file.h"
#include "../../controller/driver/drivers.h"

static char dir[64], hook[96];
static struct strbuf out = STRBUF_INIT;
static struct err err;

static int set_up(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/coldmx-child-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(hook, sizeof(hook), "%s/hook", dir);
	strbuf_reset(&out);
	err_clear(&err);
	return 0;
}

static int tear_down(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	strbuf_fini(&out);
	return system(command) ? -1 : 0;
}

static void write_hook(const char *body)
{
	FILE *f = fopen(hook, "we");

	assert_non_null(f);
	fprintf(f, "#!/bin/sh\n%s\n", body);
	fclose(f);
	assert_int_equal(chmod(hook, 0755), 0);
}

static enum err_code run_input(const char *body, const char *input, int64_t within_ms, int cancel_fd)
{
	const char *const argv[] = { hook, "page", NULL };
	static const char *const env[] = { "PATH=/usr/bin:/bin", "COLDMX_ACTION=page", NULL };
	struct child_opts opts = { .argv = argv, .env = env, .input = input, .input_len = strlen(input) };
	struct job_wait wait = { clock_boot_ms() + within_ms, cancel_fd };

	write_hook(body);
	return child_run(&opts, &wait, &out, &err);
}

static enum err_code run(const char *body)
{
	return run_input(body, "", 10000, -1);
}

static void test_input_and_output(void **state)
{
	(void)state;
	assert_int_equal(run_input("cat; echo \"<$1>\" >&2", "{\"a\":1}", 10000, -1), ERR_OK);
	assert_string_equal(strbuf_str(&out), "{\"a\":1}<page>\n");
	char *big = calloc(1, 300001);
	memset(big, 'x', 300000);
	strbuf_reset(&out);
	assert_int_equal(run_input("wc -c", big, 10000, -1), ERR_OK);
	assert_int_equal(atoi(strbuf_str(&out)), 300000);
	assert_int_equal(run_input("exit 0", big, 10000, -1), ERR_OK); /* need not be read */
	free(big);
}

static void test_exits(void **state)
{
	(void)state;
	static const struct {
		const char *body;
		enum err_code code;
		const char *says;
	} cases[] = {
		{ "exit 0", ERR_OK, "" },
		{ "echo busy; exit 75", ERR_AGAIN, "exit 75: busy" },
		{ "echo one; echo 'two'; exit 3", ERR_FAILED, "exit 3: two" },
		{ "printf 'no newline' >&2; exit 1", ERR_FAILED, "exit 1: no newline" },
		{ "printf 'bell\\007\\n\\n'; exit 1", ERR_FAILED, "exit 1: bell?" },
		{ "exit 127", ERR_FAILED, "exit 127: " },
		{ "kill -TERM $$", ERR_FAILED, "killed by signal 15" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		strbuf_reset(&out);
		err_clear(&err);
		assert_int_equal(run(cases[i].body), cases[i].code);
		assert_int_equal(err.code, cases[i].code);
		assert_non_null(strstr(err.text, cases[i].says));
		assert_true(!err.code || strncmp(err.text, hook, strlen(hook)) == 0);
	}
}

static void test_output_is_capped_at_its_end(void **state)
{
	(void)state;
	assert_int_equal(run("yes | head -c 3000000; echo; echo the end; exit 1"), ERR_FAILED);
	assert_int_equal(out.len, 8192);
	assert_non_null(strstr(err.text, "exit 1: the end"));
}

static void test_nothing_is_inherited(void **state)
{
	(void)state;
	int leak = open("/dev/null", O_RDONLY); /* without CLOEXEC */
	sigset_t usr1, before;
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr1, &before);
	signal(SIGPIPE, SIG_IGN);
	setenv("SECRET", "x", 1);
	assert_int_equal(run("echo $(ls /proc/self/fd | wc -l); env | cut -d= -f1 | sort | tr '\\n' ' ';"
			     "grep -E 'SigBlk|SigIgn' /proc/self/status; pwd; echo $$ $(cut -d' ' -f5 "
			     "/proc/$$/stat)"),
			 ERR_OK);
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, &before, NULL);
	close(leak);
	char *line = strtok(out.data, "\n");
	assert_int_equal(atoi(line), 4); /* 0, 1, 2 and the folder that ls reads */
	char *rest = strtok(NULL, "");
	assert_null(strstr(rest, "SECRET"));
	assert_non_null(strstr(rest, "COLDMX_ACTION PATH"));
	assert_non_null(strstr(rest, "SigBlk:\t0000000000000000"));
	const char *ignored = strstr(rest, "SigIgn:\t");
	assert_non_null(ignored);
	/* glibc itself ignores 32 and 33, its own two, in what it spawns */
	assert_int_equal(strtoull(ignored + 8, NULL, 16) & 0x7fffffff, 0);
	assert_non_null(strstr(rest, "\n/\n"));
	int pid = 0, group = 0;
	sscanf(strrchr(rest, '/') + 2, "%d %d", &pid, &group);
	assert_true(pid > 1 && pid == group);
}

static bool is_gone(const char *text)
{
	pid_t pid = (pid_t)atoi(text);

	assert_true(pid > 1);
	int64_t until_ms = clock_boot_ms() + 5000;
	while (kill(pid, 0) == 0 && clock_boot_ms() < until_ms) {
		char path[40], line[128] = "";
		snprintf(path, sizeof(path), "/proc/%d/stat", pid);
		FILE *f = fopen(path, "re");
		if (!f)
			return true;
		bool zombie = fgets(line, sizeof(line), f) && strstr(line, ") Z ");
		fclose(f);
		if (zombie)
			return true; /* nobody is there to reap it in a container */
		poll(NULL, 0, 2);
	}
	return clock_boot_ms() < until_ms;
}

static void test_deadline_kills_the_group(void **state)
{
	(void)state;
	int64_t began_ms = clock_boot_ms();
	assert_int_equal(run_input("sleep 60 & echo $!; trap '' TERM; wait", "", 150, -1), ERR_TIMEOUT);
	assert_true(clock_boot_ms() - began_ms < 2000);
	assert_non_null(strstr(err.text, hook));
	assert_true(is_gone(strbuf_str(&out)));
	began_ms = clock_boot_ms();
	strbuf_reset(&out);
	assert_int_equal(run_input("exec yes", "", 100, -1), ERR_TIMEOUT); /* talks without pause */
	assert_true(clock_boot_ms() - began_ms < 2000);
}

static void test_exit_counts_not_the_end_of_output(void **state)
{
	(void)state;
	int64_t began_ms = clock_boot_ms();
	assert_int_equal(run("sleep 60 & echo $!"), ERR_OK); /* the sleep holds the pipe */
	assert_true(clock_boot_ms() - began_ms < 5000);
	assert_true(is_gone(strbuf_str(&out)));
}

static void test_closed_output_is_no_exit(void **state)
{
	(void)state;
	assert_int_equal(run("exec >&- 2>&-; sleep 0.1; exit 75"), ERR_AGAIN);
	assert_int_equal(run_input("exec >&- 2>&-; sleep 60", "", 100, -1), ERR_TIMEOUT);
}

static void test_cancel(void **state)
{
	(void)state;
	int cancel_fd = eventfd(1, EFD_CLOEXEC);
	int64_t began_ms = clock_boot_ms();
	assert_int_equal(run_input("sleep 60", "", 20000, cancel_fd), ERR_CANCELLED);
	assert_true(clock_boot_ms() - began_ms < 5000);
	close(cancel_fd);
}

static void test_program_that_others_may_write(void **state)
{
	char sub[80], link[96];

	(void)state;
	write_hook("exit 0");
	assert_int_equal(child_check_program(hook, &err), ERR_OK);
	chmod(hook, 0775);
	assert_int_equal(child_check_program(hook, &err), ERR_DENIED);
	assert_non_null(strstr(err.text, hook));
	chmod(hook, 0644);
	assert_int_equal(child_check_program(hook, &err), ERR_DENIED);
	chmod(hook, 0755);
	chmod(dir, 0777);
	assert_int_equal(child_check_program(hook, &err), ERR_DENIED);
	assert_non_null(strstr(err.text, "refused"));
	chmod(dir, 0755);
	/* a link from a safe folder into an open one is followed */
	snprintf(sub, sizeof(sub), "%s/open", dir);
	assert_int_equal(mkdir(sub, 0755), 0);
	snprintf(link, sizeof(link), "%s/other", sub);
	assert_int_equal(rename(hook, link), 0);
	assert_int_equal(symlink(link, hook), 0);
	assert_int_equal(child_check_program(hook, &err), ERR_OK);
	chmod(sub, 0777);
	assert_int_equal(child_check_program(hook, &err), ERR_DENIED);
	assert_non_null(strstr(err.text, sub));
	assert_int_equal(child_check_program("hook", &err), ERR_INVALID);
	assert_int_equal(child_check_program("/nonexistent/hook", &err), ERR_NOT_FOUND);
	if (geteuid() == 0) {
		chmod(sub, 0755);
		assert_int_equal(chown(link, 12345, 0), 0);
		assert_int_equal(child_check_program(hook, &err), ERR_DENIED);
	}
}

static void test_page(void **state)
{
	struct drivers d = { .notify_hook = hook };
	struct driver_pair pair = { .name = "mail-a" };
	struct verb verb = { .kind = VERB_NOTIFY };
	struct job_wait wait = { clock_boot_ms() + 10000, -1 };
	struct outcome *got = calloc(1, sizeof(*got));
	char body[256], *text = NULL;

	(void)state;
	strcpy(verb.u.notify.key, "k-1");
	strcpy(verb.u.notify.severity, "page");
	strcpy(verb.u.notify.text, "say \"so\"\n\\");
	snprintf(body, sizeof(body), "echo \"$1 $COLDMX_ACTION\" >%s/said; cat >>%s/said", dir, dir);
	write_hook(body);
	notify_run(&d, &pair, &verb, &wait, got);
	assert_int_equal(got->err.code, ERR_OK);
	snprintf(body, sizeof(body), "%s/said", dir);
	assert_int_equal(file_read(body, 4096, FILE_ANY, &text, NULL, &err), ERR_OK);
	assert_non_null(strstr(text, "page page\n{\"key\":\"k-1\",\"pair\":\"mail-a\",\"severity\":\"page\","
				     "\"text\":\"say \\\"so\\\"\\n\\\\\",\"time\":\"2"));
	free(text);
	write_hook("echo gateway away; exit 75");
	notify_run(&d, NULL, &verb, &wait, got);
	assert_int_equal(got->err.code, ERR_AGAIN);
	assert_non_null(strstr(got->err.text, "gateway away"));
	d.notify_hook = "";
	err_clear(&got->err);
	notify_run(&d, NULL, &verb, &wait, got);
	assert_int_equal(got->err.code, ERR_OK);
	free(got);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_input_and_output),
		CASE(test_exits),
		CASE(test_output_is_capped_at_its_end),
		CASE(test_nothing_is_inherited),
		CASE(test_deadline_kills_the_group),
		CASE(test_exit_counts_not_the_end_of_output),
		CASE(test_closed_output_is_no_exit),
		CASE(test_cancel),
		CASE(test_program_that_others_may_write),
		CASE(test_page),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
