// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whose a channel is: in every state, whatever its owner, the peer, the host, the key, the
 * device, the clock, another channel or another identity does gives what is written in
 * cells.c: errno, state, what is left of the memory, what the host is told and what the
 * peer can see. What is refused changes nothing and is one event, the first cause of an
 * end stays but for an orderly close, which is not the end yet, and nobody else's channel
 * is touched.
 */
#include <kunit/test.h>
#include <linux/slab.h>

#include "../event.h"
#include "acts.h"
#include "cells.h"
#include "suites.h"

#define NAME(name) #name,
static const char *const act_names[] = { SIV_ACTS(NAME) };
static const char *const state_names[] = { SIV_STATES(NAME) };

struct pick {
	enum siv_cell_act act;
	enum siv_cell_state state;
};

static struct pick picks[SIV_ACT_COUNT * SIV_ST_COUNT];

static int channel_suite_init(struct kunit_suite *suite)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(picks); i++)
		picks[i] = (struct pick){ i / SIV_ST_COUNT, i % SIV_ST_COUNT };
	return siv_suite_peer_init(suite);
}

static void pick_name(struct pick *pick, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s in %s", act_names[pick->act],
		 state_names[pick->state]);
}

KUNIT_ARRAY_PARAM(pick, picks, pick_name);

/* -------------------------------------------------------------- what can be seen of it */

/**
 * struct seen - what an act may change, beside the channel
 * @events: refusals
 * @rung: doorbells
 * @page: our side page, as far as it is used
 * @ring: our ring
 */
struct seen {
	u64 events;
	unsigned int rung;
	struct siv_side page;
	u8 ring[64];
};

static u64 refusals(void)
{
	enum siv_reason r;
	u64 n = 0;

	for (r = SIV_OK + 1; r < SIV_R_COUNT; r++)
		n += siv_event_count(r);
	return n;
}

static void look(const struct siv_fake_peer *p, struct seen *s)
{
	s->events = refusals();
	s->rung = p->lab->hw->rung;
	memcpy(&s->page, siv_fake_peer_our_page(p), sizeof(s->page));
	memcpy(s->ring, siv_fake_peer_our_ring(p), sizeof(s->ring));
}

static enum siv_cell_shown shown(const struct seen *before,
				 const struct seen *after)
{
	struct siv_side page = after->page;

	if (after->rung != before->rung ||
	    memcmp(after->ring, before->ring, sizeof(after->ring)))
		return SIV_SOMETHING;
	if (!memcmp(&page, &before->page, sizeof(page)))
		return SIV_NOTHING;
	page.want_prod = before->page.want_prod;
	page.want_cons = before->page.want_cons;
	return memcmp(&page, &before->page, sizeof(page)) ? SIV_SOMETHING :
							    SIV_A_REQUEST;
}

/* ---------------------------------------------------------------- what is wanted of it */

static void state_is(struct kunit *test, const struct siv_cell *want,
		     const struct siv_cell_column *column)
{
	struct siv_fake_peer *p = test->priv;
	u32 state = column->state, says = want->says;
	bool gone = column->gone;

	switch (want->after) {
	case SIV_HOLE:
		KUNIT_FAIL(test, "nobody has said what comes of it");
		break;
	case SIV_SAME:
		break;
	case SIV_OPENS:
		state = SIVSHMEM_OPEN;
		break;
	case SIV_CLOSES:
		state = SIVSHMEM_CLOSING;
		break;
	case SIV_KEEPS:
		state = SIVSHMEM_ENDED;
		break;
	case SIV_ENDS:
	case SIV_OVER:
		state = SIVSHMEM_ENDED;
		gone = true;
		says |= want->after == SIV_ENDS ? column->ends : column->over;
		break;
	}
	KUNIT_EXPECT_EQ(test, p->lab->ch->state, state);
	KUNIT_EXPECT_EQ(test, p->lab->ch->windows.gone, gone);
	KUNIT_EXPECT_EQ(test, p->said, says);
}

/* Its mapping, its vector, its keys and its place in the table: all or nothing. */
static void goes_whole(struct kunit *test)
{
	struct siv_fake_peer *p = test->priv;
	struct siv_channel *ch = p->lab->ch;
	bool gone = ch->windows.gone;

	KUNIT_EXPECT_FALSE(test, p->said_early);
	if (p->lab->at)
		KUNIT_EXPECT_EQ(test, siv_act_mapped(p->lab), !gone);
	KUNIT_EXPECT_EQ(test, p->lab->talk->bells,
			!gone && test_bit(SIV_CHANNEL_OPENED, &ch->flags));
	KUNIT_EXPECT_EQ(test, list_empty(&ch->link), gone);
	if (!gone)
		return;
	KUNIT_EXPECT_EQ(test, ch->ranges[0].len, 0);
	KUNIT_EXPECT_EQ(test, ch->connect.state, SIV_CONNECT_ENDED);
	KUNIT_EXPECT_NULL(test, memchr_inv(ch->connect.k1, 0, SIV_KEY_LEN));
	KUNIT_EXPECT_NULL(test, memchr_inv(ch->connect.k2, 0, SIV_KEY_LEN));
	KUNIT_EXPECT_NULL(test, memchr_inv(ch->tx.keys.r, 0, SIV_KEY_LEN));
	KUNIT_EXPECT_NULL(test, memchr_inv(ch->rx.keys.r, 0, SIV_KEY_LEN));
}

static void cause_is(struct kunit *test, enum siv_reason before,
		     enum siv_reason want)
{
	struct siv_fake_peer *p = test->priv;

	/* the first one stays */
	if (before != SIV_OK)
		want = before;
	KUNIT_EXPECT_STREQ(test, siv_reason_name(p->lab->ch->why),
			   siv_reason_name(want));
}

/* Who may not does not decide how the channel is used. */
static bool decides_nothing(int ret)
{
	return ret == -EPERM || ret == -EBUSY || ret == -EINVAL ||
	       ret == -EOPNOTSUPP;
}

/* Whoever is rung is the peer. */
static void bells_are_the_peers(struct kunit *test)
{
	struct siv_fake_peer *p = test->priv;
	struct siv_fake *hw = p->lab->hw;
	unsigned int i;

	for (i = 0; i < min_t(unsigned int, hw->rung, SIV_FAKE_BELLS); i++) {
		KUNIT_EXPECT_EQ(test, hw->bell[i].peer, p->lab->ch->peer);
		KUNIT_EXPECT_EQ(test, hw->bell[i].vector, 0);
	}
}

/* ------------------------------------------------------------------------------- cells */

static void cell(struct kunit *test)
{
	const struct pick *pick = test->param_value;
	const struct siv_cell_column *column = &siv_cell_columns[pick->state];
	const struct siv_cell_row *row = &siv_cell_rows[pick->act];
	const struct siv_cell *want = &row->cell[pick->state];
	struct siv_fake_peer *p = test->priv;
	struct seen before, after;
	enum siv_reason why;
	int ret, mode;

	if (!siv_cell_reach(p, pick->state)) {
		KUNIT_FAIL(test, "it is not reached");
		return;
	}
	goes_whole(test);
	why = p->lab->ch->why;
	mode = p->lab->ch->mode;
	p->said = 0;
	look(p, &before);
	ret = siv_cell_do(p, pick->act);
	look(p, &after);

	KUNIT_EXPECT_EQ(test, ret, want->ret);
	state_is(test, want, column);
	goes_whole(test);
	/* while it is CLOSING it is not over yet */
	if (want->after >= SIV_CLOSES)
		cause_is(test, column->state == SIVSHMEM_CLOSING ? SIV_OK : why,
			 want->why ?: row->why);
	else
		cause_is(test, why, SIV_OK);
	KUNIT_EXPECT_LE(test, shown(&before, &after), want->shown);
	if (want->shown == SIV_SOMETHING)
		KUNIT_EXPECT_EQ(test, shown(&before, &after), SIV_SOMETHING);
	if (decides_nothing(want->ret))
		KUNIT_EXPECT_EQ(test, p->lab->ch->mode, mode);
	bells_are_the_peers(test);
	/* without user memory a mapping is only asked for */
	if (p->lab->mm || (pick->act != SIV_ACT_owner_maps &&
			   pick->act != SIV_ACT_second_maps))
		KUNIT_EXPECT_EQ(test, after.events,
				before.events + want->events);
	KUNIT_EXPECT_EQ(test, p->neighbour->state, row->neighbour);
}

static void no_hole(struct kunit *test)
{
	unsigned int act, state;

	for (act = 0; act < SIV_ACT_COUNT; act++)
		for (state = 0; state < SIV_ST_COUNT; state++)
			KUNIT_EXPECT_NE_MSG(
				test, siv_cell_rows[act].cell[state].after,
				SIV_HOLE, "%s in %s", act_names[act],
				state_names[state]);
}

/* What the host may say of an end: a right that is lost takes the mapping, too. */
static const struct cause {
	enum siv_reason why;
	bool gone;
} causes[] = {
	{ SIV_R_POLICY, true },	     { SIV_R_DEVICE_GONE, true },
	{ SIV_R_EPOCH, true },	     { SIV_R_NO_KEY, true },
	{ SIV_R_KEY_EXPIRED, true }, { SIV_R_KEY_REVOKED, true },
	{ SIV_R_SIGNATURE, true },   { SIV_R_PEER_GONE, false },
	{ SIV_R_TIMEOUT, false },    { SIV_R_STATE, false },
	{ SIV_R_TAG, false },	     { SIV_R_RANGE, false },
	{ SIV_R_QUOTA, false },	     { SIV_R_NO_SPACE, false },
	{ SIV_R_RATE, false },	     { SIV_R_NO_LISTENER, false },
};

static void cause_name(const struct cause *cause, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s",
		 siv_reason_name(cause->why));
}

KUNIT_ARRAY_PARAM(cause, causes, cause_name);

static void a_mapping_ends_with_a_right(struct kunit *test)
{
	const struct cause *cause = test->param_value;
	struct siv_fake_peer *p = test->priv;

	if (!siv_cell_reach(p, SIV_ST_OPEN_MAP)) {
		KUNIT_FAIL(test, "it is not reached");
		return;
	}
	siv_act_hears_close(p->lab, cause->why);
	KUNIT_EXPECT_EQ(test, p->lab->ch->state, SIVSHMEM_ENDED);
	KUNIT_EXPECT_EQ(test, p->lab->ch->windows.gone, cause->gone);
	goes_whole(test);
}

/* Why there is no channel, for the event of whoever asked. */
static void none_is_made(struct kunit *test)
{
	struct siv_fake_peer *p = test->priv;
	struct siv_talk *talk = &p->lab->talk->talk;
	struct siv_channel *ch = NULL;

	KUNIT_EXPECT_EQ(test, siv_channel_alloc(talk, true, 0, 9, &ch),
			SIV_R_SUITE);
	talk->state = SIV_TALK_ENDED;
	talk->why = SIV_R_KEY_EXPIRED;
	KUNIT_EXPECT_EQ(test,
			siv_channel_alloc(talk, true, 0, SIV_SUITE_CHACHAPOLY,
					  &ch),
			SIV_R_KEY_EXPIRED);
	talk->host->leaving = SIV_R_DEVICE_GONE;
	KUNIT_EXPECT_EQ(test,
			siv_channel_alloc(talk, true, 0, SIV_SUITE_CHACHAPOLY,
					  &ch),
			SIV_R_DEVICE_GONE);
	KUNIT_EXPECT_NULL(test, ch);
	talk->host->leaving = SIV_OK;
	talk->state = SIV_TALK_LIVE;
}

static int channel_init(struct kunit *test)
{
	test->priv = siv_fake_peer_make(test);
	return 0;
}

static void channel_exit(struct kunit *test)
{
	siv_fake_peer_free(test->priv);
}

static struct kunit_case siv_channel_cases[] = {
	KUNIT_CASE(no_hole),
	KUNIT_CASE_PARAM(cell, pick_gen_params),
	KUNIT_CASE_PARAM(a_mapping_ends_with_a_right, cause_gen_params),
	KUNIT_CASE(none_is_made),
	{},
};

struct kunit_suite siv_channel_suite = {
	.name = "siv_channel",
	.suite_init = channel_suite_init,
	.suite_exit = siv_suite_peer_exit,
	.init = channel_init,
	.exit = channel_exit,
	.test_cases = siv_channel_cases,
};
