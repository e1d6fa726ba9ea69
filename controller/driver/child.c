/* posix_spawn and a pidfd: the daemon has threads, so nothing of ours runs between fork and exec.
 * The child leads its own group. Its exit ends the call, not the end of its output: what it left
 * behind may hold the pipe for ever, and is killed with the group. */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../common/base/clock.h"
#include "../../common/base/mem.h"
#include "../../common/net/wait.h"
#include "../../common/proto/printable.h"

#define OUTPUT_MAX 8192
#define EXIT_TEMPORARY 75
#define REAP_MS 2000

struct child {
	int input;   /* memory file, read by the child from its start */
	int pipe[2]; /* its output: our end, its end */
	int pidfd;
	int both; /* epoll set of pidfd and our end, for one net_wait */
	pid_t pid;
	bool ended; /* a zombie still, so that its group cannot be somebody else's */
};

static enum err_code check_one(const char *part, bool leaf, struct err *e)
{
	struct stat st;

	if (stat(part, &st))
		return err_set_errno(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_DENIED, errno, "%s", part);
	if (leaf && (!S_ISREG(st.st_mode) || !(st.st_mode & S_IXUSR)))
		return err_set(e, ERR_DENIED, "%s: not an executable file", part);
	bool sticky = S_ISDIR(st.st_mode) && (st.st_mode & S_ISVTX);
	if ((st.st_uid != 0 && st.st_uid != geteuid()) || ((st.st_mode & 022) && !sticky))
		return err_set(e, ERR_DENIED,
			       "%s: refused: it must be owned by root or the daemon's user and not "
			       "be writable by others",
			       part);
	return ERR_OK;
}

static enum err_code check_chain(const char *path, struct err *e)
{
	char part[PATH_MAX];
	bool leaf = true;

	if (path[0] != '/' || !str_copy(part, sizeof(part), path))
		return err_set(e, ERR_INVALID, "%.200s: an absolute path is wanted", path);
	for (;;) {
		enum err_code rc = check_one(part, leaf, e);

		if (rc || !part[1])
			return rc;
		char *slash = strrchr(part, '/');
		slash[slash == part] = '\0';
		leaf = false;
	}
}

enum err_code child_check_program(const char *path, struct err *e)
{
	char real[PATH_MAX];
	enum err_code rc = check_chain(path, e);

	if (rc)
		return rc;
	if (!realpath(path, real))
		return err_set_errno(e, ERR_DENIED, errno, "%.200s", path);
	return strcmp(path, real) == 0 ? ERR_OK : check_chain(real, e);
}

static void close_one(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void close_all(struct child *c)
{
	close_one(&c->input);
	close_one(&c->pipe[0]);
	close_one(&c->pipe[1]);
	close_one(&c->pidfd);
	close_one(&c->both);
}

static enum err_code fill_input(int fd, const char *bytes, size_t len, struct err *e)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = write(fd, bytes + done, len - done);

		if (n < 0 && errno != EINTR)
			return err_set_errno(e, ERR_LOCAL, errno, "input of a child");
		if (n > 0)
			done += (size_t)n;
	}
	return lseek(fd, 0, SEEK_SET) ? err_set_errno(e, ERR_LOCAL, errno, "lseek") : ERR_OK;
}

static enum err_code open_files(struct child *c, const struct child_opts *opts, struct err *e)
{
	c->input = memfd_create("coldmx-input", MFD_CLOEXEC);
	c->both = epoll_create1(EPOLL_CLOEXEC);
	if (c->input < 0 || c->both < 0 || pipe2(c->pipe, O_CLOEXEC))
		return err_set_errno(e, ERR_LOCAL, errno, "descriptors of a child");
	fcntl(c->pipe[0], F_SETFL, O_NONBLOCK);
	return fill_input(c->input, opts->input, opts->input_len, e);
}

static enum err_code spawn(struct child *c, const struct child_opts *opts, struct err *e)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, all;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, c->input, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&files, c->pipe[1], STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&files, c->pipe[1], STDERR_FILENO);
	posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
	posix_spawn_file_actions_addchdir_np(&files, "/");
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	int rc = posix_spawn(&c->pid, opts->argv[0], &files, &attr, (char *const *)(uintptr_t)opts->argv,
			     (char *const *)(uintptr_t)opts->env);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	close_one(&c->pipe[1]);
	bool ours = rc == EAGAIN || rc == ENOMEM || rc == EMFILE || rc == ENFILE;
	return rc ? err_set_errno(e, ours ? ERR_LOCAL : ERR_FAILED, rc, "%s", opts->argv[0]) : ERR_OK;
}

static enum err_code watch(struct child *c, struct err *e)
{
	struct epoll_event ev = { .events = EPOLLIN };

	c->pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0);
	if (c->pidfd < 0 || epoll_ctl(c->both, EPOLL_CTL_ADD, c->pidfd, &ev) ||
	    epoll_ctl(c->both, EPOLL_CTL_ADD, c->pipe[0], &ev))
		return err_set_errno(e, ERR_LOCAL, errno, "watching a child");
	return ERR_OK;
}

/* Reads what is there, even past the cap: a chatty hook is not stopped by a full pipe. One round
 * is bounded, so that it does not outrun the deadline either. False at the end of the output. */
static bool read_output(struct child *c, size_t max, struct strbuf *out)
{
	char buf[4096];

	for (int round = 0; round < 64; round++) {
		ssize_t n = read(c->pipe[0], buf, sizeof(buf));

		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		if (n == 0)
			return false;
		strbuf_add(out, buf, (size_t)n);
		if (out->len > max)
			strbuf_drop_front(out, out->len - max);
	}
	return true;
}

static bool has_exited(const struct child *c)
{
	siginfo_t info = { .si_pid = 0 };

	return waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOWAIT | WNOHANG) == 0 && info.si_pid;
}

static enum err_code follow(struct child *c, const struct child_opts *opts, const struct job_wait *wait,
			    struct strbuf *out, struct err *e)
{
	size_t max = opts->output_max ? opts->output_max : OUTPUT_MAX;
	for (;;) {
		enum err_code rc = net_wait(c->both, NET_WAIT_READ, wait->deadline_ms, wait->cancel_fd, e);
		if (rc)
			return rc;
		c->ended = has_exited(c);
		if (c->pipe[0] >= 0 && !read_output(c, max, out))
			close_one(&c->pipe[0]); /* leaves the set by itself */
		if (c->ended)
			return ERR_OK;
		/* a busy writer keeps the set ready, and ready wins over late */
		if (clock_boot_ms() >= wait->deadline_ms)
			return err_set(e, ERR_TIMEOUT, "the deadline passed");
	}
}

/* The group dies before its leader is reaped: only till then is its number surely its own. One
 * that SIGKILL does not end (a dead disk) is left to be a zombie. */
static int end(struct child *c)
{
	struct err ignore;
	int status = SIGKILL;

	kill(-c->pid, SIGKILL);
	if (!c->ended)
		(void)!net_wait(c->pidfd, NET_WAIT_READ, clock_boot_ms() + REAP_MS, -1, &ignore);
	(void)waitpid(c->pid, &status, WNOHANG);
	return status;
}

static void last_line(const struct strbuf *out, char *line, size_t size)
{
	const char *text = strbuf_str(out);
	size_t len = out->len;

	while (len && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		len--;
	const char *newline = len ? memrchr(text, '\n', len) : NULL;
	const char *start = newline ? newline + 1 : text;
	proto_printable(line, size, start, len - (size_t)(start - text));
}

static enum err_code judge(const struct child_opts *opts, int status, const struct strbuf *out, struct err *e)
{
	char line[200];

	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return ERR_OK;
	last_line(out, line, sizeof(line));
	if (WIFSIGNALED(status))
		return err_set(e, ERR_FAILED, "%.80s: killed by signal %d: %s", opts->argv[0], WTERMSIG(status), line);
	return err_set(e, WEXITSTATUS(status) == EXIT_TEMPORARY ? ERR_AGAIN : ERR_FAILED, "%.80s: exit %d: %s",
		       opts->argv[0], WEXITSTATUS(status), line);
}

enum err_code child_run(const struct child_opts *opts, const struct job_wait *wait, struct strbuf *out, struct err *e)
{
	struct child c = { .input = -1, .pipe = { -1, -1 }, .pidfd = -1, .both = -1, .pid = -1 };
	if (opts->exit_code)
		*opts->exit_code = -1;
	enum err_code rc = child_check_program(opts->argv[0], e);
	if (!rc)
		rc = open_files(&c, opts, e);
	if (!rc)
		rc = spawn(&c, opts, e);
	if (rc) {
		close_all(&c);
		return rc;
	}
	rc = watch(&c, e);
	if (!rc)
		rc = follow(&c, opts, wait, out, e);
	int status = end(&c);
	if (opts->exit_code)
		*opts->exit_code = !rc && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	if (!rc)
		rc = judge(opts, status, out, e);
	else
		err_wrap(e, "%.80s", opts->argv[0]);
	close_all(&c);
	return rc;
}
