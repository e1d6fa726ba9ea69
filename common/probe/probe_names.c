/* Names of probe outcomes and layers; apart, so that the simulator links nothing else of the prober. */
#include "probe.h"

const char *probe_outcome_name(enum probe_outcome outcome)
{
	switch (outcome) {
	case PROBE_OK: return "ok";
	case PROBE_BUSY: return "busy";
	case PROBE_FAIL: return "fail";
	case PROBE_LOCAL: return "local";
	}
	return "?";
}

const char *probe_layer_name(enum probe_layer layer)
{
	switch (layer) {
	case LAYER_CONNECT: return "connect";
	case LAYER_BANNER: return "banner";
	case LAYER_EHLO: return "ehlo";
	case LAYER_STARTTLS: return "starttls";
	case LAYER_CERT: return "certificate";
	case LAYER_MAIL: return "mail";
	case LAYER_RCPT: return "rcpt";
	case LAYER_AGENT: return "agent";
	case LAYER_DONE: return "done";
	}
	return "?";
}
