/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A talk and its host without sessions, timers or a device, and a clock that the test
 * sets: for what a talk keeps (pair.c, ephemeral.c). Stands in the place of host.c,
 * talk.c and hello.c.
 */
#ifndef SIV_TESTS_FAKE_TALK_H
#define SIV_TESTS_FAKE_TALK_H

#include "../talk.h"

struct kunit;

/**
 * struct siv_fake_talk - the talk and what it was asked for
 * @host: only its lock, its list of secrets and its time are used
 * @talk: of @id, LIVE until the test says otherwise
 * @id: an identity that no key has
 * @refs: references taken, less those given back
 * @hellos: how often a new session was wanted
 * @said: the last message to the host, 0 if there was none
 * @says: all of them, BIT() of each type
 * @failed: the last FAILED
 * @bells: channels whose vector is listened to
 * @answer: called with whatever is said, if it is set: the host
 * @host_priv: the host's own
 * @hh: called whenever a key is about to be made, if it is set
 */
struct siv_fake_talk {
	struct siv_host host;
	struct siv_talk talk;
	struct siv_identity id;
	int refs;
	unsigned int hellos;
	u16 said;
	unsigned long says;
	struct siv_failed failed;
	int bells;
	void (*answer)(struct siv_talk *talk, u16 type, const void *body);
	void *host_priv;
	void (*hh)(struct siv_talk *talk);
};

/* The time in milliseconds, and in seconds for certificates. */
extern u64 siv_fake_ms;
extern s64 siv_fake_time;

struct siv_fake_talk *siv_fake_talk_make(struct kunit *test);
void siv_fake_talk_free(struct siv_fake_talk *f);
/* siv_fake_talk_settle() - wait for the work that was queued. */
void siv_fake_talk_settle(void);

#endif /* SIV_TESTS_FAKE_TALK_H */
