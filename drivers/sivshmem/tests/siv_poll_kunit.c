// SPDX-License-Identifier: GPL-2.0-only
/*
 * channel_wait.c's poll() beside another thread's read() and write(): whoever is told
 * that there is nothing to read, or no room, is rung by the peer's next step, although
 * the other thread moved our position between poll()'s look and its request.
 *
 * The request is written under a lock, and that is where the other thread acts here; so
 * the code under test is compiled once more, under other names and with a lock of this
 * file's. Doorbells are all there is: nothing here looks again by itself.
 */
#include <kunit/test.h>
#include <linux/sched/clock.h>
#include <linux/sched/signal.h>

/* What channel_wait.c makes. */
#define siv_spin_begin siv_poll_spin_begin
#define siv_spin_more siv_poll_spin_more
#define siv_spin_end siv_poll_spin_end
#define siv_channel_peer_marks siv_poll_peer_marks
#define siv_channel_arm_tx siv_poll_arm_tx
#define siv_channel_arm_rx siv_poll_arm_rx
#define siv_channel_bell_ring siv_poll_bell_ring
#define siv_channel_bell_recheck siv_poll_bell_recheck
#define siv_channel_poll siv_poll_poll
#define siv_channel_wait_ioctl siv_poll_wait_ioctl

#include "../event.h"
#include "fake_channel.h"
#include "suites.h"

enum {
	RING = 64,
	RECORD = 16, /* takes a record of 8 bytes; poll() wants as much */
	TRIES = 4,   /* of poll(), until it calls the channel busy */
};

/* What the other thread and the peer do between a look and its request. */
static void siv_poll_between(void);
/* ... and between a look at our position and one at the peer's. */
static void siv_poll_looks(void);

#undef spin_lock
#define spin_lock(lock)                    \
	do {                               \
		siv_poll_between();        \
		spin_lock_nested(lock, 0); \
	} while (0)
#define siv_peer_acquire(pos)            \
	({                               \
		siv_poll_looks();        \
		(siv_peer_acquire)(pos); \
	})
#include "../channel_wait.c"

struct fixture {
	struct siv_fake_lab *lab;
	struct siv_channel *ch;
	struct siv_tx peer_tx;
	struct siv_rx peer_rx;
	unsigned int between; /* so many times something happened in between */
	unsigned int times;   /* ... and so many it is to happen */
	void (*act)(struct fixture *x);
	void (*looks)(struct fixture *x); /* happens once */
};

static struct fixture *siv_poll_fixture;

static void siv_poll_between(void)
{
	struct fixture *x = siv_poll_fixture;

	if (x->between >= x->times)
		return;
	x->between++;
	x->act(x);
}

static void siv_poll_looks(void)
{
	struct fixture *x = siv_poll_fixture, was = *x;

	x->looks = NULL;
	if (was.looks)
		was.looks(x);
}

/* --------------------------------------------------------------------------- both ends */

/* Rings that are soon full, in the region of the laboratory's channel. */
static int poll_init(struct kunit *test)
{
	struct fixture *x = kunit_kzalloc(test, sizeof(*x), GFP_KERNEL);
	struct siv_side *own, *peer;

	if (!x)
		return -ENOMEM;
	test->priv = x;
	siv_poll_fixture = x;
	x->lab = siv_fake_lab_make(test);
	siv_fake_lab_open(x->lab);
	x->ch = x->lab->ch;
	own = x->ch->tx.ring.own;
	peer = siv_fake_lab_peer(x->lab);
	siv_tx_init(&x->ch->tx.ring, own, (struct siv_side __peer *)peer, RING);
	siv_rx_init(&x->ch->rx.ring, own, (struct siv_side __peer *)peer, RING);
	siv_tx_init(&x->peer_tx, peer, (struct siv_side __peer *)own, RING);
	siv_rx_init(&x->peer_rx, peer, (struct siv_side __peer *)own, RING);
	return 0;
}

static void poll_exit(struct kunit *test)
{
	struct fixture *x = test->priv;

	siv_fake_lab_free(x->lab);
}

/* The peer writes a record. Return: does it ring? */
static bool peer_writes(struct fixture *x)
{
	siv_put_le32((u8 __force *)x->ch->rx.base + siv_tx_offset(&x->peer_tx),
		     8);
	return siv_tx_publish(&x->peer_tx, RECORD);
}

/* The peer reads one. Return: does it ring? */
static bool peer_reads(struct fixture *x)
{
	return siv_rx_release(&x->peer_rx, RECORD);
}

/* Another thread of ours reads what there is. */
static void other_reads(struct fixture *x)
{
	u64 avail;

	if (siv_rx_avail(&x->ch->rx.ring, &avail) == SIV_OK && avail >= RECORD)
		siv_rx_release(&x->ch->rx.ring, RECORD);
}

/* Another thread of ours writes while there is room. */
static void other_writes(struct fixture *x)
{
	u64 room;

	while (siv_tx_room(&x->ch->tx.ring, &room) == SIV_OK && room >= RECORD)
		siv_tx_publish(&x->ch->tx.ring, RECORD);
}

static bool polled(struct fixture *x, __poll_t what)
{
	return siv_channel_poll(x->lab->file, NULL) & what;
}

/* --------------------------------------------------------------------------- the cases */

static void nobody_in_between(struct kunit *test)
{
	struct fixture *x = test->priv;

	KUNIT_EXPECT_FALSE(test, polled(x, EPOLLIN));
	KUNIT_EXPECT_TRUE(test, polled(x, EPOLLOUT));
	KUNIT_EXPECT_TRUE(test, peer_writes(x));
	KUNIT_EXPECT_TRUE(test, polled(x, EPOLLIN));
	other_reads(x);
	other_writes(x);
	KUNIT_EXPECT_FALSE(test, polled(x, EPOLLIN | EPOLLOUT));
	KUNIT_EXPECT_TRUE(test, peer_reads(x));
	KUNIT_EXPECT_TRUE(test, polled(x, EPOLLOUT));
	KUNIT_EXPECT_TRUE(test, peer_writes(x));
	KUNIT_EXPECT_TRUE(test, polled(x, EPOLLIN));
}

static void a_record_comes_and_is_read(struct fixture *x)
{
	peer_writes(x);
	other_reads(x);
}

static void a_reader_in_between(struct kunit *test)
{
	struct fixture *x = test->priv;

	x->act = a_record_comes_and_is_read;
	for (x->times = 1; x->times <= TRIES + 2; x->times++) {
		x->between = 0;
		if (polled(x, EPOLLIN)) {
			/* it may say so of a channel that somebody keeps reading */
			KUNIT_EXPECT_GE(test, x->between, TRIES);
			continue;
		}
		KUNIT_EXPECT_EQ(test, x->between, x->times);
		KUNIT_EXPECT_TRUE(test, peer_writes(x));
		KUNIT_EXPECT_TRUE(test, polled(x, EPOLLIN));
		other_reads(x);
	}
}

static void room_comes_and_is_filled(struct fixture *x)
{
	peer_reads(x);
	other_writes(x);
}

static void a_writer_in_between(struct kunit *test)
{
	struct fixture *x = test->priv;

	other_writes(x);
	x->act = room_comes_and_is_filled;
	for (x->times = 1; x->times <= TRIES + 2; x->times++) {
		x->between = 0;
		if (polled(x, EPOLLOUT)) {
			/* it may say so of a channel that somebody keeps writing */
			KUNIT_EXPECT_GE(test, x->between, TRIES);
			continue;
		}
		KUNIT_EXPECT_EQ(test, x->between, x->times);
		KUNIT_EXPECT_TRUE(test, peer_reads(x));
		KUNIT_EXPECT_TRUE(test, polled(x, EPOLLOUT));
		other_writes(x);
	}
}

/* The writer's window is the reader's as well. */
static void both_in_between(struct fixture *x)
{
	if (x->between == 1)
		a_record_comes_and_is_read(x);
	else
		room_comes_and_is_filled(x);
}

static void a_reader_and_a_writer_in_between(struct kunit *test)
{
	struct fixture *x = test->priv;

	other_writes(x);
	x->act = both_in_between;
	x->times = 2;
	KUNIT_EXPECT_FALSE(test, polled(x, EPOLLIN | EPOLLOUT));
	KUNIT_EXPECT_EQ(test, x->between, 2);
	KUNIT_EXPECT_TRUE(test, peer_writes(x));
	KUNIT_EXPECT_TRUE(test, peer_reads(x));
	KUNIT_EXPECT_TRUE(test, polled(x, EPOLLIN));
	KUNIT_EXPECT_TRUE(test, polled(x, EPOLLOUT));
}

/* What comes behind the end that the peer has proved ends nothing, and is no event. */
static void proved_end_stays_the_end(struct kunit *test)
{
	struct fixture *x = test->priv;

	WRITE_ONCE(x->ch->rx.fin, x->ch->rx.ring.cons);
	siv_fake_lab_peer(x->lab)->prod = x->ch->rx.ring.cons + 3;
	KUNIT_EXPECT_TRUE(test, polled(x, EPOLLIN));
	KUNIT_EXPECT_EQ(test, (int)x->ch->state, (int)SIVSHMEM_OPEN);
	/* without one it breaks the ring */
	WRITE_ONCE(x->ch->rx.fin, SIV_NO_FIN);
	polled(x, EPOLLIN);
	KUNIT_EXPECT_EQ(test, (int)x->ch->state, (int)SIVSHMEM_ENDED);
}

/* The last record is read and its end is known; the peer goes on writing. */
static void the_end_is_read(struct fixture *x)
{
	other_reads(x);
	WRITE_ONCE(x->ch->rx.fin, x->ch->rx.ring.cons);
	siv_fake_lab_peer(x->lab)->prod = x->ch->rx.ring.cons + 3;
}

static void proved_end_is_read_in_between(struct kunit *test)
{
	struct fixture *x = test->priv;

	peer_writes(x);
	x->looks = the_end_is_read;
	KUNIT_EXPECT_TRUE(test, polled(x, EPOLLIN));
	KUNIT_EXPECT_NULL(test, x->looks);
	KUNIT_EXPECT_TRUE(test, polled(x, EPOLLIN));
	KUNIT_EXPECT_EQ(test, (int)x->ch->state, (int)SIVSHMEM_OPEN);
}

/* Another thread's mapping moves on by more than a ring: that breaks no rule of read()'s. */
static void it_is_mapped(struct fixture *x)
{
	WRITE_ONCE(x->ch->mode, SIV_MODE_MAP);
	x->ch->tx.ring.own->cons = 2 * RING + 8;
	siv_fake_lab_peer(x->lab)->prod = 2 * RING + 8;
}

static void mapped_in_between(struct kunit *test)
{
	struct fixture *x = test->priv;

	x->act = it_is_mapped;
	x->times = 1;
	KUNIT_EXPECT_FALSE(test, polled(x, EPOLLIN));
	KUNIT_EXPECT_EQ(test, x->between, 1);
	KUNIT_EXPECT_EQ(test, (int)x->ch->state, (int)SIVSHMEM_OPEN);
}

static struct kunit_case siv_poll_cases[] = {
	KUNIT_CASE(nobody_in_between),
	KUNIT_CASE(a_reader_in_between),
	KUNIT_CASE(a_writer_in_between),
	KUNIT_CASE(a_reader_and_a_writer_in_between),
	KUNIT_CASE(proved_end_stays_the_end),
	KUNIT_CASE(proved_end_is_read_in_between),
	KUNIT_CASE(mapped_in_between),
	{},
};

struct kunit_suite siv_poll_suite = {
	.name = "siv_poll",
	.init = poll_init,
	.exit = poll_exit,
	.test_cases = siv_poll_cases,
};
