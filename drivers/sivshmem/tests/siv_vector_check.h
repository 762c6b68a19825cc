/* SPDX-License-Identifier: GPL-2.0-only */
/* How the code behind siv_vector.h says what did not come out. */
#ifndef SIV_VECTOR_CHECK_H
#define SIV_VECTOR_CHECK_H

#include "../core/platform.h"

/*
 * Keep in @wrong, which is NULL as long as all is well, the first condition that does not
 * hold; those after it are not looked at.
 */
#define SIV_CHECK(wrong, cond)           \
	do {                             \
		if (!(wrong) && !(cond)) \
			(wrong) = #cond; \
	} while (0)

static inline bool siv_same(const void *p, size_t n, struct siv_span want)
{
	return n == want.n && (!n || !memcmp(p, want.p, n));
}

#define SIV_SAME(wrong, p, n, want)                          \
	do {                                                 \
		if (!(wrong) && !siv_same(p, n, want))       \
			(wrong) = #p " differs from " #want; \
	} while (0)

#endif /* SIV_VECTOR_CHECK_H */
