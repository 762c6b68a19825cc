// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the host says of a connect, out of place: a grant for a channel that has one already,
 * or for its other end, ends that channel with EPROTO; what crosses a channel's end changes
 * nothing. A cid that is a live channel's is nobody else's: who waits is refused, and no
 * FAILED or REJECT names it, by which the host would end the channel that has it.
 */
#include <kunit/test.h>

#include "../event.h"
#include "acts.h"
#include "suites.h"

enum {
	LIVE = 7, /* cid and request of the laboratory's channel */
	OTHER = 8,
};

static void grant_a(struct siv_fake_lab *lab, u64 request, u64 cid)
{
	struct siv_grant_a m = {
		.request = cpu_to_le64(request),
		.cid = cpu_to_le64(cid),
	};

	siv_fake_lab_hear(lab, SIV_MSG_GRANT_A, &m, sizeof(m));
}

static void incoming(struct siv_fake_lab *lab, u64 cid)
{
	struct siv_incoming m = { .cid = cpu_to_le64(cid) };

	siv_fake_lab_hear(lab, SIV_MSG_INCOMING, &m, sizeof(m));
}

/* EPROTO, an event, and CLOSE and CLOSED to the host: nothing else, but what is in @and. */
static void is_misplaced(struct kunit *test, u64 before, u32 and)
{
	struct siv_fake_lab *lab = test->priv;

	KUNIT_EXPECT_EQ(test, lab->ch->state, SIVSHMEM_ENDED);
	KUNIT_EXPECT_EQ(test, siv_reason_errno(lab->ch->why), -EPROTO);
	KUNIT_EXPECT_EQ(test, siv_event_count(SIV_R_STATE), before + 1);
	KUNIT_EXPECT_EQ(test, lab->talk->says,
			BIT(SIV_MSG_CLOSE) | BIT(SIV_MSG_CLOSED) | and);
}

/* As if nothing had been heard. */
static void goes_on(struct kunit *test)
{
	struct siv_fake_lab *lab = test->priv;

	KUNIT_EXPECT_EQ(test, lab->ch->state, SIVSHMEM_OPEN);
	KUNIT_EXPECT_EQ(test, lab->ch->why, SIV_OK);
	KUNIT_EXPECT_FALSE(test, lab->ch->windows.gone);
	KUNIT_EXPECT_EQ(test, siv_act_writes(lab), 4);
}

static void a_grant_again(struct kunit *test)
{
	u64 before = siv_event_count(SIV_R_STATE);
	struct siv_fake_lab *lab = test->priv;

	siv_fake_lab_open(lab);
	grant_a(lab, LIVE, LIVE);
	is_misplaced(test, before, 0);
}

/* The memory that it brings is given back, too. */
static void a_grant_again_with_another_cid(struct kunit *test)
{
	u64 before = siv_event_count(SIV_R_STATE);
	struct siv_fake_lab *lab = test->priv;

	siv_fake_lab_open(lab);
	grant_a(lab, LIVE, OTHER);
	is_misplaced(test, before, BIT(SIV_MSG_FAILED));
	KUNIT_EXPECT_EQ(test, le64_to_cpu(lab->talk->failed.cid), OTHER);
}

static void a_grant_for_the_other_end(struct kunit *test)
{
	u64 before = siv_event_count(SIV_R_STATE);
	struct siv_fake_lab *lab = test->priv;

	siv_fake_lab_open(lab);
	siv_act_hears_grant_b(lab);
	is_misplaced(test, before, 0);
}

static void a_grant_again_for_b(struct kunit *test)
{
	u64 before = siv_event_count(SIV_R_STATE);
	struct siv_fake_lab *lab = test->priv;

	siv_fake_lab_open(lab);
	lab->ch->a = false;
	siv_act_hears_grant_b(lab);
	is_misplaced(test, before, 0);
}

/* Of a channel that is over nothing is said but what its end says. */
static void grants_cross_an_end(struct kunit *test)
{
	u64 before = siv_event_count(SIV_R_STATE);
	struct siv_fake_lab *lab = test->priv;

	siv_fake_lab_open(lab);
	siv_act_hears_close(lab, SIV_OK);
	KUNIT_EXPECT_EQ(test, lab->ch->state, SIVSHMEM_CLOSING);
	siv_act_hears_grant_a(lab);
	siv_act_hears_grant_b(lab);
	KUNIT_EXPECT_EQ(test, lab->ch->state, SIVSHMEM_CLOSING);
	KUNIT_EXPECT_EQ(test, siv_event_count(SIV_R_STATE), before);
	KUNIT_EXPECT_EQ(test, lab->talk->says, 0);
}

/* Nobody waits: the host gets its memory back, but for that of a live channel. */
static void a_grant_that_nobody_waits_for(struct kunit *test)
{
	u64 before = siv_event_count(SIV_R_GENERATION);
	struct siv_fake_lab *lab = test->priv;

	siv_fake_lab_open(lab);
	grant_a(lab, OTHER, OTHER);
	KUNIT_EXPECT_EQ(test, lab->talk->says, BIT(SIV_MSG_FAILED));
	KUNIT_EXPECT_EQ(test, le64_to_cpu(lab->talk->failed.cid), OTHER);
	goes_on(test);

	lab->talk->says = 0;
	grant_a(lab, OTHER, LIVE);
	KUNIT_EXPECT_EQ(test, lab->talk->says, 0);
	KUNIT_EXPECT_EQ(test, siv_event_count(SIV_R_GENERATION), before + 1);
	goes_on(test);
}

/* Somebody waits, and is given what a live channel has. */
static void a_grant_of_what_another_has(struct kunit *test)
{
	u64 before = siv_event_count(SIV_R_GENERATION);
	struct siv_fake_lab *lab = test->priv;
	struct siv_channel *ch;

	siv_fake_lab_open(lab);
	KUNIT_ASSERT_EQ(test,
			siv_channel_alloc(&lab->talk->talk, true,
					  SIVSHMEM_NO_NODE,
					  SIV_SUITE_CHACHAPOLY, &ch),
			SIV_OK);
	ch->request = OTHER;
	grant_a(lab, OTHER, LIVE);
	KUNIT_EXPECT_EQ(test, ch->state, SIVSHMEM_ENDED);
	KUNIT_EXPECT_EQ(test, ch->why, SIV_R_GENERATION);
	KUNIT_EXPECT_EQ(test, lab->talk->says, 0);
	KUNIT_EXPECT_EQ(test, siv_event_count(SIV_R_GENERATION), before + 1);
	goes_on(test);
	siv_channel_put(ch);
}

/* Nobody listens either: that is said, but not of a live channel's cid. */
static void a_call_with_a_live_cid(struct kunit *test)
{
	u64 before = siv_event_count(SIV_R_GENERATION);
	struct siv_fake_lab *lab = test->priv;

	siv_fake_lab_open(lab);
	incoming(lab, OTHER);
	KUNIT_EXPECT_EQ(test, lab->talk->says, BIT(SIV_MSG_REJECT));

	lab->talk->says = 0;
	incoming(lab, LIVE);
	KUNIT_EXPECT_EQ(test, lab->talk->says, 0);
	KUNIT_EXPECT_EQ(test, siv_event_count(SIV_R_GENERATION), before + 1);
	goes_on(test);
}

static int misplaced_init(struct kunit *test)
{
	test->priv = siv_fake_lab_make(test);
	return 0;
}

static void misplaced_exit(struct kunit *test)
{
	siv_fake_lab_free(test->priv);
}

static struct kunit_case siv_misplaced_cases[] = {
	KUNIT_CASE(a_grant_again),
	KUNIT_CASE(a_grant_again_with_another_cid),
	KUNIT_CASE(a_grant_for_the_other_end),
	KUNIT_CASE(a_grant_again_for_b),
	KUNIT_CASE(grants_cross_an_end),
	KUNIT_CASE(a_grant_that_nobody_waits_for),
	KUNIT_CASE(a_grant_of_what_another_has),
	KUNIT_CASE(a_call_with_a_live_cid),
	{},
};

struct kunit_suite siv_misplaced_suite = {
	.name = "siv_misplaced",
	.init = misplaced_init,
	.exit = misplaced_exit,
	.test_cases = siv_misplaced_cases,
};
