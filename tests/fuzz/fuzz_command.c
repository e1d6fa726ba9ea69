/* The body of a POST to the command socket. What is accepted is one line of text, NUL-terminated in
 * its place. */
#include <stdint.h>
#include <string.h>

#include "../../controller/surface/http_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct command cmd;
	struct err e;
	if (http_parse_command("hold", "alpha", (const char *)data, size, &cmd, &e) != ERR_OK)
		return 0;
	if (!memchr(cmd.reason, '\0', sizeof(cmd.reason)) || cmd.expires_wall_ms < 0)
		__builtin_trap();
	for (const char *c = cmd.reason; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			__builtin_trap();
	return 0;
}
