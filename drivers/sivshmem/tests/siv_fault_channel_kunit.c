// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whichever call of a channel's fails for want of memory, what was
 * asked for gives the errno that is written here, or succeeds where it can do without;
 * nothing stays behind, and the same without a fault succeeds after it.
 * (tests/qemu/test_faults.py does it to whole system calls.)
 */
#include <linux/file.h>
#include <linux/fs.h>

#include "fault.h"
#include "suites.h"
#include "sweep.h"

static void a_channel(struct kunit *test)
{
	struct siv_sweep *x = test->priv;
	struct list_head *table;

	x->suite = SIV_SUITE_CHACHAPOLY;
	siv_sweep(test,
		  &(struct siv_try){ "channel", NULL, siv_sweep_channel_comes,
				     siv_sweep_channel_goes, -ENOMEM, 2 });
	x->suite = SIV_SUITE_AESGCM;
	siv_sweep(test, &(struct siv_try){
				"channel, AES", NULL, siv_sweep_channel_comes,
				siv_sweep_channel_goes, -ENOMEM, 5 });
	x->uflags = SIVSHMEM_SEALED;
	siv_sweep(test,
		  &(struct siv_try){ "sealed channel, AES", NULL,
				     siv_sweep_channel_comes,
				     siv_sweep_channel_goes, -ENOMEM, 13 });
	x->suite = SIV_SUITE_CHACHAPOLY;
	siv_sweep(test, &(struct siv_try){
				"sealed channel", NULL, siv_sweep_channel_comes,
				siv_sweep_channel_goes, -ENOMEM, 4 });
	/* the laboratory's own is alone in the table */
	table = &x->lab->talk->host.channels;
	KUNIT_EXPECT_TRUE(test, list_is_singular(table));
	KUNIT_EXPECT_EQ(test, x->lab->talk->talk.open, 1);
}

static int file_comes(struct siv_sweep *x)
{
	int err = siv_sweep_channel_comes(x);

	if (err)
		return err;
	x->file = siv_channel_file(x->ch, O_NONBLOCK);
	return PTR_ERR_OR_ZERO(x->file);
}

static void a_file(struct kunit *test)
{
	struct siv_sweep *x = test->priv;

	x->suite = SIV_SUITE_CHACHAPOLY;
	/* its file is what keeps the file system there */
	siv_fake_lab_close(x->lab);
	siv_sweep(test,
		  &(struct siv_try){ "file", NULL, file_comes,
				     siv_sweep_channel_goes, -ENOMEM, 5 });
}

/* -------------------------------------------------------------- sealed records */

/* One end of a sealed channel, on the rings that the laboratory lays out. */
static void end_make(struct kunit *test, struct siv_sweep *x, unsigned int i)
{
	struct siv_channel *lab_ch = x->lab->ch, *ch;
	struct siv_side *own;
	u8 *base;

	x->uflags = SIVSHMEM_SEALED;
	x->suite = SIV_SUITE_AESGCM;
	KUNIT_ASSERT_EQ(test,
			siv_reason_errno(siv_channel_alloc(
				&x->lab->talk->talk, !i,
				SIVSHMEM_NO_NODE | x->uflags, x->suite, &ch)),
			0);
	x->end[i] = ch;
	x->lab->ch = ch;
	siv_fake_lab_open(x->lab);
	x->lab->ch = lab_ch;
	if (i) {
		/* the other end: everything the other way round */
		own = siv_fake_lab_peer(x->lab);
		siv_tx_init(&ch->tx.ring, own,
			    (struct siv_side __peer *)x->end[0]->tx.ring.own,
			    ch->rx.ring.size);
		siv_rx_init(&ch->rx.ring, own, ch->tx.ring.peer,
			    ch->tx.ring.size);
		base = ch->tx.base;
		ch->tx.base = (u8 __force *)ch->rx.base;
		ch->rx.base = (u8 __peer *)base;
	}
	ch->max_record = 1000;
	memset(ch->connect.r, 0x42, sizeof(ch->connect.r));
	mutex_lock(&ch->connect_lock);
	KUNIT_EXPECT_EQ(test, siv_channel_seal_start(ch), SIV_OK);
	mutex_unlock(&ch->connect_lock);
	x->end_file[i] = siv_channel_file(ch, O_NONBLOCK);
	KUNIT_ASSERT_FALSE(test, IS_ERR(x->end_file[i]));
}

static void end_free(struct siv_sweep *x, unsigned int i)
{
	fput(x->end_file[i]);
	flush_delayed_fput();
	siv_channel_end(x->end[i], SIV_R_DEVICE_GONE, true);
	siv_fake_lab_settle(x->lab);
	siv_channel_put(x->end[i]);
}

/* A record there; what fails has published nothing, and the same record goes later. */
static int record_goes(struct siv_sweep *x)
{
	u64 before = x->end[0]->tx.ring.prod;
	loff_t pos = 0;
	ssize_t n = kernel_write(x->end_file[0], "a record", 8, &pos);

	if (n < 0)
		return x->end[0]->tx.ring.prod == before ? n : -EIO;
	return n == 8 ? 0 : -EIO;
}

static int record_comes(struct siv_sweep *x)
{
	u64 before = x->end[1]->rx.ring.cons;
	char buf[16] = "";
	loff_t pos = 0;
	ssize_t n = kernel_read(x->end_file[1], buf, sizeof(buf), &pos);

	if (n < 0)
		return x->end[1]->rx.ring.cons == before ? n : -EIO;
	return n == 8 && !memcmp(buf, "a record", 8) ? 0 : -EIO;
}

static void a_sealed_record(struct kunit *test)
{
	struct siv_sweep *x = test->priv;
	unsigned int i;

	for (i = 0; i < 2; i++)
		end_make(test, x, i);
	for (i = 1; i < 3; i++) {
		/* the first record brings the buffer, and there is nothing else */
		siv_fault_arm(i);
		KUNIT_EXPECT_EQ(test, record_goes(x), i == 1 ? -ENOMEM : 0);
		KUNIT_EXPECT_EQ(test, siv_fault_disarm(), i == 1);
	}
	KUNIT_EXPECT_EQ(test, record_goes(x), 0);
	for (i = 1; i < 3; i++) {
		siv_fault_arm(i);
		KUNIT_EXPECT_EQ(test, record_comes(x), i == 1 ? -ENOMEM : 0);
		KUNIT_EXPECT_EQ(test, siv_fault_disarm(), i == 1);
	}
	KUNIT_EXPECT_EQ(test, record_comes(x), 0);
	KUNIT_EXPECT_EQ(test, record_comes(x), -EAGAIN);
	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_EQ(test, x->end[i]->state, SIVSHMEM_OPEN);
		end_free(x, i);
	}
}

static struct kunit_case siv_fault_channel_cases[] = {
	KUNIT_CASE(a_channel),
	KUNIT_CASE(a_file),
	KUNIT_CASE(a_sealed_record),
	{},
};

struct kunit_suite siv_fault_channel_suite = {
	.name = "siv_fault_channel",
	.init = siv_sweep_init,
	.exit = siv_sweep_exit,
	.test_cases = siv_fault_channel_cases,
};
