/* SPDX-License-Identifier: GPL-2.0-only */
/* KUnit for clang's analyzer, which is not told elsewhere that a test ends where it must. */
#ifndef TESTS_ANALYZER_KUNIT_TEST_H
#define TESTS_ANALYZER_KUNIT_TEST_H

#include_next <kunit/test.h>

#define kunit_do_failed_assertion(test, loc, type, ...)                  \
	do {                                                             \
		kunit_do_failed_assertion(test, loc, type, __VA_ARGS__); \
		if ((type) == KUNIT_ASSERTION)                           \
			__builtin_unreachable();                         \
	} while (0)

#endif
