/* SPDX-License-Identifier: GPL-2.0-only */
/* Extensible ioctls: one table per kind of descriptor, one dispatcher. */
#ifndef SIV_IOCTL_H
#define SIV_IOCTL_H

#include <linux/fs.h>
#include <linux/types.h>

#include <linux/sivshmem.h>

#include "event.h"

/* Room for the largest argument. */
union siv_ioctl_arg {
	struct sivshmem_connect connect;
	struct sivshmem_listen listen;
	struct sivshmem_accept accept;
	struct sivshmem_region_info region;
	struct sivshmem_info info;
	struct sivshmem_wait wait;
	struct sivshmem_shutdown shutdown;
};

/**
 * struct siv_ioctl - one command
 * @cmd: its number
 * @at: where its argument is refused
 * @size: of its argument as this kernel knows it; 0: it has none
 * @min: what version 1 of the ABI had
 * @out: the argument is copied back if @run gives 0
 * @run: gets the argument zero-extended; returns what the ioctl returns
 */
struct siv_ioctl {
	unsigned int cmd;
	enum siv_event_place at;
	u32 size;
	u32 min;
	bool out;
	long (*run)(struct file *file, union siv_ioctl_arg *arg);
};

#define SIV_IOCTL(cmd_, at_, type_, last_, out_, run_)                    \
	{                                                                 \
		.cmd = (cmd_), .at = SIV_AT_##at_, .size = sizeof(type_), \
		.min = offsetofend(type_, last_), .out = (out_),          \
		.run = (run_),                                            \
	}
#define SIV_IOCTL_NONE(cmd_, run_)           \
	{                                    \
		.cmd = (cmd_), .run = (run_) \
	}

/* siv_ioctl() - find @cmd, copy in, check, run, copy out; -ENOTTY if unknown. */
long siv_ioctl(const struct siv_ioctl *table, size_t n, struct file *file,
	       unsigned int cmd, unsigned long arg);

#endif /* SIV_IOCTL_H */
