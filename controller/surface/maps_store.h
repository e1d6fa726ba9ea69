/*
 * Purpose:   the recipient maps of the primaries, kept for the day when they are dead: one file a
 *            pair, encrypted (AES-256-GCM, key from maps_key_file) and bound to the pair's name.
 * Not its job: what a bundle says (docs/maps.md), whether a push is wanted now (engine).
 * Thread:    any; one writer a pair. Blocks on the disk.
 * Ownership: *out is the caller's, freed with free().
 * Errors:    ERR_NOT_FOUND (none kept), ERR_AUTH (another key, another pair's file, or changed
 *            bytes), ERR_LOCAL.
 */
#ifndef COLDMX_MAPS_STORE_H
#define COLDMX_MAPS_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "../../common/base/err.h"

struct config;

enum err_code maps_store_save(const struct config *c, const char *pair, const char *bytes, size_t len,
			      struct err *e) NODISCARD;
/* Signature of struct drivers.load_maps; `config` is the struct config, `pair` its index + 1. */
enum err_code maps_store_load(void *config, uint32_t pair, char **out, size_t *len, struct err *e) NODISCARD;

#endif
