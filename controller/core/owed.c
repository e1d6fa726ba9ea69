/* See owed.h. "hyper,router": names have no comma in them. */
#include "owed.h"

#include <string.h>

#include "../../common/base/mem.h"

/* Where the name stands, or NULL. */
static char *find(char *owed, const char *name)
{
	size_t len = strlen(name);
	for (char *at = owed; *at; at += strcspn(at, ",") + (at[strcspn(at, ",")] == ','))
		if (strcspn(at, ",") == len && strncmp(at, name, len) == 0)
			return at;
	return NULL;
}

bool owed_add(char owed[OWED_MAX], const char *name)
{
	size_t used = strlen(owed), len = strlen(name);
	if (find(owed, name))
		return true;
	if (used + len + 2 > OWED_MAX)
		return false;
	if (used)
		owed[used++] = ',';
	memcpy(owed + used, name, len + 1);
	return true;
}

void owed_drop(char owed[OWED_MAX], const char *name)
{
	char *at = find(owed, name);
	if (!at)
		return;
	char *end = at + strlen(name);
	if (*end == ',')
		memmove(at, end + 1, strlen(end + 1) + 1);
	else if (at == owed)
		*at = '\0';
	else
		at[-1] = '\0';
}

bool owed_last(const char owed[OWED_MAX], char name[LEVEL_NAME_MAX])
{
	const char *comma = strrchr(owed, ',');
	return str_copy(name, LEVEL_NAME_MAX, comma ? comma + 1 : owed) && name[0];
}
