/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Certificates for tests: each field is DER written as text (dertext.h), and may be
 * replaced before all of it is signed by a CA made for the test.
 */
#ifndef TESTS_CERTBUILD_H
#define TESTS_CERTBUILD_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stddef.h>
#include <stdint.h>

enum field {
	F_NONE,
	F_TBS_OPEN,
	F_VERSION,
	F_SERIAL,
	F_ALG,
	F_ISSUER,
	F_VALIDITY,
	F_SUBJECT,
	F_SPKI,
	F_UNIQUE,
	F_EXTS_OPEN,
	F_KEY_USAGE,
	F_EKU,
	F_BASIC,
	F_AKID,
	F_SKID,
	F_SAN,
	F_MORE_EXTS,
	F_EXTS_CLOSE,
	F_TBS_CLOSE,
	F_OUTER_ALG, /* after the signed part */
	F_SIG,
	F_END,
	F_COUNT
};

enum test_alg {
	TEST_RSA,
	TEST_P256,
	TEST_P384,
	TEST_ALGS
};

struct test_ca {
	EVP_PKEY *key;
	const EVP_MD *md;
	X509 *cert;
	uint8_t key_id[20];
};

struct certtext {
	const char *field[F_COUNT];
	uint8_t pub[32];
};

/* The parts that cases are made of. */
#define CRITICAL "0101ff"
#define EXT(arc, critical, value) "30( 0603551d" arc critical "04(" value ") ) "
#define KEY_USAGE(value) EXT("0f", CRITICAL, value)
#define EKU(value) EXT("25", CRITICAL, value)
#define BASIC(value) EXT("13", "", value)
#define AKID(value) EXT("23", "", value)
#define SKID(value) EXT("0e", "", value)
#define SAN(value) EXT("11", "", value)
#define URI(text) SAN("30( 86( '" text "' ) )")
#define VALIDITY(from, to) "30( " from to " )"
#define UTC(text) "17( '" text "' ) "
#define GENERAL(text) "18( '" text "' ) "
#define ALG_RSA_SHA256 "30( 06092a864886f70d01010b 0500 )"
#define ALG_ECDSA_SHA256 "30( 06082a8648ce3d040302 )"
#define ALG_ECDSA_SHA384 "30( 06082a8648ce3d040303 )"
#define CN(string) "31( 30( 0603550403 " string ") )"

/* test_ca_make() - a CA named "Test CA"; ends the program if it cannot. */
void test_ca_make(struct test_ca *ca, enum test_alg alg);
void test_ca_free(struct test_ca *ca);

/* certtext_default() - a valid certificate of sivshmem://demo/alice/camera.front. */
void certtext_default(struct certtext *t, const char *alg);
/* certtext_host() - a valid host certificate of sivshmem://demo. */
void certtext_host(struct certtext *t, const char *alg);

/**
 * certbuild() - build and sign
 * @out: DERTEXT_MAX bytes
 * @t: its fields, as text
 * @ca: who signs
 *
 * The texts may use $P public key, $K the CA's key identifier, $E and $H our two OIDs,
 * $S (signature, in F_SIG only). Return: bytes in @out.
 */
size_t certbuild(uint8_t *out, const struct certtext *t,
		 const struct test_ca *ca);

/* certbuild_wrap() - the same for bytes of a signed part made by the caller. */
size_t certbuild_wrap(uint8_t *out, const uint8_t *tbs, size_t tbs_len,
		      const struct certtext *t, const struct test_ca *ca);

/**
 * openssl_accepts() - does OpenSSL parse all of it, extensions and dates too, and
 *		       verify the signature by this CA's key?
 * @der: the certificate
 * @n: bytes at @der
 * @ca: who is to have signed
 */
int openssl_accepts(const uint8_t *der, size_t n, const struct test_ca *ca);

#endif
