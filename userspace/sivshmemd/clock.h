/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Time and rates. */
#ifndef SIVD_CLOCK_H
#define SIVD_CLOCK_H

#include <time.h>

#include "core/platform.h"

/* Milliseconds that never go back: re-posting, silence, waiting. Stops in suspend. */
static inline u64 clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (u64)ts.tv_sec * 1000 + (u64)ts.tv_nsec / 1000000;
}

/* Seconds since boot, with suspend: the age of keys. */
static inline u64 clock_boot_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (u64)ts.tv_sec;
}

/* Seconds since 1970: certificates. */
static inline s64 clock_wall_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec;
}

/**
 * struct bucket - a token bucket
 * @tokens: in thousandths
 * @ms: when that was true
 */
struct bucket {
	u64 tokens;
	u64 ms;
};

/**
 * bucket_take() - take a token
 * @b: the bucket
 * @rate: tokens per second, in thousandths
 * @burst: tokens that it holds; it begins full
 * @now_ms: time
 */
static inline bool bucket_take(struct bucket *b, u64 rate, u64 burst,
			       u64 now_ms)
{
	u64 full = burst * 1000, gain;

	if (!b->ms) {
		b->tokens = full;
		b->ms = now_ms ? now_ms : 1;
	}
	gain = (now_ms - b->ms) * rate / 1000;
	if (gain) {
		b->tokens = b->tokens + gain > full ? full : b->tokens + gain;
		b->ms = now_ms;
	}
	if (b->tokens < 1000)
		return false;
	b->tokens -= 1000;
	return true;
}

#endif /* SIVD_CLOCK_H */
