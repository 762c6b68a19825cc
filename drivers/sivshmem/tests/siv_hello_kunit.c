// SPDX-License-Identifier: GPL-2.0-only
/*
 * hello.c: message 1 is posted again with the same bytes until the host has forgotten it;
 * whoever waits gets a turn; only a message 2 that is the host's answer to this attempt
 * makes a session or refuses one, and nothing else that stands in the slot ends it.
 */
#include "fake_host.h"
#include "clock.h"
#include "siv_keys_fixture.h"
#include "suites.h"

#include "../event.h"

enum {
	MARK = 0xa5,
	FORGED_MAX = 32, /* answers until they are looked at less often */
};

static struct siv_fake_host *fix(struct kunit *test)
{
	return test->priv;
}

static u64 attempt_of(struct siv_fake_host *f)
{
	return siv_get_le64(siv_fake_host_hello_slot(f, true) + 8);
}

/* ------------------------------------------------------------------- message 1 */

/* Is the slot as it was, or has somebody written over our mark? */
static bool marked(struct siv_fake_host *f)
{
	return !memchr_inv(siv_fake_host_hello_slot(f, true), MARK,
			   SIV_SLOT_SIZE);
}

static void mark(struct siv_fake_host *f)
{
	memset(siv_fake_host_hello_slot(f, true), MARK, SIV_SLOT_SIZE);
}

static void is_posted_again(struct kunit *test)
{
	/* after 100 ms, 200, 400 and 800; a look may be some ms late */
	static const u16 at[] = { 100, 300, 700, 1500 };
	struct siv_fake_host *f = fix(test);
	u8 *slot = siv_fake_host_hello_slot(f, true);
	u8 *first = kunit_kzalloc(test, SIV_SLOT_SIZE, GFP_KERNEL);
	u64 timeouts = siv_event_count(SIV_R_TIMEOUT);
	unsigned int i, ms = 1;
	size_t len;

	KUNIT_ASSERT_NOT_NULL(test, first);
	f->deaf = true;
	siv_fake_host_talk(test, 0);
	siv_fake_host_run(f, 1);
	len = SIV_SLOT_HDR + siv_get_le32(slot);
	KUNIT_ASSERT_GT(test, len, SIV_SLOT_HDR + SIV_NONCE_LEN);
	KUNIT_ASSERT_LE(test, len, SIV_SLOT_SIZE);
	memcpy(first, slot, len);
	KUNIT_EXPECT_EQ(test, f->hw->rung, 1);
	KUNIT_EXPECT_EQ(test, f->hw->bell[0].peer, 0);
	KUNIT_EXPECT_EQ(test, f->hw->bell[0].vector, SIV_BELL_HELLO);
	for (i = 0; i < ARRAY_SIZE(at); i++) {
		mark(f);
		siv_fake_host_run(f, at[i] - 20 - ms);
		KUNIT_EXPECT_TRUE_MSG(test, marked(f), "before %u ms", at[i]);
		siv_fake_host_run(f, 70);
		ms = at[i] + 50;
		KUNIT_EXPECT_EQ_MSG(test, memcmp(slot, first, len), 0,
				    "after %u ms", at[i]);
		KUNIT_EXPECT_EQ(test, f->hw->rung, i + 2);
	}
	KUNIT_EXPECT_EQ(test, siv_event_count(SIV_R_TIMEOUT), timeouts);

	/* the host has forgotten it: another one, with other keys */
	siv_fake_host_run(f, SIV_PENDING_MS - 20 - ms);
	KUNIT_EXPECT_EQ(test, memcmp(slot, first, len), 0);
	siv_fake_host_run(f, 70);
	KUNIT_EXPECT_EQ(test, attempt_of(f), siv_get_le64(first + 8) + 1);
	KUNIT_EXPECT_NE(test,
			memcmp(slot + SIV_SLOT_HDR + SIV_NONCE_LEN,
			       first + SIV_SLOT_HDR + SIV_NONCE_LEN,
			       SIV_KEY_LEN),
			0);
	KUNIT_EXPECT_EQ(test, siv_event_count(SIV_R_TIMEOUT), timeouts + 1);
}

/* Without a challenge the host has not accepted this client: nothing is said. */
static void waits_for_the_challenge(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);
	struct siv_talk *talk;

	siv_fake_host_challenge(f, false);
	talk = siv_fake_host_talk(test, 0);
	siv_fake_host_run(f, 5000);
	KUNIT_EXPECT_EQ(test, f->hw->rung, 0);
	KUNIT_EXPECT_EQ(test, talk->state, SIV_TALK_NEW);
	siv_fake_host_challenge(f, true);
	siv_fake_host_run(f, 100);
	KUNIT_EXPECT_EQ(test, talk->state, SIV_TALK_LIVE);
}

/* A new challenge means a new attempt, but only when the host forgets the old one. */
static void old_challenge_is_not_answered(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);
	struct siv_talk *talk = siv_fake_host_talk(test, 0);
	struct siv_fake_end *e;

	f->deaf = true;
	siv_fake_host_run(f, 10);
	siv_fake_host_challenge(f, true);
	KUNIT_EXPECT_EQ(test, (int)siv_fake_host_hear(f, &e), SIV_R_CHALLENGE);
	f->deaf = false;
	siv_fake_host_run(f, SIV_PENDING_MS - 100);
	KUNIT_EXPECT_EQ(test, talk->state, SIV_TALK_NEW);
	siv_fake_host_run(f, 200);
	KUNIT_EXPECT_EQ(test, talk->state, SIV_TALK_LIVE);
}

/* -------------------------------------------------------------------- message 2 */

static void message_2_makes_it_live(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);
	struct siv_talk *talk;
	struct siv_fake_end *e;
	u8 hh[SIV_HASH_LEN];

	f->p2.host_time = cpu_to_le64(siv_keys_now(0, 0) + 1000);
	e = siv_fake_host_live(test, 0);
	talk = f->user[0].talk;
	KUNIT_EXPECT_EQ(test, f->live, 1);
	KUNIT_EXPECT_EQ(test, f->ended, 0);
	KUNIT_EXPECT_EQ(test, talk->live->s.id, e->s.id);
	siv_talk_hh(talk, hh);
	KUNIT_EXPECT_EQ(test, memcmp(hh, e->s.hh, sizeof(hh)), 0);
	KUNIT_EXPECT_EQ(
		test,
		memcmp(e->p1.boot_nonce, f->dev->boot_nonce, SIV_NONCE_LEN), 0);
	/* now it has the host's vector, and the host's time */
	KUNIT_EXPECT_EQ(test, f->life->vectors, SIV_FAKE_VECTORS);
	KUNIT_EXPECT_EQ(test, f->hw->state[SIV_VECTOR_HOST], SIV_VECTOR_ARMED);
	KUNIT_EXPECT_GE(test, siv_host_time(f->life),
			(s64)le64_to_cpu(f->p2.host_time));
	/* and nothing is posted there any more */
	mark(f);
	siv_fake_host_run(f, 5000);
	KUNIT_EXPECT_TRUE(test, marked(f));
}

/* More vectors than there are would be beyond the tables. */
static void vectors_are_those_there_are(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);

	f->p2.vectors = cpu_to_le16(U16_MAX);
	siv_fake_host_live(test, 0);
	KUNIT_EXPECT_EQ(test, f->life->vectors, SIV_FAKE_VECTORS);
}

/* A bell has the answer looked at now, not after some ms. */
static void bell_is_heard(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);
	struct siv_talk *talk = siv_fake_host_talk(test, 0);
	struct siv_fake_end *e;

	f->deaf = true;
	siv_fake_host_run(f, 400);
	KUNIT_ASSERT_EQ(test, (int)siv_fake_host_hear(f, &e), SIV_OK);
	KUNIT_ASSERT_EQ(test, (int)siv_fake_host_answer(f, e), SIV_OK);
	KUNIT_EXPECT_EQ(test, talk->state, SIV_TALK_NEW);
	siv_fake_host_run(f, 0);
	KUNIT_EXPECT_EQ(test, talk->state, SIV_TALK_LIVE);
}

/* Attempt 1, heard by the host, with its answer in f->hello and not in the slot. */
static struct siv_talk *answered(struct kunit *test, struct siv_fake_end **end)
{
	struct siv_fake_host *f = fix(test);
	struct siv_talk *talk = siv_fake_host_talk(test, 0);
	u8 *slot = siv_fake_host_hello_slot(f, false);

	f->deaf = true;
	siv_fake_host_run(f, 100);
	KUNIT_ASSERT_EQ(test, (int)siv_fake_host_hear(f, end), SIV_OK);
	KUNIT_ASSERT_EQ(test, (int)siv_fake_host_answer(f, *end), SIV_OK);
	memset(slot, 0, SIV_SLOT_SIZE);
	siv_fake_host_run(f, 20);
	KUNIT_ASSERT_EQ(test, talk->state, SIV_TALK_NEW);
	return talk;
}

/* What is no answer of the host's: tried once, counted, and the attempt goes on. */
static void forged(struct kunit *test, const u8 *bytes, size_t len,
		   const char *what, unsigned int at)
{
	struct siv_fake_host *f = fix(test);
	unsigned int tries = f->life->hello.tries;
	struct siv_talk *talk = f->user[0].talk;

	siv_fake_host_put(f, bytes, len);
	siv_fake_host_run(f, 0);
	KUNIT_ASSERT_EQ_MSG(test, talk->state, SIV_TALK_NEW, "%s %u", what, at);
	KUNIT_ASSERT_EQ_MSG(test, f->life->hello.tries, tries + 1, "%s %u",
			    what, at);
	siv_fake_host_run(f, 20);
	KUNIT_ASSERT_EQ_MSG(test, f->life->hello.tries, tries + 1,
			    "%s %u is tried again", what, at);
}

static void good_at_last(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);

	KUNIT_EXPECT_EQ(test, f->life->hello.attempt, 1);
	siv_fake_host_put(f, f->hello, f->hello_len);
	siv_fake_host_run(f, 60);
	KUNIT_EXPECT_EQ(test, f->user[0].talk->state, SIV_TALK_LIVE);
	KUNIT_EXPECT_EQ(test, f->life->hello.attempt, 1);
	KUNIT_EXPECT_EQ(test, f->ended, 0);
}

static void flipped_is_dropped(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);
	struct siv_fake_end *e;
	unsigned int i;

	answered(test, &e);
	/* the suite, the attempt, and the whole message */
	for (i = 4; i < f->hello_len; i += 5) {
		memcpy(f->buf, f->hello, f->hello_len);
		f->buf[i] ^= 1 << i % 8;
		forged(test, f->buf, f->hello_len, "flipped at", i);
	}
	good_at_last(test);
}

static void cut_is_dropped(struct kunit *test)
{
	static const u8 more[] = { 1, 16, 64 };
	struct siv_fake_host *f = fix(test);
	struct siv_fake_end *e;
	unsigned int i, n;

	answered(test, &e);
	for (i = 0; i < ARRAY_SIZE(more); i++) {
		memcpy(f->buf, f->hello, f->hello_len);
		memset(f->buf + f->hello_len, 0, more[i]);
		n = f->hello_len - more[i];
		siv_put_le32(f->buf, n - SIV_SLOT_HDR);
		forged(test, f->buf, n, "cut by", more[i]);
		n = f->hello_len + more[i];
		siv_put_le32(f->buf, n - SIV_SLOT_HDR);
		forged(test, f->buf, n, "longer by", more[i]);
	}
	good_at_last(test);
}

/* What was the host's answer once, or is its answer to somebody else. */
static void replayed_is_dropped(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);
	struct siv_talk *talk = siv_fake_host_talk(test, 0);
	struct siv_fake_end *e, *other;
	size_t len;

	f->deaf = true;
	siv_fake_host_run(f, 100);
	KUNIT_ASSERT_EQ(test, (int)siv_fake_host_hear(f, &e), SIV_OK);
	KUNIT_ASSERT_EQ(test, (int)siv_fake_host_hear(f, &other), SIV_OK);
	siv_fake_host_run(f, SIV_PENDING_MS);
	KUNIT_ASSERT_EQ(test, f->life->hello.attempt, 2);
	/* to attempt 1, with its number, and with that of attempt 2 */
	KUNIT_ASSERT_EQ(test, (int)siv_fake_host_answer(f, e), SIV_OK);
	len = f->hello_len;
	memcpy(f->buf, f->hello, len);
	siv_fake_host_run(f, 0);
	KUNIT_EXPECT_EQ(test, talk->state, SIV_TALK_NEW);
	KUNIT_EXPECT_EQ(test, f->life->hello.tries, 1);
	siv_put_le64(f->buf + 8, 2);
	forged(test, f->buf, len, "attempt", 1);

	KUNIT_ASSERT_EQ(test, (int)siv_fake_host_hear(f, &e), SIV_OK);
	KUNIT_ASSERT_EQ(test, (int)siv_fake_host_answer(f, e), SIV_OK);
	siv_fake_host_run(f, 60);
	KUNIT_ASSERT_EQ(test, talk->state, SIV_TALK_LIVE);
	KUNIT_EXPECT_EQ(test, talk->live->s.id, e->s.id);

	/* that again, for the next session of the same talk */
	len = f->hello_len;
	memcpy(f->buf, f->hello, len);
	siv_talk_doubt(talk);
	siv_fake_host_run(f, 60);
	KUNIT_ASSERT_EQ(test, f->life->hello.attempt, 3);
	siv_put_le64(f->buf + 8, 3);
	siv_fake_host_put(f, f->buf, len);
	siv_fake_host_run(f, 60);
	KUNIT_EXPECT_EQ(test, talk->live->s.id, e->s.id);
	KUNIT_EXPECT_NOT_NULL(test, f->life->hello.talk);
}

/* Whoever writes forgeries as fast as it can is looked at 20 times a second. */
static void forger_is_slowed_down(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);
	struct siv_fake_end *e;
	unsigned int i, tries;
	u64 began;

	answered(test, &e);
	memcpy(f->buf, f->hello, f->hello_len);
	for (i = 0; f->life->hello.tries <= FORGED_MAX && i < 100; i++) {
		siv_put_le32(f->buf + 40, i);
		siv_fake_host_put(f, f->buf, f->hello_len);
		siv_fake_host_run(f, 0);
	}
	KUNIT_ASSERT_EQ(test, f->life->hello.tries, FORGED_MAX + 1);
	tries = f->life->hello.tries;
	began = siv_host_now_ms();
	while (siv_host_since_ms(began) < 500) {
		siv_put_le32(f->buf + 40, ++i);
		/* without a bell, which only the host has */
		siv_slot_write(siv_fake_host_hello_slot(f, false), f->buf,
			       f->hello_len);
		siv_fake_host_run(f, 2);
	}
	KUNIT_EXPECT_GE(test, f->life->hello.tries, tries + 6);
	KUNIT_EXPECT_LE(test, f->life->hello.tries, tries + 11);
	good_at_last(test);
}

/* --------------------------------------------------------------------- refusals */

static void refuse(struct kunit *test, enum siv_reason why, u32 code,
		   enum siv_reason told)
{
	struct siv_fake_host *f = fix(test);
	unsigned int ended = f->ended;
	u64 count = siv_event_count(told);
	struct siv_talk *talk;

	f->p2.status = cpu_to_le32(code);
	talk = siv_fake_host_talk(test, 0);
	siv_fake_host_run(f, 60);
	KUNIT_EXPECT_EQ_MSG(test, talk->state, SIV_TALK_ENDED, "%u", code);
	KUNIT_EXPECT_EQ_MSG(test, (int)talk->why, told, "%u", code);
	KUNIT_EXPECT_EQ_MSG(test, f->ended, ended + 1, "%u", code);
	KUNIT_EXPECT_EQ_MSG(test, (int)f->why, told, "%u", code);
	KUNIT_EXPECT_EQ_MSG(test, siv_event_count(told), count + 1, "%u", code);
	KUNIT_EXPECT_EQ(test, f->live, 0);
	KUNIT_EXPECT_TRUE(test, list_empty(&f->life->talks));
	siv_fake_host_leave(f, 0);
}

static void refusal_is_the_end(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);
	static const u8 why[] = { SIV_R_POLICY, SIV_R_QUOTA, SIV_R_REVOKED,
				  SIV_R_CERT_EXPIRED, SIV_R_LISTENING };
	unsigned int i, hellos;

	for (i = 0; i < ARRAY_SIZE(why); i++)
		refuse(test, why[i], siv_reason_code(why[i]), why[i]);
	/* a number that is none of ours */
	refuse(test, 0, 60000, SIV_R_PEER_GONE);
	hellos = f->hellos;
	siv_fake_host_run(f, 10000);
	KUNIT_EXPECT_EQ(test, f->hellos, hellos);
	/* and whoever comes next begins anew */
	f->p2.status = 0;
	siv_fake_host_live(test, 0);
}

/* Nobody but the host says no. */
static void forged_refusal_is_dropped(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);
	struct siv_talk *talk = siv_fake_host_talk(test, 0);
	struct siv_fake_end *e;

	f->deaf = true;
	f->p2.status = cpu_to_le32(siv_reason_code(SIV_R_POLICY));
	siv_fake_host_run(f, 100);
	KUNIT_ASSERT_EQ(test, (int)siv_fake_host_hear(f, &e), SIV_OK);
	KUNIT_ASSERT_EQ(test, (int)siv_fake_host_answer(f, e), SIV_OK);
	siv_fake_host_hello_slot(f, false)[SIV_SLOT_HDR + 40] ^= 1;
	siv_fake_host_run(f, 60);
	KUNIT_EXPECT_EQ(test, talk->state, SIV_TALK_NEW);
	siv_fake_host_hello_slot(f, false)[SIV_SLOT_HDR + 40] ^= 1;
	siv_fake_host_run(f, 60);
	KUNIT_EXPECT_EQ(test, talk->state, SIV_TALK_ENDED);
}

/* ------------------------------------------------------- the host's certificate */

/* Another certificate than the one that device.c has read. */
static void host_cert(struct siv_fake_host *f, const u8 *der, size_t len)
{
	memcpy(f->dev->host_cert, der, len);
	f->dev->host_cert_len = len;
}

#define HOST_CERT(f, cert) \
	host_cert(f, siv_fixture_##cert, sizeof(siv_fixture_##cert))

static void host_is_refused(struct kunit *test, enum siv_reason why)
{
	struct siv_fake_host *f = fix(test);
	unsigned int rung = f->hw->rung;
	struct siv_talk *talk = siv_fake_host_talk(test, 0);
	u64 count = siv_event_count(why);

	siv_fake_host_run(f, 60);
	KUNIT_EXPECT_EQ_MSG(test, talk->state, SIV_TALK_ENDED, "%s",
			    siv_reason_name(why));
	KUNIT_EXPECT_EQ(test, (int)talk->why, (int)why);
	KUNIT_EXPECT_EQ(test, siv_event_count(why), count + 1);
	/* it is told nothing */
	KUNIT_EXPECT_EQ(test, f->hw->rung, rung);
	siv_fake_host_leave(f, 0);
}

static void host_is_judged(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);

	HOST_CERT(f, foreign_host_cert);
	host_is_refused(test, SIV_R_NO_ANCHOR);
	HOST_CERT(f, forged_host_cert);
	host_is_refused(test, SIV_R_SIGNATURE);
	HOST_CERT(f, expired_host_cert);
	host_is_refused(test, SIV_R_CERT_EXPIRED);
	HOST_CERT(f, future_host_cert);
	host_is_refused(test, SIV_R_CERT_NOT_YET);
	HOST_CERT(f, other_host_cert);
	host_is_refused(test, SIV_R_CERT_REGION);
	/* an endpoint plays the host; and the host has our key */
	HOST_CERT(f, other_cert);
	host_is_refused(test, SIV_R_CERT_ROLE);
	HOST_CERT(f, my_host_cert);
	host_is_refused(test, SIV_R_CERT_SELF);
	f->dev->host_cert_len = 0;
	host_is_refused(test, SIV_R_HEADER);
	HOST_CERT(f, host_cert);
	f->dev->host_cert_len--;
	host_is_refused(test, SIV_R_DER_TRUNCATED);
	HOST_CERT(f, host_cert);
	siv_fake_host_live(test, 0);
}

/* A signature is believed for a while, and as long as whoever verified it is there. */
static void verdict_goes_with_its_anchor(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);
	struct siv_fake_end *e = siv_fake_host_live(test, 0);
	struct siv_talk *talk = f->user[0].talk;
	u64 id = e->s.id;

	/* a copy of which nothing but the signature is wrong */
	f->dev->host_cert[f->dev->host_cert_len - 1] ^= 1;
	siv_sha256v(f->ids.host_cert_hash,
		    &(struct siv_span){ f->dev->host_cert,
					f->dev->host_cert_len },
		    1);
	siv_talk_doubt(talk);
	siv_fake_host_run(f, 200);
	KUNIT_ASSERT_EQ(test, talk->state, SIV_TALK_LIVE);
	KUNIT_EXPECT_GT(test, talk->live->s.id, id);

	siv_fake_host_no_anchor(f);
	siv_fake_host_anchor(test);
	siv_talk_doubt(talk);
	siv_fake_host_run(f, 200);
	KUNIT_EXPECT_EQ(test, talk->state, SIV_TALK_ENDED);
	KUNIT_EXPECT_EQ(test, (int)talk->why, SIV_R_SIGNATURE);
}

static void verdict_grows_old(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);
	struct siv_talk *talk;

	siv_fake_host_live(test, 0);
	talk = f->user[0].talk;
	f->dev->host_cert[f->dev->host_cert_len - 1] ^= 1;
	siv_fake_host_run(f, 10 * 60 * 1000);
	KUNIT_EXPECT_EQ(test, talk->state, SIV_TALK_LIVE);
	siv_talk_doubt(talk);
	siv_fake_host_run(f, 200);
	KUNIT_EXPECT_EQ(test, talk->state, SIV_TALK_ENDED);
	KUNIT_EXPECT_EQ(test, (int)talk->why, SIV_R_SIGNATURE);
}

static void without_anchor_there_is_no_host(struct kunit *test)
{
	siv_fake_host_no_anchor(fix(test));
	host_is_refused(test, SIV_R_NO_ANCHOR);
}

/* ------------------------------------------------------------------------- turns */

/* The host answers all but the first user. */
static bool not_the_first(struct siv_fake_host *f, struct siv_fake_end *e)
{
	return memcmp(e->cert.hash, f->user[0].cert->cert.hash, SIV_HASH_LEN);
}

static void everybody_gets_a_turn(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);
	struct siv_talk *talk[SIV_FAKE_USERS];
	unsigned int i;

	f->answers = not_the_first;
	for (i = 0; i < SIV_FAKE_USERS; i++)
		talk[i] = siv_fake_host_talk(test, i);
	/* one at a time: the others wait as long as the host may think about it */
	siv_fake_host_run(f, SIV_PENDING_MS - 100);
	KUNIT_EXPECT_EQ(test, f->hellos, 1);
	KUNIT_EXPECT_EQ(test, f->live, 0);
	siv_fake_host_run(f, 400);
	KUNIT_EXPECT_EQ(test, talk[0]->state, SIV_TALK_NEW);
	KUNIT_EXPECT_EQ(test, talk[1]->state, SIV_TALK_LIVE);
	KUNIT_EXPECT_EQ(test, talk[2]->state, SIV_TALK_LIVE);
	KUNIT_EXPECT_EQ(test, f->hellos, 4);
	/* who has no luck begins again and again, and is in nobody's way */
	siv_fake_host_run(f, 3 * SIV_PENDING_MS);
	KUNIT_EXPECT_EQ(test, f->hellos, 7);
	siv_talk_doubt(talk[1]);
	siv_talk_doubt(talk[1]);
	siv_fake_host_run(f, SIV_PENDING_MS + 200);
	KUNIT_EXPECT_EQ(test, f->live, 3);
	f->answers = NULL;
	siv_fake_host_run(f, SIV_PENDING_MS + 200);
	KUNIT_EXPECT_EQ(test, talk[0]->state, SIV_TALK_LIVE);
	KUNIT_EXPECT_EQ(test, f->live, 4);
}

/* Nobody wants it any more: message 1 is posted no more, and the next has the slot. */
static void unwanted_is_given_up(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);
	struct siv_talk *talk;

	f->answers = not_the_first;
	siv_fake_host_talk(test, 0);
	siv_fake_host_run(f, 200);
	siv_fake_host_leave(f, 0);
	talk = siv_fake_host_talk(test, 1);
	siv_fake_host_run(f, 100);
	KUNIT_EXPECT_EQ(test, talk->state, SIV_TALK_LIVE);
	siv_fake_host_run(f, 1000);
	/* and the talk has ended */
	KUNIT_EXPECT_EQ(test, f->ended, 1);
	KUNIT_EXPECT_EQ(test, (int)f->why, SIV_R_TIMEOUT);
}

/* An answer that comes when the talk has ended makes no session. */
static void ended_talk_is_not_live(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);
	struct siv_fake_end *e;
	struct siv_talk *talk = answered(test, &e);

	siv_fake_host_put(f, f->hello, f->hello_len);
	siv_talk_end(talk, SIV_R_KEY_REVOKED);
	siv_fake_host_run(f, 100);
	KUNIT_EXPECT_EQ(test, talk->state, SIV_TALK_ENDED);
	KUNIT_EXPECT_EQ(test, (int)talk->why, SIV_R_KEY_REVOKED);
	KUNIT_EXPECT_NULL(test, talk->live);
	KUNIT_EXPECT_NULL(test, talk->next);
	KUNIT_EXPECT_EQ(test, f->live, 0);
	KUNIT_EXPECT_EQ(test, f->ended, 1);
}

static void stop_ends_what_is_under_way(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);
	struct siv_talk *talk[2];
	unsigned int i, rung;

	f->deaf = true;
	talk[0] = siv_fake_host_talk(test, 0);
	talk[1] = siv_fake_host_talk(test, 1);
	siv_fake_host_run(f, 100);
	KUNIT_ASSERT_PTR_EQ(test, f->life->hello.talk, talk[0]);
	siv_device_quiesce(f->dev, SIV_R_DEVICE_GONE);
	KUNIT_EXPECT_NULL(test, f->life->hello.talk);
	KUNIT_EXPECT_TRUE(test, list_empty(&f->life->hello.queue));
	for (i = 0; i < 2; i++) {
		KUNIT_ASSERT_NOT_NULL(test, talk[i]);
		KUNIT_EXPECT_EQ(test, talk[i]->state, SIV_TALK_ENDED);
		KUNIT_EXPECT_EQ(test, (int)talk[i]->why, SIV_R_DEVICE_GONE);
		KUNIT_EXPECT_NULL(test, talk[i]->next);
	}
	/* a bell that comes late, and somebody who would like another session */
	rung = f->hw->rung;
	siv_hello_kick(f->life);
	mutex_lock(&f->life->lock);
	siv_hello_want(talk[0]);
	mutex_unlock(&f->life->lock);
	siv_fake_host_run(f, 5000);
	KUNIT_EXPECT_EQ(test, f->hw->rung, rung);
	KUNIT_EXPECT_FALSE(test, talk[0]->in_turn && f->life->hello.talk);
	KUNIT_EXPECT_TRUE(test, list_empty(&f->life->hello.queue));
}

static struct kunit_case siv_hello_cases[] = {
	KUNIT_CASE(is_posted_again),
	KUNIT_CASE(waits_for_the_challenge),
	KUNIT_CASE(old_challenge_is_not_answered),
	KUNIT_CASE(message_2_makes_it_live),
	KUNIT_CASE(vectors_are_those_there_are),
	KUNIT_CASE(bell_is_heard),
	KUNIT_CASE(flipped_is_dropped),
	KUNIT_CASE(cut_is_dropped),
	KUNIT_CASE(replayed_is_dropped),
	KUNIT_CASE(forger_is_slowed_down),
	KUNIT_CASE(refusal_is_the_end),
	KUNIT_CASE(forged_refusal_is_dropped),
	KUNIT_CASE(host_is_judged),
	KUNIT_CASE(verdict_goes_with_its_anchor),
	KUNIT_CASE(verdict_grows_old),
	KUNIT_CASE(without_anchor_there_is_no_host),
	KUNIT_CASE(everybody_gets_a_turn),
	KUNIT_CASE(unwanted_is_given_up),
	KUNIT_CASE(ended_talk_is_not_live),
	KUNIT_CASE(stop_ends_what_is_under_way),
	{},
};

struct kunit_suite siv_hello_suite = {
	.name = "siv_hello",
	.suite_init = siv_suite_keys_init,
	.suite_exit = siv_suite_keys_exit,
	.init = siv_fake_host_init,
	.exit = siv_fake_host_exit,
	.test_cases = siv_hello_cases,
};
