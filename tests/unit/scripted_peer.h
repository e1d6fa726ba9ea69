/*
 * Purpose:   a server for tests that follows a script, one connection after another, on a thread.
 * Thread:    peer_* from the test's; the script runs on the peer's.
 * Ownership: peer_start to peer_stop; the TLS context is the caller's.
 * Errors:    a failed step ends the connection; `heard` shows it.
 */
#ifndef COLDMX_SCRIPTED_PEER_H
#define COLDMX_SCRIPTED_PEER_H

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "loopback.h"

enum act_kind {
	ACT_END,
	ACT_SAY,  /* text */
	ACT_HEAR, /* one line, kept in `heard` */
	ACT_HEAD, /* lines up to an empty one, kept in `heard` */
	ACT_TLS,
	ACT_BREAK_TLS, /* after STARTTLS: says 220 and hangs up; after anything else: nothing */
	ACT_HOLD,      /* posts `held`, says nothing more, hears until the other side closes */
	ACT_RST,       /* posts `held` */
};

struct act {
	enum act_kind kind;
	const char *text;
};

#define PEER_HEARD 4096

struct peer {
	int fd;
	uint16_t port;
	const struct act *script;
	SSL_CTX *tls;
	pthread_t thread;
	sem_t held;
	char heard[PEER_HEARD]; /* read it after peer_stop */
	size_t len;
	int conn; /* under way */
	SSL *ssl; /* of it; NULL: plain */
};

static inline ssize_t peer_read(struct peer *p, char *c)
{
	return p->ssl ? SSL_read(p->ssl, c, 1) : recv(p->conn, c, 1, 0);
}

static inline bool peer_hear_line(struct peer *p, size_t *length)
{
	char c;
	for (*length = 0; peer_read(p, &c) == 1; (*length)++) {
		if (c != '\r' && p->len < PEER_HEARD - 1)
			p->heard[p->len++] = c;
		if (c == '\n')
			return true;
	}
	return false;
}

static inline void peer_say(struct peer *p, const char *text)
{
	size_t len = strlen(text);
	if (p->ssl)
		(void)SSL_write(p->ssl, text, (int)len);
	else
		(void)!send(p->conn, text, len, MSG_NOSIGNAL);
}

static inline bool peer_act(struct peer *p, const struct act *act)
{
	size_t n;
	struct linger rst = { 1, 0 };
	switch (act->kind) {
	case ACT_END: return false;
	case ACT_SAY: peer_say(p, act->text); return true;
	case ACT_HEAR: return peer_hear_line(p, &n);
	case ACT_HEAD:
		while (peer_hear_line(p, &n))
			if (n <= 1)
				return true;
		return false;
	case ACT_TLS:
		p->ssl = SSL_new(p->tls);
		SSL_set_fd(p->ssl, p->conn);
		return SSL_accept(p->ssl) == 1;
	case ACT_BREAK_TLS:
		if (p->len < 9 || memcmp(p->heard + p->len - 9, "STARTTLS\n", 9) != 0)
			return true;
		peer_say(p, "220 go\r\n");
		return false;
	case ACT_HOLD:
		sem_post(&p->held);
		while (peer_hear_line(p, &n))
			;
		return false;
	case ACT_RST:
		setsockopt(p->conn, SOL_SOCKET, SO_LINGER, &rst, sizeof(rst));
		sem_post(&p->held);
		return false;
	}
	return false;
}

static inline void *peer_main(void *arg)
{
	struct peer *p = arg;
	/* A bound for a test that went wrong, never waited for in one that goes right. */
	struct timeval limit = { 10, 0 };
	while ((p->conn = accept4(p->fd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		setsockopt(p->conn, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
		for (const struct act *act = p->script; peer_act(p, act); act++)
			;
		SSL_free(p->ssl);
		p->ssl = NULL;
		close(p->conn);
	}
	return NULL;
}

static inline bool peer_start(struct peer *p, int family, const struct act *script, SSL_CTX *tls)
{
	memset(p, 0, sizeof(*p));
	signal(SIGPIPE, SIG_IGN);
	p->script = script;
	p->tls = tls;
	sem_init(&p->held, 0, 0);
	p->fd = peer_listen(family, 128, &p->port);
	return p->fd >= 0 && pthread_create(&p->thread, NULL, peer_main, p) == 0;
}

static inline void peer_stop(struct peer *p)
{
	shutdown(p->fd, SHUT_RDWR); /* wakes accept */
	pthread_join(p->thread, NULL);
	close(p->fd);
	sem_destroy(&p->held);
}

#endif
