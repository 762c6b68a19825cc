// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the peer has not read of a closed channel stays ten seconds, and no longer: it goes
 * at once when it was read, or when the peer says that nobody reads any more.
 */
#include <kunit/test.h>

#include "acts.h"
#include "suites.h"

enum {
	LINGER_MS = 10000,
	RECORD = 16, /* what a record of four bytes takes */
};

/* The owner writes a record and closes; the peer reads nothing. */
static void closes_unread(struct siv_fake_lab *lab)
{
	siv_fake_lab_open(lab);
	siv_act_writes(lab);
	siv_fake_lab_close(lab);
}

/* All is there for the peer, and the host has not heard that the memory is free. */
static void is_kept(struct kunit *test)
{
	struct siv_fake_lab *lab = test->priv;
	const struct siv_geometry *geo = &lab->hw->dev->geo;
	struct siv_side *own = lab->ch->tx.ring.own;
	struct siv_rx rx;
	u64 avail = 0;

	siv_act_looks(lab);
	KUNIT_EXPECT_EQ(test, lab->ch->state, SIVSHMEM_OPEN);
	KUNIT_EXPECT_FALSE(test, lab->ch->windows.gone);
	KUNIT_EXPECT_EQ(test, lab->talk->said, 0);
	siv_rx_init(&rx, siv_fake_lab_peer(lab), (struct siv_side __peer *)own,
		    geo->granule);
	KUNIT_EXPECT_EQ(test, siv_rx_avail(&rx, &avail), SIV_OK);
	KUNIT_EXPECT_EQ(test, avail, RECORD);
	KUNIT_EXPECT_EQ(test, memcmp(lab->ch->tx.base + sizeof(u64), "four", 4),
			0);
}

static void is_given_back(struct kunit *test)
{
	struct siv_fake_lab *lab = test->priv;

	siv_act_looks(lab);
	KUNIT_EXPECT_EQ(test, lab->ch->state, SIVSHMEM_ENDED);
	KUNIT_EXPECT_EQ(test, lab->ch->why, SIV_R_PEER_CLOSED);
	KUNIT_EXPECT_TRUE(test, lab->ch->windows.gone);
	KUNIT_EXPECT_EQ(test, lab->talk->said, SIV_MSG_CLOSED);
	KUNIT_EXPECT_TRUE(test, list_empty(&lab->ch->link));
}

static void unread_stays_ten_seconds(struct kunit *test)
{
	struct siv_fake_lab *lab = test->priv;

	closes_unread(lab);
	is_kept(test);
	siv_fake_ms += LINGER_MS - 1;
	is_kept(test);
	siv_fake_ms++;
	is_given_back(test);
}

static void what_was_read_is_given_back(struct kunit *test)
{
	struct siv_fake_lab *lab = test->priv;

	closes_unread(lab);
	is_kept(test);
	siv_fake_lab_peer(lab)->cons = RECORD;
	is_given_back(test);
}

static void nobody_reads_any_more(struct kunit *test)
{
	struct siv_fake_lab *lab = test->priv;

	closes_unread(lab);
	is_kept(test);
	siv_end_set(siv_fake_lab_peer(lab), SIV_END_RD);
	is_given_back(test);
}

/* By mapping a user may claim to have written what is never read. */
static void a_wrong_position_costs_ten_seconds(struct kunit *test)
{
	struct siv_fake_lab *lab = test->priv;

	siv_fake_lab_open(lab);
	KUNIT_ASSERT_EQ(test, siv_act_maps(lab), 0);
	lab->ch->tx.ring.own->prod = 3;
	siv_fake_lab_close(lab);
	siv_fake_ms += LINGER_MS - 1;
	siv_act_looks(lab);
	KUNIT_EXPECT_FALSE(test, lab->ch->windows.gone);
	siv_fake_ms++;
	is_given_back(test);
}

static int linger_init(struct kunit *test)
{
	test->priv = siv_fake_lab_make(test);
	return 0;
}

static void linger_exit(struct kunit *test)
{
	siv_fake_lab_free(test->priv);
}

static struct kunit_case siv_linger_cases[] = {
	KUNIT_CASE(unread_stays_ten_seconds),
	KUNIT_CASE(what_was_read_is_given_back),
	KUNIT_CASE(nobody_reads_any_more),
	KUNIT_CASE(a_wrong_position_costs_ten_seconds),
	{},
};

struct kunit_suite siv_linger_suite = {
	.name = "siv_linger",
	.init = linger_init,
	.exit = linger_exit,
	.test_cases = siv_linger_cases,
};
