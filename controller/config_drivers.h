/*
 * Purpose:   from the configuration to what the drivers need of each pair: SSH targets, power commands, zones.
 * Not its job: the engine's view of the same pair (config_engine.c).
 * Thread:    made before any thread starts, read-only afterwards.   Ownership: config_drivers_free; the texts are
 *            the configuration's, which must outlive it.
 */
#ifndef COLDMX_CONFIG_DRIVERS_H
#define COLDMX_CONFIG_DRIVERS_H

#include "config.h"
#include "driver/drivers.h"

void config_fill_drivers(const struct config *c, struct drivers *out);
void config_drivers_free(struct drivers *d);

#endif
