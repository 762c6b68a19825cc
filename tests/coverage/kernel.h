/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Comes before all else in the modules that are built for coverage: macros of the
 * kernel's that would put branches of its own into the lines of ours.
 */
#ifndef SIV_COVERAGE_KERNEL_H
#define SIV_COVERAGE_KERNEL_H

#include <linux/bitops.h>

/* The kernel's asks three times whether the compiler knows the answer; this does not. */
#undef test_bit
#define test_bit(nr, addr) _test_bit(nr, addr)

#endif
