// SPDX-License-Identifier: GPL-2.0-only
/*
 * Of a region a process maps whole windows and nothing else: every other offset, length
 * and right is refused. Each page of a mapping is the page of the region that it should
 * be, a ring's second half is its first once more, and after an end no page is left; what
 * is mapped from stays until all of it was taken away.
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/kthread.h>
#include <linux/mman.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>

#include "fake_channel.h"
#include "suites.h"

enum {
	PAGES = 4, /* of a ring's window */
};

#define SHARED (VM_SHARED | VM_MAYSHARE)

static const struct siv_window windows[SIVSHMEM_WINDOWS] = {
	[SIVSHMEM_WIN_CTL_OWN] = { 32 * PAGE_SIZE, PAGE_SIZE },
	[SIVSHMEM_WIN_CTL_PEER] = { 33 * PAGE_SIZE, PAGE_SIZE },
	[SIVSHMEM_WIN_TX] = { 40 * PAGE_SIZE, PAGES *PAGE_SIZE },
	[SIVSHMEM_WIN_RX] = { 50 * PAGE_SIZE, PAGES *PAGE_SIZE },
};

static bool ring(unsigned int window)
{
	return window == SIVSHMEM_WIN_TX || window == SIVSHMEM_WIN_RX;
}

static bool writable(unsigned int window)
{
	return window == SIVSHMEM_WIN_TX || window == SIVSHMEM_WIN_CTL_OWN;
}

static u64 length(unsigned int window)
{
	return windows[window].len * (ring(window) ? 2 : 1);
}

static int window_init(struct kunit *test)
{
	struct siv_fake_lab *lab = siv_fake_lab_make(test);

	test->priv = lab;
	siv_fake_lab_open(lab);
	memcpy(lab->ch->windows.window, windows, sizeof(windows));
	return 0;
}

static void window_exit(struct kunit *test)
{
	siv_fake_lab_free(test->priv);
}

static void table_is_told(struct kunit *test)
{
	struct siv_fake_lab *lab = test->priv;
	struct sivshmem_window table[SIVSHMEM_WINDOWS];
	unsigned int i;

	siv_windows_table(&lab->ch->windows, table);
	for (i = 0; i < SIVSHMEM_WINDOWS; i++) {
		KUNIT_EXPECT_EQ(test, table[i].offset, (u64)i << 40);
		KUNIT_EXPECT_EQ(test, table[i].length, length(i));
		KUNIT_EXPECT_EQ(test, table[i].prot,
				writable(i) ? PROT_READ | PROT_WRITE :
					      PROT_READ);
	}
}

/* Every combination of an offset, a length and rights; only what is exact passes. */
static void asks(struct kunit *test, u64 off, u64 len, unsigned long flags)
{
	struct siv_fake_lab *lab = test->priv;
	const struct vm_area_struct vma = {
		.vm_start = 0x10000000,
		.vm_end = 0x10000000 + len,
		.vm_pgoff = off >> PAGE_SHIFT,
		.vm_flags = flags,
	};
	u64 window = off >> 40;
	enum siv_reason want = SIV_OK;

	if (window >= SIVSHMEM_WINDOWS || off != window << 40 ||
	    len != length(window) || !(flags & VM_MAYSHARE))
		want = SIV_R_WINDOW;
	else if ((flags & VM_EXEC) || ((flags & VM_WRITE) && !writable(window)))
		want = SIV_R_PROTECTION;
	KUNIT_EXPECT_EQ_MSG(test, siv_windows_check(&lab->ch->windows, &vma),
			    want, "offset %llx, length %llx, flags %lx", off,
			    len, flags);
}

static void every_length(struct kunit *test, u64 off)
{
	static const unsigned long flags[] = {
		VM_READ | SHARED,
		VM_READ | VM_WRITE | SHARED,
		VM_READ | VM_EXEC | SHARED,
		VM_READ | VM_WRITE | VM_EXEC | SHARED,
		/* of a file that was opened for reading */
		VM_READ | VM_MAYSHARE,
		VM_READ,
		VM_READ | VM_WRITE,
	};
	unsigned int pages, i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		for (pages = 1; pages <= 2 * PAGES + 1; pages++)
			asks(test, off, pages * PAGE_SIZE, flags[i]);
		asks(test, off, 1ULL << 40, flags[i]);
	}
}

static void only_whole_windows(struct kunit *test)
{
	unsigned int window, page;

	for (window = 0; window <= SIVSHMEM_WINDOWS; window++) {
		u64 off = (u64)window << 40;

		for (page = 0; page <= 2 * PAGES + 1; page++)
			every_length(test, off + page * PAGE_SIZE);
		every_length(test, off + (1ULL << 40) - PAGE_SIZE);
	}
	every_length(test, 1ULL << 62);
}

/* ------------------------------------------------------------------ real mappings */

static unsigned long map(struct siv_fake_lab *lab, unsigned int window)
{
	return vm_mmap(lab->file, 0, length(window),
		       writable(window) ? PROT_READ | PROT_WRITE : PROT_READ,
		       MAP_SHARED, (unsigned long)window << 40);
}

/* Fill the region: every page begins with its own number. */
static void number(struct siv_fake_lab *lab)
{
	u32 page;

	for (page = 32; page < 32 + 2 * PAGES + 20; page++)
		memcpy(lab->hw->mem + page * PAGE_SIZE, &page, sizeof(page));
}

/* Pages of a mapping that are not what they should be; in its memory. */
static unsigned int wrong(unsigned long at, unsigned int window)
{
	u32 first = windows[window].start >> PAGE_SHIFT;
	u32 pages = windows[window].len >> PAGE_SHIFT;
	unsigned int i, bad = 0;
	u32 page;

	for (i = 0; i < length(window) >> PAGE_SHIFT; i++) {
		const void __user *user = (void __user *)(at + i * PAGE_SIZE);

		if (copy_from_user(&page, user, sizeof(page)) ||
		    page != first + i % pages)
			bad++;
	}
	return bad;
}

/* Pages of a mapping that can be read; in its memory. */
static unsigned int left(unsigned long at, unsigned int window)
{
	unsigned int i, n = 0;
	u8 byte;

	for (i = 0; i < length(window) >> PAGE_SHIFT; i++)
		if (!copy_from_user(&byte, (void __user *)(at + i * PAGE_SIZE),
				    1))
			n++;
	return n;
}

static void pages_are_the_regions(struct kunit *test)
{
	struct siv_fake_lab *lab = test->priv;
	unsigned int window, bad[SIVSHMEM_WINDOWS] = {};
	unsigned int after[SIVSHMEM_WINDOWS] = {};
	unsigned long at[SIVSHMEM_WINDOWS];
	bool refused[SIVSHMEM_WINDOWS];

	if (!lab->mm)
		kunit_skip(test, "no user memory");
	number(lab);
	kthread_use_mm(lab->mm);
	for (window = 0; window < SIVSHMEM_WINDOWS; window++) {
		at[window] = map(lab, window);
		if (IS_ERR_VALUE(at[window]))
			continue;
		bad[window] = wrong(at[window], window);
		refused[window] =
			copy_to_user((void __user *)at[window], "x", 1);
	}
	siv_channel_end(lab->ch, SIV_R_REVOKED, true);
	siv_fake_lab_settle(lab);
	for (window = 0; window < SIVSHMEM_WINDOWS; window++) {
		if (IS_ERR_VALUE(at[window]))
			continue;
		after[window] = left(at[window], window);
		vm_munmap(at[window], length(window));
	}
	kthread_unuse_mm(lab->mm);

	for (window = 0; window < SIVSHMEM_WINDOWS; window++) {
		KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(at[window]));
		KUNIT_EXPECT_EQ(test, bad[window], 0);
		KUNIT_EXPECT_EQ(test, refused[window], !writable(window));
		KUNIT_EXPECT_EQ(test, after[window], 0);
	}
}

struct overlap {
	struct siv_windows windows;
	struct work_struct zap;
	struct work_struct close;
	struct completion closed;
};

static void overlap_zap(struct work_struct *work)
{
	siv_windows_zap(&container_of(work, struct overlap, zap)->windows);
}

static void overlap_close(struct work_struct *work)
{
	struct overlap *o = container_of(work, struct overlap, close);

	siv_windows_close(&o->windows);
	complete(&o->closed);
}

static bool zap_is_at_it(struct overlap *o)
{
	unsigned int i;

	for (i = 0; i < 1000 && !mutex_is_locked(&o->windows.lock); i++)
		msleep(20);
	return mutex_is_locked(&o->windows.lock);
}

/* The inode's file system ends with the last file: not while mappings are taken away. */
static void the_last_close_waits_for_a_zap(struct kunit *test)
{
	struct siv_fake_lab *lab = test->priv;
	struct overlap *o = kunit_kzalloc(test, sizeof(*o), GFP_KERNEL);
	struct address_space *mapping;

	KUNIT_ASSERT_NOT_NULL(test, o);
	siv_windows_init(&o->windows, lab->hw->dev);
	init_completion(&o->closed);
	INIT_WORK(&o->zap, overlap_zap);
	INIT_WORK(&o->close, overlap_close);
	KUNIT_ASSERT_EQ(test, siv_windows_open(&o->windows), 0);
	mapping = o->windows.inode->i_mapping;
	/* here a zap stands still */
	i_mmap_lock_write(mapping);
	queue_work(system_unbound_wq, &o->zap);
	KUNIT_EXPECT_TRUE(test, zap_is_at_it(o));
	queue_work(system_unbound_wq, &o->close);
	msleep(50);
	KUNIT_EXPECT_FALSE(test, completion_done(&o->closed));
	i_mmap_unlock_write(mapping);
	flush_work(&o->zap);
	flush_work(&o->close);
	KUNIT_EXPECT_TRUE(test, completion_done(&o->closed));
}

static struct kunit_case siv_window_cases[] = {
	KUNIT_CASE(table_is_told),
	KUNIT_CASE(only_whole_windows),
	KUNIT_CASE(pages_are_the_regions),
	KUNIT_CASE(the_last_close_waits_for_a_zap),
	{},
};

struct kunit_suite siv_window_suite = {
	.name = "siv_window",
	.init = window_init,
	.exit = window_exit,
	.test_cases = siv_window_cases,
};
