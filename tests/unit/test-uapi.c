// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claim: every struct of the ABI has the size, and every member the offset and length,
 * that are written in drivers/sivshmem/abi.h; there are no holes and no padding; every
 * constant has its value; the side page and the record header are what core/ring.h
 * thinks; and a 32-bit program, which may not map, sees the very same (ring.mk compiles
 * this for -m32 too).
 */
#include "abi.h"

#if __SIZEOF_POINTER__ == 8

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/ring.h"

static_assert(sizeof(struct siv_side) == sizeof(struct sivshmem_side),
	      "side page");
static_assert(offsetof(struct siv_side, prod) == 0, "prod");
static_assert(offsetof(struct siv_side, cons) == 64, "cons");
static_assert(offsetof(struct siv_side, want_prod) == 128, "want_prod");
static_assert(offsetof(struct siv_side, want_cons) == 192, "want_cons");
static_assert(offsetof(struct siv_side, end) == 256, "end");
static_assert(sizeof(struct sivshmem_record) == SIV_RECORD_HDR,
	      "record header");
static_assert(SIV_END_WR == SIVSHMEM_END_WR, "end mark");
static_assert(SIV_END_RD == SIVSHMEM_END_RD, "end mark");

enum {
	ROWS = 256,
	WORD = 64
};

/* A line of abi.h. */
static struct row {
	char type[WORD];
	char member[WORD]; /* "": the struct itself */
	size_t off;
	size_t len;
} rows[ROWS];
static size_t row_count;

static int read_rows(void **state)
{
	FILE *f = fopen("drivers/sivshmem/abi.h", "r");
	char line[256];

	(void)state;
	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f) && row_count < ROWS) {
		struct row *r = &rows[row_count];

		if (sscanf(line, "SIV_ABI_AT(%63[^,], %63[^,], %zu, %zu);",
			   r->type, r->member, &r->off, &r->len) == 4 ||
		    sscanf(line, "SIV_ABI_SIZE(%63[^,], %zu);", r->type,
			   &r->len) == 2)
			row_count++;
		else
			memset(r, 0, sizeof(*r));
	}
	return fclose(f);
}

/* The literals themselves: each member begins where the last one ended. */
static void no_holes(void **state)
{
	size_t at = 0, members = 0, structs = 0;
	const struct row *s = &rows[0];

	(void)state;
	assert_false(s->member[0]);
	for (size_t i = 0; i < row_count; i++) {
		const struct row *r = &rows[i];

		if (!r->member[0]) {
			if (i)
				assert_int_equal(at, s->len);
			s = r;
			at = 0;
			structs++;
			continue;
		}
		assert_string_equal(r->type, s->type);
		assert_int_equal(r->off, at);
		at += r->len;
		members++;
	}
	assert_int_equal(at, s->len);
	assert_int_equal(structs, 10);
	print_message("%zu structs, %zu members\n", structs, members);
}

/* Every ioctl's struct begins with its size; none of the numbers is used twice. */
static void size_first(void **state)
{
	static const char *const args[] = { "connect",	   "listen", "accept",
					    "region_info", "info",   "wait",
					    "shutdown" };
	static const unsigned long nrs[] = {
		SIVSHMEM_VERSION,     SIVSHMEM_CONNECT, SIVSHMEM_LISTEN,
		SIVSHMEM_REGION_INFO, SIVSHMEM_ACCEPT,	SIVSHMEM_INFO,
		SIVSHMEM_WAIT,	      SIVSHMEM_BELL,	SIVSHMEM_SHUTDOWN
	};
	size_t found = 0;

	(void)state;
	for (size_t a = 0; a < ARRAY_SIZE(args); a++)
		for (size_t i = 0; i + 1 < row_count; i++) {
			if (rows[i].member[0] ||
			    strcmp(rows[i].type + 9, args[a]))
				continue;
			assert_string_equal(rows[i + 1].member, "size");
			assert_int_equal(rows[i + 1].len, 4);
			found++;
		}
	assert_int_equal(found, ARRAY_SIZE(args));
	for (size_t a = 0; a < ARRAY_SIZE(nrs); a++)
		for (size_t b = 0; b < a; b++)
			assert_int_not_equal(nrs[a], nrs[b]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_holes),
		cmocka_unit_test(size_first),
	};

	return cmocka_run_group_tests(tests, read_rows, NULL);
}

#endif
