/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Included before everything in the driver's files that the suites are built with, and in
 * no other: their calls that need memory go through fault.c.
 */
#ifndef SIV_TESTS_FAULT_CALLS_H
#define SIV_TESTS_FAULT_CALLS_H

#include "fault.h"

/* They are functions of some kernels' and macros of others'. */
#undef kmalloc
#undef kzalloc
#undef kvmalloc
#undef kvzalloc
#undef kmemdup
#undef kmemdup_nul
#undef alloc_workqueue
#undef init_srcu_struct

#define kmalloc(n, gfp) siv_fault_kmalloc(n, gfp)
#define kzalloc(n, gfp) siv_fault_kmalloc(n, (gfp) | __GFP_ZERO)
#define kvmalloc(n, gfp) siv_fault_kvmalloc(n, gfp)
#define kvzalloc(n, gfp) siv_fault_kvmalloc(n, (gfp) | __GFP_ZERO)
#define kmemdup(p, n, gfp) siv_fault_kmemdup(p, n, gfp)
#define kmemdup_nul(p, n, gfp) siv_fault_kmemdup_nul(p, n, gfp)
#define kfree(p) siv_fault_kfree(p)
#define kfree_sensitive(p) siv_fault_kfree_sensitive(p)
#define kvfree(p) siv_fault_kvfree(p)

/* Inline functions of this one allocate on our behalf. */
#include <crypto/aead.h>

#define alloc_workqueue(...) siv_fault_workqueue(__VA_ARGS__)
#define destroy_workqueue(wq) siv_fault_workqueue_free(wq)
#define init_srcu_struct(srcu) siv_fault_srcu(srcu)
#define cleanup_srcu_struct(srcu) siv_fault_srcu_free(srcu)
#define crypto_alloc_aead(name, type, mask) siv_fault_aead(name, type, mask)
#define crypto_free_aead(tfm) siv_fault_aead_free(tfm)
#define crypto_alloc_shash(name, type, mask) siv_fault_shash(name, type, mask)
#define crypto_free_shash(tfm) siv_fault_shash_free(tfm)
#define asymmetric_key_generate_id(p, n, q, m) siv_fault_key_id(p, n, q, m)
#define keyring_alloc(...) siv_fault_keyring(__VA_ARGS__)
#define register_key_type(type) siv_fault_key_type(type)
#define key_payload_reserve(key, n) siv_fault_key_reserve(key, n)
#define ida_alloc(ida, gfp) siv_fault_ida(ida, gfp)
#define simple_pin_fs(type, mnt, pins) siv_fault_pin_fs(type, mnt, pins)
#define alloc_anon_inode(sb) siv_fault_inode(sb)
#define alloc_file_pseudo(...) siv_fault_file(__VA_ARGS__)
#define anon_inode_getfile(...) siv_fault_anon_file(__VA_ARGS__)

#endif /* SIV_TESTS_FAULT_CALLS_H */
