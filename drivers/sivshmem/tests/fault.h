/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Makes one call fail of those of the driver's that need memory, the n-th, and keeps
 * account of what they gave: fault_calls.h brings the driver's files here.
 */
#ifndef SIV_TESTS_FAULT_H
#define SIV_TESTS_FAULT_H

#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/idr.h>
#include <linux/key-type.h>
#include <linux/key.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/srcu.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include <crypto/hash.h>
#include <keys/asymmetric-type.h>

struct crypto_aead;

/* siv_fault_watch() - from now on keep account of what is made, and not yet freed. */
void siv_fault_watch(void);
void siv_fault_unwatch(void);
/* siv_fault_live() - how much of what was made since siv_fault_watch() is there. */
unsigned int siv_fault_live(void);

/* siv_fault_arm() - the @n-th call from now on fails; 0: none. */
void siv_fault_arm(unsigned int n);
/* siv_fault_disarm() - let all succeed again; true if one failed. */
bool siv_fault_disarm(void);

/* For fault_calls.h: as what they stand for, with an account of what is made and freed. */
void *siv_fault_kmalloc(size_t n, gfp_t gfp) __alloc_size(1);
void *siv_fault_kvmalloc(size_t n, gfp_t gfp) __alloc_size(1);
void *siv_fault_kmemdup(const void *p, size_t n, gfp_t gfp);
char *siv_fault_kmemdup_nul(const char *p, size_t n, gfp_t gfp);
void siv_fault_kfree(const void *p);
void siv_fault_kfree_sensitive(const void *p);
void siv_fault_kvfree(const void *p);
__printf(1, 4) struct workqueue_struct *siv_fault_workqueue(const char *format,
							    unsigned int flags,
							    int active, ...);
void siv_fault_workqueue_free(struct workqueue_struct *wq);
int siv_fault_srcu(struct srcu_struct *srcu);
void siv_fault_srcu_free(struct srcu_struct *srcu);
struct crypto_aead *siv_fault_aead(const char *name, u32 type, u32 mask);
void siv_fault_aead_free(struct crypto_aead *tfm);
struct crypto_shash *siv_fault_shash(const char *name, u32 type, u32 mask);
void siv_fault_shash_free(struct crypto_shash *tfm);
struct asymmetric_key_id *siv_fault_key_id(const void *p, size_t n,
					   const void *q, size_t m);

/* What these give is counted by the kernel, and goes with its last user. */
struct key *siv_fault_keyring(const char *name, kuid_t uid, kgid_t gid,
			      const struct cred *cred, key_perm_t perm,
			      unsigned long flags,
			      struct key_restriction *restriction,
			      struct key *dest);
int siv_fault_key_type(struct key_type *type);
int siv_fault_key_reserve(struct key *key, size_t n);
int siv_fault_ida(struct ida *ida, gfp_t gfp);
int siv_fault_pin_fs(struct file_system_type *type, struct vfsmount **mnt,
		     int *pins);
struct inode *siv_fault_inode(struct super_block *sb);
struct file *siv_fault_file(struct inode *inode, struct vfsmount *mnt,
			    const char *name, int flags,
			    const struct file_operations *fops);
struct file *siv_fault_anon_file(const char *name,
				 const struct file_operations *fops, void *priv,
				 int flags);

#endif /* SIV_TESTS_FAULT_H */
