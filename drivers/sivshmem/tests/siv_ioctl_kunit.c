// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every length of every ioctl's argument: shorter than version 1 had it is EINVAL, longer
 * than a page or with something in what we do not know E2BIG, each an event; memory that
 * is not there EFAULT; else the call sees what was given and zeros after it, and writes
 * back no byte more than was given.
 */
#include <kunit/test.h>
#include <linux/kthread.h>
#include <linux/mman.h>
#include <linux/uaccess.h>

#include "../ioctl.h"
#include "fake_channel.h"
#include "suites.h"

enum {
	GIVEN = 0x5a,
	ANSWERED = 0xa5,
	UNKNOWN = 0x07,
	HOLE = 64, /* bytes before the end of the memory that is there */
};

static union siv_ioctl_arg seen;
static unsigned int runs;

static long run(struct file *file, union siv_ioctl_arg *arg)
{
	runs++;
	seen = *arg;
	memset(arg, ANSWERED, sizeof(*arg));
	return 0;
}

/* As the driver has them. */
static const struct siv_ioctl ioctls[] = {
	SIV_IOCTL(SIVSHMEM_CONNECT, CONNECT, struct sivshmem_connect, region,
		  false, run),
	SIV_IOCTL(SIVSHMEM_LISTEN, LISTEN, struct sivshmem_listen, region,
		  false, run),
	SIV_IOCTL(SIVSHMEM_ACCEPT, ACCEPT, struct sivshmem_accept, reserved,
		  false, run),
	SIV_IOCTL(SIVSHMEM_REGION_INFO, INFO, struct sivshmem_region_info,
		  bus_id, true, run),
	SIV_IOCTL(SIVSHMEM_INFO, INFO, struct sivshmem_info, service, true,
		  run),
	SIV_IOCTL(SIVSHMEM_WAIT, WAIT, struct sivshmem_wait, reserved, false,
		  run),
	SIV_IOCTL(SIVSHMEM_SHUTDOWN, SHUTDOWN, struct sivshmem_shutdown,
		  position, false, run),
	/* as if version 2 had grown by the last field */
	SIV_IOCTL(0xff, INFO, struct sivshmem_info, peer_service, true, run),
};

enum length {
	NOTHING,
	FOUR,
	TOO_SHORT,
	SHORTEST,
	ALMOST,
	EXACT,
	ONE_MORE,
	EIGHT_MORE,
	PAGE,
	OVER_PAGE,
	HUGE,
	LENGTHS,
};

static u32 length_of(const struct siv_ioctl *op, enum length length)
{
	switch (length) {
	case FOUR:
		return 4;
	case TOO_SHORT:
		return op->min - 1;
	case SHORTEST:
		return op->min;
	case ALMOST:
		return op->size - 1;
	case EXACT:
		return op->size;
	case ONE_MORE:
		return op->size + 1;
	case EIGHT_MORE:
		return op->size + 8;
	case PAGE:
		return PAGE_SIZE;
	case OVER_PAGE:
		return PAGE_SIZE + 1;
	case HUGE:
		return U32_MAX;
	default:
		return 0;
	}
}

/* Two pages of the caller's, and nothing after them. */
struct memory {
	unsigned long at;
	u8 *copy;
};

static void memory_make(struct kunit *test, struct memory *m)
{
	m->copy = kunit_kzalloc(test, 2 * PAGE_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, m->copy);
	kthread_use_mm(siv_fake_mm);
	m->at = vm_mmap(NULL, 0, 3 * PAGE_SIZE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, 0);
	if (!IS_ERR_VALUE(m->at))
		vm_munmap(m->at + 2 * PAGE_SIZE, PAGE_SIZE);
	kthread_unuse_mm(siv_fake_mm);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(m->at));
}

static void memory_free(struct memory *m)
{
	kthread_use_mm(siv_fake_mm);
	vm_munmap(m->at, 2 * PAGE_SIZE);
	kthread_unuse_mm(siv_fake_mm);
}

/* The call, of an argument at @at of which @copy is put there before and read after. */
static long call(const struct siv_ioctl *op, unsigned long at, u8 *copy,
		 size_t len)
{
	void __user *user = (void __user *)at;
	long ret;

	runs = 0;
	kthread_use_mm(siv_fake_mm);
	ret = copy_to_user(user, copy, len) ? -ENOTTY : 0;
	ret = ret ?: siv_ioctl(ioctls, ARRAY_SIZE(ioctls), NULL, op->cmd, at);
	if (copy_from_user(copy, user, len))
		ret = -ENOTTY;
	kthread_unuse_mm(siv_fake_mm);
	return ret;
}

static long wanted(const struct siv_ioctl *op, u32 size, bool unknown)
{
	if (size < op->min)
		return -EINVAL;
	if (size > PAGE_SIZE || (size > op->size && unknown))
		return -E2BIG;
	return 0;
}

/* What the call saw, and what came back in @after of what was given. */
static void check_run(struct kunit *test, const struct siv_ioctl *op, u32 size,
		      const u8 *after)
{
	u32 given = min(size, op->size), i;
	const u8 *arg = (const u8 *)&seen;

	for (i = sizeof(u32); i < sizeof(seen); i++)
		if (arg[i] != (i < given ? GIVEN : 0))
			break;
	KUNIT_EXPECT_EQ(test, i, sizeof(seen));
	for (i = sizeof(u32); i < 2 * PAGE_SIZE; i++)
		if (after[i] != (i >= given ? 0 : op->out ? ANSWERED : GIVEN))
			break;
	KUNIT_EXPECT_EQ(test, i, 2 * PAGE_SIZE);
}

static void try(struct kunit *test, struct memory *m,
		const struct siv_ioctl *op, u32 size, bool unknown)
{
	long want = wanted(op, size, unknown);
	u32 in = min_t(u32, size, 2 * PAGE_SIZE);
	u64 bad = siv_event_count(SIV_R_ARGUMENT);
	u64 tail = siv_event_count(SIV_R_ARGUMENT_TAIL);

	memset(m->copy, 0, 2 * PAGE_SIZE);
	memset(m->copy, GIVEN, min(in, op->size));
	if (unknown && in > op->size)
		m->copy[in - 1] = UNKNOWN;
	memcpy(m->copy, &size, sizeof(size));
	KUNIT_EXPECT_EQ(test, call(op, m->at, m->copy, 2 * PAGE_SIZE), want);
	KUNIT_EXPECT_EQ(test, runs, !want);
	KUNIT_EXPECT_EQ(test, siv_event_count(SIV_R_ARGUMENT),
			bad + (want == -EINVAL));
	KUNIT_EXPECT_EQ(test, siv_event_count(SIV_R_ARGUMENT_TAIL),
			tail + (want == -E2BIG));
	if (!want)
		check_run(test, op, size, m->copy);
	else
		KUNIT_EXPECT_EQ(test, memcmp(m->copy, &size, sizeof(size)), 0);
}

/* The argument begins where the memory ends. */
static void try_hole(struct kunit *test, struct memory *m,
		     const struct siv_ioctl *op)
{
	u32 size = max_t(u32, op->min, HOLE + 8);
	unsigned long at = m->at + 2 * PAGE_SIZE - HOLE;

	if (size > op->size)
		return;
	memcpy(m->copy, &size, sizeof(size));
	KUNIT_EXPECT_EQ(test, call(op, at, m->copy, HOLE), -EFAULT);
	KUNIT_EXPECT_EQ(test, runs, 0);
}

static void op_name(const struct siv_ioctl *op, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "command 0x%x", op->cmd & 0xff);
}

KUNIT_ARRAY_PARAM(op, ioctls, op_name);

static void lengths(struct kunit *test)
{
	const struct siv_ioctl *op = test->param_value;
	struct memory m;
	u32 length;

	if (!siv_fake_mm)
		kunit_skip(test, "no user memory");
	memory_make(test, &m);
	for (length = 0; length < LENGTHS; length++) {
		try(test, &m, op, length_of(op, length), false);
		try(test, &m, op, length_of(op, length), true);
	}
	try_hole(test, &m, op);
	memory_free(&m);
}

static void no_memory_at_all(struct kunit *test)
{
	long ret;

	if (!siv_fake_mm)
		kunit_skip(test, "no user memory");
	kthread_use_mm(siv_fake_mm);
	ret = siv_ioctl(ioctls, ARRAY_SIZE(ioctls), NULL, SIVSHMEM_INFO, 8);
	kthread_unuse_mm(siv_fake_mm);
	KUNIT_EXPECT_EQ(test, ret, -EFAULT);
}

static void unknown_command(struct kunit *test)
{
	runs = 0;
	KUNIT_EXPECT_EQ(test,
			siv_ioctl(ioctls, ARRAY_SIZE(ioctls), NULL,
				  _IO(SIVSHMEM_IOC, 0x7f), 0),
			-ENOTTY);
	KUNIT_EXPECT_EQ(test, runs, 0);
}

static struct kunit_case siv_ioctl_cases[] = {
	KUNIT_CASE_PARAM(lengths, op_gen_params),
	KUNIT_CASE(no_memory_at_all),
	KUNIT_CASE(unknown_command),
	{},
};

struct kunit_suite siv_ioctl_suite = {
	.name = "siv_ioctl",
	.test_cases = siv_ioctl_cases,
};
