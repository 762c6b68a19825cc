// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ephemerals made in advance: never more than 16, none older than 60 seconds is given
 * out, each is given out once, and none is left in memory after it was taken, became too
 * old, or its session ended.
 */
#include <linux/slab.h>

#include "../ephemeral.h"
#include "fake_talk.h"
#include "suites.h"

enum {
	MOST = 16,
	AGE_MS = 60 * 1000,
	TAKES = 40,
};

struct fixture {
	struct siv_fake_talk *fake;
	struct siv_pool *pool;
	struct siv_ephemeral taken[TAKES];
};

static int ephemeral_init(struct kunit *test)
{
	struct fixture *x = kunit_kzalloc(test, sizeof(*x), GFP_KERNEL);

	if (!x)
		return -ENOMEM;
	test->priv = x;
	x->fake = siv_fake_talk_make(test);
	x->pool = &x->fake->talk.pool;
	return 0;
}

static void ephemeral_exit(struct kunit *test)
{
	struct fixture *x = test->priv;

	siv_fake_talk_settle();
	KUNIT_EXPECT_EQ(test, x->fake->refs, 0);
	siv_fake_talk_free(x->fake);
}

/* Take one; what was queued by it is done. */
static void take(struct kunit *test, struct siv_ephemeral *out)
{
	struct fixture *x = test->priv;

	KUNIT_ASSERT_EQ(test, siv_pool_take(&x->fake->talk, out), SIV_OK);
	siv_fake_talk_settle();
}

static bool slots_wiped(const struct siv_pool *pool, unsigned int from)
{
	return !memchr_inv(pool->keys + from, 0,
			   (SIV_POOL_MAX - from) * sizeof(pool->keys[0]));
}

static void fill(struct kunit *test)
{
	struct fixture *x = test->priv;
	unsigned int i;

	for (i = 0; i < MOST; i++)
		take(test, &x->taken[0]);
	KUNIT_ASSERT_EQ(test, x->pool->count, MOST);
}

static void at_most_16_are_kept(struct kunit *test)
{
	struct fixture *x = test->priv;
	unsigned int i;

	KUNIT_EXPECT_EQ(test, sizeof(x->pool->keys),
			MOST * sizeof(x->taken[0]));
	for (i = 0; i < TAKES; i++) {
		take(test, &x->taken[i]);
		KUNIT_ASSERT_LE(test, x->pool->count, MOST);
		KUNIT_EXPECT_LE(test, x->pool->target, MOST);
	}
	KUNIT_EXPECT_EQ(test, x->pool->count, MOST);
}

static void each_is_given_out_once(struct kunit *test)
{
	struct fixture *x = test->priv;
	unsigned int i, k;

	for (i = 0; i < TAKES; i++) {
		take(test, &x->taken[i]);
		for (k = 0; k < x->pool->count; k++)
			KUNIT_EXPECT_NE(test,
					memcmp(&x->taken[i], &x->pool->keys[k],
					       sizeof(x->taken[i])),
					0);
		for (k = 0; k < i; k++)
			KUNIT_EXPECT_NE(test,
					memcmp(x->taken[i].priv,
					       x->taken[k].priv, SIV_KEY_LEN),
					0);
	}
}

static void what_is_taken_is_not_left(struct kunit *test)
{
	struct fixture *x = test->priv;
	unsigned int n;

	fill(test);
	/* nothing is made while the session is over, so the pool empties */
	x->fake->talk.state = SIV_TALK_ENDED;
	for (n = MOST; n--;) {
		take(test, &x->taken[0]);
		KUNIT_EXPECT_EQ(test, x->pool->count, n);
		KUNIT_EXPECT_TRUE(test, slots_wiped(x->pool, n));
	}
	/* an empty pool: one is made here and now */
	take(test, &x->taken[0]);
	KUNIT_EXPECT_NOT_NULL(test,
			      memchr_inv(&x->taken[0], 0, sizeof(x->taken[0])));
	KUNIT_EXPECT_EQ(test, x->pool->count, 0);
}

static void old_ones_are_wiped(struct kunit *test)
{
	struct fixture *x = test->priv;
	u8 old[SIV_KEY_LEN];
	unsigned int i;

	fill(test);
	siv_fake_ms += AGE_MS - 1;
	siv_pool_expire(x->pool);
	KUNIT_EXPECT_EQ(test, x->pool->count, MOST);
	/* one is younger than the others: it is made after one was taken */
	take(test, &x->taken[0]);
	KUNIT_EXPECT_EQ(test, x->pool->count, MOST);
	memcpy(old, x->pool->keys[MOST - 1].pub, SIV_KEY_LEN);
	siv_fake_ms++;
	siv_pool_expire(x->pool);
	KUNIT_EXPECT_EQ(test, x->pool->count, 1);
	KUNIT_EXPECT_EQ(test, memcmp(old, x->pool->keys[0].pub, SIV_KEY_LEN),
			0);
	KUNIT_EXPECT_TRUE(test, slots_wiped(x->pool, 1));
	/* fewer are made from now on */
	KUNIT_EXPECT_EQ(test, x->pool->target, MOST / 2);
	for (i = 0; i < 5; i++) {
		siv_fake_ms += AGE_MS;
		siv_pool_expire(x->pool);
	}
	KUNIT_EXPECT_TRUE(test, slots_wiped(x->pool, 0));
}

/* Without anybody having looked since: the taker looks. */
static void an_old_one_is_not_given_out(struct kunit *test)
{
	struct fixture *x = test->priv;
	struct siv_ephemeral old[MOST];
	unsigned int i;

	fill(test);
	memcpy(old, x->pool->keys, sizeof(old));
	siv_fake_ms += AGE_MS;
	take(test, &x->taken[0]);
	for (i = 0; i < MOST; i++)
		KUNIT_EXPECT_NE(
			test, memcmp(&x->taken[0], &old[i], sizeof(old[i])), 0);
}

static void draining_wipes_all(struct kunit *test)
{
	struct fixture *x = test->priv;

	fill(test);
	siv_pool_drain(x->pool);
	KUNIT_EXPECT_EQ(test, x->pool->count, 0);
	KUNIT_EXPECT_TRUE(test, slots_wiped(x->pool, 0));
}

static void drain(struct siv_talk *talk)
{
	container_of(talk, struct siv_fake_talk, talk)->hh = NULL;
	talk->state = SIV_TALK_ENDED;
	siv_pool_drain(&talk->pool);
}

/* The session ends, or the machine is copied, while the refill makes a key. */
static void none_is_added_after_a_drain(struct kunit *test)
{
	struct fixture *x = test->priv;

	fill(test);
	x->fake->hh = drain;
	take(test, &x->taken[0]);
	KUNIT_EXPECT_NULL(test, x->fake->hh);
	KUNIT_EXPECT_EQ(test, x->pool->count, 0);
	KUNIT_EXPECT_TRUE(test, slots_wiped(x->pool, 0));
}

static struct kunit_case siv_ephemeral_cases[] = {
	KUNIT_CASE(at_most_16_are_kept),
	KUNIT_CASE(each_is_given_out_once),
	KUNIT_CASE(what_is_taken_is_not_left),
	KUNIT_CASE(old_ones_are_wiped),
	KUNIT_CASE(an_old_one_is_not_given_out),
	KUNIT_CASE(draining_wipes_all),
	KUNIT_CASE(none_is_added_after_a_drain),
	{},
};

struct kunit_suite siv_ephemeral_suite = {
	.name = "siv_ephemeral",
	.init = ephemeral_init,
	.exit = ephemeral_exit,
	.test_cases = siv_ephemeral_cases,
};
