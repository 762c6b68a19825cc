// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claim: a CRL is believed if one of our CAs has signed it and it is read whole, and then
 * exactly the serial numbers in it are revoked; what a person types is found whatever way
 * it is written; a signature is remembered only after it was verified.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "pki.h"
#include "sivshmemd/certs.h"
#include "sivshmemd/crl.h"
#include "sivshmemd/denied.h"
#include "sivshmemd/map.h"

static struct siv_anchors *anchors;
static u8 *ca_der;

static int setup(void **state)
{
	char err[256];
	int len = i2d_X509(pki_ca()->cert, &ca_der);

	(void)state;
	anchors = siv_anchors_from_der((struct siv_span){ ca_der, (size_t)len },
				       err, sizeof(err));
	assert_non_null(anchors);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	siv_anchors_free(anchors);
	OPENSSL_free(ca_der);
	return 0;
}

/* A list by the CA's name and @key, revoking @count serials; in PEM. */
static char *make_crl(EVP_PKEY *key, const u32 *serials, size_t count,
		      long number, long next)
{
	ASN1_INTEGER *n = ASN1_INTEGER_new();
	ASN1_TIME *t = X509_gmtime_adj(NULL, -60);
	X509_CRL *list = X509_CRL_new();
	char *pem = NULL;
	size_t i, len;
	FILE *f = open_memstream(&pem, &len);

	X509_CRL_set_version(list, 1);
	X509_CRL_set_issuer_name(list, X509_get_subject_name(pki_ca()->cert));
	X509_CRL_set1_lastUpdate(list, t);
	for (i = 0; i < count; i++) {
		X509_REVOKED *r = X509_REVOKED_new();

		ASN1_INTEGER_set(n, (long)serials[i]);
		X509_REVOKED_set_serialNumber(r, n);
		X509_REVOKED_set_revocationDate(r, t);
		X509_CRL_add0_revoked(list, r);
	}
	ASN1_INTEGER_set(n, number);
	X509_CRL_add1_ext_i2d(list, NID_crl_number, n, 0, 0);
	X509_gmtime_adj(t, next);
	X509_CRL_set1_nextUpdate(list, t);
	assert_true(X509_CRL_sign(list, key, EVP_sha256()) > 0);
	assert_int_equal(PEM_write_X509_CRL(f, list), 1);
	fclose(f);
	ASN1_INTEGER_free(n);
	ASN1_TIME_free(t);
	X509_CRL_free(list);
	return pem;
}

static struct crl *parse(const char *text, size_t len, char err[256])
{
	return crl_parse((struct siv_span){ (const u8 *)text, len }, anchors,
			 err, 256);
}

static bool revoked(const struct crl *c, u32 serial)
{
	const unsigned char *name;
	size_t len;
	u8 b[5] = { 0, (u8)(serial >> 24), (u8)(serial >> 16),
		    (u8)(serial >> 8), (u8)serial };
	size_t skip = 0;

	assert_int_equal(
		X509_NAME_get0_der(X509_get_subject_name(pki_ca()->cert), &name,
				   &len),
		1);
	/* as DER has it: minimal, with a zero byte before a set top bit */
	while (skip < 4 && !b[skip] && !(b[skip + 1] & 0x80))
		skip++;
	return crl_has(c, (struct siv_span){ name, len },
		       (struct siv_span){ b + skip, 5 - skip });
}

static void test_crl(void **state)
{
	static const u32 serials[] = { 7, 0x8000, 0x123456, 9, 200 };
	char err[256], *pem = make_crl(pki_ca()->key, serials, 5, 42, 3600);
	struct crl *c = parse(pem, strlen(pem), err);
	size_t i;

	(void)state;
	if (!c)
		fail_msg("%s", err);
	for (i = 0; i < ARRAY_SIZE(serials); i++)
		assert_true(revoked(c, serials[i]));
	assert_false(revoked(c, 8));
	assert_false(revoked(c, 0x80));
	assert_false(revoked(c, 0x1234));
	/* the same number by another issuer is another certificate */
	assert_false(crl_has(c, (struct siv_span){ (const u8 *)"x", 1 },
			     (struct siv_span){ (const u8 *)"\7", 1 }));
	assert_int_equal(crl_number(c), 42);
	assert_int_equal(crl_count(c), 5);
	assert_false(crl_stale(c, time(NULL)));
	assert_true(crl_stale(c, time(NULL) + 7200));
	crl_free(c);
	free(pem);
	assert_false(revoked(NULL, 7));
	assert_int_equal(crl_number(NULL), 0);
}

static void test_crl_lists(void **state)
{
	static const u32 one[] = { 1 }, two[] = { 2 };
	char *a = make_crl(pki_ca()->key, one, 1, 5, 3600);
	char *b = make_crl(pki_ca()->key, two, 1, 4, -30);
	char err[256], *both;
	struct crl *c;

	(void)state;
	both = malloc(strlen(a) + strlen(b) + 1);
	strcpy(both, a);
	strcat(both, b);
	c = parse(both, strlen(both), err);
	assert_non_null(c);
	assert_true(revoked(c, 1) && revoked(c, 2) && !revoked(c, 3));
	assert_int_equal(crl_number(c), 5);
	/* one of them is stale; what it revokes stays revoked */
	assert_true(crl_stale(c, time(NULL)));
	crl_free(c);
	free(both);
	free(a);
	free(b);
}

static void test_crl_refused(void **state)
{
	static const u32 serials[] = { 7 };
	EVP_PKEY *other = EVP_EC_gen("P-256");
	char err[256], *good = make_crl(pki_ca()->key, serials, 1, 1, 3600);
	char *forged = make_crl(other, serials, 1, 1, 3600), *cut;
	size_t i, len = strlen(good);

	(void)state;
	assert_null(parse(forged, strlen(forged), err));
	assert_null(parse("", 0, err));
	assert_null(parse("nonsense", 8, err));
	assert_null(parse("\x30\x03\x02\x01\x01", 5, err));
	assert_null(parse(
		"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n", 54,
		err));
	/* a file that was cut short does not revoke less: it is refused */
	for (i = 1; i < len - 1; i += 7)
		assert_null(parse(good, i, err));
	cut = malloc(2 * len + strlen(forged));
	memcpy(cut, good, len);
	memcpy(cut + len, good, len / 2);
	assert_null(parse(cut, len + len / 2, err));
	/* one good list does not vouch for the other */
	memcpy(cut + len, forged, strlen(forged));
	assert_null(parse(cut, len + strlen(forged), err));
	free(cut);
	free(good);
	free(forged);
	EVP_PKEY_free(other);
}

static void test_serials(void **state)
{
	static const struct {
		const char *in, *out;
	} good[] = {
		{ "5a01", "5a01" },	{ "0x5A01", "5a01" },
		{ "00:5A:01", "5a01" }, { "0", "0" },
		{ "000", "0" },		{ "0a", "a" },
		{ "A0", "a0" },		{ "00a0", "a0" },
	};
	static const char *const bad[] = { "",	 "0x", "5g",	"-1",
					   " 5", ":",  "5a01\n" };
	char text[64];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(good); i++) {
		assert_true(serial_normal(good[i].in, text, sizeof(text)));
		assert_string_equal(text, good[i].out);
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(serial_normal(bad[i], text, sizeof(text)));
	assert_false(serial_normal("1111111111111111", text, 8));
	serial_text((struct siv_span){ (const u8 *)"\x00\x8a\x01", 3 }, text,
		    sizeof(text));
	assert_string_equal(text, "8a01");
	serial_text((struct siv_span){ (const u8 *)"\x0a", 1 }, text,
		    sizeof(text));
	assert_string_equal(text, "a");
}

static void test_denied(void **state)
{
	struct denied *d = denied_new();
	struct pki_party p;
	char serial[64], value[32];
	enum denied_kind kind;
	int i;

	(void)state;
	pki_party(&p, "x", "cabin", "cam", "front");
	serial_text(p.cert.serial, serial, sizeof(serial));
	assert_false(denied_has(d, &p.cert));
	assert_int_equal(denied_add(d, DENIED_IDENTITY, "cabin/cam/fron"), 0);
	assert_int_equal(denied_add(d, DENIED_VM, "ca"), 0);
	assert_int_equal(denied_add(d, DENIED_SERIAL, "1"), 0);
	assert_false(denied_has(d, &p.cert));
	assert_int_equal(denied_add(d, DENIED_SERIAL, serial), 0);
	assert_int_equal(denied_add(d, DENIED_SERIAL, serial), -EEXIST);
	assert_true(denied_has(d, &p.cert));
	assert_int_equal(denied_lift(d, DENIED_VM, serial), -ENOENT);
	assert_int_equal(denied_lift(d, DENIED_SERIAL, serial), 0);
	assert_false(denied_has(d, &p.cert));
	assert_int_equal(denied_add(d, DENIED_VM, "cam"), 0);
	assert_true(denied_has(d, &p.cert));
	assert_int_equal(denied_lift(d, DENIED_VM, "cam"), 0);
	assert_int_equal(denied_add(d, DENIED_IDENTITY, "cabin/cam/front"), 0);
	assert_true(denied_has(d, &p.cert));
	for (i = 0; denied_at(d, (size_t)i, &kind); i++)
		;
	assert_int_equal(i, 4);
	for (i = 0; i < 2000; i++) {
		snprintf(value, sizeof(value), "vm%d", i);
		if (denied_add(d, DENIED_VM, value))
			break;
	}
	assert_int_equal(i, 1024 - 4);
	denied_free(d);
	pki_party_free(&p);
}

static void test_certs(void **state)
{
	struct certs *c = certs_new();
	struct pki_party p;
	struct siv_cert bad;

	(void)state;
	pki_party(&p, "x", "cabin", "cam", "front");
	assert_int_equal(certs_verify(c, &p.cert, NULL), SIV_R_NO_ANCHOR);
	assert_int_equal(certs_verify(c, &p.cert, anchors), SIV_OK);
	/* remembered: the anchors are not asked again, until they change */
	assert_int_equal(certs_verify(c, &p.cert, NULL), SIV_OK);
	certs_clear(c);
	assert_int_equal(certs_verify(c, &p.cert, NULL), SIV_R_NO_ANCHOR);
	bad = p.cert;
	bad.tbs.n--;
	bad.hash[0] ^= 1;
	assert_int_equal(certs_verify(c, &bad, anchors), SIV_R_SIGNATURE);
	assert_int_equal(certs_verify(c, &bad, anchors), SIV_R_SIGNATURE);
	certs_free(c);
	pki_party_free(&p);
}

static void test_map(void **state)
{
	static u8 there[5000];
	struct map m = { 0 };
	u32 i, at, n, seed = 7;

	(void)state;
	for (i = 0; i < 200000; i++) {
		u64 key;

		seed = seed * 1664525 + 1013904223;
		key = 1 + (seed >> 8) % (sizeof(there) - 1);
		if (seed & 1) {
			assert_true(map_put(&m, key, &there[key]));
			there[key] = 1;
		} else {
			map_del(&m, key);
			there[key] = 0;
		}
		key = 1 + (seed >> 16) % (sizeof(there) - 1);
		assert_true(map_get(&m, key) ==
			    (there[key] ? &there[key] : NULL));
	}
	for (i = 1, n = 0; i < sizeof(there); i++)
		n += there[i];
	for (at = 0, i = 0; map_next(&m, &at); i++)
		;
	assert_true(i == n && m.count == n);
	assert_null(map_get(&m, 0));
	map_free(&m);
	assert_null(map_get(&m, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_crl),
		cmocka_unit_test(test_crl_lists),
		cmocka_unit_test(test_crl_refused),
		cmocka_unit_test(test_serials),
		cmocka_unit_test(test_denied),
		cmocka_unit_test(test_certs),
		cmocka_unit_test(test_map),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
