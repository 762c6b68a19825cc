// SPDX-License-Identifier: GPL-2.0-only
/*
 * The region: its header, its gate, its place in the list of devices.
 *
 * Locks: PCI device's lock > dev->life > what the client takes; siv_devices_lock is a
 * leaf. Nothing is taken inside the gate but what the client documents.
 */
#include <linux/device.h>
#include <linux/idr.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include "core/cert.h"
#include "device.h"

unsigned int siv_fallback_ms = 100;

static const struct siv_device_client *siv_client;
static LIST_HEAD(siv_devices); /* every struct that exists */
static unsigned int
	siv_devices_count; /* those, and the ones that are being freed */
static DEFINE_SPINLOCK(siv_devices_lock);
static DEFINE_IDA(siv_devices_ida);
static DECLARE_WAIT_QUEUE_HEAD(siv_devices_gone);

void siv_device_client_set(const struct siv_device_client *client)
{
	siv_client = client;
}

/* ---------------------------------------------------------------- lifetime */

struct siv_device *siv_device_alloc(struct device *parent)
{
	struct siv_device *dev = kzalloc(sizeof(*dev), GFP_KERNEL);
	int index;

	if (!dev)
		return NULL;
	/* one buffer for all lives of the struct: readers never see it go */
	dev->host_cert = kzalloc(SIV_CERT_MAX, GFP_KERNEL);
	if (!dev->host_cert)
		goto free;
	index = ida_alloc(&siv_devices_ida, GFP_KERNEL);
	if (index < 0)
		goto free_cert;
	if (init_srcu_struct(&dev->srcu))
		goto free_index;
	kref_init(&dev->ref);
	mutex_init(&dev->life);
	dev->index = index;
	dev->parent = get_device(parent);
	strscpy(dev->bus_id, parent ? dev_name(parent) : "",
		sizeof(dev->bus_id));
	spin_lock(&siv_devices_lock);
	list_add_tail(&dev->link, &siv_devices);
	siv_devices_count++;
	spin_unlock(&siv_devices_lock);
	return dev;

free_index:
	ida_free(&siv_devices_ida, index);
free_cert:
	kfree(dev->host_cert);
free:
	kfree(dev);
	return NULL;
}

void siv_device_get(struct siv_device *dev)
{
	kref_get(&dev->ref);
}

static void siv_device_free(struct kref *ref)
{
	struct siv_device *dev = container_of(ref, struct siv_device, ref);

	spin_lock(&siv_devices_lock);
	list_del(&dev->link);
	spin_unlock(&siv_devices_lock);
	cleanup_srcu_struct(&dev->srcu);
	put_device(dev->parent);
	ida_free(&siv_devices_ida, dev->index);
	kfree(dev->host_cert);
	kfree(dev);

	spin_lock(&siv_devices_lock);
	siv_devices_count--;
	wake_up_all(&siv_devices_gone);
	spin_unlock(&siv_devices_lock);
}

void siv_device_put(struct siv_device *dev)
{
	kref_put(&dev->ref, siv_device_free);
}

static bool siv_devices_none(void)
{
	bool none;

	spin_lock(&siv_devices_lock);
	none = !siv_devices_count;
	spin_unlock(&siv_devices_lock);
	return none;
}

void siv_device_wait_all_gone(void)
{
	wait_event(siv_devices_gone, siv_devices_none());
}

/* ------------------------------------------------------------------ header */

/*
 * The host certificate's structure; whether it is to be trusted, a session decides.
 * siv_header_check() has seen that it lies inside and is not too long.
 */
static enum siv_reason siv_device_read_cert(struct siv_device *dev, u32 off,
					    u32 len)
{
	struct siv_span der = { .p = dev->host_cert, .n = len };
	struct siv_span region = { .p = (const u8 *)dev->region,
				   .n = strlen(dev->region) };
	struct siv_span any = { 0 };
	struct siv_cert *cert;
	enum siv_reason r;

	cert = kmalloc(sizeof(*cert), GFP_KERNEL);
	if (!cert)
		return SIV_R_NO_MEMORY;
	siv_peer_copy(dev->host_cert, (const u8 __peer *)dev->base + off, len);
	r = siv_cert_parse(der, cert);
	if (r == SIV_OK)
		r = siv_cert_is(cert, SIV_CERT_HOST, region, any, any);
	if (r == SIV_OK)
		dev->host_cert_len = len;
	kfree(cert);
	return r;
}

/*
 * Copy the header once and judge the copy: every byte of the region may change under
 * our eyes. What it says is kept in @dev and the original is not looked at again.
 */
static enum siv_reason siv_device_read_header(struct siv_device *dev)
{
	struct siv_region_header h;
	struct siv_span constant = { .p = (const u8 *)&h,
				     .n = SIV_HEADER_CONST_LEN };
	struct siv_geometry geo;
	struct siv_span name;
	enum siv_reason r;

	memset(&dev->geo, 0, sizeof(dev->geo));
	memset(dev->region, 0, sizeof(dev->region));
	dev->host_cert_len = 0;
	if (dev->size < sizeof(h))
		return SIV_R_HEADER;
	siv_peer_copy(&h, dev->base, sizeof(h));

	r = siv_header_check(&h, dev->size, PAGE_SIZE, &geo);
	if (r == SIV_R_VERSION)
		dev_info(dev->parent,
			 "the region speaks version %u, this driver %u\n",
			 siv_get_le16(&h.version), SIV_PROTOCOL_VERSION);
	if (r == SIV_R_GRANULE)
		dev_info(dev->parent,
			 "the region's granule is %u bytes, a page here %lu\n",
			 siv_get_le32(&h.granule), PAGE_SIZE);
	if (r != SIV_OK)
		return r;
	if (!siv_name_get(h.region, &name) || !name.n)
		return SIV_R_HEADER;
	memcpy(dev->region, name.p, name.n);
	memcpy(dev->epoch, h.epoch, sizeof(dev->epoch));
	siv_sha256v(dev->header_hash, &constant, 1);
	r = siv_device_read_cert(dev, siv_get_le32(&h.cert_off),
				 siv_get_le32(&h.cert_len));
	if (r == SIV_OK)
		dev->geo = geo;
	return r;
}

/* --------------------------------------------------- publishing and taking back */

static int siv_device_start(struct siv_device *dev)
{
	enum siv_reason r;
	int err = 0;

	if (dev->listed || dev->held)
		return 0;
	r = siv_device_read_header(dev);
	if (r != SIV_OK && !dev->claimed) {
		dev_info(dev->parent, "not a sivshmem region: %s\n",
			 siv_reason_text(r));
		return -ENODEV;
	}
	if (r != SIV_OK)
		dev_warn(dev->parent, "claimed, but no sivshmem region: %s\n",
			 siv_reason_text(r));

	get_random_bytes(dev->boot_nonce, sizeof(dev->boot_nonce));
	WRITE_ONCE(dev->live, true);
	if (siv_client)
		err = siv_client->attach(dev);
	if (err) {
		WRITE_ONCE(dev->live, false);
		synchronize_srcu(&dev->srcu);
		return err;
	}
	dev->attached = siv_client;
	spin_lock(&siv_devices_lock);
	dev->listed = true;
	spin_unlock(&siv_devices_lock);
	return 0;
}

/*
 * The vectors are parked last: by then nobody is inside the gate who could arm one, and
 * their handlers have seen that it is closed.
 */
static void siv_device_close(struct siv_device *dev, enum siv_reason why,
			     bool goodbye)
{
	unsigned int i;

	if (!dev->live)
		return;
	if (goodbye && dev->attached && siv_client->goodbye)
		siv_client->goodbye(dev, why);
	WRITE_ONCE(dev->live, false);
	if (dev->attached)
		siv_client->quiesce(dev, why);
	synchronize_srcu(&dev->srcu);
	for (i = 0; i < dev->vectors; i++)
		dev->hw->vector_set(dev, i, SIV_VECTOR_PARKED);
}

static void siv_device_stop(struct siv_device *dev)
{
	if (!dev->listed)
		return;
	spin_lock(&siv_devices_lock);
	dev->listed = false;
	spin_unlock(&siv_devices_lock);
	if (dev->attached)
		siv_client->detach(dev);
	dev->attached = false;
}

int siv_device_add(struct siv_device *dev, bool claim)
{
	int err;

	mutex_lock(&dev->life);
	dev->claimed = claim;
	err = siv_device_start(dev);
	dev->wanted = !err;
	mutex_unlock(&dev->life);
	return err;
}

void siv_device_quiesce(struct siv_device *dev, enum siv_reason why)
{
	mutex_lock(&dev->life);
	siv_device_close(dev, why, true);
	mutex_unlock(&dev->life);
}

bool siv_device_check(struct siv_device *dev)
{
	bool lost;

	mutex_lock(&dev->life);
	lost = dev->live && !dev->hw->alive(dev);
	/* no goodbye into memory that may be another's by now */
	if (lost)
		siv_device_close(dev, SIV_R_DEVICE_GONE, false);
	mutex_unlock(&dev->life);
	return lost;
}

void siv_device_del(struct siv_device *dev)
{
	mutex_lock(&dev->life);
	dev->wanted = false;
	/* resume or vmfork may have brought it back since the quiesce */
	siv_device_close(dev, SIV_R_DEVICE_GONE, true);
	siv_device_stop(dev);
	mutex_unlock(&dev->life);
}

void siv_device_suspend(struct siv_device *dev, enum siv_reason why,
			bool goodbye)
{
	mutex_lock(&dev->life);
	dev->held++;
	siv_device_close(dev, why, goodbye);
	siv_device_stop(dev);
	mutex_unlock(&dev->life);
}

int siv_device_resume(struct siv_device *dev)
{
	int err = 0;

	mutex_lock(&dev->life);
	/* 0: probed after the suspension that now ends */
	if (dev->held && !--dev->held && dev->wanted)
		err = siv_device_start(dev);
	mutex_unlock(&dev->life);
	return err;
}

/* The first device from index @from, with a reference; NULL: there is none. */
static struct siv_device *siv_device_next(unsigned int from, bool listed)
{
	struct siv_device *dev, *best;

	spin_lock(&siv_devices_lock);
	do {
		best = NULL;
		list_for_each_entry(dev, &siv_devices, link)
			if (dev->index >= from && (dev->listed || !listed) &&
			    (!best || best->index > dev->index) &&
			    kref_read(&dev->ref))
				best = dev;
	} while (best && !kref_get_unless_zero(&best->ref));
	spin_unlock(&siv_devices_lock);
	return best;
}

void siv_devices_suspend(enum siv_reason why, bool goodbye)
{
	struct siv_device *dev;
	unsigned int from = 0;

	while ((dev = siv_device_next(from, false))) {
		from = dev->index + 1;
		siv_device_suspend(dev, why, goodbye);
		siv_device_put(dev);
	}
}

void siv_devices_resume(void)
{
	struct siv_device *dev;
	unsigned int from = 0;

	while ((dev = siv_device_next(from, false))) {
		from = dev->index + 1;
		if (siv_device_resume(dev))
			dev_warn(dev->parent, "the region did not come back\n");
		siv_device_put(dev);
	}
}

struct siv_device *siv_device_find_next(unsigned int index)
{
	return siv_device_next(index, true);
}

struct siv_device *siv_device_find_index(unsigned int index)
{
	struct siv_device *dev = siv_device_find_next(index);

	if (dev && dev->index != index) {
		siv_device_put(dev);
		dev = NULL;
	}
	return dev;
}

struct siv_device *siv_device_find_region(const char *region)
{
	struct siv_device *dev, *found = NULL;

	spin_lock(&siv_devices_lock);
	list_for_each_entry(dev, &siv_devices, link) {
		if (!dev->listed || strcmp(dev->region, region))
			continue;
		if (!kref_get_unless_zero(&dev->ref))
			continue;
		found = dev;
		break;
	}
	spin_unlock(&siv_devices_lock);
	return found;
}

/* ---------------------------------------------------------------- the gate */

bool siv_device_enter(struct siv_device *dev, int *idx)
{
	*idx = srcu_read_lock(&dev->srcu);
	if (READ_ONCE(dev->live)) {
		__release(&dev->srcu); /* for sparse: the caller has it now */
		return true;
	}
	srcu_read_unlock(&dev->srcu, *idx);
	return false;
}

void siv_device_exit(struct siv_device *dev, int idx)
{
	__acquire(&dev->srcu); /* for sparse: the caller had it */
	srcu_read_unlock(&dev->srcu, idx);
}

void siv_device_bell(struct siv_device *dev, unsigned int vector)
{
	atomic64_inc(&dev->bells[vector]);
	if (READ_ONCE(dev->live) && siv_client)
		siv_client->bell(dev, vector);
}

bool siv_device_ring(struct siv_device *dev, u32 peer, u16 vector)
{
	int idx;

	if (!siv_device_enter(dev, &idx))
		return false;
	dev->hw->bell(dev, peer, vector);
	siv_device_exit(dev, idx);
	return true;
}

void siv_device_vector_set(struct siv_device *dev, unsigned int vector,
			   enum siv_vector_state state)
{
	int idx;

	if (!siv_device_enter(dev, &idx))
		return;
	if (vector < dev->vectors)
		dev->hw->vector_set(dev, vector, state);
	siv_device_exit(dev, idx);
}
