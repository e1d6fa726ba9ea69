/* posix_spawn and a pidfd: the daemon has threads, so nothing runs between fork and exec. The child leads its own
 * group; when time is up the whole group is killed, children that it left included. */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../common/base/clock.h"
#include "../../common/base/mem.h"
#include "../../common/net/wait.h"

#define OUTPUT_MAX 8192
#define EXIT_TEMPORARY 75
#define REAP_MS 2000

enum err_code child_check_program(const char *path, struct err *e)
{
	char part[512];
	struct stat st;
	if (path[0] != '/' || !str_copy(part, sizeof(part), path))
		return err_set(e, ERR_INVALID, "%s: a hook is named by its absolute path", path);
	for (bool leaf = true;; leaf = false) {
		if (stat(part, &st))
			return err_set_errno(e, ERR_NOT_FOUND, errno, "%s", part);
		if (leaf && (!S_ISREG(st.st_mode) || !(st.st_mode & S_IXUSR)))
			return err_set(e, ERR_DENIED, "%s: not an executable file", part);
		bool sticky = S_ISDIR(st.st_mode) && (st.st_mode & S_ISVTX);
		if ((st.st_uid != 0 && st.st_uid != geteuid()) || ((st.st_mode & 022) && !sticky))
			return err_set(e, ERR_DENIED, "%s: must be owned by root or the daemon's user and not be "
				       "writable by others; refused", part);
		char *slash = strrchr(part, '/');
		if (part[1] == '\0')
			return ERR_OK;
		slash[slash == part] = '\0';
	}
}

struct pipes {
	int in[2], out[2];
};

static void close_pipes(struct pipes *p)
{
	for (int i = 0; i < 2; i++) {
		if (p->in[i] >= 0)
			close(p->in[i]);
		if (p->out[i] >= 0)
			close(p->out[i]);
		p->in[i] = p->out[i] = -1;
	}
}

static enum err_code open_pipes(struct pipes *p, struct err *e)
{
	*p = (struct pipes){ { -1, -1 }, { -1, -1 } };
	if (pipe2(p->in, O_CLOEXEC) || pipe2(p->out, O_CLOEXEC)) {
		int errnum = errno;
		close_pipes(p);
		return err_set_errno(e, ERR_LOCAL, errnum, "pipe");
	}
	fcntl(p->in[1], F_SETFL, O_NONBLOCK);
	fcntl(p->out[0], F_SETFL, O_NONBLOCK);
	return ERR_OK;
}

static enum err_code spawn(const struct child_opts *opts, struct pipes *p, pid_t *pid, struct err *e)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, all;
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, p->in[0], 0);
	posix_spawn_file_actions_adddup2(&files, p->out[1], 1);
	posix_spawn_file_actions_adddup2(&files, p->out[1], 2);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	int rc = posix_spawn(pid, opts->argv[0], &files, &attr, (char *const *)(uintptr_t)opts->argv,
			     (char *const *)(uintptr_t)opts->env);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	return rc ? err_set_errno(e, ERR_FAILED, rc, "%s", opts->argv[0]) : ERR_OK;
}

/* Output is read to its end even past the cap, so that a chatty hook is not stopped by a full pipe. */
static bool read_output(int fd, struct strbuf *out)
{
	char buf[4096];
	for (;;) {
		ssize_t n = read(fd, buf, sizeof(buf));
		if (n == 0)
			return true;
		if (n < 0)
			return errno != EAGAIN && errno != EINTR;
		size_t room = out->len < OUTPUT_MAX ? OUTPUT_MAX - out->len : 0;
		strbuf_add(out, buf, (size_t)n < room ? (size_t)n : room);
	}
}

static void write_input(struct pipes *p, const struct child_opts *opts, size_t *sent)
{
	while (*sent < opts->input_len) {
		ssize_t n = write(p->in[1], opts->input + *sent, opts->input_len - *sent);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0)
			break; /* it does not want to read: its exit says the rest */
		*sent += (size_t)n;
	}
	close(p->in[1]);
	p->in[1] = -1;
}

static enum err_code converse(struct pipes *p, const struct child_opts *opts, const struct job_wait *wait,
			      struct strbuf *out, struct err *e)
{
	size_t sent = 0;
	for (;;) {
		if (p->in[1] >= 0)
			write_input(p, opts, &sent);
		if (read_output(p->out[0], out))
			return ERR_OK;
		/* an input that does not fit the pipe is pushed on whenever output comes or a beat passes */
		struct job_wait turn = *wait;
		int64_t beat_ms = clock_boot_ms() + 50;
		bool beat = p->in[1] >= 0 && beat_ms < wait->deadline_ms;
		if (beat)
			turn.deadline_ms = beat_ms;
		enum err_code rc = net_wait(p->out[0], NET_WAIT_READ, turn.deadline_ms, wait->cancel_fd, e);
		if (rc && !(rc == ERR_TIMEOUT && beat))
			return rc;
	}
}

static int reap(pid_t pid, int64_t deadline_ms)
{
	int status = -1;
	struct err ignore;
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd >= 0) {
		(void)!net_wait(pidfd, NET_WAIT_READ, deadline_ms, -1, &ignore);
		close(pidfd);
	}
	if (waitpid(pid, &status, WNOHANG) == 0) {
		kill(-pid, SIGKILL);
		waitpid(pid, &status, 0);
		return -1;
	}
	return status;
}

static const char *last_line(struct strbuf *out)
{
	while (out->len && out->data[out->len - 1] == '\n')
		out->data[--out->len] = '\0';
	const char *text = strbuf_str(out), *nl = strrchr(text, '\n');
	return nl ? nl + 1 : text;
}

static enum err_code judge(const struct child_opts *opts, int status, struct strbuf *out, struct err *e)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return ERR_OK;
	int shown = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return err_set(e, shown == EXIT_TEMPORARY ? ERR_AGAIN : ERR_FAILED, "%s: exit %d: %.180s", opts->argv[0],
		       shown, last_line(out));
}

enum err_code child_run(const struct child_opts *opts, const struct job_wait *wait, struct strbuf *out, struct err *e)
{
	struct pipes p;
	pid_t pid = -1;
	enum err_code rc = child_check_program(opts->argv[0], e);
	if (!rc)
		rc = open_pipes(&p, e);
	if (rc)
		return rc;
	rc = spawn(opts, &p, &pid, e);
	if (rc) {
		close_pipes(&p);
		return rc;
	}
	close(p.in[0]);
	close(p.out[1]);
	p.in[0] = p.out[1] = -1;
	rc = converse(&p, opts, wait, out, e);
	close_pipes(&p);
	if (rc) {
		kill(-pid, SIGKILL);
		(void)reap(pid, clock_boot_ms() + REAP_MS);
		return err_wrap(e, "%s", opts->argv[0]);
	}
	int status = reap(pid, wait->deadline_ms);
	kill(-pid, SIGKILL); /* what it left behind */
	if (status == -1)
		return err_set(e, ERR_TIMEOUT, "%s: closed its output and did not exit", opts->argv[0]);
	return judge(opts, status, out, e);
}
