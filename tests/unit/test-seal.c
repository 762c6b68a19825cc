// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claim: no position is sealed twice, none is opened twice; the key changes where the
 * position passes a multiple of 2^36, one way, and ends at 2^63; a record opens only at
 * its position, in its direction, under its header, unchanged. No key is left on the stack.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/crypto_openssl.h"
#include "core/kdf.h"
#include "core/ring.h"
#include "core/seal.h"
#include "stackscan.h"

static const u8 r0[SIV_KEY_LEN] = "thirty-two bytes: the first R[0]";
static const u8 r1[SIV_KEY_LEN] = "thirty-two bytes: the first R[1]";
static const u16 suites[] = { SIV_SUITE_CHACHAPOLY, SIV_SUITE_AESGCM };

/* A producer and a consumer of one direction. */
struct pair {
	struct siv_aead *tx_t, *rx_t;
	struct siv_seal tx, rx;
};

static void pair_open(struct pair *p, u16 suite)
{
	p->tx_t = siv_aead_alloc();
	p->rx_t = siv_aead_alloc();
	assert_non_null(p->tx_t);
	assert_non_null(p->rx_t);
	assert_int_equal(siv_seal_init(&p->tx, p->tx_t, suite, r0), SIV_OK);
	assert_int_equal(siv_seal_init(&p->rx, p->rx_t, suite, r0), SIV_OK);
}

static void pair_close(struct pair *p)
{
	siv_seal_wipe(&p->tx);
	siv_seal_wipe(&p->rx);
	siv_aead_free(p->tx_t);
	siv_aead_free(p->rx_t);
}

static struct siv_span span(const void *p, size_t n)
{
	return (struct siv_span){ p, n };
}

static void header(u8 hdr[8], size_t plain)
{
	siv_put_le64(hdr, plain + SIV_TAG_LEN);
}

/* Seal @n bytes of pattern at @pos. */
static enum siv_reason put(struct siv_seal *s, u64 pos, size_t n, u8 *out)
{
	u8 plain[256], hdr[8];

	memset(plain, (int)n, sizeof(plain));
	header(hdr, n);
	return siv_seal_record(s, pos, hdr, span(plain, n), out);
}

static enum siv_reason get(struct siv_seal *s, u64 pos, size_t n,
			   const u8 *sealed)
{
	u8 plain[256], want[256], hdr[8];
	enum siv_reason r;

	header(hdr, n);
	memset(plain, 0xee, sizeof(plain));
	r = siv_seal_open(s, pos, hdr, span(sealed, n + SIV_TAG_LEN), plain);
	memset(want, r ? 0 : (int)n, sizeof(want));
	if (r == SIV_OK || r == SIV_R_TAG)
		assert_memory_equal(plain, want, n);
	return r;
}

static void test_stream(void **state)
{
	u8 out[256];
	struct pair p;
	size_t s, n;
	u64 pos;

	(void)state;
	for (s = 0; s < ARRAY_SIZE(suites); s++) {
		pair_open(&p, suites[s]);
		pos = 0;
		for (n = 1; n < 200; n++) {
			assert_int_equal(put(&p.tx, pos, n, out), SIV_OK);
			assert_int_equal(get(&p.rx, pos, n, out), SIV_OK);
			pos += siv_ring_need(n + SIV_TAG_LEN);
			assert_true(p.tx.next == pos);
		}
		pair_close(&p);
	}
}

/* The largest record that a ring may hold sealed, in place. */
static void test_large(void **state)
{
	size_t n = 65536;
	u8 *buf = malloc(n + SIV_TAG_LEN);
	struct pair p;
	u8 hdr[8];
	size_t s, i;

	(void)state;
	assert_non_null(buf);
	header(hdr, n);
	for (s = 0; s < ARRAY_SIZE(suites); s++) {
		pair_open(&p, suites[s]);
		memset(buf, 0x5a, n);
		assert_int_equal(siv_seal_record(&p.tx, 0, hdr, span(buf, n),
						 buf),
				 SIV_OK);
		assert_int_equal(siv_seal_open(&p.rx, 0, hdr,
					       span(buf, n + SIV_TAG_LEN), buf),
				 SIV_OK);
		for (i = 0; i < n; i++)
			assert_int_equal(buf[i], 0x5a);
		pair_close(&p);
	}
	free(buf);
}

static void test_reuse(void **state)
{
	u8 a[64], b[64];
	struct pair p;

	(void)state;
	pair_open(&p, SIV_SUITE_CHACHAPOLY);
	assert_int_equal(put(&p.tx, 0, 16, a), SIV_OK); /* takes 8 + 32 */
	memset(b, 0, sizeof(b));
	assert_int_equal(put(&p.tx, 0, 16, b), SIV_R_STATE);
	assert_int_equal(put(&p.tx, 8, 16, b), SIV_R_STATE);
	assert_int_equal(put(&p.tx, 39, 16, b), SIV_R_STATE);
	assert_int_equal(b[0], 0); /* nothing was written */
	assert_int_equal(put(&p.tx, 40, 16, b), SIV_OK);
	assert_memory_not_equal(a, b, 16);

	assert_int_equal(get(&p.rx, 0, 16, a), SIV_OK);
	assert_int_equal(get(&p.rx, 0, 16, a), SIV_R_STATE);
	assert_int_equal(get(&p.rx, 40, 16, b), SIV_OK);
	assert_int_equal(get(&p.rx, 40, 16, b), SIV_R_STATE);
	pair_close(&p);
}

/* A failed open uses the position up as well: one forgery attempt. */
static void test_forgery_once(void **state)
{
	u8 a[64];
	struct pair p;

	(void)state;
	pair_open(&p, SIV_SUITE_AESGCM);
	assert_int_equal(put(&p.tx, 0, 16, a), SIV_OK);
	a[3] ^= 1;
	assert_int_equal(get(&p.rx, 0, 16, a), SIV_R_TAG);
	a[3] ^= 1;
	assert_int_equal(get(&p.rx, 0, 16, a), SIV_R_STATE);
	pair_close(&p);
}

/* Every single bit of record and header; then another position. */
static void test_changes(void **state)
{
	u8 a[48], plain[48], hdr[8];
	struct siv_seal saved;
	struct pair p;
	size_t s, i;

	(void)state;
	for (s = 0; s < ARRAY_SIZE(suites); s++) {
		pair_open(&p, suites[s]);
		saved = p.rx;
		assert_int_equal(put(&p.tx, 0, 32, a), SIV_OK);
		for (i = 0; i < 8 * sizeof(a); i++) {
			p.rx = saved;
			a[i / 8] ^= (u8)(1 << i % 8);
			assert_int_equal(get(&p.rx, 0, 32, a), SIV_R_TAG);
			a[i / 8] ^= (u8)(1 << i % 8);
		}
		for (i = 0; i < 64; i++) {
			p.rx = saved;
			header(hdr, 32);
			hdr[i / 8] ^= (u8)(1 << i % 8);
			assert_int_equal(siv_seal_open(&p.rx, 0, hdr,
						       span(a, sizeof(a)),
						       plain),
					 SIV_R_TAG);
		}
		for (i = 1; i < 64; i++) {
			p.rx = saved;
			assert_int_equal(get(&p.rx, i, 32, a), SIV_R_TAG);
		}
		for (i = 0; i < 48; i++) {
			p.rx = saved;
			header(hdr, 32);
			assert_int_equal(siv_seal_open(&p.rx, 0, hdr,
						       span(a, i), plain),
					 SIV_R_TAG);
		}
		p.rx = saved;
		assert_int_equal(get(&p.rx, 0, 32, a), SIV_OK);
		pair_close(&p);
	}
}

/* A record of one direction, pasted into the other at the same position. */
static void test_directions(void **state)
{
	struct siv_aead *t = siv_aead_alloc();
	struct siv_seal other;
	struct pair p;
	u8 a[64];

	(void)state;
	assert_non_null(t);
	pair_open(&p, SIV_SUITE_CHACHAPOLY);
	assert_int_equal(siv_seal_init(&other, t, SIV_SUITE_CHACHAPOLY, r1),
			 SIV_OK);
	assert_int_equal(put(&p.tx, 0, 16, a), SIV_OK);
	assert_int_equal(get(&other, 0, 16, a), SIV_R_TAG);
	siv_seal_wipe(&other);
	/* and the other suite */
	assert_int_equal(siv_seal_init(&other, t, SIV_SUITE_AESGCM, r0),
			 SIV_OK);
	assert_int_equal(get(&other, 0, 16, a), SIV_R_TAG);
	siv_seal_wipe(&other);
	siv_aead_free(t);
	pair_close(&p);
}

#define KEY_BYTES ((u64)1 << SIV_SEAL_KEY_SHIFT)

static void test_rekey(void **state)
{
	u8 before[64], across[64], after[64], r_next[SIV_KEY_LEN];
	struct siv_span info = { (const u8 *)"sivshmem1 next", 15 };
	struct siv_seal late;
	struct pair p;

	(void)state;
	pair_open(&p, SIV_SUITE_CHACHAPOLY);
	late = p.rx;
	siv_hkdf_expand(r_next, r0, &info, 1);

	/* the last record that starts under the first key ends under the second */
	assert_int_equal(put(&p.tx, KEY_BYTES - 48, 16, before), SIV_OK);
	assert_int_equal(put(&p.tx, KEY_BYTES - 8, 16, across), SIV_OK);
	assert_int_equal(p.tx.index, 0);
	assert_memory_equal(p.tx.r, r0, sizeof(r0));
	assert_int_equal(put(&p.tx, KEY_BYTES + 32, 16, after), SIV_OK);
	assert_int_equal(p.tx.index, 1);
	assert_memory_equal(p.tx.r, r_next, sizeof(r_next)); /* R[0] is gone */

	assert_int_equal(get(&p.rx, KEY_BYTES - 48, 16, before), SIV_OK);
	assert_int_equal(get(&p.rx, KEY_BYTES - 8, 16, across), SIV_OK);
	assert_int_equal(get(&p.rx, KEY_BYTES + 32, 16, after), SIV_OK);

	/* the second key does not open what the first sealed */
	p.rx = late;
	assert_int_equal(siv_seal_init(&p.rx, p.rx_t, SIV_SUITE_CHACHAPOLY, r0),
			 SIV_OK);
	assert_int_equal(get(&p.rx, KEY_BYTES, 16, before), SIV_R_TAG);
	pair_close(&p);
}

/* A ring advances by less than a key: a leap is an error, not many derivations. */
static void test_leap(void **state)
{
	u8 a[64];
	struct pair p;

	(void)state;
	pair_open(&p, SIV_SUITE_CHACHAPOLY);
	assert_int_equal(put(&p.tx, 2 * KEY_BYTES, 16, a), SIV_R_STATE);
	assert_int_equal(put(&p.tx, SIV_SEAL_STOP - 64, 16, a), SIV_R_STATE);
	assert_int_equal(p.tx.index, 0);
	assert_int_equal(put(&p.tx, 2 * KEY_BYTES - 8, 16, a), SIV_OK);
	assert_int_equal(put(&p.tx, 3 * KEY_BYTES, 16, a), SIV_R_STATE);
	assert_int_equal(put(&p.tx, 3 * KEY_BYTES - 8, 16, a), SIV_OK);
	pair_close(&p);
}

static void test_stop(void **state)
{
	u8 a[64], zero[64] = { 0 };
	struct pair p;

	(void)state;
	pair_open(&p, SIV_SUITE_CHACHAPOLY);
	p.tx.index = (SIV_SEAL_STOP >> SIV_SEAL_KEY_SHIFT) - 1;
	p.tx.next = SIV_SEAL_STOP - 128;
	memset(a, 0, sizeof(a));
	assert_int_equal(put(&p.tx, SIV_SEAL_STOP - 32, 16, a),
			 SIV_R_EXHAUSTED);
	assert_int_equal(put(&p.tx, SIV_SEAL_STOP, 16, a), SIV_R_EXHAUSTED);
	assert_int_equal(put(&p.tx, ~(u64)0, 16, a), SIV_R_EXHAUSTED);
	assert_memory_equal(a, zero, sizeof(a));
	assert_int_equal(put(&p.tx, SIV_SEAL_STOP - 40, 16, a), SIV_OK);
	assert_true(p.tx.next == SIV_SEAL_STOP);
	assert_int_equal(put(&p.tx, SIV_SEAL_STOP - 40, 16, a),
			 SIV_R_EXHAUSTED);
	assert_int_equal(put(&p.tx, 0, 16, a), SIV_R_EXHAUSTED);
	pair_close(&p);
}

static void test_wipe(void **state)
{
	u8 zero[SIV_KEY_LEN] = { 0 };
	u8 a[64];
	struct pair p;

	(void)state;
	pair_open(&p, SIV_SUITE_CHACHAPOLY);
	siv_seal_wipe(&p.tx);
	assert_memory_equal(p.tx.r, zero, sizeof(zero));
	assert_int_equal(put(&p.tx, 0, 16, a), SIV_R_EXHAUSTED);
	/* the transform has no key either */
	assert_int_equal(siv_aead_seal(p.tx_t, 0, span(NULL, 0), span("x", 1),
				       a),
			 SIV_R_CRYPTO);
	siv_seal_wipe(&p.tx); /* twice is fine */
	pair_close(&p);
}

static void test_bad_suite(void **state)
{
	struct siv_aead *t = siv_aead_alloc();
	u8 zero[SIV_KEY_LEN] = { 0 };
	struct siv_seal s;

	(void)state;
	assert_non_null(t);
	assert_int_equal(siv_seal_init(&s, t, 3, r0), SIV_R_SUITE);
	assert_memory_equal(s.r, zero, sizeof(zero));
	siv_aead_free(t);
}

static void stacked_rekey(void *arg)
{
	struct pair *p = arg;
	u8 a[64];

	if (put(&p->tx, KEY_BYTES, 16, a) != SIV_OK)
		abort();
}

static void stacked_init(void *arg)
{
	struct pair *p = arg;

	if (siv_seal_init(&p->tx, p->tx_t, SIV_SUITE_CHACHAPOLY, r0) != SIV_OK)
		abort();
}

static void test_stack(void **state)
{
	struct siv_span key = { (const u8 *)"sivshmem1 key", 14 };
	struct siv_span next = { (const u8 *)"sivshmem1 next", 15 };
	u8 secrets[4][SIV_KEY_LEN];
	struct pair p;

	(void)state;
	memcpy(secrets[0], r0, sizeof(r0));
	siv_hkdf_expand(secrets[1], r0, &key, 1);
	siv_hkdf_expand(secrets[2], r0, &next, 1);
	siv_hkdf_expand(secrets[3], secrets[2], &key, 1);
	pair_open(&p, SIV_SUITE_CHACHAPOLY);
	assert_int_equal(stackscan(stacked_init, &p, secrets, 4), -1);
	assert_int_equal(stackscan(stacked_rekey, &p, secrets, 4), -1);
	pair_close(&p);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stream),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_reuse),
		cmocka_unit_test(test_forgery_once),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_directions),
		cmocka_unit_test(test_rekey),
		cmocka_unit_test(test_leap),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_wipe),
		cmocka_unit_test(test_bad_suite),
		cmocka_unit_test(test_stack),
	};

	return cmocka_run_group_tests_name("seal", tests, NULL, NULL);
}
