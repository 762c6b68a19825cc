// SPDX-License-Identifier: GPL-2.0-only
/* Ephemeral keys made in advance. */
#include <linux/minmax.h>
#include <linux/random.h>
#include <linux/sched.h>

#include "ephemeral.h"
#include "talk.h"

enum {
	SIV_POOL_FIRST = 2, /* made when a session begins */
};

/* Never the same twice in a boot: of all devices, and over their resets. */
static atomic64_t siv_ephemeral_counter;

static void siv_pool_refill_work(struct work_struct *work);

void siv_pool_init(struct siv_pool *pool)
{
	spin_lock_init(&pool->lock);
	INIT_WORK(&pool->refill, siv_pool_refill_work);
	pool->target = SIV_POOL_FIRST;
}

enum siv_reason siv_ephemeral_fresh(struct siv_talk *talk,
				    const u8 hh[SIV_HASH_LEN],
				    struct siv_ephemeral *out)
{
	u8 random[32];
	enum siv_reason r;

	get_random_bytes(random, sizeof(random));
	r = siv_ephemeral_make(out->priv, out->pub, talk->id->prkh, random, hh,
			       atomic64_inc_return(&siv_ephemeral_counter));
	siv_wipe(random, sizeof(random));
	return r;
}

/* Take out the first @n. */
static void siv_pool_shift(struct siv_pool *pool, unsigned int n)
{
	lockdep_assert_held(&pool->lock);
	pool->count -= n;
	memmove(pool->keys, pool->keys + n,
		pool->count * sizeof(pool->keys[0]));
	memmove(pool->made_ms, pool->made_ms + n,
		pool->count * sizeof(pool->made_ms[0]));
	siv_wipe(pool->keys + pool->count, n * sizeof(pool->keys[0]));
}

void siv_pool_expire(struct siv_pool *pool)
{
	unsigned int old = 0;

	spin_lock(&pool->lock);
	while (old < pool->count &&
	       siv_host_since_ms(pool->made_ms[old]) >= SIV_POOL_AGE_MS)
		old++;
	if (old) {
		/* more than were needed: make fewer next time */
		siv_pool_shift(pool, old);
		pool->target =
			max_t(unsigned int, pool->target / 2, SIV_POOL_FIRST);
	}
	spin_unlock(&pool->lock);
}

void siv_pool_drain(struct siv_pool *pool)
{
	spin_lock(&pool->lock);
	siv_pool_shift(pool, pool->count);
	pool->epoch++;
	spin_unlock(&pool->lock);
}

static void siv_pool_wants(struct siv_talk *talk)
{
	siv_talk_get(talk);
	if (!siv_talk_is_live(talk) ||
	    !queue_work(siv_crypto_wq, &talk->pool.refill))
		siv_talk_put(talk);
}

enum siv_reason siv_pool_take(struct siv_talk *talk, struct siv_ephemeral *out)
{
	struct siv_pool *pool = &talk->pool;
	u8 hh[SIV_HASH_LEN];
	bool had;

	siv_pool_expire(pool);
	spin_lock(&pool->lock);
	had = pool->count;
	if (had) {
		*out = pool->keys[0];
		siv_pool_shift(pool, 1);
	}
	pool->target = min_t(unsigned int, pool->target + 1, SIV_POOL_MAX);
	spin_unlock(&pool->lock);
	siv_pool_wants(talk);
	if (had)
		return SIV_OK;
	siv_talk_hh(talk, hh);
	return siv_ephemeral_fresh(talk, hh, out);
}

/* Make one and add it; false when there are enough, or the session is over. */
static bool siv_pool_add(struct siv_talk *talk)
{
	struct siv_pool *pool = &talk->pool;
	struct siv_ephemeral e;
	u8 hh[SIV_HASH_LEN];
	bool more;
	u32 epoch;

	spin_lock(&pool->lock);
	more = pool->count < pool->target;
	epoch = pool->epoch;
	spin_unlock(&pool->lock);
	if (!more || !siv_talk_is_live(talk))
		return false;
	siv_talk_hh(talk, hh);
	if (siv_ephemeral_fresh(talk, hh, &e) != SIV_OK)
		return false;
	spin_lock(&pool->lock);
	if (pool->epoch == epoch && pool->count < SIV_POOL_MAX) {
		pool->keys[pool->count] = e;
		pool->made_ms[pool->count] = siv_host_now_ms();
		pool->count++;
	}
	spin_unlock(&pool->lock);
	siv_wipe(&e, sizeof(e));
	return true;
}

static void siv_pool_refill_work(struct work_struct *work)
{
	struct siv_pool *pool = container_of(work, struct siv_pool, refill);
	struct siv_talk *talk = container_of(pool, struct siv_talk, pool);

	while (siv_pool_add(talk))
		cond_resched();
	siv_talk_put(talk);
}
