// SPDX-License-Identifier: GPL-2.0-only
/* Certificates for tests: see certbuild.h. */
#include "certbuild.h"

#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cert.h"
#include "dertext.h"

static void must(int ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "certbuild: %s\n", what);
		abort();
	}
}

static const uint8_t issuer_name[] = { 'T', 'e', 's', 't', ' ', 'C', 'A' };

void test_ca_make(struct test_ca *ca, enum test_alg alg)
{
	static const char *const curves[TEST_ALGS] = { NULL, "P-256", "P-384" };
	unsigned int len = sizeof(ca->key_id);
	X509_EXTENSION *ext;
	X509V3_CTX ctx;
	X509_NAME *name;

	ca->key = curves[alg] ? EVP_EC_gen(curves[alg]) : EVP_RSA_gen(3072);
	ca->md = alg == TEST_P384 ? EVP_sha384() : EVP_sha256();
	must(!!ca->key, "no CA key");
	ca->cert = X509_new();
	must(!!ca->cert, "no memory");
	X509_set_version(ca->cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(ca->cert), 1);
	X509_gmtime_adj(X509_getm_notBefore(ca->cert), -3600);
	X509_gmtime_adj(X509_getm_notAfter(ca->cert), 86400L * 3650);
	name = X509_get_subject_name(ca->cert);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, issuer_name,
				   sizeof(issuer_name), -1, 0);
	X509_set_issuer_name(ca->cert, name);
	X509_set_pubkey(ca->cert, ca->key);
	must(X509_pubkey_digest(ca->cert, EVP_sha1(), ca->key_id, &len),
	     "no key identifier");
	X509V3_set_ctx(&ctx, ca->cert, ca->cert, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, NID_basic_constraints,
				  "critical,CA:TRUE,pathlen:0");
	must(ext && X509_add_ext(ca->cert, ext, -1), "basicConstraints");
	X509_EXTENSION_free(ext);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, NID_key_usage,
				  "critical,keyCertSign,cRLSign");
	must(ext && X509_add_ext(ca->cert, ext, -1), "keyUsage");
	X509_EXTENSION_free(ext);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, NID_subject_key_identifier,
				  "hash");
	must(ext && X509_add_ext(ca->cert, ext, -1), "SKI");
	X509_EXTENSION_free(ext);
	must(X509_sign(ca->cert, ca->key, ca->md) > 0, "CA certificate");
}

void test_ca_free(struct test_ca *ca)
{
	EVP_PKEY_free(ca->key);
	X509_free(ca->cert);
}

void certtext_default(struct certtext *t, const char *alg)
{
	static const char *const fields[F_COUNT] = {
		[F_NONE] = "",
		[F_TBS_OPEN] = "30(",
		[F_VERSION] = "a0( 020102 )",
		[F_SERIAL] = "02( 5a0102030405060708090a0b0c0d0e0f )",
		[F_ISSUER] = "30(" CN("0c( 'Test CA' )") ")",
		[F_VALIDITY] =
			VALIDITY(UTC("260101000000Z"), UTC("270101000000Z")),
		[F_SUBJECT] = "30(" CN("0c( 'camera.front' )") ")",
		[F_SPKI] = "30( 30( 06032b656e ) 03( 00 $P ) )",
		[F_UNIQUE] = "",
		[F_EXTS_OPEN] = "a3( 30(",
		[F_KEY_USAGE] = KEY_USAGE("03020308"),
		[F_EKU] = EKU("30( 06( $E ) )"),
		[F_BASIC] = BASIC("30( )"),
		[F_AKID] = AKID("30( 80( $K ) )"),
		[F_SKID] = SKID("04( 11*20 )"),
		[F_SAN] = URI("sivshmem://demo/alice/camera.front"),
		[F_MORE_EXTS] = "",
		[F_EXTS_CLOSE] = ") )",
		[F_TBS_CLOSE] = ")",
		[F_SIG] = "03( 00 $S )",
		[F_END] = "",
	};

	memcpy(t->field, fields, sizeof(fields));
	t->field[F_ALG] = alg;
	t->field[F_OUTER_ALG] = alg;
	memset(t->pub, 0x33, sizeof(t->pub));
}

void certtext_host(struct certtext *t, const char *alg)
{
	certtext_default(t, alg);
	t->field[F_EKU] = EKU("30( 06( $H ) )");
	t->field[F_SAN] = URI("sivshmem://demo");
}

static size_t compile(uint8_t *out, const struct certtext *t, enum field from,
		      enum field to, const struct dertext_var *vars)
{
	char text[65536];
	size_t n = 0;
	int i;

	for (i = (int)from; i <= (int)to; i++) {
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s ",
				      t->field[i]);
		must(n < sizeof(text), "text too long");
	}
	return dertext(out, text, vars);
}

size_t certbuild_wrap(uint8_t *out, const uint8_t *tbs, size_t tbs_len,
		      const struct certtext *t, const struct test_ca *ca)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t sig[512], tail[DERTEXT_MAX];
	size_t n, sig_len = sizeof(sig);
	struct dertext_var vars[] = { { 'S', sig, 0 },
				      { 'K', ca->key_id, 20 },
				      { 0, NULL, 0 } };
	struct dertext_var all[] = { { 'T', tbs, tbs_len },
				     { 'R', tail, 0 },
				     { 0, NULL, 0 } };

	must(md && EVP_DigestSignInit(md, NULL, ca->md, NULL, ca->key) > 0 &&
		     EVP_DigestSign(md, sig, &sig_len, tbs, tbs_len) > 0,
	     "cannot sign");
	EVP_MD_CTX_free(md);
	vars[0].n = sig_len;
	n = compile(tail, t, F_OUTER_ALG, F_END, vars);
	all[1].n = n;
	return dertext(out, "30( $T $R )", all);
}

size_t certbuild(uint8_t *out, const struct certtext *t,
		 const struct test_ca *ca)
{
	struct dertext_var vars[] = {
		{ 'P', t->pub, sizeof(t->pub) },
		{ 'K', ca->key_id, sizeof(ca->key_id) },
		{ 'E', siv_oid_endpoint, siv_oid_endpoint_len },
		{ 'H', siv_oid_host, siv_oid_host_len },
		{ 0, NULL, 0 },
	};
	uint8_t tbs[DERTEXT_MAX];
	size_t n;

	n = compile(tbs, t, F_TBS_OPEN, F_TBS_CLOSE, vars);
	return certbuild_wrap(out, tbs, n, t, ca);
}

int openssl_accepts(const uint8_t *der, size_t n, const struct test_ca *ca)
{
	const uint8_t *p = der;
	X509 *x = d2i_X509(NULL, &p, (long)n);
	struct tm tm;
	int ok;

	if (!x)
		return 0;
	ok = p == der + n && X509_check_purpose(x, -1, 0) == 1 &&
	     !(X509_get_extension_flags(x) & EXFLAG_INVALID) &&
	     ASN1_TIME_to_tm(X509_get0_notBefore(x), &tm) &&
	     ASN1_TIME_to_tm(X509_get0_notAfter(x), &tm) &&
	     X509_get0_pubkey(x) && X509_verify(x, ca->key) == 1;
	X509_free(x);
	return ok;
}
