// SPDX-License-Identifier: GPL-2.0-only
/*
 * core/ring.h looks once at each word of the peer's, and uses what it has judged: here the
 * peer has its turn right after a look, and a second one would find what no rule allows.
 */
#include "../core/platform.h"
#include "suites.h"

static u64 siv_look(const u64 *word);

#undef virt_load_acquire
/* one thread is always in order */
#define virt_load_acquire(p) siv_look(p)
#undef READ_ONCE
#define READ_ONCE(x) siv_look(&(x))
#include "../core/ring.h"

#define RING 4096

/* Both pages, a header, and two ends. */
struct fixture {
	struct siv_side a, b; /* A produces, B consumes */
	u64 header;
	struct siv_tx tx;
	struct siv_rx rx;
};

/* Where the peer waits, what it writes after a look, and how often there was one. */
static struct {
	u64 *word;
	u64 then;
	unsigned int looks;
} turn;

static u64 siv_look(const u64 *word)
{
	u64 seen = __READ_ONCE(*word);

	if (word == turn.word) {
		turn.looks++;
		WRITE_ONCE(*turn.word, turn.then);
	}
	return seen;
}

static void waits(u64 *word, u64 now, u64 then)
{
	*word = now;
	turn.word = word;
	turn.then = then;
	turn.looks = 0;
}

static void looked_once(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, turn.looks, 1);
	turn.word = NULL;
}

static void at_what_was_written(struct kunit *test)
{
	struct fixture *x = test->priv;
	u64 avail;

	waits(&x->a.prod, 64, 3);
	KUNIT_EXPECT_EQ(test, siv_rx_avail(&x->rx, &avail), SIV_OK);
	KUNIT_EXPECT_EQ(test, avail, 64);
	KUNIT_EXPECT_EQ(test, x->rx.prod, 64);
	looked_once(test);
}

static void at_what_was_read(struct kunit *test)
{
	struct fixture *x = test->priv;
	u64 room;

	siv_tx_publish(&x->tx, 128);
	waits(&x->b.cons, 64, RING);
	KUNIT_EXPECT_EQ(test, siv_tx_room(&x->tx, &room), SIV_OK);
	KUNIT_EXPECT_EQ(test, room, RING - 64);
	KUNIT_EXPECT_EQ(test, x->tx.cons, 64);
	looked_once(test);
}

static void at_a_header(struct kunit *test)
{
	struct fixture *x = test->priv;
	u8 hdr[SIV_RECORD_HDR];
	u64 len, now;

	siv_put_le64((u8 *)&now, 40);
	waits(&x->header, now, U64_MAX);
	siv_rx_header_load(hdr, (const u8 __peer *)&x->header);
	KUNIT_EXPECT_EQ(test, siv_rx_header(&x->rx, hdr, 64, &len), SIV_OK);
	KUNIT_EXPECT_EQ(test, len, 40);
	looked_once(test);
}

static void at_marks(struct kunit *test)
{
	struct fixture *x = test->priv;

	waits(&x->a.end, SIV_END_WR, SIV_END_RD);
	KUNIT_EXPECT_EQ(test, siv_end_get((struct siv_side __peer *)&x->a),
			SIV_END_WR);
	looked_once(test);
}

/* 16 bytes are crossed; what the request says after the look would not be. */
static void at_requests(struct kunit *test)
{
	struct fixture *x = test->priv;

	waits(&x->b.want_prod, 8, 1000);
	KUNIT_EXPECT_TRUE(test, siv_tx_publish(&x->tx, 16));
	looked_once(test);
	waits(&x->a.want_cons, 8, 1000);
	KUNIT_EXPECT_TRUE(test, siv_rx_release(&x->rx, 16));
	looked_once(test);
}

static int look_init(struct kunit *test)
{
	struct fixture *x = kunit_kzalloc(test, sizeof(*x), GFP_KERNEL);

	if (!x)
		return -ENOMEM;
	siv_tx_init(&x->tx, &x->a, (struct siv_side __peer *)&x->b, RING);
	siv_rx_init(&x->rx, &x->b, (struct siv_side __peer *)&x->a, RING);
	test->priv = x;
	return 0;
}

static struct kunit_case siv_look_cases[] = {
	KUNIT_CASE(at_what_was_written), KUNIT_CASE(at_what_was_read),
	KUNIT_CASE(at_a_header),	 KUNIT_CASE(at_marks),
	KUNIT_CASE(at_requests),	 {},
};

struct kunit_suite siv_look_suite = {
	.name = "siv_look",
	.init = look_init,
	.test_cases = siv_look_cases,
};
