/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Other names for what host.c, talk.c, hello.c, pair.c and ephemeral.c have in common
 * with each other: for real_host.c, which is these files once more, and for the suites
 * that test them so. Under their own names fake_talk.c and fake_channel.c stand in the
 * place of the first three, for everybody else. To be included before the headers of
 * these files.
 */
#ifndef SIV_TESTS_REAL_NAMES_H
#define SIV_TESTS_REAL_NAMES_H

#define siv_crypto_wq siv_real_crypto_wq
#define siv_end_wq siv_real_end_wq
#define siv_host_bell_add siv_real_host_bell_add
#define siv_host_bell_del siv_real_host_bell_del
#define siv_host_client siv_real_host_client
#define siv_host_client_set siv_real_host_client_set
#define siv_host_cold_ok siv_real_host_cold_ok
#define siv_host_exit siv_real_host_exit
#define siv_host_fallback siv_real_host_fallback
#define siv_host_get siv_real_host_get
#define siv_host_init siv_real_host_init
#define siv_host_kick siv_real_host_kick
#define siv_host_now_ms siv_real_host_now_ms
#define siv_host_of siv_real_host_of
#define siv_host_post_at siv_real_host_post_at
#define siv_host_put siv_real_host_put
#define siv_host_since_ms siv_real_host_since_ms
#define siv_host_time siv_real_host_time

#define siv_line_alloc siv_real_line_alloc
#define siv_line_free siv_real_line_free
#define siv_talk_decide siv_real_talk_decide
#define siv_talk_doubt siv_real_talk_doubt
#define siv_talk_end siv_real_talk_end
#define siv_talk_finish siv_real_talk_finish
#define siv_talk_flush siv_real_talk_flush
#define siv_talk_get siv_real_talk_get
#define siv_talk_goodbye siv_real_talk_goodbye
#define siv_talk_hh siv_real_talk_hh
#define siv_talk_install siv_real_talk_install
#define siv_talk_is_live siv_real_talk_is_live
#define siv_talk_line siv_real_talk_line
#define siv_talk_put siv_real_talk_put
#define siv_talk_say siv_real_talk_say
#define siv_talk_tick siv_real_talk_tick
#define siv_talk_unfinished siv_real_talk_unfinished
#define siv_talk_unuse siv_real_talk_unuse
#define siv_talk_use siv_real_talk_use
#define siv_talk_use_more siv_real_talk_use_more

#define siv_hello_exit siv_real_hello_exit
#define siv_hello_init siv_real_hello_init
#define siv_hello_kick siv_real_hello_kick
#define siv_hello_stop siv_real_hello_stop
#define siv_hello_want siv_real_hello_want

#define siv_pair_find siv_real_pair_find
#define siv_pair_get siv_real_pair_get
#define siv_pair_put siv_real_pair_put
#define siv_pair_secret siv_real_pair_secret
#define siv_pair_verify siv_real_pair_verify
#define siv_pairs_drop siv_real_pairs_drop
#define siv_pairs_expire siv_real_pairs_expire

#define siv_ephemeral_fresh siv_real_ephemeral_fresh
#define siv_pool_drain siv_real_pool_drain
#define siv_pool_expire siv_real_pool_expire
#define siv_pool_init siv_real_pool_init
#define siv_pool_take siv_real_pool_take

#endif /* SIV_TESTS_REAL_NAMES_H */
