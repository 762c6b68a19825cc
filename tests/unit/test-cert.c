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

#include "certbuild.h"
#include "core/cert.h"
#include "core/crypto_openssl.h"
#include "dertext.h"

static struct test_ca cas[TEST_ALGS];
static struct siv_anchors *anchors[TEST_ALGS];

struct edit {
	const char *name;
	enum field field;
	const char *text;
	enum siv_reason want;
	enum test_alg ca;
};

#define NAME_63 \
	"a23456789.123456789.123456789.123456789.123456789.123456789.123"
#define NAME_64 NAME_63 "4"
#define SPKI_KEY(hex) "30( 30( 06032b656e ) 03( 00 " hex " ) )"

/* clang-format off */
static const struct edit outer_cases[] = {
	{ "valid", F_NONE, "", SIV_OK, 0 },
	{ "valid, P-256", F_NONE, "", SIV_OK, TEST_P256 },
	{ "valid, P-384", F_NONE, "", SIV_OK, TEST_P384 },
	{ "tbs is a SET", F_TBS_OPEN, "31(", SIV_R_DER_TAG, 0 },
	{ "tbs is primitive", F_TBS_OPEN, "10(", SIV_R_DER_TAG, 0 },
	{ "tbs ends early", F_TBS_CLOSE, ") 0500", SIV_R_DER_TAG, 0 },
	{ "no outer algorithm", F_OUTER_ALG, "", SIV_R_DER_TAG, 0 },
	{ "outer algorithm is ECDSA", F_OUTER_ALG, ALG_ECDSA_SHA256, SIV_R_CERT_SIG_ALG_DIFFERS, 0 },
	{ "outer algorithm is RSA, inner ECDSA", F_OUTER_ALG, ALG_RSA_SHA256, SIV_R_CERT_SIG_ALG_DIFFERS, TEST_P256 },
	{ "outer algorithm has another hash", F_OUTER_ALG, ALG_ECDSA_SHA384, SIV_R_CERT_SIG_ALG_DIFFERS, TEST_P256 },
	{ "outer algorithm lacks NULL", F_OUTER_ALG, "30( 06092a864886f70d01010b )", SIV_R_CERT_SIG_ALG, 0 },
	{ "outer algorithm is MD5", F_OUTER_ALG, "30( 06092a864886f70d010104 0500 )", SIV_R_CERT_SIG_ALG, 0 },
	{ "no signature", F_SIG, "", SIV_R_DER_TRUNCATED, 0 },
	{ "signature is an OCTET STRING", F_SIG, "04( 00 $S )", SIV_R_DER_TAG, 0 },
	{ "signature without unused-bits byte", F_SIG, "03( )", SIV_R_DER_VALUE, 0 },
	{ "signature empty", F_SIG, "03( 00 )", SIV_R_CERT_SIG_ALG, 0 },
	{ "signature with 1 unused bit", F_SIG, "03( 01 00*384 )", SIV_R_DER_VALUE, 0 },
	{ "signature with a set unused bit", F_SIG, "03( 01 ff*384 )", SIV_R_DER_VALUE, 0 },
	{ "signature with 8 unused bits", F_SIG, "03( 08 00*384 )", SIV_R_DER_VALUE, 0 },
	{ "signature of RSA-2048", F_SIG, "03( 00 11*256 )", SIV_R_CERT_SIG_ALG, 0 },
	{ "signature one byte short", F_SIG, "03( 00 11*383 )", SIV_R_CERT_SIG_ALG, 0 },
	{ "signature of RSA-8192", F_SIG, "03( 00 11*1024 )", SIV_R_CERT_SIG_ALG, 0 },
	{ "signature of P-521", F_SIG, "03( 00 11*139 )", SIV_R_CERT_SIG_ALG, TEST_P256 },
	{ "after the signature", F_END, "0500", SIV_R_DER_TRAILING, 0 },
	{ "a zero byte after the signature", F_END, "00", SIV_R_DER_TRAILING, 0 },
	{ "after the extensions", F_TBS_CLOSE, "0500 )", SIV_R_DER_TRAILING, 0 },
	{ "5 KiB", F_SUBJECT, "30(" CN("0c( 41*4096 )") ")", SIV_R_CERT_SIZE, 0 },
};

static const struct edit field_cases[] = {
	{ "v1, no version", F_VERSION, "", SIV_R_CERT_VERSION, 0 },
	{ "v1, written out", F_VERSION, "a0( 020100 )", SIV_R_CERT_VERSION, 0 },
	{ "v2", F_VERSION, "a0( 020101 )", SIV_R_CERT_VERSION, 0 },
	{ "v4", F_VERSION, "a0( 020103 )", SIV_R_CERT_VERSION, 0 },
	{ "version 258", F_VERSION, "a0( 02020102 )", SIV_R_CERT_VERSION, 0 },
	{ "version with a leading zero", F_VERSION, "a0( 02020002 )", SIV_R_CERT_VERSION, 0 },
	{ "version is empty", F_VERSION, "a0( 0200 )", SIV_R_CERT_VERSION, 0 },
	{ "version is no INTEGER", F_VERSION, "a0( 0a0102 )", SIV_R_DER_TAG, 0 },
	{ "version is implicit", F_VERSION, "80( 02 )", SIV_R_CERT_VERSION, 0 },
	{ "version twice", F_VERSION, "a0( 020102 020102 )", SIV_R_DER_TRAILING, 0 },
	{ "version box is empty", F_VERSION, "a0( )", SIV_R_DER_TRUNCATED, 0 },

	{ "serial 1", F_SERIAL, "020101", SIV_OK, 0 },
	{ "serial of 20 bytes", F_SERIAL, "02( 7f ff*19 )", SIV_OK, 0 },
	{ "serial with a sign byte", F_SERIAL, "02( 00 ff*16 )", SIV_OK, 0 },
	{ "serial 0", F_SERIAL, "020100", SIV_R_CERT_SERIAL, 0 },
	{ "serial -1", F_SERIAL, "0201ff", SIV_R_CERT_SERIAL, 0 },
	{ "serial -128 in 16 bytes", F_SERIAL, "02( 80 00*15 )", SIV_R_CERT_SERIAL, 0 },
	{ "serial of 21 bytes", F_SERIAL, "02( 7f ff*20 )", SIV_R_CERT_SERIAL, 0 },
	{ "serial of 20 bytes and a sign byte", F_SERIAL, "02( 00 ff*20 )", SIV_R_CERT_SERIAL, 0 },
	{ "serial with a needless zero", F_SERIAL, "02020001", SIV_R_DER_VALUE, 0 },
	{ "serial 0 in two bytes", F_SERIAL, "02020000", SIV_R_DER_VALUE, 0 },
	{ "serial empty", F_SERIAL, "0200", SIV_R_CERT_SERIAL, 0 },
	{ "serial missing", F_SERIAL, "", SIV_R_DER_TAG, 0 },
	{ "serial with a long length", F_SERIAL, "02810101", SIV_R_DER_LENGTH, 0 },

	{ "inner algorithm SHA-1", F_ALG, "30( 06092a864886f70d010105 0500 )", SIV_R_CERT_SIG_ALG, 0 },
	{ "inner algorithm MD5", F_ALG, "30( 06092a864886f70d010104 0500 )", SIV_R_CERT_SIG_ALG, 0 },
	{ "inner algorithm RSA-SHA512", F_ALG, "30( 06092a864886f70d01010d 0500 )", SIV_R_CERT_SIG_ALG, 0 },
	{ "inner algorithm RSA-PSS", F_ALG, "30( 06092a864886f70d01010a 30( ) )", SIV_R_CERT_SIG_ALG, 0 },
	{ "inner algorithm Ed25519", F_ALG, "30( 06032b6570 )", SIV_R_CERT_SIG_ALG, 0 },
	{ "inner algorithm ECDSA-SHA1", F_ALG, "30( 06072a8648ce3d0401 )", SIV_R_CERT_SIG_ALG, TEST_P256 },
	{ "inner algorithm RSA without NULL", F_ALG, "30( 06092a864886f70d01010b )", SIV_R_CERT_SIG_ALG, 0 },
	{ "inner algorithm RSA, long NULL", F_ALG, "30( 06092a864886f70d01010b 058100 )", SIV_R_CERT_SIG_ALG, 0 },
	{ "inner algorithm RSA, NULL twice", F_ALG, "30( 06092a864886f70d01010b 05000500 )", SIV_R_CERT_SIG_ALG, 0 },
	{ "inner algorithm ECDSA with NULL", F_ALG, "30( 06082a8648ce3d040302 0500 )", SIV_R_CERT_SIG_ALG, TEST_P256 },
	{ "inner algorithm empty", F_ALG, "30( )", SIV_R_CERT_SIG_ALG, 0 },
	{ "inner algorithm missing", F_ALG, "", SIV_R_CERT_SIG_ALG, 0 },

	{ "issuer empty", F_ISSUER, "30( )", SIV_R_NO_ANCHOR, 0 },
	{ "issuer of another CA", F_ISSUER, "30(" CN("0c( 'Other CA' )") ")", SIV_R_NO_ANCHOR, 0 },
	{ "issuer is a SET", F_ISSUER, "31( )", SIV_R_DER_TAG, 0 },
	{ "issuer with an empty SET", F_ISSUER, "30( 31( ) )", SIV_R_DER_TRUNCATED, 0 },
	{ "issuer attribute without value", F_ISSUER, "30( 31( 30( 0603550403 ) ) )", SIV_R_DER_TRUNCATED, 0 },
	{ "issuer attribute with two values", F_ISSUER, "30( 31( 30( 0603550403 0c00 0c00 ) ) )", SIV_R_DER_TRAILING, 0 },
	{ "issuer attribute of bits", F_ISSUER, "30(" CN("03( 00 41 )") ")", SIV_R_DER_TAG, 0 },
	{ "issuer attribute of BMPString", F_ISSUER, "30(" CN("1e( 0041 )") ")", SIV_R_DER_TAG, 0 },
	{ "issuer type with a cut arc", F_ISSUER, "30( 31( 30( 0603550484 0c( 'x' ) ) ) )", SIV_R_DER_VALUE, 0 },
	{ "issuer type with a padded arc", F_ISSUER, "30( 31( 30( 0604558003 04 0c( 'x' ) ) ) )", SIV_R_DER_VALUE, 0 },
	{ "issuer type empty", F_ISSUER, "30( 31( 30( 0600 0c( 'x' ) ) ) )", SIV_R_DER_VALUE, 0 },

	{ "subject empty", F_SUBJECT, "30( )", SIV_OK, 0 },
	{ "subject of three attributes", F_SUBJECT,
	  "30( 31( 30( 0603550406 13( 'DE' ) ) ) 31( 30( 060355040a 0c( 4dc3bc6e ) ) 30( 06032a0304 16( 'x' ) ) ) )", SIV_OK, 0 },
	{ "subject names another service", F_SUBJECT, "30(" CN("0c( 'lidar.rear' )") ")", SIV_OK, 0 },
	{ "subject missing", F_SUBJECT, "", SIV_R_DER_TAG, 0 },
	{ "subject in Latin-1, called UTF-8", F_SUBJECT, "30(" CN("0c( 4dfc6e )") ")", SIV_R_DER_VALUE, 0 },
	{ "subject in overlong UTF-8", F_SUBJECT, "30(" CN("0c( c080 )") ")", SIV_R_DER_VALUE, 0 },
	{ "subject in overlong UTF-8 of 3", F_SUBJECT, "30(" CN("0c( e08080 )") ")", SIV_R_DER_VALUE, 0 },
	{ "subject with a surrogate", F_SUBJECT, "30(" CN("0c( eda080 )") ")", SIV_R_DER_VALUE, 0 },
	{ "subject above U+10FFFF", F_SUBJECT, "30(" CN("0c( f4908080 )") ")", SIV_R_DER_VALUE, 0 },
	{ "subject with a cut character", F_SUBJECT, "30(" CN("0c( 41e282 )") ")", SIV_R_DER_VALUE, 0 },
	{ "subject with a lone continuation", F_SUBJECT, "30(" CN("0c( 82 )") ")", SIV_R_DER_VALUE, 0 },
	{ "subject of 8 bits, called IA5", F_SUBJECT, "30(" CN("16( 80 )") ")", SIV_R_DER_VALUE, 0 },

	{ "generalized dates", F_VALIDITY, VALIDITY(GENERAL("20500101000000Z"), GENERAL("99991231235959Z")), SIV_OK, 0 },
	{ "generalized before 2050", F_VALIDITY, VALIDITY(GENERAL("20260101000000Z"), UTC("270101000000Z")), SIV_R_CERT_TIME, 0 },
	{ "end generalized before 2050", F_VALIDITY, VALIDITY(UTC("260101000000Z"), GENERAL("20491231235959Z")), SIV_R_CERT_TIME, 0 },
	{ "date without seconds", F_VALIDITY, VALIDITY(UTC("2601010000Z"), UTC("270101000000Z")), SIV_R_CERT_TIME, 0 },
	{ "date with an offset", F_VALIDITY, VALIDITY(UTC("260101000000+0100"), UTC("270101000000Z")), SIV_R_CERT_TIME, 0 },
	{ "date of 30 February", F_VALIDITY, VALIDITY(UTC("260230000000Z"), UTC("270101000000Z")), SIV_R_CERT_TIME, 0 },
	{ "date of another type", F_VALIDITY, VALIDITY("0c( '260101000000Z' )", UTC("270101000000Z")), SIV_R_DER_TAG, 0 },
	{ "three dates", F_VALIDITY, VALIDITY(UTC("260101000000Z"), UTC("270101000000Z") UTC("280101000000Z")), SIV_R_DER_TRAILING, 0 },
	{ "one date", F_VALIDITY, VALIDITY(UTC("260101000000Z"), ""), SIV_R_DER_TRUNCATED, 0 },
	{ "no dates", F_VALIDITY, "", SIV_R_DER_TAG, 0 },
};

static const struct edit key_cases[] = {
	{ "key p - 1 with bit 255", F_SPKI, SPKI_KEY("ec ff*31"), SIV_R_CERT_KEY_NOT_CANONICAL, 0 },
	{ "key p - 1", F_SPKI, SPKI_KEY("ec ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff 7f"), SIV_OK, 0 },
	{ "key p", F_SPKI, SPKI_KEY("ed ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff 7f"), SIV_R_CERT_KEY_NOT_CANONICAL, 0 },
	{ "key p + 1", F_SPKI, SPKI_KEY("ee ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff 7f"), SIV_R_CERT_KEY_NOT_CANONICAL, 0 },
	{ "key 2^255 - 1", F_SPKI, SPKI_KEY("ff ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff 7f"), SIV_R_CERT_KEY_NOT_CANONICAL, 0 },
	{ "key 9 with bit 255", F_SPKI, SPKI_KEY("09 000000000000000000000000000000000000000000000000000000000000 80"), SIV_R_CERT_KEY_NOT_CANONICAL, 0 },
	{ "key all ones", F_SPKI, SPKI_KEY("ff*32"), SIV_R_CERT_KEY_NOT_CANONICAL, 0 },
	{ "key of 31 bytes", F_SPKI, SPKI_KEY("11*31"), SIV_R_CERT_SPKI_ALG, 0 },
	{ "key of 33 bytes", F_SPKI, SPKI_KEY("11*33"), SIV_R_CERT_SPKI_ALG, 0 },
	{ "key empty", F_SPKI, SPKI_KEY(""), SIV_R_CERT_SPKI_ALG, 0 },
	{ "key without unused-bits byte", F_SPKI, "30( 30( 06032b656e ) 03( ) )", SIV_R_DER_VALUE, 0 },
	{ "key with unused bits", F_SPKI, "30( 30( 06032b656e ) 03( 01 22*32 ) )", SIV_R_CERT_SPKI_ALG, 0 },
	{ "key with set unused bits", F_SPKI, "30( 30( 06032b656e ) 03( 01 33*32 ) )", SIV_R_DER_VALUE, 0 },
	{ "key in an OCTET STRING", F_SPKI, "30( 30( 06032b656e ) 04( 00 $P ) )", SIV_R_DER_TAG, 0 },
	{ "key constructed", F_SPKI, "30( 30( 06032b656e ) 23( 03( 00 $P ) ) )", SIV_R_DER_TAG, 0 },
	{ "X25519 with NULL", F_SPKI, "30( 30( 06032b656e 0500 ) 03( 00 $P ) )", SIV_R_CERT_SPKI_ALG, 0 },
	{ "Ed25519", F_SPKI, "30( 30( 06032b6570 ) 03( 00 $P ) )", SIV_R_CERT_SPKI_ALG, 0 },
	{ "X448", F_SPKI, "30( 30( 06032b656f ) 03( 00 11*56 ) )", SIV_R_CERT_SPKI_ALG, 0 },
	{ "P-256 key", F_SPKI, "30( 30( 06072a8648ce3d0201 06082a8648ce3d030107 ) 03( 00 04 11*64 ) )", SIV_R_CERT_SPKI_ALG, 0 },
	{ "key and more", F_SPKI, "30( 30( 06032b656e ) 03( 00 $P ) 0500 )", SIV_R_DER_TRAILING, 0 },
	{ "no key", F_SPKI, "", SIV_R_DER_TAG, 0 },
	{ "issuerUniqueID", F_UNIQUE, "81( 00 55 )", SIV_R_DER_TAG, 0 },
	{ "subjectUniqueID", F_UNIQUE, "82( 00 55 )", SIV_R_DER_TAG, 0 },
};

static const struct edit usage_cases[] = {
	{ "keyUsage missing", F_KEY_USAGE, "", SIV_R_CERT_EXT_MISSING, 0 },
	{ "keyUsage not critical", F_KEY_USAGE, EXT("0f", "", "03020308"), SIV_R_CERT_NOT_CRITICAL, 0 },
	{ "keyUsage critical FALSE", F_KEY_USAGE, EXT("0f", "010100", "03020308"), SIV_R_DER_VALUE, 0 },
	{ "keyUsage critical 1", F_KEY_USAGE, EXT("0f", "010101", "03020308"), SIV_R_DER_VALUE, 0 },
	{ "keyUsage critical of 2 bytes", F_KEY_USAGE, EXT("0f", "0102ffff", "03020308"), SIV_R_DER_VALUE, 0 },
	{ "keyUsage critical of 0 bytes", F_KEY_USAGE, EXT("0f", "0100", "03020308"), SIV_R_DER_VALUE, 0 },
	{ "keyUsage twice", F_MORE_EXTS, KEY_USAGE("03020308"), SIV_R_CERT_EXT_DUPLICATE, 0 },
	{ "keyUsage digitalSignature", F_KEY_USAGE, KEY_USAGE("03020780"), SIV_R_CERT_KEY_USAGE, 0 },
	{ "keyUsage keyAgreement, digitalSignature", F_KEY_USAGE, KEY_USAGE("03020388"), SIV_R_CERT_KEY_USAGE, 0 },
	{ "keyUsage keyAgreement, keyCertSign", F_KEY_USAGE, KEY_USAGE("0302020c"), SIV_R_CERT_KEY_USAGE, 0 },
	{ "keyUsage keyAgreement, encipherOnly", F_KEY_USAGE, KEY_USAGE("03020009"), SIV_R_CERT_KEY_USAGE, 0 },
	{ "keyUsage keyAgreement, decipherOnly", F_KEY_USAGE, KEY_USAGE("0303070880"), SIV_R_CERT_KEY_USAGE, 0 },
	{ "keyUsage empty", F_KEY_USAGE, KEY_USAGE("030100"), SIV_R_CERT_KEY_USAGE, 0 },
	{ "keyUsage with trailing zeros", F_KEY_USAGE, KEY_USAGE("03020008"), SIV_R_DER_VALUE, 0 },
	{ "keyUsage with a zero byte", F_KEY_USAGE, KEY_USAGE("0303000800"), SIV_R_DER_VALUE, 0 },
	{ "keyUsage with a set unused bit", F_KEY_USAGE, KEY_USAGE("0302030c"), SIV_R_DER_VALUE, 0 },
	{ "keyUsage with unused bits of nothing", F_KEY_USAGE, KEY_USAGE("030103"), SIV_R_DER_VALUE, 0 },
	{ "keyUsage as bytes", F_KEY_USAGE, KEY_USAGE("04020308"), SIV_R_DER_TAG, 0 },
	{ "keyUsage and more", F_KEY_USAGE, KEY_USAGE("03020308 00"), SIV_R_DER_TRAILING, 0 },
	{ "keyUsage value empty", F_KEY_USAGE, KEY_USAGE(""), SIV_R_DER_TRUNCATED, 0 },

	{ "EKU missing", F_EKU, "", SIV_R_CERT_EXT_MISSING, 0 },
	{ "EKU not critical", F_EKU, EXT("25", "", "30( 06( $E ) )"), SIV_R_CERT_NOT_CRITICAL, 0 },
	{ "EKU empty", F_EKU, EKU("30( )"), SIV_R_CERT_EKU, 0 },
	{ "EKU any", F_EKU, EKU("30( 0604551d2500 )"), SIV_R_CERT_EKU, 0 },
	{ "EKU TLS server", F_EKU, EKU("30( 06082b06010505070301 )"), SIV_R_CERT_EKU, 0 },
	{ "EKU endpoint and TLS server", F_EKU, EKU("30( 06( $E ) 06082b06010505070301 )"), SIV_R_CERT_EKU, 0 },
	{ "EKU endpoint and host", F_EKU, EKU("30( 06( $E ) 06( $H ) )"), SIV_R_CERT_EKU, 0 },
	{ "EKU endpoint twice", F_EKU, EKU("30( 06( $E ) 06( $E ) )"), SIV_R_CERT_EKU, 0 },
	{ "EKU endpoint and an arc", F_EKU, EKU("30( 06( $E 01 ) )"), SIV_R_CERT_EKU, 0 },
	{ "EKU endpoint in a SET", F_EKU, EKU("31( 06( $E ) )"), SIV_R_DER_TAG, 0 },
	{ "EKU bare", F_EKU, EKU("06( $E )"), SIV_R_DER_TAG, 0 },
	{ "EKU of text", F_EKU, EKU("30( 0c( $E ) )"), SIV_R_DER_TAG, 0 },
	{ "EKU and more", F_EKU, EKU("30( 06( $E ) ) 0500"), SIV_R_DER_TRAILING, 0 },
	{ "EKU twice", F_MORE_EXTS, EKU("30( 06( $H ) )"), SIV_R_CERT_EXT_DUPLICATE, 0 },
	{ "EKU host, name of an endpoint", F_EKU, EKU("30( 06( $H ) )"), SIV_R_CERT_ROLE, 0 },
	{ "EKU endpoint, name of a host", F_SAN, URI("sivshmem://demo"), SIV_R_CERT_ROLE, 0 },
};

static const struct edit ext_cases[] = {
	{ "basicConstraints absent", F_BASIC, "", SIV_OK, 0 },
	{ "basicConstraints critical", F_BASIC, EXT("13", CRITICAL, "30( )"), SIV_OK, 0 },
	{ "CA:TRUE", F_BASIC, BASIC("30( 0101ff )"), SIV_R_CERT_CA, 0 },
	{ "CA:TRUE, path length", F_BASIC, BASIC("30( 0101ff 020100 )"), SIV_R_CERT_CA, 0 },
	{ "CA:FALSE written out", F_BASIC, BASIC("30( 010100 )"), SIV_R_DER_VALUE, 0 },
	{ "CA:1", F_BASIC, BASIC("30( 010101 )"), SIV_R_DER_VALUE, 0 },
	{ "path length without CA", F_BASIC, BASIC("30( 020100 )"), SIV_R_CERT_CA, 0 },
	{ "basicConstraints value empty", F_BASIC, BASIC(""), SIV_R_DER_TRUNCATED, 0 },
	{ "basicConstraints and more", F_BASIC, BASIC("30( ) 0500"), SIV_R_DER_TRAILING, 0 },
	{ "basicConstraints twice", F_MORE_EXTS, BASIC("30( )"), SIV_R_CERT_EXT_DUPLICATE, 0 },

	{ "AKI absent", F_AKID, "", SIV_OK, 0 },
	{ "AKI of another key", F_AKID, AKID("30( 80( 77*20 ) )"), SIV_R_NO_ANCHOR, 0 },
	{ "AKI empty", F_AKID, AKID("30( )"), SIV_R_CERT_KEY_ID, 0 },
	{ "AKI of 0 bytes", F_AKID, AKID("30( 80( ) )"), SIV_R_CERT_KEY_ID, 0 },
	{ "AKI of 65 bytes", F_AKID, AKID("30( 80( 77*65 ) )"), SIV_R_CERT_KEY_ID, 0 },
	{ "AKI critical", F_AKID, EXT("23", CRITICAL, "30( 80( $K ) )"), SIV_R_CERT_KEY_ID, 0 },
	{ "AKI with a serial", F_AKID, AKID("30( 80( $K ) 82( 01 ) )"), SIV_R_CERT_KEY_ID, 0 },
	{ "AKI of issuer and serial", F_AKID, AKID("30( a1( a4( 30( ) ) ) 82( 01 ) )"), SIV_R_CERT_KEY_ID, 0 },
	{ "AKI value empty", F_AKID, AKID(""), SIV_R_DER_TRUNCATED, 0 },
	{ "AKI and more", F_AKID, AKID("30( 80( $K ) ) 0500"), SIV_R_DER_TRAILING, 0 },
	{ "AKI twice", F_MORE_EXTS, AKID("30( 80( $K ) )"), SIV_R_CERT_EXT_DUPLICATE, 0 },
	{ "SKI absent", F_SKID, "", SIV_OK, 0 },
	{ "SKI of 64 bytes", F_SKID, SKID("04( 11*64 )"), SIV_OK, 0 },
	{ "SKI of 65 bytes", F_SKID, SKID("04( 11*65 )"), SIV_R_CERT_KEY_ID, 0 },
	{ "SKI of 0 bytes", F_SKID, SKID("04( )"), SIV_R_CERT_KEY_ID, 0 },
	{ "SKI critical", F_SKID, EXT("0e", CRITICAL, "04( 11*20 )"), SIV_R_CERT_KEY_ID, 0 },
	{ "SKI of bits", F_SKID, SKID("03( 00 11*20 )"), SIV_R_DER_TAG, 0 },
	{ "SKI and more", F_SKID, SKID("04( 11*20 ) 0500"), SIV_R_DER_TRAILING, 0 },
	{ "SKI twice", F_MORE_EXTS, SKID("04( 11*20 )"), SIV_R_CERT_EXT_DUPLICATE, 0 },

	{ "unknown critical extension", F_MORE_EXTS, "30( 06032a0304 0101ff 04( 0500 ) )", SIV_R_CERT_EXT_UNKNOWN, 0 },
	{ "unknown extension", F_MORE_EXTS, "30( 06032a0304 04( 0500 ) )", SIV_R_CERT_EXT_UNKNOWN, 0 },
	{ "name constraints", F_MORE_EXTS, EXT("1e", CRITICAL, "30( )"), SIV_R_CERT_EXT_UNKNOWN, 0 },
	{ "certificate policies", F_MORE_EXTS, EXT("20", "", "30( 30( 0604551d2000 ) )"), SIV_R_CERT_EXT_UNKNOWN, 0 },
	{ "CRL distribution points", F_MORE_EXTS, EXT("1f", "", "30( )"), SIV_R_CERT_EXT_UNKNOWN, 0 },
	{ "authority information access", F_MORE_EXTS, "30( 06082b06010505070101 04( 30( ) ) )", SIV_R_CERT_EXT_UNKNOWN, 0 },
	{ "issuerAltName", F_MORE_EXTS, EXT("12", "", "30( )"), SIV_R_CERT_EXT_UNKNOWN, 0 },
	{ "netscape comment", F_MORE_EXTS, "30( 0609608648016f8420142a 04( 16( 'x' ) ) )", SIV_R_CERT_EXT_UNKNOWN, 0 },
	{ "an OID that begins as one of ours", F_MORE_EXTS, "30( 0604551d0f00 04( 0500 ) )", SIV_R_CERT_EXT_UNKNOWN, 0 },
	{ "an extension without value", F_MORE_EXTS, "30( 0603551d0e )", SIV_R_DER_TRUNCATED, 0 },
	{ "an extension that is empty", F_MORE_EXTS, "30( )", SIV_R_DER_TRUNCATED, 0 },
	{ "an extension with more", F_SKID, "30( 0603551d0e 04( 04( 11*20 ) ) 0500 )", SIV_R_DER_TRAILING, 0 },
	{ "an extension in a SET", F_SKID, "31( 0603551d0e 04( 04( 11*20 ) ) )", SIV_R_DER_TAG, 0 },
	{ "an extension's value as bits", F_SKID, "30( 0603551d0e 03( 00 04( 11*20 ) ) )", SIV_R_DER_TAG, 0 },
	{ "an empty extension first", F_EXTS_OPEN, "a3( 30( 3000", SIV_R_DER_TRUNCATED, 0 },
	{ "extensions under [4]", F_EXTS_OPEN, "a4( 30(", SIV_R_DER_TAG, 0 },
	{ "extensions implicit", F_EXTS_OPEN, "a3( 31(", SIV_R_DER_TAG, 0 },
	{ "extensions and more", F_EXTS_CLOSE, ") 0500 )", SIV_R_DER_TRAILING, 0 },
};

static const struct edit san_cases[] = {
	{ "SAN critical", F_SAN, EXT("11", CRITICAL, "30( 86( 'sivshmem://demo/alice/camera.front' ) )"), SIV_OK, 0 },
	{ "names of 63", F_SAN, URI("sivshmem://" NAME_63 "/" NAME_63 "/" NAME_63), SIV_OK, 0 },
	{ "names of one letter", F_SAN, URI("sivshmem://0/a/9"), SIV_OK, 0 },
	{ "names of every kind", F_SAN, URI("sivshmem://a_b/c.d-e/f--..__"), SIV_OK, 0 },
	{ "SAN missing", F_SAN, "", SIV_R_CERT_EXT_MISSING, 0 },
	{ "SAN twice", F_MORE_EXTS, URI("sivshmem://demo/bob/camera.front"), SIV_R_CERT_EXT_DUPLICATE, 0 },
	{ "SAN empty", F_SAN, SAN("30( )"), SIV_R_CERT_SAN, 0 },
	{ "SAN of a DNS name", F_SAN, SAN("30( 82( 'demo' ) )"), SIV_R_CERT_SAN, 0 },
	{ "SAN of an address", F_SAN, SAN("30( 87( 7f000001 ) )"), SIV_R_CERT_SAN, 0 },
	{ "SAN of a mail address", F_SAN, SAN("30( 81( 'a@b' ) )"), SIV_R_CERT_SAN, 0 },
	{ "SAN of another name", F_SAN, SAN("30( a0( 06032a0304 a0( 0c( 'x' ) ) ) )"), SIV_R_CERT_SAN, 0 },
	{ "SAN of two URIs", F_SAN, SAN("30( 86( 'sivshmem://demo/alice/camera.front' ) 86( 'sivshmem://demo/bob/x' ) )"), SIV_R_CERT_SAN, 0 },
	{ "SAN of a URI and a DNS name", F_SAN, SAN("30( 86( 'sivshmem://demo/alice/camera.front' ) 82( 'demo' ) )"), SIV_R_CERT_SAN, 0 },
	{ "SAN of a DNS name and a URI", F_SAN, SAN("30( 82( 'demo' ) 86( 'sivshmem://demo/alice/camera.front' ) )"), SIV_R_CERT_SAN, 0 },
	{ "SAN constructed", F_SAN, SAN("30( a6( 16( 'sivshmem://demo/alice/camera.front' ) ) )"), SIV_R_CERT_SAN, 0 },
	{ "SAN bare", F_SAN, SAN("86( 'sivshmem://demo/alice/camera.front' )"), SIV_R_DER_TAG, 0 },
	{ "SAN and more", F_SAN, SAN("30( 86( 'sivshmem://demo/alice/camera.front' ) ) 00"), SIV_R_DER_TRAILING, 0 },
	{ "URI of https", F_SAN, URI("https://demo/alice/camera.front"), SIV_R_CERT_SAN_NAME, 0 },
	{ "URI in capitals", F_SAN, URI("SIVSHMEM://demo/alice/camera.front"), SIV_R_CERT_SAN_NAME, 0 },
	{ "URI with one slash", F_SAN, URI("sivshmem:/demo/alice/camera.front"), SIV_R_CERT_SAN_NAME, 0 },
	{ "URI with three slashes", F_SAN, URI("sivshmem:///demo/alice/camera.front"), SIV_R_CERT_SAN_NAME, 0 },
	{ "URI without scheme", F_SAN, URI("demo/alice/camera.front"), SIV_R_CERT_SAN_NAME, 0 },
	{ "URI empty", F_SAN, URI(""), SIV_R_CERT_SAN_NAME, 0 },
	{ "URI of the scheme alone", F_SAN, URI("sivshmem://"), SIV_R_CERT_SAN_NAME, 0 },
	{ "URI of two names", F_SAN, URI("sivshmem://demo/alice"), SIV_R_CERT_SAN_NAME, 0 },
	{ "URI of four names", F_SAN, URI("sivshmem://demo/alice/camera/front"), SIV_R_CERT_SAN_NAME, 0 },
	{ "URI with a slash after", F_SAN, URI("sivshmem://demo/alice/camera.front/"), SIV_R_CERT_SAN_NAME, 0 },
	{ "URI of a region and a slash", F_SAN, URI("sivshmem://demo/"), SIV_R_CERT_SAN_NAME, 0 },
	{ "URI of two names and a slash", F_SAN, URI("sivshmem://demo/alice/"), SIV_R_CERT_SAN_NAME, 0 },
	{ "URI with an empty VM", F_SAN, URI("sivshmem://demo//camera.front"), SIV_R_CERT_SAN_NAME, 0 },
	{ "URI with capitals", F_SAN, URI("sivshmem://demo/Alice/camera.front"), SIV_R_CERT_SAN_NAME, 0 },
	{ "URI with a port", F_SAN, URI("sivshmem://demo:1/alice/camera.front"), SIV_R_CERT_SAN_NAME, 0 },
	{ "URI with a user", F_SAN, URI("sivshmem://root@demo/alice/camera.front"), SIV_R_CERT_SAN_NAME, 0 },
	{ "URI with a query", F_SAN, URI("sivshmem://demo/alice/camera.front?x"), SIV_R_CERT_SAN_NAME, 0 },
	{ "URI with an escape", F_SAN, URI("sivshmem://demo/alice/camera%2efront"), SIV_R_CERT_SAN_NAME, 0 },
	{ "URI with a blank", F_SAN, URI("sivshmem://demo/alice/camera front"), SIV_R_CERT_SAN_NAME, 0 },
	{ "URI with a newline", F_SAN, SAN("30( 86( 'sivshmem://demo/alice/camera' 0a ) )"), SIV_R_CERT_SAN_NAME, 0 },
	{ "URI with NUL inside", F_SAN, SAN("30( 86( 'sivshmem://demo/alice/camera.front' 00 '.x' ) )"), SIV_R_CERT_SAN_NAME, 0 },
	{ "URI with NUL at its end", F_SAN, SAN("30( 86( 'sivshmem://demo/alice/camera.front' 00 ) )"), SIV_R_CERT_SAN_NAME, 0 },
	{ "URI with NUL in the region", F_SAN, SAN("30( 86( 'sivshmem://demo' 00 '/alice/camera.front' ) )"), SIV_R_CERT_SAN_NAME, 0 },
	{ "URI of 8 bits", F_SAN, SAN("30( 86( 'sivshmem://demo/al' ef '/camera.front' ) )"), SIV_R_CERT_SAN_NAME, 0 },
	{ "URI in UTF-8", F_SAN, SAN("30( 86( 'sivshmem://demo/al' c3ad '/camera.front' ) )"), SIV_R_CERT_SAN_NAME, 0 },
	{ "name begins with a dot", F_SAN, URI("sivshmem://demo/alice/.camera"), SIV_R_CERT_SAN_NAME, 0 },
	{ "the reserved VM", F_SAN, URI("sivshmem://demo/.host/camera.front"), SIV_R_CERT_SAN_NAME, 0 },
	{ "name begins with a dash", F_SAN, URI("sivshmem://demo/-alice/camera"), SIV_R_CERT_SAN_NAME, 0 },
	{ "region of 64", F_SAN, URI("sivshmem://" NAME_64 "/alice/camera"), SIV_R_CERT_SAN_NAME, 0 },
	{ "VM of 64", F_SAN, URI("sivshmem://demo/" NAME_64 "/camera"), SIV_R_CERT_SAN_NAME, 0 },
	{ "service of 64", F_SAN, URI("sivshmem://demo/alice/" NAME_64), SIV_R_CERT_SAN_NAME, 0 },
};
/* clang-format on */

static const char *const algs[TEST_ALGS] = { ALG_RSA_SHA256, ALG_ECDSA_SHA256,
					     ALG_ECDSA_SHA384 };

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
	struct certtext t;
	struct siv_cert c;
	enum siv_reason r;
	size_t i, n;

	for (i = 0; i < count; i++) {
		const struct edit *e = &cases[i];

		certtext_default(&t, algs[e->ca]);
		t.field[e->field] = e->text;
		if (e->field == F_ALG)
			t.field[F_OUTER_ALG] = e->text;
		n = certbuild(der, &t, &cas[e->ca]);
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
