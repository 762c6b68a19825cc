/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A clock that stands until the test moves it, and the delayed work that waits for it:
 * clock_calls.h brings host.c, talk.c and hello.c here. Nothing waits for real time, so
 * a minute costs nothing and a slow machine changes nothing.
 */
#ifndef SIV_TESTS_CLOCK_H
#define SIV_TESTS_CLOCK_H

#include <linux/types.h>
#include <linux/workqueue.h>

/* siv_clock_start() - no work waits; @each is called whenever somebody sleeps a while. */
void siv_clock_start(void (*each)(void *arg), void *arg);
/* siv_clock_stop() - how many works were left waiting. */
unsigned int siv_clock_stop(void);

/* siv_clock_fire() - up to @until_ns, queue the work that is due first; false: none is. */
bool siv_clock_fire(u64 until_ns);
/* siv_clock_reach() - move on to @ns, unless it is later already; no work is queued. */
void siv_clock_reach(u64 ns);

/* For clock_calls.h: as what they stand for, by this clock. */
u64 siv_clock_ns(void);
s64 siv_clock_date(s64 host_time, u64 host_boottime_ns);
bool siv_clock_queue(struct workqueue_struct *wq, struct delayed_work *work,
		     unsigned long delay);
bool siv_clock_mod(struct workqueue_struct *wq, struct delayed_work *work,
		   unsigned long delay);
bool siv_clock_cancel_sync(struct delayed_work *work);
bool siv_clock_pending(struct delayed_work *work);
void siv_clock_usleep(unsigned long us);
void siv_clock_nap(unsigned long timeout);
/* siv_clock_doze() - a part of @timeout; the rest of it is returned. */
unsigned long siv_clock_doze(unsigned long timeout);

#endif /* SIV_TESTS_CLOCK_H */
