// SPDX-License-Identifier: GPL-2.0-only
/* A thread whose stack is ours, scanned when it has ended. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

#include "stackscan.h"

enum {
	STACK = 1 << 20
};

struct call {
	void (*fn)(void *arg);
	void *arg;
};

/* The gap: @fn stands deeper than what the thread's end writes over. */
static void *deep_call(void *arg)
{
	const struct call *call = arg;
	volatile uint8_t gap[16384];

	gap[0] = 0;
	call->fn(call->arg);
	gap[sizeof(gap) - 1] = 0;
	return NULL;
}

void stackscan_leave(void *secret)
{
	volatile uint8_t copy[SECRET_LEN];
	const uint8_t *p = secret;
	size_t i;

	for (i = 0; i < sizeof(copy); i++)
		copy[i] = p[i];
}

int stackscan(void (*fn)(void *arg), void *arg,
	      const uint8_t secrets[][SECRET_LEN], int count)
{
	struct call call = { fn, arg };
	pthread_attr_t attr;
	pthread_t thread;
	uint8_t *stack;
	int i = -2;

	stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (stack == MAP_FAILED)
		return -2;
	pthread_attr_init(&attr);
	if (!pthread_attr_setstack(&attr, stack, STACK) &&
	    !pthread_create(&thread, &attr, deep_call, &call)) {
		pthread_join(thread, NULL);
		for (i = 0; i < count; i++) {
			if (memmem(stack, STACK, secrets[i], SECRET_LEN))
				break;
		}
		i = i < count ? i : -1;
	}
	pthread_attr_destroy(&attr);
	munmap(stack, STACK);
	return i;
}
