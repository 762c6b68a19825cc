// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes one mistake, chosen by name, when it is loaded: what a sanitizer kernel must
 * notice. For test guests only.
 */
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timer.h>

static char *bug = "";
module_param(bug, charp, 0400);

/* The compiler may not know what it reads and writes. */
static noinline u8 *siv_bug_hide(u8 *p)
{
	OPTIMIZER_HIDE_VAR(p);
	return p;
}

static void siv_bug_out_of_bounds(void)
{
	u8 *p = siv_bug_hide(kmalloc(24, GFP_KERNEL));

	if (p)
		WRITE_ONCE(p[24], 1);
	kfree(p);
}

static void siv_bug_after_free(void)
{
	u8 *p = siv_bug_hide(kmalloc(24, GFP_KERNEL));

	kfree(p);
	/* what it is for */
	if (p) /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
		WRITE_ONCE(p[0], 1);
}

static void siv_bug_leak(void)
{
	siv_bug_hide(kmalloc(200, GFP_KERNEL));
}

static DEFINE_SPINLOCK(siv_bug_a);
static DEFINE_SPINLOCK(siv_bug_b);

static void siv_bug_sleep(void)
{
	spin_lock(&siv_bug_a);
	msleep(20);
	spin_unlock(&siv_bug_a);
}

static void siv_bug_order(void)
{
	spin_lock(&siv_bug_a);
	spin_lock(&siv_bug_b);
	spin_unlock(&siv_bug_b);
	spin_unlock(&siv_bug_a);
	spin_lock(&siv_bug_b);
	spin_lock(&siv_bug_a);
	spin_unlock(&siv_bug_a);
	spin_unlock(&siv_bug_b);
}

static void siv_bug_shift(void)
{
	static int by = 40;

	/* what it is for */
	/* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult) */
	pr_info("sivbug: %d\n", 1 << READ_ONCE(by));
}

/* Never: the machine is gone before. */
static void siv_bug_timer(struct timer_list *timer)
{
}

static void siv_bug_object(void)
{
	struct timer_list *timer = kmalloc(sizeof(*timer), GFP_KERNEL);

	if (!timer)
		return;
	timer_setup(timer, siv_bug_timer, 0);
	mod_timer(timer, jiffies + 60 * HZ);
	kfree(timer);
}

static void siv_bug_hang(void)
{
	set_current_state(TASK_UNINTERRUPTIBLE);
	schedule_timeout(20 * HZ);
}

static int siv_bug_word;

static int siv_bug_racer(void *unused)
{
	while (!kthread_should_stop()) {
		siv_bug_word++;
		barrier(); /* not once for all rounds */
		cond_resched();
	}
	return 0;
}

static void siv_bug_race(void)
{
	struct task_struct *racer;
	unsigned long end = jiffies + 10 * HZ;

	racer = kthread_create(siv_bug_racer, NULL, "sivbug");
	if (IS_ERR(racer))
		return;
	kthread_bind(racer, cpumask_any_but(cpu_online_mask, get_cpu()));
	put_cpu();
	wake_up_process(racer);
	while (time_before(jiffies, end)) {
		siv_bug_word++;
		barrier(); /* not once for all rounds */
		cond_resched();
	}
	kthread_stop(racer);
}

static const struct {
	const char *name;
	void (*make)(void);
} siv_bugs[] = {
	{ "out_of_bounds", siv_bug_out_of_bounds },
	{ "after_free", siv_bug_after_free },
	{ "leak", siv_bug_leak },
	{ "sleep", siv_bug_sleep },
	{ "order", siv_bug_order },
	{ "shift", siv_bug_shift },
	{ "object", siv_bug_object },
	{ "hang", siv_bug_hang },
	{ "race", siv_bug_race },
};

static int __init siv_bug_init(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(siv_bugs); i++) {
		if (!strcmp(bug, siv_bugs[i].name)) {
			siv_bugs[i].make();
			return 0;
		}
	}
	return -EINVAL;
}

static void __exit siv_bug_exit(void)
{
}

module_init(siv_bug_init);
module_exit(siv_bug_exit);

MODULE_DESCRIPTION("For tests: a mistake");
MODULE_LICENSE("GPL");
