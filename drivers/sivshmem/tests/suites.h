/* SPDX-License-Identifier: GPL-2.0-only */
/* The KUnit suites, and what several of them need. */
#ifndef SIV_TESTS_SUITES_H
#define SIV_TESTS_SUITES_H

#include <kunit/test.h>

extern struct kunit_suite siv_allow_suite;
extern struct kunit_suite siv_bell_suite;
extern struct kunit_suite siv_cert_suite;
extern struct kunit_suite siv_channel_suite;
extern struct kunit_suite siv_connect_kat_suite;
extern struct kunit_suite siv_control_suite;
extern struct kunit_suite siv_crypto_suite;
extern struct kunit_suite siv_device_suite;
extern struct kunit_suite siv_ephemeral_suite;
extern struct kunit_suite siv_fault_channel_suite;
extern struct kunit_suite siv_fault_host_suite;
extern struct kunit_suite siv_fault_keys_suite;
extern struct kunit_suite siv_fault_talk_suite;
extern struct kunit_suite siv_hello_suite;
extern struct kunit_suite siv_host_suite;
extern struct kunit_suite siv_ioctl_suite;
extern struct kunit_suite siv_keys_suite;
extern struct kunit_suite siv_linger_suite;
extern struct kunit_suite siv_listener_suite;
extern struct kunit_suite siv_look_suite;
extern struct kunit_suite siv_mailbox_suite;
extern struct kunit_suite siv_misplaced_suite;
extern struct kunit_suite siv_node_suite;
extern struct kunit_suite siv_noise_suite;
extern struct kunit_suite siv_pair_suite;
extern struct kunit_suite siv_poll_suite;
extern struct kunit_suite siv_ring_suite;
extern struct kunit_suite siv_session_suite;
extern struct kunit_suite siv_talk_suite;
extern struct kunit_suite siv_talk_end_suite;
extern struct kunit_suite siv_window_suite;
extern struct kunit_suite siv_xdh_suite;

/* All of them, in their order. */
#define SIV_SUITES                                                            \
	&siv_crypto_suite, &siv_noise_suite, &siv_xdh_suite,                  \
		&siv_connect_kat_suite, &siv_cert_suite, &siv_keys_suite,     \
		&siv_ring_suite, &siv_look_suite, &siv_device_suite,          \
		&siv_mailbox_suite, &siv_session_suite, &siv_hello_suite,     \
		&siv_host_suite, &siv_bell_suite, &siv_talk_suite,            \
		&siv_talk_end_suite, &siv_pair_suite, &siv_ephemeral_suite,   \
		&siv_channel_suite, &siv_linger_suite, &siv_allow_suite,      \
		&siv_listener_suite, &siv_misplaced_suite, &siv_window_suite, \
		&siv_ioctl_suite, &siv_poll_suite, &siv_node_suite,           \
		&siv_control_suite, &siv_fault_keys_suite,                    \
		&siv_fault_channel_suite, &siv_fault_host_suite,              \
		&siv_fault_talk_suite

/* For a suite with the key type and the keyring: its suite_init and suite_exit. */
int siv_suite_keys_init(struct kunit_suite *suite);
void siv_suite_keys_exit(struct kunit_suite *suite);

#endif /* SIV_TESTS_SUITES_H */
