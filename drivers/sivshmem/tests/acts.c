// SPDX-License-Identifier: GPL-2.0-only
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kthread.h>
#include <linux/mman.h>

#include "../core/reason.h"
#include "acts.h"

int siv_act_opens(struct siv_fake_lab *lab)
{
	struct file *file = siv_channel_file(lab->ch, O_NONBLOCK);

	if (IS_ERR(file))
		return PTR_ERR(file);
	fput(file);
	flush_delayed_fput();
	return 0;
}

int siv_act_reads(struct siv_fake_lab *lab)
{
	u8 buf[64];
	loff_t pos = 0;

	if (!lab->file)
		return siv_act_opens(lab);
	return kernel_read(lab->file, buf, sizeof(buf), &pos);
}

int siv_act_writes(struct siv_fake_lab *lab)
{
	loff_t pos = 0;

	if (!lab->file)
		return siv_act_opens(lab);
	return kernel_write(lab->file, "four", 4, &pos);
}

/* Is the page there? In its memory. */
static bool touches(unsigned long at)
{
	u8 byte;

	return !copy_from_user(&byte, (const void __user *)at, 1);
}

/* Where there is no user memory: what mmap() asks before a page is mapped. */
int siv_act_maps(struct siv_fake_lab *lab)
{
	unsigned long at;
	int err;

	if (!lab->file)
		return siv_act_opens(lab);
	if (!lab->mm) {
		if (!test_bit(SIV_CHANNEL_OPENED, &lab->ch->flags))
			return -EPERM;
		if (READ_ONCE(lab->ch->windows.gone))
			return siv_channel_errno(lab->ch);
		return siv_channel_claim(lab->ch, SIV_MODE_MAP);
	}
	kthread_use_mm(lab->mm);
	at = vm_mmap(lab->file, 0, lab->hw->dev->geo.granule,
		     PROT_READ | PROT_WRITE, MAP_SHARED, 0);
	err = IS_ERR_VALUE(at) ? (int)at : 0;
	/* so that there is something to take away */
	if (!err && !touches(at)) {
		vm_munmap(at, 1);
		err = -EFAULT;
	}
	if (!err && lab->at)
		vm_munmap(at, 1);
	kthread_unuse_mm(lab->mm);
	if (!err && !lab->at)
		lab->at = at;
	return err;
}

bool siv_act_mapped(struct siv_fake_lab *lab)
{
	bool good;

	kthread_use_mm(lab->mm);
	good = touches(lab->at);
	kthread_unuse_mm(lab->mm);
	return good;
}

int siv_act_waits(struct siv_fake_lab *lab, u32 flags)
{
	struct sivshmem_wait w = { .size = sizeof(w),
				   .flags = flags,
				   .position = 8 };

	if (!lab->file)
		return siv_act_opens(lab);
	return siv_channel_wait_ioctl(lab->ch, &w);
}

int siv_act_rings(struct siv_fake_lab *lab)
{
	if (!lab->file)
		return siv_act_opens(lab);
	return siv_channel_ioctl(lab->file, SIVSHMEM_BELL, 0);
}

int siv_act_polls(struct siv_fake_lab *lab)
{
	if (!lab->file)
		return siv_act_opens(lab);
	return (__force int)vfs_poll(lab->file, NULL);
}

int siv_act_shuts(struct siv_fake_lab *lab, unsigned int marks)
{
	if (!lab->file)
		return siv_act_opens(lab);
	return siv_channel_shutdown(lab->ch, marks, 0);
}

int siv_act_asks(struct siv_fake_lab *lab)
{
	struct sivshmem_info info = { .size = sizeof(info) };

	if (!lab->file)
		return siv_act_opens(lab);
	siv_channel_info(lab->ch, &info);
	return info.state == READ_ONCE(lab->ch->state) &&
			       info.end_reason ==
				       -siv_reason_errno(lab->ch->why) ?
		       0 :
		       -EBADMSG;
}

int siv_act_breaks(struct siv_fake_lab *lab)
{
	siv_fake_lab_peer(lab)->prod = 3;
	return siv_act_reads(lab);
}

int siv_act_marks(struct siv_fake_lab *lab)
{
	siv_end_set(siv_fake_lab_peer(lab), SIV_END_WR | SIV_END_RD);
	return siv_act_reads(lab);
}

void siv_act_hears_close(struct siv_fake_lab *lab, enum siv_reason why)
{
	struct siv_close m = {
		.cid = cpu_to_le64(lab->cid),
		.code = cpu_to_le32(siv_reason_code(why)),
	};

	siv_fake_lab_hear(lab, SIV_MSG_CLOSE, &m, sizeof(m));
}

void siv_act_hears_failed(struct siv_fake_lab *lab)
{
	struct siv_failed m = {
		.request = cpu_to_le64(lab->ch->request),
		.code = cpu_to_le32(siv_reason_code(SIV_R_POLICY)),
	};

	siv_fake_lab_hear(lab, SIV_MSG_FAILED, &m, sizeof(m));
}

void siv_act_hears_grant_a(struct siv_fake_lab *lab)
{
	struct siv_grant_a m = {
		.request = cpu_to_le64(lab->ch->request),
		.cid = cpu_to_le64(lab->cid),
	};

	siv_fake_lab_hear(lab, SIV_MSG_GRANT_A, &m, sizeof(m));
}

void siv_act_hears_grant_b(struct siv_fake_lab *lab)
{
	struct siv_grant_b m = {
		.common.cid = cpu_to_le64(lab->cid),
	};

	siv_fake_lab_hear(lab, SIV_MSG_GRANT_B, &m, sizeof(m));
}

void siv_act_hears_result(struct siv_fake_lab *lab)
{
	struct siv_result m = {
		.request = cpu_to_le64(lab->ch->request),
		.code = cpu_to_le32(siv_reason_code(SIV_R_POLICY)),
	};

	siv_fake_lab_hear(lab, SIV_MSG_RESULT, &m, sizeof(m));
}

void siv_act_looks(struct siv_fake_lab *lab)
{
	/* twice: a look that had begun may have seen what was before */
	flush_delayed_work(&lab->ch->linger);
	flush_delayed_work(&lab->ch->linger);
	siv_fake_lab_settle(lab);
}

void siv_act_times_out(struct siv_fake_lab *lab)
{
	siv_channel_get(lab->ch);
	siv_channel_timeout_work(&lab->ch->timeout.work);
}
