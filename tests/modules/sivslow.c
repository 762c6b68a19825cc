// SPDX-License-Identifier: GPL-2.0-only
/*
 * Holds up the first return from one function of the kernel's until it is told to go on:
 * what comes after it can be told from what came before. For test guests only; they need
 * another processor meanwhile.
 *
 *   at    its name
 *   held  whether it is held up now
 *   go    goes on, once it is 1
 *   ms    for how long it waits for that at most
 */
#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/kprobes.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/nmi.h>

static char *at = "";
static unsigned int ms = 600000;
static bool held;
static bool go;
static atomic_t due = ATOMIC_INIT(1);

static int siv_slow_return(struct kretprobe_instance *instance,
			   struct pt_regs *regs)
{
	ktime_t end = ktime_add_ms(ktime_get(), ms);

	if (!atomic_xchg(&due, 0))
		return 0;
	WRITE_ONCE(held, true);
	while (!READ_ONCE(go) && ktime_before(ktime_get(), end)) {
		touch_softlockup_watchdog();
		mdelay(1);
	}
	WRITE_ONCE(held, false);
	return 0;
}

static struct kretprobe siv_slow_probe = {
	.handler = siv_slow_return,
};

module_param(at, charp, 0400);
module_param(held, bool, 0400);
module_param(go, bool, 0600);
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
