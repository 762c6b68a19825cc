/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Included before everything in real_host.c, and in no other file: its calls that tell or
 * wait for the time go to clock.c.
 */
#ifndef SIV_TESTS_CLOCK_CALLS_H
#define SIV_TESTS_CLOCK_CALLS_H

#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/rculist.h>
#include <linux/sched.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "../keys.h"
#include "../trace.h"
#include "clock.h"

/* They are functions of some kernels' and macros of others'. */
#undef delayed_work_pending
#undef mod_delayed_work
#undef queue_delayed_work
#undef usleep_range
#undef wait_event_timeout

#define ktime_get_boottime_ns() siv_clock_ns()
#define siv_keys_now(host_time, ns) siv_clock_date(host_time, ns)
#define queue_delayed_work(wq, work, delay) siv_clock_queue(wq, work, delay)
#define mod_delayed_work(wq, work, delay) siv_clock_mod(wq, work, delay)
#define cancel_delayed_work_sync(work) siv_clock_cancel_sync(work)
#define delayed_work_pending(work) siv_clock_pending(work)
#define usleep_range(min, max) siv_clock_usleep(min)
#define schedule_timeout_idle(timeout) siv_clock_nap(timeout)

/* It looks often enough to need nobody who wakes it. */
#define wait_event_timeout(wq, condition, timeout)   \
	({                                           \
		unsigned long left = (timeout);      \
                                                     \
		while (!(condition) && left)         \
			left = siv_clock_doze(left); \
		left;                                \
	})

#endif /* SIV_TESTS_CLOCK_CALLS_H */
