/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Windows: what of a channel a process may map, and taking it away. The only file that
 * makes page-table entries.
 *
 * Every channel that has files has an inode of its own, and every file of it that inode's
 * mapping: so one unmap_mapping_range() reaches all of its mappings and nothing else. The
 * inode's file system is pinned per open file, which keeps the module while a file or a
 * mapping exists and not a moment longer.
 */
#ifndef SIV_WINDOW_H
#define SIV_WINDOW_H

#include <linux/fs.h>
#include <linux/mm_types.h>

#include <linux/sivshmem.h>

struct siv_channel;

/**
 * siv_window_open() - another file of a channel: pin, inode
 *
 * Return: 0, -ENODEV if the last one was closed already, -ENOMEM.
 */
int siv_window_open(struct siv_channel *ch);
/* siv_window_close() - the reverse; true if it was the last. */
bool siv_window_close(struct siv_channel *ch);
/* siv_window_file() - a new file on the channel's inode, with @fops; siv_window_open() first. */
struct file *siv_window_file(struct siv_channel *ch,
			     const struct file_operations *fops,
			     unsigned int flags);
/* siv_window_adopt() - let a file that was opened otherwise map the channel. */
void siv_window_adopt(struct siv_channel *ch, struct file *file);

int siv_window_mmap(struct file *file, struct vm_area_struct *vma);
/* siv_window_zap() - take all mappings away; GONE is set and readers have left. */
void siv_window_zap(struct siv_channel *ch);
/* siv_window_table() - what INFO tells. */
void siv_window_table(struct siv_channel *ch,
		      struct sivshmem_window win[SIVSHMEM_WINDOWS]);

#endif /* SIV_WINDOW_H */
