/*
 * Purpose:   the words for how far a check came, shared by dialogue, prober and verdict.
 * Not its job: their names (../probe/probe_names.c), judging (controller/core/health.h).
 * Thread:    any (values).   Ownership: none.   Errors: none.
 */
#ifndef COLDMX_LADDER_H
#define COLDMX_LADDER_H

/* LOCAL is our own fault and never evidence about the host; BUSY is alive. */
enum probe_outcome { PROBE_OK, PROBE_BUSY, PROBE_FAIL, PROBE_LOCAL };

/* The rung of the ladder that was reached last. */
enum probe_layer {
	LAYER_CONNECT,
	LAYER_BANNER,
	LAYER_EHLO,
	LAYER_STARTTLS,
	LAYER_CERT,
	LAYER_MAIL,
	LAYER_RCPT,
	LAYER_AGENT,
	LAYER_DONE,
};

#endif
