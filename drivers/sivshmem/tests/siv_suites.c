// SPDX-License-Identifier: GPL-2.0-only
/* Hands the suites to the KUnit of a kernel that has it. */
#include <linux/module.h>

#include "suites.h"

kunit_test_suites(SIV_SUITES);

MODULE_DESCRIPTION("KUnit suites of sivshmem");
MODULE_LICENSE("GPL");
