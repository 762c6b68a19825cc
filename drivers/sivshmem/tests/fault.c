// SPDX-License-Identifier: GPL-2.0-only
#include <linux/err.h>
#include <linux/spinlock.h>

#include <crypto/aead.h>

#include "fault.h"

enum {
	LIVE_MAX = 256, /* of one test, at a time */
};

static DEFINE_SPINLOCK(siv_fault_lock); /* also taken by RCU's callbacks */
static unsigned int siv_fault_at;	/* the n-th, while there is one */
static unsigned int siv_fault_seen;
static bool siv_fault_watched;
static const void *siv_fault_table[LIVE_MAX];
static unsigned int siv_fault_count;

void siv_fault_watch(void)
{
	spin_lock_irq(&siv_fault_lock);
	siv_fault_watched = true;
	siv_fault_count = 0;
	spin_unlock_irq(&siv_fault_lock);
}

void siv_fault_unwatch(void)
{
	spin_lock_irq(&siv_fault_lock);
	siv_fault_watched = false;
	siv_fault_at = 0;
	spin_unlock_irq(&siv_fault_lock);
}

unsigned int siv_fault_live(void)
{
	unsigned int n;

	spin_lock_irq(&siv_fault_lock);
	n = siv_fault_count;
	spin_unlock_irq(&siv_fault_lock);
	return n;
}

void siv_fault_arm(unsigned int n)
{
	spin_lock_irq(&siv_fault_lock);
	siv_fault_at = n;
	siv_fault_seen = 0;
	spin_unlock_irq(&siv_fault_lock);
}

bool siv_fault_disarm(void)
{
	bool failed;

	spin_lock_irq(&siv_fault_lock);
	failed = siv_fault_at && siv_fault_seen >= siv_fault_at;
	siv_fault_at = 0;
	spin_unlock_irq(&siv_fault_lock);
	return failed;
}

/* Count: is it this call's turn to fail? */
static bool siv_fault_now(void)
{
	unsigned long flags;
	bool now;

	spin_lock_irqsave(&siv_fault_lock, flags);
	now = siv_fault_at && ++siv_fault_seen == siv_fault_at;
	spin_unlock_irqrestore(&siv_fault_lock, flags);
	return now;
}

/* NULL and errors are nothing. */
static void *siv_fault_made(void *p)
{
	unsigned long flags;

	if (IS_ERR_OR_NULL(p))
		return p;
	spin_lock_irqsave(&siv_fault_lock, flags);
	if (siv_fault_watched && !WARN_ON(siv_fault_count == LIVE_MAX))
		siv_fault_table[siv_fault_count++] = p;
	spin_unlock_irqrestore(&siv_fault_lock, flags);
	return p;
}

/* What was made before the watch is not there, and does not count. */
static void siv_fault_gone(const void *p)
{
	unsigned long flags;
	unsigned int i;

	if (!p)
		return;
	spin_lock_irqsave(&siv_fault_lock, flags);
	for (i = 0; i < siv_fault_count; i++)
		if (siv_fault_table[i] == p) {
			siv_fault_table[i] = siv_fault_table[--siv_fault_count];
			break;
		}
	spin_unlock_irqrestore(&siv_fault_lock, flags);
}

/* Whoever must not be refused is not. */
void *siv_fault_kmalloc(size_t n, gfp_t gfp)
{
	if (!(gfp & __GFP_NOFAIL) && siv_fault_now())
		return NULL;
	return siv_fault_made(kmalloc(n, gfp));
}

void *siv_fault_kvmalloc(size_t n, gfp_t gfp)
{
	return siv_fault_now() ? NULL : siv_fault_made(kvmalloc(n, gfp));
}

void *siv_fault_kmemdup(const void *p, size_t n, gfp_t gfp)
{
	return siv_fault_now() ? NULL : siv_fault_made(kmemdup(p, n, gfp));
}

char *siv_fault_kmemdup_nul(const char *p, size_t n, gfp_t gfp)
{
	return siv_fault_now() ? NULL : siv_fault_made(kmemdup_nul(p, n, gfp));
}

void siv_fault_kfree(const void *p)
{
	siv_fault_gone(p);
	kfree(p);
}

void siv_fault_kfree_sensitive(const void *p)
{
	siv_fault_gone(p);
	kfree_sensitive(p);
}

void siv_fault_kvfree(const void *p)
{
	siv_fault_gone(p);
	kvfree(p);
}

struct workqueue_struct *
siv_fault_workqueue(const char *format, unsigned int flags, int active, ...)
{
	char name[24]; /* WQ_NAME_LEN */
	va_list args;

	if (siv_fault_now())
		return NULL;
	va_start(args, active);
	vscnprintf(name, sizeof(name), format, args);
	va_end(args);
	return siv_fault_made(alloc_workqueue("%s", flags, active, name));
}

void siv_fault_workqueue_free(struct workqueue_struct *wq)
{
	siv_fault_gone(wq);
	destroy_workqueue(wq);
}

int siv_fault_srcu(struct srcu_struct *srcu)
{
	int err = siv_fault_now() ? -ENOMEM : init_srcu_struct(srcu);

	if (!err)
		siv_fault_made(srcu);
	return err;
}

void siv_fault_srcu_free(struct srcu_struct *srcu)
{
	siv_fault_gone(srcu);
	cleanup_srcu_struct(srcu);
}

struct crypto_aead *siv_fault_aead(const char *name, u32 type, u32 mask)
{
	if (siv_fault_now())
		return ERR_PTR(-ENOMEM);
	return siv_fault_made(crypto_alloc_aead(name, type, mask));
}

void siv_fault_aead_free(struct crypto_aead *tfm)
{
	siv_fault_gone(tfm);
	crypto_free_aead(tfm);
}

struct crypto_shash *siv_fault_shash(const char *name, u32 type, u32 mask)
{
	if (siv_fault_now())
		return ERR_PTR(-ENOMEM);
	return siv_fault_made(crypto_alloc_shash(name, type, mask));
}

void siv_fault_shash_free(struct crypto_shash *tfm)
{
	siv_fault_gone(tfm);
	crypto_free_shash(tfm);
}

struct asymmetric_key_id *siv_fault_key_id(const void *p, size_t n,
					   const void *q, size_t m)
{
	if (siv_fault_now())
		return ERR_PTR(-ENOMEM);
	return siv_fault_made(asymmetric_key_generate_id(p, n, q, m));
}

struct key *siv_fault_keyring(const char *name, kuid_t uid, kgid_t gid,
			      const struct cred *cred, key_perm_t perm,
			      unsigned long flags,
			      struct key_restriction *restriction,
			      struct key *dest)
{
	if (siv_fault_now())
		return ERR_PTR(-ENOMEM);
	return keyring_alloc(name, uid, gid, cred, perm, flags, restriction,
			     dest);
}

int siv_fault_key_type(struct key_type *type)
{
	return siv_fault_now() ? -ENOMEM : register_key_type(type);
}

int siv_fault_key_reserve(struct key *key, size_t n)
{
	return siv_fault_now() ? -ENOMEM : key_payload_reserve(key, n);
}

int siv_fault_ida(struct ida *ida, gfp_t gfp)
{
	return siv_fault_now() ? -ENOMEM : ida_alloc(ida, gfp);
}

int siv_fault_pin_fs(struct file_system_type *type, struct vfsmount **mnt,
		     int *pins)
{
	return siv_fault_now() ? -ENOMEM : simple_pin_fs(type, mnt, pins);
}

struct inode *siv_fault_inode(struct super_block *sb)
{
	return siv_fault_now() ? ERR_PTR(-ENOMEM) : alloc_anon_inode(sb);
}

struct file *siv_fault_file(struct inode *inode, struct vfsmount *mnt,
			    const char *name, int flags,
			    const struct file_operations *fops)
{
	if (siv_fault_now())
		return ERR_PTR(-ENOMEM);
	return alloc_file_pseudo(inode, mnt, name, flags, fops);
}

struct file *siv_fault_anon_file(const char *name,
				 const struct file_operations *fops, void *priv,
				 int flags)
{
	if (siv_fault_now())
		return ERR_PTR(-ENOMEM);
	return anon_inode_getfile(name, fops, priv, flags);
}
