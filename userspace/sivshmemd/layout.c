// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Where things stand in a region. */
#include "layout.h"

static_assert(sizeof(struct siv_region_header) == LAYOUT_CERT_OFF,
	      "the certificate follows the header");

static u64 layout_up(u64 v, u64 to)
{
	return (v + to - 1) & ~(to - 1);
}

static u64 layout_pow2_up(u64 v)
{
	u64 p = 1;

	while (p < v)
		p <<= 1;
	return p;
}

static u64 layout_pow2_down(u64 v)
{
	u64 p = 1;

	while (p <= v / 2)
		p <<= 1;
	return p;
}

/*
 * How many channels: as many as the policy says, else as the smallest channels would
 * fill the region with, but never more than a quarter of it for side pages.
 */
static u32 layout_channels(const struct policy_region *r,
			   const struct siv_geometry *g, u64 left)
{
	u64 side = 2 * (u64)g->granule;
	u64 n = left / (side + 2 * g->ring_min);

	if (r->channels)
		return r->channels;
	if (n > left / 4 / side)
		n = left / 4 / side;
	if (n > 4096)
		n = 4096;
	return n ? (u32)n : 1;
}

static void layout_rings(const struct policy_region *r, struct siv_geometry *g)
{
	g->ring_min = r->ring_min ? r->ring_min : r->granule;
	g->ring_max = r->ring_max ? r->ring_max : layout_pow2_down(r->size / 8);
	if (g->ring_max > SIV_RING_MAX)
		g->ring_max = SIV_RING_MAX;
	if (!r->ring_max && g->ring_max < g->ring_min)
		g->ring_max = g->ring_min;
}

const char *layout_plan(const struct policy_region *r, struct siv_geometry *g)
{
	u64 at;

	memset(g, 0, sizeof(*g));
	g->region_size = r->size;
	g->granule = r->granule;
	g->flags = r->mode == POLICY_ISOLATED ? SIV_REGION_ISOLATED : 0;
	g->suites = r->suites;
	g->sealed_max = SIV_SEALED_MAX;
	g->boxes = (u16)layout_pow2_up(r->member_count ? r->member_count : 1);
	layout_rings(r, g);
	if (g->ring_min < g->granule)
		return "ring_min is below the granule";
	if (g->ring_min > g->ring_max)
		return "ring_min is above ring_max";
	g->box_off = layout_up(LAYOUT_CERT_OFF + SIV_CERT_MAX, g->granule);
	at = layout_up(g->box_off + (u64)g->boxes * SIV_BOX_STRIDE, g->granule);
	if (at >= r->size)
		return "size is too small for header and mailboxes";
	g->side_off = at;
	g->side_count = layout_channels(r, g, r->size - at);
	at += (u64)g->side_count * 2 * g->granule;
	if (at >= r->size || r->size - at < 2 * g->ring_min)
		return "size is too small for its channels";
	g->extent_off = at;
	g->extent_len = r->size - at;
	return NULL;
}

void layout_header(const struct siv_geometry *g, const char *name,
		   const u8 epoch[SIV_EPOCH_LEN], size_t cert_len,
		   struct siv_region_header *h)
{
	memset(h, 0, sizeof(*h));
	memcpy(h->magic, SIV_MAGIC, sizeof(h->magic));
	siv_put_le16(&h->version, SIV_PROTOCOL_VERSION);
	siv_put_le16(&h->header_len, sizeof(*h));
	siv_put_le32(&h->flags, g->flags);
	siv_put_le64(&h->region_size, g->region_size);
	siv_put_le32(&h->granule, g->granule);
	siv_put_le16(&h->boxes, g->boxes);
	siv_put_le16(&h->slots, SIV_BOX_SLOTS);
	siv_put_le32(&h->slot_size, SIV_SLOT_SIZE);
	siv_put_le32(&h->box_stride, SIV_BOX_STRIDE);
	siv_put_le64(&h->box_off, g->box_off);
	siv_put_le64(&h->side_off, g->side_off);
	siv_put_le32(&h->side_count, g->side_count);
	siv_put_le32(&h->suites, g->suites);
	siv_put_le64(&h->extent_off, g->extent_off);
	siv_put_le64(&h->extent_len, g->extent_len);
	siv_put_le64(&h->ring_min, g->ring_min);
	siv_put_le64(&h->ring_max, g->ring_max);
	siv_put_le32(&h->sealed_max, g->sealed_max);
	memcpy(h->epoch, epoch, SIV_EPOCH_LEN);
	siv_name_put(h->region, (struct siv_span){ .p = (const u8 *)name,
						   .n = strlen(name) });
	siv_put_le32(&h->cert_off, LAYOUT_CERT_OFF);
	siv_put_le32(&h->cert_len, (u32)cert_len);
}

u64 layout_extent(u64 ring_ab, u64 ring_ba)
{
	return layout_pow2_up(ring_ab + ring_ba);
}
