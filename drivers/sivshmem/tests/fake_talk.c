// SPDX-License-Identifier: GPL-2.0-only
#include <kunit/test.h>
#include <linux/slab.h>

#include "../core/crypto.h"
#include "fake_talk.h"

u64 siv_fake_ms;
s64 siv_fake_time;
struct workqueue_struct *siv_crypto_wq;

static struct siv_fake_talk *siv_fake_of(struct siv_talk *talk)
{
	return container_of(talk, struct siv_fake_talk, talk);
}

/* ------------------------------------------------------------------------- host.c */

u64 siv_host_now_ms(void)
{
	return siv_fake_ms;
}

u64 siv_host_since_ms(u64 then_ms)
{
	return siv_fake_ms > then_ms ? siv_fake_ms - then_ms : 0;
}

s64 siv_host_time(struct siv_host *host)
{
	return siv_fake_time;
}

bool siv_host_cold_ok(struct siv_host *host, u32 peer)
{
	return true;
}

/* ---------------------------------------------------------------- talk.c, hello.c */

void siv_talk_get(struct siv_talk *talk)
{
	siv_fake_of(talk)->refs++;
}

void siv_talk_put(struct siv_talk *talk)
{
	siv_fake_of(talk)->refs--;
}

bool siv_talk_is_live(struct siv_talk *talk)
{
	return talk->state == SIV_TALK_LIVE;
}

void siv_talk_hh(struct siv_talk *talk, u8 hh[SIV_HASH_LEN])
{
	struct siv_fake_talk *f = siv_fake_of(talk);

	memset(hh, 0x44, SIV_HASH_LEN);
	if (f->hh)
		f->hh(talk);
}

void siv_hello_want(struct siv_talk *talk)
{
	siv_fake_of(talk)->hellos++;
}

/* ------------------------------------------------------------------------ the talk */

struct siv_fake_talk *siv_fake_talk_make(struct kunit *test)
{
	struct siv_fake_talk *f = kzalloc(sizeof(*f), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, f);
	siv_crypto_wq = alloc_ordered_workqueue("siv-fake-crypto", 0);
	KUNIT_ASSERT_NOT_NULL(test, siv_crypto_wq);
	siv_fake_ms = 1000 * 1000;
	siv_fake_time = 1800000000;
	mutex_init(&f->host.lock);
	spin_lock_init(&f->host.prk_lock);
	INIT_LIST_HEAD(&f->host.prks);
	spin_lock_init(&f->id.lock);
	memset(&f->id.priv, 0x11, sizeof(f->id.priv));
	memset(f->id.pub, 0x22, sizeof(f->id.pub));
	memset(f->id.prkh, 0x33, sizeof(f->id.prkh));
	f->talk.host = &f->host;
	f->talk.id = &f->id;
	f->talk.state = SIV_TALK_LIVE;
	INIT_LIST_HEAD(&f->talk.pairs);
	siv_pool_init(&f->talk.pool);
	return f;
}

void siv_fake_talk_settle(void)
{
	flush_workqueue(siv_crypto_wq);
}

void siv_fake_talk_free(struct siv_fake_talk *f)
{
	destroy_workqueue(siv_crypto_wq);
	kfree_sensitive(f);
}
