/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Windows: what of a region a process may map, and taking it away. The only file that
 * makes page-table entries.
 *
 * Each set of windows that has files has an inode of its own, and each of its files that
 * inode's mapping: so one unmap_mapping_range() reaches all mappings of the set and
 * nothing else. The inode's file system is pinned per open file, which keeps the module
 * while a file or a mapping exists and not a moment longer.
 */
#ifndef SIV_WINDOW_H
#define SIV_WINDOW_H

#include <linux/fs.h>
#include <linux/mm_types.h>
#include <linux/mutex.h>

#include <linux/sivshmem.h>

#include "device.h"

/**
 * struct siv_window - one run of the region
 * @start: offset in the region
 * @len: bytes
 */
struct siv_window {
	u64 start;
	u64 len;
};

/**
 * struct siv_windows - the four windows of a channel, part of its struct
 * @dev: the device; who owns the set holds a reference
 * @lock: protects @files, @closed, @inode; a zap holds it, outside of i_mmap_rwsem
 * @files: open files
 * @closed: the last one was closed: none is opened any more
 * @gone: nobody may begin to touch the region; set once, read in the gate
 * @inode: of all files; NULL without files
 * @window: in the order of SIVSHMEM_WIN_*; constant before the first mmap()
 */
struct siv_windows {
	struct siv_device *dev;
	struct mutex lock;
	unsigned int files;
	bool closed;
	bool gone;
	struct inode *inode;
	struct siv_window window[SIVSHMEM_WINDOWS];
};

void siv_windows_init(struct siv_windows *w, struct siv_device *dev);

/* siv_windows_enter() - the device's gate, unless the windows are gone. */
bool __must_check siv_windows_enter(struct siv_windows *w, int *idx);
void siv_windows_leave(struct siv_windows *w, int idx);

/**
 * siv_windows_open() - another file: pin, inode
 * @w: the set
 *
 * Return: 0, -ENODEV if the last one was closed already, -ENOMEM.
 */
int siv_windows_open(struct siv_windows *w);
/* siv_windows_close() - the reverse; true if it was the last. */
bool siv_windows_close(struct siv_windows *w);
/* siv_windows_file() - a new file on the inode; after siv_windows_open(). */
struct file *siv_windows_file(struct siv_windows *w,
			      const struct file_operations *fops,
			      unsigned int flags);
/* siv_windows_adopt() - let a file that was opened otherwise map the windows. */
void siv_windows_adopt(struct siv_windows *w, struct file *file);

/**
 * siv_windows_check() - is this mmap() exactly a window, with no more than its rights?
 * @w: the set
 * @vma: what is asked for
 *
 * Return: SIV_OK, SIV_R_WINDOW, SIV_R_PROTECTION, SIV_R_UNSUPPORTED for a ring and a
 * 32-bit caller.
 */
enum siv_reason siv_windows_check(const struct siv_windows *w,
				  const struct vm_area_struct *vma);
/* siv_windows_mmap() - take it; after a check. */
void siv_windows_mmap(struct siv_windows *w, struct vm_area_struct *vma);
/* siv_windows_zap() - take all mappings away; @gone is set and readers have left. */
void siv_windows_zap(struct siv_windows *w);
/* siv_windows_table() - what INFO tells. */
void siv_windows_table(const struct siv_windows *w,
		       struct sivshmem_window table[SIVSHMEM_WINDOWS]);

#endif /* SIV_WINDOW_H */
