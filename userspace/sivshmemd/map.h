/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* A hash table from numbers (not 0) to pointers. */
#ifndef SIVD_MAP_H
#define SIVD_MAP_H

#include "core/platform.h"

struct map_slot {
	u64 key; /* 0: empty */
	void *value;
};

struct map {
	struct map_slot *slot;
	u32 size; /* a power of two */
	u32 count;
};

/* map_put() - false without memory. */
bool map_put(struct map *m, u64 key, void *value);
void *map_get(const struct map *m, u64 key);
void map_del(struct map *m, u64 key);
/* map_next() - walk: start with *@at = 0; NULL at the end. Nothing may be put or deleted. */
void *map_next(const struct map *m, u32 *at);
void map_free(struct map *m);

#endif /* SIVD_MAP_H */
