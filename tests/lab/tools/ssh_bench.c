/* Connection, authentication and first command over SSH: the driver beside libssh2 alone, in turns, against one sshd.
 * Takes ADDR PORT USER IDENTITY KNOWN_HOSTS WORDS TURNS; prints us a turn, both, one line a turn. What libssh2 alone does
 * here is the least that can be done: no pinned host key is looked up, no deadline is kept. */
#include <arpa/inet.h>
#include <libssh2.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../../../common/base/clock.h"
#include "../../../common/base/mem.h"
#include "../../../controller/driver/drivers.h"

static int64_t now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void die(const char *what)
{
	fprintf(stderr, "ssh_bench: %s\n", what);
	exit(1);
}

static int connect_to(const struct ssh_target *to)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(to->port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int on = 1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* as the driver: else it waits for 40 ms */
	if (inet_pton(AF_INET, to->addr.v4, &at.sin_addr) != 1 || connect(fd, (struct sockaddr *)&at, sizeof(at)))
		die("libssh2 alone: no connection");
	return fd;
}

static int64_t alone_us(const struct ssh_target *to, const char *words)
{
	char bytes[1024];
	int64_t began_us = now_us();
	int fd = connect_to(to);
	LIBSSH2_SESSION *s = libssh2_session_init();
	libssh2_session_method_pref(s, LIBSSH2_METHOD_HOSTKEY, "ssh-ed25519");
	if (libssh2_session_handshake(s, fd))
		die("libssh2 alone: handshake");
	if (libssh2_userauth_publickey_fromfile(s, to->user, NULL, to->identity, NULL))
		die("libssh2 alone: authentication");
	LIBSSH2_CHANNEL *c = libssh2_channel_open_session(s);
	if (!c || libssh2_channel_exec(c, words))
		die("libssh2 alone: command");
	while (libssh2_channel_read(c, bytes, sizeof(bytes)) > 0)
		;
	libssh2_channel_wait_eof(c);
	libssh2_channel_close(c);
	libssh2_channel_wait_closed(c);
	int status = libssh2_channel_get_exit_status(c);
	int64_t took_us = now_us() - began_us;
	libssh2_channel_free(c);
	libssh2_session_disconnect(s, "done");
	libssh2_session_free(s);
	close(fd);
	if (status)
		die("libssh2 alone: the command failed");
	return took_us;
}

static int64_t driver_us(const struct ssh_target *to, const char *words)
{
	struct ssh_session *kept = NULL;
	struct strbuf out = STRBUF_INIT;
	struct err e = { .code = ERR_OK };
	struct job_wait wait = { clock_boot_ms() + 10000, -1 };
	struct ssh_command cmd = { .words = words, .out = &out, .out_max = OUTCOME_TEXT_MAX - 1 };
	int64_t began_us = now_us();
	if (session_run(to, &cmd, &wait, &kept, &e))
		die(e.text);
	int64_t took_us = now_us() - began_us;
	ssh_close(kept);
	strbuf_fini(&out);
	return took_us;
}

int main(int argc, char **argv)
{
	struct err e = { .code = ERR_OK };
	if (argc != 8)
		die("usage: ADDR PORT USER IDENTITY KNOWN_HOSTS WORDS TURNS");
	struct ssh_target to = { .name = "bench",
				 .port = (uint16_t)atoi(argv[2]),
				 .user = argv[3],
				 .identity = argv[4],
				 .known_hosts = argv[5] };
	(void)str_copy(to.addr.v4, sizeof(to.addr.v4), argv[1]);
	if (ssh_global_init(&e))
		die(e.text);
	for (int i = 0; i < atoi(argv[7]); i++) { /* who goes first changes, so that neither profits */
		int64_t ours = i % 2 ? 0 : driver_us(&to, argv[6]), alone = alone_us(&to, argv[6]);
		if (i % 2)
			ours = driver_us(&to, argv[6]);
		printf("%lld %lld\n", (long long)ours, (long long)alone);
	}
	return 0;
}
