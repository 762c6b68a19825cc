// SPDX-License-Identifier: GPL-2.0-only
/*
 * A bundle is a certificate and a private key in RFC 8410's one form, or a certificate
 * alone; a public key has one form; and the proof of possession is what keys.rst says,
 * byte for byte.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/cert.h"
#include "dertext.h"

#define CERT "30( 020101 )"
#define KEY "30( 020100 30( 06032b656e ) 04( 04( 77*32 ) ) )"

static const struct {
	const char *name, *text;
	enum siv_reason want;
	size_t cert, key;
} bundles[] = {
	{ "both", CERT KEY, SIV_OK, 5, 32 },
	{ "certificate alone", CERT, SIV_OK, 5, 0 },
	{ "nothing", "", SIV_R_DER_TRUNCATED, 0, 0 },
	{ "key alone", KEY, SIV_OK, 48, 0 },
	{ "no SEQUENCE", "020101" KEY, SIV_R_DER_TAG, 0, 0 },
	{ "certificate cut", "3004 020101", SIV_R_DER_TRUNCATED, 0, 0 },
	{ "a byte between", CERT "00" KEY, SIV_R_DER_TAG, 0, 0 },
	{ "a byte after", CERT KEY "00", SIV_R_DER_TRAILING, 0, 0 },
	{ "a third part", CERT KEY KEY, SIV_R_DER_TRAILING, 0, 0 },
	{ "two certificates", CERT CERT, SIV_R_KEY_PKCS8, 0, 0 },
	{ "no SEQUENCE for a key", CERT "04( 77*32 )", SIV_R_DER_TAG, 0, 0 },
	{ "the key's 32 bytes bare", CERT "77*32", SIV_R_DER_TAG, 0, 0 },
	{ "key cut", CERT "302e 020100", SIV_R_DER_TRUNCATED, 0, 0 },
	{ "length of key not minimal",
	  CERT "30812e 020100 30( 06032b656e ) 04( 04( 77*32 ) )",
	  SIV_R_DER_LENGTH, 0, 0 },
	{ "version 1 with public key",
	  CERT "30( 020101 30( 06032b656e ) 04( 04( 77*32 ) ) 81( 00 77*32 ) )",
	  SIV_R_KEY_PKCS8, 0, 0 },
	{ "version 1", CERT "30( 020101 30( 06032b656e ) 04( 04( 77*32 ) ) )",
	  SIV_R_KEY_PKCS8, 0, 0 },
	{ "attributes",
	  CERT "30( 020100 30( 06032b656e ) 04( 04( 77*32 ) ) a0( ) )",
	  SIV_R_KEY_PKCS8, 0, 0 },
	{ "Ed25519", CERT "30( 020100 30( 06032b6570 ) 04( 04( 77*32 ) ) )",
	  SIV_R_KEY_PKCS8, 0, 0 },
	{ "with NULL",
	  CERT "30( 020100 30( 06032b656e 0500 ) 04( 04( 77*32 ) ) )",
	  SIV_R_KEY_PKCS8, 0, 0 },
	{ "key of 31", CERT "30( 020100 30( 06032b656e ) 04( 04( 77*31 ) ) )",
	  SIV_R_KEY_PKCS8, 0, 0 },
	{ "key of 33", CERT "30( 020100 30( 06032b656e ) 04( 04( 77*33 ) ) )",
	  SIV_R_KEY_PKCS8, 0, 0 },
	{ "key not wrapped twice",
	  CERT "30( 020100 30( 06032b656e ) 04( 77*34 ) )", SIV_R_KEY_PKCS8, 0,
	  0 },
};

static void bundles_are_split(void **state)
{
	uint8_t buf[DERTEXT_MAX], *p;
	struct siv_span cert, key;
	enum siv_reason r;
	size_t i, n;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bundles); i++) {
		n = dertext(buf, bundles[i].text, NULL);
		p = malloc(n ? n : 1);
		assert_non_null(p);
		memcpy(p, buf, n);
		r = siv_bundle_split((struct siv_span){ p, n }, &cert, &key);
		if (r != bundles[i].want)
			fail_msg("%s: %s", bundles[i].name, siv_reason_name(r));
		assert_int_equal(key.n, bundles[i].key);
		if (!r) {
			assert_ptr_equal(cert.p, p);
			assert_int_equal(cert.n, bundles[i].cert);
		}
		if (key.n)
			assert_ptr_equal(key.p + key.n, p + n);
		free(p);
	}
}

static void a_public_key_has_one_form(void **state)
{
	uint8_t pub[32], spki[SIV_SPKI_LEN + 1], back[32];
	struct siv_span s = { spki, SIV_SPKI_LEN };
	size_t i;

	(void)state;
	memset(pub, 0x33, sizeof(pub));
	siv_spki_put(spki, pub);
	assert_int_equal(siv_spki_get(s, back), SIV_OK);
	assert_memory_equal(pub, back, 32);
	for (i = 0; i < 12; i++) {
		spki[i] ^= 1;
		assert_int_equal(siv_spki_get(s, back), SIV_R_CERT_SPKI_ALG);
		spki[i] ^= 1;
	}
	s.n--;
	assert_int_equal(siv_spki_get(s, back), SIV_R_CERT_SPKI_ALG);
	s.n += 2;
	assert_int_equal(siv_spki_get(s, back), SIV_R_CERT_SPKI_ALG);
	s.n--;
	spki[43] |= 0x80;
	assert_int_equal(siv_spki_get(s, back), SIV_R_CERT_KEY_NOT_CANONICAL);
}

/* The keys of RFC 7748 6.1: the kernel's is Alice's, the challenge Bob's. */
#define RFC7748_ALICE \
	"8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"
#define RFC7748_BOB \
	"de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"
#define RFC7748_SHARED \
	"4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"
/* made with hmac of Python's library */
#define PROOF "9b470e61c1cc358711d2b7002e5e4660f1f07dcf74fb7accf7b9488acd4a48e2"

static void the_proof_is_as_written(void **state)
{
	uint8_t pub[DERTEXT_MAX], challenge[DERTEXT_MAX], z[DERTEXT_MAX];
	uint8_t want[DERTEXT_MAX], got[SIV_PROOF_LEN];

	(void)state;
	assert_int_equal(dertext(pub, RFC7748_ALICE, NULL), 32);
	assert_int_equal(dertext(challenge, RFC7748_BOB, NULL), 32);
	assert_int_equal(dertext(z, RFC7748_SHARED, NULL), 32);
	assert_int_equal(dertext(want, PROOF, NULL), 32);
	siv_key_proof(got, z, challenge, pub);
	assert_memory_equal(got, want, 32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bundles_are_split),
		cmocka_unit_test(a_public_key_has_one_form),
		cmocka_unit_test(the_proof_is_as_written),
	};

	return cmocka_run_group_tests_name("bundles and proofs", tests, NULL,
					   NULL);
}
