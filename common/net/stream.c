/* The only file that knows OpenSSL on the client side.
 * The handshake never stops at a bad certificate: it finishes, and the check follows. So the caller can
 * name the rung "certificate" exactly, and still say QUIT to a mail server whose log stays clean. */
#include "stream.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "../base/basic.h"
#include "../base/mem.h"
#include "connect.h"

/* OpenSSL's own object, under our name. */
static SSL_CTX *ssl_ctx(struct tls_ctx *ctx)
{
	return (SSL_CTX *)ctx;
}

static enum err_code tls_error(struct err *e, enum err_code code, const char *what)
{
	char text[160] = "no detail";
	unsigned long n = ERR_get_error();

	if (n)
		ERR_error_string_n(n, text, sizeof(text));
	ERR_clear_error();
	return err_set(e, code, "%s: %s", what, text);
}

enum err_code net_tls_ctx_new(const char *ca_file, struct tls_ctx **out, struct err *e)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	*out = NULL;
	ERR_clear_error();
	if (!ctx)
		return tls_error(e, ERR_LOCAL, "OpenSSL");
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
				      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	/* Mail servers often close without close_notify; what was read is complete by SMTP's own framing. */
	SSL_CTX_set_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL); /* net_stream_secure checks afterwards */
	int loaded = ca_file[0] ? SSL_CTX_load_verify_file(ctx, ca_file) : SSL_CTX_set_default_verify_paths(ctx);
	if (loaded != 1) {
		char what[ERR_TEXT_MAX];

		SSL_CTX_free(ctx);
		snprintf(what, sizeof(what), "cannot read CA file \"%.200s\"", ca_file);
		return tls_error(e, ERR_LOCAL, what);
	}
	*out = (struct tls_ctx *)ctx;
	return ERR_OK;
}

void net_tls_ctx_free(struct tls_ctx *ctx)
{
	SSL_CTX_free(ssl_ctx(ctx));
}

void net_stream_init(struct net_stream *stream, int fd)
{
	*stream = (struct net_stream){ .fd = fd };
}

void net_stream_close(struct net_stream *stream)
{
	SSL_free(stream->tls); /* sends nothing; NULL is legal */
	if (stream->fd >= 0)
		close(stream->fd);
	net_stream_init(stream, -1);
}

void net_stream_wake(struct net_stream *stream, bool closing)
{
	stream->drained = false;
	stream->closing |= closing;
}

/* Translates what a TLS call answered; `rc` <= 0. */
static enum net_io tls_outcome(struct net_stream *stream, int rc, struct err *e)
{
	int saved = errno;

	switch (SSL_get_error(stream->tls, rc)) {
	case SSL_ERROR_WANT_READ: return NET_IO_READ;
	case SSL_ERROR_WANT_WRITE: return NET_IO_WRITE;
	case SSL_ERROR_ZERO_RETURN: return NET_IO_CLOSED;
	case SSL_ERROR_SYSCALL:
		if (saved == 0)
			return NET_IO_CLOSED;
		err_set_errno(e, net_errno_code(saved, false), saved, "TLS");
		return NET_IO_FAILED;
	default: tls_error(e, ERR_PROTOCOL, "TLS"); return NET_IO_FAILED;
	}
}

static enum err_code tls_begin(struct net_stream *stream, struct tls_ctx *ctx, const char *name, struct err *e)
{
	SSL *ssl = SSL_new(ssl_ctx(ctx));
	char sni[DOMAIN_MAX];

	if (!ssl || !str_copy(sni, sizeof(sni), name)) {
		SSL_free(ssl);
		return tls_error(e, ERR_LOCAL, "OpenSSL");
	}
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (SSL_set_fd(ssl, stream->fd) != 1 || SSL_set1_host(ssl, name) != 1 ||
	    SSL_set_tlsext_host_name(ssl, sni) != 1) {
		SSL_free(ssl);
		return tls_error(e, ERR_LOCAL, "OpenSSL");
	}
	stream->tls = ssl;
	return ERR_OK;
}

static void format_expiry(const X509 *cert, char *out, size_t size)
{
	struct tm tm;

	out[0] = '\0';
	if (ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm) == 1)
		strftime(out, size, " (until %Y-%m-%d)", &tm);
}

/* The chain, dates and name were judged during the handshake; this only reads the verdict. */
static enum net_io check_certificate(struct net_stream *stream, const char *name, struct err *e)
{
	long rc = SSL_get_verify_result(stream->tls);
	X509 *cert = SSL_get1_peer_certificate(stream->tls);
	char until[40] = "";

	if (cert && rc == X509_V_OK) {
		X509_free(cert);
		return NET_IO_DONE;
	}
	if (cert && rc == X509_V_ERR_CERT_HAS_EXPIRED)
		format_expiry(cert, until, sizeof(until));
	err_set(e, ERR_AUTH, "certificate for %.100s: %s%s", name,
		cert ? X509_verify_cert_error_string(rc) : "none was shown", until);
	X509_free(cert);
	return NET_IO_UNTRUSTED;
}

enum net_io net_stream_secure(struct net_stream *stream, struct tls_ctx *ctx, const char *name, struct err *e)
{
	if (!stream->tls && tls_begin(stream, ctx, name, e) != ERR_OK)
		return NET_IO_FAILED;
	ERR_clear_error();
	errno = 0;
	int rc = SSL_connect(stream->tls);
	if (rc == 1)
		return check_certificate(stream, name, e);
	enum net_io io = tls_outcome(stream, rc, e);
	if (io != NET_IO_CLOSED)
		return io;
	err_set(e, ERR_REFUSED, "connection closed during the TLS handshake");
	return NET_IO_FAILED;
}

enum net_io net_stream_send(struct net_stream *stream, const char *bytes, size_t len, size_t *sent, struct err *e)
{
	*sent = 0;
	if (stream->tls) {
		ERR_clear_error();
		errno = 0;
		int rc = SSL_write_ex(stream->tls, bytes, len, sent);
		return rc == 1 ? NET_IO_DONE : tls_outcome(stream, rc, e);
	}
	ssize_t n = send(stream->fd, bytes, len, MSG_NOSIGNAL);
	if (n >= 0) {
		*sent = (size_t)n;
		return NET_IO_DONE;
	}
	if (errno == EAGAIN || errno == EINTR)
		return NET_IO_WRITE;
	err_set_errno(e, net_errno_code(errno, false), errno, "send");
	return NET_IO_FAILED;
}

enum net_io net_stream_recv(struct net_stream *stream, char *bytes, size_t size, size_t *got, struct err *e)
{
	*got = 0;
	if (stream->tls) {
		ERR_clear_error();
		errno = 0;
		int rc = SSL_read_ex(stream->tls, bytes, size, got);
		return rc == 1 ? NET_IO_DONE : tls_outcome(stream, rc, e);
	}
	if (stream->drained)
		return NET_IO_READ;
	ssize_t n = recv(stream->fd, bytes, size, 0);
	if (n > 0) {
		*got = (size_t)n;
		stream->drained = *got < size && !stream->closing;
		return NET_IO_DONE;
	}
	if (n == 0)
		return NET_IO_CLOSED;
	if (errno == EAGAIN || errno == EINTR)
		return NET_IO_READ;
	err_set_errno(e, net_errno_code(errno, false), errno, "receive");
	return NET_IO_FAILED;
}
