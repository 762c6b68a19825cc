// SPDX-License-Identifier: GPL-2.0-only
/*
 * crypto.c gives the answers of the specifications, from buffers anywhere in the
 * kernel, and refuses whatever was changed. (The vectors of Noise are another suite.)
 */
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "../core/wire.h"
#include "../crypto.h"
#include "suites.h"

#define TEXT_MAX (SIV_SEALED_MAX + SIV_TAG_LEN)

static const u16 suites[] = { SIV_SUITE_CHACHAPOLY, SIV_SUITE_AESGCM };

static struct siv_span span(const void *p, size_t n)
{
	return (struct siv_span){ .p = p, .n = n };
}

/* A transform that is ready for @suite, with the key 00 01 .. 1f. */
static struct siv_aead *transform(struct kunit *test, u16 suite)
{
	struct siv_aead *t = siv_aead_alloc(GFP_KERNEL);
	u8 key[SIV_KEY_LEN];
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, t);
	for (i = 0; i < sizeof(key); i++)
		key[i] = i;
	KUNIT_ASSERT_EQ(test, siv_aead_prepare(t, suite), 0);
	KUNIT_ASSERT_EQ(test, siv_aead_setkey(t, suite, key), SIV_OK);
	return t;
}

static void sha256_of_spans(struct kunit *test)
{
	static const u8 abc[] = { 0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf,
				  0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae,
				  0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96,
				  0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61,
				  0xf2, 0x00, 0x15, 0xad };
	const struct siv_span v[] = {
		{ NULL, 0 }, { "a", 1 }, { "", 0 }, { "bc", 2 }
	};
	u8 out[SIV_HASH_LEN];

	siv_sha256v(out, v, ARRAY_SIZE(v));
	KUNIT_EXPECT_EQ(test, memcmp(out, abc, sizeof(abc)), 0);
}

/* RFC 7748, sections 5.2 and 6.1. */
static void x25519_answers(struct kunit *test)
{
	static const u8 k[] = { 0xa5, 0x46, 0xe3, 0x6b, 0xf0, 0x52, 0x7c, 0x9d,
				0x3b, 0x16, 0x15, 0x4b, 0x82, 0x46, 0x5e, 0xdd,
				0x62, 0x14, 0x4c, 0x0a, 0xc1, 0xfc, 0x5a, 0x18,
				0x50, 0x6a, 0x22, 0x44, 0xba, 0x44, 0x9a, 0xc4 };
	static const u8 u[] = { 0xe6, 0xdb, 0x68, 0x67, 0x58, 0x30, 0x30, 0xdb,
				0x35, 0x94, 0xc1, 0xa4, 0x24, 0xb1, 0x5f, 0x7c,
				0x72, 0x66, 0x24, 0xec, 0x26, 0xb3, 0x35, 0x3b,
				0x10, 0xa9, 0x03, 0xa6, 0xd0, 0xab, 0x1c, 0x4c };
	static const u8 ku[] = {
		0xc3, 0xda, 0x55, 0x37, 0x9d, 0xe9, 0xc6, 0x90,
		0x8e, 0x94, 0xea, 0x4d, 0xf2, 0x8d, 0x08, 0x4f,
		0x32, 0xec, 0xcf, 0x03, 0x49, 0x1c, 0x71, 0xf7,
		0x54, 0xb4, 0x07, 0x55, 0x77, 0xa2, 0x85, 0x52
	};
	static const u8 alice[] = { 0x77, 0x07, 0x6d, 0x0a, 0x73, 0x18, 0xa5,
				    0x7d, 0x3c, 0x16, 0xc1, 0x72, 0x51, 0xb2,
				    0x66, 0x45, 0xdf, 0x4c, 0x2f, 0x87, 0xeb,
				    0xc0, 0x99, 0x2a, 0xb1, 0x77, 0xfb, 0xa5,
				    0x1d, 0xb9, 0x2c, 0x2a };
	static const u8 alice_pub[] = { 0x85, 0x20, 0xf0, 0x09, 0x89, 0x30,
					0xa7, 0x54, 0x74, 0x8b, 0x7d, 0xdc,
					0xb4, 0x3e, 0xf7, 0x5a, 0x0d, 0xbf,
					0x3a, 0x0d, 0x26, 0x38, 0x1a, 0xf4,
					0xeb, 0xa4, 0xa9, 0x8e, 0xaa, 0x9b,
					0x4e, 0x6a };
	struct siv_static s;
	u8 out[SIV_KEY_LEN];

	KUNIT_EXPECT_EQ(test, siv_x25519(out, k, u), SIV_OK);
	KUNIT_EXPECT_EQ(test, memcmp(out, ku, sizeof(ku)), 0);
	memcpy(s.priv, k, sizeof(k));
	KUNIT_EXPECT_EQ(test, siv_x25519_static(out, &s, u), SIV_OK);
	KUNIT_EXPECT_EQ(test, memcmp(out, ku, sizeof(ku)), 0);
	KUNIT_EXPECT_EQ(test, siv_x25519_base(out, alice), SIV_OK);
	KUNIT_EXPECT_EQ(test, memcmp(out, alice_pub, sizeof(alice_pub)), 0);
}

static void x25519_clamps(struct kunit *test)
{
	u8 a[SIV_KEY_LEN], b[SIV_KEY_LEN], pub_a[SIV_KEY_LEN],
		pub_b[SIV_KEY_LEN];

	memset(a, 0x5a, sizeof(a));
	memcpy(b, a, sizeof(b));
	b[0] ^= 7;
	b[31] ^= 0x80;
	KUNIT_EXPECT_EQ(test, siv_x25519_base(pub_a, a), SIV_OK);
	KUNIT_EXPECT_EQ(test, siv_x25519_base(pub_b, b), SIV_OK);
	KUNIT_EXPECT_EQ(test, memcmp(pub_a, pub_b, sizeof(pub_a)), 0);
	/* the zero key is a key after clamping */
	memset(a, 0, sizeof(a));
	KUNIT_EXPECT_EQ(test, siv_x25519_base(pub_a, a), SIV_OK);
}

/* Points of small order: the result is zero, and that is an error. */
static void x25519_refuses_zero(struct kunit *test)
{
	static const u8 order8[] = { 0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8,
				     0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f,
				     0xc4, 0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c,
				     0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16,
				     0x5f, 0x49, 0xb8, 0x00 };
	u8 priv[SIV_KEY_LEN], pub[SIV_KEY_LEN] = { 0 }, out[SIV_KEY_LEN];

	memset(priv, 0x42, sizeof(priv));
	memset(out, 1, sizeof(out));
	KUNIT_EXPECT_EQ(test, siv_x25519(out, priv, pub), SIV_R_DH_ZERO);
	KUNIT_EXPECT_NULL(test, memchr_inv(out, 0, sizeof(out)));
	pub[0] = 1;
	KUNIT_EXPECT_EQ(test, siv_x25519(out, priv, pub), SIV_R_DH_ZERO);
	KUNIT_EXPECT_EQ(test, siv_x25519(out, priv, order8), SIV_R_DH_ZERO);
}

/* Made by another implementation: key 00..1f, text 40..53, nonce 0x0102030405060708. */
static void aead_answers(struct kunit *test)
{
	static const u8 chacha[] = { 0xb0, 0x08, 0xef, 0xa7, 0xef, 0x7c,
				     0xac, 0x5f, 0x2c, 0xe2, 0x60, 0x87,
				     0x3f, 0x35, 0x2f, 0xf7, 0xb0, 0x57,
				     0xa0, 0x97, 0xa3, 0xcc, 0x29, 0xdc,
				     0xa6, 0x96, 0xcc, 0xca, 0xda, 0x7e,
				     0x12, 0xaa, 0x6c, 0xbf, 0xd5, 0x96 };
	static const u8 gcm[] = { 0x44, 0x10, 0x27, 0x4d, 0x99, 0xa4,
				  0x4f, 0xd9, 0x4b, 0xd6, 0xb7, 0xa4,
				  0x52, 0x2a, 0x77, 0xbf, 0x2a, 0xa8,
				  0x0e, 0x91, 0x71, 0xa1, 0x8f, 0xcf,
				  0x30, 0xac, 0x9a, 0x27, 0x31, 0x23,
				  0x61, 0xf1, 0xd5, 0xf6, 0x52, 0x92 };
	static const u8 *const answer[] = { chacha, gcm };
	u8 text[20], out[sizeof(text) + SIV_TAG_LEN];
	unsigned int i;

	for (i = 0; i < sizeof(text); i++)
		text[i] = 0x40 + i;
	for (i = 0; i < ARRAY_SIZE(suites); i++) {
		struct siv_aead *t = transform(test, suites[i]);

		KUNIT_EXPECT_EQ(test,
				siv_aead_seal(t, 0x0102030405060708ULL,
					      span("sivshmem", 8),
					      span(text, sizeof(text)), out),
				SIV_OK);
		KUNIT_EXPECT_EQ(test, memcmp(out, answer[i], sizeof(out)), 0);
		siv_aead_free(t);
	}
}

/* Seal and open @n bytes of @in to @out, which may be the same. */
static void round_trip(struct kunit *test, struct siv_aead *t, size_t n,
		       size_t ad_n, u8 *in, u8 *out, const u8 *want)
{
	static const u8 ad[64] = { 1, 2, 3 };
	enum siv_reason r;

	memcpy(in, want, n);
	r = siv_aead_seal(t, n, span(ad, ad_n), span(in, n), out);
	KUNIT_ASSERT_EQ(test, r, SIV_OK);
	if (n > 8)
		KUNIT_ASSERT_NE(test, memcmp(out, want, n), 0);
	if (in != out)
		memset(in, 0, n);
	r = siv_aead_open(t, n, span(ad, ad_n), span(out, n + SIV_TAG_LEN), in);
	KUNIT_ASSERT_EQ(test, r, SIV_OK);
	KUNIT_ASSERT_EQ(test, memcmp(in, want, n), 0);
}

static void aead_lengths_and_memory(struct kunit *test)
{
	static const size_t len[] = { 0,
				      1,
				      15,
				      16,
				      17,
				      63,
				      64,
				      65,
				      4095,
				      4096,
				      4097,
				      SIV_SEALED_MAX - 1,
				      SIV_SEALED_MAX };
	static const size_t ad[] = { 0, 8, 16, 32, 64 };
	u8 *want = kvmalloc(TEXT_MAX, GFP_KERNEL);
	u8 *km = kmalloc(TEXT_MAX, GFP_KERNEL);
	u8 *vm = vmalloc(TEXT_MAX + 24);
	unsigned int s, i;

	KUNIT_ASSERT_TRUE(test, want && km && vm);
	for (i = 0; i < TEXT_MAX; i++)
		want[i] = i * 37 + (i >> 8);
	for (s = 0; s < ARRAY_SIZE(suites); s++) {
		struct siv_aead *t = transform(test, suites[s]);

		for (i = 0; i < ARRAY_SIZE(len); i++) {
			size_t a = ad[i % ARRAY_SIZE(ad)];

			round_trip(test, t, len[i], a, km, km, want);
			round_trip(test, t, len[i], a, km, vm + i, want);
			round_trip(test, t, len[i], a, vm + i, km, want);
			round_trip(test, t, len[i], a, vm + i, vm + i, want);
		}
		siv_aead_free(t);
	}
	vfree(vm);
	kfree(km);
	kvfree(want);
}

static void aead_stack_and_constants(struct kunit *test)
{
	static const u8 zero[32];
	u8 sealed[32 + SIV_TAG_LEN], plain[32];
	unsigned int s;

	for (s = 0; s < ARRAY_SIZE(suites); s++) {
		struct siv_aead *t = transform(test, suites[s]);

		KUNIT_EXPECT_EQ(test,
				siv_aead_seal(t, U64_MAX, span(NULL, 0),
					      span(zero, 32), sealed),
				SIV_OK);
		KUNIT_EXPECT_EQ(test,
				siv_aead_open(t, U64_MAX, span(NULL, 0),
					      span(sealed, sizeof(sealed)),
					      plain),
				SIV_OK);
		KUNIT_EXPECT_EQ(test, memcmp(plain, zero, sizeof(zero)), 0);
		siv_aead_free(t);
	}
}

/* Each bit of @n bytes at @p flipped in turn: nothing may open, nothing may leak. */
static void flip_all(struct kunit *test, struct siv_aead *t, u8 *p, size_t n,
		     struct siv_span ad, struct siv_span sealed, u8 *plain)
{
	size_t i;

	for (i = 0; i < 8 * n; i++) {
		p[i / 8] ^= 1 << i % 8;
		memset(plain, 0, sealed.n - SIV_TAG_LEN);
		KUNIT_ASSERT_EQ(test, siv_aead_open(t, 5, ad, sealed, plain),
				SIV_R_TAG);
		KUNIT_ASSERT_NULL(test,
				  memchr_inv(plain, 0, sealed.n - SIV_TAG_LEN));
		p[i / 8] ^= 1 << i % 8;
	}
}

static void aead_refuses_changes(struct kunit *test)
{
	u8 *buf = kunit_kzalloc(test, 256, GFP_KERNEL);
	u8 *ad = buf, *sealed = buf + 64, *plain = buf + 160;
	struct siv_span ads = span(ad, 8);
	struct siv_span whole = span(sealed, 24 + SIV_TAG_LEN);
	enum siv_reason r;
	unsigned int s;

	KUNIT_ASSERT_NOT_NULL(test, buf);
	for (s = 0; s < ARRAY_SIZE(suites); s++) {
		struct siv_aead *t = transform(test, suites[s]);

		memset(plain, 0xaa, 24);
		r = siv_aead_seal(t, 5, ads, span(plain, 24), sealed);
		KUNIT_ASSERT_EQ(test, r, SIV_OK);
		r = siv_aead_open(t, 5, ads, whole, plain);
		KUNIT_EXPECT_EQ(test, r, SIV_OK);
		r = siv_aead_open(t, 6, ads, whole, plain);
		KUNIT_EXPECT_EQ(test, r, SIV_R_TAG);
		r = siv_aead_open(t, 5, span(ad, 7), whole, plain);
		KUNIT_EXPECT_EQ(test, r, SIV_R_TAG);
		r = siv_aead_open(t, 5, ads, span(sealed, 39), plain);
		KUNIT_EXPECT_EQ(test, r, SIV_R_TAG);
		r = siv_aead_open(t, 5, ads, span(sealed, 15), plain);
		KUNIT_EXPECT_EQ(test, r, SIV_R_TAG);
		r = siv_aead_open(t, 5, ads, span(sealed, 0), plain);
		KUNIT_EXPECT_EQ(test, r, SIV_R_TAG);
		flip_all(test, t, sealed, whole.n, ads, whole, plain);
		flip_all(test, t, ad, ads.n, ads, whole, plain);
		siv_aead_free(t);
	}
}

static void aead_states(struct kunit *test)
{
	struct siv_aead *t = siv_aead_alloc(GFP_KERNEL);
	u8 key[SIV_KEY_LEN] = { 9 }, buf[64] = { 0 };
	static const u8 ad[65];

	KUNIT_ASSERT_NOT_NULL(test, t);
	KUNIT_EXPECT_EQ(test,
			siv_aead_seal(t, 0, span(NULL, 0), span(buf, 8), buf),
			SIV_R_CRYPTO);
	KUNIT_EXPECT_EQ(test,
			siv_aead_open(t, 0, span(NULL, 0), span(buf, 24), buf),
			SIV_R_CRYPTO);
	KUNIT_EXPECT_EQ(test, siv_aead_setkey(t, SIV_SUITE_AESGCM, key),
			SIV_R_SUITE);
	KUNIT_EXPECT_EQ(test, siv_aead_setkey(t, 0, key), SIV_R_SUITE);
	KUNIT_EXPECT_EQ(test, siv_aead_setkey(t, 0x11, key), SIV_R_SUITE);
	KUNIT_EXPECT_EQ(test, siv_aead_prepare(t, 0x11), -EPROTONOSUPPORT);
	KUNIT_EXPECT_EQ(test, siv_aead_prepare(t, SIV_SUITE_AESGCM), 0);
	KUNIT_EXPECT_EQ(test, siv_aead_prepare(t, SIV_SUITE_AESGCM), 0);
	KUNIT_EXPECT_EQ(test, siv_aead_setkey(t, SIV_SUITE_AESGCM, key),
			SIV_OK);
	KUNIT_EXPECT_EQ(test,
			siv_aead_seal(t, 0, span(ad, 65), span(buf, 8), buf),
			SIV_R_CRYPTO);
	KUNIT_EXPECT_EQ(test,
			siv_aead_seal(t, 0, span(NULL, 0), span(buf, 8), buf),
			SIV_OK);
	/* another suite, another key, no key: what was sealed before opens no more */
	KUNIT_EXPECT_EQ(test, siv_aead_setkey(t, SIV_SUITE_CHACHAPOLY, key),
			SIV_OK);
	KUNIT_EXPECT_EQ(test,
			siv_aead_open(t, 0, span(NULL, 0), span(buf, 24), buf),
			SIV_R_TAG);
	siv_aead_clear(t);
	KUNIT_EXPECT_EQ(test,
			siv_aead_open(t, 0, span(NULL, 0), span(buf, 24), buf),
			SIV_R_CRYPTO);
	siv_aead_free(t);
	siv_aead_free(NULL);
}

static void compares(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, siv_equal("abc", "abc", 3));
	KUNIT_EXPECT_FALSE(test, siv_equal("abc", "abd", 3));
	KUNIT_EXPECT_TRUE(test, siv_equal("abc", "abd", 2));
	KUNIT_EXPECT_TRUE(test, siv_equal("a", "b", 0));
}

static struct kunit_case siv_crypto_cases[] = {
	KUNIT_CASE(sha256_of_spans),
	KUNIT_CASE(x25519_answers),
	KUNIT_CASE(x25519_clamps),
	KUNIT_CASE(x25519_refuses_zero),
	KUNIT_CASE(aead_answers),
	KUNIT_CASE(aead_lengths_and_memory),
	KUNIT_CASE(aead_stack_and_constants),
	KUNIT_CASE(aead_refuses_changes),
	KUNIT_CASE(aead_states),
	KUNIT_CASE(compares),
	{},
};

struct kunit_suite siv_crypto_suite = {
	.name = "siv_crypto",
	.test_cases = siv_crypto_cases,
};
