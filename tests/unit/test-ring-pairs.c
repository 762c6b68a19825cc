// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claim: on the ring with 16-bit positions, for every one of the 2^32 pairs of own and
 * peer's position, producer and consumer accept exactly the peer's positions that a
 * walk through the ring byte by byte marks as legal; and want crossing is right for
 * every distance and every wish.
 *
 * Built without sanitizers: it touches no memory but two words.
 */
#define SIV_POS u16

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/ring.h"

static u8 legal[65536];

/* Positions from @from, @min to @max bytes on, that are multiples of 8. */
static void mark(u16 from, u32 min, u32 max, bool set)
{
	u16 at = (u16)(from + min);

	for (u32 k = min; k <= max; k++, at++)
		if (!(at & 7))
			legal[at] = set;
}

/* The consumer at @cons with @seen bytes known: every value of the peer's prod. */
static u32 check_rx(struct siv_side *peer, u64 size, u16 cons, u16 seen)
{
	u32 bad = 0;

	mark(cons, seen, (u32)size, true);
	for (u32 v = 0; v < 65536; v++) {
		struct siv_rx rx = { .peer = peer,
				     .size = size,
				     .cons = cons,
				     .prod = (u16)(cons + seen) };
		enum siv_reason r;
		u64 n;

		peer->prod = (u16)v;
		r = siv_rx_avail(&rx, &n);
		bad += (r == SIV_OK) != legal[v];
		bad += n != (legal[v] ? (u16)(v - cons) : 0u);
	}
	mark(cons, seen, (u32)size, false);
	return bad;
}

/* The producer at @prod with @out bytes unread when last seen: every peer's cons. */
static u32 check_tx(struct siv_side *peer, u64 size, u16 prod, u16 out)
{
	u16 from = (u16)(prod - out);
	u32 bad = 0;

	mark(from, 0, out, true);
	for (u32 v = 0; v < 65536; v++) {
		struct siv_tx tx = {
			.peer = peer, .size = size, .prod = prod, .cons = from
		};
		enum siv_reason r;
		u64 n;

		peer->cons = (u16)v;
		r = siv_tx_room(&tx, &n);
		bad += (r == SIV_OK) != legal[v];
		bad += n != (legal[v] ? size - (u16)(prod - v) : 0);
	}
	mark(from, 0, out, false);
	return bad;
}

/* All 2^32 (own, peer's) pairs at one ring size; the others in steps of 64. */
static void all_pairs(void **state)
{
	struct siv_side peer = { 0 };
	u32 bad = 0;

	(void)state;
	for (u32 own = 0; own < 65536; own++) {
		bad += check_rx(&peer, 4096, (u16)own, 0);
		bad += check_tx(&peer, 4096, (u16)own, 4096);
	}
	assert_int_equal(bad, 0);
}

static void every_size(void **state)
{
	static const u16 parts[] = { 0, 1, 2, 4, 8 };
	struct siv_side peer = { 0 };
	u32 bad = 0;

	(void)state;
	for (u64 size = 32; size <= 32768; size *= 2)
		for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
			for (u32 own = 0; own < 65536; own += 1096) {
				u16 part = (u16)(size * parts[i] / 8);

				bad += check_rx(&peer, size, (u16)own, part);
				bad += check_tx(&peer, size, (u16)own, part);
			}
	assert_int_equal(bad, 0);
}

/* Every distance a record can have, every wish, at three places. */
static void all_wants(void **state)
{
	static const u16 olds[] = { 0, 32760, 65528 };
	u32 bad = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(olds); i++) {
		memset(legal, 0, sizeof(legal));
		for (u32 d = 1; d <= 16384; d++) {
			u16 new = (u16)(olds[i] + d);

			legal[new] = 1;
			if (d % 8)
				continue;
			for (u32 w = 0; w < 65536; w++)
				bad += siv_ring_crossed((u16)w, olds[i], new) !=
				       legal[w];
		}
	}
	assert_int_equal(bad, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_pairs),
		cmocka_unit_test(every_size),
		cmocka_unit_test(all_wants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
