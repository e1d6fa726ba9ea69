/* The two checks of the SSH driver that need no host: known_hosts lines and identity files; and
 * connections that come to nothing. The dialogue is tested against sshd: tests/lab. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../common/base/clock.h"
#include "../../controller/driver/ssh_int.h"

#define ED25519 "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
#define ECDSA                                                                                                          \
	"ecdsa-sha2-nistp256 "                                                                                         \
	"AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAAADAQID"
#define RSA "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAAwECAw=="

static char dir[64], path[96];
static struct err err;

static int set_up(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/coldmx-ssh-XXXXXX");
	if (!mkdtemp(dir) || ssh_global_init(&err))
		return -1;
	snprintf(path, sizeof(path), "%s/file", dir);
	err_clear(&err);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	(void)unlink(path);
	return rmdir(dir);
}

static void write_file(const char *text, mode_t mode)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(chmod(path, mode), 0);
}

static void test_pinned_type(void **state)
{
	static const struct {
		const char *lines;
		uint16_t port;
		enum err_code code;
		const char *says;
	} cases[] = {
		{ "192.0.2.1 " ED25519 "\n", 22, ERR_OK, "" },
		{ "192.0.2.1 " ECDSA "\n", 22, ERR_OK, "" },
		{ "2001:db8::1,192.0.2.1 " ED25519 " comment\n", 22, ERR_OK, "" },
		{ "# nothing\n\n", 22, ERR_OK, "" }, /* refused after the handshake, by fingerprint */
		{ "192.0.2.1 " RSA "\n", 22, ERR_AUTH, "neither ed25519 nor ECDSA" },
		{ "192.0.2.1 " RSA "\n192.0.2.1 " ECDSA "\n", 22, ERR_OK, "" },
		{ "[192.0.2.1]:2222 " RSA "\n", 2222, ERR_AUTH, "[192.0.2.1]:2222" },
		{ "192.0.2.1 " RSA "\n", 2222, ERR_OK, "" }, /* another port is another host */
		{ "@revoked * " ED25519 "\n", 22, ERR_AUTH, "@revoked is not supported" },
		{ "@cert-authority * " ED25519 "\n", 22, ERR_AUTH, "not supported" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ssh_target target = { .name = "mail-a standby", .port = cases[i].port, .known_hosts = path };
		LIBSSH2_SESSION *raw = libssh2_session_init();

		write_file(cases[i].lines, 0644);
		err_clear(&err);
		assert_int_equal(ssh_hostkey_prefer(raw, &target, "192.0.2.1", &err), cases[i].code);
		assert_non_null(strstr(err.text, cases[i].says));
		libssh2_session_free(raw);
	}
}

static void test_known_hosts_that_cannot_be_read(void **state)
{
	struct ssh_target target = { .name = "mail-a standby", .port = 22, .known_hosts = path };
	LIBSSH2_SESSION *raw = libssh2_session_init();

	(void)state;
	assert_int_equal(ssh_hostkey_prefer(raw, &target, "192.0.2.1", &err), ERR_AUTH);
	assert_non_null(strstr(err.text, path));
	libssh2_session_free(raw);
}

static void make_key(const char *options)
{
	char command[256];

	(void)unlink(path);
	snprintf(command, sizeof(command), "ssh-keygen -q %s -f %s && rm %s.pub", options, path, path);
	assert_int_equal(system(command), 0);
}

static void test_identity(void **state)
{
	static const struct {
		const char *options;
		enum err_code code;
		const char *says;
	} cases[] = {
		{ "-t ed25519 -N ''", ERR_OK, "" },
		{ "-t ecdsa -b 256 -N ''", ERR_OK, "" },
		{ "-t ecdsa -b 521 -N ''", ERR_OK, "" },
		{ "-t ecdsa -m PEM -N ''", ERR_OK, "" },
		{ "-t ed25519 -N secret", ERR_AUTH, "has a passphrase" },
		{ "-t ecdsa -m PEM -N secret", ERR_AUTH, "has a passphrase" },
		{ "-t rsa -b 1024 -N ''", ERR_AUTH, "ssh-rsa: make an ed25519 key" },
		{ "-t rsa -b 1024 -m PEM -N ''", ERR_AUTH, "RSA or DSA: make an ed25519 key" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		make_key(cases[i].options);
		err_clear(&err);
		assert_int_equal(ssh_identity_check(path, &err), cases[i].code);
		assert_non_null(strstr(err.text, cases[i].says));
		assert_true(!err.code || strstr(err.text, path));
	}
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(ssh_identity_check(path, &err), ERR_AUTH);
}

static void test_identity_that_is_none(void **state)
{
	static const char *const texts[] = {
		"",
		"hello\n",
		"-----BEGIN OPENSSH PRIVATE KEY-----\n",
		"-----BEGIN OPENSSH PRIVATE KEY-----\n!!!!\n-----END",
		/* the magic word, then nothing; then a length that points beyond the end */
		"-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA\n-----END",
		"-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA/////w==\n-----END",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		write_file(texts[i], 0600);
		assert_int_equal(ssh_identity_check(path, &err), ERR_AUTH);
		assert_non_null(strstr(err.text, path));
	}
	(void)unlink(path);
	assert_int_equal(ssh_identity_check(path, &err), ERR_AUTH);
}

static int listener(struct sockaddr_in *at)
{
	socklen_t len = sizeof(*at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*at = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	assert_int_equal(bind(fd, (struct sockaddr *)at, sizeof(*at)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)at, &len), 0);
	return fd;
}

static void test_connections_that_come_to_nothing(void **state)
{
	struct sockaddr_in at;
	struct ssh_session *s = NULL;
	int fd = listener(&at), cancel_fd = eventfd(1, EFD_CLOEXEC);
	struct ssh_target target = { .name = "mail-a standby",
				     .addr = { .v4 = "127.0.0.1" },
				     .port = ntohs(at.sin_port),
				     .user = "coldmx",
				     .identity = path,
				     .known_hosts = "/dev/null" };
	struct job_wait wait = { clock_boot_ms() + 5000, -1 };

	(void)state;
	make_key("-t ed25519 -N ''");
	assert_int_equal(ssh_open(&target, &wait, &s, &err), ERR_REFUSED);
	assert_non_null(strstr(err.text, "mail-a standby: ssh to 127.0.0.1"));
	assert_int_equal(listen(fd, 4), 0); /* and never accept */
	wait.deadline_ms = clock_boot_ms() + 30;
	assert_int_equal(ssh_open(&target, &wait, &s, &err), ERR_TIMEOUT);
	wait = (struct job_wait){ clock_boot_ms() + 5000, cancel_fd };
	assert_int_equal(ssh_open(&target, &wait, &s, &err), ERR_CANCELLED);
	strcpy(target.addr.v4, "mail.example.test");
	assert_int_equal(ssh_open(&target, &wait, &s, &err), ERR_INVALID);
	target.addr.v4[0] = '\0';
	assert_int_equal(ssh_open(&target, &wait, &s, &err), ERR_INVALID);
	assert_null(s);
	close(fd);
	close(cancel_fd);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_pinned_type),           CASE(test_known_hosts_that_cannot_be_read),  CASE(test_identity),
		CASE(test_identity_that_is_none), CASE(test_connections_that_come_to_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
