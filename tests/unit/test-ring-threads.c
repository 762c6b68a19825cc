// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claim: a producer and a consumer that sleep by the want protocol alone, with no
 * time-out to heal a lost bell, never lose a wake-up over more than a million messages
 * at ring sizes from one record to many, and every byte arrives; ThreadSanitizer sees
 * no data race. A lost wake-up is a hang, which the alarm turns into a failure.
 *
 * The bell is a futex called directly, so that the sanitizer gets no ordering from it:
 * all ordering must come from the ring. A second run spins on the bell's count instead
 * of sleeping: then the two sides meet in the few nanoseconds that the full barriers
 * guard, and a build without either of them hangs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/ring.h"

enum {
	HANG_SECONDS = 600, /* beside everything else on a busy machine */
#if defined(__SANITIZE_THREAD__)
	NARROW = 100000
#else
	NARROW = 300000
#endif
};

struct bell {
	u32 count __attribute__((aligned(64)));
	u64 rung;
	u64 slept;
};

static struct {
	struct siv_side p_side;
	struct siv_side c_side;
	struct bell to_p;
	struct bell to_c;
	u8 *ring;
	u64 size;
	u64 messages;
	u64 bad;
	bool spin;
} w;

static void bell_ring(struct bell *b)
{
	b->rung++;
	__atomic_add_fetch(&b->count, 1, __ATOMIC_RELAXED);
	if (!w.spin)
		syscall(SYS_futex, &b->count, FUTEX_WAKE_PRIVATE, 1, NULL, NULL,
			0);
}

static u32 bell_look(struct bell *b)
{
	return __atomic_load_n(&b->count, __ATOMIC_RELAXED);
}

static void bell_wait(struct bell *b, u32 seen)
{
	b->slept++;
	for (u32 n = 1; w.spin && bell_look(b) == seen; n++)
		if (!(n % 4096))
			sched_yield();
	while (bell_look(b) == seen)
		syscall(SYS_futex, &b->count, FUTEX_WAIT_PRIVATE, seen, NULL,
			NULL, 0);
}

static u32 next(u32 *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 17;
	*s ^= *s << 5;
	return *s;
}

/* Some records follow at once, some after a moment: all windows get their turn. */
static void dawdle(u32 *s)
{
	for (u32 n = next(s) % 64; n; n--)
		__asm__ volatile("" ::: "memory");
}

static u64 record_len(u64 i, u64 max)
{
	return 1 + (i * 2654435761u >> 7) % (max < 200 ? max : 200);
}

static void ring_put(u64 off, const u8 *from, u64 n)
{
	for (u64 k = 0; k < n; k++)
		w.ring[(off + k) & (w.size - 1)] = from[k];
}

static void ring_get(u64 off, u8 *to, u64 n)
{
	for (u64 k = 0; k < n; k++)
		to[k] = w.ring[(off + k) & (w.size - 1)];
}

static void produce_one(struct siv_tx *tx, u64 i)
{
	u64 len = record_len(i, siv_ring_max_record(w.size));
	u64 need = siv_ring_need(len), room, off;
	u8 data[200], hdr[8] = { 0 };

	for (;;) {
		u32 seen = bell_look(&w.to_p);

		w.bad += siv_tx_room(tx, &room) != SIV_OK;
		if (room >= need)
			break;
		siv_tx_arm(tx, siv_tx_target(tx, need));
		w.bad += siv_tx_room(tx, &room) != SIV_OK;
		if (room >= need)
			break;
		bell_wait(&w.to_p, seen);
	}
	for (u64 k = 0; k < len; k++)
		data[k] = (u8)(i * 13 + k);
	siv_put_le32(hdr, (u32)len);
	off = siv_tx_offset(tx);
	ring_put(off, hdr, 8);
	ring_put(off + 8, data, len);
	if (siv_tx_publish(tx, need))
		bell_ring(&w.to_c);
}

static void *producer(void *arg)
{
	struct siv_tx tx;
	u32 s = 77;

	(void)arg;
	siv_tx_init(&tx, &w.p_side, &w.c_side, w.size);
	for (u64 i = 0; i < w.messages; i++) {
		dawdle(&s);
		produce_one(&tx, i);
	}
	siv_end_set(&w.p_side, SIV_END_WR);
	bell_ring(&w.to_c);
	return NULL;
}

/* Bytes to read, or 0 at the end of the stream. */
static u64 await(struct siv_rx *rx)
{
	u64 avail;

	for (;;) {
		u32 seen = bell_look(&w.to_c);

		w.bad += siv_rx_avail(rx, &avail) != SIV_OK;
		if (avail)
			return avail;
		siv_rx_arm(rx);
		if (siv_end_get(&w.p_side) & SIV_END_WR) {
			w.bad += siv_rx_avail(rx, &avail) != SIV_OK;
			return avail;
		}
		w.bad += siv_rx_avail(rx, &avail) != SIV_OK;
		if (avail)
			return avail;
		bell_wait(&w.to_c, seen);
	}
}

static u64 consume_all(void)
{
	struct siv_rx rx;
	u64 i = 0, avail, len, off;
	u32 s = 99;
	u8 data[200], hdr[8];

	siv_rx_init(&rx, &w.c_side, &w.p_side, w.size);
	while ((avail = await(&rx)) != 0) {
		off = siv_rx_offset(&rx);
		ring_get(off, hdr, 8);
		if (siv_rx_header(&rx, hdr, avail, &len) != SIV_OK ||
		    len != record_len(i, siv_ring_max_record(w.size))) {
			w.bad++;
			return i;
		}
		ring_get(off + 8, data, len);
		for (u64 k = 0; k < len; k++)
			w.bad += data[k] != (u8)(i * 13 + k);
		if (siv_rx_release(&rx, siv_ring_need(len)))
			bell_ring(&w.to_p);
		dawdle(&s);
		i++;
	}
	return i;
}

static void run(u64 size, u64 messages, bool spin)
{
	pthread_t t;
	u64 got;

	memset(&w, 0, sizeof(w));
	w.size = size;
	w.messages = messages;
	w.spin = spin;
	w.ring = calloc(1, size);
	assert_non_null(w.ring);
	alarm(HANG_SECONDS);
	assert_int_equal(pthread_create(&t, NULL, producer, NULL), 0);
	got = consume_all();
	pthread_join(t, NULL);
	alarm(0);
	free(w.ring);
	print_message(
		"ring %6llu: %llu messages, consumer slept %llu, producer %llu\n",
		(unsigned long long)size, (unsigned long long)got,
		(unsigned long long)w.to_c.slept,
		(unsigned long long)w.to_p.slept);
	assert_int_equal(w.bad, 0);
	assert_int_equal(got, messages);
	/* it is the sleeping that is tested */
	assert_true(w.to_c.slept + w.to_p.slept > 0);
}

static void tiny_ring(void **state)
{
	(void)state;
	run(32, 150000, false);
}

static void small_ring(void **state)
{
	(void)state;
	run(64, 200000, false);
	run(512, 250000, false);
}

static void page_ring(void **state)
{
	(void)state;
	run(4096, 300000, false);
}

static void large_ring(void **state)
{
	(void)state;
	run(65536, 300000, false);
}

static void narrow_window(void **state)
{
	(void)state;
	run(32, NARROW, true);
	run(64, NARROW, true);
	run(256, NARROW, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tiny_ring),	 cmocka_unit_test(small_ring),
		cmocka_unit_test(page_ring),	 cmocka_unit_test(large_ring),
		cmocka_unit_test(narrow_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
