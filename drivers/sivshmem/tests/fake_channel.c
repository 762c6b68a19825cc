// SPDX-License-Identifier: GPL-2.0-only
#include <kunit/test.h>
#include <linux/file.h>
#include <linux/kthread.h>
#include <linux/mman.h>
#include <linux/slab.h>

#include "../core/crypto.h"
#include "fake_channel.h"

struct mm_struct *siv_fake_mm;
struct workqueue_struct *siv_end_wq;
const struct siv_host_client *siv_host_client;

enum {
	FAKE_PEER = 5,
	FAKE_VECTOR = 2,
	FAKE_CID = 7,
};

/* --------------------------------------------------------------- host.c, talk.c */

void siv_host_client_set(const struct siv_host_client *client)
{
	siv_host_client = client;
}

/* The laboratory outlives its channels: references are not counted. */
void siv_host_get(struct siv_host *host)
{
}

void siv_host_put(struct siv_host *host)
{
}

struct siv_host *siv_host_of(struct siv_device *dev)
{
	return dev->host;
}

/* Nobody sleeps here. */
void siv_host_kick(struct siv_host *host)
{
}

void siv_host_fallback(struct siv_host *host)
{
}

int siv_host_bell_add(struct siv_host *host, struct siv_bell *bell)
{
	container_of(host, struct siv_fake_talk, host)->bells++;
	return 0;
}

void siv_host_bell_del(struct siv_host *host, struct siv_bell *bell)
{
	container_of(host, struct siv_fake_talk, host)->bells--;
}

/* There is one already: nobody comes with a key. */
struct siv_talk *siv_talk_use(struct siv_host *host, struct siv_identity *id,
			      struct siv_identity_cert *cert)
{
	return ERR_PTR(-ENODEV);
}

void siv_talk_use_more(struct siv_talk *talk)
{
}

void siv_talk_unuse(struct siv_talk *talk)
{
}

void siv_talk_doubt(struct siv_talk *talk)
{
}

int siv_talk_say(struct siv_talk *talk, u16 type, const void *body, size_t len)
{
	struct siv_fake_talk *f =
		container_of(talk, struct siv_fake_talk, talk);

	/* several channels may say something at once */
	WRITE_ONCE(f->said, type);
	set_bit(type, &f->says);
	if (type == SIV_MSG_FAILED)
		memcpy(&f->failed, body, sizeof(f->failed));
	if (f->answer)
		f->answer(talk, type, body);
	return 0;
}

/* ------------------------------------------------------------------- the device's client */

static int fake_attach(struct siv_device *dev)
{
	return 0;
}

static void fake_bell(struct siv_device *dev, unsigned int vector)
{
}

static void fake_quiesce(struct siv_device *dev, enum siv_reason why)
{
	siv_host_client->quiesce(dev->host, why);
}

static void fake_detach(struct siv_device *dev)
{
}

static const struct siv_device_client fake_device_client = {
	.attach = fake_attach,
	.bell = fake_bell,
	.quiesce = fake_quiesce,
	.detach = fake_detach,
};

/* -------------------------------------------------------------- what shows channels */

static void fake_channel(struct siv_channel *ch)
{
}

static void fake_gone(struct siv_host *host)
{
}

static const struct siv_channel_client fake_client = {
	.opened = fake_channel,
	.closed = fake_channel,
	.gone = fake_gone,
};

/* ---------------------------------------------------------------------- the channel */

static void fake_side(struct siv_fake_lab *lab, unsigned int window, u64 start,
		      u64 len)
{
	lab->ch->windows.window[window] =
		(struct siv_window){ .start = start, .len = len };
}

void siv_fake_lab_open(struct siv_fake_lab *lab)
{
	const struct siv_geometry *geo = &lab->hw->dev->geo;
	struct siv_channel *ch = lab->ch;
	u64 own = geo->side_off, peer = own + geo->granule;
	u64 tx = geo->extent_off, rx = tx + geo->granule, len = geo->granule;
	u8 *base = lab->hw->mem;

	siv_tx_init(&ch->tx.ring, (struct siv_side *)(base + own),
		    (struct siv_side __peer *)(base + peer), len);
	siv_rx_init(&ch->rx.ring, (struct siv_side *)(base + own),
		    (struct siv_side __peer *)(base + peer), len);
	ch->tx.base = base + tx;
	ch->rx.base = (u8 __peer *)base + rx;
	fake_side(lab, SIVSHMEM_WIN_CTL_OWN, own, geo->granule);
	fake_side(lab, SIVSHMEM_WIN_CTL_PEER, peer, geo->granule);
	fake_side(lab, SIVSHMEM_WIN_TX, tx, len);
	fake_side(lab, SIVSHMEM_WIN_RX, rx, len);
	ch->max_record = siv_ring_max_record(len);
	ch->peer = FAKE_PEER;
	ch->vector = FAKE_VECTOR;
	ch->not_after = siv_fake_time + 3600;
	set_bit(SIV_CHANNEL_OPENED, &ch->flags);
	WRITE_ONCE(ch->state, SIVSHMEM_OPEN);
}

static void fake_host(struct siv_fake_lab *lab)
{
	struct siv_host *host = &lab->talk->host;

	host->dev = lab->hw->dev;
	lab->hw->dev->host = host;
	init_waitqueue_head(&lab->talk->talk.wait);
	INIT_LIST_HEAD(&host->talks);
	list_add(&lab->talk->talk.link, &host->talks);
	INIT_LIST_HEAD(&host->channels);
	INIT_LIST_HEAD(&host->listeners);
}

/* A channel that is CONNECTING. */
static void fake_begin(struct kunit *test, struct siv_fake_lab *lab)
{
	KUNIT_ASSERT_EQ(test,
			siv_channel_alloc(&lab->talk->talk, true,
					  SIVSHMEM_NO_NODE,
					  SIV_SUITE_CHACHAPOLY, &lab->ch),
			SIV_OK);
	lab->cid = FAKE_CID;
	lab->ch->cid = FAKE_CID;
	lab->ch->request = FAKE_CID;
}

void siv_fake_lab_file(struct kunit *test, struct siv_fake_lab *lab)
{
	lab->file = siv_channel_file(lab->ch, O_NONBLOCK);
	KUNIT_ASSERT_FALSE(test, IS_ERR(lab->file));
}

struct siv_fake_lab *siv_fake_lab_bare(struct kunit *test)
{
	struct siv_fake_lab *lab =
		kunit_kzalloc(test, sizeof(*lab), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, lab);
	siv_end_wq = alloc_workqueue("siv-fake-end", WQ_UNBOUND, 0);
	KUNIT_ASSERT_NOT_NULL(test, siv_end_wq);
	lab->mm = siv_fake_mm;
	lab->hw = siv_fake_make(test);
	lab->talk = siv_fake_talk_make(test);
	fake_host(lab);
	KUNIT_ASSERT_EQ(test, siv_channel_init(), 0);
	siv_channel_client_set(&fake_client);
	siv_device_client_set(&fake_device_client);
	KUNIT_ASSERT_EQ(test, siv_device_add(lab->hw->dev, false), 0);
	return lab;
}

struct siv_fake_lab *siv_fake_lab_make(struct kunit *test)
{
	struct siv_fake_lab *lab = siv_fake_lab_bare(test);

	fake_begin(test, lab);
	siv_fake_lab_file(test, lab);
	return lab;
}

void siv_fake_lab_settle(struct siv_fake_lab *lab)
{
	/* a handshake may end a channel */
	flush_workqueue(siv_crypto_wq);
	flush_workqueue(siv_end_wq);
}

void siv_fake_lab_close(struct siv_fake_lab *lab)
{
	if (lab->at) {
		kthread_use_mm(lab->mm);
		vm_munmap(lab->at, 1);
		kthread_unuse_mm(lab->mm);
		lab->at = 0;
	}
	if (lab->file)
		fput(lab->file);
	lab->file = NULL;
	/* a thread of the kernel's closes later, unless it is told not to */
	flush_delayed_fput();
	siv_fake_lab_settle(lab);
}

void siv_fake_lab_free(struct siv_fake_lab *lab)
{
	siv_fake_lab_close(lab);
	if (lab->ch)
		siv_channel_put(lab->ch);
	/* channels are freed after a grace period */
	rcu_barrier();
	siv_fake_free(lab->hw);
	siv_device_wait_all_gone();
	siv_fake_talk_free(lab->talk);
	destroy_workqueue(siv_end_wq);
	siv_device_client_set(NULL);
	siv_channel_client_set(NULL);
	siv_host_client_set(NULL);
}

/* ------------------------------------------------------------ the peer, and the host */

struct siv_side *siv_fake_lab_peer(struct siv_fake_lab *lab)
{
	const struct siv_geometry *geo = &lab->hw->dev->geo;
	u64 page = lab->ch->a ? geo->granule : 0;

	return (struct siv_side *)(lab->hw->mem + geo->side_off + page);
}

void siv_fake_lab_hear(struct siv_fake_lab *lab, u16 type, const void *body,
		       size_t len)
{
	struct siv_span span = { body, len };

	siv_host_client->message(&lab->talk->talk, type, span);
	siv_fake_lab_settle(lab);
}
