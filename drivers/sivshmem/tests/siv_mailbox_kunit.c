// SPDX-License-Identifier: GPL-2.0-only
/*
 * mailbox.c finds our own box, copies what stands there once and judges only copies,
 * rings what it must, and touches nothing after the gate was closed.
 */
#include <linux/slab.h>

#include "../mailbox.h"
#include "fake_hw.h"
#include "suites.h"

struct fixture {
	struct siv_fake *fake;
	struct siv_mailbox mb;
	u8 *box; /* ours */
	u8 buf[SIV_SLOT_SIZE];
	u8 want_tag;
	unsigned int asked;
	unsigned int taken;
	u64 number; /* of the last one taken */
	size_t len;
};

static int mailbox_init(struct kunit *test)
{
	struct fixture *x = kunit_kzalloc(test, sizeof(*x), GFP_KERNEL);
	struct siv_device *dev;

	if (!x)
		return -ENOMEM;
	test->priv = x;
	siv_device_client_set(NULL);
	x->fake = siv_fake_make(test);
	dev = x->fake->dev;
	KUNIT_ASSERT_EQ(test, siv_device_add(dev, false), 0);
	x->box = x->fake->mem + siv_box_offset(&dev->geo, dev->peer);
	siv_mailbox_init(&x->mb, dev);
	return 0;
}

static void mailbox_exit(struct kunit *test)
{
	struct fixture *x = test->priv;

	siv_fake_free(x->fake);
}

static void close_gate(struct fixture *x)
{
	siv_device_quiesce(x->fake->dev, SIV_R_DEVICE_GONE);
}

/* Post a record as the host would. */
static void post(struct fixture *x, unsigned int i, u32 len, u32 tag,
		 u64 number)
{
	u8 *slot = x->box + SIV_BOX_DOWN + i * SIV_SLOT_SIZE;

	siv_put_le32(slot, len);
	siv_put_le32(slot + 4, tag);
	siv_put_le64(slot + 8, number);
	if (len <= SIV_SLOT_PAYLOAD)
		memset(slot + SIV_SLOT_HDR, 0x50 + i, len);
}

static bool want(void *arg, const struct siv_slot_info *info)
{
	struct fixture *x = arg;

	x->asked++;
	return info->tag == x->want_tag;
}

static void take(void *arg, struct siv_span rec)
{
	struct fixture *x = arg;

	x->taken++;
	x->number = siv_get_le64(rec.p + 8);
	x->len = rec.n;
}

static void challenge_is_copied(struct kunit *test)
{
	struct fixture *x = test->priv;
	u8 c[SIV_NONCE_LEN];

	memset(x->box, 0xc4, SIV_NONCE_LEN);
	KUNIT_EXPECT_EQ(test, siv_mailbox_challenge(&x->mb, c), 0);
	KUNIT_EXPECT_EQ(test, memcmp(c, x->box, sizeof(c)), 0);
	close_gate(x);
	KUNIT_EXPECT_EQ(test, siv_mailbox_challenge(&x->mb, c), -ENODEV);
}

static void hello_is_posted_and_rung(struct kunit *test)
{
	struct fixture *x = test->priv;
	u8 *slot = x->box + SIV_BOX_HELLO_UP;

	memset(x->buf, 0x11, 100);
	siv_put_le32(x->buf, 84);
	KUNIT_EXPECT_EQ(test, siv_mailbox_hello(&x->mb, x->buf, 100), 0);
	KUNIT_EXPECT_EQ(test, memcmp(slot, x->buf, 100), 0);
	KUNIT_EXPECT_EQ(test, x->fake->rung, 1);
	KUNIT_EXPECT_EQ(test, x->fake->bell[0].peer, 0);
	KUNIT_EXPECT_EQ(test, x->fake->bell[0].vector, SIV_BELL_HELLO);
	KUNIT_EXPECT_EQ(test,
			siv_mailbox_hello(&x->mb, x->buf, SIV_SLOT_SIZE + 1),
			-EINVAL);
	KUNIT_EXPECT_EQ(test,
			siv_mailbox_hello(&x->mb, x->buf, SIV_SLOT_HDR - 1),
			-EINVAL);
	close_gate(x);
	memset(slot, 0, 100);
	KUNIT_EXPECT_EQ(test, siv_mailbox_hello(&x->mb, x->buf, 100), -ENODEV);
	KUNIT_EXPECT_NULL(test, memchr_inv(slot, 0, 100));
	KUNIT_EXPECT_EQ(test, x->fake->rung, 1);
}

static void answer_is_copied(struct kunit *test)
{
	struct fixture *x = test->priv;
	u8 *slot = x->box + SIV_BOX_HELLO_DOWN;

	KUNIT_EXPECT_EQ(test, siv_mailbox_answer(&x->mb, x->buf), 0);
	memset(slot + SIV_SLOT_HDR, 0x77, 112);
	siv_put_le32(slot, 112);
	KUNIT_EXPECT_EQ(test, siv_mailbox_answer(&x->mb, x->buf), 128);
	KUNIT_EXPECT_EQ(test, memcmp(x->buf, slot, 128), 0);
	/* a length beyond the slot is nobody's message */
	siv_put_le32(slot, SIV_SLOT_PAYLOAD + 1);
	KUNIT_EXPECT_EQ(test, siv_mailbox_answer(&x->mb, x->buf), 0);
	siv_put_le32(slot, U32_MAX);
	KUNIT_EXPECT_EQ(test, siv_mailbox_answer(&x->mb, x->buf), 0);
	siv_put_le32(slot, SIV_SLOT_PAYLOAD);
	KUNIT_EXPECT_EQ(test, siv_mailbox_answer(&x->mb, x->buf),
			SIV_SLOT_SIZE);
	close_gate(x);
	KUNIT_EXPECT_EQ(test, siv_mailbox_answer(&x->mb, x->buf), -ENODEV);
}

static int scan(struct fixture *x)
{
	return siv_mailbox_scan(&x->mb, want, take, x, x->buf);
}

static void scan_takes_what_is_wanted(struct kunit *test)
{
	struct fixture *x = test->priv;

	x->want_tag = 9;
	KUNIT_EXPECT_EQ(test, scan(x), 0);
	KUNIT_EXPECT_EQ(test, x->asked, 0);
	post(x, 0, 40, 8, 1);
	post(x, 3, 50, 9, 2);
	post(x, 7, SIV_SLOT_PAYLOAD, 9, 3);
	KUNIT_EXPECT_EQ(test, scan(x), 2);
	KUNIT_EXPECT_EQ(test, x->asked, 3);
	KUNIT_EXPECT_EQ(test, x->taken, 2);
	KUNIT_EXPECT_EQ(test, x->number, 3);
	KUNIT_EXPECT_EQ(test, x->len, SIV_SLOT_SIZE);
	/* impossible lengths are not even asked for */
	post(x, 0, SIV_SLOT_PAYLOAD + 1, 9, 4);
	post(x, 3, U32_MAX, 9, 5);
	post(x, 7, 0, 9, 6);
	KUNIT_EXPECT_EQ(test, scan(x), 0);
	KUNIT_EXPECT_EQ(test, x->asked, 3);
	close_gate(x);
	post(x, 1, 8, 9, 7);
	KUNIT_EXPECT_EQ(test, scan(x), -ENODEV);
}

/* Everything set at once: the work of a scan is bounded. */
static void scan_is_bounded(struct kunit *test)
{
	struct fixture *x = test->priv;
	unsigned int i;

	x->want_tag = 1;
	for (i = 0; i < SIV_BOX_SLOTS; i++)
		post(x, i, SIV_SLOT_PAYLOAD, 1, i);
	KUNIT_EXPECT_EQ(test, scan(x), SIV_BOX_SLOTS);
	KUNIT_EXPECT_EQ(test, x->taken, SIV_BOX_SLOTS);
}

static void other_boxes_are_left_alone(struct kunit *test)
{
	struct fixture *x = test->priv;
	struct siv_device *dev = x->fake->dev;
	u8 *other = x->fake->mem + siv_box_offset(&dev->geo, dev->peer + 1);

	memset(other, 0xff, SIV_BOX_STRIDE);
	KUNIT_EXPECT_EQ(test, scan(x), 0);
	KUNIT_EXPECT_EQ(test, siv_mailbox_answer(&x->mb, x->buf), 0);
	KUNIT_EXPECT_EQ(test, siv_mailbox_hello(&x->mb, x->buf, SIV_SLOT_SIZE),
			0);
	KUNIT_EXPECT_NULL(test, memchr_inv(other, 0xff, SIV_BOX_STRIDE));
}

static void claimed_device_has_no_mailbox(struct kunit *test)
{
	struct fixture *x = test->priv;
	struct siv_device *dev = x->fake->dev;
	u8 c[SIV_NONCE_LEN];

	siv_device_quiesce(dev, SIV_R_DEVICE_GONE);
	siv_device_del(dev);
	memset(x->fake->mem, 0, 8);
	KUNIT_ASSERT_EQ(test, siv_device_add(dev, true), 0);
	KUNIT_EXPECT_EQ(test, siv_mailbox_challenge(&x->mb, c), -ENODEV);
	KUNIT_EXPECT_EQ(test, siv_mailbox_hello(&x->mb, x->buf, 100), -ENODEV);
	KUNIT_EXPECT_EQ(test, scan(x), -ENODEV);
}

static struct kunit_case siv_mailbox_cases[] = {
	KUNIT_CASE(challenge_is_copied),
	KUNIT_CASE(hello_is_posted_and_rung),
	KUNIT_CASE(answer_is_copied),
	KUNIT_CASE(scan_takes_what_is_wanted),
	KUNIT_CASE(scan_is_bounded),
	KUNIT_CASE(other_boxes_are_left_alone),
	KUNIT_CASE(claimed_device_has_no_mailbox),
	{},
};

struct kunit_suite siv_mailbox_suite = {
	.name = "siv_mailbox",
	.init = mailbox_init,
	.exit = mailbox_exit,
	.test_cases = siv_mailbox_cases,
};
