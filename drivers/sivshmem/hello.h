/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The session handshake, one at a time per device, for there is one hello slot. Message 1
 * is posted again with the same bytes; after two seconds, when the host has forgotten
 * it, a new attempt begins, and others get their turn in between.
 */
#ifndef SIV_HELLO_H
#define SIV_HELLO_H

#include <linux/list.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#include "core/wire.h"

struct siv_host;
struct siv_talk;

/**
 * struct siv_hello - the one handshake that may be under way
 * @work: its steps: on the crypto workqueue, never two at a time
 * @talk: whose it is, with a reference; the work's alone
 * @queue: talks that wait for their turn, under the host's lock
 * @stopped: no more, under the host's lock
 * @started_ms: when this attempt began
 * @posted_ms: when message 1 was last posted
 * @backoff_ms: until it is posted again
 * @hold_ms: since when an answer that opened waits for the old session to finish; 0: none
 *           does
 * @p2: what that answer said, while @hold_ms is set
 * @attempt: counts up in a boot
 * @len: bytes at @bytes; 0: no attempt under way
 * @bytes: message 1 as posted
 * @answer: copy of the hello-down slot
 * @answer_len: bytes there
 * @tried: hash of the last answer that was tried
 * @tries: how many did not in this attempt
 */
struct siv_hello {
	struct delayed_work work;
	struct siv_talk *talk;
	struct list_head queue;
	bool stopped;
	u64 started_ms;
	u64 posted_ms;
	unsigned int backoff_ms;
	u64 hold_ms;
	struct siv_payload2 p2;
	u64 attempt;
	size_t len;
	u8 *bytes;
	u8 *answer;
	size_t answer_len;
	u8 tried[32];
	unsigned int tries;
};

int siv_hello_init(struct siv_hello *hello);
void siv_hello_exit(struct siv_hello *hello);
/* siv_hello_want() - queue a talk for its handshake; host->lock held; idempotent. */
void siv_hello_want(struct siv_talk *talk);
/* siv_hello_kick() - look at the answer now; any context. */
void siv_hello_kick(struct siv_host *host);
/* siv_hello_stop() - no more; on return none is under way. */
void siv_hello_stop(struct siv_host *host);

#endif /* SIV_HELLO_H */
