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

struct row {
	const char *type;
	const char *member; /* NULL: the struct itself */
	size_t off;
	size_t len;
};

#define ROW_S(type, bytes) { #type, NULL, 0, bytes },
#define ROW_M(type, member, off, len) { #type, #member, off, len },
static const struct row rows[] = { SIV_ABI_LAYOUT(ROW_S, ROW_M) };

/* The literals themselves: each member begins where the last one ended. */
static void no_holes(void **state)
{
	size_t at = 0, members = 0, structs = 0;
	const struct row *s = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *r = &rows[i];

		if (!r->member) {
			if (s)
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
		for (size_t i = 0; i + 1 < ARRAY_SIZE(rows); i++) {
			if (rows[i].member || strcmp(rows[i].type + 9, args[a]))
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

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
