// SPDX-License-Identifier: GPL-2.0-only
/*
 * talk.c: what is said waits for a session and for its window, comes in its order and
 * once, and what must not be lost is said again in the next session; which comes when it
 * is due or the host is silent, and whoever speaks notices nothing.
 */
#include <linux/slab.h>

#include "fake_host.h"
#include "clock.h"
#include "suites.h"

enum {
	ROOM = SIV_SESSION_WINDOW - 1, /* one is kept for acknowledgements */
	REKEY_S = 100,
};

static struct siv_fake_host *fix(struct kunit *test)
{
	return test->priv;
}

/* Said again in another session, and not so. */
static int say_end(struct siv_talk *talk, u64 word)
{
	struct siv_unlisten m = { .request = cpu_to_le64(word) };

	return siv_talk_say(talk, SIV_MSG_UNLISTEN, &m, sizeof(m));
}

static int say_once(struct siv_talk *talk, u64 word)
{
	struct siv_established m = { .cid = cpu_to_le64(word) };

	return siv_talk_say(talk, SIV_MSG_ESTABLISHED, &m, sizeof(m));
}

static void heard(struct kunit *test, const struct siv_fake_end *e,
		  const u64 *words, unsigned int count)
{
	const struct siv_fake_heard *h = &e->heard;
	unsigned int i;

	KUNIT_EXPECT_EQ(test, (int)e->bad, SIV_OK);
	KUNIT_EXPECT_EQ(test, h->count, count);
	for (i = 0; i < min(h->count, count); i++)
		KUNIT_EXPECT_EQ_MSG(test, h->word[i], words[i], "number %u", i);
}

/* A session in which all is said and heard, and a host that hears no record. */
static struct siv_fake_end *quiet(struct kunit *test)
{
	struct siv_fake_end *e = siv_fake_host_live(test, 0);

	siv_fake_host_run(fix(test), 450);
	fix(test)->mute = true;
	return e;
}

static unsigned int empty_slots(struct siv_fake_host *f)
{
	unsigned int i, n = 0;

	for (i = 0; i < SIV_BOX_SLOTS; i++)
		n += !siv_get_le32(siv_fake_host_slot(f, true, i));
	return n;
}

/* ------------------------------------------------------------------------- queue */

static void waits_for_a_session(struct kunit *test)
{
	static const u64 words[] = { 7, 8, 9 };
	struct siv_fake_host *f = fix(test);
	struct siv_talk *talk = siv_fake_host_talk(test, 0);
	unsigned int i;

	f->deaf = true;
	for (i = 0; i < ARRAY_SIZE(words); i++)
		KUNIT_EXPECT_EQ(test, say_once(talk, words[i]), 0);
	siv_fake_host_run(f, 500);
	KUNIT_EXPECT_EQ(test, empty_slots(f), SIV_BOX_SLOTS);
	f->deaf = false;
	siv_fake_host_run(f, 500);
	KUNIT_ASSERT_EQ(test, talk->state, SIV_TALK_LIVE);
	heard(test, f->end[0], words, ARRAY_SIZE(words));
}

static void waits_for_the_window(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);
	struct siv_fake_end *e = quiet(test);
	struct siv_talk *talk = f->user[0].talk;
	u64 words[50];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(words); i++) {
		words[i] = i;
		KUNIT_EXPECT_EQ(test, say_once(talk, i), 0);
	}
	KUNIT_EXPECT_EQ(test, talk->live->s.count, ROOM);
	KUNIT_EXPECT_EQ(test, talk->queued, ARRAY_SIZE(words) - ROOM);
	siv_fake_host_run(f, 3000);
	KUNIT_EXPECT_EQ(test, talk->live->s.count, ROOM);
	f->mute = false;
	siv_fake_host_run(f, 3000);
	heard(test, e, words, ARRAY_SIZE(words));
	KUNIT_EXPECT_EQ(test, talk->queued, 0);
	mutex_lock(&f->life->lock);
	KUNIT_EXPECT_FALSE(test, siv_talk_unfinished(talk));
	mutex_unlock(&f->life->lock);
}

static void queue_is_limited(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);
	struct siv_talk *talk;
	unsigned int i;
	int err = 0;

	quiet(test);
	talk = f->user[0].talk;
	for (i = 0; !err && i < 2 * SIV_TALK_QUEUE_MAX; i++)
		err = say_once(talk, i);
	KUNIT_EXPECT_EQ(test, err, -ENOBUFS);
	KUNIT_EXPECT_EQ(test, i - 1, SIV_TALK_QUEUE_MAX + ROOM);
	KUNIT_EXPECT_EQ(test, talk->queued, SIV_TALK_QUEUE_MAX);
	/* an end has nobody whom it could tell: it finds room for longer */
	for (i = talk->queued, err = 0; !err && i < 2 * SIV_TALK_QUEUE_HARD;
	     i++)
		err = say_end(talk, i);
	KUNIT_EXPECT_EQ(test, err, -ENOBUFS);
	KUNIT_EXPECT_EQ(test, i - 1, SIV_TALK_QUEUE_HARD);
	KUNIT_EXPECT_EQ(test, talk->queued, SIV_TALK_QUEUE_HARD);
	KUNIT_EXPECT_EQ(test, say_once(talk, 0), -ENOBUFS);
}

/* ----------------------------------------------------------------- a new session */

static void ends_survive_their_session(struct kunit *test)
{
	static const u64 first[] = { 9 };
	static const u64 again[] = { 0, 2, 3, 5 };
	struct siv_fake_host *f = fix(test);
	struct siv_fake_end *e = quiet(test);
	struct siv_talk *talk = f->user[0].talk;

	f->mute = false;
	KUNIT_EXPECT_EQ(test, say_end(talk, 9), 0);
	siv_fake_host_run(f, 400);
	heard(test, e, first, ARRAY_SIZE(first));
	/* acknowledged: said for good */
	KUNIT_EXPECT_TRUE(test, list_empty(&talk->unacked));
	f->mute = true;
	KUNIT_EXPECT_EQ(test, say_end(talk, 0), 0);
	KUNIT_EXPECT_EQ(test, say_once(talk, 1), 0);
	KUNIT_EXPECT_EQ(test, say_end(talk, 2), 0);
	siv_talk_doubt(talk);
	siv_fake_host_run(f, 300);
	/* these have not been sealed yet */
	KUNIT_EXPECT_EQ(test, say_end(talk, 3), 0);
	KUNIT_EXPECT_EQ(test, say_once(talk, 5), 0);
	siv_fake_host_run(f, 400);
	KUNIT_ASSERT_EQ(test, f->live, 2);
	KUNIT_EXPECT_TRUE(test, siv_talk_is_live(talk));
	f->mute = false;
	siv_fake_host_run(f, 400);
	heard(test, f->end[1], again, ARRAY_SIZE(again));
	KUNIT_EXPECT_EQ(test, talk->queued, 0);
	KUNIT_EXPECT_TRUE(test, list_empty(&talk->unacked));
}

/* Every type that says an end, and no other, is said again. */
static void which_survive(struct kunit *test)
{
	static const struct {
		u16 type;
		u16 len;
		bool again;
	} types[] = {
		{ SIV_MSG_CLOSE, sizeof(struct siv_close), true },
		{ SIV_MSG_CLOSED, sizeof(struct siv_close), true },
		{ SIV_MSG_FIN, sizeof(struct siv_fin), true },
		{ SIV_MSG_UNLISTEN, sizeof(struct siv_unlisten), true },
		{ SIV_MSG_ACCEPT, sizeof(struct siv_accept), false },
		{ SIV_MSG_CONFIRM, sizeof(struct siv_confirm), false },
		{ SIV_MSG_ESTABLISHED, sizeof(struct siv_established), false },
	};
	static const u8 zeros[64];
	struct siv_fake_host *f = fix(test);
	struct siv_fake_heard *h;
	struct siv_talk *talk;
	unsigned int i, n = 0;

	quiet(test);
	talk = f->user[0].talk;
	BUILD_BUG_ON(ARRAY_SIZE(types) > ROOM);
	for (i = 0; i < ARRAY_SIZE(types); i++)
		KUNIT_EXPECT_EQ(test,
				siv_talk_say(talk, types[i].type, zeros,
					     types[i].len),
				0);
	KUNIT_EXPECT_EQ(test, talk->queued, 0);
	siv_talk_doubt(talk);
	siv_fake_host_run(f, 700);
	KUNIT_ASSERT_EQ(test, f->live, 2);
	f->mute = false;
	siv_fake_host_run(f, 400);
	h = &f->end[1]->heard;
	for (i = 0; i < ARRAY_SIZE(types); i++)
		if (types[i].again)
			KUNIT_EXPECT_EQ(test, h->type[n++], types[i].type);
	KUNIT_EXPECT_EQ(test, h->count, n);
}

/* What was said is heard before the session is replaced, if the host hears at all. */
static void finishes_before_the_next(struct kunit *test)
{
	static const u64 before[] = { 0 }, after[] = { 1 };
	struct siv_fake_host *f = fix(test);
	struct siv_fake_end *e = quiet(test);
	struct siv_talk *talk = f->user[0].talk;

	KUNIT_EXPECT_EQ(test, say_once(talk, 0), 0);
	siv_talk_doubt(talk);
	siv_fake_host_run(f, SIV_TALK_DRAIN_MS / 2);
	KUNIT_EXPECT_EQ(test, f->live, 1);
	KUNIT_EXPECT_EQ(test, talk->live->s.id, e->s.id);
	/* nothing more is begun in it */
	KUNIT_EXPECT_EQ(test, say_once(talk, 1), 0);
	KUNIT_EXPECT_EQ(test, talk->queued, 1);
	f->mute = false;
	siv_fake_host_run(f, SIV_TALK_DRAIN_MS / 2 - 50);
	KUNIT_EXPECT_EQ(test, f->live, 2);
	siv_fake_host_run(f, 400);
	heard(test, e, before, ARRAY_SIZE(before));
	heard(test, f->end[1], after, ARRAY_SIZE(after));
}

/* Whoever writes into the slot of message 2 has nobody hold their tongue. */
static void forger_stops_nobody(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);
	struct siv_fake_end *e = quiet(test);
	struct siv_talk *talk = f->user[0].talk;

	/* what stands there is the answer before, and then anything */
	f->deaf = true;
	KUNIT_EXPECT_EQ(test, say_once(talk, 0), 0);
	siv_talk_doubt(talk);
	siv_fake_host_run(f, 100);
	KUNIT_EXPECT_EQ(test, f->life->hello.tries, 1);
	KUNIT_EXPECT_FALSE(test, talk->holding);
	memset(f->buf, 0x5a, SIV_SLOT_SIZE);
	siv_put_le32(f->buf, SIV_HELLO2_LEN);
	siv_fake_host_put(f, f->buf, SIV_SLOT_HDR + SIV_HELLO2_LEN);
	siv_fake_host_run(f, 100);
	KUNIT_EXPECT_EQ(test, f->life->hello.tries, 2);
	KUNIT_EXPECT_FALSE(test, talk->holding);
	KUNIT_EXPECT_EQ(test, say_once(talk, 1), 0);
	KUNIT_EXPECT_EQ(test, talk->queued, 0);
	f->mute = false;
	siv_fake_host_run(f, 200);
	KUNIT_EXPECT_EQ(test, e->heard.count, 2);
	f->deaf = false;
	siv_fake_host_run(f, 100);
	KUNIT_EXPECT_EQ(test, f->live, 2);
}

/* A host that does not hear is not waited for. */
static void does_not_wait_for_ever(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);
	struct siv_talk *talk;

	quiet(test);
	talk = f->user[0].talk;
	KUNIT_EXPECT_EQ(test, say_once(talk, 0), 0);
	siv_talk_doubt(talk);
	siv_fake_host_run(f, SIV_TALK_DRAIN_MS - 50);
	KUNIT_EXPECT_EQ(test, f->live, 1);
	siv_fake_host_run(f, 100);
	KUNIT_EXPECT_EQ(test, f->live, 2);
	KUNIT_EXPECT_FALSE(test, talk->holding);
}

/*
 * An answer that comes late is held no longer than the host remembers it: the attempt is
 * not given up for it, nor is message 1 posted again.
 */
static void late_answer_is_no_loss(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);
	unsigned int hellos;
	struct siv_talk *talk;
	u64 attempt;

	quiet(test);
	talk = f->user[0].talk;
	KUNIT_EXPECT_EQ(test, say_once(talk, 0), 0);
	f->deaf = true;
	siv_talk_doubt(talk);
	siv_fake_host_run(f, SIV_PENDING_MS - 300);
	attempt = f->life->hello.attempt;
	hellos = f->hellos;
	f->deaf = false;
	/* it lies there still */
	siv_fake_host_run(f, 100);
	KUNIT_EXPECT_NE(test, f->life->hello.hold_ms, 0);
	KUNIT_EXPECT_TRUE(test, talk->holding);
	KUNIT_EXPECT_EQ(test, f->live, 1);
	siv_fake_host_run(f, 500);
	KUNIT_EXPECT_EQ(test, f->live, 2);
	KUNIT_EXPECT_EQ(test, f->life->hello.attempt, attempt);
	KUNIT_EXPECT_EQ(test, f->hellos, hellos + 1);
	KUNIT_EXPECT_FALSE(test, talk->holding);
}

static void old_one_is_heard_for_a_while(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);
	struct siv_fake_end *e = quiet(test);
	struct siv_talk *talk = f->user[0].talk;
	u32 tag = e->s.tag;

	siv_talk_doubt(talk);
	siv_fake_host_run(f, 40);
	KUNIT_ASSERT_EQ(test, f->live, 2);
	siv_fake_host_run(f, SIV_TALK_GRACE_MS / 2);
	KUNIT_EXPECT_EQ(test, (int)siv_fake_host_say(e, 5), SIV_OK);
	KUNIT_EXPECT_GE(test, siv_fake_host_posts(f), 1);
	siv_fake_host_ring(f, SIV_VECTOR_HOST);
	siv_fake_host_settle(f);
	KUNIT_EXPECT_EQ(test, f->said.count, 1);
	siv_fake_host_run(f, SIV_TALK_GRACE_MS / 2 + SIV_TICK_MS);
	KUNIT_EXPECT_NULL(test, talk->old);
	mutex_lock(&f->life->lock);
	KUNIT_EXPECT_NULL(test, siv_talk_line(talk, tag));
	KUNIT_EXPECT_PTR_EQ(test, siv_talk_line(talk, f->end[1]->s.tag),
			    talk->live);
	mutex_unlock(&f->life->lock);
	KUNIT_EXPECT_EQ(test, (int)siv_fake_host_say(e, 6), SIV_OK);
	siv_fake_host_posts(f);
	siv_fake_host_ring(f, SIV_VECTOR_HOST);
	siv_fake_host_run(f, 1000);
	KUNIT_EXPECT_EQ(test, f->said.count, 1);
}

/* Three sessions in two seconds: only the last two are there, with their slots. */
static void two_sessions_at_most(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);
	struct siv_talk *talk;
	unsigned int i;

	quiet(test);
	talk = f->user[0].talk;
	for (i = 0; i < 3; i++) {
		siv_talk_doubt(talk);
		siv_fake_host_run(f, SIV_TALK_DRAIN_MS + 100);
	}
	KUNIT_ASSERT_EQ(test, f->live, 4);
	KUNIT_EXPECT_EQ(test, talk->live->s.id, f->end[3]->s.id);
	KUNIT_EXPECT_EQ(test, talk->old->s.id, f->end[2]->s.id);
	/* a READY of each, which nobody has heard */
	KUNIT_EXPECT_EQ(test, empty_slots(f), SIV_BOX_SLOTS - 2);
}

static void hour_is_over(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);
	u8 hh[2][SIV_HASH_LEN];

	f->p2.rekey_seconds = cpu_to_le32(REKEY_S);
	siv_fake_host_live(test, 0);
	siv_talk_hh(f->user[0].talk, hh[0]);
	/* a tenth before the host would want it */
	siv_fake_host_run(f, (u64)(REKEY_S * 9 / 10 - 1) * MSEC_PER_SEC);
	KUNIT_EXPECT_EQ(test, f->live, 1);
	siv_fake_host_run(f, 2 * MSEC_PER_SEC);
	KUNIT_EXPECT_EQ(test, f->live, 2);
	siv_talk_hh(f->user[0].talk, hh[1]);
	KUNIT_EXPECT_NE(test, memcmp(hh[0], hh[1], SIV_HASH_LEN), 0);
	siv_fake_host_run(f, (u64)REKEY_S * MSEC_PER_SEC);
	KUNIT_EXPECT_EQ(test, f->live, 3);
	KUNIT_EXPECT_EQ(test, f->ended, 0);

	f->p2.rekey_seconds = 0;
	siv_fake_host_run(f, (u64)REKEY_S * MSEC_PER_SEC);
	KUNIT_EXPECT_EQ(test, f->live, 4);
	siv_fake_host_run(f, (u64)REKEY_S * 2 * MSEC_PER_SEC);
	KUNIT_EXPECT_EQ(test, f->live, 4);
}

static void silent_host_is_asked_anew(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);
	struct siv_fake_end *e = siv_fake_host_live(test, 0);
	struct siv_talk *talk = f->user[0].talk;

	/* one that answers heartbeats is not silent */
	siv_fake_host_run(f, 6 * SIV_FAKE_LIVENESS_MS);
	KUNIT_EXPECT_EQ(test, f->live, 1);
	KUNIT_EXPECT_GE(test, e->beats, 15);
	KUNIT_EXPECT_LE(test, e->beats, 20);
	f->mute = true;
	siv_fake_host_run(f, SIV_FAKE_LIVENESS_MS / 2);
	KUNIT_EXPECT_EQ(test, f->live, 1);
	siv_fake_host_run(f, SIV_FAKE_LIVENESS_MS / 2 + 2 * SIV_TICK_MS);
	KUNIT_EXPECT_EQ(test, f->live, 2);
	/* and one that does not even hear that has time */
	f->deaf = true;
	siv_fake_host_run(f, 3 * SIV_FAKE_LIVENESS_MS);
	KUNIT_EXPECT_EQ(test, f->live, 2);
	KUNIT_EXPECT_EQ(test, f->ended, 0);
	f->deaf = false;
	f->mute = false;
	siv_fake_host_run(f, SIV_PENDING_MS + 500);
	KUNIT_EXPECT_EQ(test, f->live, 3);
	KUNIT_EXPECT_EQ(test, say_end(talk, 0), 0);
	siv_fake_host_run(f, 100);
	KUNIT_EXPECT_EQ(test, f->end[f->ends - 1]->heard.count, 1);
}

/* A session that can say no more is replaced, and nothing is lost. */
static void used_up_is_replaced(struct kunit *test)
{
	static const u64 words[] = { 3 };
	struct siv_fake_host *f = fix(test);
	struct siv_talk *talk;

	siv_fake_host_live(test, 0);
	siv_fake_host_run(f, 450);
	talk = f->user[0].talk;
	mutex_lock(&f->life->lock);
	talk->live->s.tx.next = SIV_RECORD_STOP;
	mutex_unlock(&f->life->lock);
	KUNIT_EXPECT_EQ(test, say_once(talk, 3), 0);
	siv_fake_host_run(f, 200);
	KUNIT_ASSERT_EQ(test, f->live, 2);
	heard(test, f->end[1], words, ARRAY_SIZE(words));
}

/* Keys made in advance belong to the session that they were made in. */
static void keys_go_with_their_session(struct kunit *test)
{
	static const u8 none[SIV_HASH_LEN];
	struct siv_fake_host *f = fix(test);
	struct siv_talk *talk = siv_fake_host_talk(test, 0);
	u8 hh[SIV_HASH_LEN];
	struct siv_ephemeral e;
	u32 epoch;

	siv_talk_hh(talk, hh);
	KUNIT_EXPECT_EQ(test, memcmp(hh, none, sizeof(hh)), 0);
	siv_fake_host_run(f, 100);
	KUNIT_ASSERT_EQ(test, talk->state, SIV_TALK_LIVE);
	KUNIT_EXPECT_EQ(test, (int)siv_pool_take(talk, &e), SIV_OK);
	siv_fake_host_settle(f);
	KUNIT_EXPECT_GT(test, talk->pool.count, 0);
	epoch = talk->pool.epoch;
	siv_talk_doubt(talk);
	siv_fake_host_run(f, 100);
	KUNIT_ASSERT_EQ(test, f->live, 2);
	KUNIT_EXPECT_EQ(test, talk->pool.count, 0);
	KUNIT_EXPECT_EQ(test, talk->pool.epoch, epoch + 1);
	KUNIT_EXPECT_EQ(test, (int)siv_pool_take(talk, &e), SIV_OK);
	siv_fake_host_settle(f);
	KUNIT_EXPECT_GT(test, talk->pool.count, 0);
	siv_talk_end(talk, SIV_R_PEER_GONE);
	KUNIT_EXPECT_EQ(test, talk->pool.count, 0);
	KUNIT_EXPECT_NULL(test, memchr_inv(talk->pool.keys, 0,
					   sizeof(talk->pool.keys)));
	memzero_explicit(&e, sizeof(e));
}

static struct kunit_case siv_talk_cases[] = {
	KUNIT_CASE(waits_for_a_session),
	KUNIT_CASE(waits_for_the_window),
	KUNIT_CASE(queue_is_limited),
	KUNIT_CASE(ends_survive_their_session),
	KUNIT_CASE(which_survive),
	KUNIT_CASE(finishes_before_the_next),
	KUNIT_CASE(forger_stops_nobody),
	KUNIT_CASE(does_not_wait_for_ever),
	KUNIT_CASE(late_answer_is_no_loss),
	KUNIT_CASE(old_one_is_heard_for_a_while),
	KUNIT_CASE(two_sessions_at_most),
	KUNIT_CASE(hour_is_over),
	KUNIT_CASE(silent_host_is_asked_anew),
	KUNIT_CASE(used_up_is_replaced),
	KUNIT_CASE(keys_go_with_their_session),
	{},
};

struct kunit_suite siv_talk_suite = {
	.name = "siv_talk",
	.suite_init = siv_suite_keys_init,
	.suite_exit = siv_suite_keys_exit,
	.init = siv_fake_host_init,
	.exit = siv_fake_host_exit,
	.test_cases = siv_talk_cases,
};
