// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Trust anchors of user space: CA certificates from a file, and their signatures. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "core/crypto_openssl.h"

enum {
	SIV_RSA_MIN_BITS = 3072,
	SIV_ANCHORS_MAX = 64,
	SIV_ANCHOR_FILE_MAX = 1 << 20,
};

struct siv_anchor {
	X509 *cert;
	EVP_PKEY *key;
	u8 *subject; /* DER of the name */
	size_t subject_len;
	u8 hash[SIV_HASH_LEN]; /* of the certificate */
};

struct siv_anchors {
	size_t n;
	struct siv_anchor v[SIV_ANCHORS_MAX];
};

/* What a CA's key must be. Return: NULL, or what is wrong with it. */
static const char *siv_anchor_key_check(EVP_PKEY *key)
{
	char group[32];

	if (!key)
		return "its public key cannot be read";
	if (EVP_PKEY_is_a(key, "RSA")) {
		if (EVP_PKEY_get_bits(key) < SIV_RSA_MIN_BITS)
			return "RSA keys below 3072 bits are not accepted";
		return NULL;
	}
	if (EVP_PKEY_is_a(key, "EC") &&
	    EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) == 1 &&
	    (!strcmp(group, SN_X9_62_prime256v1) ||
	     !strcmp(group, SN_secp384r1)))
		return NULL;
	return "its key is neither RSA nor ECDSA on P-256 or P-384";
}

static const char *siv_anchor_fill(struct siv_anchor *a, X509 *cert)
{
	const char *wrong;
	unsigned char *der = NULL;
	int len;

	/* UINT32_MAX where there is no keyUsage */
	if (!(X509_get_key_usage(cert) & KU_KEY_CERT_SIGN))
		return "its keyUsage does not allow keyCertSign";
	/* 1: version 3, basicConstraints CA:TRUE; others: v1 certificates, guesses */
	if (X509_check_ca(cert) != 1)
		return "it is not a version 3 CA certificate (basicConstraints CA:TRUE)";
	wrong = siv_anchor_key_check(X509_get0_pubkey(cert));
	if (wrong)
		return wrong;

	len = i2d_X509_NAME(X509_get_subject_name(cert), &der);
	if (len <= 0)
		return "its subject cannot be encoded";
	a->subject = der;
	a->subject_len = (size_t)len;
	if (X509_digest(cert, EVP_sha256(), a->hash, NULL) != 1)
		return "it cannot be hashed";
	X509_up_ref(cert);
	a->cert = cert;
	a->key = X509_get0_pubkey(cert);
	return NULL;
}

static const char *siv_anchors_add(struct siv_anchors *a, X509 *cert)
{
	const char *wrong;

	if (a->n == SIV_ANCHORS_MAX)
		return "more than 64 certificates";
	wrong = siv_anchor_fill(&a->v[a->n], cert);
	a->n++; /* what was filled in so far is freed with the set */
	return wrong;
}

/* DER, the whole of @bio. Return: NULL, or what is wrong. */
static const char *siv_anchors_der(struct siv_anchors *a, const u8 *p, size_t n)
{
	const unsigned char *at = p;
	const char *wrong;
	X509 *cert = d2i_X509(NULL, &at, (long)n);

	if (!cert)
		return "it is neither PEM nor a DER certificate";
	wrong = at == p + n ? siv_anchors_add(a, cert) :
			      "bytes follow the certificate";
	X509_free(cert);
	return wrong;
}

/* PEM: every block is a certificate, and there is one at least. */
static const char *siv_anchors_pem(struct siv_anchors *a, const u8 *p, size_t n)
{
	const char *wrong = NULL;
	char *name, *header;
	unsigned char *der;
	BIO *bio;
	long len;

	bio = BIO_new_mem_buf(p, (int)n);
	if (!bio)
		return "out of memory";
	while (!wrong && PEM_read_bio(bio, &name, &header, &der, &len) == 1) {
		if (strcmp(name, PEM_STRING_X509))
			wrong = "it holds a PEM block that is not a CERTIFICATE";
		else
			wrong = siv_anchors_der(a, der, (size_t)len);
		OPENSSL_clear_free(der, (size_t)len);
		OPENSSL_free(name);
		OPENSSL_free(header);
	}
	if (!wrong &&
	    ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		wrong = "a PEM block is malformed";
	if (!wrong && !a->n)
		wrong = "it holds no certificate";
	BIO_free(bio);
	return wrong;
}

static struct siv_anchors *
siv_anchors_make(const u8 *p, size_t n, const char *what, char *err, size_t cap)
{
	struct siv_anchors *a = calloc(1, sizeof(*a));
	const char *wrong = "out of memory";

	ERR_clear_error();
	if (a && n && p[0] == 0x30)
		wrong = siv_anchors_der(a, p, n);
	else if (a)
		wrong = siv_anchors_pem(a, p, n);
	ERR_clear_error();
	if (!wrong)
		return a;
	if (a && a->n > 1)
		snprintf(err, cap, "%s: certificate %zu: %s", what, a->n,
			 wrong);
	else
		snprintf(err, cap, "%s: %s", what, wrong);
	siv_anchors_free(a);
	return NULL;
}

struct siv_anchors *siv_anchors_from_der(struct siv_span der, char *err,
					 size_t cap)
{
	return siv_anchors_make(der.p, der.n, "trust anchor", err, cap);
}

struct siv_anchors *siv_anchors_load(const char *path, char *err, size_t cap)
{
	struct siv_anchors *a = NULL;
	FILE *f = fopen(path, "rbe");
	u8 *buf = NULL;
	size_t n;

	if (!f) {
		snprintf(err, cap, "%s: %s", path, strerror(errno));
		return NULL;
	}
	buf = malloc(SIV_ANCHOR_FILE_MAX + 1);
	if (!buf) {
		snprintf(err, cap, "%s: out of memory", path);
		goto out;
	}
	n = fread(buf, 1, SIV_ANCHOR_FILE_MAX + 1, f);
	if (ferror(f))
		snprintf(err, cap, "%s: %s", path, strerror(errno));
	else if (n > SIV_ANCHOR_FILE_MAX)
		snprintf(err, cap, "%s: larger than 1 MiB", path);
	else
		a = siv_anchors_make(buf, n, path, err, cap);
out:
	free(buf);
	fclose(f);
	return a;
}

size_t siv_anchors_count(const struct siv_anchors *a)
{
	return a ? a->n : 0;
}

static int siv_anchor_compare(const void *a, const void *b)
{
	return memcmp(a, b, SIV_HASH_LEN);
}

void siv_anchors_hash(const struct siv_anchors *a, u8 out[SIV_HASH_LEN])
{
	u8 hashes[SIV_ANCHORS_MAX][SIV_HASH_LEN];
	struct siv_span all;
	size_t i, n = siv_anchors_count(a);

	for (i = 0; i < n; i++)
		memcpy(hashes[i], a->v[i].hash, SIV_HASH_LEN);
	qsort(hashes, n, SIV_HASH_LEN, siv_anchor_compare);
	all.p = hashes[0];
	all.n = n * SIV_HASH_LEN;
	siv_sha256v(out, &all, 1);
}

void siv_anchors_free(struct siv_anchors *a)
{
	size_t i;

	if (!a)
		return;
	for (i = 0; i < a->n; i++) {
		X509_free(a->v[i].cert);
		OPENSSL_free(a->v[i].subject);
	}
	free(a);
}

/* Same name and, where both say one, the same key identifier. */
static bool siv_anchor_is(const struct siv_anchor *a, struct siv_span akid,
			  struct siv_span issuer)
{
	const ASN1_OCTET_STRING *skid = X509_get0_subject_key_id(a->cert);

	if (issuer.n != a->subject_len ||
	    memcmp(issuer.p, a->subject, issuer.n))
		return false;
	if (!akid.n || !skid)
		return true;
	return (size_t)ASN1_STRING_length(skid) == akid.n &&
	       !memcmp(ASN1_STRING_get0_data(skid), akid.p, akid.n);
}

static bool siv_anchor_verify(const struct siv_anchor *a, const char *type,
			      const EVP_MD *md, struct siv_span tbs,
			      struct siv_span sig)
{
	EVP_MD_CTX *ctx;
	bool ok;

	if (!EVP_PKEY_is_a(a->key, type))
		return false;
	ctx = EVP_MD_CTX_new();
	/* for RSA the default padding is PKCS #1 v1.5 */
	ok = ctx && EVP_DigestVerifyInit(ctx, NULL, md, NULL, a->key) == 1 &&
	     EVP_DigestVerify(ctx, sig.p, sig.n, tbs.p, tbs.n) == 1;
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return ok;
}

enum siv_reason siv_signature_verify(const struct siv_anchors *a,
				     struct siv_span akid,
				     struct siv_span issuer,
				     enum siv_sig_alg alg, struct siv_span tbs,
				     struct siv_span sig)
{
	enum siv_reason r = SIV_R_NO_ANCHOR;
	const char *type = NULL;
	const EVP_MD *md = NULL;
	size_t i;

	switch (alg) {
	case SIV_SIG_RSA_SHA256:
		type = "RSA";
		md = EVP_sha256();
		break;
	case SIV_SIG_ECDSA_SHA256:
		type = "EC";
		md = EVP_sha256();
		break;
	case SIV_SIG_ECDSA_SHA384:
		type = "EC";
		md = EVP_sha384();
		break;
	}
	if (!type)
		return SIV_R_SIG_ALG;

	for (i = 0; i < siv_anchors_count(a); i++) {
		if (!siv_anchor_is(&a->v[i], akid, issuer))
			continue;
		if (siv_anchor_verify(&a->v[i], type, md, tbs, sig))
			return SIV_OK;
		r = SIV_R_SIGNATURE;
	}
	return r;
}
