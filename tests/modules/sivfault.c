// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fails one allocation, chosen by its number, of those that a part of the kernel makes:
 * a part is a range of code, and an allocation is made by it if a return address on the
 * stack lies there. Or else one call, chosen so, of one function that the part itself
 * calls: it returns an error instead of being run. For test guests only; works in a
 * kernel without fault injection, too: allocations as long as its allocator asks
 * should_failslab(), calls always.
 *
 *   from, to  the range
 *   depth     how near that address must be: so many calls at most
 *   call      the function, or nothing: allocations
 *   error     what it returns
 *   nth       which one is to fail: 1 is the next; 0 none
 *   seen      allocations, or calls, since nth was set
 *   failed    have failed since nth was set: 0 or 1
 *   slab      whether allocations can fail
 */
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/stacktrace.h>
#include <asm/ibt.h>

enum {
	SIV_FAULT_DEPTH = 56,
};

static unsigned long from, to;
static unsigned int depth = SIV_FAULT_DEPTH;
static char call[KSYM_NAME_LEN];
static long error = -EIO;
static bool slab;
static atomic_t nth = ATOMIC_INIT(0);
static atomic_t seen = ATOMIC_INIT(0);
static atomic_t failed = ATOMIC_INIT(0);

/* Where a failed should_failslab() goes on: in its caller. */
asm(".pushsection .text\n"
    ".type siv_fault_return, @function\n"
    "siv_fault_return:\n" ASM_ENDBR ASM_RET
    ".size siv_fault_return, .-siv_fault_return\n"
    ".popsection\n");
asmlinkage int siv_fault_return(void);

/* In @regs a call of should_failslab() has just begun. */
static bool siv_fault_ours(struct pt_regs *regs)
{
	unsigned long caller = *(unsigned long *)kernel_stack_pointer(regs);
	unsigned long stack[SIV_FAULT_DEPTH];
	unsigned int i, n, end;

	n = stack_trace_save(stack, ARRAY_SIZE(stack), 0);
	for (i = 0; i < n && stack[i] != caller; i++)
		;
	end = min(n, i + min_t(unsigned int, depth, SIV_FAULT_DEPTH));
	for (; i < end; i++)
		if (stack[i] >= from && stack[i] < to)
			return true;
	return false;
}

/*
 * Not what may not fail, and not what the kernel's own searches for mistakes ask for on
 * the way: they would end if it did. Debug objects never reclaim, and kmemleak alone
 * leaves the reserves alone.
 */
static bool siv_fault_may(gfp_t gfp)
{
	return gfp & __GFP_RECLAIM &&
	       !(gfp & (__GFP_NOFAIL | __GFP_NOMEMALLOC));
}

/* A probe that is a trap, not a call, counts as an interrupt and an NMI itself. */
static bool siv_fault_in_irq(void)
{
	return hardirq_count() > (in_nmi() ? HARDIRQ_OFFSET : 0);
}

/* One more of them, which has just begun: whether it returns @value at once. */
static int siv_fault_count(struct pt_regs *regs, int left, long value)
{
	if (atomic_inc_return(&seen) != left)
		return 0;
	atomic_inc(&failed);
	regs_set_return_value(regs, value);
	instruction_pointer_set(regs, (unsigned long)siv_fault_return);
	return 1;
}

static int siv_fault_enter(struct kprobe *probe, struct pt_regs *regs)
{
	int left = atomic_read(&nth);
	gfp_t gfp = (__force gfp_t)regs_get_kernel_argument(regs, 1);

	if (!left || *call || !siv_fault_may(gfp) || siv_fault_in_irq() ||
	    !siv_fault_ours(regs))
		return 0;
	return siv_fault_count(regs, left, -ENOMEM);
}

static int siv_fault_enter_call(struct kprobe *probe, struct pt_regs *regs)
{
	int left = atomic_read(&nth);
	unsigned long caller = *(unsigned long *)kernel_stack_pointer(regs);

	if (!left || caller < from || caller >= to)
		return 0;
	return siv_fault_count(regs, left, error);
}

/* A probe without this may become a jump, which goes on nowhere else than it came from. */
static void siv_fault_leave(struct kprobe *probe, struct pt_regs *regs,
			    unsigned long flags)
{
}

static struct kprobe siv_fault_probe = {
	.symbol_name = "should_failslab",
	.pre_handler = siv_fault_enter,
	.post_handler = siv_fault_leave,
};

static struct kprobe siv_fault_call_probe;

static void siv_fault_call_off(void)
{
	if (*call)
		unregister_kprobe(&siv_fault_call_probe);
	*call = 0;
}

static int siv_fault_call_set(const char *text,
			      const struct kernel_param *param)
{
	int err;

	siv_fault_call_off();
	if (sscanf(text, "%127s", call) != 1 || !*call)
		return 0;
	siv_fault_call_probe = (struct kprobe){
		.symbol_name = call,
		.pre_handler = siv_fault_enter_call,
		.post_handler = siv_fault_leave,
	};
	err = register_kprobe(&siv_fault_call_probe);
	if (err)
		*call = 0;
	return err;
}

static const struct kernel_param_ops siv_fault_call_ops = {
	.set = siv_fault_call_set,
};

static int siv_fault_arm(const char *text, const struct kernel_param *param)
{
	int value;
	int err = kstrtoint(text, 0, &value);

	if (err)
		return err;
	if (value < 0)
		return -EINVAL;
	atomic_set(&nth, 0);
	atomic_set(&seen, 0);
	atomic_set(&failed, 0);
	atomic_set(&nth, value);
	return 0;
}

static int siv_fault_show(char *text, const struct kernel_param *param)
{
	return sysfs_emit(text, "%d\n", atomic_read(param->arg));
}

static const struct kernel_param_ops siv_fault_counter = {
	.get = siv_fault_show,
};

static const struct kernel_param_ops siv_fault_number = {
	.set = siv_fault_arm,
	.get = siv_fault_show,
};

module_param(from, ulong, 0600);
module_param(to, ulong, 0600);
module_param(depth, uint, 0600);
module_param_cb(call, &siv_fault_call_ops, NULL, 0200);
module_param(error, long, 0600);
module_param_cb(nth, &siv_fault_number, &nth, 0600);
module_param_cb(seen, &siv_fault_counter, &seen, 0400);
module_param_cb(failed, &siv_fault_counter, &failed, 0400);
module_param(slab, bool, 0400);

static int __init siv_fault_init(void)
{
	int err = register_kprobe(&siv_fault_probe);

	slab = !err;
	return err == -ENOENT ? 0 : err;
}

static void __exit siv_fault_exit(void)
{
	siv_fault_call_off();
	if (slab)
		unregister_kprobe(&siv_fault_probe);
}

module_init(siv_fault_init);
module_exit(siv_fault_exit);

MODULE_DESCRIPTION("For tests: an allocation, or a call, fails");
MODULE_LICENSE("GPL");
