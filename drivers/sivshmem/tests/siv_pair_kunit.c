// SPDX-License-Identifier: GPL-2.0-only
/*
 * pair.c keeps at most 64 pairs' secrets, the least recently used goes first, none that
 * was not used for ten minutes or whose certificate is over; what goes is overwritten,
 * and nothing is kept of a talk that has ended. At most 512 certificates are known.
 */
#include <linux/slab.h>

#include "../pair.h"
#include "fake_talk.h"
#include "siv_keys_fixture.h"
#include "suites.h"

enum {
	KEPT = 64,
	KNOWN = 512,
	IDLE_MS = 10 * 60 * 1000,
	PAIRS = KEPT + 6,
};

struct fixture {
	struct siv_fake_talk *fake;
	struct siv_pair *pair[PAIRS];
};

/* In the talk's table, as siv_pair_find() leaves it; one reference is the test's. */
static struct siv_pair *pair_make(struct kunit *test, struct siv_talk *talk,
				  unsigned int i)
{
	struct siv_pair *pair = kzalloc(sizeof(*pair), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, pair);
	kref_init(&pair->ref);
	siv_pair_get(pair);
	mutex_init(&pair->verify);
	INIT_LIST_HEAD(&pair->recent);
	pair->cert.pub[0] = 9;
	pair->cert.pub[1] = i;
	pair->cert.hash[0] = i;
	pair->cert.not_after = S64_MAX;
	mutex_lock(&talk->host->lock);
	list_add_tail(&pair->link, &talk->pairs);
	talk->pair_count++;
	mutex_unlock(&talk->host->lock);
	return pair;
}

static int pair_init(struct kunit *test)
{
	struct fixture *x = kunit_kzalloc(test, sizeof(*x), GFP_KERNEL);
	unsigned int i;

	if (!x)
		return -ENOMEM;
	test->priv = x;
	x->fake = siv_fake_talk_make(test);
	for (i = 0; i < PAIRS; i++)
		x->pair[i] = pair_make(test, &x->fake->talk, i);
	return 0;
}

static void drop_all(struct fixture *x)
{
	mutex_lock(&x->fake->host.lock);
	siv_pairs_drop(&x->fake->talk);
	mutex_unlock(&x->fake->host.lock);
}

static void pair_exit(struct kunit *test)
{
	struct fixture *x = test->priv;
	unsigned int i;

	drop_all(x);
	for (i = 0; i < PAIRS; i++)
		siv_pair_put(x->pair[i]);
	siv_fake_talk_free(x->fake);
}

/* Ask for a pair's secret. Return: was it computed, or at hand? */
static bool computed(struct kunit *test, unsigned int i)
{
	struct fixture *x = test->priv;
	bool had = x->pair[i]->has_prk;
	u8 prk[SIV_HASH_LEN];
	u64 ns = 0;

	KUNIT_ASSERT_EQ(test,
			siv_pair_secret(&x->fake->talk, x->pair[i], prk, &ns),
			SIV_OK);
	KUNIT_EXPECT_NOT_NULL(test, memchr_inv(prk, 0, sizeof(prk)));
	KUNIT_EXPECT_EQ(test, had, ns == 0);
	return ns != 0;
}

static bool kept(const struct siv_pair *pair)
{
	return pair->has_prk && memchr_inv(pair->prk, 0, SIV_HASH_LEN);
}

/* Not merely marked. */
static bool wiped(const struct siv_pair *pair)
{
	return !pair->has_prk && !memchr_inv(pair->prk, 0, SIV_HASH_LEN) &&
	       list_empty(&pair->recent);
}

static unsigned int count_kept(struct fixture *x)
{
	unsigned int i, n = 0;

	for (i = 0; i < PAIRS; i++)
		n += kept(x->pair[i]);
	return n;
}

static void a_secret_is_computed_once(struct kunit *test)
{
	struct fixture *x = test->priv;

	KUNIT_EXPECT_TRUE(test, wiped(x->pair[0]));
	KUNIT_EXPECT_TRUE(test, computed(test, 0));
	KUNIT_EXPECT_TRUE(test, kept(x->pair[0]));
	KUNIT_EXPECT_FALSE(test, computed(test, 0));
	KUNIT_EXPECT_TRUE(test, computed(test, 1));
	KUNIT_EXPECT_NE(test,
			memcmp(x->pair[0]->prk, x->pair[1]->prk, SIV_HASH_LEN),
			0);
}

static void at_most_64_are_kept(struct kunit *test)
{
	struct fixture *x = test->priv;
	unsigned int i;

	for (i = 0; i < KEPT; i++)
		KUNIT_EXPECT_TRUE(test, computed(test, i));
	KUNIT_EXPECT_EQ(test, count_kept(x), KEPT);
	/* the first one is used again, so the second goes */
	KUNIT_EXPECT_FALSE(test, computed(test, 0));
	KUNIT_EXPECT_TRUE(test, computed(test, KEPT));
	KUNIT_EXPECT_EQ(test, count_kept(x), KEPT);
	KUNIT_EXPECT_EQ(test, x->fake->host.prk_count, KEPT);
	KUNIT_EXPECT_TRUE(test, kept(x->pair[0]));
	KUNIT_EXPECT_TRUE(test, wiped(x->pair[1]));
	for (i = KEPT + 1; i < PAIRS; i++)
		KUNIT_EXPECT_TRUE(test, computed(test, i));
	for (i = 1; i <= PAIRS - KEPT; i++)
		KUNIT_EXPECT_TRUE(test, wiped(x->pair[i]));
	KUNIT_EXPECT_EQ(test, count_kept(x), KEPT);
	KUNIT_EXPECT_TRUE(test, computed(test, 1));
}

static void idle_ones_are_wiped(struct kunit *test)
{
	struct fixture *x = test->priv;

	computed(test, 0);
	computed(test, 1);
	siv_fake_ms += IDLE_MS - 1;
	siv_pairs_expire(&x->fake->host);
	KUNIT_EXPECT_EQ(test, count_kept(x), 2);
	computed(test, 1);
	siv_fake_ms++;
	siv_pairs_expire(&x->fake->host);
	KUNIT_EXPECT_TRUE(test, wiped(x->pair[0]));
	KUNIT_EXPECT_TRUE(test, kept(x->pair[1]));
	siv_fake_ms += IDLE_MS - 1;
	siv_pairs_expire(&x->fake->host);
	KUNIT_EXPECT_TRUE(test, wiped(x->pair[1]));
	KUNIT_EXPECT_EQ(test, x->fake->host.prk_count, 0);
	KUNIT_EXPECT_TRUE(test, list_empty(&x->fake->host.prks));
}

static void a_certificates_end_wipes(struct kunit *test)
{
	struct fixture *x = test->priv;

	computed(test, 0);
	computed(test, 1);
	computed(test, 2);
	x->pair[0]->cert.not_after = siv_fake_time;
	siv_pairs_expire(&x->fake->host);
	KUNIT_EXPECT_TRUE(test, kept(x->pair[0]));
	siv_fake_time++;
	siv_pairs_expire(&x->fake->host);
	KUNIT_EXPECT_TRUE(test, wiped(x->pair[0]));
	/* not before it begins, either; and not in between two looks */
	x->pair[1]->cert.not_before = siv_fake_time + 1;
	KUNIT_EXPECT_EQ(test, siv_pair_verify(&x->fake->talk, x->pair[1], 1),
			SIV_R_CERT_NOT_YET);
	KUNIT_EXPECT_TRUE(test, wiped(x->pair[1]));
	KUNIT_EXPECT_TRUE(test, kept(x->pair[2]));
}

/* There is no anchor, or not the one that gave the verdict. */
static void a_missing_anchor_wipes(struct kunit *test)
{
	struct fixture *x = test->priv;

	computed(test, 0);
	x->pair[0]->anchor = 1234;
	x->pair[0]->verified_ms = siv_fake_ms;
	KUNIT_EXPECT_NE(test, siv_pair_verify(&x->fake->talk, x->pair[0], 1),
			SIV_OK);
	KUNIT_EXPECT_TRUE(test, wiped(x->pair[0]));
}

static void dropping_wipes_all(struct kunit *test)
{
	struct fixture *x = test->priv;
	unsigned int i;

	for (i = 0; i < PAIRS; i++)
		computed(test, i);
	drop_all(x);
	for (i = 0; i < PAIRS; i++)
		KUNIT_EXPECT_TRUE(test, wiped(x->pair[i]));
	KUNIT_EXPECT_EQ(test, x->fake->host.prk_count, 0);
	KUNIT_EXPECT_EQ(test, x->fake->talk.pair_count, 0);
	/* a handshake that still holds a pair leaves nothing behind */
	KUNIT_EXPECT_TRUE(test, computed(test, 0));
	KUNIT_EXPECT_TRUE(test, wiped(x->pair[0]));
}

static void an_ended_talk_keeps_none(struct kunit *test)
{
	struct fixture *x = test->priv;
	u8 prk[SIV_HASH_LEN];
	u64 ns = 0;

	x->fake->talk.state = SIV_TALK_ENDED;
	KUNIT_EXPECT_TRUE(test, computed(test, 0));
	KUNIT_EXPECT_TRUE(test, wiped(x->pair[0]));
	/* and of an identity that has ended nothing is computed */
	x->fake->id.ended = SIV_R_KEY_REVOKED;
	KUNIT_EXPECT_EQ(test,
			siv_pair_secret(&x->fake->talk, x->pair[1], prk, &ns),
			SIV_R_KEY_REVOKED);
}

static enum siv_reason find(struct fixture *x, struct siv_pair **pair)
{
	struct siv_span der = { siv_fixture_cert, sizeof(siv_fixture_cert) };
	u8 hash[SIV_HASH_LEN];

	siv_sha256v(hash, &der, 1);
	return siv_pair_find(&x->fake->talk, hash, der, pair);
}

static void at_most_512_are_known(struct kunit *test)
{
	struct fixture *x = test->priv;
	unsigned int real = x->fake->talk.pair_count;
	struct siv_pair *pair = NULL, *again = NULL;

	x->fake->talk.pair_count = KNOWN;
	KUNIT_EXPECT_EQ(test, find(x, &pair), SIV_R_QUOTA);
	KUNIT_EXPECT_NULL(test, pair);
	/* another session forgets them all, so it is asked for */
	KUNIT_EXPECT_EQ(test, x->fake->hellos, 1);
	x->fake->talk.pair_count = KNOWN - 1;
	KUNIT_ASSERT_EQ(test, find(x, &pair), SIV_OK);
	KUNIT_EXPECT_EQ(test, x->fake->talk.pair_count, KNOWN);
	KUNIT_EXPECT_EQ(test, find(x, &again), SIV_OK);
	KUNIT_EXPECT_PTR_EQ(test, pair, again);
	siv_pair_put(pair);
	siv_pair_put(again);
	x->fake->talk.pair_count = real + 1;
}

static struct kunit_case siv_pair_cases[] = {
	KUNIT_CASE(a_secret_is_computed_once),
	KUNIT_CASE(at_most_64_are_kept),
	KUNIT_CASE(idle_ones_are_wiped),
	KUNIT_CASE(a_certificates_end_wipes),
	KUNIT_CASE(a_missing_anchor_wipes),
	KUNIT_CASE(dropping_wipes_all),
	KUNIT_CASE(an_ended_talk_keeps_none),
	KUNIT_CASE(at_most_512_are_known),
	{},
};

struct kunit_suite siv_pair_suite = {
	.name = "siv_pair",
	.suite_init = siv_suite_keys_init,
	.suite_exit = siv_suite_keys_exit,
	.init = pair_init,
	.exit = pair_exit,
	.test_cases = siv_pair_cases,
};
