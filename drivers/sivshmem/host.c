// SPDX-License-Identifier: GPL-2.0-only
/*
 * One life of a device: records are opened and handed up, doorbells are handed on, what
 * is due is posted.
 *
 * The ordered workqueue opens records and dispatches them; whatever takes long runs
 * elsewhere (siv_crypto_wq, siv_end_wq, the caller's own ioctl).
 */
#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/rculist.h>
#include <linux/slab.h>

#include "event.h"
#include "hello.h"
#include "host.h"
#include "pair.h"
#include "talk.h"
#include "trace.h"

enum {
	SIV_SCAN_MAX = 32, /* records per turn of the work */
};

const struct siv_host_client *siv_host_client;
struct workqueue_struct *siv_crypto_wq;
struct workqueue_struct *siv_end_wq;

void siv_host_client_set(const struct siv_host_client *client)
{
	siv_host_client = client;
}

u64 siv_host_now_ms(void)
{
	return div_u64(ktime_get_boottime_ns(), NSEC_PER_MSEC);
}

u64 siv_host_since_ms(u64 then_ms)
{
	u64 now = siv_host_now_ms();

	return now > then_ms ? now - then_ms : 0;
}

s64 siv_host_time(struct siv_host *host)
{
	s64 time;
	u64 ns;

	mutex_lock(&host->lock);
	time = host->time;
	ns = host->time_ns;
	mutex_unlock(&host->lock);
	return siv_keys_now(time, ns);
}

/* ---------------------------------------------------------------- references */

void siv_host_get(struct siv_host *host)
{
	kref_get(&host->ref);
}

static void siv_host_free(struct kref *ref)
{
	struct siv_host *host = container_of(ref, struct siv_host, ref);

	/* a sleeper may have asked for it after the end; it takes no reference */
	cancel_delayed_work_sync(&host->fallback);
	kfree(host->slot);
	kfree_sensitive(host->plain);
	siv_hello_exit(&host->hello);
	siv_device_put(host->dev);
	kfree(host);
}

void siv_host_put(struct siv_host *host)
{
	kref_put(&host->ref, siv_host_free);
}

struct siv_host *siv_host_of(struct siv_device *dev)
{
	struct siv_host *host;
	int idx;

	/* detach comes after everybody has left the gate */
	if (!siv_device_enter(dev, &idx))
		return NULL;
	host = READ_ONCE(dev->host);
	if (host)
		siv_host_get(host);
	siv_device_exit(dev, idx);
	return host;
}

/* ------------------------------------------------------------------- records */

/* What one look at the slots found. */
struct siv_scan {
	struct siv_host *host;
	u64 now_ms;
	struct siv_talk *talk; /* a record of this one opened, with a reference */
	enum siv_reason broken; /* it opened, and was malformed */
	u16 type;
	struct siv_span body;
};

/* The talk and session of a tag: a handful per device. */
static struct siv_talk *siv_scan_talk(struct siv_scan *scan, u32 tag,
				      struct siv_line **line)
{
	struct siv_talk *talk;

	siv_host_lock_held(scan->host);
	list_for_each_entry(talk, &scan->host->talks, link) {
		*line = siv_talk_line(talk, tag);
		if (*line)
			return talk;
	}
	return NULL;
}

static bool siv_scan_want(void *arg, const struct siv_slot_info *info)
{
	struct siv_scan *scan = arg;
	struct siv_line *line;

	if (scan->talk || !siv_scan_talk(scan, info->tag, &line))
		return false;
	return siv_session_wants(&line->s, info, scan->now_ms);
}

static void siv_scan_take(void *arg, struct siv_span rec)
{
	struct siv_scan *scan = arg;
	struct siv_talk *talk;
	struct siv_line *line;
	enum siv_reason r;
	u64 number;

	if (scan->talk || rec.n < SIV_SLOT_HDR)
		return;
	talk = siv_scan_talk(scan, siv_get_le32(rec.p + 4), &line);
	if (!talk)
		return;
	number = line->s.rx.next;
	r = siv_session_receive(&line->s, rec, scan->host->plain, &scan->type,
				&scan->body, scan->now_ms);
	if (r != SIV_OK && line->s.rx.next == number) {
		/* dropped: not from the host, or overwritten; it will be posted again */
		trace_siv_dropped(scan->host->dev->index,
				  siv_get_le32(rec.p + 4), number, r);
		return;
	}
	siv_talk_get(talk);
	scan->talk = talk;
	scan->broken = r;
}

static void siv_scan_dispatch(struct siv_scan *scan)
{
	if (scan->broken != SIV_OK) {
		siv_refused(scan->host->dev, SIV_AT_RECORD, scan->broken, 0);
		siv_talk_end(scan->talk, scan->broken);
	} else {
		siv_host_client->message(scan->talk, scan->type, scan->body);
	}
	siv_talk_put(scan->talk);
}

/* Everything that is due now; when to come back is noted. */
static void siv_host_post_all(struct siv_host *host)
{
	u64 now = siv_host_now_ms();
	struct siv_talk *talk;

	siv_host_lock_held(host);
	list_for_each_entry(talk, &host->talks, link)
		siv_talk_flush(talk, now);
}

static void siv_host_scan_work(struct work_struct *work)
{
	struct siv_host *host = container_of(work, struct siv_host, scan);
	unsigned int i;

	for (i = 0; i < SIV_SCAN_MAX; i++) {
		struct siv_scan scan = { .host = host };

		mutex_lock(&host->lock);
		/* under the lock: no session has heard or said anything later */
		scan.now_ms = siv_host_now_ms();
		if (host->ended == SIV_OK && host->leaving == SIV_OK)
			siv_mailbox_scan(&host->mb, siv_scan_want,
					 siv_scan_take, &scan, host->slot);
		mutex_unlock(&host->lock);
		/* a slot that does not open is looked at once per bell, not until it does */
		if (!scan.talk)
			break;
		siv_scan_dispatch(&scan);
	}

	mutex_lock(&host->lock);
	if (host->ended == SIV_OK) {
		siv_host_post_all(host);
		if (i == SIV_SCAN_MAX)
			queue_work(host->wq, &host->scan);
	}
	mutex_unlock(&host->lock);
}

static void siv_host_post_work(struct work_struct *work)
{
	struct siv_host *host =
		container_of(to_delayed_work(work), struct siv_host, post);

	mutex_lock(&host->lock);
	host->post_ms = 0;
	if (host->ended == SIV_OK)
		siv_host_post_all(host);
	mutex_unlock(&host->lock);
}

void siv_host_post_at(struct siv_host *host, u64 ms)
{
	u64 now = siv_host_now_ms();

	siv_host_lock_held(host);
	if (!ms || host->ended != SIV_OK ||
	    (host->post_ms && host->post_ms <= ms))
		return;
	host->post_ms = ms;
	mod_delayed_work(host->wq, &host->post,
			 msecs_to_jiffies(ms > now ? ms - now : 0));
}

void siv_host_kick(struct siv_host *host)
{
	mutex_lock(&host->lock);
	if (host->ended == SIV_OK)
		queue_work(host->wq, &host->scan);
	mutex_unlock(&host->lock);
}

/* ---------------------------------------------------------------------- tick */

/* One talk whose end time has brought, with a reference: to be finished. */
static struct siv_talk *siv_host_tick_talk(struct siv_host *host)
{
	struct siv_talk *talk, *found = NULL;
	enum siv_reason why;

	mutex_lock(&host->lock);
	list_for_each_entry(talk, &host->talks, link) {
		why = siv_talk_tick(talk, siv_host_now_ms());
		if (why == SIV_OK || !siv_talk_decide(talk, why))
			continue;
		siv_talk_get(talk);
		found = talk;
		break;
	}
	mutex_unlock(&host->lock);
	return found;
}

static void siv_host_tick_work(struct work_struct *work)
{
	struct siv_host *host =
		container_of(to_delayed_work(work), struct siv_host, tick);
	struct siv_talk *talk;

	while ((talk = siv_host_tick_talk(host))) {
		siv_talk_finish(talk);
		siv_talk_put(talk);
	}
	siv_host_client->tick(host);
	siv_pairs_expire(host);

	mutex_lock(&host->lock);
	if (host->ended == SIV_OK) {
		/* a lost bell of the host's is healed here at the latest */
		queue_work(host->wq, &host->scan);
		queue_delayed_work(host->wq, &host->tick,
				   msecs_to_jiffies(SIV_TICK_MS));
	}
	mutex_unlock(&host->lock);
}

/* --------------------------------------------------------------------- bells */

int siv_host_bell_add(struct siv_host *host, struct siv_bell *bell)
{
	struct list_head *list;
	bool first;

	if (bell->vector == SIV_VECTOR_HOST ||
	    bell->vector >= READ_ONCE(host->vectors))
		return -EINVAL;
	list = &host->bells[array_index_nospec(bell->vector, SIV_VECTORS_MAX)];
	mutex_lock(&host->bell_lock);
	first = list_empty(list);
	list_add_tail_rcu(&bell->link, list);
	if (first)
		siv_device_vector_set(host->dev, bell->vector,
				      SIV_VECTOR_ARMED);
	mutex_unlock(&host->bell_lock);
	return 0;
}

void siv_host_bell_del(struct siv_host *host, struct siv_bell *bell)
{
	mutex_lock(&host->bell_lock);
	list_del_rcu(&bell->link);
	/* the device may have a new life already: then its vectors are not ours */
	if (list_empty(&host->bells[bell->vector]) &&
	    READ_ONCE(host->ended) == SIV_OK)
		siv_device_vector_set(host->dev, bell->vector,
				      SIV_VECTOR_PARKED);
	mutex_unlock(&host->bell_lock);
}

/* Hard irq. */
static void siv_host_bell(struct siv_device *dev, unsigned int vector)
{
	struct siv_host *host = READ_ONCE(dev->host);
	struct siv_bell *bell;

	if (!host || vector >= SIV_VECTORS_MAX)
		return;
	if (vector == SIV_VECTOR_HOST) {
		queue_work(host->wq, &host->scan);
		siv_hello_kick(host);
		return;
	}
	rcu_read_lock();
	list_for_each_entry_rcu(bell, &host->bells[vector], link)
		bell->ring(bell);
	rcu_read_unlock();
}

static void siv_host_fallback_work(struct work_struct *work)
{
	struct siv_host *host =
		container_of(to_delayed_work(work), struct siv_host, fallback);
	unsigned int v, n = READ_ONCE(host->vectors);
	struct siv_bell *bell;
	bool again = false;

	if (READ_ONCE(host->ended) != SIV_OK)
		return;
	rcu_read_lock();
	for (v = 1; v < n; v++)
		list_for_each_entry_rcu(bell, &host->bells[v], link)
			again |= bell->recheck(bell);
	rcu_read_unlock();
	/* a bell of the host's may be lost as well */
	if (siv_host_client->waits(host)) {
		siv_host_kick(host);
		again = true;
	}
	if (again)
		siv_host_fallback(host);
}

void siv_host_fallback(struct siv_host *host)
{
	unsigned int ms = READ_ONCE(siv_fallback_ms);

	if (ms && READ_ONCE(host->ended) == SIV_OK)
		queue_delayed_work(siv_end_wq, &host->fallback,
				   msecs_to_jiffies(ms));
}

/* -------------------------------------------------------------------- limits */

bool siv_host_cold_ok(struct siv_host *host, u32 peer)
{
	struct siv_bucket *b = &host->cold[peer % SIV_COLD_BUCKETS];
	bool ok;
	u64 now;

	spin_lock(&host->cold_lock);
	/* under the lock: never before @b->ms */
	now = siv_host_now_ms();
	b->tokens = min_t(u64, b->tokens + (now - b->ms) * SIV_COLD_PER_S,
			  SIV_COLD_BURST * 1000);
	b->ms = now;
	ok = b->tokens >= 1000;
	if (ok)
		b->tokens -= 1000;
	spin_unlock(&host->cold_lock);
	return ok;
}

/* -------------------------------------------------------- the device's client */

static struct siv_host *siv_host_alloc(struct siv_device *dev)
{
	struct siv_host *host = kzalloc(sizeof(*host), GFP_KERNEL);
	unsigned int i;

	if (!host)
		return NULL;
	kref_init(&host->ref);
	siv_device_get(dev);
	host->dev = dev;
	mutex_init(&host->lock);
	mutex_init(&host->bell_lock);
	spin_lock_init(&host->prk_lock);
	spin_lock_init(&host->cold_lock);
	INIT_LIST_HEAD(&host->talks);
	INIT_LIST_HEAD(&host->channels);
	INIT_LIST_HEAD(&host->listeners);
	INIT_LIST_HEAD(&host->prks);
	for (i = 0; i < SIV_VECTORS_MAX; i++)
		INIT_LIST_HEAD(&host->bells[i]);
	INIT_WORK(&host->scan, siv_host_scan_work);
	INIT_DELAYED_WORK(&host->post, siv_host_post_work);
	INIT_DELAYED_WORK(&host->tick, siv_host_tick_work);
	INIT_DELAYED_WORK(&host->fallback, siv_host_fallback_work);
	for (i = 0; i < SIV_COLD_BUCKETS; i++)
		host->cold[i] = (struct siv_bucket){
			.tokens = SIV_COLD_BURST * 1000,
			.ms = siv_host_now_ms(),
		};
	host->slot = kmalloc(SIV_SLOT_SIZE, GFP_KERNEL);
	host->plain = kmalloc(SIV_SLOT_SIZE, GFP_KERNEL);
	if (siv_hello_init(&host->hello) || !host->slot || !host->plain) {
		siv_host_put(host);
		return NULL;
	}
	return host;
}

static int siv_host_attach(struct siv_device *dev)
{
	struct siv_host *host = siv_host_alloc(dev);

	if (!host)
		return -ENOMEM;
	host->wq =
		alloc_ordered_workqueue("sivshmem%u", WQ_HIGHPRI, dev->index);
	if (!host->wq) {
		siv_host_put(host);
		return -ENOMEM;
	}
	siv_mailbox_init(&host->mb, dev);
	WRITE_ONCE(dev->host, host);
	queue_delayed_work(host->wq, &host->tick,
			   msecs_to_jiffies(SIV_TICK_MS));
	return 0;
}

/*
 * With GOODBYE the host gives the memory of all channels to others: so they end first,
 * and nobody says so one by one.
 */
static void siv_host_goodbye(struct siv_device *dev, enum siv_reason why)
{
	struct siv_host *host = dev->host;
	struct siv_talk *talk;

	if (!host)
		return;
	mutex_lock(&host->lock);
	host->leaving = why;
	mutex_unlock(&host->lock);

	siv_host_client->quiesce(host, why);

	mutex_lock(&host->lock);
	/* one would do, but which of them the host still hears is not known here */
	list_for_each_entry(talk, &host->talks, link)
		siv_talk_goodbye(talk, siv_host_now_ms());
	mutex_unlock(&host->lock);
}

static struct siv_talk *siv_host_first_talk(struct siv_host *host)
{
	struct siv_talk *talk;

	mutex_lock(&host->lock);
	talk = list_first_entry_or_null(&host->talks, struct siv_talk, link);
	if (talk)
		siv_talk_get(talk);
	mutex_unlock(&host->lock);
	return talk;
}

static void siv_host_quiesce(struct siv_device *dev, enum siv_reason why)
{
	struct siv_host *host = dev->host;
	struct siv_talk *talk;

	if (!host)
		return;
	mutex_lock(&host->lock);
	WRITE_ONCE(host->ended, why);
	mutex_unlock(&host->lock);

	/* nothing queues these again: that is done under the lock, with @ended unset */
	cancel_delayed_work_sync(&host->tick);
	cancel_delayed_work_sync(&host->post);
	cancel_work_sync(&host->scan);
	siv_hello_stop(host);
	siv_host_client->quiesce(host, why);
	/* the end of a talk takes it out of the table */
	while ((talk = siv_host_first_talk(host))) {
		siv_talk_end(talk, why);
		/* who has decided its end may not have queued this yet */
		if (!flush_work(&talk->end))
			usleep_range(100, 200);
		siv_talk_put(talk);
	}
}

static void siv_host_detach(struct siv_device *dev)
{
	struct siv_host *host = dev->host;

	if (!host)
		return;
	WRITE_ONCE(dev->host, NULL);
	/* a bell's handler may have queued it once more after siv_hello_stop() */
	cancel_delayed_work_sync(&host->hello.work);
	destroy_workqueue(host->wq);
	siv_host_put(host);
}

static const struct siv_device_client siv_host_device_client = {
	.attach = siv_host_attach,
	.bell = siv_host_bell,
	.goodbye = siv_host_goodbye,
	.quiesce = siv_host_quiesce,
	.detach = siv_host_detach,
};

int siv_host_init(void)
{
	siv_crypto_wq = alloc_workqueue("sivshmem-crypto", WQ_UNBOUND, 2);
	if (!siv_crypto_wq)
		return -ENOMEM;
	siv_end_wq = alloc_workqueue("sivshmem-end", WQ_UNBOUND, 0);
	if (!siv_end_wq) {
		destroy_workqueue(siv_crypto_wq);
		return -ENOMEM;
	}
	siv_device_client_set(&siv_host_device_client);
	return 0;
}

void siv_host_exit(void)
{
	destroy_workqueue(siv_crypto_wq);
	destroy_workqueue(siv_end_wq);
}
