/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Included before everything in lib/kunit and in the suites: takes the stock kernel's
 * layouts of struct module and struct task_struct, then claims KUNIT=m.
 */
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sched/debug.h>
#include <linux/slab.h>

#undef CONFIG_MODULES /* no struct module.kunit_suites: no notifier */
#undef CONFIG_KUNIT
#undef CONFIG_KUNIT_MODULE
#define CONFIG_KUNIT_MODULE 1
#define CONFIG_KUNIT_DEFAULT_ENABLED 1
#define CONFIG_KUNIT_DEFAULT_TIMEOUT 300
#define CONFIG_KUNIT_DEFAULT_FILTER_GLOB ""
#define CONFIG_KUNIT_DEFAULT_FILTER ""
#define CONFIG_KUNIT_DEFAULT_FILTER_ACTION ""

struct kunit;
extern struct kunit *kunit_cur_test;
