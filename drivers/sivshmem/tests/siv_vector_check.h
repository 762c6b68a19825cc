/* SPDX-License-Identifier: GPL-2.0-only */
/* How the code behind siv_vector.h says what did not come out. */
#ifndef SIV_VECTOR_CHECK_H
#define SIV_VECTOR_CHECK_H

#include "../core/platform.h"

/* Leave a function that returns NULL or what is wrong. */
#define SIV_CHECK(cond)               \
	do {                          \
		if (!(cond))          \
			return #cond; \
	} while (0)

static inline bool siv_same(const void *p, size_t n, struct siv_span want)
{
	return n == want.n && (!n || !memcmp(p, want.p, n));
}

#define SIV_SAME(p, n, want)                              \
	do {                                              \
		if (!siv_same(p, n, want))                \
			return #p " differs from " #want; \
	} while (0)

#endif /* SIV_VECTOR_CHECK_H */
