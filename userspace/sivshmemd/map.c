// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* A hash table: open addressing, linear probing, deletion by shifting back. */
#include <stdlib.h>

#include "map.h"

static u32 map_home(const struct map *m, u64 key)
{
	return (u32)(key * 0x9e3779b97f4a7c15u >> 32) & (m->size - 1);
}

static void map_insert(struct map *m, u64 key, void *value)
{
	u32 i = map_home(m, key);

	while (m->slot[i].key && m->slot[i].key != key)
		i = (i + 1) & (m->size - 1);
	if (!m->slot[i].key)
		m->count++;
	m->slot[i] = (struct map_slot){ key, value };
}

static bool map_grow(struct map *m)
{
	struct map old = *m;
	u32 i;

	m->size = old.size ? 2 * old.size : 64;
	m->slot = calloc(m->size, sizeof(*m->slot));
	if (!m->slot) {
		*m = old;
		return false;
	}
	m->count = 0;
	for (i = 0; i < old.size; i++)
		if (old.slot[i].key)
			map_insert(m, old.slot[i].key, old.slot[i].value);
	free(old.slot);
	return true;
}

bool map_put(struct map *m, u64 key, void *value)
{
	if (2 * (m->count + 1) > m->size && !map_grow(m))
		return false;
	map_insert(m, key, value);
	return true;
}

static struct map_slot *map_find(const struct map *m, u64 key)
{
	u32 i;

	if (!m->size || !key)
		return NULL;
	for (i = map_home(m, key); m->slot[i].key; i = (i + 1) & (m->size - 1))
		if (m->slot[i].key == key)
			return &m->slot[i];
	return NULL;
}

void *map_get(const struct map *m, u64 key)
{
	const struct map_slot *s = map_find(m, key);

	return s ? s->value : NULL;
}

void map_del(struct map *m, u64 key)
{
	struct map_slot *s = map_find(m, key);
	u32 hole, i, home;

	if (!s)
		return;
	m->count--;
	hole = (u32)(s - m->slot);
	for (i = (hole + 1) & (m->size - 1); m->slot[i].key;
	     i = (i + 1) & (m->size - 1)) {
		home = map_home(m, m->slot[i].key);
		/* may the one at i move to the hole without passing its home? */
		if (((i - home) & (m->size - 1)) < ((i - hole) & (m->size - 1)))
			continue;
		m->slot[hole] = m->slot[i];
		hole = i;
	}
	m->slot[hole] = (struct map_slot){ 0, NULL };
}

void *map_next(const struct map *m, u32 *at)
{
	while (*at < m->size) {
		const struct map_slot *s = &m->slot[(*at)++];

		if (s->key)
			return s->value;
	}
	return NULL;
}

void map_free(struct map *m)
{
	free(m->slot);
	*m = (struct map){ 0 };
}
