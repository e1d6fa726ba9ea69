/*
 * Purpose:   what this host sees of itself: a real SMTP greeting, the queue, the disk.
 * Not its job: what follows from it (report.h).
 * Thread:    any; blocks until the deadline, or until cancel_fd is readable; the queue is a walk over files.
 * Ownership: none.   Errors: as values: "" and -1.   Units: _ms milliseconds, deadlines on CLOCK_BOOTTIME.
 */
#ifndef COLDMX_AGENT_CHECK_H
#define COLDMX_AGENT_CHECK_H

#include "config.h"

struct check_smtp {
	bool listening; /* the connection was taken */
	bool serving;   /* and the greeting was 220: a hung Postfix has an open port, too */
	char why[160];  /* "" when serving */
};

struct check_disk {
	int64_t free_mb; /* -1 = unknown */
	int64_t inode_free_pct;
};

void check_smtp(const struct conf_endpoint *at, int64_t deadline_ms, int cancel_fd, struct check_smtp *out);
/* Messages in active, deferred, incoming and hold; -1 when one of them cannot be read. */
int64_t check_queue(const char *spool);
void check_disk(const char *path, struct check_disk *out);

#endif
