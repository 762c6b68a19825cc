// SPDX-License-Identifier: GPL-2.0-only
/*
 * core/ring.h as the kernel compiles it: what is written is read, in order, across the
 * ring's end and the counters' end, by two threads at once; and whatever the peer writes
 * into its page, nothing outside of the ring is read. (tests/unit has the exhaustive
 * versions.)
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/random.h>
#include <linux/slab.h>

#include "../core/ring.h"
#include "suites.h"

#define RING 4096

/* Both pages, one ring, and its two ends. */
struct fixture {
	struct siv_side a, b; /* A produces, B consumes */
	u8 ring[2 * RING];    /* twice in a row, as a mapping has it */
	struct siv_tx tx;
	struct siv_rx rx;
};

static int ring_init(struct kunit *test)
{
	struct fixture *x = kunit_kzalloc(test, sizeof(*x), GFP_KERNEL);

	if (!x)
		return -ENOMEM;
	siv_tx_init(&x->tx, &x->a, (struct siv_side __peer *)&x->b, RING);
	siv_rx_init(&x->rx, &x->b, (struct siv_side __peer *)&x->a, RING);
	test->priv = x;
	return 0;
}

/* Both ends as after @pos bytes. */
static void begin_at(struct fixture *x, u64 pos)
{
	x->tx.prod = pos;
	x->tx.cons = pos;
	x->rx.prod = pos;
	x->rx.cons = pos;
	x->a.prod = pos;
	x->b.cons = pos;
}

/* Write into both copies. */
static void ring_write(struct fixture *x, u64 off, const void *p, size_t n)
{
	const u8 *from = p;
	size_t i;

	for (i = 0; i < n; i++) {
		u64 at = (off + i) & (RING - 1);

		WRITE_ONCE(x->ring[at], from[i]);
		WRITE_ONCE(x->ring[at + RING], from[i]);
	}
}

static bool send(struct fixture *x, const void *p, u32 n)
{
	u64 room, off = siv_tx_offset(&x->tx);
	u8 hdr[SIV_RECORD_HDR] = { 0 };

	if (siv_tx_room(&x->tx, &room) != SIV_OK || room < siv_ring_need(n))
		return false;
	siv_put_le32(hdr, n);
	ring_write(x, off, hdr, sizeof(hdr));
	ring_write(x, off + sizeof(hdr), p, n);
	siv_tx_publish(&x->tx, siv_ring_need(n));
	return true;
}

/* 0: nothing there; else the record's length. */
static u64 receive(struct fixture *x, u8 *out, enum siv_reason *r)
{
	u64 avail, len, off = siv_rx_offset(&x->rx);
	u8 hdr[SIV_RECORD_HDR];

	*r = siv_rx_avail(&x->rx, &avail);
	if (*r != SIV_OK || avail < SIV_RECORD_HDR)
		return 0;
	siv_rx_header_load(hdr, (const u8 __peer *)x->ring + off);
	*r = siv_rx_header(&x->rx, hdr, avail, &len);
	if (*r != SIV_OK)
		return 0;
	memcpy(out, x->ring + off + SIV_RECORD_HDR, len);
	siv_rx_release(&x->rx, siv_ring_need(len));
	return len;
}

/* Record @i: its length and its bytes. */
static u32 record(unsigned int i, u8 *out)
{
	u32 n = 1 + i * 7919 % (siv_ring_max_record(RING)), k;

	for (k = 0; k < n; k++)
		out[k] = i + k;
	return n;
}

static void keeps_records(struct kunit *test)
{
	/* the middle, the ring's end, the counters' end */
	static const u64 start[] = { 0, RING - 8, 0 - (u64)8,
				     0 - (u64)3 * RING };
	struct fixture *x = test->priv;
	u8 *want = kunit_kzalloc(test, RING, GFP_KERNEL);
	u8 *got = kunit_kzalloc(test, RING, GFP_KERNEL);
	enum siv_reason r;
	unsigned int s, i;

	for (s = 0; s < ARRAY_SIZE(start); s++) {
		begin_at(x, start[s]);
		for (i = 0; i < 300; i++) {
			u32 n = record(i, want);

			KUNIT_ASSERT_TRUE(test, send(x, want, n));
			KUNIT_ASSERT_EQ(test, receive(x, got, &r), n);
			KUNIT_ASSERT_EQ(test, memcmp(want, got, n), 0);
			KUNIT_ASSERT_EQ(test, receive(x, got, &r), 0);
			KUNIT_ASSERT_EQ(test, r, SIV_OK);
		}
	}
}

static void fills_up(struct kunit *test)
{
	struct fixture *x = test->priv;
	u8 b[8] = { 0 }, got[8];
	enum siv_reason r;
	unsigned int n = 0;

	while (send(x, b, sizeof(b)))
		n++;
	KUNIT_EXPECT_EQ(test, n, RING / 16);
	KUNIT_EXPECT_EQ(test, receive(x, got, &r), sizeof(b));
	KUNIT_EXPECT_TRUE(test, send(x, b, sizeof(b)));
	KUNIT_EXPECT_FALSE(test, send(x, b, 1));
}

struct race {
	struct fixture *x;
	unsigned int records;
	struct completion done;
};

static int produce(void *arg)
{
	struct race *race = arg;
	u8 *buf = kmalloc(RING, GFP_KERNEL);
	unsigned int i;

	for (i = 0; buf && i < race->records; i++) {
		u32 n = record(i, buf);

		while (!send(race->x, buf, n))
			schedule();
	}
	kfree(buf);
	complete(&race->done);
	return 0;
}

static void two_threads(struct kunit *test)
{
	struct race race = { .x = test->priv, .records = 5000 };
	u8 *want = kunit_kzalloc(test, RING, GFP_KERNEL);
	u8 *got = kunit_kzalloc(test, RING, GFP_KERNEL);
	struct task_struct *thread;
	unsigned int i, bad = 0;
	enum siv_reason r;

	init_completion(&race.done);
	thread = kthread_run(produce, &race, "siv-producer");
	KUNIT_ASSERT_FALSE(test, IS_ERR(thread));
	for (i = 0; i < race.records; i++) {
		u32 n = record(i, want);
		u64 len;

		while (!(len = receive(race.x, got, &r)) && r == SIV_OK)
			schedule();
		bad += r != SIV_OK || len != n || memcmp(want, got, n);
	}
	wait_for_completion(&race.done);
	KUNIT_EXPECT_EQ(test, bad, 0);
}

/* Positions that no honest peer writes. */
static void hostile_positions(struct kunit *test)
{
	static const u64 pos[] = { 0,
				   8 }; /* by how much both ends have moved */
	struct fixture *x = test->priv;
	unsigned int i;
	u64 v;

	for (i = 0; i < ARRAY_SIZE(pos); i++) {
		begin_at(x, 1000 * 8 + pos[i]);
		x->tx.prod += 64;
		x->rx.prod += 64;
		x->a.prod = x->rx.prod;
		/* the consumer may neither go back nor overtake */
		x->b.cons = x->tx.cons - 8;
		KUNIT_EXPECT_EQ(test, siv_tx_room(&x->tx, &v),
				SIV_R_RING_POSITION);
		KUNIT_EXPECT_EQ(test, v, 0);
		x->b.cons = x->tx.prod + 8;
		KUNIT_EXPECT_EQ(test, siv_tx_room(&x->tx, &v),
				SIV_R_RING_POSITION);
		x->b.cons = x->tx.cons + 4;
		KUNIT_EXPECT_EQ(test, siv_tx_room(&x->tx, &v),
				SIV_R_RING_POSITION);
		x->b.cons = U64_MAX;
		KUNIT_EXPECT_EQ(test, siv_tx_room(&x->tx, &v),
				SIV_R_RING_POSITION);
		/* the producer may neither go back nor be more than a ring ahead */
		x->a.prod = x->rx.prod - 8;
		KUNIT_EXPECT_EQ(test, siv_rx_avail(&x->rx, &v),
				SIV_R_RING_POSITION);
		KUNIT_EXPECT_EQ(test, v, 0);
		x->a.prod = x->rx.cons + RING + 8;
		KUNIT_EXPECT_EQ(test, siv_rx_avail(&x->rx, &v),
				SIV_R_RING_POSITION);
		x->a.prod = x->rx.prod + 4;
		KUNIT_EXPECT_EQ(test, siv_rx_avail(&x->rx, &v),
				SIV_R_RING_POSITION);
		x->a.prod = 0;
		KUNIT_EXPECT_EQ(test, siv_rx_avail(&x->rx, &v),
				SIV_R_RING_POSITION);
		x->a.prod = x->rx.cons + RING;
		KUNIT_EXPECT_EQ(test, siv_rx_avail(&x->rx, &v), SIV_OK);
		KUNIT_EXPECT_EQ(test, v, RING);
	}
}

static void hostile_headers(struct kunit *test)
{
	static const u32 bad[] = {
		0,	  RING / 2 - 7, RING / 2, RING,
		RING + 1, 0x80000000,	U32_MAX,  U32_MAX - 7
	};
	struct fixture *x = test->priv;
	u8 hdr[SIV_RECORD_HDR] = { 0 };
	unsigned int i;
	u64 len;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		siv_put_le32(hdr, bad[i]);
		KUNIT_EXPECT_EQ(test, siv_rx_header(&x->rx, hdr, RING, &len),
				SIV_R_RING_RECORD);
		KUNIT_EXPECT_EQ(test, len, 0);
	}
	siv_put_le32(hdr, 17);
	KUNIT_EXPECT_EQ(test, siv_rx_header(&x->rx, hdr, 32, &len), SIV_OK);
	KUNIT_EXPECT_EQ(test, len, 17);
	KUNIT_EXPECT_EQ(test, siv_rx_header(&x->rx, hdr, 24, &len),
			SIV_R_RING_RECORD);
	hdr[5] = 1; /* reserved */
	KUNIT_EXPECT_EQ(test, siv_rx_header(&x->rx, hdr, 32, &len),
			SIV_R_RING_RECORD);
}

/* Random pages: whatever is accepted lies inside the ring. */
static void random_pages(struct kunit *test)
{
	struct fixture *x = test->priv;
	unsigned int i;
	u8 hdr[SIV_RECORD_HDR];
	u64 avail, len;

	for (i = 0; i < 20000; i++) {
		u64 near = get_random_u32() % (3 * RING);

		begin_at(x, get_random_u64() & ~(u64)7);
		x->a.prod = i & 1 ? get_random_u64() : x->rx.cons + near - RING;
		get_random_bytes(hdr, sizeof(hdr));
		hdr[2] &= i & 2;
		memset(hdr + 3, 0, i & 4 ? 5 : 0);
		if (siv_rx_avail(&x->rx, &avail) != SIV_OK)
			continue;
		KUNIT_ASSERT_LE(test, avail, (u64)RING);
		KUNIT_ASSERT_LT(test, siv_rx_offset(&x->rx), (u64)RING);
		if (avail < sizeof(hdr) ||
		    siv_rx_header(&x->rx, hdr, avail, &len) != SIV_OK)
			continue;
		KUNIT_ASSERT_LE(test, siv_ring_need(len), avail);
		KUNIT_ASSERT_LE(test,
				siv_rx_offset(&x->rx) + SIV_RECORD_HDR + len,
				(u64)2 * RING);
	}
}

/* What a peer scribbles while we run, and the guards around what it cannot reach. */
enum {
	ACTS = 16000,
	SCRIBBLES =
		64000, /* however few turns a slow machine gives the scribbler */
	GUARD = 64,
	GUARDED = 0xa5,
};

struct scribble {
	struct fixture *x;
	struct siv_side *side; /* the peer's */
	siv_pos *pos;	       /* what it moves on, and our own of it */
	const siv_pos *ours;
	unsigned int done;
};

/* Mostly what may be, so that it is believed; sometimes anything. */
static int scribble(void *arg)
{
	struct scribble *s = arg;
	unsigned int i = 0;
	siv_pos pos;

	while (!kthread_should_stop()) {
		pos = READ_ONCE(*s->ours) + (get_random_u32() % RING & ~7U);
		if (!(get_random_u32() % 8))
			pos = get_random_u64();
		WRITE_ONCE(*s->pos, pos);
		/* headers, and whatever else the ring has */
		WRITE_ONCE(*(u64 *)(s->x->ring +
				    (get_random_u32() % (2 * RING) & ~7U)),
			   i & 1 ? get_random_u32() % RING : get_random_u64());
		WRITE_ONCE(s->side->end, get_random_u32());
		WRITE_ONCE(s->side->want_prod, get_random_u64());
		WRITE_ONCE(s->side->want_cons, get_random_u64());
		WRITE_ONCE(s->done, ++i);
		if (!(i % 64))
			cond_resched();
	}
	return 0;
}

/* Has one end's @acts been tried against enough of it? */
static bool scribbled(const struct scribble *s, unsigned int acts)
{
	return acts >= ACTS && READ_ONCE(s->done) >= SCRIBBLES;
}

static struct task_struct *scribble_begin(struct kunit *test,
					  struct scribble *s)
{
	struct task_struct *thread = kthread_run(scribble, s, "siv-scribbler");

	KUNIT_ASSERT_FALSE(test, IS_ERR(thread));
	return thread;
}

static bool guards_hold(const u8 *buf, size_t n)
{
	return !memchr_inv(buf, GUARDED, GUARD) &&
	       !memchr_inv(buf + GUARD + n, GUARDED, GUARD);
}

/* One look of the consumer's. Return: bytes of a record, 0 for none. */
static u64 look(struct kunit *test, struct fixture *x, u8 *out,
		enum siv_reason *r)
{
	u64 avail, len, off = siv_rx_offset(&x->rx);
	u8 hdr[SIV_RECORD_HDR];

	*r = siv_rx_avail(&x->rx, &avail);
	if (*r != SIV_OK)
		return 0;
	KUNIT_EXPECT_LE(test, avail, (u64)RING);
	KUNIT_EXPECT_LT(test, off, (u64)RING);
	if (avail < SIV_RECORD_HDR)
		return 0;
	siv_rx_header_load(hdr, (const u8 __peer *)x->ring + off);
	*r = siv_rx_header(&x->rx, hdr, avail, &len);
	if (*r != SIV_OK)
		return 0;
	KUNIT_EXPECT_LE(test, len, siv_ring_max_record(RING));
	KUNIT_EXPECT_LE(test, siv_ring_need(len), avail);
	memcpy(out, x->ring + off + SIV_RECORD_HDR, len);
	siv_rx_release(&x->rx, siv_ring_need(len));
	return len;
}

static void a_scribbling_producer(struct kunit *test)
{
	struct fixture *x = test->priv;
	struct scribble s = { x, &x->a, &x->a.prod, &x->rx.cons };
	const size_t max = siv_ring_max_record(RING);
	unsigned int i, records = 0, refused = 0;
	struct task_struct *thread;
	siv_pos own = x->b.prod;
	enum siv_reason r;
	u8 *buf;

	buf = kunit_kzalloc(test, max + 2 * GUARD, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, buf);
	memset(buf, GUARDED, max + 2 * GUARD);
	thread = scribble_begin(test, &s);
	for (i = 0; !scribbled(&s, i); i++) {
		if (look(test, x, buf + GUARD, &r))
			records++;
		refused += r != SIV_OK;
		/* a broken ring ends a channel: another one begins here */
		if (r != SIV_OK)
			x->rx.prod = x->rx.cons;
		if (siv_end_get((struct siv_side __peer *)&x->a) &
		    ~(SIV_END_WR | SIV_END_RD))
			KUNIT_FAIL(test, "a mark that is none");
		/* with one processor it is its turn now */
		if (!(i % 16))
			usleep_range(20, 50);
	}
	kthread_stop(thread);
	KUNIT_EXPECT_TRUE(test, guards_hold(buf, max));
	KUNIT_EXPECT_EQ(test, x->b.prod, own);
	KUNIT_EXPECT_GT(test, records, 0);
	KUNIT_EXPECT_GT(test, refused, 0);
	/* what it leaves behind is refused, and stays refused */
	x->rx.prod = x->rx.cons;
	x->a.prod = x->rx.cons + RING + 8;
	KUNIT_EXPECT_EQ(test, look(test, x, buf + GUARD, &r), 0);
	KUNIT_EXPECT_EQ(test, r, SIV_R_RING_POSITION);
	x->a.prod = x->rx.cons + 64;
	siv_put_le64(x->ring + siv_rx_offset(&x->rx), max + 1);
	KUNIT_EXPECT_EQ(test, look(test, x, buf + GUARD, &r), 0);
	KUNIT_EXPECT_EQ(test, r, SIV_R_RING_RECORD);
}

static void a_scribbling_consumer(struct kunit *test)
{
	struct fixture *x = test->priv;
	struct scribble s = { x, &x->b, &x->b.cons, &x->tx.cons };
	unsigned int i, written = 0, refused = 0;
	struct task_struct *thread;
	siv_pos cons = x->a.cons;
	u64 room, n;

	thread = scribble_begin(test, &s);
	for (i = 0; !scribbled(&s, i); i++) {
		if (siv_tx_room(&x->tx, &room) != SIV_OK) {
			refused++;
			KUNIT_EXPECT_EQ(test, room, 0);
			x->tx.cons = x->tx.prod; /* as above */
		} else {
			KUNIT_EXPECT_LE(test, room, (u64)RING);
			/* never what would pass the position that was believed */
			KUNIT_EXPECT_EQ(test, room,
					RING - (x->tx.prod - x->tx.cons));
			KUNIT_EXPECT_LT(test, siv_tx_offset(&x->tx), (u64)RING);
			n = min_t(u64, room, siv_ring_need(i % 2000)) & ~7ULL;
			siv_tx_publish(&x->tx, n);
			written += n > 0;
		}
		siv_end_get((struct siv_side __peer *)&x->b);
		/* with one processor it is its turn now */
		if (!(i % 16))
			usleep_range(20, 50);
	}
	kthread_stop(thread);
	KUNIT_EXPECT_EQ(test, x->a.prod, x->tx.prod);
	KUNIT_EXPECT_EQ(test, x->a.cons, cons);
	KUNIT_EXPECT_GT(test, written, 0);
	KUNIT_EXPECT_GT(test, refused, 0);
	x->tx.cons = x->tx.prod;
	x->b.cons = x->tx.prod + 8;
	KUNIT_EXPECT_EQ(test, siv_tx_room(&x->tx, &room), SIV_R_RING_POSITION);
	x->b.cons = x->tx.cons - 8;
	KUNIT_EXPECT_EQ(test, siv_tx_room(&x->tx, &room), SIV_R_RING_POSITION);
}

static void rings_on_crossing_only(struct kunit *test)
{
	struct fixture *x = test->priv;

	begin_at(x, 0 - (u64)16);
	x->b.want_prod = 8; /* beyond the counters' end */
	KUNIT_EXPECT_FALSE(test, siv_tx_publish(&x->tx, 16));
	KUNIT_EXPECT_TRUE(test, siv_tx_publish(&x->tx, 8));
	KUNIT_EXPECT_FALSE(test, siv_tx_publish(&x->tx, 8));
	siv_rx_arm(&x->rx);
	KUNIT_EXPECT_EQ(test, x->b.want_prod, x->rx.prod + 1);
}

static void end_marks(struct kunit *test)
{
	struct fixture *x = test->priv;
	const struct siv_side __peer *a = (struct siv_side __peer *)&x->a;

	KUNIT_EXPECT_EQ(test, siv_end_get(a), 0);
	siv_end_set(&x->a, SIV_END_WR);
	KUNIT_EXPECT_EQ(test, siv_end_get(a), SIV_END_WR);
	x->a.end = U64_MAX; /* other bits are nobody's */
	KUNIT_EXPECT_EQ(test, siv_end_get(a), SIV_END_WR | SIV_END_RD);
}

static struct kunit_case siv_ring_cases[] = {
	KUNIT_CASE(keeps_records),
	KUNIT_CASE(fills_up),
	KUNIT_CASE(two_threads),
	KUNIT_CASE(hostile_positions),
	KUNIT_CASE(hostile_headers),
	KUNIT_CASE(random_pages),
	KUNIT_CASE(a_scribbling_producer),
	KUNIT_CASE(a_scribbling_consumer),
	KUNIT_CASE(rings_on_crossing_only),
	KUNIT_CASE(end_marks),
	{},
};

struct kunit_suite siv_ring_suite = {
	.name = "siv_ring",
	.init = ring_init,
	.test_cases = siv_ring_cases,
};
