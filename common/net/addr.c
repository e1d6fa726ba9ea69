/* Addresses are text in configuration and records, and struct net_addr from there on down. */
#include "addr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum err_code net_addr_parse(const char *text, uint16_t port, struct net_addr *out, struct err *e)
{
	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, text, &out->u.v4.sin_addr) == 1) {
		out->u.v4.sin_family = AF_INET;
		out->u.v4.sin_port = htons(port);
		return ERR_OK;
	}
	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET6, text, &out->u.v6.sin6_addr) == 1) {
		out->u.v6.sin6_family = AF_INET6;
		out->u.v6.sin6_port = htons(port);
		return ERR_OK;
	}
	return err_set(e, ERR_INVALID, "\"%.60s\" is not a literal IPv4 or IPv6 address", text);
}

int net_addr_family(const struct net_addr *addr)
{
	return addr->u.sa.sa_family == AF_INET6 ? 6 : 4;
}

uint16_t net_addr_port(const struct net_addr *addr)
{
	return ntohs(net_addr_family(addr) == 6 ? addr->u.v6.sin6_port : addr->u.v4.sin_port);
}

socklen_t net_addr_len(const struct net_addr *addr)
{
	return net_addr_family(addr) == 6 ? sizeof(addr->u.v6) : sizeof(addr->u.v4);
}

void net_addr_format(const struct net_addr *addr, char *out, size_t size)
{
	bool six = net_addr_family(addr) == 6;
	const void *bytes = six ? (const void *)&addr->u.v6.sin6_addr : (const void *)&addr->u.v4.sin_addr;
	char text[ADDR_TEXT_MAX];

	if (!inet_ntop(six ? AF_INET6 : AF_INET, bytes, text, sizeof(text)))
		text[0] = '\0';
	snprintf(out, size, six ? "[%s]:%u" : "%s:%u", text, (unsigned)net_addr_port(addr));
}
