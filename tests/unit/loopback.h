/*
 * Purpose:   listening sockets on loopback, with a port from the kernel.
 * Thread:    any.   Ownership: the descriptor is the caller's.
 */
#ifndef COLDMX_LOOPBACK_H
#define COLDMX_LOOPBACK_H

#include <arpa/inet.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

/* A listening socket on the loopback of that family; -1: the machine has none. */
static inline int peer_listen(int family, int backlog, uint16_t *port)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_addr = in6addr_loopback };
	struct sockaddr *at = family == 6 ? (struct sockaddr *)&v6 : (struct sockaddr *)&v4;
	socklen_t len = family == 6 ? sizeof(v6) : sizeof(v4);
	int fd = socket(at->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*port = 0;
	if (fd < 0 || bind(fd, at, len) < 0 || listen(fd, backlog) < 0) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	if (getsockname(fd, at, &len) < 0) {
		close(fd);
		return -1;
	}
	*port = ntohs(family == 6 ? v6.sin6_port : v4.sin_port);
	return fd;
}

#endif
