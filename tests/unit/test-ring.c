// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claim: the ring (core/ring.h) carries every record whole and in order at every ring
 * size, every record size and across every wrap of ring and positions, and refuses each
 * word of a hostile peer that breaks a rule, without touching a byte outside the ring.
 *
 * Built twice: with 64-bit positions and, as test-ring16, with 16-bit ones. The ring's
 * bytes are one heap block of exactly its size, so AddressSanitizer sees any step over.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/ring.h"

#define POS_MAX ((siv_pos) ~(siv_pos)0)
#define IS16 (sizeof(siv_pos) == 2)

enum {
	SIZE_MIN = 32,
	SIZE_MAX_TESTED = 32768
};

/* One ring and both its ends; @p writes, @c reads. */
struct pair {
	struct siv_side p_side;
	struct siv_side c_side;
	struct siv_tx tx;
	struct siv_rx rx;
	u8 *ring;
	u64 size;
};

static u32 seed = 12345;

static u32 rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed;
}

static u32 rnd_below(u64 n)
{
	return (u32)(rnd() % n);
}

static void pair_open(struct pair *q, u64 size, siv_pos start)
{
	memset(q, 0, sizeof(*q));
	q->size = size;
	q->ring = malloc(size);
	assert_non_null(q->ring);
	memset(q->ring, 0xee, size);
	siv_tx_init(&q->tx, &q->p_side, &q->c_side, size);
	siv_rx_init(&q->rx, &q->c_side, &q->p_side, size);
	q->p_side.prod = start;
	q->c_side.cons = start;
	q->tx.prod = start;
	q->tx.cons = start;
	q->rx.prod = start;
	q->rx.cons = start;
}

static void pair_close(struct pair *q)
{
	free(q->ring);
}

/* Copies in two parts, as the driver does: a heap block cannot be mapped twice. */
static void ring_put(struct pair *q, u64 off, const u8 *from, u64 n)
{
	u64 first;

	off &= q->size - 1;
	first = q->size - off;
	if (first > n)
		first = n;
	memcpy(q->ring + off, from, first);
	memcpy(q->ring, from + first, n - first);
}

static void ring_get(struct pair *q, u64 off, u8 *to, u64 n)
{
	u64 first;

	off &= q->size - 1;
	first = q->size - off;
	if (first > n)
		first = n;
	memcpy(to, q->ring + off, first);
	memcpy(to + first, q->ring, n - first);
}

static bool send_record(struct pair *q, const u8 *data, u64 len)
{
	u64 room, off = siv_tx_offset(&q->tx);
	u8 hdr[8] = { 0 };

	assert_int_equal(siv_tx_room(&q->tx, &room), SIV_OK);
	assert_true(room <= q->size);
	if (room < siv_ring_need(len))
		return false;
	siv_put_le32(hdr, (u32)len);
	ring_put(q, off, hdr, 8);
	ring_put(q, off + 8, data, len);
	siv_tx_publish(&q->tx, siv_ring_need(len));
	return true;
}

/* The next record into @to; 0 if there is none. */
static u64 recv_record(struct pair *q, u8 *to)
{
	u64 avail, len, off = siv_rx_offset(&q->rx);
	u8 hdr[8];

	assert_int_equal(siv_rx_avail(&q->rx, &avail), SIV_OK);
	if (!avail)
		return 0;
	assert_true(avail >= SIV_RECORD_HDR);
	siv_rx_header_load(hdr, q->ring + off);
	assert_int_equal(siv_rx_header(&q->rx, hdr, avail, &len), SIV_OK);
	ring_get(q, off + 8, to, len);
	siv_rx_release(&q->rx, siv_ring_need(len));
	return len;
}

static void fill(u8 *buf, u64 len, u32 tag)
{
	for (u64 i = 0; i < len; i++)
		buf[i] = (u8)(tag * 31 + i * 7 + (i >> 8));
}

/* Random lengths, bursts of random depth, until @total bytes of ring were used. */
static void traffic(struct pair *q, u64 total)
{
	u64 max = siv_ring_max_record(q->size), used = 0;
	u64 lens[4096];
	u8 *out = malloc(max), *in = malloc(max), *want = malloc(max);
	u32 head = 0, tail = 0;

	assert_true(out && in && want);
	while (used < total) {
		u64 len = 1 + rnd_below(max);

		if (rnd_below(4) == 0)
			len = 1 + rnd_below(max < 16 ? max : 16);
		fill(out, len, head);
		if (send_record(q, out, len)) {
			lens[head++ % 4096] = len;
			used += siv_ring_need(len);
			if (rnd_below(3))
				continue;
		}
		while (tail != head) {
			fill(want, lens[tail % 4096], tail);
			assert_int_equal(recv_record(q, in), lens[tail % 4096]);
			assert_memory_equal(in, want, lens[tail % 4096]);
			tail++;
			if (!rnd_below(3))
				break;
		}
	}
	free(out);
	free(in);
	free(want);
}

static void wraps_at_every_size(void **state)
{
	static const u64 starts[] = { 0,
				      0xff00,
				      0xfff8,
				      0xffffff00,
				      0xfffffff8,
				      0xffffffffffffff00,
				      0xfffffffffffffff8 };

	(void)state;
	for (u64 size = SIZE_MIN; size <= SIZE_MAX_TESTED; size *= 2)
		for (size_t i = 0; i < ARRAY_SIZE(starts); i++) {
			struct pair q;

			pair_open(&q, size, (siv_pos)starts[i]);
			traffic(&q, 6 * size + 0x400);
			pair_close(&q);
		}
}

/* Over the whole 16-bit space: several times round the positions themselves. */
static void wraps_positions(void **state)
{
	struct pair q;

	(void)state;
	pair_open(&q, 4096, (siv_pos)(POS_MAX - 0x7fff));
	traffic(&q, 0x40000);
	pair_close(&q);
}

static void every_record_size(void **state)
{
	(void)state;
	for (u64 size = SIZE_MIN; size <= 8192; size *= 2) {
		u64 max = siv_ring_max_record(size);
		u8 *a = malloc(max + 8), *b = malloc(max + 8);
		struct pair q;

		pair_open(&q, size, 0);
		for (u64 len = 1; len <= max; len++) {
			fill(a, len, (u32)len);
			assert_true(send_record(&q, a, len));
			assert_int_equal(recv_record(&q, b), len);
			assert_memory_equal(a, b, len);
			assert_int_equal(q.tx.prod % 8, 0);
		}
		/* two of the largest fill the ring; a third must wait */
		assert_true(send_record(&q, a, max));
		assert_true(send_record(&q, a, max));
		assert_false(send_record(&q, a, 1));
		assert_int_equal(recv_record(&q, b), max);
		assert_true(send_record(&q, a, max));
		pair_close(&q);
		free(a);
		free(b);
	}
}

static void need_and_max(void **state)
{
	(void)state;
	assert_int_equal(siv_ring_need(0), 8);
	assert_int_equal(siv_ring_need(1), 16);
	assert_int_equal(siv_ring_need(8), 16);
	assert_int_equal(siv_ring_need(9), 24);
	assert_int_equal(siv_ring_need(0x80000000), 0x80000008);
	assert_int_equal(siv_ring_need(0x7fffffff), 0x80000008);
	for (u64 size = 16; size <= 1 << 30; size *= 2) {
		assert_int_equal(siv_ring_need(siv_ring_max_record(size)),
				 size / 2);
		assert_true(siv_ring_need(siv_ring_max_record(size) + 1) >
			    size / 2);
	}
}

/* What the producer must say to each value of the consumer's word, and the reverse. */
static void hostile_positions(void **state)
{
	static const s64 steps[] = { -40000, -32768, -4104, -4096, -4088, -520,
				     -512,   -264,   -256,  -128,  -16,	  -8,
				     -7,     -1,     0,	    1,	   7,	  8,
				     9,	     15,     16,    120,   127,	  128,
				     129,    136,    255,   256,   257,	  264,
				     512,    520,    4096,  32768 };
	static const u64 starts[] = { 256, 0x10000 - 64, 0x100000000 - 64,
				      (u64)0 - 64, 0 };

	(void)state;
	for (size_t s = 0; s < ARRAY_SIZE(starts); s++)
		for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
			siv_pos at = (siv_pos)starts[s];
			struct pair q;
			bool good;
			u64 n;

			/* 128 of 256 bytes are written, none is read */
			pair_open(&q, 256, at);
			q.tx.prod = (siv_pos)(at + 128);
			q.c_side.cons = (siv_pos)(at + (u64)steps[i]);
			good = steps[i] >= 0 && steps[i] <= 128 &&
			       !(steps[i] % 8);
			assert_int_equal(siv_tx_room(&q.tx, &n),
					 good ? SIV_OK : SIV_R_RING_POSITION);
			assert_int_equal(n, good ? 128 + (u64)steps[i] : 0);
			assert_int_equal(q.tx.cons, good ? q.c_side.cons : at);
			pair_close(&q);

			/* 128 bytes were seen already, none is read */
			pair_open(&q, 256, at);
			q.rx.prod = (siv_pos)(at + 128);
			q.p_side.prod = (siv_pos)(at + (u64)steps[i]);
			good = steps[i] >= 128 && steps[i] <= 256 &&
			       !(steps[i] % 8);
			assert_int_equal(siv_rx_avail(&q.rx, &n),
					 good ? SIV_OK : SIV_R_RING_POSITION);
			assert_int_equal(n, good ? (u64)steps[i] : 0);
			assert_int_equal(
				q.rx.prod,
				(siv_pos)(at + (good ? (u64)steps[i] : 128)));
			pair_close(&q);
		}
}

/* Whole pages to 0, to 0xff and back to a snapshot of themselves. */
static void hostile_pages(void **state)
{
	u8 data[64] = { 1 }, in[64];
	struct siv_side old;
	struct pair q;
	u64 n;

	(void)state;
	pair_open(&q, 256, 0);
	assert_true(send_record(&q, data, 32));
	old = q.p_side;
	assert_int_equal(recv_record(&q, in), 32);
	assert_true(send_record(&q, data, 32));
	assert_int_equal(siv_rx_avail(&q.rx, &n), SIV_OK);

	q.p_side = old;
	assert_int_equal(siv_rx_avail(&q.rx, &n), SIV_R_RING_POSITION);
	memset(&q.p_side, 0, sizeof(q.p_side));
	assert_int_equal(siv_rx_avail(&q.rx, &n), SIV_R_RING_POSITION);
	memset(&q.p_side, 0xff, sizeof(q.p_side));
	assert_int_equal(siv_rx_avail(&q.rx, &n), SIV_R_RING_POSITION);
	memset(&q.c_side, 0xff, sizeof(q.c_side));
	assert_int_equal(siv_tx_room(&q.tx, &n), SIV_R_RING_POSITION);
	assert_int_equal(n, 0);
	pair_close(&q);
}

static bool header_good(u64 size, u64 avail, u32 len, u32 reserved)
{
	u64 padded = len;

	while (padded % 8)
		padded++;
	return len && !reserved && padded + 8 <= size / 2 &&
	       padded + 8 <= avail;
}

static void check_header(struct pair *q, u64 avail, u32 len, u32 reserved)
{
	bool good = header_good(q->size, avail, len, reserved);
	u8 hdr[8];
	u64 n;

	siv_put_le32(hdr, len);
	siv_put_le32(hdr + 4, reserved);
	assert_int_equal(siv_rx_header(&q->rx, hdr, avail, &n),
			 good ? SIV_OK : SIV_R_RING_RECORD);
	assert_int_equal(n, good ? len : 0);
}

static void header_lengths(void **state)
{
	static const u32 edges[] = { 0x7fffffff, 0x80000000, 0xfffffff0,
				     0xfffffff7, 0xfffffff8, 0xfffffff9,
				     0xffffffff };

	(void)state;
	for (u64 size = 16; size <= SIZE_MAX_TESTED; size *= 2) {
		struct pair q;

		pair_open(&q, size, 0);
		for (u64 avail = 8; avail <= size;
		     avail += size <= 512 ? 8 : size / 16)
			for (u32 len = 0; len <= 2 * size;
			     len += size <= 512 ? 1 : 1 + rnd_below(size / 64))
				check_header(&q, avail, len, 0);
		for (size_t i = 0; i < ARRAY_SIZE(edges); i++)
			check_header(&q, size, edges[i], 0);
		for (u32 bit = 0; bit < 32; bit++) {
			check_header(&q, size, 8, 1u << bit);
			check_header(&q, size, 1u << bit, 0);
		}
		for (int i = 0; i < 20000; i++)
			check_header(&q, size, rnd(), rnd_below(2) ? 0 : rnd());
		pair_close(&q);
	}
}

static void end_marks(void **state)
{
	struct pair q;
	u8 data[8] = { 7 }, in[8];
	u64 n;

	(void)state;
	pair_open(&q, 64, 0);
	assert_int_equal(siv_end_get(&q.p_side), 0);
	assert_true(send_record(&q, data, 8));
	siv_end_set(&q.p_side, SIV_END_WR);
	assert_int_equal(siv_end_get(&q.p_side), SIV_END_WR);
	/* what was published before the mark can be read after it */
	assert_int_equal(recv_record(&q, in), 8);
	assert_int_equal(siv_rx_avail(&q.rx, &n), SIV_OK);
	assert_int_equal(n, 0);
	siv_end_set(&q.p_side, SIV_END_WR | SIV_END_RD);
	assert_int_equal(siv_end_get(&q.p_side), SIV_END_WR | SIV_END_RD);
	q.p_side.end = POS_MAX;
	assert_int_equal(siv_end_get(&q.p_side), SIV_END_WR | SIV_END_RD);
	q.p_side.end = (siv_pos)~3u;
	assert_int_equal(siv_end_get(&q.p_side), 0);
	pair_close(&q);
}

/* siv_ring_crossed() against walking from @old to @new position by position. */
static void crossing_brute_force(void **state)
{
	static const u64 olds[] = {
		0, 8, 0x7ff8, 0xfff8, 0xffffffff00000000, 0xfffffffffffffff8
	};
	static const u32 deltas[] = { 0, 1, 8, 16, 24, 4096, 32768 };
	static u8 hit[65536];

	(void)state;
	for (size_t o = 0; o < ARRAY_SIZE(olds); o++)
		for (size_t d = 0; d < ARRAY_SIZE(deltas); d++) {
			siv_pos old = (siv_pos)olds[o];
			siv_pos new = (siv_pos)(old + deltas[d]);

			memset(hit, 0, sizeof(hit));
			for (u32 k = 1; k <= deltas[d]; k++)
				hit[(u16)(old + k)] = 1;
			for (u32 w = 0; w < 65536; w++) {
				siv_pos want =
					(siv_pos)(old + (u16)(w - (u16)old));

				assert_int_equal(siv_ring_crossed(want, old,
								  new),
						 hit[w]);
			}
			if (IS16)
				continue;
			/* far away in 64 bits: never */
			assert_false(siv_ring_crossed((siv_pos)(old - 65536),
						      old, new));
			assert_false(siv_ring_crossed((siv_pos)(old + 65536),
						      old, new));
			assert_false(
				siv_ring_crossed((siv_pos)(old - 1), old, new));
			assert_false(siv_ring_crossed(old, old, new));
		}
}

/* Every way to interleave one publish with one arm: somebody always sees the other. */
static void wants_are_seen(void **state)
{
	u8 data[248] = { 0 }, in[248];
	struct pair q;
	u64 n, room;

	(void)state;
	/* armed first: the publish rings, once */
	pair_open(&q, 512, 0);
	siv_rx_arm(&q.rx);
	assert_int_equal(siv_rx_avail(&q.rx, &n), SIV_OK);
	assert_int_equal(n, 0);
	assert_true(siv_tx_publish(&q.tx, 16));
	assert_false(siv_tx_publish(&q.tx, 16));
	/* published first: the check after arming sees it */
	siv_rx_arm(&q.rx);
	assert_int_equal(siv_rx_avail(&q.rx, &n), SIV_OK);
	assert_int_equal(n, 32);
	pair_close(&q);

	/* a full ring: the release that makes room for the record rings, no earlier one */
	pair_open(&q, 512, 0);
	for (int i = 0; i < 4; i++)
		assert_true(send_record(&q, data, 120));
	assert_false(send_record(&q, data, 248));
	siv_tx_arm(&q.tx, siv_tx_target(&q.tx, siv_ring_need(248)));
	assert_int_equal(siv_tx_room(&q.tx, &room), SIV_OK);
	assert_int_equal(room, 0);
	assert_int_equal(siv_rx_avail(&q.rx, &n), SIV_OK);
	assert_false(siv_rx_release(&q.rx, 128));
	assert_true(siv_rx_release(&q.rx, 128));
	assert_false(siv_rx_release(&q.rx, 128));
	assert_true(send_record(&q, data, 248));
	assert_int_equal(recv_record(&q, in), 120);
	assert_int_equal(recv_record(&q, in), 248);
	pair_close(&q);
}

/* The clamp leaves good indices alone and makes 0 of all others. */
static void speculation_clamp(void **state)
{
	(void)state;
	for (u64 n = 1; n <= 300; n++)
		for (u64 i = 0; i < 600; i++)
			assert_int_equal(siv_index_nospec(i, n), i < n ? i : 0);
	assert_int_equal(siv_index_nospec(0x7fffffffffffffff, 4096), 0);
	assert_int_equal(siv_index_nospec(4095, 1ull << 62), 4095);
}

/* Random words on the peer's page and random headers: nothing outside is touched. */
static void hostile_fuzz(void **state)
{
	static const u64 sizes[] = { 32, 64, 256, 4096 };

	(void)state;
	for (int round = 0; round < 60000; round++) {
		u64 size = sizes[rnd_below(ARRAY_SIZE(sizes))], avail, len, off,
		    room;
		siv_pos base = (siv_pos)(rnd() & ~7u);
		u8 hdr[8], to[2048];
		struct pair q;

		pair_open(&q, size, base);
		for (int step = 0; step < 12; step++) {
			q.p_side.prod =
				(siv_pos)(base + (rnd_below(size + 24) &
						  ~(rnd_below(9) ? 7u : 0)));
			q.c_side.cons = (siv_pos)(base + rnd_below(size));
			siv_put_le32(q.ring + siv_rx_offset(&q.rx),
				     rnd_below(8) ? rnd_below(size / 2) :
						    rnd());
			memset(q.ring + siv_rx_offset(&q.rx) + 4, 0, 4);
			if (siv_tx_room(&q.tx, &room) == SIV_OK)
				assert_true(room <= size);
			off = siv_rx_offset(&q.rx);
			assert_true(off + 8 <= size);
			if (siv_rx_avail(&q.rx, &avail) != SIV_OK || !avail)
				continue;
			assert_true(avail <= size && avail >= 8);
			siv_rx_header_load(hdr, q.ring + off);
			if (siv_rx_header(&q.rx, hdr, avail, &len) != SIV_OK)
				continue;
			ring_get(&q, off + 8, to, len);
			siv_rx_release(&q.rx, siv_ring_need(len));
		}
		pair_close(&q);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(need_and_max),
		cmocka_unit_test(wraps_at_every_size),
		cmocka_unit_test(wraps_positions),
		cmocka_unit_test(every_record_size),
		cmocka_unit_test(hostile_positions),
		cmocka_unit_test(hostile_pages),
		cmocka_unit_test(header_lengths),
		cmocka_unit_test(end_marks),
		cmocka_unit_test(crossing_brute_force),
		cmocka_unit_test(wants_are_seen),
		cmocka_unit_test(speculation_clamp),
		cmocka_unit_test(hostile_fuzz),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
