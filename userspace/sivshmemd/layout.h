/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Where things stand in a region: pure arithmetic, also used by `--check`. */
#ifndef SIVD_LAYOUT_H
#define SIVD_LAYOUT_H

#include "core/wire.h"
#include "policy.h"

#define LAYOUT_CERT_OFF 512u

/**
 * layout_plan() - the geometry of a region
 * @r: shared or isolated
 * @g: filled in
 *
 * Header and host certificate, one mailbox per member, side pages, then the arena.
 * Return: NULL, or why it does not fit.
 */
const char *layout_plan(const struct policy_region *r, struct siv_geometry *g);

/* layout_header() - the header's bytes; the certificate stands at LAYOUT_CERT_OFF. */
void layout_header(const struct siv_geometry *g, const char *name,
		   const u8 epoch[SIV_EPOCH_LEN], size_t cert_len,
		   struct siv_region_header *h);

/* layout_extent() - bytes of the extent that holds both rings: a power of two. */
u64 layout_extent(u64 ring_ab, u64 ring_ba);

#endif /* SIVD_LAYOUT_H */
