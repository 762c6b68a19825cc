// SPDX-License-Identifier: GPL-2.0-only
/* Files of channels, however they were opened. */
#include <linux/fs.h>
#include <linux/module.h>

#include "channel.h"
#include "event.h"
#include "ioctl.h"

static int siv_file_refused(const struct siv_channel *ch,
			    enum siv_event_place at, enum siv_reason why)
{
	return siv_refused(ch->host->dev, at, why, ch->cid);
}

static long siv_file_info(struct file *file, union siv_ioctl_arg *arg)
{
	struct siv_channel *ch = file->private_data;

	if (arg->info.flags)
		return siv_file_refused(ch, SIV_AT_INFO, SIV_R_UNSUPPORTED);
	siv_channel_info(ch, &arg->info);
	return 0;
}

static long siv_file_wait(struct file *file, union siv_ioctl_arg *arg)
{
	const struct sivshmem_wait *w = &arg->wait;
	struct siv_channel *ch = file->private_data;

	if (w->flags & ~(SIVSHMEM_WAIT_READ | SIVSHMEM_WAIT_WRITE))
		return siv_file_refused(ch, SIV_AT_WAIT, SIV_R_UNSUPPORTED);
	if (w->reserved ||
	    (w->flags != SIVSHMEM_WAIT_READ && w->flags != SIVSHMEM_WAIT_WRITE))
		return siv_file_refused(ch, SIV_AT_WAIT, SIV_R_ARGUMENT);
	return siv_channel_wait_ioctl(ch, w);
}

static long siv_file_bell(struct file *file, union siv_ioctl_arg *arg)
{
	struct siv_channel *ch = file->private_data;
	int idx, err;

	/* read() and write() ring by themselves */
	if (READ_ONCE(ch->mode) == SIV_MODE_RW)
		return siv_file_refused(ch, SIV_AT_ACCESS, SIV_R_ARGUMENT);
	err = siv_channel_claim(ch, SIV_MODE_MAP);
	if (err)
		return err;
	if (!siv_channel_enter(ch, &idx))
		return siv_channel_errno(ch);
	siv_channel_ring(ch);
	siv_channel_leave(ch, idx);
	return 0;
}

static long siv_file_shutdown(struct file *file, union siv_ioctl_arg *arg)
{
	const struct sivshmem_shutdown *s = &arg->shutdown;
	struct siv_channel *ch = file->private_data;
	unsigned int marks = 0;

	if (!s->how || s->how & ~(SIVSHMEM_SHUT_RD | SIVSHMEM_SHUT_WR) ||
	    (s->position && (READ_ONCE(ch->mode) != SIV_MODE_MAP ||
			     !(s->how & SIVSHMEM_SHUT_WR))))
		return siv_file_refused(ch, SIV_AT_SHUTDOWN, SIV_R_ARGUMENT);
	if (s->how & SIVSHMEM_SHUT_RD)
		marks |= SIV_END_RD;
	if (s->how & SIVSHMEM_SHUT_WR)
		marks |= SIV_END_WR;
	return siv_channel_shutdown(ch, marks, s->position);
}

static const struct siv_ioctl siv_file_ioctls[] = {
	SIV_IOCTL(SIVSHMEM_INFO, INFO, struct sivshmem_info, service, true,
		  siv_file_info),
	SIV_IOCTL(SIVSHMEM_WAIT, WAIT, struct sivshmem_wait, reserved, false,
		  siv_file_wait),
	SIV_IOCTL_NONE(SIVSHMEM_BELL, siv_file_bell),
	SIV_IOCTL(SIVSHMEM_SHUTDOWN, SHUTDOWN, struct sivshmem_shutdown,
		  position, false, siv_file_shutdown),
};

long siv_channel_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return siv_ioctl(siv_file_ioctls, ARRAY_SIZE(siv_file_ioctls), file,
			 cmd, arg);
}

int siv_channel_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct siv_channel *ch = file->private_data;
	enum siv_reason why = SIV_OK;
	int err;

	if (READ_ONCE(ch->windows.gone))
		return siv_channel_errno(ch);
	if (!test_bit(SIV_CHANNEL_OPENED, &ch->flags))
		why = SIV_R_NOT_OPEN;
	else if (siv_channel_sealed(ch))
		why = SIV_R_UNSUPPORTED;
	else
		why = siv_windows_check(&ch->windows, vma);
	if (why != SIV_OK)
		return siv_file_refused(ch, SIV_AT_MMAP, why);
	err = siv_channel_claim(ch, SIV_MODE_MAP);
	if (!err)
		siv_windows_mmap(&ch->windows, vma);
	return err;
}

/* ----------------------------------------------------------------------- files */

void siv_channel_file_setup(struct siv_channel *ch, struct file *file)
{
	siv_channel_get(ch);
	file->private_data = ch;
	stream_open(file_inode(file), file);
	file->f_mode |= FMODE_NOWAIT;
}

void siv_channel_file_close(struct siv_channel *ch)
{
	if (siv_windows_close(&ch->windows))
		siv_channel_close(ch);
}

int siv_channel_release(struct inode *inode, struct file *file)
{
	struct siv_channel *ch = file->private_data;

	siv_channel_file_close(ch);
	siv_channel_put(ch);
	return 0;
}

static const struct file_operations siv_file_fops = {
	.owner = THIS_MODULE,
	.release = siv_channel_release,
	.read_iter = siv_channel_read_iter,
	.write_iter = siv_channel_write_iter,
	.poll = siv_channel_poll,
	.mmap = siv_channel_mmap,
	.unlocked_ioctl = siv_channel_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

struct file *siv_channel_file(struct siv_channel *ch, unsigned int flags)
{
	struct file *file;
	int err;

	err = siv_windows_open(&ch->windows);
	if (err)
		return ERR_PTR(err);
	file = siv_windows_file(&ch->windows, &siv_file_fops, O_RDWR | flags);
	if (IS_ERR(file))
		siv_channel_file_close(ch);
	else
		siv_channel_file_setup(ch, file);
	return file;
}
