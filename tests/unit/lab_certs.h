/*
 * Purpose:   a CA for tests, in a scratch folder, and the server certificates that it signs.
 * Thread:    any.   Ownership: certs_new to certs_free; server contexts are freed by SSL_CTX_free.
 */
#ifndef COLDMX_LAB_CERTS_H
#define COLDMX_LAB_CERTS_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

struct certs {
	char dir[64], ca_file[96];
	EVP_PKEY *ca_key;
	X509 *ca;
};

static inline X509 *cert_make(const char *name, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key, long until_s)
{
	X509 *x = X509_new();
	char alt[128];
	static long serial;

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
	X509_gmtime_adj(X509_getm_notBefore(x), -7200);
	X509_gmtime_adj(X509_getm_notAfter(x), until_s);
	X509_set_pubkey(x, key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1,
				   0);
	X509_set_issuer_name(x, X509_get_subject_name(issuer ? issuer : x));
	snprintf(alt, sizeof(alt), "DNS:%s", name);
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, issuer ? NID_subject_alt_name : NID_basic_constraints,
						  issuer ? alt : "critical,CA:TRUE");
	X509_add_ext(x, ext, -1);
	X509_EXTENSION_free(ext);
	X509_sign(x, issuer_key, EVP_sha256());
	return x;
}

static inline bool certs_new(struct certs *c)
{
	snprintf(c->dir, sizeof(c->dir), "/tmp/coldmx-peer-XXXXXX");
	if (!mkdtemp(c->dir))
		return false;
	snprintf(c->ca_file, sizeof(c->ca_file), "%s/ca.pem", c->dir);
	c->ca_key = EVP_EC_gen("P-256");
	c->ca = cert_make("test CA", c->ca_key, NULL, c->ca_key, 86400);
	FILE *f = fopen(c->ca_file, "w");
	if (!f)
		return false;
	PEM_write_X509(f, c->ca);
	return fclose(f) == 0;
}

/* A server context with a certificate for `name` that ends in until_s seconds (< 0: it has expired). */
static inline SSL_CTX *certs_server(struct certs *c, const char *name, long until_s)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = cert_make(name, key, c->ca, c->ca_key, until_s);

	SSL_CTX_use_certificate(ctx, x);
	SSL_CTX_use_PrivateKey(ctx, key);
	X509_free(x);
	EVP_PKEY_free(key);
	return ctx;
}

static inline void certs_free(struct certs *c)
{
	unlink(c->ca_file);
	rmdir(c->dir);
	X509_free(c->ca);
	EVP_PKEY_free(c->ca_key);
}

#endif
