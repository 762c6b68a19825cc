// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claim: core/crypto.h on OpenSSL keeps its contract: a zero shared secret has its own
 * cause, a key process answers like a key in our own process and a broken one is not
 * believed twice, a record costs no allocation, a failed open shows no plaintext, and only
 * the right key of a strong enough CA verifies a certificate.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "core/crypto_openssl.h"

static const u8 zero[SIV_KEY_LEN];
static const u8 priv[SIV_KEY_LEN] = "some private key of 32 bytes....";
static const struct siv_span none;

static struct siv_span span(const void *p, size_t n)
{
	return (struct siv_span){ p, n };
}

/* ------------------------------------------------------------ allocations */

static unsigned long allocations;

static void *count_malloc(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	allocations++;
	return malloc(n);
}

static void *count_realloc(void *p, size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	allocations++;
	return realloc(p, n);
}

static void count_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	free(p);
}

static void test_no_allocation(void **state)
{
	static const u16 suites[] = { SIV_SUITE_CHACHAPOLY, SIV_SUITE_AESGCM };
	struct siv_aead *t = siv_aead_alloc();
	u8 buf[1024 + SIV_TAG_LEN];
	unsigned long before;
	size_t s;
	u64 n;

	(void)state;
	assert_non_null(t);
	for (s = 0; s < ARRAY_SIZE(suites); s++) {
		assert_int_equal(siv_aead_setkey(t, suites[s], priv), SIV_OK);
		before = 0;
		for (n = 0; n < 100; n++) {
			memset(buf, 1, sizeof(buf));
			assert_int_equal(siv_aead_seal(t, n, span(priv, 8),
						       span(buf, 1024), buf),
					 SIV_OK);
			assert_int_equal(siv_aead_open(t, n, span(priv, 8),
						       span(buf, sizeof(buf)),
						       buf),
					 SIV_OK);
			if (!n)
				before = allocations;
		}
		assert_int_not_equal(before, 0);
		assert_int_equal(allocations, before);
	}
	siv_aead_free(t);
}

/* ------------------------------------------------------------------ AEAD */

static void test_aead_contract(void **state)
{
	struct siv_aead *t = siv_aead_alloc();
	u8 sealed[64], plain[64];

	(void)state;
	assert_non_null(t);
	/* no key yet; not after an unknown suite; not after clear */
	assert_int_equal(siv_aead_seal(t, 0, none, span("x", 1), sealed),
			 SIV_R_CRYPTO);
	assert_int_equal(siv_aead_setkey(t, SIV_SUITE_AESGCM, priv), SIV_OK);
	assert_int_equal(siv_aead_setkey(t, 3, priv), SIV_R_SUITE);
	assert_int_equal(siv_aead_seal(t, 0, none, span("x", 1), sealed),
			 SIV_R_CRYPTO);
	assert_int_equal(siv_aead_setkey(t, SIV_SUITE_AESGCM, priv), SIV_OK);
	siv_aead_clear(t);
	assert_int_equal(siv_aead_open(t, 0, none, span(sealed, 17), plain),
			 SIV_R_CRYPTO);
	siv_aead_clear(t);

	assert_int_equal(siv_aead_setkey(t, SIV_SUITE_CHACHAPOLY, priv),
			 SIV_OK);
	assert_int_equal(siv_aead_seal(t, 7, none, span("plaintext", 9),
				       sealed),
			 SIV_OK);
	assert_int_equal(siv_aead_open(t, 7, none, span(sealed, 15), plain),
			 SIV_R_TAG);
	memset(plain, 0x55, sizeof(plain));
	assert_int_equal(siv_aead_open(t, 8, none, span(sealed, 25), plain),
			 SIV_R_TAG);
	assert_memory_equal(plain, zero, 9);
	assert_int_equal(plain[9], 0x55);
	/* in place as well */
	memcpy(plain, sealed, 25);
	plain[24] ^= 1;
	assert_int_equal(siv_aead_open(t, 7, none, span(plain, 25), plain),
			 SIV_R_TAG);
	assert_memory_equal(plain, zero, 9);
	assert_int_equal(siv_aead_open(t, 7, none, span(sealed, 25), plain),
			 SIV_OK);
	assert_memory_equal(plain, "plaintext", 9);
	/* a message of nothing but a tag */
	assert_int_equal(siv_aead_seal(t, 9, span("ad", 2), none, sealed),
			 SIV_OK);
	assert_int_equal(siv_aead_open(t, 9, span("ad", 2), span(sealed, 16),
				       plain),
			 SIV_OK);
	assert_int_equal(siv_aead_open(t, 9, span("aD", 2), span(sealed, 16),
				       plain),
			 SIV_R_TAG);
	siv_aead_free(t);
	siv_aead_free(NULL);
}

/* ---------------------------------------------------------------- X25519 */

static void test_zero_secret(void **state)
{
	struct siv_static *s = siv_static_from_private(priv);
	u8 low[SIV_KEY_LEN] = { 1 };
	u8 out[SIV_KEY_LEN];

	(void)state;
	assert_non_null(s);
	memset(out, 0xa5, sizeof(out));
	assert_int_equal(siv_x25519(out, priv, zero), SIV_R_DH_ZERO);
	assert_memory_equal(out, zero, sizeof(out));
	memset(out, 0xa5, sizeof(out));
	assert_int_equal(siv_x25519_static(out, s, low), SIV_R_DH_ZERO);
	assert_memory_equal(out, zero, sizeof(out));
	/* and the key still works */
	low[0] = 9;
	assert_int_equal(siv_x25519_static(out, s, low), SIV_OK);
	assert_memory_not_equal(out, zero, sizeof(out));
	siv_static_free(s);
	siv_static_free(NULL);
}

/* Iterated as in RFC 7748, section 5.2; base point, DH and static agree. */
static void test_rfc7748(void **state)
{
	static const u8 after_1000[SIV_KEY_LEN] = {
		0x68, 0x4c, 0xf5, 0x9b, 0xa8, 0x33, 0x09, 0x55,
		0x28, 0x00, 0xef, 0x56, 0x6f, 0x2f, 0x4d, 0x3c,
		0x1c, 0x38, 0x87, 0xc4, 0x93, 0x60, 0xe3, 0x87,
		0x5f, 0x2e, 0xb9, 0x4d, 0x99, 0x53, 0x2c, 0x51
	};
	u8 k[SIV_KEY_LEN] = { 9 }, u[SIV_KEY_LEN] = { 9 },
	   nine[SIV_KEY_LEN] = { 9 };
	u8 out[SIV_KEY_LEN], other[SIV_KEY_LEN];
	struct siv_static *s;
	int i;

	(void)state;
	for (i = 0; i < 1000; i++) {
		assert_int_equal(siv_x25519(out, k, u), SIV_OK);
		memcpy(u, k, sizeof(u));
		memcpy(k, out, sizeof(k));
	}
	assert_memory_equal(k, after_1000, sizeof(k));

	assert_int_equal(siv_x25519_base(out, priv), SIV_OK);
	assert_int_equal(siv_x25519(other, priv, nine), SIV_OK);
	assert_memory_equal(out, other, sizeof(out));
	s = siv_static_from_private(priv);
	assert_non_null(s);
	assert_int_equal(siv_x25519_static(other, s, nine), SIV_OK);
	assert_memory_equal(out, other, sizeof(out));
	siv_static_free(s);
}

static void test_random(void **state)
{
	u8 a[64], b[64];

	(void)state;
	assert_int_equal(siv_random(a, sizeof(a)), 0);
	assert_int_equal(siv_random(b, sizeof(b)), 0);
	assert_memory_not_equal(a, b, sizeof(a));
	assert_int_equal(siv_random(NULL, 0), 0);
}

static void test_equal(void **state)
{
	(void)state;
	assert_true(siv_equal("abc", "abc", 3));
	assert_false(siv_equal("abc", "abd", 3));
	assert_true(siv_equal("abc", "abd", 2));
}

/* A static key may be used by several threads at once. */
static void *many(void *arg)
{
	u8 nine[SIV_KEY_LEN] = { 9 }, out[SIV_KEY_LEN], want[SIV_KEY_LEN];
	int i;

	if (siv_x25519(want, priv, nine))
		return (void *)1;
	for (i = 0; i < 200; i++)
		if (siv_x25519_static(out, arg, nine) ||
		    memcmp(out, want, sizeof(out)))
			return (void *)1;
	return NULL;
}

static void test_threads(void **state)
{
	struct siv_static *s = siv_static_from_private(priv);
	pthread_t thread[4];
	void *bad;
	int i;

	(void)state;
	assert_non_null(s);
	for (i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, many, s), 0);
	for (i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(thread[i], &bad), 0);
		assert_null(bad);
	}
	siv_static_free(s);
}

/* ----------------------------------------------------------- key process */

struct server {
	struct siv_static *key;
	int fd;
	int end; /* what the last siv_static_serve() returned */
};

static void *serve(void *arg)
{
	struct server *s = arg;

	do {
		s->end = siv_static_serve(s->key, s->fd);
	} while (s->end == 1);
	return NULL;
}

static void key_process(int type)
{
	struct siv_static *own = siv_static_from_private(priv), *far;
	struct server server = { .key = own };
	u8 pub[SIV_KEY_LEN], a[SIV_KEY_LEN], b[SIV_KEY_LEN];
	pthread_t thread;
	int fd[2], i;

	assert_non_null(own);
	assert_int_equal(socketpair(AF_UNIX, type, 0, fd), 0);
	server.fd = fd[1];
	far = siv_static_from_socket(fd[0]);
	assert_non_null(far);
	assert_int_equal(pthread_create(&thread, NULL, serve, &server), 0);
	for (i = 2; i < 12; i++) {
		memset(pub, i, sizeof(pub));
		assert_int_equal(siv_x25519_static(a, own, pub), SIV_OK);
		assert_int_equal(siv_x25519_static(b, far, pub), SIV_OK);
		assert_memory_equal(a, b, sizeof(a));
	}
	assert_int_equal(siv_x25519_static(b, far, zero), SIV_R_DH_ZERO);
	assert_memory_equal(b, zero, sizeof(b));
	memset(pub, 0xff, sizeof(pub));
	assert_int_equal(siv_x25519_static(b, far, pub),
			 SIV_R_PUB_NOT_CANONICAL);
	memset(pub, 5, sizeof(pub));
	assert_int_equal(siv_x25519_static(b, far, pub), SIV_OK);
	close(fd[0]);
	pthread_join(thread, NULL);
	assert_int_equal(server.end, 0);
	close(fd[1]);
	siv_static_free(far);
	siv_static_free(own);
}

static void test_key_process(void **state)
{
	(void)state;
	key_process(SOCK_STREAM);
	key_process(SOCK_SEQPACKET);
}

/* A wrong answer, a short one, none: refused, and nothing is asked any more. */
static void bad_answer(const u8 *answer, size_t n, enum siv_reason want,
		       bool dead)
{
	u8 pub[SIV_KEY_LEN] = { 9 }, out[SIV_KEY_LEN], seen[64];
	struct siv_static *far;
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	far = siv_static_from_socket(fd[0]);
	assert_non_null(far);
	if (n)
		assert_int_equal(write(fd[1], answer, n), n);
	assert_int_equal(shutdown(fd[1], SHUT_WR), 0);
	memset(out, 0xa5, sizeof(out));
	assert_int_equal(siv_x25519_static(out, far, pub), want);
	assert_memory_equal(out, zero, sizeof(out));
	assert_int_equal(read(fd[1], seen, sizeof(seen)), 32);
	if (dead) {
		assert_int_equal(siv_x25519_static(out, far, pub),
				 SIV_R_CRYPTO);
		assert_int_equal(recv(fd[1], seen, sizeof(seen), MSG_DONTWAIT),
				 -1);
	}
	close(fd[0]);
	close(fd[1]);
	siv_static_free(far);
}

static void test_bad_key_process(void **state)
{
	u8 answer[SIV_KEY_ANSWER_LEN] = { 0 };
	struct siv_static *own = siv_static_from_private(priv);
	int fd[2];

	(void)state;
	bad_answer(answer, sizeof(answer), SIV_R_DH_ZERO,
		   false); /* zero, called done */
	memset(answer, 0xee, sizeof(answer));
	answer[0] = SIV_KEY_ZERO;
	bad_answer(answer, sizeof(answer), SIV_R_DH_ZERO, false);
	answer[0] = SIV_KEY_FAILED;
	bad_answer(answer, sizeof(answer), SIV_R_CRYPTO, true);
	answer[0] = 200;
	bad_answer(answer, sizeof(answer), SIV_R_CRYPTO, true);
	answer[0] = SIV_KEY_DONE;
	bad_answer(answer, sizeof(answer) - 1, SIV_R_CRYPTO, true);
	bad_answer(answer, 1, SIV_R_CRYPTO, true);
	bad_answer(answer, 0, SIV_R_CRYPTO, true);

	/* a request cut short */
	assert_non_null(own);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	assert_int_equal(write(fd[0], priv, 31), 31);
	close(fd[0]);
	assert_int_equal(siv_static_serve(own, fd[1]), -EPROTO);
	close(fd[1]);
	siv_static_free(own);
}

/* --------------------------------------------------------------- anchors */

struct ca {
	EVP_PKEY *key;
	X509 *cert;
	u8 *der;
	int der_len;
	u8 *name;
	int name_len;
};

static void extension(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *ext;
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_non_null(ext);
	assert_int_equal(X509_add_ext(cert, ext, -1), 1);
	X509_EXTENSION_free(ext);
}

/* A self-signed CA; takes @key. @basic: basicConstraints; @usage: keyUsage or NULL. */
static struct ca make_ca(EVP_PKEY *key, const char *cn, const char *basic,
			 const char *usage)
{
	struct ca ca = { .key = key };
	X509_NAME *name;

	assert_non_null(key);
	ca.cert = X509_new();
	assert_non_null(ca.cert);
	X509_set_version(ca.cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(ca.cert), 1);
	X509_gmtime_adj(X509_getm_notBefore(ca.cert), -60);
	X509_gmtime_adj(X509_getm_notAfter(ca.cert), 3600);
	name = X509_get_subject_name(ca.cert);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const u8 *)cn, -1,
				   -1, 0);
	X509_set_issuer_name(ca.cert, name);
	X509_set_pubkey(ca.cert, key);
	extension(ca.cert, NID_basic_constraints, basic);
	if (usage)
		extension(ca.cert, NID_key_usage, usage);
	extension(ca.cert, NID_subject_key_identifier, "hash");
	assert_int_not_equal(X509_sign(ca.cert, key, EVP_sha256()), 0);
	ca.der_len = i2d_X509(ca.cert, &ca.der);
	ca.name_len = i2d_X509_NAME(name, &ca.name);
	assert_true(ca.der_len > 0 && ca.name_len > 0);
	return ca;
}

static void free_ca(struct ca *ca)
{
	OPENSSL_free(ca->der);
	OPENSSL_free(ca->name);
	X509_free(ca->cert);
	EVP_PKEY_free(ca->key);
}

static struct siv_anchors *anchor_of(const struct ca *ca)
{
	char err[200] = "";
	struct siv_anchors *a;

	a = siv_anchors_from_der(span(ca->der, (size_t)ca->der_len), err,
				 sizeof(err));
	if (!a)
		print_message("%s\n", err);
	return a;
}

static struct siv_span skid_of(const struct ca *ca)
{
	const ASN1_OCTET_STRING *id = X509_get0_subject_key_id(ca->cert);

	return span(ASN1_STRING_get0_data(id), (size_t)ASN1_STRING_length(id));
}

static size_t sign(const struct ca *ca, const EVP_MD *md, int padding,
		   struct siv_span tbs, u8 sig[600])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx;
	size_t n = 600;

	assert_int_equal(EVP_DigestSignInit(ctx, &pctx, md, NULL, ca->key), 1);
	if (padding)
		assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(pctx, padding),
				 1);
	assert_int_equal(EVP_DigestSign(ctx, sig, &n, tbs.p, tbs.n), 1);
	EVP_MD_CTX_free(ctx);
	return n;
}

static void accepts(const struct ca *ca, enum siv_sig_alg alg, const EVP_MD *md)
{
	struct siv_span tbs = span("to be signed", 12);
	struct siv_span name = span(ca->name, (size_t)ca->name_len);
	struct siv_anchors *a = anchor_of(ca);
	u8 sig[600], other[SIV_KEY_LEN] = { 1 };
	size_t n, i;

	assert_non_null(a);
	assert_int_equal(siv_anchors_count(a), 1);
	n = sign(ca, md, 0, tbs, sig);
#define VERIFY(akid, issuer, alg, tbs) \
	siv_signature_verify(a, akid, issuer, alg, tbs, span(sig, n))
	assert_int_equal(VERIFY(skid_of(ca), name, alg, tbs), SIV_OK);
	assert_int_equal(VERIFY(none, name, alg, tbs), SIV_OK);
	/* somebody else's certificate */
	assert_int_equal(VERIFY(span(other, 20), name, alg, tbs),
			 SIV_R_NO_ANCHOR);
	assert_int_equal(VERIFY(skid_of(ca), span(ca->name, name.n - 1), alg,
				tbs),
			 SIV_R_NO_ANCHOR);
	assert_int_equal(VERIFY(skid_of(ca), none, alg, tbs), SIV_R_NO_ANCHOR);
	assert_int_equal(siv_signature_verify(NULL, none, name, alg, tbs,
					      span(sig, n)),
			 SIV_R_NO_ANCHOR);
	/* other bytes, another algorithm */
	assert_int_equal(VERIFY(none, name, alg, span("To be signed", 12)),
			 SIV_R_SIGNATURE);
	assert_int_equal(VERIFY(none, name, alg, span("to be signed", 11)),
			 SIV_R_SIGNATURE);
	for (i = SIV_SIG_RSA_SHA256; i <= SIV_SIG_ECDSA_SHA384; i++)
		if (i != alg)
			assert_int_equal(VERIFY(none, name, (enum siv_sig_alg)i,
						tbs),
					 SIV_R_SIGNATURE);
	assert_int_equal(VERIFY(none, name, (enum siv_sig_alg)9, tbs),
			 SIV_R_SIG_ALG);
	for (i = 0; i < n; i += 7) {
		sig[i] ^= 1;
		assert_int_equal(VERIFY(none, name, alg, tbs), SIV_R_SIGNATURE);
		sig[i] ^= 1;
	}
	n = 0;
	assert_int_equal(VERIFY(none, name, alg, tbs), SIV_R_SIGNATURE);
#undef VERIFY
	siv_anchors_free(a);
}

static struct ca rsa_ca;

static void test_rsa(void **state)
{
	struct siv_span tbs = span("to be signed", 12);
	struct siv_anchors *a;
	u8 sig[600];
	size_t n;

	(void)state;
	accepts(&rsa_ca, SIV_SIG_RSA_SHA256, EVP_sha256());
	/* only PKCS #1 v1.5 */
	a = anchor_of(&rsa_ca);
	assert_non_null(a);
	n = sign(&rsa_ca, EVP_sha256(), RSA_PKCS1_PSS_PADDING, tbs, sig);
	assert_int_equal(
		siv_signature_verify(a, none,
				     span(rsa_ca.name, (size_t)rsa_ca.name_len),
				     SIV_SIG_RSA_SHA256, tbs, span(sig, n)),
		SIV_R_SIGNATURE);
	siv_anchors_free(a);
}

static void test_ecdsa(void **state)
{
	struct ca ca;

	(void)state;
	ca = make_ca(EVP_EC_gen("P-256"), "test", "critical,CA:TRUE", NULL);
	accepts(&ca, SIV_SIG_ECDSA_SHA256, EVP_sha256());
	free_ca(&ca);
	ca = make_ca(EVP_EC_gen("P-384"), "test", "critical,CA:TRUE",
		     "critical,keyCertSign,cRLSign");
	accepts(&ca, SIV_SIG_ECDSA_SHA384, EVP_sha384());
	free_ca(&ca);
}

static void refused(EVP_PKEY *key, const char *basic, const char *usage,
		    const char *why)
{
	struct ca ca = make_ca(key, "test", basic, usage);
	char err[200] = "";

	assert_null(siv_anchors_from_der(span(ca.der, (size_t)ca.der_len), err,
					 sizeof(err)));
	if (!strstr(err, why))
		fail_msg("\"%s\" does not say \"%s\"", err, why);
	free_ca(&ca);
}

static void test_weak_anchors(void **state)
{
	(void)state;
	refused(EVP_RSA_gen(2048), "critical,CA:TRUE", NULL, "3072");
	refused(EVP_EC_gen("P-521"), "critical,CA:TRUE", NULL,
		"neither RSA nor ECDSA");
	refused(EVP_EC_gen("secp256k1"), "critical,CA:TRUE", NULL,
		"neither RSA");
	refused(EVP_EC_gen("P-256"), "critical,CA:FALSE", NULL, "CA:TRUE");
	refused(EVP_EC_gen("P-256"), "critical,CA:TRUE",
		"critical,digitalSignature", "keyCertSign");
}

/* --------------------------------------------------------- files of anchors */

static char dir[32] = "/tmp/siv-anchors-XXXXXX";
static char path[sizeof(dir) + 16];

static struct siv_anchors *load(const void *p, size_t n, const char *why)
{
	char err[300] = "";
	struct siv_anchors *a;
	FILE *f;

	snprintf(path, sizeof(path), "%s/file", dir);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	fclose(f);
	a = siv_anchors_load(path, err, sizeof(err));
	if (why && !strstr(err, why))
		fail_msg("\"%s\" does not say \"%s\"", err, why);
	if (why && !strstr(err, path))
		fail_msg("\"%s\" does not name the file", err);
	assert_int_equal(!a, !!why);
	return a;
}

static size_t pem(char *out, size_t cap, const struct ca *ca)
{
	BIO *bio = BIO_new(BIO_s_mem());
	int n;

	assert_int_equal(PEM_write_bio_X509(bio, ca->cert), 1);
	n = BIO_read(bio, out, (int)cap);
	assert_true(n > 0);
	BIO_free(bio);
	return (size_t)n;
}

static void test_files(void **state)
{
	struct ca ca[2] = {
		make_ca(EVP_EC_gen("P-256"), "one", "critical,CA:TRUE", NULL),
		make_ca(EVP_EC_gen("P-256"), "two", "critical,CA:TRUE", NULL),
	};
	u8 hash[3][SIV_HASH_LEN];
	struct siv_anchors *a;
	char text[8192];
	size_t n, m;

	(void)state;
	n = pem(text, sizeof(text), &ca[0]);
	m = pem(text + n, sizeof(text) - n, &ca[1]);
	a = load(text, n + m, NULL);
	assert_int_equal(siv_anchors_count(a), 2);
	siv_anchors_hash(a, hash[0]);
	siv_anchors_free(a);
	m = pem(text, sizeof(text), &ca[1]);
	n = pem(text + m, sizeof(text) - m, &ca[0]);
	a = load(text, n + m, NULL);
	siv_anchors_hash(a, hash[1]); /* the order does not matter */
	siv_anchors_free(a);
	a = load(ca[0].der, (size_t)ca[0].der_len, NULL);
	assert_int_equal(siv_anchors_count(a), 1);
	siv_anchors_hash(a, hash[2]);
	siv_anchors_free(a);
	assert_memory_equal(hash[0], hash[1], SIV_HASH_LEN);
	assert_memory_not_equal(hash[0], hash[2], SIV_HASH_LEN);

	load("", 0, "no certificate");
	load("nothing of the kind", 19, "no certificate");
	load(ca[0].der, (size_t)ca[0].der_len - 1, "neither PEM nor");
	memcpy(text, ca[0].der, (size_t)ca[0].der_len);
	text[ca[0].der_len] = 0;
	load(text, (size_t)ca[0].der_len + 1, "bytes follow");
	n = pem(text, sizeof(text), &ca[0]);
	load(text, n - 10, "malformed");
	n = (size_t)snprintf(text, sizeof(text),
			     "-----BEGIN X-----\nAAAA\n-----END X-----\n");
	load(text, n, "not a CERTIFICATE");
	assert_int_equal(siv_anchors_count(NULL), 0);
	siv_anchors_free(NULL);
	free_ca(&ca[0]);
	free_ca(&ca[1]);
}

static void test_no_file(void **state)
{
	char err[200] = "";

	(void)state;
	assert_null(siv_anchors_load("/nonexistent/ca.pem", err, sizeof(err)));
	assert_non_null(strstr(err, "/nonexistent/ca.pem"));
	assert_non_null(strstr(err, "No such file"));
}

static int setup(void **state)
{
	(void)state;
	rsa_ca = make_ca(EVP_RSA_gen(3072), "test", "critical,CA:TRUE", NULL);
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	free_ca(&rsa_ca);
	unlink(path);
	return rmdir(dir);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_allocation),
		cmocka_unit_test(test_aead_contract),
		cmocka_unit_test(test_zero_secret),
		cmocka_unit_test(test_rfc7748),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_key_process),
		cmocka_unit_test(test_bad_key_process),
		cmocka_unit_test(test_rsa),
		cmocka_unit_test(test_ecdsa),
		cmocka_unit_test(test_weak_anchors),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_no_file),
	};

	/* before OpenSSL allocates anything */
	if (CRYPTO_set_mem_functions(count_malloc, count_realloc, count_free) !=
	    1)
		return 1;
	return cmocka_run_group_tests_name("openssl", tests, setup, teardown);
}
