// SPDX-License-Identifier: GPL-2.0-only
/*
 * No change of a valid certificate is taken: not one that ends early, not one with
 * another byte; and what the profile takes of certificates that a CA signed after a
 * change, OpenSSL takes as well, and reads the same in them.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>
#include <openssl/x509v3.h>

#include "certbuild.h"
#include "core/cert.h"
#include "core/crypto_openssl.h"
#include "dertext.h"

enum {
	RESIGNED = 40000
};

static struct test_ca rsa, p256;
static struct siv_anchors *rsa_anchors, *p256_anchors;

static enum siv_reason judge(const uint8_t *der, size_t n,
			     const struct siv_anchors *a, struct siv_cert *c)
{
	enum siv_reason r;

	r = siv_cert_parse((struct siv_span){ der, n }, c);
	return r ? r : siv_cert_verify(c, a);
}

static void truncations_are_refused(void **state)
{
	uint8_t der[DERTEXT_MAX], *copy;
	struct certtext t;
	struct siv_cert c;
	size_t n, cut;

	(void)state;
	certtext_default(&t, ALG_RSA_SHA256);
	n = certbuild(der, &t, &rsa);
	assert_int_equal(judge(der, n, rsa_anchors, &c), SIV_OK);
	for (cut = 0; cut < n; cut++) {
		copy = malloc(cut ? cut : 1);
		assert_non_null(copy);
		memcpy(copy, der, cut);
		assert_int_equal(siv_cert_parse((struct siv_span){ copy, cut },
						&c),
				 SIV_R_DER_TRUNCATED);
		free(copy);
	}
}

/*
 * Truncations inside: the signed part ends early, all lengths around it are right, and
 * the CA signed it so.
 */
static void short_signed_parts_are_refused(void **state)
{
	uint8_t der[DERTEXT_MAX], body[DERTEXT_MAX], tbs[DERTEXT_MAX];
	struct dertext_var v[] = { { 'B', body, 0 }, { 0, NULL, 0 } };
	struct certtext t;
	struct siv_cert c;
	size_t n, len, cut;

	(void)state;
	certtext_default(&t, ALG_ECDSA_SHA256);
	n = certbuild(der, &t, &p256);
	assert_int_equal(judge(der, n, p256_anchors, &c), SIV_OK);
	/* without tag and length: 30 82 and two bytes */
	len = c.tbs.n - 4;
	memcpy(body, c.tbs.p + 4, len);
	for (cut = 0; cut < len; cut++) {
		v[0].n = cut;
		n = dertext(tbs, "30( $B )", v);
		n = certbuild_wrap(der, tbs, n, &t, &p256);
		assert_int_not_equal(siv_cert_parse((struct siv_span){ der, n },
						    &c),
				     SIV_OK);
	}
	v[0].n = len;
	n = dertext(tbs, "30( $B )", v);
	n = certbuild_wrap(der, tbs, n, &t, &p256);
	assert_int_equal(judge(der, n, p256_anchors, &c), SIV_OK);
}

/* Is the byte worth all 255 other values? In the signature each bit will do. */
static bool interesting(const struct siv_cert *whole, const uint8_t *at, int x)
{
	bool in_sig = at > whole->sig.p && at < whole->sig.p + whole->sig.n - 1;

	return !in_sig || !(x & (x - 1));
}

static void no_other_byte_is_taken(void **state)
{
	uint8_t der[DERTEXT_MAX];
	struct siv_cert whole, c;
	size_t i, n, parsed = 0;
	struct certtext t;
	int x;

	(void)state;
	certtext_default(&t, ALG_RSA_SHA256);
	n = certbuild(der, &t, &rsa);
	assert_int_equal(judge(der, n, rsa_anchors, &whole), SIV_OK);
	for (i = 0; i < n; i++) {
		for (x = 1; x < 256; x++) {
			if (!interesting(&whole, der + i, x))
				continue;
			der[i] ^= (uint8_t)x;
			if (!siv_cert_parse((struct siv_span){ der, n }, &c)) {
				parsed++;
				if (!siv_cert_verify(&c, rsa_anchors))
					fail_msg("byte %zu ^ %02x", i, x);
			}
			der[i] ^= (uint8_t)x;
		}
	}
	print_message("%zu of %zu bytes' mutations parsed, none verified\n",
		      parsed, n);
	assert_true(parsed > 1000);
}

/* What both read in a certificate is the same. */
static void same_reading(const struct siv_cert *c, const uint8_t *der, size_t n)
{
	X509 *x = d2i_X509(NULL, &der, (long)n);
	const ASN1_BIT_STRING *key;
	GENERAL_NAMES *san;
	GENERAL_NAME *name;
	struct tm tm;

	assert_non_null(x);
	key = X509_get0_pubkey_bitstr(x);
	assert_int_equal(ASN1_STRING_length(key), SIV_KEY_LEN);
	assert_memory_equal(ASN1_STRING_get0_data(key), c->pub, SIV_KEY_LEN);
	assert_true(ASN1_TIME_to_tm(X509_get0_notBefore(x), &tm));
	assert_true(timegm(&tm) == c->not_before);
	assert_true(ASN1_TIME_to_tm(X509_get0_notAfter(x), &tm));
	assert_true(timegm(&tm) == c->not_after);
	assert_int_equal(X509_get_version(x), X509_VERSION_3);
	assert_int_equal(X509_get_key_usage(x), KU_KEY_AGREEMENT);
	assert_int_equal(X509_check_ca(x), 0);
	san = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	assert_int_equal(sk_GENERAL_NAME_num(san), 1);
	name = sk_GENERAL_NAME_value(san, 0);
	assert_int_equal(name->type, GEN_URI);
	assert_int_equal(ASN1_STRING_length(name->d.ia5),
			 strlen(SIV_CERT_URI) + c->region.n +
				 (c->vm.n ? c->vm.n + c->service.n + 2 : 0));
	GENERAL_NAMES_free(san);
	X509_free(x);
}

/* A small generator of its own: the run is the same every time. */
static uint32_t rnd(void)
{
	static uint64_t s = 0x9e3779b97f4a7c15;

	s ^= s << 13;
	s ^= s >> 7;
	s ^= s << 17;
	return (uint32_t)(s >> 16);
}

/* One to three changes: a bit, a byte, a small number added, two bytes swapped. */
static void mutate(uint8_t *p, size_t n)
{
	uint32_t i = 1 + rnd() % 3;
	size_t a, b;
	uint8_t was;

	while (i--) {
		a = rnd() % n;
		b = rnd() % n;
		was = p[a];
		switch (rnd() % 4) {
		case 0:
			p[a] ^= (uint8_t)(1u << (rnd() % 8));
			break;
		case 1:
			p[a] = (uint8_t)rnd();
			break;
		case 2:
			p[a] = (uint8_t)(p[a] + rnd() % 5 - 2);
			break;
		default:
			p[a] = p[b];
			p[b] = was;
		}
	}
}

static void never_more_lenient_than_openssl(void **state)
{
	uint8_t der[DERTEXT_MAX], tbs[DERTEXT_MAX], trial[DERTEXT_MAX];
	size_t i, n, len, taken = 0;
	struct siv_cert good, c;
	struct certtext t;

	(void)state;
	certtext_default(&t, ALG_ECDSA_SHA256);
	/* names and dates of every kind */
	t.field[F_SUBJECT] = "30( 31( 30( 0603550406 13( 'DE' ) ) ) "
			     "31( 30( 060355040a 0c( 4dc3bce282ac6e ) ) ) )";
	t.field[F_VALIDITY] =
		VALIDITY(UTC("260101000000Z"), GENERAL("20520229000000Z"));
	n = certbuild(der, &t, &p256);
	assert_int_equal(judge(der, n, p256_anchors, &good), SIV_OK);
	len = good.tbs.n;
	for (i = 0; i < RESIGNED; i++) {
		memcpy(tbs, good.tbs.p, len);
		mutate(tbs, len);
		/* the signature matters only to what parses: sign nothing else */
		memcpy(trial, good.der.p, good.der.n);
		memcpy(trial + (good.tbs.p - good.der.p), tbs, len);
		if (siv_cert_parse((struct siv_span){ trial, good.der.n }, &c))
			continue;
		n = certbuild_wrap(trial, tbs, len, &t, &p256);
		if (judge(trial, n, p256_anchors, &c))
			continue;
		taken++;
		if (!openssl_accepts(trial, n, &p256))
			fail_msg("mutation %zu: OpenSSL refuses it", i);
		same_reading(&c, trial, n);
	}
	print_message("%d mutations, %zu taken by both\n", RESIGNED, taken);
	assert_true(taken > 100);
}

static struct siv_anchors *anchor(const struct test_ca *ca)
{
	struct siv_anchors *a;
	uint8_t *der = NULL;
	char err[256];
	int n;

	n = i2d_X509(ca->cert, &der);
	assert_true(n > 0);
	a = siv_anchors_from_der((struct siv_span){ der, (size_t)n }, err,
				 sizeof(err));
	if (!a)
		fail_msg("%s", err);
	OPENSSL_free(der);
	return a;
}

static int make_cas(void **state)
{
	(void)state;
	test_ca_make(&rsa, TEST_RSA);
	test_ca_make(&p256, TEST_P256);
	rsa_anchors = anchor(&rsa);
	p256_anchors = anchor(&p256);
	return 0;
}

static int free_cas(void **state)
{
	(void)state;
	test_ca_free(&rsa);
	test_ca_free(&p256);
	siv_anchors_free(rsa_anchors);
	siv_anchors_free(p256_anchors);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(truncations_are_refused),
		cmocka_unit_test(short_signed_parts_are_refused),
		cmocka_unit_test(no_other_byte_is_taken),
		cmocka_unit_test(never_more_lenient_than_openssl),
	};

	return cmocka_run_group_tests_name("certificate mutations", tests,
					   make_cas, free_cas);
}
