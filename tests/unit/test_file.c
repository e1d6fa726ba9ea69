/* file.c: what is refused, in which words, and that a replaced file is whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../common/base/file.h"
#include "../../common/base/sha256.h"

static char dir[] = "/tmp/coldmx-test.XXXXXX";
static char path[64], tmp[64];

static int make_dir(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/f", dir);
	snprintf(tmp, sizeof(tmp), "%s/f.tmp", dir);
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	unlink(path);
	unlink(tmp);
	return rmdir(dir);
}

static void write_file(const char *text, mode_t mode)
{
	struct err e;
	assert_int_equal(file_replace(path, text, strlen(text), mode, &e), ERR_OK);
}

static void test_modes(void **state)
{
	static const struct {
		mode_t mode;
		enum file_check check;
		enum err_code code;
		const char *says;
	} row[] = {
		{ 0666, FILE_ANY, ERR_OK, "" },
		{ 0644, FILE_OWNED, ERR_OK, "" },
		{ 0664, FILE_OWNED, ERR_DENIED, "writable by others" },
		{ 0646, FILE_OWNED, ERR_DENIED, "writable by others" },
		{ 0640, FILE_SECRET, ERR_OK, "" },
		{ 0600, FILE_SECRET, ERR_OK, "" },
		{ 0644, FILE_SECRET, ERR_DENIED, "readable by others (mode 0644): chmod o=" },
		{ 0620, FILE_SECRET, ERR_DENIED, "writable by others" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		struct err e = { 0 };
		char *text = NULL;
		write_file("secret", row[i].mode);
		assert_int_equal(file_read(path, 100, row[i].check, &text, NULL, &e), row[i].code);
		assert_int_equal(file_check(path, row[i].check, &e), row[i].code);
		assert_non_null(strstr(e.text, row[i].says));
		if (row[i].code == ERR_OK)
			assert_string_equal(text, "secret");
		else
			assert_non_null(strstr(e.text, path));
		free(text);
	}
}

static void test_foreign_owner(void **state)
{
	(void)state;
	struct err e;
	char *text;
	if (geteuid() != 0)
		skip();
	write_file("x", 0600);
	assert_int_equal(chown(path, 65534, 65534), 0);
	assert_int_equal(file_read(path, 100, FILE_OWNED, &text, NULL, &e), ERR_DENIED);
	assert_non_null(strstr(e.text, "belongs to uid 65534"));
}

static void test_size_limit(void **state)
{
	(void)state;
	struct err e;
	char *text;
	size_t len;
	write_file("12345", 0600);
	assert_int_equal(file_read(path, 5, FILE_ANY, &text, &len, &e), ERR_OK);
	assert_int_equal(len, 5);
	free(text);
	assert_int_equal(file_read(path, 4, FILE_ANY, &text, &len, &e), ERR_INVALID);
	assert_non_null(strstr(e.text, "has 5 bytes: at most 4"));
	write_file("", 0600);
	assert_int_equal(file_read(path, 4, FILE_ANY, &text, &len, &e), ERR_OK);
	assert_int_equal(len, 0);
	assert_string_equal(text, "");
	free(text);
	assert_int_equal(file_read("/proc/self/status", 10, FILE_ANY, &text, &len, &e), ERR_INVALID);
	assert_int_equal(file_read("/proc/sys/kernel/random/boot_id", 64, FILE_ANY, &text, &len, &e), ERR_OK);
	assert_int_equal(len, 37);
	free(text);
}

static void test_not_a_file(void **state)
{
	(void)state;
	struct err e;
	char *text;
	assert_int_equal(file_read(dir, 10, FILE_ANY, &text, NULL, &e), ERR_INVALID);
	unlink(path);
	assert_int_equal(file_read(path, 10, FILE_ANY, &text, NULL, &e), ERR_NOT_FOUND);
	assert_int_equal(file_check(path, FILE_ANY, &e), ERR_NOT_FOUND);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(file_read(path, 10, FILE_ANY, &text, NULL, &e), ERR_INVALID);
	unlink(path);
}

static void test_replace(void **state)
{
	(void)state;
	struct err e;
	struct stat st;
	char *text;
	write_file("old", 0600);
	/* A stale tmp, even one that is a symlink to something dear, is removed, not followed. */
	assert_int_equal(symlink(path, tmp), 0);
	write_file("new", 0640);
	assert_int_equal(file_read(path, 10, FILE_SECRET, &text, NULL, &e), ERR_OK);
	assert_string_equal(text, "new");
	free(text);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(lstat(tmp, &st), -1);

	assert_int_equal(file_replace("/nonexistent/f", "x", 1, 0600, &e), ERR_NOT_FOUND);
	assert_non_null(strstr(e.text, "/nonexistent/f.tmp"));
	assert_int_equal(file_replace("/proc/f", "x", 1, 0600, &e), ERR_NOT_FOUND);
}

static void test_sync_dir(void **state)
{
	(void)state;
	struct err e;
	assert_int_equal(file_sync_dir(path, &e), ERR_OK);
	assert_int_equal(file_sync_dir("relative-name", &e), ERR_OK);
	assert_int_equal(file_sync_dir("/nonexistent/x", &e), ERR_NOT_FOUND);
}

/* FIPS 180-4 examples. */
static void test_sha256(void **state)
{
	static const struct {
		const char *text, *hex;
	} row[] = {
		{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
		{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		uint8_t hash[SHA256_BYTES];
		char hex[SHA256_HEX_SIZE];
		sha256_of(row[i].text, strlen(row[i].text), hash);
		sha256_hex(hash, hex);
		assert_string_equal(hex, row[i].hex);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_modes),      cmocka_unit_test(test_foreign_owner),
		cmocka_unit_test(test_size_limit), cmocka_unit_test(test_not_a_file),
		cmocka_unit_test(test_replace),    cmocka_unit_test(test_sync_dir),
		cmocka_unit_test(test_sha256),
	};
	return cmocka_run_group_tests_name("file", tests, make_dir, remove_dir);
}
