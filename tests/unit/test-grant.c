// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claim: a grant is taken only if every byte of it lies where the region has such memory
 * and is what both ends agreed upon; a stream's end is proved once, by its writer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "link.h"
#include "seallog.h"

static const u16 suites[] = { SIV_SUITE_CHACHAPOLY, SIV_SUITE_AESGCM };

/* ------------------------------------------------------------------ COMMON */

static const struct {
	const char *what;
	unsigned int at;
	unsigned int len;
	u64 value;
	enum siv_reason want;
} commons[] = {
#define C(f) offsetof(struct siv_common, f), sizeof(((struct siv_common *)0)->f)
#define EXTENT (8ull * MIB + 4 * GRANULE)
	{ "as it is", C(vector_a), 1, SIV_OK },
	{ "cid", C(cid), 8, SIV_R_COMMON },
	{ "flags", C(flags), 1, SIV_R_COMMON },
	{ "suite", C(suite), 2, SIV_R_COMMON },
	{ "ring A to B, smaller", C(ring_ab_len), GRANULE, SIV_R_COMMON },
	{ "ring B to A, larger", C(ring_ba_len), 2 * GRANULE, SIV_R_COMMON },
	{ "peer A", C(peer_a), 4, SIV_R_COMMON },
	{ "peer B", C(peer_b), 3, SIV_R_COMMON },
	{ "reserved0", C(reserved0), 1, SIV_R_RESERVED },
	{ "reserved1", C(reserved1), 1, SIV_R_RESERVED },
	{ "reserved2", C(reserved2), 1, SIV_R_RESERVED },
	{ "vector A is the host's", C(vector_a), 0, SIV_R_RANGE },
	{ "vector B is the host's", C(vector_b), 0, SIV_R_RANGE },
	{ "side page below the table", C(side_off), 4 * MIB - 2 * GRANULE,
	  SIV_R_RANGE },
	{ "side page at its begin", C(side_off), 4 * MIB, SIV_OK },
	{ "side page at an odd granule", C(side_off), 4 * MIB + GRANULE,
	  SIV_R_RANGE },
	{ "last side page", C(side_off), 4 * MIB + 30 * GRANULE, SIV_OK },
	{ "behind the last side page", C(side_off), 4 * MIB + 32 * GRANULE,
	  SIV_R_RANGE },
	{ "side page misaligned", C(side_off), 4 * MIB + 8, SIV_R_RANGE },
	{ "side page in the header", C(side_off), 0, SIV_R_RANGE },
	{ "side page wraps", C(side_off), ~0xffffull, SIV_R_RANGE },
	{ "extent below the arena", C(extent_off), 8 * MIB - 4 * GRANULE,
	  SIV_R_RANGE },
	{ "extent misaligned", C(extent_off), EXTENT - 4096, SIV_R_RANGE },
	{ "extent past the arena", C(extent_off), 64 * MIB - 2 * GRANULE,
	  SIV_R_RANGE },
	{ "extent wraps", C(extent_off), ~0xffffull, SIV_R_RANGE },
	{ "extent length 0", C(extent_len), 0, SIV_R_RANGE },
	{ "extent length no power", C(extent_len), 3 * GRANULE, SIV_R_RANGE },
	{ "extent too small", C(extent_len), 2 * GRANULE, SIV_R_RANGE },
	{ "extent larger than needed", C(extent_len), 8 * GRANULE, SIV_OK },
	{ "extent longer than the arena", C(extent_len), 64 * MIB,
	  SIV_R_RANGE },
	{ "extent's end wraps", C(extent_len), 1ull << 63, SIV_R_RANGE },
	{ "ring A to B before the extent", C(ring_ab_off), EXTENT - 2 * GRANULE,
	  SIV_R_RANGE },
	{ "ring A to B partly before", C(ring_ab_off), EXTENT - GRANULE,
	  SIV_R_RANGE },
	{ "ring A to B over the other", C(ring_ab_off), EXTENT + GRANULE,
	  SIV_R_RANGE },
	{ "ring A to B past the end", C(ring_ab_off), EXTENT + 3 * GRANULE,
	  SIV_R_RANGE },
	{ "ring A to B misaligned", C(ring_ab_off), EXTENT + 8, SIV_R_RANGE },
	{ "ring A to B wraps", C(ring_ab_off), ~0x1ffffull, SIV_R_RANGE },
	{ "ring A to B on the side page", C(ring_ab_off), 4 * MIB,
	  SIV_R_RANGE },
	{ "ring B to A over the other", C(ring_ba_off), EXTENT, SIV_R_RANGE },
	{ "ring B to A over its end", C(ring_ba_off), EXTENT + GRANULE,
	  SIV_R_RANGE },
	{ "ring B to A elsewhere in it", C(ring_ba_off), EXTENT + 3 * GRANULE,
	  SIV_OK },
	{ "ring B to A behind it", C(ring_ba_off), EXTENT + 4 * GRANULE,
	  SIV_R_RANGE },
	{ "ring B to A wraps", C(ring_ba_off), ~0xffffull, SIV_R_RANGE },
};

static void test_common(void **state)
{
	struct siv_common c;
	struct link l;
	u8 value[8];
	size_t i;

	(void)state;
	link_init(&l, SIV_SUITE_CHACHAPOLY, 0);
	link_to_incoming(&l);
	for (i = 0; i < ARRAY_SIZE(commons); i++) {
		enum siv_reason r;

		link_common(&l);
		c = l.common;
		siv_put_le64(value, commons[i].value);
		memcpy((u8 *)&c + commons[i].at, value, commons[i].len);
		r = siv_common_check(&c, &l.offered, &link_geometry);
		if (r != commons[i].want)
			fail_msg("%s: %s", commons[i].what, siv_reason_name(r));
	}
	link_free(&l);
}

static void test_ranges(void **state)
{
	static const struct {
		struct siv_range a, b;
		bool overlap;
	} cases[] = {
		{ { 0, 10 }, { 10, 10 }, false },
		{ { 0, 11 }, { 10, 10 }, true },
		{ { 10, 10 }, { 0, 10 }, false },
		{ { 10, 10 }, { 0, 11 }, true },
		{ { 5, 1 }, { 0, 10 }, true },
		{ { 0, 10 }, { 0, 10 }, true },
		{ { 3, 0 }, { 0, 10 }, false },
		{ { ~0ull - 5, 5 }, { 0, 10 }, false },
		{ { ~0ull - 5, 7 }, { 0, 10 }, true },
		{ { 0, 10 }, { ~0ull, 2 }, true },
		{ { ~0ull - 10, 10 }, { ~0ull - 1, 1 }, true },
	};
	struct siv_range out[2];
	struct link l;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		if (siv_range_overlap(&cases[i].a, &cases[i].b) !=
		    cases[i].overlap)
			fail_msg("case %zu", i);
	memset(&l, 0, sizeof(l));
	link_common(&l);
	siv_common_ranges(&l.common, &link_geometry, out);
	assert_int_equal(out[0].off, 4 * MIB + 2 * GRANULE);
	assert_int_equal(out[0].len, 2 * GRANULE);
	assert_int_equal(out[1].off, 8 * MIB + 4 * GRANULE);
	assert_int_equal(out[1].len, 4 * GRANULE);
}

/* --------------------------------------------------------------------- FIN */

static void test_fin(void **state)
{
	struct siv_fin ab, ba, again;
	struct siv_connect b;
	struct link l;
	size_t bit, i;
	u64 position;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(suites); i++) {
		seallog_reset();
		link_init(&l, suites[i], SIV_CH_SEALED);
		link_to_confirm(&l);
		/* not before the channel is open */
		assert_int_equal(siv_fin_make(&l.cb, l.t, 8, &ba), SIV_R_STATE);
		assert_int_equal(link_confirmed(&l), SIV_OK);
		assert_int_equal(siv_fin_make(&l.ca, l.t, 123456 * 8, &ab),
				 SIV_OK);
		assert_int_equal(siv_fin_make(&l.ca, l.t, 8, &again),
				 SIV_R_STATE);
		assert_true(link_zero(&again, sizeof(again)));
		assert_int_equal(siv_fin_make(&l.cb, l.t, 0, &ba), SIV_OK);
		/* each bit of it */
		b = l.cb;
		for (bit = 0; bit < 8 * sizeof(ab); bit++) {
			((u8 *)&ab)[bit / 8] ^= (u8)(1u << bit % 8);
			assert_int_equal(
				siv_fin_open(&l.cb, l.t, &ab, &position),
				bit < 64 ? SIV_R_GENERATION : SIV_R_TAG);
			assert_int_equal(position, 0);
			assert_memory_equal(&l.cb, &b, sizeof(b));
			((u8 *)&ab)[bit / 8] ^= (u8)(1u << bit % 8);
		}
		assert_int_equal(siv_fin_open(&l.cb, l.t, &ab, &position),
				 SIV_OK);
		assert_int_equal(position, 123456 * 8);
		assert_int_equal(siv_fin_open(&l.cb, l.t, &ab, &position),
				 SIV_R_STATE);
		assert_int_equal(siv_fin_open(&l.ca, l.t, &ba, &position),
				 SIV_OK);
		assert_int_equal(position, 0);
		/* both ends have said all: no key of theirs is left */
		assert_true(link_zero(l.ca.k1, SIV_KEY_LEN) &&
			    link_zero(l.ca.k2, SIV_KEY_LEN));
		assert_true(link_zero(l.cb.k1, SIV_KEY_LEN) &&
			    link_zero(l.cb.k2, SIV_KEY_LEN));
		assert_int_equal(seallog_repeats(), 0);
		link_free(&l);
	}
}

static void test_fin_positions(void **state)
{
	struct siv_fin fin;
	struct link l;
	u64 position;

	(void)state;
	link_init(&l, SIV_SUITE_CHACHAPOLY, SIV_CH_SEALED);
	link_all(&l);
	assert_int_equal(siv_fin_make(&l.ca, l.t, 7, &fin), SIV_OK);
	assert_int_equal(siv_fin_open(&l.cb, l.t, &fin, &position),
			 SIV_R_RING_POSITION);
	link_all(&l);
	assert_int_equal(siv_fin_make(&l.ca, l.t, (1ull << 63) + 8, &fin),
			 SIV_OK);
	assert_int_equal(siv_fin_open(&l.cb, l.t, &fin, &position),
			 SIV_R_RING_POSITION);
	link_all(&l);
	assert_int_equal(siv_fin_make(&l.ca, l.t, 1ull << 63, &fin), SIV_OK);
	assert_int_equal(siv_fin_open(&l.cb, l.t, &fin, &position), SIV_OK);
	/* a seal that fails uses the one FIN up */
	link_all(&l);
	seallog_fail(0);
	assert_int_equal(siv_fin_make(&l.cb, l.t, 8, &fin), SIV_R_CRYPTO);
	assert_int_equal(siv_fin_make(&l.cb, l.t, 8, &fin), SIV_R_STATE);
	/* plain channels have none */
	link_free(&l);
	link_init(&l, SIV_SUITE_CHACHAPOLY, 0);
	link_all(&l);
	assert_int_equal(siv_fin_make(&l.ca, l.t, 8, &fin), SIV_R_STATE);
	assert_int_equal(siv_fin_open(&l.cb, l.t, &fin, &position),
			 SIV_R_STATE);
	link_free(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_common),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_fin),
		cmocka_unit_test(test_fin_positions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
