/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * A buddy allocator over blocks 0 to n-1, n any number: it only counts, the memory that
 * the blocks stand for is never touched.
 */
#ifndef SIVD_BUDDY_H
#define SIVD_BUDDY_H

#include "core/platform.h"

#define BUDDY_NONE 0xffffffffu
enum {
	BUDDY_ORDERS = 32
};

struct buddy_node {
	u32 prev;
	u32 next;
	u8 order;
	u8 free; /* this is the first block of a free run of @order */
};

struct buddy {
	struct buddy_node *node;
	u32 count;
	u32 head[BUDDY_ORDERS];
};

/* buddy_init() - all blocks free; false without memory. */
bool buddy_init(struct buddy *b, u32 count);
void buddy_destroy(struct buddy *b);
/* buddy_take() - 2^order blocks, aligned to their number; BUDDY_NONE if there are none. */
u32 buddy_take(struct buddy *b, unsigned int order);
/* buddy_give() - what buddy_take() gave, merged with its free neighbours. */
void buddy_give(struct buddy *b, u32 block, unsigned int order);

#endif /* SIVD_BUDDY_H */
