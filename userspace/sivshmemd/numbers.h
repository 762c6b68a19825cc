/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Peer numbers of a region. QEMU aborts when a number that it was told comes back, so a
 * number is burned as soon as another QEMU was told it; and those that live have
 * mailboxes of their own (box = number modulo boxes).
 */
#ifndef SIVD_NUMBERS_H
#define SIVD_NUMBERS_H

#include "core/wire.h"

struct numbers {
	u32 boxes;
	u32 burned_count;
	u8 burned[(SIV_PEER_MAX + 1) / 8];
	u8 boxes_taken[SIV_PEER_MAX + 1];
};

/* numbers_init() - @boxes: a power of two, or 0 if numbers need no box */
void numbers_init(struct numbers *n, u32 boxes);
/* numbers_take() - the smallest that is free and whose box is; 0: there is none. */
u32 numbers_take(struct numbers *n);
/* numbers_give() - its VM has gone; @told: another QEMU knows it, so it never returns. */
void numbers_give(struct numbers *n, u32 number, bool told);

#endif /* SIVD_NUMBERS_H */
