// SPDX-License-Identifier: GPL-2.0-only
/*
 * A talk's end: once, for the first cause; its channels may still say that they have
 * closed, for a second, and nothing is left of its sessions after that. And what ends it:
 * its key, its certificate, the host's, and that nobody uses it.
 */
#include <linux/key-type.h>
#include <linux/slab.h>

#include "fake_host.h"
#include "clock.h"
#include "siv_keys_fixture.h"
#include "suites.h"

enum {
	CLOSE_MS = 1000, /* channels of an ended talk may take, ... */
	LAST_MS = 500,	 /* ... and what they said last */
	SURELY = 60 * HZ,
};

static struct siv_fake_host *fix(struct kunit *test)
{
	return test->priv;
}

static int say_closed(struct siv_talk *talk, u64 cid)
{
	struct siv_close m = { .cid = cpu_to_le64(cid) };

	return siv_talk_say(talk, SIV_MSG_CLOSED, &m, sizeof(m));
}

/* A session in which all is said and heard. */
static struct siv_fake_end *settled(struct kunit *test)
{
	struct siv_fake_end *e = siv_fake_host_live(test, 0);

	siv_fake_host_run(fix(test), 450);
	return e;
}

static void nothing_is_left(struct kunit *test, struct siv_talk *talk)
{
	struct siv_fake_host *f = fix(test);
	unsigned int i;

	KUNIT_EXPECT_NULL(test, talk->live);
	KUNIT_EXPECT_NULL(test, talk->old);
	KUNIT_EXPECT_TRUE(test, list_empty(&talk->queue));
	KUNIT_EXPECT_TRUE(test, list_empty(&talk->unacked));
	KUNIT_EXPECT_TRUE(test, list_empty(&talk->link));
	KUNIT_EXPECT_TRUE(test, list_empty(&f->life->talks));
	KUNIT_EXPECT_EQ(test, say_closed(talk, 0), -ENODEV);
	for (i = 0; i < SIV_BOX_SLOTS; i++)
		KUNIT_EXPECT_EQ(
			test, siv_get_le32(siv_fake_host_slot(f, true, i)), 0);
}

static void ends_once(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);
	struct siv_talk *talk;

	settled(test);
	talk = f->user[0].talk;
	siv_talk_end(talk, SIV_R_POLICY);
	siv_talk_end(talk, SIV_R_QUOTA);
	KUNIT_EXPECT_EQ(test, talk->state, SIV_TALK_ENDED);
	KUNIT_EXPECT_EQ(test, (int)talk->why, SIV_R_POLICY);
	siv_fake_host_settle(f);
	siv_talk_end(talk, SIV_R_REVOKED);
	KUNIT_EXPECT_EQ(test, f->ended, 1);
	KUNIT_EXPECT_EQ(test, (int)f->why, SIV_R_POLICY);
	nothing_is_left(test, talk);
	/* it asks for no session any more, and no record is its */
	siv_talk_doubt(talk);
	siv_fake_host_run(f, 3000);
	KUNIT_EXPECT_EQ(test, f->live, 1);
	KUNIT_EXPECT_EQ(test, f->hellos, 1);
}

/* ------------------------------------------------------------- what is said at last */

static struct {
	u64 began_ms;
	u32 close_ms;
	bool closed;
} closing;

/* Its channel closes after a while. */
static void closes_later(struct siv_fake_host *f)
{
	struct siv_talk *talk = f->user[0].talk;

	if (closing.closed ||
	    siv_host_since_ms(closing.began_ms) < closing.close_ms)
		return;
	closing.closed = true;
	say_closed(talk, 4);
	WRITE_ONCE(talk->open, 0);
}

/* End a talk that has a channel. Return: ms until nothing was left. */
static u64 end_takes(struct kunit *test, u32 close_ms)
{
	struct siv_fake_host *f = fix(test);
	struct siv_talk *talk = f->user[0].talk;

	closing.began_ms = siv_host_now_ms();
	closing.close_ms = close_ms;
	closing.closed = false;
	talk->open = 1;
	f->each = closes_later;
	siv_talk_end(talk, SIV_R_POLICY);
	siv_fake_host_settle(f);
	f->each = NULL;
	nothing_is_left(test, talk);
	return siv_host_since_ms(closing.began_ms);
}

static void channels_say_closed(struct kunit *test)
{
	struct siv_fake_end *e = settled(test);
	u64 ms = end_takes(test, 300);

	KUNIT_EXPECT_EQ(test, e->heard.count, 1);
	KUNIT_EXPECT_EQ(test, e->heard.type[0], SIV_MSG_CLOSED);
	KUNIT_EXPECT_EQ(test, e->heard.word[0], 4);
	/* no longer than it takes */
	KUNIT_EXPECT_GE(test, ms, 300);
	KUNIT_EXPECT_LE(test, ms, 300 + LAST_MS / 2);
}

static void channel_that_stays_is_not_waited_for(struct kunit *test)
{
	u64 ms;

	settled(test);
	ms = end_takes(test, U32_MAX);
	KUNIT_EXPECT_GE(test, ms, CLOSE_MS);
	KUNIT_EXPECT_LE(test, ms, CLOSE_MS + 50);
}

static void host_that_does_not_hear_is_not_waited_for(struct kunit *test)
{
	u64 ms;

	settled(test);
	fix(test)->mute = true;
	ms = end_takes(test, 100);
	KUNIT_EXPECT_GE(test, ms, 100 + LAST_MS);
	KUNIT_EXPECT_LE(test, ms, 100 + LAST_MS + 50);
}

/* With the device there is nobody to say it to. */
static void device_that_is_gone_is_not_waited_for(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);
	struct siv_talk *talk;
	u64 ms;

	settled(test);
	f->mute = true;
	talk = f->user[0].talk;
	KUNIT_EXPECT_EQ(test, say_closed(talk, 4), 0);
	ms = siv_host_now_ms();
	siv_device_quiesce(f->dev, SIV_R_DEVICE_GONE);
	KUNIT_EXPECT_LT(test, siv_host_since_ms(ms), LAST_MS / 2);
	KUNIT_EXPECT_EQ(test, (int)talk->why, SIV_R_DEVICE_GONE);
	KUNIT_EXPECT_EQ(test, f->ended, 1);
	KUNIT_EXPECT_NULL(test, talk->live);
	KUNIT_EXPECT_TRUE(test, list_empty(&talk->unacked));
	KUNIT_EXPECT_TRUE(test, list_empty(&f->life->talks));
	KUNIT_EXPECT_EQ(test, say_closed(talk, 4), -ENODEV);
}

/* ---------------------------------------------------------------- what brings it */

static void ends_for(struct kunit *test, enum siv_reason why)
{
	struct siv_fake_host *f = fix(test);
	struct siv_talk *talk = f->user[0].talk;

	/* the keys' own workqueue says so, when it comes to it */
	KUNIT_ASSERT_NE(test,
			wait_event_timeout(talk->wait,
					   READ_ONCE(talk->state) ==
						   SIV_TALK_ENDED,
					   SURELY),
			0);
	siv_fake_host_settle(f);
	KUNIT_EXPECT_EQ(test, (int)talk->why, (int)why);
}

static struct key *key_of(struct siv_fake_host *f, unsigned int n)
{
	key_ref_t ref = lookup_user_key(f->user[n].serial, 0, KEY_NEED_SEARCH);

	return IS_ERR(ref) ? NULL : key_ref_to_ptr(ref);
}

static void key_is_revoked(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);
	struct siv_talk *again;
	struct key *key;

	settled(test);
	siv_fake_host_talk(test, 1);
	key = key_of(f, 0);
	KUNIT_ASSERT_NOT_NULL(test, key);
	key_revoke(key);
	key_put(key);
	ends_for(test, SIV_R_KEY_REVOKED);
	again = siv_talk_use(f->life, f->user[0].id, f->user[0].cert);
	KUNIT_EXPECT_EQ(test, PTR_ERR(again), -EKEYREVOKED);
	/* and nobody else's */
	siv_fake_host_run(f, 200);
	KUNIT_EXPECT_EQ(test, f->user[1].talk->state, SIV_TALK_LIVE);
	KUNIT_EXPECT_EQ(test, f->ended, 1);
}

static void certificate_is_replaced(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);
	struct siv_fake_user *u = &f->user[0];
	struct siv_talk *again;
	key_ref_t ref;

	settled(test);
	ref = key_create_or_update(make_key_ref(f->ring, true), "sivshmem",
				   "camera.front", siv_fixture_renewed,
				   sizeof(siv_fixture_renewed),
				   KEY_POS_ALL | KEY_USR_ALL,
				   KEY_ALLOC_NOT_IN_QUOTA);
	KUNIT_ASSERT_FALSE(test, IS_ERR(ref));
	key_ref_put(ref);
	ends_for(test, SIV_R_KEY_REVOKED);
	again = siv_talk_use(f->life, u->id, u->cert);
	KUNIT_EXPECT_EQ(test, PTR_ERR(again), -ESTALE);
	KUNIT_EXPECT_TRUE(test, list_empty(&f->life->talks));

	/* who looks it up again speaks with the new one */
	siv_fake_host_leave(f, 0);
	siv_identity_cert_put(u->cert);
	siv_identity_put(u->id);
	u->id = siv_identity_lookup(u->serial, &u->cert);
	KUNIT_ASSERT_FALSE(test, IS_ERR(u->id));
	siv_fake_host_live(test, 0);
	KUNIT_EXPECT_EQ(test,
			memcmp(f->end[1]->cert.hash, u->cert->cert.hash,
			       SIV_HASH_LEN),
			0);
}

/* By the host's clock, and as time goes on. */
static void certificate_expires(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);
	struct siv_talk *talk;

	f->p2.host_time = cpu_to_le64(f->user[0].cert->cert.not_after - 5);
	siv_fake_host_live(test, 0);
	talk = f->user[0].talk;
	siv_fake_host_run(f, 4 * MSEC_PER_SEC);
	KUNIT_EXPECT_EQ(test, talk->state, SIV_TALK_LIVE);
	siv_fake_host_run(f, 3 * MSEC_PER_SEC);
	KUNIT_EXPECT_EQ(test, talk->state, SIV_TALK_ENDED);
	KUNIT_EXPECT_EQ(test, (int)talk->why, SIV_R_CERT_EXPIRED);
	KUNIT_EXPECT_EQ(test, f->ended, 1);
}

static void hosts_certificate_expires(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);
	struct siv_talk *talk;

	/* ahead of this machine's clock, which does not stand */
	f->p2.host_time = cpu_to_le64(siv_keys_now(0, 0) + 1000 * 1000);
	siv_fake_host_live(test, 0);
	talk = f->user[0].talk;
	f->life->host_not_after = siv_host_time(f->life) + 5;
	siv_fake_host_run(f, 4 * MSEC_PER_SEC);
	KUNIT_EXPECT_EQ(test, talk->state, SIV_TALK_LIVE);
	siv_fake_host_run(f, 3 * MSEC_PER_SEC);
	KUNIT_EXPECT_EQ(test, talk->state, SIV_TALK_ENDED);
	KUNIT_EXPECT_EQ(test, (int)talk->why, SIV_R_CERT_EXPIRED);
}

/* Asked for another session because something is wrong, the host says no. */
static void host_says_no(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);
	struct siv_talk *talk;

	settled(test);
	talk = f->user[0].talk;
	f->p2.status = cpu_to_le32(siv_reason_code(SIV_R_REVOKED));
	siv_talk_doubt(talk);
	siv_fake_host_run(f, 200);
	KUNIT_EXPECT_EQ(test, talk->state, SIV_TALK_ENDED);
	KUNIT_EXPECT_EQ(test, (int)talk->why, SIV_R_REVOKED);
	nothing_is_left(test, talk);
}

/* ------------------------------------------------------------------------- users */

static void users_are_counted(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);
	struct siv_fake_user *u = &f->user[0];
	struct siv_talk *talk = siv_fake_host_talk(test, 0);

	/* one talk of an identity, whoever asks; another identity's is another */
	KUNIT_EXPECT_PTR_EQ(test, siv_talk_use(f->life, u->id, u->cert), talk);
	KUNIT_EXPECT_PTR_NE(test, siv_fake_host_talk(test, 1), talk);
	siv_talk_use_more(talk);
	KUNIT_EXPECT_EQ(test, talk->users, 3);
	siv_talk_unuse(talk);
	siv_talk_unuse(talk);
	siv_fake_host_run(f, 2 * SIV_TICK_MS);
	KUNIT_EXPECT_EQ(test, talk->state, SIV_TALK_LIVE);
	KUNIT_EXPECT_EQ(test, talk->users, 1);
}

static void idle_talk_ends(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);
	struct siv_talk *talk;

	f->p2.rekey_seconds = 0;
	settled(test);
	talk = f->user[0].talk;
	siv_talk_get(talk);
	siv_fake_host_leave(f, 0);
	siv_fake_host_run(f, SIV_TALK_IDLE_MS - SIV_TICK_MS);
	KUNIT_EXPECT_EQ(test, talk->state, SIV_TALK_LIVE);
	/* whoever comes then finds the session; its time begins anew */
	KUNIT_EXPECT_PTR_EQ(test, siv_fake_host_talk(test, 0), talk);
	siv_fake_host_run(f, 2 * SIV_TICK_MS);
	KUNIT_EXPECT_EQ(test, talk->state, SIV_TALK_LIVE);
	siv_fake_host_leave(f, 0);
	siv_fake_host_run(f, SIV_TALK_IDLE_MS - SIV_TICK_MS);
	KUNIT_EXPECT_EQ(test, talk->state, SIV_TALK_LIVE);
	siv_fake_host_run(f, 2 * SIV_TICK_MS);
	KUNIT_EXPECT_EQ(test, talk->state, SIV_TALK_ENDED);
	KUNIT_EXPECT_EQ(test, (int)talk->why, SIV_R_TIMEOUT);
	nothing_is_left(test, talk);
	siv_talk_put(talk);
}

/* One that is in use is never idle, however long it says nothing. */
static void used_talk_stays(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);

	f->p2.rekey_seconds = 0;
	settled(test);
	siv_fake_host_run(f, SIV_TALK_IDLE_MS + 2 * SIV_TICK_MS);
	KUNIT_EXPECT_EQ(test, f->user[0].talk->state, SIV_TALK_LIVE);
	KUNIT_EXPECT_EQ(test, f->ended, 0);
}

/* While an old one still says its last words, whoever comes begins anew. */
static void ended_talk_is_not_found(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);
	struct siv_talk *old, *now;

	settled(test);
	old = f->user[0].talk;
	mutex_lock(&f->life->lock);
	KUNIT_EXPECT_TRUE(test, siv_talk_decide(old, SIV_R_POLICY));
	KUNIT_EXPECT_FALSE(test, siv_talk_decide(old, SIV_R_QUOTA));
	mutex_unlock(&f->life->lock);
	now = siv_talk_use(f->life, f->user[0].id, f->user[0].cert);
	KUNIT_ASSERT_FALSE(test, IS_ERR(now));
	KUNIT_EXPECT_PTR_NE(test, now, old);
	siv_talk_finish(old);
	siv_fake_host_run(f, 300);
	KUNIT_EXPECT_EQ(test, now->state, SIV_TALK_LIVE);
	KUNIT_EXPECT_NULL(test, old->live);
	siv_talk_unuse(now);
}

static struct kunit_case siv_talk_end_cases[] = {
	KUNIT_CASE(ends_once),
	KUNIT_CASE(channels_say_closed),
	KUNIT_CASE(channel_that_stays_is_not_waited_for),
	KUNIT_CASE(host_that_does_not_hear_is_not_waited_for),
	KUNIT_CASE(device_that_is_gone_is_not_waited_for),
	KUNIT_CASE(key_is_revoked),
	KUNIT_CASE(certificate_is_replaced),
	KUNIT_CASE(certificate_expires),
	KUNIT_CASE(hosts_certificate_expires),
	KUNIT_CASE(host_says_no),
	KUNIT_CASE(users_are_counted),
	KUNIT_CASE(idle_talk_ends),
	KUNIT_CASE(used_talk_stays),
	KUNIT_CASE(ended_talk_is_not_found),
	{},
};

struct kunit_suite siv_talk_end_suite = {
	.name = "siv_talk_end",
	.suite_init = siv_suite_keys_init,
	.suite_exit = siv_suite_keys_exit,
	.init = siv_fake_host_init,
	.exit = siv_fake_host_exit,
	.test_cases = siv_talk_end_cases,
};
