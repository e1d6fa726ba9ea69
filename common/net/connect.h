/*
 * Purpose:   a TCP connection begun without waiting, and the one place that tells our faults from theirs.
 * Not its job: waiting (wait.h or the prober's epoll), bytes (stream.h).
 * Thread:    any; never blocks.   Ownership: the descriptor is the caller's, non-blocking, CLOEXEC.
 * Errors:    ERR_LOCAL is our side and never evidence against the host; ERR_REFUSED, ERR_UNREACH and
 *            ERR_TIMEOUT are the host's or its network's.
 * BUGS:      a firewall of our own that answers with a TCP reset looks like a refusal of the host.
 */
#ifndef COLDMX_CONNECT_H
#define COLDMX_CONNECT_H

#include <stdbool.h>

#include "../base/err.h"
#include "addr.h"

/* Opens a socket and begins to connect; *fd is -1 unless ERR_OK. */
enum err_code net_connect_start(const struct net_addr *to, int *fd, struct err *e) NODISCARD;
/* ERR_OK: *connected tells whether it is through or still under way (wait for writability).
 * Once it was through or failed, not to be called again. */
enum err_code net_connect_finish(int fd, const struct net_addr *to, bool *connected, struct err *e) NODISCARD;

/* What `errnum` of a socket call means. `at_start`: it came from socket(2) or the first connect(2),
 * before anybody else had a say: there "unreachable" is our own routing table and "not permitted"
 * our own firewall, while later the same numbers are ICMP from somebody on the way. */
enum err_code net_errno_code(int errnum, bool at_start);

#endif
