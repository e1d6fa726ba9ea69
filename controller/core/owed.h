/*
 * Purpose:   what fencing took and has to be given back: names of levels as one text, the last one last.
 * Not its job: giving it back (step/unfence.c).
 * Thread:    any (values).   Errors: owed_add: false when it does not fit, which LEVELS_MAX rules out.
 */
#ifndef COLDMX_OWED_H
#define COLDMX_OWED_H

#include <stdbool.h>
#include <stddef.h>

#include "../verb.h"

#define OWED_MAX ((size_t)LEVELS_MAX * LEVEL_NAME_MAX)

/* Once, at the end; no change when it is there. */
bool owed_add(char owed[OWED_MAX], const char *name);
void owed_drop(char owed[OWED_MAX], const char *name);
/* False when nothing is owed. */
bool owed_last(const char owed[OWED_MAX], char name[LEVEL_NAME_MAX]);

#endif
