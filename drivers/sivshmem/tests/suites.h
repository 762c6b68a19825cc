/* SPDX-License-Identifier: GPL-2.0-only */
/* The KUnit suites, for siv_kunit_main.c. */
#ifndef SIV_TESTS_SUITES_H
#define SIV_TESTS_SUITES_H

#include <kunit/test.h>

extern struct kunit_suite siv_channel_suite;
extern struct kunit_suite siv_connect_kat_suite;
extern struct kunit_suite siv_crypto_suite;
extern struct kunit_suite siv_device_suite;
extern struct kunit_suite siv_ephemeral_suite;
extern struct kunit_suite siv_ioctl_suite;
extern struct kunit_suite siv_keys_suite;
extern struct kunit_suite siv_mailbox_suite;
extern struct kunit_suite siv_noise_suite;
extern struct kunit_suite siv_pair_suite;
extern struct kunit_suite siv_ring_suite;
extern struct kunit_suite siv_session_suite;
extern struct kunit_suite siv_window_suite;
extern struct kunit_suite siv_xdh_suite;

#endif /* SIV_TESTS_SUITES_H */
