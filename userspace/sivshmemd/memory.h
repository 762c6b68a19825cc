/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The memory of a region: one memfd, all of it there from the start, its size sealed. */
#ifndef SIVD_MEMORY_H
#define SIVD_MEMORY_H

#include "core/platform.h"

struct memory {
	int fd;
	u8 *map;
	u64 size;
};

/**
 * memory_new() - make and map it
 * @m: filled in
 * @name: for /proc/PID/fd, for people
 * @size: a power of two
 * @map: false: not needed here (vanilla)
 *
 * Return: 0 or a negative errno.
 */
int memory_new(struct memory *m, const char *name, u64 size, bool map);
/* memory_touch() - have pages ready in our own page tables. */
void memory_touch(const struct memory *m, u64 off, u64 len);
void memory_free(struct memory *m);

#endif /* SIVD_MEMORY_H */
