// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claim: HMAC and HKDF are those of RFC 4231 and RFC 5869, over spans however they are
 * cut; Noise's HKDF is RFC 5869's with an empty info; outputs may overlap inputs; no
 * key or output is left on the stack.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/kdf.h"
#include "stackscan.h"

static struct siv_span span(const void *p, size_t n)
{
	return (struct siv_span){ p, n };
}

static size_t unhex(u8 *out, const char *hex)
{
	size_t n = strlen(hex) / 2;
	size_t i;

	for (i = 0; i < n; i++) {
		char byte[3] = { hex[2 * i], hex[2 * i + 1], 0 };

		out[i] = (u8)strtoul(byte, NULL, 16);
	}
	return n;
}

/* RFC 4231, section 4; number 5 is about truncation. */
static const struct {
	const char *key;
	const char *data;
	const char *mac;
} rfc4231[] = {
	{ "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
	  "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
	{ "4a656665",
	  "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
	  "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
	{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	  "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
	  "dddddddddddddddddddddddddddddddddddd",
	  "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe" },
	{ "0102030405060708090a0b0c0d0e0f10111213141516171819",
	  "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"
	  "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",
	  "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b" },
};

/* Numbers 6 and 7: a key of 131 bytes, longer than a block. */
static const struct {
	const char *data;
	const char *mac;
} rfc4231_long[] = {
	{ "Test Using Larger Than Block-Size Key - Hash Key First",
	  "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
	{ "This is a test using a larger than block-size key and a larger than "
	  "block-size data. The key needs to be hashed before being used by the HMAC "
	  "algorithm.",
	  "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2" },
};

static void test_hmac(void **state)
{
	u8 key[64], data[64], want[32], mac[32];
	struct siv_span v;
	size_t i, n;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rfc4231); i++) {
		v = span(data, unhex(data, rfc4231[i].data));
		n = unhex(key, rfc4231[i].key);
		unhex(want, rfc4231[i].mac);
		siv_hmac(mac, span(key, n), &v, 1);
		assert_memory_equal(mac, want, sizeof(mac));
	}
}

static void test_hmac_long_key(void **state)
{
	u8 key[131], want[32], mac[32];
	struct siv_span v;
	size_t i;

	(void)state;
	memset(key, 0xaa, sizeof(key));
	for (i = 0; i < ARRAY_SIZE(rfc4231_long); i++) {
		v = span(rfc4231_long[i].data, strlen(rfc4231_long[i].data));
		unhex(want, rfc4231_long[i].mac);
		siv_hmac(mac, span(key, sizeof(key)), &v, 1);
		assert_memory_equal(mac, want, sizeof(mac));
	}
}

/* The cut between spans does not matter, and empty ones are nothing. */
static void test_hmac_spans(void **state)
{
	u8 data[21], whole[32], parts[32];
	struct siv_span v[7];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(data); i++)
		data[i] = (u8)i;
	v[0] = span(data, sizeof(data));
	siv_hmac(whole, span("key", 3), v, 1);
	for (i = 0; i < 7; i++)
		v[i] = span(data + 3 * i, 3);
	siv_hmac(parts, span("key", 3), v, 7);
	assert_memory_equal(whole, parts, sizeof(whole));

	v[0] = span(NULL, 0);
	v[1] = span(data, sizeof(data));
	v[2] = span(NULL, 0);
	siv_hmac(parts, span("key", 3), v, 3);
	assert_memory_equal(whole, parts, sizeof(whole));
}

/* More spans than are allowed give zeros, not a MAC over fewer. */
static void test_too_many_spans(void **state)
{
	struct siv_span v[8];
	u8 zero[32] = { 0 };
	u8 mac[32];
	size_t i;

	(void)state;
	for (i = 0; i < 8; i++)
		v[i] = span("x", 1);
	memset(mac, 0xff, sizeof(mac));
	siv_hmac(mac, span("key", 3), v, 8);
	assert_memory_equal(mac, zero, sizeof(mac));
	memset(mac, 0xff, sizeof(mac));
	siv_hkdf_expand(mac, zero, v, 7);
	assert_memory_equal(mac, zero, sizeof(mac));
}

/* RFC 5869, appendix A.1 to A.3: PRK, and the first block of OKM. */
static const struct {
	const char *ikm, *salt, *info, *prk, *okm;
} rfc5869[] = {
	{ "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
	  "000102030405060708090a0b0c", "f0f1f2f3f4f5f6f7f8f9",
	  "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
	  "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf" },
	{ "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
	  "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"
	  "404142434445464748494a4b4c4d4e4f",
	  "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f"
	  "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"
	  "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
	  "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecf"
	  "d0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeef"
	  "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
	  "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
	  "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c" },
	{ "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
	  "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
	  "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d" },
};

static void test_hkdf(void **state)
{
	u8 ikm[80], salt[80], info[80], want[32], prk[32], okm[32];
	struct siv_span v[3];
	size_t i, n;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rfc5869); i++) {
		n = unhex(ikm, rfc5869[i].ikm);
		siv_hkdf_extract(prk, span(salt, unhex(salt, rfc5869[i].salt)),
				 span(ikm, n));
		unhex(want, rfc5869[i].prk);
		assert_memory_equal(prk, want, sizeof(prk));

		n = unhex(info, rfc5869[i].info);
		v[0] = span(info, n / 2);
		v[1] = span(info + n / 2, n - n / 2);
		siv_hkdf_expand(okm, prk, v, 2);
		unhex(want, rfc5869[i].okm);
		assert_memory_equal(okm, want, sizeof(okm));
	}
}

/* RFC 5869 A.3 has empty salt and info and two blocks: Noise's outputs 1 and 2. */
static void test_noise_hkdf(void **state)
{
	u8 ck[32] = { 0 };
	u8 ikm[22], o1[32], o2[32], o3[32], want[42];
	size_t n;

	(void)state;
	n = unhex(ikm, rfc5869[2].ikm);
	unhex(want,
	      "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
	      "9d201395faa4b61a96c8");
	siv_noise_hkdf(ck, span(ikm, n), o1, o2, NULL);
	assert_memory_equal(o1, want, 32);
	assert_memory_equal(o2, want + 32, 10);

	siv_noise_hkdf(ck, span(ikm, n), o1, o2, o3);
	assert_memory_equal(o1, want, 32);
	assert_memory_equal(o2, want + 32, 10);
	assert_memory_not_equal(o3, o2, 32);
}

static void test_overlap(void **state)
{
	u8 ck[32], k[32], o1[32], o2[32], o3[32], ikm[32];

	(void)state;
	memset(ck, 0x11, sizeof(ck));
	memset(k, 0x22, sizeof(k));
	memcpy(ikm, k, sizeof(ikm));
	siv_noise_hkdf(ck, span(ikm, 32), o1, o2, o3);
	siv_noise_hkdf(ck, span(k, 32), ck, k, ikm);
	assert_memory_equal(ck, o1, 32);
	assert_memory_equal(k, o2, 32);
	assert_memory_equal(ikm, o3, 32);
}

struct kdf_call {
	u8 ck[32], ikm[32], o[3][32], prk[32], okm[32], mac[32];
};

static void kdf_call(void *arg)
{
	struct kdf_call *c = arg;
	struct siv_span v = span(c->ikm, 32);

	siv_hmac(c->mac, span(c->ck, 32), &v, 1);
	siv_hkdf_extract(c->prk, span(c->ck, 32), span(c->ikm, 32));
	siv_hkdf_expand(c->okm, c->prk, &v, 1);
	siv_noise_hkdf(c->ck, span(c->ikm, 32), c->o[0], c->o[1], c->o[2]);
}

static void hmac_call(void *arg)
{
	struct kdf_call *c = arg;
	struct siv_span v = span(c->ikm, 32);

	siv_hmac(c->mac, span(c->ck, 32), &v, 1);
}

static void test_stack(void **state)
{
	struct kdf_call c = { .ck = "a chaining key, 32 bytes long...",
			      .ikm = "and keying material, 32 bytes..." };
	u8 secrets[12][32];
	size_t i;

	(void)state;
	kdf_call(&c);
	memcpy(secrets[0], c.ck, 32);
	memcpy(secrets[1], c.ikm, 32);
	memcpy(secrets[2], c.o, 96);
	memcpy(secrets[5], c.prk, 32);
	memcpy(secrets[6], c.okm, 32);
	memcpy(secrets[7], c.mac, 32);
	/* the padded keys of HMAC are as good as the key */
	for (i = 0; i < 32; i++) {
		secrets[8][i] = c.ck[i] ^ 0x36;
		secrets[9][i] = c.ck[i] ^ 0x5c;
		/* and SHA-256's state is its digest in other words */
		secrets[10][i] = c.mac[i ^ 3];
		secrets[11][i] = c.o[2][i ^ 3];
	}
	assert_int_equal(stackscan(kdf_call, &c, secrets, 12), -1);
	assert_int_equal(stackscan(hmac_call, &c, secrets, 12), -1);
	/* the control: what is left is found */
	assert_int_equal(stackscan(stackscan_leave, c.o[1], secrets, 12), 3);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hmac),
		cmocka_unit_test(test_hmac_long_key),
		cmocka_unit_test(test_hmac_spans),
		cmocka_unit_test(test_too_many_spans),
		cmocka_unit_test(test_hkdf),
		cmocka_unit_test(test_noise_hkdf),
		cmocka_unit_test(test_overlap),
		cmocka_unit_test(test_stack),
	};

	return cmocka_run_group_tests_name("kdf", tests, NULL, NULL);
}
