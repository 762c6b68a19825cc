// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* A buddy allocator that only counts. */
#include <stdlib.h>

#include "buddy.h"

static void buddy_push(struct buddy *b, u32 block, unsigned int order)
{
	struct buddy_node *n = &b->node[block];
	u32 head = b->head[order];

	n->free = 1;
	n->order = (u8)order;
	n->prev = BUDDY_NONE;
	n->next = head;
	if (head != BUDDY_NONE)
		b->node[head].prev = block;
	b->head[order] = block;
}

static void buddy_unlink(struct buddy *b, u32 block)
{
	struct buddy_node *n = &b->node[block];

	if (n->prev != BUDDY_NONE)
		b->node[n->prev].next = n->next;
	else
		b->head[n->order] = n->next;
	if (n->next != BUDDY_NONE)
		b->node[n->next].prev = n->prev;
	n->free = 0;
}

/* The largest run that may start at @at: aligned to itself and inside. */
static unsigned int buddy_fit(u32 at, u32 count)
{
	unsigned int order = 0;

	while (order + 1 < BUDDY_ORDERS && !(at & ((2u << order) - 1)) &&
	       count - at >= 2u << order)
		order++;
	return order;
}

bool buddy_init(struct buddy *b, u32 count)
{
	unsigned int i;
	u32 at = 0;

	b->node = calloc(count ? count : 1, sizeof(*b->node));
	b->count = count;
	for (i = 0; i < BUDDY_ORDERS; i++)
		b->head[i] = BUDDY_NONE;
	if (!b->node)
		return false;
	while (at < count) {
		unsigned int order = buddy_fit(at, count);

		buddy_push(b, at, order);
		at += 1u << order;
	}
	return true;
}

void buddy_destroy(struct buddy *b)
{
	free(b->node);
	b->node = NULL;
}

u32 buddy_take(struct buddy *b, unsigned int order)
{
	unsigned int o = order;
	u32 block;

	while (o < BUDDY_ORDERS && b->head[o] == BUDDY_NONE)
		o++;
	if (o >= BUDDY_ORDERS)
		return BUDDY_NONE;
	block = b->head[o];
	buddy_unlink(b, block);
	while (o > order) {
		o--;
		buddy_push(b, block + (1u << o), o);
	}
	return block;
}

void buddy_give(struct buddy *b, u32 block, unsigned int order)
{
	while (order + 1 < BUDDY_ORDERS) {
		u32 other = block ^ 1u << order;

		if (other >= b->count || !b->node[other].free ||
		    b->node[other].order != order)
			break;
		buddy_unlink(b, other);
		block &= ~(1u << order);
		order++;
	}
	buddy_push(b, block, order);
}
