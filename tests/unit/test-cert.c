// SPDX-License-Identifier: GPL-2.0-only
/*
 * The certificate profile takes exactly what keys.rst allows: every case below is
 * signed by a true CA, differs from a valid certificate in one field, and is refused
 * with its own cause. What is taken, OpenSSL takes too.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "cert-cases.h"
#include "certbuild.h"
#include "core/cert.h"
#include "core/crypto_openssl.h"
#include "dertext.h"

static struct test_ca cas[TEST_ALGS];
static struct siv_anchors *anchors[TEST_ALGS];

/* Parse a copy in a block of its own size; what is parsed must lie inside it. */
static enum siv_reason judge(const uint8_t *der, size_t n, enum test_alg ca,
			     struct siv_cert *c)
{
	enum siv_reason r;
	uint8_t *copy = malloc(n);

	assert_non_null(copy);
	memcpy(copy, der, n);
	r = siv_cert_parse((struct siv_span){ copy, n }, c);
	if (!r) {
		assert_true(c->tbs.p > copy && c->sig.p + c->sig.n == copy + n);
		r = siv_cert_verify(c, anchors[ca]);
	}
	free(copy);
	return r;
}

static size_t walk(const struct edit *cases, size_t count)
{
	uint8_t der[DERTEXT_MAX];
	struct siv_cert c;
	enum siv_reason r;
	size_t i, n;

	for (i = 0; i < count; i++) {
		const struct edit *e = &cases[i];

		n = edit_build(der, e, &cas[e->ca]);
		r = judge(der, n, e->ca, &c);
		if (r != e->want)
			fail_msg("%s: %s, not %s", e->name, siv_reason_name(r),
				 siv_reason_name(e->want));
		if (!r && !openssl_accepts(der, n, &cas[e->ca]))
			fail_msg("%s: OpenSSL refuses it", e->name);
	}
	return count;
}

#define WALK(cases)                                                           \
	static void cases##_test(void **state)                                \
	{                                                                     \
		(void)state;                                                  \
		print_message("%zu cases\n", walk(cases, ARRAY_SIZE(cases))); \
	}

WALK(outer_cases)
WALK(field_cases)
WALK(key_cases)
WALK(usage_cases)
WALK(ext_cases)
WALK(san_cases)

static bool span_says(struct siv_span s, const char *text)
{
	return s.n == strlen(text) && !memcmp(s.p, text, s.n);
}

static void fields_are_told(void **state)
{
	uint8_t der[DERTEXT_MAX];
	struct certtext t;
	struct siv_cert c;
	uint8_t hash[32];
	size_t n;

	(void)state;
	certtext_default(&t, ALG_RSA_SHA256);
	n = certbuild(der, &t, &cas[TEST_RSA]);
	assert_int_equal(siv_cert_parse((struct siv_span){ der, n }, &c),
			 SIV_OK);
	assert_ptr_equal(c.der.p, der);
	assert_int_equal(c.der.n, n);
	assert_int_equal(c.role, SIV_CERT_ENDPOINT);
	assert_int_equal(c.sig_alg, SIV_SIG_RSA_SHA256);
	assert_true(span_says(c.region, "demo"));
	assert_true(span_says(c.vm, "alice"));
	assert_true(span_says(c.service, "camera.front"));
	assert_memory_equal(c.pub, t.pub, 32);
	assert_int_equal(c.akid.n, 20);
	assert_memory_equal(c.akid.p, cas[TEST_RSA].key_id, 20);
	assert_int_equal(c.skid.n, 20);
	assert_int_equal(c.serial.n, 16);
	assert_int_equal(c.serial.p[0], 0x5a);
	assert_int_equal(c.sig.n, 384);
	assert_true(c.not_before == 1767225600 && c.not_after == 1798761600);
	assert_int_equal(EVP_Digest(der, n, hash, NULL, EVP_sha256(), NULL), 1);
	assert_memory_equal(c.hash, hash, 32);

	certtext_host(&t, ALG_RSA_SHA256);
	n = certbuild(der, &t, &cas[TEST_RSA]);
	assert_int_equal(judge(der, n, TEST_RSA, &c), SIV_OK);
	assert_int_equal(c.role, SIV_CERT_HOST);
	assert_int_equal(c.region.n, 4);
	assert_int_equal(c.vm.n, 0);
	assert_int_equal(c.service.n, 0);
}

/* The bounds are inside, to the second, for both kinds of date. */
static void dates_are_exact(void **state)
{
	static const struct {
		const char *validity;
		int64_t first, last;
	} v[] = {
		{ VALIDITY(UTC("260101000000Z"), UTC("270101000000Z")),
		  1767225600, 1798761600 },
		{ VALIDITY(UTC("491231235959Z"), GENERAL("20500101000000Z")),
		  2524607999, 2524608000 },
		{ VALIDITY(UTC("500101000000Z"), GENERAL("99991231235959Z")),
		  -631152000, 253402300799 },
		{ VALIDITY(UTC("260101000000Z"), UTC("260101000000Z")),
		  1767225600, 1767225600 },
	};
	uint8_t der[DERTEXT_MAX];
	struct certtext t;
	struct siv_cert c;
	size_t i, n;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(v); i++) {
		certtext_default(&t, ALG_RSA_SHA256);
		t.field[F_VALIDITY] = v[i].validity;
		n = certbuild(der, &t, &cas[TEST_RSA]);
		assert_int_equal(judge(der, n, TEST_RSA, &c), SIV_OK);
		assert_int_equal(siv_cert_dates(&c, v[i].first - 1),
				 SIV_R_CERT_NOT_YET);
		assert_int_equal(siv_cert_dates(&c, v[i].first), SIV_OK);
		assert_int_equal(siv_cert_dates(&c, v[i].last), SIV_OK);
		assert_int_equal(siv_cert_dates(&c, v[i].last + 1),
				 SIV_R_CERT_EXPIRED);
	}
	/* an end before the beginning is never valid */
	t.field[F_VALIDITY] =
		VALIDITY(UTC("270101000000Z"), UTC("260101000000Z"));
	n = certbuild(der, &t, &cas[TEST_RSA]);
	assert_int_equal(judge(der, n, TEST_RSA, &c), SIV_OK);
	for (i = 0; i < 3; i++)
		assert_int_not_equal(
			siv_cert_dates(&c, 1767225600 + (int64_t)i * 15768000),
			SIV_OK);
}

#define S(text) ((struct siv_span){ (const uint8_t *)(text), strlen(text) })

static void names_are_compared(void **state)
{
	uint8_t der[DERTEXT_MAX];
	struct siv_span none = { NULL, 0 };
	struct certtext t;
	struct siv_cert c;
	size_t n;

	(void)state;
	certtext_default(&t, ALG_RSA_SHA256);
	n = certbuild(der, &t, &cas[TEST_RSA]);
	assert_int_equal(siv_cert_parse((struct siv_span){ der, n }, &c),
			 SIV_OK);
#define IS(role, region, vm, service) siv_cert_is(&c, role, region, vm, service)
	assert_int_equal(IS(SIV_CERT_ENDPOINT, S("demo"), S("alice"),
			    S("camera.front")),
			 SIV_OK);
	assert_int_equal(IS(SIV_CERT_ENDPOINT, S("demo"), none, none), SIV_OK);
	assert_int_equal(IS(SIV_CERT_HOST, S("demo"), none, none),
			 SIV_R_CERT_ROLE);
	assert_int_equal(IS(SIV_CERT_ENDPOINT, S("dem"), none, none),
			 SIV_R_CERT_REGION);
	assert_int_equal(IS(SIV_CERT_ENDPOINT, S("demo1"), none, none),
			 SIV_R_CERT_REGION);
	assert_int_equal(IS(SIV_CERT_ENDPOINT, none, none, none),
			 SIV_R_CERT_REGION);
	assert_int_equal(IS(SIV_CERT_ENDPOINT, S("demo"), S("bob"), none),
			 SIV_R_CERT_VM);
	assert_int_equal(IS(SIV_CERT_ENDPOINT, S("demo"), S("alic"), none),
			 SIV_R_CERT_VM);
	assert_int_equal(IS(SIV_CERT_ENDPOINT, S("demo"), S("alice"),
			    S("camera.fronT")),
			 SIV_R_CERT_SERVICE);
#undef IS
}

/* The anchor is found by its name and identifier, and its key decides. */
static void only_the_anchor_signs(void **state)
{
	uint8_t der[DERTEXT_MAX];
	struct test_ca other;
	struct certtext t;
	struct siv_cert c;
	size_t n;

	(void)state;
	certtext_default(&t, ALG_RSA_SHA256);
	n = certbuild(der, &t, &cas[TEST_RSA]);
	assert_int_equal(siv_cert_parse((struct siv_span){ der, n }, &c),
			 SIV_OK);
	assert_int_equal(siv_cert_verify(&c, NULL), SIV_R_NO_ANCHOR);

	/* another CA of the same name that claims the same identifier */
	test_ca_make(&other, TEST_RSA);
	memcpy(other.key_id, cas[TEST_RSA].key_id, sizeof(other.key_id));
	n = certbuild(der, &t, &other);
	assert_int_equal(judge(der, n, TEST_RSA, &c), SIV_R_SIGNATURE);
	test_ca_free(&other);

	/* a CA's signature under another algorithm's name */
	certtext_default(&t, ALG_ECDSA_SHA384);
	n = certbuild(der, &t, &cas[TEST_P256]);
	assert_int_equal(judge(der, n, TEST_P256, &c), SIV_R_SIGNATURE);
	certtext_default(&t, ALG_ECDSA_SHA256);
	t.field[F_AKID] = "";
	n = certbuild(der, &t, &cas[TEST_P256]);
	assert_int_not_equal(judge(der, n, TEST_RSA, &c), SIV_OK);
}

/* ECDSA values at their bounds (attacks D16). */
static void bad_ecdsa_values_are_refused(void **state)
{
	static const char *const sigs[] = {
		"03( 00 30( 020100 020101 ) )", /* r = 0 */
		"03( 00 30( 020101 020100 ) )", /* s = 0 */
		"03( 00 30( 020101 020101 ) )",
		"03( 00 30( 0201ff 020101 ) )", /* r = -1 */
		/* r = n */
		"03( 00 30( 0221 00 ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551 020101 ) )",
		"03( 00 30( 020101 0221 00 ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551 ) )",
		"03( 00 30( 020101 ) )",
		"03( 00 30( ) )",
		"03( 00 $S 00 )",
		"03( 00 31*70 )",
	};
	uint8_t der[DERTEXT_MAX];
	struct certtext t;
	struct siv_cert c;
	size_t i, n;

	(void)state;
	certtext_default(&t, ALG_ECDSA_SHA256);
	for (i = 0; i < ARRAY_SIZE(sigs); i++) {
		t.field[F_SIG] = sigs[i];
		n = certbuild(der, &t, &cas[TEST_P256]);
		assert_int_equal(judge(der, n, TEST_P256, &c), SIV_R_SIGNATURE);
	}
}

static int make_cas(void **state)
{
	char err[256];
	uint8_t *der;
	int alg, n;

	(void)state;
	for (alg = 0; alg < TEST_ALGS; alg++) {
		test_ca_make(&cas[alg], (enum test_alg)alg);
		der = NULL;
		n = i2d_X509(cas[alg].cert, &der);
		assert_true(n > 0);
		anchors[alg] = siv_anchors_from_der(
			(struct siv_span){ der, (size_t)n }, err, sizeof(err));
		if (!anchors[alg])
			fail_msg("%s", err);
		OPENSSL_free(der);
	}
	return 0;
}

static int free_cas(void **state)
{
	int alg;

	(void)state;
	for (alg = 0; alg < TEST_ALGS; alg++) {
		test_ca_free(&cas[alg]);
		siv_anchors_free(anchors[alg]);
	}
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(outer_cases_test),
		cmocka_unit_test(field_cases_test),
		cmocka_unit_test(key_cases_test),
		cmocka_unit_test(usage_cases_test),
		cmocka_unit_test(ext_cases_test),
		cmocka_unit_test(san_cases_test),
		cmocka_unit_test(fields_are_told),
		cmocka_unit_test(dates_are_exact),
		cmocka_unit_test(names_are_compared),
		cmocka_unit_test(only_the_anchor_signs),
		cmocka_unit_test(bad_ecdsa_values_are_refused),
	};

	return cmocka_run_group_tests_name("certificate profile", tests,
					   make_cas, free_cas);
}
