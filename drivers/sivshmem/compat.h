/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where kernels differ (6.1 to 7.2): the only file of the driver that looks at
 * LINUX_VERSION_CODE. Everything else is written against what this file makes common.
 */
#ifndef SIV_COMPAT_H
#define SIV_COMPAT_H

#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/version.h>

#include <crypto/sha2.h>
#if KERNEL_VERSION(6, 4, 0) <= LINUX_VERSION_CODE
#include <crypto/utils.h>
#else
#include <crypto/algapi.h>
#endif

/* struct device_type's devnode() got a const device in 6.2. */
#if KERNEL_VERSION(6, 2, 0) <= LINUX_VERSION_CODE
#define SIV_DEVNODE_CONST const
#else
#define SIV_DEVNODE_CONST
#endif

/* The streaming state of the SHA-256 library was renamed in 6.17. */
#if KERNEL_VERSION(6, 17, 0) <= LINUX_VERSION_CODE
#define siv_sha256_state sha256_ctx
#else
#define siv_sha256_state sha256_state
#endif

/* KUnit can list suites without running them since 6.15. */
#if KERNEL_VERSION(6, 15, 0) <= LINUX_VERSION_CODE
#define siv_kunit_run(suites, count) \
	__kunit_test_suites_init(suites, count, true)
#else
#define siv_kunit_run(suites, count) __kunit_test_suites_init(suites, count)
#endif

/* Flags of a vma became read-only but for helpers in 6.3. */
static inline void siv_vm_flags_mod(struct vm_area_struct *vma,
				    unsigned long set, unsigned long clear)
{
#if KERNEL_VERSION(6, 3, 0) <= LINUX_VERSION_CODE
	vm_flags_mod(vma, set, clear);
#else
	vma->vm_flags |= set;
	vma->vm_flags &= ~clear;
#endif
}

#endif /* SIV_COMPAT_H */
