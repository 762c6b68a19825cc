/* SPDX-License-Identifier: GPL-2.0-only */
/* Ephemeral keys made in advance, off the connect path: at most 16, at most 60 s old. */
#ifndef SIV_EPHEMERAL_H
#define SIV_EPHEMERAL_H

#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "core/session.h"

struct siv_talk;

enum {
	SIV_POOL_MAX = 16,
	SIV_POOL_AGE_MS = 60 * 1000,
};

/* One key pair; used once, then wiped. */
struct siv_ephemeral {
	u8 priv[SIV_KEY_LEN];
	u8 pub[SIV_KEY_LEN];
};

/**
 * struct siv_pool - key pairs of one session
 * @lock: leaf
 * @count: how many there are
 * @target: how many the refill makes: grows with use
 * @epoch: counts drains: a key that was begun before one is not added after it
 * @made_ms: when each was made
 * @keys: the pairs, oldest first
 * @refill: makes more
 */
struct siv_pool {
	spinlock_t lock;
	unsigned int count;
	unsigned int target;
	u32 epoch;
	u64 made_ms[SIV_POOL_MAX];
	struct siv_ephemeral keys[SIV_POOL_MAX];
	struct work_struct refill;
};

void siv_pool_init(struct siv_pool *pool);
/* siv_pool_take() - a key pair for one handshake: the caller wipes it. */
enum siv_reason __must_check siv_pool_take(struct siv_talk *talk,
					   struct siv_ephemeral *out);
/* siv_pool_drain() - wipe all: session or identity over, too old, vmfork. */
void siv_pool_drain(struct siv_pool *pool);
/* siv_pool_expire() - wipe those that are too old. */
void siv_pool_expire(struct siv_pool *pool);
/* siv_ephemeral_fresh() - make one here and now, bound to @hh. */
enum siv_reason __must_check siv_ephemeral_fresh(struct siv_talk *talk,
						 const u8 hh[SIV_HASH_LEN],
						 struct siv_ephemeral *out);

#endif /* SIV_EPHEMERAL_H */
