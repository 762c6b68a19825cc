// SPDX-License-Identifier: GPL-2.0-only
/*
 * A fuzzer as a test: its seeds, and mutations of them made by a generator with a fixed
 * seed; files given as arguments are run instead, to look at what libFuzzer has found;
 * --seeds DIR writes the seeds.
 * Claim: no input breaks a claim or a sanitizer's rule.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fuzz.h"

enum {
	INPUT_MAX = 8192
};

static u64 rng = 0x2545f4914f6cdd1du;

static u64 next(u64 below)
{
	rng ^= rng >> 12;
	rng ^= rng << 25;
	rng ^= rng >> 27;
	return rng * 0x2545f4914f6cdd1du % below;
}

static size_t mutate(u8 *p, size_t n)
{
	unsigned int i;
	size_t at, len;

	for (i = (unsigned int)next(4); i < 5; i++) {
		at = n ? next(n) : 0;
		switch (next(6)) {
		case 0:
			if (n)
				p[at] ^= (u8)(1u << next(8));
			break;
		case 1:
			if (n)
				p[at] = (u8)next(256);
			break;
		case 2: /* cut */
			n = at;
			break;
		case 3: /* lengthen */
			len = next(64);
			if (n + len <= INPUT_MAX) {
				while (len--)
					p[n++] = (u8)next(256);
			}
			break;
		case 4: /* a word of an interesting value */
			if (n >= 4) {
				static const u32 words[] = {
					0,	    1,		0x7fffffff,
					0x80000000, 0xffffffff, 4096,
					65536
				};

				siv_put_le32(p + next(n - 3),
					     words[next(ARRAY_SIZE(words))]);
			}
			break;
		default: /* a part again, elsewhere */
			len = n - at < 32 ? n - at : 32;
			if (len)
				memmove(p + next(n - len + 1), p + at, len);
			break;
		}
	}
	return n;
}

static void run(const u8 *p, size_t n)
{
	/* of exactly that length: a read past the end is seen */
	u8 *copy = malloc(n ? n : 1);

	fuzz_claim(copy);
	memcpy(copy, p, n);
	LLVMFuzzerTestOneInput(copy, n);
	free(copy);
}

static void test_inputs(void **state)
{
	const char *env = getenv("SIV_FUZZ_RUNS");
	u64 runs = env ? strtoull(env, NULL, 10) : 3000;
	static u8 input[INPUT_MAX];
	size_t seeds, n;
	u64 i;

	(void)state;
	for (seeds = 0; (n = fuzz_seed(seeds, input, sizeof(input))); seeds++)
		run(input, n);
	assert_true(seeds > 0);
	run(input, 0);
	for (i = 0; i < runs; i++) {
		n = fuzz_seed(next(seeds), input, sizeof(input));
		run(input, mutate(input, n));
	}
}

static int replay(const char *path)
{
	static u8 input[1 << 20];
	FILE *f = fopen(path, "rb");
	size_t n;

	if (!f) {
		perror(path);
		return 1;
	}
	n = fread(input, 1, sizeof(input), f);
	fclose(f);
	run(input, n);
	printf("%s: %zu bytes, nothing wrong\n", path, n);
	return 0;
}

/* What a new corpus begins with. */
static int seeds_write(const char *dir)
{
	static u8 input[INPUT_MAX];
	char path[4096];
	size_t i, n;
	FILE *f;

	for (i = 0; (n = fuzz_seed(i, input, sizeof(input))); i++) {
		snprintf(path, sizeof(path), "%s/seed-%zu", dir, i);
		f = fopen(path, "wb");
		if (!f || fwrite(input, 1, n, f) != n || fclose(f)) {
			perror(path);
			return 1;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_inputs) };
	int i, r = 0;

	if (argc == 3 && !strcmp(argv[1], "--seeds"))
		return seeds_write(argv[2]);
	for (i = 1; i < argc; i++)
		r |= replay(argv[i]);
	return argc > 1 ? r : cmocka_run_group_tests(tests, NULL, NULL);
}
