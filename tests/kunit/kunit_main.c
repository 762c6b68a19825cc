// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs the suites when the module is loaded into a stock kernel, which knows nothing of
 * KUnit (mkkunit.sh). The key type and the keyring are the real ones, so sivshmem.ko
 * must not be loaded beside it.
 */
#include <linux/module.h>

#include "compat.h"
#include "tests/fake_channel.h"
#include "tests/suites.h"

static struct kunit_suite *const siv_suites[] = { SIV_SUITES };

static int __init siv_kunit_init(void)
{
	int err;

	pr_info("KTAP version 1\n");
	pr_info("1..%zu\n", ARRAY_SIZE(siv_suites));
	/* they run before this call returns: its caller's memory is there */
	siv_fake_mm = current->mm;
	err = siv_kunit_run(siv_suites, ARRAY_SIZE(siv_suites));
	siv_fake_mm = NULL;
	pr_info("sivshmem-kunit: done\n");
	return err;
}

static void __exit siv_kunit_exit(void)
{
	__kunit_test_suites_exit((struct kunit_suite **)siv_suites,
				 ARRAY_SIZE(siv_suites));
}

module_init(siv_kunit_init);
module_exit(siv_kunit_exit);

MODULE_DESCRIPTION("KUnit suites of sivshmem");
MODULE_LICENSE("GPL");
