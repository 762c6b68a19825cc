// SPDX-License-Identifier: GPL-2.0-only
/*
 * Holds up the first return from one function of the kernel's: what comes after it can be
 * told from what came before. For test guests only; they need another processor meanwhile.
 *
 *   at  its name
 *   ms  for how long
 */
#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/kprobes.h>
#include <linux/module.h>

static char *at = "";
static unsigned int ms;
static atomic_t due = ATOMIC_INIT(1);

static int siv_slow_return(struct kretprobe_instance *instance,
			   struct pt_regs *regs)
{
	if (atomic_xchg(&due, 0))
		mdelay(ms);
	return 0;
}

static struct kretprobe siv_slow_probe = {
	.handler = siv_slow_return,
};

module_param(at, charp, 0400);
module_param(ms, uint, 0400);

static int __init siv_slow_init(void)
{
	siv_slow_probe.kp.symbol_name = at;
	return register_kretprobe(&siv_slow_probe);
}

static void __exit siv_slow_exit(void)
{
	unregister_kretprobe(&siv_slow_probe);
}

module_init(siv_slow_init);
module_exit(siv_slow_exit);

MODULE_DESCRIPTION("For tests: something takes longer");
MODULE_LICENSE("GPL");
