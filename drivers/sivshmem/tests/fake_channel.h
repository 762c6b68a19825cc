/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Channels on a fake device and a fake talk: the test is the host, the peer and the one
 * who calls. The channel's own code is the real one, from its files down to its rings.
 */
#ifndef SIV_TESTS_FAKE_CHANNEL_H
#define SIV_TESTS_FAKE_CHANNEL_H

#include "../channel.h"
#include "fake_hw.h"
#include "fake_talk.h"

/**
 * struct siv_fake_lab - one device, one talk, one channel
 * @hw: the device, live
 * @talk: whose channel it is
 * @ch: with a reference of the test's; NULL before there is one
 * @cid: the host's name for it, whether the channel knows it yet or not
 * @file: its file, or NULL after it was closed
 * @mm: whose mappings are made; NULL if this thread can have none
 * @at: where a window is mapped in @mm, or 0
 */
struct siv_fake_lab {
	struct siv_fake *hw;
	struct siv_fake_talk *talk;
	struct siv_channel *ch;
	u64 cid;
	struct file *file;
	struct mm_struct *mm;
	unsigned long at;
};

/* User memory for tests: that of the process that loads the suites, if there is one. */
extern struct mm_struct *siv_fake_mm;

/* siv_fake_lab_make() - with a channel that is CONNECTING, by its connector. */
struct siv_fake_lab *siv_fake_lab_make(struct kunit *test);
/* siv_fake_lab_bare() - without a channel. */
struct siv_fake_lab *siv_fake_lab_bare(struct kunit *test);
/* siv_fake_lab_file() - a file of the channel that is there, for its owner. */
void siv_fake_lab_file(struct kunit *test, struct siv_fake_lab *lab);
void siv_fake_lab_free(struct siv_fake_lab *lab);
/* siv_fake_lab_open() - as if the handshake had succeeded. */
void siv_fake_lab_open(struct siv_fake_lab *lab);
/* siv_fake_lab_close() - close its file, now. */
void siv_fake_lab_close(struct siv_fake_lab *lab);
/* siv_fake_lab_settle() - until what was begun in the background is done. */
void siv_fake_lab_settle(struct siv_fake_lab *lab);

/* siv_fake_lab_peer() - the peer's side page, which it may write. */
struct siv_side *siv_fake_lab_peer(struct siv_fake_lab *lab);
/* siv_fake_lab_hear() - the host sends a message about the channel. */
void siv_fake_lab_hear(struct siv_fake_lab *lab, u16 type, const void *body,
		       size_t len);

#endif /* SIV_TESTS_FAKE_CHANNEL_H */
