/* The same errno means opposite things before and after a packet left: see net_errno_code(). */
#include "connect.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

enum err_code net_errno_code(int errnum, bool at_start)
{
	switch (errnum) {
	case ECONNREFUSED:
	case ECONNRESET:
	case ECONNABORTED:
	case EPIPE: return ERR_REFUSED;
	case ETIMEDOUT: return ERR_TIMEOUT;
	case ENETUNREACH:  /* at start: no route */
	case EHOSTUNREACH: /* at start: a route of type "unreachable" */
	case EHOSTDOWN:
	case EACCES: /* at start: a route of type "prohibit"; later: ICMPv6 "prohibited" */
	case EPROTO: return at_start ? ERR_LOCAL : ERR_UNREACH;
	default:
		/* EMFILE, ENFILE, ENOBUFS, ENOMEM, EADDRNOTAVAIL, EPERM, ENETDOWN, EAFNOSUPPORT, ...
		 * What is unknown must not count against the host either. */
		return ERR_LOCAL;
	}
}

static enum err_code connect_error(struct err *e, int errnum, const struct net_addr *to, bool at_start)
{
	char text[NET_ADDR_PORT_MAX];

	net_addr_format(to, text, sizeof(text));
	return err_set_errno(e, net_errno_code(errnum, at_start), errnum, "connect to %s", text);
}

enum err_code net_connect_start(const struct net_addr *to, int *fd, struct err *e)
{
	int one = 1;
	int s = socket(to->u.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	*fd = -1;
	if (s < 0)
		return err_set_errno(e, ERR_LOCAL, errno, "socket");
	/* Short commands and replies: nothing gains from Nagle's delay. Failing to set it harms nothing. */
	(void)setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(s, &to->u.sa, net_addr_len(to)) < 0 && errno != EINPROGRESS) {
		/* A refusal can come at once too (loopback), so the errno decides, not the moment alone. */
		enum err_code code = connect_error(e, errno, to, true);

		close(s);
		return code;
	}
	*fd = s;
	return ERR_OK;
}

enum err_code net_connect_finish(int fd, const struct net_addr *to, bool *connected, struct err *e)
{
	/* A second connect(2) reads the state and the pending error in one call (tcp(7)). */
	*connected = connect(fd, &to->u.sa, net_addr_len(to)) == 0;
	if (*connected || errno == EALREADY || errno == EINPROGRESS)
		return ERR_OK;
	if (errno == EISCONN) {
		*connected = true;
		return ERR_OK;
	}
	return connect_error(e, errno, to, false);
}
