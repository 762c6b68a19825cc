// SPDX-License-Identifier: GPL-2.0-only
/*
 * host.c: what the host has sealed is handed up once and in its order, what stands in the
 * slots besides is nothing; what was not heard is posted again; and with its life a
 * device's host is over, for whoever still has it.
 */
#include <linux/slab.h>

#include "fake_host.h"
#include "clock.h"
#include "suites.h"

#include "../event.h"

static struct siv_fake_host *fix(struct kunit *test)
{
	return test->priv;
}

/* A session in which all is said and heard, and a host that does nothing by itself. */
static struct siv_fake_end *quiet(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);
	struct siv_fake_end *e = siv_fake_host_live(test, 0);

	siv_fake_host_run(f, 450);
	KUNIT_ASSERT_EQ(test, f->said.count, 0);
	KUNIT_ASSERT_EQ(test, e->heard.count, 0);
	f->mute = true;
	return e;
}

static void ring(struct siv_fake_host *f)
{
	siv_fake_host_ring(f, SIV_VECTOR_HOST);
	siv_fake_host_settle(f);
}

/* The slot where a record stands; empty ones and those of other records are not it. */
static u8 *slot_of(struct kunit *test, bool up, u64 number)
{
	unsigned int i;

	for (i = 0; i < SIV_BOX_SLOTS; i++) {
		u8 *slot = siv_fake_host_slot(fix(test), up, i);

		if (siv_get_le32(slot) && siv_get_le64(slot + 8) == number)
			return slot;
	}
	KUNIT_FAIL(test, "record %llu stands nowhere", number);
	return siv_fake_host_slot(fix(test), up, 0);
}

/* One RESULT of the host's, posted, and nobody has rung. */
static u8 *one_record(struct kunit *test, struct siv_fake_end *e, u64 word)
{
	struct siv_fake_host *f = fix(test);

	KUNIT_ASSERT_EQ(test, (int)siv_fake_host_say(e, word), SIV_OK);
	KUNIT_ASSERT_GT(test, siv_fake_host_posts(f), 0);
	return slot_of(test, false, e->s.tx.next - 1);
}

static void words_in_order(struct kunit *test, const struct siv_fake_heard *h,
			   unsigned int count)
{
	unsigned int i;

	KUNIT_EXPECT_EQ(test, h->count, count);
	for (i = 0; i < min(h->count, count); i++)
		KUNIT_EXPECT_EQ(test, h->word[i], i);
}

/* --------------------------------------------------------- what the host has said */

static void records_come_in_order(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);
	struct siv_fake_end *e = siv_fake_host_live(test, 0);
	u64 n = 0;

	while (n < 100) {
		while (n < 100 && siv_fake_host_say(e, n) == SIV_OK)
			n++;
		siv_fake_host_run(f, 40);
	}
	siv_fake_host_run(f, 200);
	words_in_order(test, &f->said, 100);
	KUNIT_EXPECT_EQ(test, f->said.type[0], SIV_MSG_RESULT);
}

/* What is in which slot says nothing. */
static void slots_have_no_order(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);
	struct siv_fake_end *e = quiet(test);
	unsigned int i;

	for (i = 0; i < 4; i++)
		KUNIT_ASSERT_EQ(test, (int)siv_fake_host_say(e, i), SIV_OK);
	KUNIT_ASSERT_GE(test, siv_fake_host_posts(f), 4);
	for (i = 0; i < SIV_BOX_SLOTS / 2; i++) {
		u8 *a = siv_fake_host_slot(f, false, i);
		u8 *b = siv_fake_host_slot(f, false, SIV_BOX_SLOTS - 1 - i);

		memcpy(f->buf, a, SIV_SLOT_SIZE);
		memcpy(a, b, SIV_SLOT_SIZE);
		memcpy(b, f->buf, SIV_SLOT_SIZE);
	}
	ring(f);
	words_in_order(test, &f->said, 4);
}

static void flipped_is_dropped(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);
	struct siv_fake_end *e = quiet(test);
	u8 *slot = one_record(test, e, 0);
	unsigned int i, n = SIV_SLOT_HDR + siv_get_le32(slot);

	for (i = 0; i < n; i++) {
		slot[i] ^= 1 << i % 8;
		ring(f);
		slot[i] ^= 1 << i % 8;
		KUNIT_ASSERT_EQ_MSG(test, f->said.count, 0, "byte %u", i);
	}
	KUNIT_EXPECT_EQ(test, f->ended, 0);
	KUNIT_EXPECT_TRUE(test, siv_talk_is_live(f->user[0].talk));
	ring(f);
	words_in_order(test, &f->said, 1);
}

static void lengths_are_the_records(struct kunit *test)
{
	static const u32 lens[] = {
		0,	1, SIV_TAG_LEN, SIV_SLOT_PAYLOAD, SIV_SLOT_PAYLOAD + 1,
		U32_MAX
	};
	struct siv_fake_host *f = fix(test);
	struct siv_fake_end *e = quiet(test);
	u8 *slot = one_record(test, e, 0);
	u32 len = siv_get_le32(slot);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		siv_put_le32(slot, lens[i]);
		ring(f);
		KUNIT_EXPECT_EQ_MSG(test, f->said.count, 0, "%u", lens[i]);
	}
	for (i = 1; i <= 64; i++) {
		siv_put_le32(slot, len - min(i, len));
		ring(f);
		siv_put_le32(slot, len + i);
		ring(f);
		KUNIT_EXPECT_EQ_MSG(test, f->said.count, 0, "by %u", i);
	}
	siv_put_le32(slot, len);
	ring(f);
	words_in_order(test, &f->said, 1);
	KUNIT_EXPECT_EQ(test, f->ended, 0);
}

/* A record is heard once, wherever else it stands, whatever number is on it. */
static void replayed_is_dropped(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);
	struct siv_fake_end *e = quiet(test);
	u8 *slot = one_record(test, e, 0);
	unsigned int i;
	u64 number;

	ring(f);
	words_in_order(test, &f->said, 1);
	memcpy(f->buf, slot, SIV_SLOT_SIZE);
	number = siv_get_le64(f->buf + 8);
	for (i = 0; i < SIV_BOX_SLOTS; i++)
		memcpy(siv_fake_host_slot(f, false, i), f->buf, SIV_SLOT_SIZE);
	ring(f);
	for (i = 0; i < SIV_BOX_SLOTS; i++)
		siv_put_le64(siv_fake_host_slot(f, false, i) + 8, number + i);
	ring(f);
	KUNIT_EXPECT_EQ(test, f->said.count, 1);
	KUNIT_EXPECT_EQ(test, f->ended, 0);

	/* nor is it one of the next session's */
	f->mute = false;
	siv_talk_doubt(f->user[0].talk);
	siv_fake_host_run(f, 3000);
	KUNIT_ASSERT_EQ(test, f->live, 2);
	f->mute = true;
	for (i = 0; i < SIV_BOX_SLOTS; i++) {
		u8 *copy = siv_fake_host_slot(f, false, i);

		memcpy(copy, f->buf, SIV_SLOT_SIZE);
		siv_put_le64(copy + 8, number);
		siv_put_le32(copy + 4, i % 2 ? f->end[1]->s.tag : e->s.tag);
	}
	ring(f);
	KUNIT_EXPECT_EQ(test, f->said.count, 1);
	KUNIT_EXPECT_EQ(test, f->ended, 0);
}

/* Who wipes the slots, or has the bells lost, makes it later and nothing else. */
static void wiped_comes_again(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);
	struct siv_fake_end *e = quiet(test);
	u8 *slot = one_record(test, e, 0);

	memset(slot, 0, SIV_SLOT_SIZE);
	ring(f);
	KUNIT_EXPECT_EQ(test, f->said.count, 0);
	f->mute = false;
	siv_fake_host_run(f, 1000);
	words_in_order(test, &f->said, 1);
}

static void lost_bell_is_healed(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);
	struct siv_fake_end *e = quiet(test);

	one_record(test, e, 0);
	siv_fake_host_settle(f);
	KUNIT_EXPECT_EQ(test, f->said.count, 0);
	siv_fake_host_run(f, SIV_TICK_MS + 20);
	words_in_order(test, &f->said, 1);
}

/* Posted without the core's checks of what a host may say. */
static void say_raw(struct kunit *test, struct siv_fake_end *e, u16 type,
		    u64 ack, size_t len)
{
	struct siv_fake_host *f = fix(test);
	static const u8 zeros[sizeof(struct siv_open)];
	struct siv_span none = {};
	enum siv_reason r;
	size_t n;

	r = siv_record_seal(&e->s.tx, e->s.tag, type, ack,
			    (struct siv_span){ zeros, len }, none, f->buf, &n);
	KUNIT_ASSERT_EQ(test, (int)r, SIV_OK);
	siv_slot_write(siv_fake_host_slot(f, false, 0), f->buf, n);
	ring(f);
}

/* It opened, so it is the host's: one that speaks so is not to be spoken with. */
static void broken_host_ends_the_talk(struct kunit *test)
{
	static const struct {
		u16 type;
		u16 len;
		u8 ack;
		u8 why;
	} bad[] = {
		{ SIV_MSG_OPEN, sizeof(struct siv_open), 0, SIV_R_SIZE },
		{ SIV_MSG_UNLISTEN, sizeof(struct siv_unlisten), 0,
		  SIV_R_STATE },
		{ SIV_MSG_HEARTBEAT, 0, 0, SIV_R_STATE },
		{ SIV_MSG_COUNT, 0, 0, SIV_R_TYPE },
		{ SIV_MSG_RESULT, sizeof(struct siv_result) - 1, 0,
		  SIV_R_LENGTH },
		{ SIV_MSG_ACK, 1, 0, SIV_R_LENGTH },
		{ SIV_MSG_ACK, 0, 200, SIV_R_STATE },
	};
	struct siv_fake_host *f = fix(test);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		struct siv_fake_end *e = siv_fake_host_live(test, 0);
		struct siv_talk *talk = f->user[0].talk;
		u64 count = siv_event_count(bad[i].why);

		siv_fake_host_run(f, 200);
		f->mute = true;
		say_raw(test, e, bad[i].type, bad[i].ack ?: e->s.rx.next,
			bad[i].len);
		KUNIT_EXPECT_EQ_MSG(test, talk->state, SIV_TALK_ENDED, "%u", i);
		KUNIT_EXPECT_EQ_MSG(test, (int)talk->why, bad[i].why, "%u", i);
		KUNIT_EXPECT_EQ_MSG(test, siv_event_count(bad[i].why),
				    count + 1, "%u", i);
		KUNIT_EXPECT_EQ_MSG(test, f->ended, i + 1, "%u", i);
		f->mute = false;
		siv_fake_host_leave(f, 0);
		siv_fake_host_run(f, 3000);
	}
	KUNIT_EXPECT_EQ(test, f->said.count, 0);
}

/* Several identities in one box: each hears what was said to it. */
static void sessions_are_told_apart(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);
	struct siv_fake_end *e[2];

	e[0] = siv_fake_host_live(test, 0);
	e[1] = siv_fake_host_live(test, 1);
	siv_fake_host_run(f, 200);
	f->mute = true;
	KUNIT_ASSERT_EQ(test, (int)siv_fake_host_say(e[1], 0), SIV_OK);
	KUNIT_ASSERT_EQ(test, (int)siv_fake_host_say(e[0], 1), SIV_OK);
	KUNIT_ASSERT_GE(test, siv_fake_host_posts(f), 2);
	ring(f);
	KUNIT_EXPECT_EQ(test, f->said.count, 2);
	KUNIT_EXPECT_EQ(test, f->user[0].talk->live->s.rx.next,
			e[0]->s.tx.next);
	KUNIT_EXPECT_EQ(test, f->user[1].talk->live->s.rx.next,
			e[1]->s.tx.next);
}

/* -------------------------------------------------------------- what we have said */

static int say(struct siv_talk *talk, u64 word)
{
	struct siv_unlisten m = { .request = cpu_to_le64(word) };

	return siv_talk_say(talk, SIV_MSG_UNLISTEN, &m, sizeof(m));
}

static void unheard_is_posted_again(struct kunit *test)
{
	/* after 100 ms, 200, ... 1600, and then every 2000 */
	static const u16 at[] = { 100, 300, 700, 1500, 3100, 5100 };
	struct siv_fake_host *f = fix(test);
	struct siv_fake_end *e = quiet(test);
	unsigned int i, rung = f->hw->rung, ms = 0;
	u8 *slot;
	size_t n;

	KUNIT_ASSERT_EQ(test, say(f->user[0].talk, 0), 0);
	slot = slot_of(test, true, f->user[0].talk->live->s.tx.next - 1);
	n = SIV_SLOT_HDR + siv_get_le32(slot);
	memcpy(f->buf, slot, n);
	KUNIT_EXPECT_EQ(test, f->hw->rung, rung + 1);
	for (i = 0; i < ARRAY_SIZE(at); i++) {
		memset(slot, 0, SIV_SLOT_SIZE);
		siv_fake_host_run(f, at[i] - 20 - ms);
		KUNIT_EXPECT_NULL_MSG(test, memchr_inv(slot, 0, SIV_SLOT_SIZE),
				      "before %u ms", at[i]);
		siv_fake_host_run(f, 70);
		ms = at[i] + 50;
		KUNIT_EXPECT_EQ_MSG(test, memcmp(slot, f->buf, n), 0,
				    "after %u ms", at[i]);
	}
	KUNIT_EXPECT_GE(test, f->hw->rung, rung + 1 + i);
	/* once heard it goes, and stays away */
	f->mute = false;
	siv_fake_host_run(f, 100);
	words_in_order(test, &e->heard, 1);
	KUNIT_EXPECT_NE(test, memcmp(slot, f->buf, n), 0);
	memset(slot, 0, SIV_SLOT_SIZE);
	siv_fake_host_run(f, 5000);
	words_in_order(test, &e->heard, 1);
	KUNIT_EXPECT_NE(test, memcmp(slot, f->buf, n), 0);
}

/* ------------------------------------------------------------------------- time */

static void ticks_and_stops(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);

	siv_fake_host_run(f, 10 * SIV_TICK_MS + 20);
	KUNIT_EXPECT_EQ(test, f->ticks, 10);
	siv_device_quiesce(f->dev, SIV_R_DEVICE_GONE);
	siv_fake_host_run(f, 10 * SIV_TICK_MS);
	KUNIT_EXPECT_EQ(test, f->ticks, 10);
}

static void time_goes_on(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);
	s64 ahead = siv_keys_now(0, 0) + 1000 * 1000;
	u64 ms = siv_host_now_ms();

	KUNIT_EXPECT_LT(test, siv_host_time(f->life), ahead);
	f->p2.host_time = cpu_to_le64(ahead);
	siv_fake_host_live(test, 0);
	KUNIT_EXPECT_GE(test, siv_host_time(f->life), ahead);
	KUNIT_EXPECT_LE(test, siv_host_time(f->life), ahead + 1);
	siv_fake_host_run(f, 100 * 1000);
	KUNIT_EXPECT_GE(test, siv_host_time(f->life), ahead + 100);
	KUNIT_EXPECT_LE(test, siv_host_time(f->life), ahead + 102);

	KUNIT_EXPECT_GE(test, siv_host_now_ms(), ms + 100 * 1000);
	KUNIT_EXPECT_GE(test, siv_host_since_ms(ms), 100 * 1000);
	KUNIT_EXPECT_EQ(test, siv_host_since_ms(siv_host_now_ms()), 0);
	KUNIT_EXPECT_EQ(test, siv_host_since_ms(siv_host_now_ms() + 1000), 0);
}

/* Certificates are verified for each peer at a rate of its own. */
static void cold_certificates_have_a_rate(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);
	unsigned int i;

	for (i = 0; i < SIV_COLD_BURST; i++)
		KUNIT_EXPECT_TRUE(test, siv_host_cold_ok(f->life, 5));
	KUNIT_EXPECT_FALSE(test, siv_host_cold_ok(f->life, 5));
	/* who shares its bucket, and who does not */
	KUNIT_EXPECT_FALSE(test,
			   siv_host_cold_ok(f->life, 5 + SIV_COLD_BUCKETS));
	KUNIT_EXPECT_TRUE(test, siv_host_cold_ok(f->life, 6));
	KUNIT_EXPECT_TRUE(test, siv_host_cold_ok(f->life, U32_MAX));

	siv_fake_host_run(f, 1000 / SIV_COLD_PER_S - 5);
	KUNIT_EXPECT_FALSE(test, siv_host_cold_ok(f->life, 5));
	siv_fake_host_run(f, 6);
	KUNIT_EXPECT_TRUE(test, siv_host_cold_ok(f->life, 5));
	KUNIT_EXPECT_FALSE(test, siv_host_cold_ok(f->life, 5));
	siv_fake_host_run(f, 1000);
	for (i = 0; siv_host_cold_ok(f->life, 5) && i < 100; i++)
		;
	KUNIT_EXPECT_EQ(test, i, SIV_COLD_PER_S);
	/* nobody saves up more than the burst */
	siv_fake_host_run(f, 60 * 1000);
	for (i = 0; siv_host_cold_ok(f->life, 5) && i < 100; i++)
		;
	KUNIT_EXPECT_EQ(test, i, SIV_COLD_BURST);
}

/* ------------------------------------------------------------------------- lives */

/* The host speaks while goodbye is about to be said, and somebody would like to. */
static void late_words(struct siv_fake_host *f)
{
	ring(f);
	if (say(f->user[0].talk, 99) != -ENODEV)
		f->said.count++;
}

static void goodbye_is_said(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);
	struct siv_fake_end *e = quiet(test);
	struct siv_talk *talk = f->user[0].talk;
	const struct siv_fake_heard *h = &e->heard;

	/* what was said before, and is not there any more, comes before it */
	KUNIT_ASSERT_EQ(test, say(talk, 0), 0);
	memset(slot_of(test, true, talk->live->s.tx.next - 1), 0,
	       SIV_SLOT_SIZE);
	/* what comes from the host now is nobody's business */
	one_record(test, e, 0);
	f->leaving = late_words;
	siv_device_quiesce(f->dev, SIV_R_DEVICE_GONE);
	siv_fake_host_hears(f);
	KUNIT_ASSERT_EQ(test, h->count, 2);
	KUNIT_EXPECT_EQ(test, h->type[0], SIV_MSG_UNLISTEN);
	KUNIT_EXPECT_EQ(test, h->type[1], SIV_MSG_GOODBYE);
	KUNIT_EXPECT_EQ(test, f->said.count, 0);
	KUNIT_EXPECT_EQ(test, talk->state, SIV_TALK_ENDED);
	KUNIT_EXPECT_EQ(test, (int)talk->why, SIV_R_DEVICE_GONE);
	/* channels end before it is said, and once more for those that came meanwhile */
	KUNIT_EXPECT_EQ(test, f->quiesced, 2);
	KUNIT_EXPECT_EQ(test, f->ended, 1);
}

/* Memory that may be another's by now is not written to. */
static void lost_device_says_nothing(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);
	struct siv_fake_end *e = quiet(test);
	unsigned int rung = f->hw->rung;

	f->hw->alive = false;
	memset(f->box, 0, SIV_BOX_STRIDE);
	KUNIT_EXPECT_TRUE(test, siv_device_check(f->dev));
	KUNIT_EXPECT_NULL(test, memchr_inv(f->box, 0, SIV_BOX_STRIDE));
	KUNIT_EXPECT_EQ(test, f->hw->rung, rung);
	KUNIT_EXPECT_EQ(test, e->heard.count, 0);
	KUNIT_EXPECT_EQ(test, f->quiesced, 1);
	KUNIT_EXPECT_EQ(test, f->user[0].talk->state, SIV_TALK_ENDED);
}

static void another_life_is_another_host(struct kunit *test)
{
	struct siv_fake_host *f = fix(test);
	struct siv_host *old = f->life, *now;
	struct siv_fake_end *e;
	struct siv_talk *talk;
	unsigned int rung;

	quiet(test);
	talk = f->user[0].talk;
	now = siv_host_of(f->dev);
	KUNIT_EXPECT_PTR_EQ(test, now, old);
	siv_host_put(now);
	siv_device_suspend(f->dev, SIV_R_EPOCH, true);
	KUNIT_EXPECT_NULL(test, siv_host_of(f->dev));
	KUNIT_EXPECT_EQ(test, (int)old->ended, SIV_R_EPOCH);
	KUNIT_EXPECT_EQ(test, (int)talk->why, SIV_R_EPOCH);
	KUNIT_ASSERT_EQ(test, siv_device_resume(f->dev), 0);
	now = siv_host_of(f->dev);
	KUNIT_ASSERT_NOT_NULL(test, now);
	siv_host_put(now); /* the device has it */
	KUNIT_EXPECT_PTR_NE(test, now, old);

	/* the old one is there as long as somebody has it, and does nothing */
	rung = f->hw->rung;
	KUNIT_EXPECT_EQ(test, say(talk, 0), -ENODEV);
	KUNIT_EXPECT_EQ(
		test,
		PTR_ERR(siv_talk_use(old, f->user[0].id, f->user[0].cert)),
		-ENODEV);
	siv_host_kick(old);
	siv_host_fallback(old);
	mutex_lock(&old->lock);
	siv_host_post_at(old, siv_host_now_ms() + 10);
	mutex_unlock(&old->lock);
	siv_fake_host_run(f, 2000);
	KUNIT_EXPECT_EQ(test, f->hw->rung, rung);
	siv_fake_host_leave(f, 0);

	/* and the new one begins where there is nothing */
	KUNIT_EXPECT_EQ(test, now->vectors, 0);
	KUNIT_EXPECT_EQ(test, (int)now->ended, SIV_OK);
	f->life = now;
	f->mute = false;
	e = siv_fake_host_live(test, 0);
	KUNIT_EXPECT_EQ(
		test,
		memcmp(e->p1.boot_nonce, f->dev->boot_nonce, SIV_NONCE_LEN), 0);
	KUNIT_EXPECT_EQ(test, say(f->user[0].talk, 0), 0);
	siv_fake_host_run(f, 200);
	words_in_order(test, &e->heard, 1);
}

static struct kunit_case siv_host_cases[] = {
	KUNIT_CASE(records_come_in_order),
	KUNIT_CASE(slots_have_no_order),
	KUNIT_CASE(flipped_is_dropped),
	KUNIT_CASE(lengths_are_the_records),
	KUNIT_CASE(replayed_is_dropped),
	KUNIT_CASE(wiped_comes_again),
	KUNIT_CASE(lost_bell_is_healed),
	KUNIT_CASE(broken_host_ends_the_talk),
	KUNIT_CASE(sessions_are_told_apart),
	KUNIT_CASE(unheard_is_posted_again),
	KUNIT_CASE(ticks_and_stops),
	KUNIT_CASE(time_goes_on),
	KUNIT_CASE(cold_certificates_have_a_rate),
	KUNIT_CASE(goodbye_is_said),
	KUNIT_CASE(lost_device_says_nothing),
	KUNIT_CASE(another_life_is_another_host),
	{},
};

struct kunit_suite siv_host_suite = {
	.name = "siv_host",
	.suite_init = siv_suite_keys_init,
	.suite_exit = siv_suite_keys_exit,
	.init = siv_fake_host_init,
	.exit = siv_fake_host_exit,
	.test_cases = siv_host_cases,
};
