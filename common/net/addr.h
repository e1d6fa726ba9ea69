/*
 * Purpose:   literal IP addresses with a port, parsed once and printed the same way everywhere.
 * Not its job: names. Hosts are known by literal addresses, so that a moved name moves no probe.
 * Thread:    any (values).   Ownership: none.
 * Errors:    ERR_INVALID with what was wrong.   Units: ports in host byte order.
 */
#ifndef COLDMX_ADDR_H
#define COLDMX_ADDR_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "../base/basic.h"
#include "../base/err.h"

/* Room for "[v6]:65535". */
#define NET_ADDR_PORT_MAX (ADDR_TEXT_MAX + 8)

struct net_addr {
	union {
		struct sockaddr sa;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} u;
};

/* "192.0.2.1" or "2001:db8::1": no name, brackets, zone or netmask. */
enum err_code net_addr_parse(const char *text, uint16_t port, struct net_addr *out, struct err *e) NODISCARD;
int net_addr_family(const struct net_addr *addr); /* 4 or 6 */
uint16_t net_addr_port(const struct net_addr *addr);
socklen_t net_addr_len(const struct net_addr *addr);
/* "192.0.2.1:25", "[2001:db8::1]:25" */
void net_addr_format(const struct net_addr *addr, char *out, size_t size);

#endif
