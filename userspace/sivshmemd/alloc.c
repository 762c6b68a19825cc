// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* Memory of channels. */
#include <stdlib.h>

#include "alloc.h"
#include "buddy.h"

struct arena {
	struct buddy buddy;
	u64 off;
};

struct alloc {
	u64 granule;
	u64 side_off;
	u32 side_count;
	u32 side_free;	      /* entries of @sides */
	u32 *sides;	      /* clean pairs, a stack */
	struct arena *arenas; /* the common one, then those of VMs */
	u32 arena_count;
	struct extent *dirty; /* first in, first out */
	struct extent **dirty_end;
	struct extent *all;
	struct alloc_stats stats;
};

static u64 alloc_blocks(const struct alloc *a, u64 bytes)
{
	return bytes / a->granule;
}

static bool alloc_arena(struct alloc *a, u32 i, u64 off, u64 bytes)
{
	a->arenas[i].off = off;
	return buddy_init(&a->arenas[i].buddy, (u32)alloc_blocks(a, bytes));
}

/* The VMs' arenas lie one after the other; what is left is the common one. */
static bool alloc_arenas(struct alloc *a, const struct siv_geometry *g,
			 const u64 *guaranteed, u32 count)
{
	u64 at = g->extent_off, end = g->extent_off + g->extent_len;
	u32 i;

	a->arenas = calloc(count + 1, sizeof(*a->arenas));
	if (!a->arenas)
		return false;
	a->arena_count = count + 1;
	for (i = 0; i < count; i++) {
		if (guaranteed[i] > end - at || guaranteed[i] % a->granule)
			return false;
		if (!alloc_arena(a, i + 1, at, guaranteed[i]))
			return false;
		at += guaranteed[i];
	}
	return alloc_arena(a, ALLOC_ARENA_COMMON, at, end - at);
}

struct alloc *alloc_new(const struct siv_geometry *g, const u64 *guaranteed,
			u32 count)
{
	struct alloc *a = calloc(1, sizeof(*a));
	u32 i;

	if (!a)
		return NULL;
	a->granule = g->granule;
	a->side_off = g->side_off;
	a->side_count = g->side_count;
	a->dirty_end = &a->dirty;
	a->sides = calloc(g->side_count, sizeof(*a->sides));
	if (!a->sides || !alloc_arenas(a, g, guaranteed, count)) {
		alloc_free(a);
		return NULL;
	}
	for (i = 0; i < g->side_count; i++)
		a->sides[i] = g->side_count - 1 - i;
	a->side_free = g->side_count;
	a->stats.total = g->extent_len;
	a->stats.clean = g->extent_len;
	a->stats.sides = g->side_count;
	return a;
}

void alloc_free(struct alloc *a)
{
	struct extent *e;
	u32 i;

	if (!a)
		return;
	while ((e = a->all)) {
		a->all = e->older;
		free(e);
	}
	for (i = 0; i < a->arena_count; i++)
		buddy_destroy(&a->arenas[i].buddy);
	free(a->arenas);
	free(a->sides);
	free(a);
}

static unsigned int alloc_order(const struct alloc *a, u64 len)
{
	unsigned int order = 0;

	while (order + 1 < BUDDY_ORDERS && a->granule << order < len)
		order++;
	return order;
}

static struct extent *alloc_extent(struct alloc *a)
{
	struct extent *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->older = a->all;
	if (a->all)
		a->all->newer = e;
	a->all = e;
	return e;
}

static void alloc_forget(struct alloc *a, struct extent *e)
{
	if (e->newer)
		e->newer->older = e->older;
	else
		a->all = e->older;
	if (e->older)
		e->older->newer = e->newer;
	free(e);
}

struct extent *alloc_take(struct alloc *a, u32 vm, u64 len)
{
	u32 arena = ALLOC_ARENA_COMMON, block = BUDDY_NONE;
	unsigned int order = alloc_order(a, len);
	struct extent *e;

	if (!siv_is_pow2(len) || len < a->granule || len > a->stats.total ||
	    !a->side_free)
		return NULL;
	if (vm < a->arena_count - 1) {
		arena = vm + 1;
		block = buddy_take(&a->arenas[arena].buddy, order);
	}
	if (block == BUDDY_NONE) {
		arena = ALLOC_ARENA_COMMON;
		block = buddy_take(&a->arenas[arena].buddy, order);
	}
	if (block == BUDDY_NONE)
		return NULL;
	e = alloc_extent(a);
	if (!e) {
		buddy_give(&a->arenas[arena].buddy, block, order);
		return NULL;
	}
	e->state = ALLOC_TAKEN;
	e->arena = arena;
	e->block = block;
	e->order = (u8)order;
	e->side = a->sides[--a->side_free];
	e->off = a->arenas[arena].off + (u64)block * a->granule;
	e->len = len;
	e->side_off = a->side_off + (u64)e->side * 2 * a->granule;
	a->stats.clean -= len;
	a->stats.taken += len;
	return e;
}

void alloc_limbo(struct alloc *a, struct extent *e)
{
	if (e->state != ALLOC_TAKEN)
		return;
	e->state = ALLOC_LIMBO;
	a->stats.taken -= e->len;
	a->stats.limbo += e->len;
}

void alloc_release(struct alloc *a, struct extent *e)
{
	alloc_limbo(a, e);
	e->state = ALLOC_DIRTY;
	a->stats.limbo -= e->len;
	a->stats.dirty += e->len;
	e->scrubbed = 0;
	e->next = NULL;
	*a->dirty_end = e;
	a->dirty_end = &e->next;
}

/* Zero @e from where the last step ended: its side pages, then its rings. */
static u64 alloc_scrub_step(const struct alloc *a, struct extent *e, u8 *map,
			    u64 budget)
{
	u64 side = 2 * a->granule, n;
	u8 *at;

	if (e->scrubbed < side) {
		n = side - e->scrubbed;
		at = map + e->side_off + e->scrubbed;
	} else {
		n = side + e->len - e->scrubbed;
		at = map + e->off + (e->scrubbed - side);
	}
	if (n > budget)
		n = budget;
	memset(at, 0, n);
	e->scrubbed += n;
	return n;
}

bool alloc_scrub(struct alloc *a, u8 *map, u64 budget)
{
	struct extent *e;

	while (budget && (e = a->dirty)) {
		budget -= alloc_scrub_step(a, e, map, budget);
		if (e->scrubbed < 2 * a->granule + e->len)
			continue;
		a->dirty = e->next;
		if (!a->dirty)
			a->dirty_end = &a->dirty;
		a->stats.dirty -= e->len;
		a->stats.clean += e->len;
		buddy_give(&a->arenas[e->arena].buddy, e->block, e->order);
		a->sides[a->side_free++] = e->side;
		alloc_forget(a, e);
	}
	return a->dirty;
}

bool alloc_dirty(const struct alloc *a)
{
	return a->dirty;
}

void alloc_stats(const struct alloc *a, struct alloc_stats *out)
{
	*out = a->stats;
	out->sides_clean = a->side_free;
}
