/*
 * Purpose:   holds the delivery of a primary that may take mail and does not own it: every transport of Postfix is
 *            deferred (defer_transports), and what the site had set comes back with the right.
 * Not its job: when (commands.c, obey.c); the standby's queue, which the controller holds (hooks/host/lib/queue.sh).
 * Thread:    main.   Blocks on postconf.   Ownership: none.
 * Errors:    ERR_FAILED, ERR_TIMEOUT (postconf), ERR_LOCAL (disk).
 * BUGS:      what a person sets in defer_transports while delivery is held is lost when it is given back.
 */
#ifndef COLDMX_AGENT_DELIVERY_H
#define COLDMX_AGENT_DELIVERY_H

#include "config.h"

/* What this host must do under that answer. */
bool delivery_must_wait(const struct agent_config *c, const struct rights_answer *may);
/* As this program left it. */
bool delivery_is_held(const struct agent_config *c);
/* Before Postfix starts: it reads the setting then. Root. */
enum err_code delivery_set(const struct agent_config *c, bool held, struct err *e) NODISCARD;

#endif
