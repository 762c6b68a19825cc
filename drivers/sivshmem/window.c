// SPDX-License-Identifier: GPL-2.0-only
/*
 * Windows: the only file that makes page-table entries.
 *
 * A fault and the zap exclude each other by the gate: the zap comes after @gone was set
 * and everybody has left the gate, a fault inserts inside the gate after seeing @gone
 * unset. So nothing is inserted after a zap.
 */
#include <linux/compat.h>
#include <linux/fs.h>
#include <linux/fs_context.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/nospec.h>
#include <linux/pfn.h>
#include <linux/pseudo_fs.h>

#include "compat.h"
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

/* ----------------------------------------------------------------------- gate */

void siv_windows_init(struct siv_windows *w, struct siv_device *dev)
{
	w->dev = dev;
	mutex_init(&w->lock);
}

bool siv_windows_enter(struct siv_windows *w, int *idx)
{
	if (!siv_device_enter(w->dev, idx))
		return false;
	/* who sets it waits for everybody inside */
	if (!READ_ONCE(w->gone))
		return true;
	siv_device_exit(w->dev, *idx);
	return false;
}

void siv_windows_leave(struct siv_windows *w, int idx)
{
	siv_device_exit(w->dev, idx);
}

/* ---------------------------------------------------------------------- files */

int siv_windows_open(struct siv_windows *w)
{
	struct inode *inode;
	int err;

	err = simple_pin_fs(&siv_window_fs, &siv_window_mnt, &siv_window_pins);
	if (err)
		return err;
	mutex_lock(&w->lock);
	if (w->closed) {
		err = -ENODEV;
	} else if (!w->files) {
		inode = alloc_anon_inode(siv_window_mnt->mnt_sb);
		err = PTR_ERR_OR_ZERO(inode);
		if (!err)
			w->inode = inode;
	}
	if (!err)
		w->files++;
	mutex_unlock(&w->lock);
	if (err)
		simple_release_fs(&siv_window_mnt, &siv_window_pins);
	return err;
}

bool siv_windows_close(struct siv_windows *w)
{
	struct inode *inode = NULL;

	mutex_lock(&w->lock);
	if (!--w->files) {
		inode = w->inode;
		w->inode = NULL;
		w->closed = true;
	}
	mutex_unlock(&w->lock);
	if (inode)
		iput(inode);
	simple_release_fs(&siv_window_mnt, &siv_window_pins);
	return inode;
}

struct file *siv_windows_file(struct siv_windows *w,
			      const struct file_operations *fops,
			      unsigned int flags)
{
	struct file *file;

	/* the file gives both back when it is closed */
	if (!fops_get(fops))
		return ERR_PTR(-ENODEV);
	ihold(w->inode);
	file = alloc_file_pseudo(w->inode, siv_window_mnt, "sivshmem", flags,
				 fops);
	if (IS_ERR(file)) {
		iput(w->inode);
		fops_put(fops);
	}
	return file;
}

void siv_windows_adopt(struct siv_windows *w, struct file *file)
{
	file->f_mapping = w->inode->i_mapping;
}

/* -------------------------------------------------------------------- windows */

/* A window as a process sees it: a ring comes twice in a row. */
struct siv_view {
	u64 start;
	u64 len;
	u64 mapped;
	bool write;
	bool ring;
};

static bool siv_view_get(const struct siv_windows *w, unsigned int win,
			 struct siv_view *v)
{
	if (win >= SIVSHMEM_WINDOWS)
		return false;
	win = array_index_nospec(win, SIVSHMEM_WINDOWS);
	v->start = w->window[win].start;
	v->len = w->window[win].len;
	v->ring = win == SIVSHMEM_WIN_TX || win == SIVSHMEM_WIN_RX;
	v->mapped = v->ring ? 2 * v->len : v->len;
	v->write = win == SIVSHMEM_WIN_CTL_OWN || win == SIVSHMEM_WIN_TX;
	return true;
}

void siv_windows_table(const struct siv_windows *w,
		       struct sivshmem_window table[SIVSHMEM_WINDOWS])
{
	struct siv_view v;
	unsigned int i;

	memset(table, 0, SIVSHMEM_WINDOWS * sizeof(*table));
	for (i = 0; siv_view_get(w, i, &v); i++) {
		table[i].offset = (u64)i << SIV_WINDOW_SHIFT;
		table[i].length = v.mapped;
		table[i].prot = v.write ? PROT_READ | PROT_WRITE : PROT_READ;
	}
}

/* Which window a page offset of the mapping belongs to. */
static unsigned int siv_view_index(pgoff_t pgoff)
{
	return pgoff >> (SIV_WINDOW_SHIFT - PAGE_SHIFT);
}

/* --------------------------------------------------------------------- faults */

/* The page frame behind a page offset, or 0 beyond the window's end. */
static unsigned long siv_view_pfn(const struct siv_windows *w,
				  const struct siv_view *v, pgoff_t pgoff)
{
	pgoff_t mask = (1UL << (SIV_WINDOW_SHIFT - PAGE_SHIFT)) - 1;
	u64 off = (u64)(pgoff & mask) << PAGE_SHIFT;

	if (off >= v->mapped)
		return 0;
	if (off >= v->len)
		off -= v->len;
	return PHYS_PFN(w->dev->phys + v->start + off);
}

/* Insert the page of the fault and its neighbours; in the gate. */
static vm_fault_t siv_window_insert(struct siv_windows *w, struct vm_fault *vmf)
{
	pgoff_t first = round_down(vmf->pgoff, SIV_WINDOW_BATCH);
	struct vm_area_struct *vma = vmf->vma;
	pgoff_t at = max(first, vma->vm_pgoff);
	pgoff_t end =
		min(first + SIV_WINDOW_BATCH, vma->vm_pgoff + vma_pages(vma));
	vm_fault_t got, ret = VM_FAULT_SIGBUS;
	unsigned long addr, pfn;
	struct siv_view v;

	if (!siv_view_get(w, siv_view_index(vmf->pgoff), &v))
		return VM_FAULT_SIGBUS;
	for (; at < end; at++) {
		pfn = siv_view_pfn(w, &v, at);
		if (!pfn)
			break;
		addr = vma->vm_start + ((at - vma->vm_pgoff) << PAGE_SHIFT);
		got = vmf_insert_pfn(vma, addr, pfn);
		/* the neighbours are a favour */
		if (at == vmf->pgoff)
			ret = got;
	}
	return ret;
}

static vm_fault_t siv_window_fault(struct vm_fault *vmf)
{
	/* part of a channel, which the vma's file holds */
	struct siv_windows *w = vmf->vma->vm_private_data;
	vm_fault_t ret;
	int idx;

	if (!siv_windows_enter(w, &idx))
		return VM_FAULT_SIGBUS;
	ret = siv_window_insert(w, vmf);
	siv_windows_leave(w, idx);
	return ret;
}

static const struct vm_operations_struct siv_window_vm_ops = {
	.fault = siv_window_fault,
};

enum siv_reason siv_windows_check(const struct siv_windows *w,
				  const struct vm_area_struct *vma)
{
	u64 off = (u64)vma->vm_pgoff << PAGE_SHIFT;
	struct siv_view v;

	if (off & ((1ULL << SIV_WINDOW_SHIFT) - 1) ||
	    !siv_view_get(w, siv_view_index(vma->vm_pgoff), &v) ||
	    vma->vm_end - vma->vm_start != v.mapped ||
	    /* VM_SHARED is not set where the file was opened for reading */
	    !(vma->vm_flags & VM_MAYSHARE))
		return SIV_R_WINDOW;
	if (vma->vm_flags & VM_EXEC)
		return SIV_R_PROTECTION;
	if ((vma->vm_flags & VM_WRITE) && !v.write)
		return SIV_R_PROTECTION;
	/* positions are 64-bit words that must not tear */
	if (in_compat_syscall() && v.ring)
		return SIV_R_UNSUPPORTED;
	return SIV_OK;
}

void siv_windows_mmap(struct siv_windows *w, struct vm_area_struct *vma)
{
	unsigned long clear = VM_MAYEXEC;
	struct siv_view v;

	if (!siv_view_get(w, siv_view_index(vma->vm_pgoff), &v) || !v.write)
		clear |= VM_MAYWRITE;
	/* VM_IO keeps MADV_DOFORK and core dumps away from it */
	siv_vm_flags_mod(vma,
			 VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP |
				 VM_DONTCOPY,
			 clear);
	vma->vm_private_data = w;
	vma->vm_ops = &siv_window_vm_ops;
}

void siv_windows_zap(struct siv_windows *w)
{
	/* the last file to be closed waits: with it goes what the inode lives in */
	mutex_lock(&w->lock);
	if (w->inode)
		unmap_mapping_range(w->inode->i_mapping, 0, 0, 1);
	mutex_unlock(&w->lock);
}
