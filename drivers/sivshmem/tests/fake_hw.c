// SPDX-License-Identifier: GPL-2.0-only
#include <kunit/test.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/slab.h>

#include "fake_hw.h"
#include "siv_keys_fixture.h"

enum {
	CERT_OFF = 4096,
	BOX_OFF = 16384,
	SIDE_OFF = 1 << 20,
	EXTENT_OFF = 3 << 19,
};

static void siv_fake_ring(struct siv_device *dev, u32 peer, u16 vector)
{
	struct siv_fake *f = dev->hw_priv;

	if (f->rung < SIV_FAKE_BELLS)
		f->bell[f->rung] = (struct siv_fake_bell){ peer, vector };
	f->rung++;
}

static void siv_fake_vector_set(struct siv_device *dev, unsigned int vector,
				enum siv_vector_state state)
{
	struct siv_fake *f = dev->hw_priv;

	f->state[vector] = state;
	f->sets++;
}

static bool siv_fake_alive(struct siv_device *dev)
{
	struct siv_fake *f = dev->hw_priv;

	return f->alive;
}

static const struct siv_hw_ops siv_fake_hw = {
	.bell = siv_fake_ring,
	.vector_set = siv_fake_vector_set,
	.alive = siv_fake_alive,
};

struct siv_region_header *siv_fake_header(struct siv_fake *f)
{
	return (struct siv_region_header *)f->mem;
}

void siv_fake_cert(struct siv_fake *f, const u8 *der, size_t len)
{
	memcpy(f->mem + CERT_OFF, der, len);
	siv_put_le32(&siv_fake_header(f)->cert_len, len);
}

static void siv_fake_fill(struct siv_fake *f)
{
	struct siv_region_header *h = siv_fake_header(f);

	memcpy(h->magic, SIV_MAGIC, sizeof(h->magic));
	siv_put_le16(&h->version, SIV_PROTOCOL_VERSION);
	siv_put_le16(&h->header_len, sizeof(*h));
	siv_put_le64(&h->region_size, SIV_FAKE_SIZE);
	siv_put_le32(&h->granule, PAGE_SIZE);
	siv_put_le16(&h->boxes, 8);
	siv_put_le16(&h->slots, SIV_BOX_SLOTS);
	siv_put_le32(&h->slot_size, SIV_SLOT_SIZE);
	siv_put_le32(&h->box_stride, SIV_BOX_STRIDE);
	siv_put_le64(&h->box_off, BOX_OFF);
	siv_put_le64(&h->side_off, SIDE_OFF);
	siv_put_le32(&h->side_count, 4);
	siv_put_le32(&h->suites,
		     BIT(SIV_SUITE_CHACHAPOLY) | BIT(SIV_SUITE_AESGCM));
	siv_put_le64(&h->extent_off, EXTENT_OFF);
	siv_put_le64(&h->extent_len, SIV_FAKE_SIZE - EXTENT_OFF);
	siv_put_le64(&h->ring_min, PAGE_SIZE);
	siv_put_le64(&h->ring_max, 1 << 18);
	siv_put_le32(&h->sealed_max, SIV_SEALED_MAX);
	memset(h->epoch, 0xe0, sizeof(h->epoch));
	memcpy(h->region, "lab", 3);
	siv_put_le32(&h->cert_off, CERT_OFF);
	siv_fake_cert(f, siv_fixture_host_cert, sizeof(siv_fixture_host_cert));
}

struct siv_fake *siv_fake_make(struct kunit *test)
{
	struct siv_fake *f = kzalloc(sizeof(*f), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, f);
	f->mem = alloc_pages_exact(SIV_FAKE_SIZE, GFP_KERNEL | __GFP_ZERO);
	KUNIT_ASSERT_NOT_NULL(test, f->mem);
	f->alive = true;
	siv_fake_fill(f);
	f->dev = siv_device_alloc(NULL);
	KUNIT_ASSERT_NOT_NULL(test, f->dev);
	f->dev->hw = &siv_fake_hw;
	f->dev->hw_priv = f;
	f->dev->base = (void __peer *)f->mem;
	f->dev->phys = virt_to_phys(f->mem);
	f->dev->size = SIV_FAKE_SIZE;
	f->dev->cached = true;
	f->dev->peer = SIV_FAKE_PEER;
	f->dev->vectors = SIV_FAKE_VECTORS;
	return f;
}

void siv_fake_free(struct siv_fake *f)
{
	siv_device_quiesce(f->dev, SIV_R_DEVICE_GONE);
	siv_device_del(f->dev);
	siv_device_put(f->dev);
	free_pages_exact(f->mem, SIV_FAKE_SIZE);
	kfree(f);
}
