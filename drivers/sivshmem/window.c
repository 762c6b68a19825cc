// SPDX-License-Identifier: GPL-2.0-only
/*
 * Windows: the only file that makes page-table entries.
 *
 * A fault and the zap exclude each other by the gate: the zap comes after GONE was set
 * and everybody has left the gate, a fault inserts inside the gate after seeing GONE
 * clear. So nothing is inserted after a zap.
 */
#include <linux/compat.h>
#include <linux/fs.h>
#include <linux/fs_context.h>
#include <linux/mman.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/pfn.h>
#include <linux/pseudo_fs.h>

#include "channel.h"
#include "compat.h"
#include "event.h"
#include "window.h"

enum {
	SIV_WINDOW_SHIFT = 40, /* each window has an offset of its own */
	SIV_WINDOW_BATCH = 32, /* pages inserted by one fault */
	SIV_WINDOW_MAGIC = 0x53495657,
};

/* ---------------------------------------------------------------- file system */

static int siv_window_fs_init(struct fs_context *fc)
{
	return init_pseudo(fc, SIV_WINDOW_MAGIC) ? 0 : -ENOMEM;
}

static struct file_system_type siv_window_fs = {
	.name = "sivshmem",
	.owner = THIS_MODULE,
	.init_fs_context = siv_window_fs_init,
	.kill_sb = kill_anon_super,
};
static struct vfsmount *siv_window_mnt;
static int siv_window_pins;

int siv_window_open(struct siv_channel *ch)
{
	struct inode *inode;
	int err;

	err = simple_pin_fs(&siv_window_fs, &siv_window_mnt, &siv_window_pins);
	if (err)
		return err;
	mutex_lock(&ch->open_lock);
	if (test_bit(SIV_CHANNEL_CLOSED, &ch->flags)) {
		err = -ENODEV;
	} else if (!ch->files) {
		inode = alloc_anon_inode(siv_window_mnt->mnt_sb);
		err = PTR_ERR_OR_ZERO(inode);
		if (!err)
			ch->inode = inode;
	}
	if (!err)
		ch->files++;
	mutex_unlock(&ch->open_lock);
	if (err)
		simple_release_fs(&siv_window_mnt, &siv_window_pins);
	return err;
}

bool siv_window_close(struct siv_channel *ch)
{
	struct inode *inode = NULL;
	bool last;

	mutex_lock(&ch->open_lock);
	last = !--ch->files;
	if (last) {
		inode = ch->inode;
		ch->inode = NULL;
		/* nobody opens it again */
		set_bit(SIV_CHANNEL_CLOSED, &ch->flags);
	}
	mutex_unlock(&ch->open_lock);
	if (inode)
		iput(inode);
	simple_release_fs(&siv_window_mnt, &siv_window_pins);
	return last;
}

struct file *siv_window_file(struct siv_channel *ch,
			     const struct file_operations *fops,
			     unsigned int flags)
{
	struct file *file;

	ihold(ch->inode);
	file = alloc_file_pseudo(ch->inode, siv_window_mnt, "sivshmem", flags,
				 fops);
	if (IS_ERR(file))
		iput(ch->inode);
	return file;
}

void siv_window_adopt(struct siv_channel *ch, struct file *file)
{
	file->f_mapping = ch->inode->i_mapping;
}

/* -------------------------------------------------------------------- windows */

/* Where a window lies in the region, and how it may be mapped. */
struct siv_window {
	u64 start;
	u64 len;    /* in the region */
	u64 mapped; /* in a process: a ring comes twice in a row */
	bool write;
};

static bool siv_window_get(const struct siv_channel *ch, unsigned int win,
			   struct siv_window *w)
{
	bool ring = win == SIVSHMEM_WIN_TX || win == SIVSHMEM_WIN_RX;

	if (win >= SIVSHMEM_WINDOWS)
		return false;
	win = array_index_nospec(win, SIVSHMEM_WINDOWS);
	w->start = ch->window[win].off;
	w->len = ch->window[win].len;
	w->mapped = ring ? 2 * w->len : w->len;
	w->write = win == SIVSHMEM_WIN_CTL_OWN || win == SIVSHMEM_WIN_TX;
	return true;
}

void siv_window_table(struct siv_channel *ch,
		      struct sivshmem_window win[SIVSHMEM_WINDOWS])
{
	struct siv_window w;
	unsigned int i;

	memset(win, 0, SIVSHMEM_WINDOWS * sizeof(*win));
	if (siv_channel_sealed(ch))
		return;
	for (i = 0; siv_window_get(ch, i, &w); i++) {
		win[i].offset = (u64)i << SIV_WINDOW_SHIFT;
		win[i].length = w.mapped;
		win[i].prot = w.write ? PROT_READ | PROT_WRITE : PROT_READ;
	}
}

/* --------------------------------------------------------------------- faults */

/* Insert the page of the fault and its neighbours; in the gate. */
static vm_fault_t siv_window_insert(struct siv_channel *ch,
				    struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	pgoff_t mask = (1UL << (SIV_WINDOW_SHIFT - PAGE_SHIFT)) - 1;
	pgoff_t first = round_down(vmf->pgoff, SIV_WINDOW_BATCH);
	pgoff_t end = vma->vm_pgoff + vma_pages(vma);
	pgoff_t pgoff = max(first, vma->vm_pgoff);
	struct siv_window w;
	vm_fault_t ret = VM_FAULT_SIGBUS;

	if (!siv_window_get(ch, vmf->pgoff >> (SIV_WINDOW_SHIFT - PAGE_SHIFT),
			    &w))
		return VM_FAULT_SIGBUS;
	end = min(end, first + SIV_WINDOW_BATCH);
	for (; pgoff < end; pgoff++) {
		u64 off = (u64)(pgoff & mask) << PAGE_SHIFT;
		unsigned long addr =
			vma->vm_start + ((pgoff - vma->vm_pgoff) << PAGE_SHIFT);
		vm_fault_t got;

		if (off >= w.mapped)
			break;
		if (off >= w.len)
			off -= w.len;
		got = vmf_insert_pfn(
			vma, addr,
			PHYS_PFN(ch->host->dev->phys + w.start + off));
		/* the neighbours are a favour */
		if (pgoff == vmf->pgoff)
			ret = got;
	}
	return ret;
}

static vm_fault_t siv_window_fault(struct vm_fault *vmf)
{
	struct siv_channel *ch = vmf->vma->vm_file->private_data;
	vm_fault_t ret;
	int idx;

	if (!siv_channel_enter(ch, &idx))
		return VM_FAULT_SIGBUS;
	ret = siv_window_insert(ch, vmf);
	siv_channel_leave(ch, idx);
	return ret;
}

static const struct vm_operations_struct siv_window_vm_ops = {
	.fault = siv_window_fault,
};

/* One window, exactly, and no more rights than it has. */
static int siv_window_check(struct siv_channel *ch,
			    const struct vm_area_struct *vma)
{
	u64 off = (u64)vma->vm_pgoff << PAGE_SHIFT;
	unsigned int win = off >> SIV_WINDOW_SHIFT;
	struct siv_window w;

	if (off & ((1ULL << SIV_WINDOW_SHIFT) - 1) ||
	    !siv_window_get(ch, win, &w) ||
	    vma->vm_end - vma->vm_start != w.mapped ||
	    !(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	if ((vma->vm_flags & VM_EXEC) ||
	    ((vma->vm_flags & VM_WRITE) && !w.write))
		return -EACCES;
	/* a ring needs 64-bit loads and stores that do not tear */
	if (in_compat_syscall() &&
	    (win == SIVSHMEM_WIN_TX || win == SIVSHMEM_WIN_RX))
		return -EOPNOTSUPP;
	return w.write;
}

int siv_window_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct siv_channel *ch = file->private_data;
	int write, err;

	if (READ_ONCE(ch->state) == SIVSHMEM_CONNECTING)
		return -EPERM;
	if (!test_bit(SIV_CHANNEL_OPENED, &ch->flags))
		return -EPERM;
	if (siv_channel_sealed(ch))
		return -EOPNOTSUPP;
	write = siv_window_check(ch, vma);
	if (write < 0)
		return write;
	err = siv_channel_claim(ch, SIV_MODE_MAP);
	if (err)
		return err;
	/* VM_IO keeps MADV_DOFORK and core dumps away from it */
	siv_vm_flags_mod(vma,
			 VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP |
				 VM_DONTCOPY,
			 VM_MAYEXEC | (write ? 0 : VM_MAYWRITE));
	vma->vm_ops = &siv_window_vm_ops;
	return 0;
}

void siv_window_zap(struct siv_channel *ch)
{
	struct inode *inode = NULL;

	mutex_lock(&ch->open_lock);
	if (ch->inode) {
		inode = ch->inode;
		ihold(inode);
	}
	mutex_unlock(&ch->open_lock);
	if (!inode)
		return;
	unmap_mapping_range(inode->i_mapping, 0, 0, 1);
	iput(inode);
}
