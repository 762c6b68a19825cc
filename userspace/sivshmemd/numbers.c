// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Peer numbers of a region. */
#include "numbers.h"

void numbers_init(struct numbers *n, u32 boxes)
{
	memset(n, 0, sizeof(*n));
	/* without mailboxes every number has a place of its own */
	n->boxes = boxes ? boxes : SIV_PEER_MAX + 1;
	n->burned[0] = 1; /* the host's */
}

u32 numbers_take(struct numbers *n)
{
	u32 i;

	for (i = 1; i <= SIV_PEER_MAX; i++) {
		if (n->burned[i / 8] & 1u << i % 8)
			continue;
		if (n->boxes_taken[i & (n->boxes - 1)])
			continue;
		n->boxes_taken[i & (n->boxes - 1)] = 1;
		return i;
	}
	return 0;
}

void numbers_give(struct numbers *n, u32 number, bool told)
{
	n->boxes_taken[number & (n->boxes - 1)] = 0;
	if (!told)
		return;
	n->burned[number / 8] |= (u8)(1u << number % 8);
	n->burned_count++;
}
