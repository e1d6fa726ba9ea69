/* coldmx: the on-call engineer's command. */
#include "cli.h"

int main(int argc, char **argv)
{
	return cli_run(argc, argv);
}
