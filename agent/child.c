/* One short program, without a shell, in its own process group, its output capped and its time bounded. */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../common/base/attr.h"
#include "../common/base/clock.h"
#include "../common/net/wait.h"

#define CHILD_LIMIT_MS 10000
#define CHILD_OUTPUT_MAX 65536

static enum err_code start(const char *const argv[], int in_fd, int out_fd, pid_t *pid, struct err *e)
{
	static char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin", locale[] = "LC_ALL=C";
	char *env[] = { path, locale, NULL };
	char *args[8];
	size_t n = 0;
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none;
	BUG_ON(!argv[0]);
	for (; n < ARRAY_LEN(args) - 1 && argv[n]; n++)
		args[n] = (char *)(uintptr_t)argv[n]; /* posix_spawn(3) takes them without const, and keeps them */
	args[n] = NULL;
	sigemptyset(&none);
	posix_spawn_file_actions_init(&files);
	if (in_fd >= 0)
		posix_spawn_file_actions_adddup2(&files, in_fd, 0);
	else
		posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&files, out_fd, 1);
	posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setsigmask(&attr, &none);
	int why = posix_spawn(pid, argv[0], &files, &attr, args, env);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	return why ? err_set_errno(e, ERR_LOCAL, why, "run %s", argv[0]) : ERR_OK;
}

static enum err_code collect(int fd, int64_t deadline_ms, struct strbuf *out, struct err *e)
{
	char bytes[4096];
	for (;;) {
		enum err_code rc = net_wait(fd, NET_WAIT_READ, deadline_ms, -1, e);
		if (rc != ERR_OK)
			return rc;
		ssize_t n = read(fd, bytes, sizeof(bytes));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set_errno(e, ERR_LOCAL, errno, "read");
		if (n == 0)
			return ERR_OK;
		if (out->len + (size_t)n > CHILD_OUTPUT_MAX)
			return err_set(e, ERR_FAILED, "says more than %d bytes", CHILD_OUTPUT_MAX);
		strbuf_add(out, bytes, (size_t)n);
	}
}

/* It may close its output and still run. */
static enum err_code await_exit(pid_t pid, int64_t deadline_ms, struct err *e)
{
	int fd = pidfd_open(pid, 0);
	if (fd < 0)
		return err_set_errno(e, ERR_LOCAL, errno, "pidfd_open");
	enum err_code rc = net_wait(fd, NET_WAIT_READ, deadline_ms, -1, e);
	close(fd);
	return rc;
}

/* A file in memory: no pipe that fills up while the program does not read. */
static enum err_code hold_input(const char *input, int *fd, struct err *e)
{
	*fd = -1;
	if (!input)
		return ERR_OK;
	*fd = memfd_create("input", MFD_CLOEXEC);
	if (*fd < 0 || write(*fd, input, strlen(input)) != (ssize_t)strlen(input) || lseek(*fd, 0, SEEK_SET) != 0)
		return err_set_errno(e, ERR_LOCAL, errno, "memory for a program's input");
	return ERR_OK;
}

static enum err_code await(const char *const argv[], int fd, pid_t pid, struct strbuf *out, struct err *e)
{
	int64_t deadline_ms = clock_boot_ms() + CHILD_LIMIT_MS;
	int status = 0;
	enum err_code rc = collect(fd, deadline_ms, out, e);
	if (rc == ERR_OK)
		rc = await_exit(pid, deadline_ms, e);
	if (rc != ERR_OK) {
		(void)err_wrap(e, "%s", argv[0]);
		kill(-pid, SIGKILL);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (rc == ERR_OK && status != 0)
		rc = err_set(e, ERR_FAILED, "%s failed (wait status %d)", argv[0], status);
	return rc;
}

enum err_code child_run(const char *const argv[], const char *input, struct strbuf *out, struct err *e)
{
	int fds[2], in_fd;
	pid_t pid = 0;
	enum err_code rc = hold_input(input, &in_fd, e);
	if (rc == ERR_OK && pipe2(fds, O_CLOEXEC) < 0)
		rc = err_set_errno(e, ERR_LOCAL, errno, "pipe");
	if (rc == ERR_OK) {
		rc = start(argv, in_fd, fds[1], &pid, e);
		close(fds[1]);
		if (rc == ERR_OK)
			rc = await(argv, fds[0], pid, out, e);
		close(fds[0]);
	}
	if (in_fd >= 0)
		close(in_fd);
	return rc;
}
