/* SPDX-License-Identifier: GPL-2.0-only */
/* What does a call leave on the stack? */
#ifndef SIV_TEST_STACKSCAN_H
#define SIV_TEST_STACKSCAN_H

#include <stddef.h>
#include <stdint.h>

enum {
	SECRET_LEN = 32
};

/**
 * stackscan() - call a function on a fresh stack and look for secrets there afterwards
 * @fn: the function; what it needs lies in @arg, off its stack
 * @arg: its argument
 * @secrets: 32 bytes each
 * @count: how many
 *
 * Return: the index of the first secret that was left; -1: none; -2: no thread.
 */
int stackscan(void (*fn)(void *arg), void *arg,
	      const uint8_t secrets[][SECRET_LEN], int count);

/* stackscan_leave() - for the positive control: leaves the 32 bytes at @secret. */
void stackscan_leave(void *secret);

#endif /* SIV_TEST_STACKSCAN_H */
