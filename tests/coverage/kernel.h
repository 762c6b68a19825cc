/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Comes before all else in the modules that are built for coverage: macros of the
 * kernel's that would put branches of its own into the lines of ours.
 */
#ifndef SIV_COVERAGE_KERNEL_H
#define SIV_COVERAGE_KERNEL_H

#include <linux/bitops.h>
#include <linux/workqueue.h>

/* The kernel's asks three times whether the compiler knows the answer; this does not. */
#undef test_bit
#define test_bit(nr, addr) _test_bit(nr, addr)

/* Only in order to warn of the system's own queues it compares with seven of them. */
#undef flush_workqueue
#define flush_workqueue(wq) __flush_workqueue(wq)

#endif
