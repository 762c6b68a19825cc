// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claim: channels are only ever given clean memory that nobody else has, each VM gets
 * its guaranteed share whatever the others do, and everything merges back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sivshmemd/alloc.h"
#include "sivshmemd/buddy.h"

enum {
	GRANULE = 4096
};

static const struct siv_geometry geo = {
	.region_size = 8 << 20,
	.granule = GRANULE,
	.side_off = 1 << 20,
	.side_count = 128,
	.extent_off = 2 << 20,
	.extent_len = 6 << 20,
};

static u32 rnd_state = 1;

static u32 rnd(u32 below)
{
	rnd_state = rnd_state * 1664525 + 1013904223;
	return (rnd_state >> 8) % below;
}

static bool all_is(const u8 *p, u64 n, u8 want)
{
	while (n--)
		if (*p++ != want)
			return false;
	return true;
}

/* A taken extent: aligned, inside, clean; then we dirty all of it. */
static void check_and_dirty(u8 *map, const struct extent *e)
{
	assert_true(e->off >= geo.extent_off);
	assert_true(e->off + e->len <= geo.extent_off + geo.extent_len);
	assert_true(e->off % GRANULE == 0 && siv_is_pow2(e->len));
	assert_true(e->side_off >= geo.side_off);
	assert_true(e->side_off + 2 * GRANULE <=
		    geo.side_off + 128 * 2 * GRANULE);
	assert_true(all_is(map + e->off, e->len, 0));
	assert_true(all_is(map + e->side_off, 2 * GRANULE, 0));
	memset(map + e->off, 0xa5, e->len);
	memset(map + e->side_off, 0xa5, 2 * GRANULE);
}

static void test_random(void **state)
{
	static const u64 guaranteed[3] = { 1 << 20, 0, 512 << 10 };
	struct alloc *a = alloc_new(&geo, guaranteed, 3);
	u8 *map = calloc(1, geo.region_size);
	struct extent *live[64] = { NULL };
	struct alloc_stats st;
	u32 i, step;

	(void)state;
	assert_non_null(a);
	assert_non_null(map);
	for (step = 0; step < 20000; step++) {
		i = rnd(64);
		if (live[i]) {
			/* nobody else wrote here: it was ours alone */
			assert_true(
				all_is(map + live[i]->off, live[i]->len, 0xa5));
			if (rnd(2))
				alloc_limbo(a, live[i]);
			alloc_release(a, live[i]);
			live[i] = NULL;
		} else {
			live[i] = alloc_take(a, rnd(4), (u64)GRANULE << rnd(7));
			if (live[i])
				check_and_dirty(map, live[i]);
		}
		if (rnd(3) == 0)
			alloc_scrub(a, map, rnd(200000));
		alloc_stats(a, &st);
		assert_true(st.clean + st.taken + st.limbo + st.dirty ==
			    st.total);
	}
	for (i = 0; i < 64; i++)
		if (live[i])
			alloc_release(a, live[i]);
	while (alloc_scrub(a, map, 100000))
		;
	alloc_stats(a, &st);
	assert_true(st.clean == st.total && !st.dirty && st.sides_clean == 128);
	/* all merged: the largest blocks can be had again */
	assert_non_null(alloc_take(a, 99, 2 << 20));
	free(map);
	/* what is still taken belongs to the test */
	alloc_free(a);
}

static void test_guarantee(void **state)
{
	static const u64 guaranteed[2] = { 1 << 20, 1 << 20 };
	struct alloc *a = alloc_new(&geo, guaranteed, 2);
	struct extent *hog[128];
	u32 n = 0, mine = 0;

	(void)state;
	/* VM 0 takes all it can, in the smallest pieces, then VM 1 still has its own */
	while (n < 64 && (hog[n] = alloc_take(a, 0, 64 << 10)))
		n++;
	assert_true(n == 64);
	while (n < 128 && (hog[n] = alloc_take(a, 0, 1 << 20)))
		n++;
	assert_null(alloc_take(a, 0, 1 << 20));
	assert_non_null(hog[mine] = alloc_take(a, 1, 1 << 20));
	assert_null(alloc_take(a, 1, 1 << 20));
	alloc_free(a);
}

static void test_never_dirty(void **state)
{
	struct siv_geometry g = geo;
	u8 *map = calloc(1, g.region_size);
	struct extent *e;
	struct alloc *a;

	(void)state;
	g.extent_len = 64 << 10;
	a = alloc_new(&g, NULL, 0);
	e = alloc_take(a, 0, 64 << 10);
	assert_non_null(e);
	assert_null(alloc_take(a, 0, GRANULE));
	alloc_release(a, e);
	/* released but dirty: not to be had, until the last byte is clean */
	assert_null(alloc_take(a, 0, GRANULE));
	assert_true(alloc_scrub(a, map, 64 << 10));
	assert_null(alloc_take(a, 0, GRANULE));
	assert_true(alloc_scrub(a, map, 2 * GRANULE - 1));
	assert_null(alloc_take(a, 0, GRANULE));
	assert_false(alloc_scrub(a, map, 1));
	assert_non_null(alloc_take(a, 0, 64 << 10));
	alloc_free(a);
	free(map);
}

static void test_sides_run_out(void **state)
{
	struct siv_geometry g = geo;
	struct extent *e[2];
	struct alloc *a;

	(void)state;
	g.side_count = 2;
	a = alloc_new(&g, NULL, 0);
	e[0] = alloc_take(a, 0, GRANULE);
	e[1] = alloc_take(a, 0, GRANULE);
	assert_non_null(e[0]);
	assert_non_null(e[1]);
	assert_int_not_equal(e[0]->side_off, e[1]->side_off);
	assert_null(alloc_take(a, 0, GRANULE));
	alloc_free(a);
}

static void test_refuses(void **state)
{
	static const u64 too_much[1] = { 7 << 20 };
	static const u64 odd[1] = { GRANULE + 1 };
	struct alloc *a = alloc_new(&geo, NULL, 0);

	(void)state;
	assert_null(alloc_new(&geo, too_much, 1));
	assert_null(alloc_new(&geo, odd, 1));
	assert_null(alloc_take(a, 0, 0));
	assert_null(alloc_take(a, 0, GRANULE / 2));
	assert_null(alloc_take(a, 0, GRANULE * 3));
	assert_null(alloc_take(a, 0, (u64)1 << 63));
	alloc_free(a);
}

/* Any number of blocks, not only powers of two: all can be had, once each. */
static void test_buddy_odd(void **state)
{
	u32 count, n, block;
	struct buddy b;
	u8 seen[100];

	(void)state;
	for (count = 0; count < 100; count++) {
		memset(seen, 0, sizeof(seen));
		assert_true(buddy_init(&b, count));
		for (n = 0; (block = buddy_take(&b, 0)) != BUDDY_NONE; n++) {
			assert_true(block < count && !seen[block]);
			seen[block] = 1;
		}
		assert_true(n == count);
		for (n = 0; n < count; n++)
			buddy_give(&b, n, 0);
		if (count >= 64)
			assert_true(buddy_take(&b, 6) == 0);
		buddy_destroy(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_guarantee),
		cmocka_unit_test(test_never_dirty),
		cmocka_unit_test(test_sides_run_out),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_buddy_odd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
