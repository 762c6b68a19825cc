// SPDX-License-Identifier: GPL-2.0-only
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/spinlock.h>

#include "../keys.h"
#include "clock.h"

enum {
	WAITING_MAX = 8, /* works: four of a host's */
	START_S = 1000,
	DOZE_MS = 10,
};

/* A work that waits. */
struct waiting {
	struct delayed_work *work;
	struct workqueue_struct *wq;
	u64 due_ns;
};

static DEFINE_SPINLOCK(clock_lock); /* also taken where a doorbell comes in */
static u64 clock_ns;
static struct waiting clock_waiting[WAITING_MAX];
static unsigned int clock_count;
static void (*clock_each)(void *arg);
static void *clock_arg;

void siv_clock_start(void (*each)(void *arg), void *arg)
{
	clock_ns = (u64)START_S * NSEC_PER_SEC;
	clock_count = 0;
	clock_each = each;
	clock_arg = arg;
}

unsigned int siv_clock_stop(void)
{
	clock_each = NULL;
	return clock_count;
}

u64 siv_clock_ns(void)
{
	unsigned long flags;
	u64 ns;

	spin_lock_irqsave(&clock_lock, flags);
	ns = clock_ns;
	spin_unlock_irqrestore(&clock_lock, flags);
	return ns;
}

/* siv_keys_now() with what has passed here, not there. */
s64 siv_clock_date(s64 host_time, u64 host_boottime_ns)
{
	u64 ns = siv_clock_ns();

	if (host_time <= 0 || ns < host_boottime_ns)
		return siv_keys_now(0, 0);
	host_time += div_u64(ns - host_boottime_ns, NSEC_PER_SEC);
	return siv_keys_now(host_time, ktime_get_boottime_ns());
}

void siv_clock_reach(u64 ns)
{
	unsigned long flags;

	spin_lock_irqsave(&clock_lock, flags);
	if (clock_ns < ns)
		clock_ns = ns;
	spin_unlock_irqrestore(&clock_lock, flags);
}

/* ------------------------------------------------------------------- works */

static struct waiting *clock_find(struct delayed_work *work)
{
	unsigned int i;

	lockdep_assert_held(&clock_lock);
	for (i = 0; i < clock_count; i++)
		if (clock_waiting[i].work == work)
			return &clock_waiting[i];
	return NULL;
}

static void clock_remove(struct waiting *w)
{
	lockdep_assert_held(&clock_lock);
	*w = clock_waiting[--clock_count];
}

bool siv_clock_pending(struct delayed_work *work)
{
	unsigned long flags;
	bool pending;

	spin_lock_irqsave(&clock_lock, flags);
	pending = clock_find(work) || work_pending(&work->work);
	spin_unlock_irqrestore(&clock_lock, flags);
	return pending;
}

/* One that is queued is left there: it is about to run. */
static bool clock_wait(struct workqueue_struct *wq, struct delayed_work *work,
		       unsigned long delay, bool anew)
{
	unsigned long flags;
	struct waiting *w;
	bool was;

	spin_lock_irqsave(&clock_lock, flags);
	w = clock_find(work);
	was = w || work_pending(&work->work);
	if (!was && !WARN_ON(clock_count == WAITING_MAX)) {
		w = &clock_waiting[clock_count++];
		w->work = work;
		anew = true;
	}
	if (w && anew) {
		w->wq = wq;
		w->due_ns =
			clock_ns + (u64)jiffies_to_msecs(delay) * NSEC_PER_MSEC;
	}
	spin_unlock_irqrestore(&clock_lock, flags);
	return was;
}

bool siv_clock_queue(struct workqueue_struct *wq, struct delayed_work *work,
		     unsigned long delay)
{
	return !clock_wait(wq, work, delay, false);
}

bool siv_clock_mod(struct workqueue_struct *wq, struct delayed_work *work,
		   unsigned long delay)
{
	return clock_wait(wq, work, delay, true);
}

/* A work that runs may have itself wait again: the kernel does not let it either. */
bool siv_clock_cancel_sync(struct delayed_work *work)
{
	unsigned long flags;
	bool was = false;
	struct waiting *w;

	do {
		was |= cancel_work_sync(&work->work);
		spin_lock_irqsave(&clock_lock, flags);
		w = clock_find(work);
		if (w)
			clock_remove(w);
		spin_unlock_irqrestore(&clock_lock, flags);
		was |= !!w;
	} while (w);
	return was;
}

bool siv_clock_fire(u64 until_ns)
{
	struct waiting *first = NULL;
	unsigned long flags;
	unsigned int i;

	spin_lock_irqsave(&clock_lock, flags);
	for (i = 0; i < clock_count; i++)
		if (clock_waiting[i].due_ns <= until_ns &&
		    (!first || clock_waiting[i].due_ns < first->due_ns))
			first = &clock_waiting[i];
	if (first) {
		if (clock_ns < first->due_ns)
			clock_ns = first->due_ns;
		queue_work(first->wq, &first->work->work);
		clock_remove(first);
	}
	spin_unlock_irqrestore(&clock_lock, flags);
	return first;
}

/* ------------------------------------------------------------------- sleep */

/* Time passes for all while one sleeps; others run, for a moment at least. */
static void clock_sleep(u64 ns)
{
	siv_clock_reach(siv_clock_ns() + ns);
	usleep_range(10, 20);
}

void siv_clock_usleep(unsigned long us)
{
	clock_sleep((u64)us * NSEC_PER_USEC);
}

void siv_clock_nap(unsigned long timeout)
{
	clock_sleep((u64)jiffies_to_msecs(timeout) * NSEC_PER_MSEC);
	while (siv_clock_fire(siv_clock_ns()))
		;
	if (clock_each)
		clock_each(clock_arg);
}

unsigned long siv_clock_doze(unsigned long timeout)
{
	unsigned long part = min(timeout, msecs_to_jiffies(DOZE_MS));

	siv_clock_nap(part);
	return timeout - part;
}
