/*
 * Purpose:   the sizes of names and addresses, and the pair of clocks, that every layer shares.
 * Not its job: anything with a meaning of its own.
 * Thread:    any (values).   Ownership: none.   Errors: none.   Units: _ms milliseconds.
 */
#ifndef COLDMX_BASIC_H
#define COLDMX_BASIC_H

#include <stdint.h>

#define NAME_MAX_LEN 64  /* pair, control, key names */
#define ADDR_TEXT_MAX 46 /* INET6_ADDRSTRLEN */
#define DOMAIN_MAX 256   /* RFC 1035 2.3.4, as text */

struct instant {
	int64_t boot_ms; /* CLOCK_BOOTTIME: waits */
	int64_t wall_ms; /* CLOCK_REALTIME: stored and shown */
};

#endif
