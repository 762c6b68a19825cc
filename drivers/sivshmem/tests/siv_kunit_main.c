// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs the suites when the module is loaded into a stock kernel, which knows nothing of
 * KUnit (tests/kunit/mkkunit.sh). The key type and the keyring are the real ones, so
 * sivshmem.ko must not be loaded beside it.
 */
#include <linux/module.h>

#include "../compat.h"
#include "../keys.h"
#include "fake_channel.h"
#include "suites.h"

static struct kunit_suite *const siv_suites[] = {
	&siv_crypto_suite,	&siv_noise_suite,     &siv_xdh_suite,
	&siv_connect_kat_suite, &siv_keys_suite,      &siv_ring_suite,
	&siv_device_suite,	&siv_mailbox_suite,   &siv_session_suite,
	&siv_pair_suite,	&siv_ephemeral_suite, &siv_channel_suite,
	&siv_window_suite,	&siv_ioctl_suite,
};

static int __init siv_kunit_init(void)
{
	int err = siv_keys_init();

	if (err)
		return err;
	pr_info("KTAP version 1\n");
	pr_info("1..%zu\n", ARRAY_SIZE(siv_suites));
	/* they run before this call returns: its caller's memory is there */
	siv_fake_mm = current->mm;
	err = siv_kunit_run(siv_suites, ARRAY_SIZE(siv_suites));
	siv_fake_mm = NULL;
	pr_info("sivshmem-kunit: done\n");
	if (err)
		siv_keys_exit();
	return err;
}

static void __exit siv_kunit_exit(void)
{
	__kunit_test_suites_exit((struct kunit_suite **)siv_suites,
				 ARRAY_SIZE(siv_suites));
	siv_keys_exit();
}

module_init(siv_kunit_init);
module_exit(siv_kunit_exit);

MODULE_DESCRIPTION("KUnit suites of sivshmem");
MODULE_LICENSE("GPL");
