// SPDX-License-Identifier: GPL-2.0-only
/* Extensible ioctls, as iommufd's: the size stands first in the argument. */
#include <linux/uaccess.h>

#include "ioctl.h"

static long siv_ioctl_run(const struct siv_ioctl *op, struct file *file,
			  void __user *uarg)
{
	union siv_ioctl_arg arg = {};
	u32 size;
	long ret;

	if (!op->size)
		return op->run(file, &arg);
	if (get_user(size, (u32 __user *)uarg))
		return -EFAULT;
	if (size < op->min)
		return siv_refused(NULL, op->at, SIV_R_ARGUMENT, 0);
	/* what no version will ever have: not looked through for zeros */
	if (size > PAGE_SIZE)
		ret = -E2BIG;
	else
		ret = copy_struct_from_user(&arg, op->size, uarg, size);
	if (ret == -E2BIG)
		return siv_refused(NULL, op->at, SIV_R_ARGUMENT_TAIL, 0);
	if (ret)
		return ret;
	ret = op->run(file, &arg);
	if (ret || !op->out)
		return ret;
	return copy_to_user(uarg, &arg, min(size, op->size)) ? -EFAULT : 0;
}

long siv_ioctl(const struct siv_ioctl *table, size_t n, struct file *file,
	       unsigned int cmd, unsigned long arg)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (table[i].cmd == cmd)
			return siv_ioctl_run(&table[i], file,
					     (void __user *)arg);
	return -ENOTTY;
}
