/* Who is at the other end: the kernel says it for a UNIX socket, so no password is needed there. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../common/base/mem.h"
#include "http_int.h"

#define PEER_GROUPS_MAX 1024

static bool in_group(int fd, const struct ucred *cred, gid_t group)
{
	gid_t groups[PEER_GROUPS_MAX];
	socklen_t len = sizeof(groups);
	if (cred->gid == group)
		return true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0)
		return false;
	for (size_t i = 0; i < len / sizeof(gid_t); i++)
		if (groups[i] == group)
			return true;
	return false;
}

/* From /etc/passwd alone: a directory service may hang for minutes, on the day when mail is down above all. */
static void name_user(uid_t uid, char *out, size_t size)
{
	struct passwd pw, *found = NULL;
	char buf[4096];
	FILE *users = fopen("/etc/passwd", "re");
	snprintf(out, size, "uid %u", (unsigned)uid);
	while (users && fgetpwent_r(users, &pw, buf, sizeof(buf), &found) == 0 && found)
		if (pw.pw_uid == uid) {
			snprintf(out, size, "%.40s (uid %u)", pw.pw_name, (unsigned)uid);
			break;
		}
	if (users)
		fclose(users);
}

void http_peer_of(struct MHD_Connection *conn, gid_t group, struct http_peer *out)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct ucred cred;
	socklen_t len = sizeof(cred);
	*out = (struct http_peer){ 0 };
	if (!info || getsockopt(info->connect_fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return;
	name_user(cred.uid, out->who, sizeof(out->who));
	out->may_command = cred.uid == 0 || (group != (gid_t)-1 && in_group(info->connect_fd, &cred, group));
}

bool http_host_ok(const char *host, const char *listen_addr)
{
	char name[DOMAIN_MAX];
	char *colon, *close;
	if (!host || !str_copy(name, sizeof(name), host))
		return false;
	if (name[0] == '[' && (close = strchr(name, ']'))) {
		*close = '\0';
		memmove(name, name + 1, strlen(name));
	} else if ((colon = strchr(name, ':'))) {
		*colon = '\0';
	}
	return strcmp(name, "localhost") == 0 || strcmp(name, "127.0.0.1") == 0 || strcmp(name, "::1") == 0 ||
	       strcmp(name, listen_addr) == 0;
}

/* A socket that a dead predecessor left is replaced; one that answers belongs to a living one. */
static enum err_code clear_stale(const struct sockaddr_un *addr, struct err *e)
{
	struct stat st;
	if (lstat(addr->sun_path, &st) < 0)
		return ERR_OK;
	if (!S_ISSOCK(st.st_mode))
		return err_set(e, ERR_INVALID, "%s exists and is no socket: remove it", addr->sun_path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set_errno(e, ERR_LOCAL, errno, "socket");
	bool alive = connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) == 0;
	close(fd);
	if (alive)
		return err_set(e, ERR_INVALID, "another coldmxd listens on %s", addr->sun_path);
	unlink(addr->sun_path);
	return ERR_OK;
}

enum err_code http_unix_listen(const char *path, gid_t group, int *fd, struct err *e)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	*fd = -1;
	if (!str_copy(addr.sun_path, sizeof(addr.sun_path), path))
		return err_set(e, ERR_INVALID, "the socket path %s is too long", path);
	enum err_code rc = clear_stale(&addr, e);
	if (rc != ERR_OK)
		return rc;
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s < 0)
		return err_set_errno(e, ERR_LOCAL, errno, "socket");
	mode_t old = umask(0177); /* nobody gets in between bind and chmod */
	int bound = bind(s, (const struct sockaddr *)&addr, sizeof(addr));
	int why = errno;
	umask(old);
	if (bound < 0) {
		close(s);
		return err_set_errno(e, ERR_LOCAL, why, "bind %s", path);
	}
	if ((group != (gid_t)-1 && chown(path, (uid_t)-1, group) < 0) || chmod(path, 0660) < 0 || listen(s, 64) < 0) {
		err_set_errno(e, ERR_LOCAL, errno, "%s", path);
		close(s);
		return ERR_LOCAL;
	}
	*fd = s;
	return ERR_OK;
}
