// SPDX-License-Identifier: GPL-2.0-only
/*
 * What REGION_INFO tells of a region is so: isolated or shared, mapped write-back or
 * uncached, which is a weakness of the posture too, and what is in use. The ioctl is
 * static, so control.c is compiled in.
 */
#include <kunit/test.h>

#include "../control.c"
#include "fake_channel.h"
#include "suites.h"

static int control_init(struct kunit *test)
{
	test->priv = siv_fake_lab_make(test);
	return 0;
}

static void control_exit(struct kunit *test)
{
	siv_fake_lab_free(test->priv);
}

static struct sivshmem_region_info ask(struct kunit *test)
{
	struct siv_fake_lab *lab = test->priv;
	union siv_ioctl_arg arg = {
		.region = { .size = sizeof(arg.region),
			    .index = lab->hw->dev->index },
	};

	KUNIT_EXPECT_EQ(test, siv_control_region(NULL, &arg), 0);
	return arg.region;
}

static void flags_are_told(struct kunit *test)
{
	struct siv_fake_lab *lab = test->priv;
	struct siv_device *dev = lab->hw->dev;
	struct sivshmem_region_info info;
	u32 flags, uncached;

	for (flags = 0; flags < 4; flags++) {
		dev->cached = flags & SIVSHMEM_REGION_CACHED;
		dev->geo.flags = flags & SIVSHMEM_REGION_ISOLATED ?
					 SIV_REGION_ISOLATED :
					 0;
		uncached = dev->cached ? 0 : SIVSHMEM_POSTURE_UNCACHED;
		info = ask(test);
		KUNIT_EXPECT_EQ(test, info.flags, flags);
		KUNIT_EXPECT_EQ(test, info.posture,
				siv_posture(true) | uncached);
	}
}

static void region_is_told(struct kunit *test)
{
	struct siv_fake_lab *lab = test->priv;
	struct sivshmem_region_info info = ask(test);

	KUNIT_EXPECT_STREQ(test, (const char *)info.region, "lab");
	KUNIT_EXPECT_EQ(test, info.peer, SIV_FAKE_PEER);
	KUNIT_EXPECT_EQ(test, info.region_size, SIV_FAKE_SIZE);
	KUNIT_EXPECT_EQ(test, info.granule, PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, info.sessions, 1);
	KUNIT_EXPECT_EQ(test, info.channels, 1);
	lab->talk->talk.state = SIV_TALK_ENDED;
	siv_fake_lab_close(lab);
	info = ask(test);
	KUNIT_EXPECT_EQ(test, info.sessions, 0);
	KUNIT_EXPECT_EQ(test, info.channels, 0);
}

static struct kunit_case siv_control_cases[] = {
	KUNIT_CASE(flags_are_told),
	KUNIT_CASE(region_is_told),
	{},
};

struct kunit_suite siv_control_suite = {
	.name = "siv_control",
	.suite_init = siv_suite_keys_init,
	.suite_exit = siv_suite_keys_exit,
	.init = control_init,
	.exit = control_exit,
	.test_cases = siv_control_cases,
};
