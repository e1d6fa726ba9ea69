/*
 * Purpose:   the one TXT string at a name, asked of one of its authoritative servers over TCP.
 * Not its job: what the string says, finding the servers.
 * Thread:    any; blocks until the deadline, or until cancel_fd (-1 = none) is readable.   Ownership: none.
 * Errors:    those of dns_tcp.h. ERR_NOT_FOUND: there is no TXT, or not one of one string.
 * Units:     deadline_ms absolute, on CLOCK_BOOTTIME.
 */
#ifndef COLDMX_DNS_TXT_H
#define COLDMX_DNS_TXT_H

#include <stddef.h>
#include <stdint.h>

#include "../base/basic.h"
#include "../base/err.h"

struct dns_server {
	char addr[ADDR_TEXT_MAX];
	uint16_t port;
};

enum err_code dns_txt_ask(const struct dns_server *server, const char *name, int64_t deadline_ms, int cancel_fd,
			  char *out, size_t size, struct err *e) NODISCARD;

#endif
