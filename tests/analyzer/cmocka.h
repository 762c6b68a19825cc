/* SPDX-License-Identifier: GPL-2.0-only */
/* cmocka for clang's analyzer, which is not told elsewhere that a test ends where it fails. */
#ifndef TESTS_ANALYZER_CMOCKA_H
#define TESTS_ANALYZER_CMOCKA_H

#include_next <cmocka.h>

void _fail(const char *const file, const int line) __attribute__((noreturn));
void _skip(const char *const file, const int line) __attribute__((noreturn));

#undef assert_true
#undef assert_false
#undef assert_non_null
#undef assert_null
#undef assert_ptr_equal
#undef assert_ptr_not_equal
#undef assert_int_equal
#undef assert_int_not_equal
#undef assert_in_range
#define assert_true(c) ((c) ? (void)0 : fail())
#define assert_false(c) assert_true(!(c))
#define assert_non_null(p) assert_true(p)
#define assert_null(p) assert_true(!(p))
#define assert_ptr_equal(a, b) assert_true((a) == (b))
#define assert_ptr_not_equal(a, b) assert_true((a) != (b))
#define assert_int_equal(a, b) assert_true((a) == (b))
#define assert_int_not_equal(a, b) assert_true((a) != (b))
#define assert_in_range(n, least, most)                     \
	do {                                                \
		__auto_type is = (n);                       \
                                                            \
		assert_true(is >= (least) && is <= (most)); \
	} while (0)

#endif
