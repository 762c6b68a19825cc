/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Memory of channels: extents (both rings, one power of two) from buddy allocators, and
 * pairs of side pages from a table. One arena per VM with guaranteed memory, a common
 * one for the rest.
 *
 *   CLEAN --take--> TAKEN --limbo--> LIMBO --release--> DIRTY --scrub--> CLEAN
 *
 * Only clean memory is ever granted. Nothing here writes to the region but the scrubber.
 */
#ifndef SIVD_ALLOC_H
#define SIVD_ALLOC_H

#include "core/wire.h"

#define ALLOC_ARENA_COMMON 0u

enum alloc_state {
	ALLOC_TAKEN,
	ALLOC_LIMBO, /* the channel has ended, but a VM may still touch it */
	ALLOC_DIRTY, /* nobody touches it; waits for the scrubber */
};

/**
 * struct extent - the memory of one channel
 * @off: of the rings, from the region's beginning
 * @len: bytes, a power of two
 * @side_off: A's page; B's is one granule further
 * @state: where it is in that round
 * @arena: whose buddy allocator it came from
 * @block: its first block there
 * @side: its entry of the table of side pages
 * @order: of the buddy allocator
 * @scrubbed: bytes that the scrubber has zeroed, side pages first
 * @next: the one to scrub after this one
 * @newer: in the list of all that exist
 * @older: likewise
 */
struct extent {
	u64 off;
	u64 len;
	u64 side_off;
	/* the allocator's own */
	enum alloc_state state;
	u32 arena;
	u32 block;
	u32 side;
	u8 order;
	u64 scrubbed;
	struct extent *next;  /* to scrub after this one */
	struct extent *newer; /* all that exist */
	struct extent *older;
};

struct alloc;

/* Bytes in each state; extents only, side pages are counted in pairs. */
struct alloc_stats {
	u64 total;
	u64 clean;
	u64 taken;
	u64 limbo;
	u64 dirty;
	u32 sides;
	u32 sides_clean;
};

/**
 * alloc_new() - an allocator for a fresh region: all of it is clean
 * @g: the region's geometry
 * @guaranteed: bytes of each VM's own arena (multiples of the granule), 0: none
 * @count: how many VMs
 *
 * Return: NULL without memory, or if the arenas do not fit.
 */
struct alloc *alloc_new(const struct siv_geometry *g, const u64 *guaranteed,
			u32 count);
/* alloc_free() - with all extents, also those that are still taken. */
void alloc_free(struct alloc *a);

/**
 * alloc_take() - clean memory for a channel
 * @a: the allocator
 * @vm: who pays: index in @guaranteed, or any other number for none
 * @len: bytes, a power of two, at least a granule
 *
 * The VM's own arena first, then the common one, never another VM's.
 * Return: NULL: nothing clean is large enough (or no memory of our own).
 */
struct extent *alloc_take(struct alloc *a, u32 vm, u64 len);
/* alloc_limbo() - the channel has ended; for the statistics. */
void alloc_limbo(struct alloc *a, struct extent *e);
/* alloc_release() - nobody can touch it any more; @e belongs to the scrubber now. */
void alloc_release(struct alloc *a, struct extent *e);

/**
 * alloc_scrub() - clean a little
 * @a: the allocator
 * @map: the region
 * @budget: bytes to write at most
 *
 * Return: true while something dirty is left.
 */
bool alloc_scrub(struct alloc *a, u8 *map, u64 budget);
/* alloc_dirty() - is there anything to scrub? */
bool alloc_dirty(const struct alloc *a);
void alloc_stats(const struct alloc *a, struct alloc_stats *out);

#endif /* SIVD_ALLOC_H */
