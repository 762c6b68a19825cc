// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claim: while another thread flips positions, marks, wishes and headers as fast as it
 * can, a consumer and a producer decide on private copies only: every verdict is legal,
 * a copy is exactly as long as the length that was judged, and no byte outside ring and
 * buffer is touched (AddressSanitizer; the buffer is a heap block of the exact length).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include "core/ring.h"

enum {
	SIZE = 1024,
#ifdef COVERAGE
	ENOUGH = 10000, /* slow, and not for finding mistakes */
#else
	ENOUGH = 100000,
#endif
	PATIENCE = 600 /* beside everything else on a busy machine */
};

static struct siv_side hostile, own;
static u64 ring[SIZE / 8];
static bool stop;

static void *flip(void *arg)
{
	u32 s = 4711;

	(void)arg;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		u64 base = READ_ONCE(own.cons);

		for (u32 k = 0; k < 64; k++) {
			s ^= s << 13;
			s ^= s >> 17;
			s ^= s << 5;
			WRITE_ONCE(hostile.prod,
				   base + (s % (SIZE + 64) & ~7u));
			WRITE_ONCE(hostile.cons,
				   READ_ONCE(own.prod) - (s >> 8) % SIZE);
			WRITE_ONCE(hostile.want_prod, base + s);
			WRITE_ONCE(hostile.want_cons, (u64)s << 20);
			WRITE_ONCE(hostile.end, s);
			WRITE_ONCE(ring[s % (SIZE / 8)],
				   s & 1 ? s % SIZE : (u64)s << 32 | s);
			WRITE_ONCE(ring[s % (SIZE / 8)], s % 512);
		}
	}
	return NULL;
}

/* What a reader does, with a buffer that is not a byte too long. */
static bool take_one(struct siv_rx *rx, u64 *bytes)
{
	u64 avail, len, off = siv_rx_offset(rx);
	u8 hdr[8], *to;

	if (siv_rx_avail(rx, &avail) != SIV_OK || !avail)
		return false;
	assert_true(avail <= SIZE && avail % 8 == 0 &&
		    avail == rx->prod - rx->cons);
	siv_rx_header_load(hdr, (u8 *)ring + off);
	if (siv_rx_header(rx, hdr, avail, &len) != SIV_OK)
		return false;
	assert_true(len && len == siv_get_le32(hdr) &&
		    siv_ring_need(len) <= avail);
	to = malloc(len);
	assert_non_null(to);
	for (u64 k = 0; k < len; k++)
		to[k] = READ_ONCE(
			((const u8 *)ring)[(off + 8 + k) & (SIZE - 1)]);
	free(to);
	siv_rx_release(rx, siv_ring_need(len));
	*bytes += len;
	return true;
}

static void flipping_peer(void **state)
{
	u64 room, taken = 0, bytes = 0, refused = 0;
	struct siv_tx tx;
	struct siv_rx rx;
	pthread_t t;

	(void)state;
	siv_tx_init(&tx, &own, &hostile, SIZE);
	siv_rx_init(&rx, &own, &hostile, SIZE);
	assert_int_equal(pthread_create(&t, NULL, flip, NULL), 0);
	alarm(PATIENCE);
	while (taken < ENOUGH || refused < ENOUGH) {
		if (take_one(&rx, &bytes)) {
			taken++;
		} else {
			/* a new channel in the same memory: also while it is flipped */
			refused++;
			rx.prod = rx.cons;
			/* on a busy machine the other thread needs its turn */
			if (!(refused % 64))
				sched_yield();
		}
		if (siv_tx_room(&tx, &room) == SIV_OK) {
			assert_true(room <= SIZE && room % 8 == 0);
			if (room >= 64)
				siv_tx_publish(&tx, 64);
		} else {
			assert_int_equal(room, 0);
			tx.cons = tx.prod - SIZE;
		}
		siv_rx_arm(&rx);
		siv_tx_arm(&tx, siv_tx_target(&tx, 64));
		assert_true(siv_end_get(&hostile) <= (SIV_END_WR | SIV_END_RD));
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(t, NULL);
	alarm(0);
	print_message("%llu records, %llu bytes taken, %llu refused\n",
		      (unsigned long long)taken, (unsigned long long)bytes,
		      (unsigned long long)refused);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flipping_peer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
