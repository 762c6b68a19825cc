/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Points in time, in seconds since 1970, UTC. */
#ifndef KEYS_WHEN_H
#define KEYS_WHEN_H

#include <stdint.h>

enum {
	WHEN_LEN = 24
};

/* when_text() - 2027-01-31T00:00:00Z. Return: @out. */
const char *when_text(char out[WHEN_LEN], int64_t when);
/**
 * when_parse() - the same back; a date alone is its first second
 * @text: 2027-01-31T00:00:00Z or 2027-01-31
 * @when: set to it
 *
 * From 1950 to 9999. Return: 0, or -1 (says nothing).
 */
int when_parse(const char *text, int64_t *when);

#endif
