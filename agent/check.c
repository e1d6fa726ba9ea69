/* The dialogue ends with QUIT, so that Postfix does not log a lost connection every few seconds. */
#include "check.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "../common/net/connect.h"
#include "../common/net/stream.h"
#include "../common/net/wait.h"
#include "../common/proto/printable.h"
#include "../common/proto/smtp_reply.h"

#define QUEUE_DEPTH_MAX 5 /* hash_queue_depth of Postfix is at most 5 */

struct dialogue {
	struct net_stream stream;
	struct smtp_reply reply;
	int64_t deadline_ms;
	int cancel_fd;
};

static enum err_code connect_to(const struct conf_endpoint *at, struct dialogue *d, struct err *e)
{
	struct net_addr to;
	bool connected = false;
	int fd = -1;
	enum err_code rc = net_addr_parse(at->addr, at->port, &to, e);
	if (rc == ERR_OK)
		rc = net_connect_start(&to, &fd, e);
	net_stream_init(&d->stream, fd);
	while (rc == ERR_OK && !connected) {
		rc = net_connect_finish(fd, &to, &connected, e);
		if (rc == ERR_OK && !connected)
			rc = net_wait(fd, NET_WAIT_WRITE, d->deadline_ms, d->cancel_fd, e);
	}
	return rc;
}

/* Reads until a whole reply is there. */
static enum err_code read_reply(struct dialogue *d, struct err *e)
{
	char bytes[1024];
	size_t got, used;
	smtp_reply_reset(&d->reply);
	for (;;) {
		net_stream_wake(&d->stream, true);
		enum net_io io = net_stream_recv(&d->stream, bytes, sizeof(bytes), &got, e);
		if (io == NET_IO_READ || io == NET_IO_WRITE) {
			enum err_code rc = net_wait(d->stream.fd, NET_WAIT_READ, d->deadline_ms, d->cancel_fd, e);
			if (rc != ERR_OK)
				return rc;
			continue;
		}
		if (io == NET_IO_CLOSED)
			return err_set(e, ERR_REFUSED, "it closed the connection");
		if (io != NET_IO_DONE)
			return e->code ? e->code : ERR_PROTOCOL;
		for (size_t at = 0; at < got; at += used) {
			enum smtp_reply_rc rc = smtp_reply_feed(&d->reply, bytes + at, got - at, &used);
			if (rc == SMTP_REPLY_BAD)
				return err_set(e, ERR_PROTOCOL, "%s", d->reply.bad);
			if (rc == SMTP_REPLY_LAST)
				return ERR_OK;
		}
	}
}

static void say_quit(struct dialogue *d)
{
	size_t sent;
	if (net_stream_send(&d->stream, "QUIT\r\n", 6, &sent, NULL) == NET_IO_DONE)
		(void)!read_reply(d, &(struct err){ 0 });
}

void check_smtp(const struct conf_endpoint *at, int64_t deadline_ms, int cancel_fd, struct check_smtp *out)
{
	struct dialogue d = { .deadline_ms = deadline_ms, .cancel_fd = cancel_fd };
	struct err e = { 0 };
	memset(out, 0, sizeof(*out));
	net_stream_init(&d.stream, -1);
	enum err_code rc = connect_to(at, &d, &e);
	out->listening = rc == ERR_OK;
	if (rc == ERR_OK)
		rc = read_reply(&d, &e);
	out->serving = rc == ERR_OK && d.reply.code == 220;
	if (rc != ERR_OK)
		snprintf(out->why, sizeof(out->why), "%s: %.120s", out->listening ? "greeting" : "connect", e.text);
	else if (!out->serving)
		snprintf(out->why, sizeof(out->why), "greeting: code %d", d.reply.code);
	if (rc == ERR_OK)
		say_quit(&d);
	net_stream_close(&d.stream);
}

/* -1: not readable. A file that goes away while we walk is a message that moved on. */
static int64_t count_files(int parent, const char *name, int depth)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	int64_t count = 0;
	if (!dir) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): glibc keeps readdir's state in the stream, and this one is ours alone */
	for (const struct dirent *entry; count >= 0 && (entry = readdir(dir));) {
		if (entry->d_name[0] == '.')
			continue;
		if (entry->d_type == DT_REG) {
			count++;
		} else if (entry->d_type == DT_DIR && depth < QUEUE_DEPTH_MAX) {
			int64_t below = count_files(fd, entry->d_name, depth + 1);
			count = below < 0 ? -1 : count + below;
		} else if (entry->d_type == DT_UNKNOWN) {
			count = -1;
		}
	}
	closedir(dir);
	return count;
}

int64_t check_queue(const char *spool)
{
	static const char *const queues[] = { "active", "deferred", "incoming", "hold" };
	int64_t count = 0;
	int fd = open(spool, O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < ARRAY_LEN(queues) && count >= 0; i++) {
		int64_t some = fd < 0 ? -1 : count_files(fd, queues[i], 0);
		count = some < 0 ? -1 : count + some;
	}
	if (fd >= 0)
		close(fd);
	return count;
}

void check_disk(const char *path, struct check_disk *out)
{
	struct statvfs fs;
	*out = (struct check_disk){ -1, -1 };
	if (statvfs(path, &fs) < 0)
		return;
	out->free_mb = (int64_t)((uint64_t)fs.f_bavail * fs.f_frsize / 1000000);
	/* btrfs and others have no fixed number of inodes */
	out->inode_free_pct = fs.f_files ? (int64_t)((uint64_t)fs.f_favail * 100 / fs.f_files) : 100;
}
