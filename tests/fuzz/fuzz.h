/* SPDX-License-Identifier: GPL-2.0-only */
/* What every fuzzer has: its function, and its input taken byte by byte. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/platform.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* fuzz_seed() - input number @i to begin with, or 0 bytes if there is none. */
size_t fuzz_seed(size_t i, u8 *out, size_t cap);

/* A claim that no input may break. */
#define fuzz_claim(cond)                                                   \
	do {                                                               \
		if (!(cond)) {                                             \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, \
				#cond);                                    \
			abort();                                           \
		}                                                          \
	} while (0)

/* The rest of the input; once it is used up, zeros come. */
struct fuzz_in {
	const u8 *p;
	size_t n;
};

static inline u8 fuzz_u8(struct fuzz_in *in)
{
	if (!in->n)
		return 0;
	in->n--;
	return *in->p++;
}

static inline u16 fuzz_u16(struct fuzz_in *in)
{
	u8 low = fuzz_u8(in);

	return (u16)(low | (u16)fuzz_u8(in) << 8);
}

/* Up to @n bytes into @out; returns how many there were. */
static inline size_t fuzz_bytes(struct fuzz_in *in, u8 *out, size_t n)
{
	if (n > in->n)
		n = in->n;
	memcpy(out, in->p, n);
	in->p += n;
	in->n -= n;
	return n;
}

#endif
