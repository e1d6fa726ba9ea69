/*
 * Purpose:   the only wait of an executor thread: one descriptor, one deadline, one cancel.
 * Not its job: the loop thread's waits (libuv).
 * Thread:    any; blocks until one of the three comes.   Ownership: descriptors stay the caller's.
 * Errors:    ERR_TIMEOUT, ERR_CANCELLED, ERR_LOCAL.
 * Units:     deadline_ms absolute, on CLOCK_BOOTTIME.
 */
#ifndef COLDMX_WAIT_H
#define COLDMX_WAIT_H

#include <stdint.h>

#include "../base/err.h"

#define NET_WAIT_READ 1u
#define NET_WAIT_WRITE 2u

/* ERR_OK: `fd` is ready, or broken (the next call on it tells).
 * fd < 0 only waits; cancel_fd < 0 cannot be cancelled, readable means cancelled.
 * A ready descriptor wins over a passed deadline, a cancel over both. */
enum err_code net_wait(int fd, unsigned events, int64_t deadline_ms, int cancel_fd, struct err *e) NODISCARD;

#endif
