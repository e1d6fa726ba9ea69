/* The coldmx command against the real HTTP surface with a pretended engine: screens, exit codes,
 * and that the last line is the verdict. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <sys/wait.h>

#include "../../cli/cli.h"
#include "fake_engine.h"

static struct fake engine;
static char dir[64], socket_path[96];
static char shown[65536]; /* standard output of the last command */

/* Runs the command in a child of its own, as a shell would; standard input is no terminal. */
static int run(const char *line)
{
	char words[512], path[128];
	static char name[] = "coldmx", option[] = "--socket";
	char *argv[24] = { name, option, socket_path };
	int argc = 3, status;
	(void)str_copy(words, sizeof(words), line);
	for (char *w = strtok(words, " "); w && argc < 23; w = strtok(NULL, " "))
		argv[argc++] = w;
	snprintf(path, sizeof(path), "%s/out", dir);
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		int out = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
		if (dup2(out, STDOUT_FILENO) < 0 || dup2(out, STDERR_FILENO) < 0 || dup2(in, STDIN_FILENO) < 0)
			_exit(127);
		setvbuf(stdout, NULL, _IOLBF, 0);
		int code = cli_run(argc, argv);
		fflush(stdout);
		_exit(code);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFEXITED(status))
		fail_msg("coldmx %s: signal %d", line, WTERMSIG(status));
	FILE *f = fopen(path, "r");
	size_t n = fread(shown, 1, sizeof(shown) - 1, f);
	shown[n] = '\0';
	fclose(f);
	return WEXITSTATUS(status);
}

static const char *last_line(void)
{
	size_t n = strlen(shown);
	while (n && shown[n - 1] == '\n')
		shown[--n] = '\0';
	char *newline = strrchr(shown, '\n');
	return newline ? newline + 1 : shown;
}

static void expect(const char *line, int code, const char *verdict)
{
	int got = run(line);
	if (got != code || !strstr(last_line(), verdict))
		fail_msg("coldmx %s: exit %d (wanted %d), verdict wanted \"%s\":\n%s", line, got, code, verdict, shown);
}

static void test_status(void **state)
{
	(void)state;
	expect("status", CLI_DONE, "2 of 4 pairs need a person: beta, delta");
	char *beta = strstr(shown, "\nbeta"), *alpha = strstr(shown, "\nalpha");
	assert_true(beta && alpha && beta < alpha); /* what needs a person comes first */
	assert_non_null(strstr(shown, "ATTACK SIGNAL"));
	expect("status alpha", CLI_DONE, "alpha: the primary serves; nothing to do");
	expect("status beta", CLI_DONE, "coldmx failover beta --reason ...");
	assert_non_null(strstr(shown, "primary's agent unknown since "));
	assert_non_null(strstr(shown, "standby's agent no report since"));
	assert_null(strstr(shown, "queue 12,")); /* the last word of a silent agent is not shown as today's */
	expect("status alpha", CLI_DONE, "");
	assert_non_null(strstr(shown, "none: coldmx drill tries the standby"));
	expect("status gamma", CLI_DONE, "the primary is back and mail waits at the standby: coldmx failback gamma");
	assert_non_null(strstr(shown, "green (ready for mail after 41"));
	assert_non_null(strstr(shown, "1234 messages (")); /* with its age */
	assert_non_null(strstr(shown, "2 messages that the primary refused for good: /var/lib/coldmx/stranded/gamma"));
	assert_non_null(strstr(shown, "all 19 steps done in 54.3 s"));
	expect("status delta", CLI_DONE, "ATTACK SIGNAL: look at the standby before anything else");
	assert_non_null(strstr(shown, "past open-port, the point of no return"));
	assert_non_null(strstr(shown, "  failed   switch-dns"));
	assert_non_null(strstr(shown, "nothing was overwritten"));
	expect("status nobody", CLI_USAGE, "no pair is named \"nobody\"");
}

static void test_explain_and_history(void **state)
{
	(void)state;
	expect("explain alpha", CLI_DONE, "3 of 6 conditions stand against it (smtp-v4, agent, references)");
	assert_non_null(strstr(shown, "NO   references"));
	expect("explain gamma", CLI_DONE, "coldmx failback gamma --reason ...");
	expect("history alpha", CLI_DONE, "2 entries in the audit trail");
	assert_null(strchr(shown, '\x1b')); /* what people wrote does not steer a terminal */
}

/* On a terminal of 80 columns no line of any screen wraps in the middle of a word. */
static void test_80_columns(void **state)
{
	(void)state;
	static const char *const lines[] = { "status",       "status alpha",  "status beta",   "status gamma",
					     "status delta", "explain alpha", "explain gamma", "history alpha" };
	setenv("COLUMNS", "80", 1);
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		assert_int_equal(run(lines[i]), CLI_DONE);
		for (char *line = strtok(shown, "\n"); line; line = strtok(NULL, "\n"))
			if (strlen(line) > 80)
				fail_msg("coldmx %s: %zu columns: %s", lines[i], strlen(line), line);
	}
	unsetenv("COLUMNS");
}

static void test_json(void **state)
{
	(void)state;
	static const char *const lines[] = { "status --json",        "status beta --json",
					     "explain alpha --json", "history alpha --json",
					     "plan beta --json",     "hold alpha --for 2h --reason x --json" };
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		assert_int_equal(run(lines[i]), CLI_DONE);
		json_t *j = json_loads(shown, JSON_REJECT_DUPLICATES, NULL);
		if (!j)
			fail_msg("coldmx %s: not JSON: %s", lines[i], shown);
		json_decref(j);
	}
	assert_int_equal(run("failover alpha --reason x --yes --json"), CLI_REFUSED);
	assert_non_null(strstr(shown, "\"rule\":\"up-refuses-failover\""));
}

static void test_usage(void **state)
{
	(void)state;
	expect("", CLI_USAGE, "5 still running");
	expect("--help", CLI_DONE, "5 still running");
	expect("fallover beta", CLI_USAGE, "there is no command");
	expect("failover", CLI_USAGE, "which pair?");
	expect("failover beta --yes", CLI_USAGE, "a reason is required: write coldmx failover beta --reason");
	expect("failover beta --reason x", CLI_USAGE, "nobody is at a terminal to confirm it: add --yes");
	expect("hold alpha --reason x", CLI_USAGE, "--for \"2 h\"");
	expect("hold alpha --for 2x --reason x", CLI_USAGE, "is not a duration");
	expect("failover beta --reason x --yes --wait soon", CLI_USAGE, "not a number of seconds");
	expect("status a/b", CLI_USAGE, "cannot be a pair's name");
	expect("status alpha beta", CLI_USAGE, "one word too many");
	expect("ack alpha --dry-run", CLI_USAGE, "belongs to failover, failback and drill");
	expect("abort alpha --reason x --skip announce", CLI_USAGE, "--skip belongs to resume");
	expect("abort alpha --reason x --confirm-fenced", CLI_USAGE, "--confirm-fenced belongs to failover");
	expect("abort alpha --reason x --plan y", CLI_USAGE, "--plan belongs to failover and failback");
}

static void test_commands(void **state)
{
	(void)state;
	expect("plan beta", CLI_DONE, "beta: this is a plan; nothing was touched");
	last_line(); /* cuts it; the rest stands as the controller said it, line by line */
	assert_non_null(strstr(shown, "\nSteps\n   1  guard\n"));
	assert_non_null(strstr(shown, "\nUsually done in 48.0 s (median of 1;"));
	assert_non_null(strstr(shown, "new    20 mx1.example.org"));
	assert_non_null(strstr(shown, "coldmx failover beta --plan 0123456789ab-01020304050607 --reason ..."));
	expect("drill beta --dry-run", CLI_DONE, "nothing was touched");
	expect("drill beta", CLI_USAGE, "a reason is required: write coldmx drill beta");
	expect("plan beta --failback", CLI_DONE, "nothing was touched");
	assert_non_null(strstr(shown, "coldmx failback beta --plan 0123"));
	expect("failover beta --plan x --reason x --yes", CLI_REFUSED, "refused (rule plan-changed)");
	assert_non_null(strstr(shown, "what would work: coldmx plan beta"));
	expect("failover beta --dry-run", CLI_DONE, "nothing was touched");
	expect("failover --site hall-b --reason x --yes", CLI_USAGE, "no pair has its primary at site");
	expect("failover beta --site hall-a --reason x", CLI_USAGE, "stands instead of a pair");
	expect("failover --site hall-a", CLI_USAGE, "a reason is required");
	expect("failover --site hall-a --reason x", CLI_USAGE, "nobody is at a terminal");
	expect("failover --site hall-a --reason x --yes", CLI_REFUSED,
	       "site hall-a: 1 of 4 pairs promoted, 3 refused, 0 failed");
	assert_non_null(strstr(shown, "refused (rule up-refuses-failover)"));
	expect("history alpha --rto", CLI_DONE, "alpha: 0 of 1 failovers met the objectives");
	expect("history --rto", CLI_USAGE, "--rto belongs to");
	expect("brake", CLI_DONE, "brakes: lifted until");
	expect("brake lift --reason x", CLI_USAGE, "--for \"30 min\"");
	expect("brake lift --for 30min", CLI_USAGE, "a reason is required");
	expect("brake off", CLI_USAGE, "brake \"off\"");
	expect("brake lift --for 30min --reason x", CLI_USAGE, "nobody is at a terminal");
	expect("brake lift --for 30min --reason x --yes", CLI_DONE, "brakes: lifted");
	expect("history", CLI_DONE, "all pairs: ");
	expect("hold alpha --for 2h --reason maintenance", CLI_DONE, "alpha: held until");
	expect("release alpha --reason over", CLI_DONE, "alpha: released");
	expect("ack alpha --reason seen", CLI_DONE, "alpha: acknowledged");
	expect("failover alpha --reason x --yes", CLI_REFUSED, "alpha: failover refused (rule up-refuses-failover)");
	assert_non_null(strstr(shown, "what would work: coldmx explain alpha"));
}

static void test_following(void **state)
{
	(void)state;
	expect("failover beta --reason disk --yes --no-wait", CLI_RUNNING, "coldmx status beta --watch");
	expect("failover beta --reason disk --yes --plan 0123456789ab-01020304050607", CLI_DONE,
	       "beta: promote done in");
	assert_non_null(strstr(shown, "41/41 controls ok"));
	engine.fail_step = 16;
	expect("failover beta --reason disk --yes", CLI_FAILED,
	       "promote is stuck: switch-dns: example.org MX was changed");
	engine.fail_step = -1;
	expect("status beta", CLI_DONE, "stuck: put right what the error names, then coldmx resume beta --reason ...");
	assert_non_null(strstr(shown, "(conflict error)"));
	engine.step_ms = 200;
	expect("failover beta --reason disk --yes --wait 0", CLI_RUNNING, "coldmx status beta --watch");
	engine.step_ms = 1;
}

static void test_unreachable(void **state)
{
	(void)state;
	char keep[96];
	memcpy(keep, socket_path, sizeof(keep));
	snprintf(socket_path, sizeof(socket_path), "%s/none", dir);
	expect("status", CLI_UNREACHABLE, "cannot reach coldmxd at");
	memcpy(socket_path, keep, sizeof(keep));
}

static int set_up(void **state)
{
	(void)state;
	struct err e;
	snprintf(dir, sizeof(dir), "/tmp/coldmx-test-cli-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(socket_path, sizeof(socket_path), "%s/sock", dir);
	return fake_start(&engine, socket_path, 1, &e) == ERR_OK ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	char path[128];
	fake_stop(&engine);
	unlink(socket_path);
	snprintf(path, sizeof(path), "%s/out", dir);
	unlink(path);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_status),     cmocka_unit_test(test_explain_and_history),
		cmocka_unit_test(test_80_columns), cmocka_unit_test(test_json),
		cmocka_unit_test(test_usage),      cmocka_unit_test(test_commands),
		cmocka_unit_test(test_following),  cmocka_unit_test(test_unreachable),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
