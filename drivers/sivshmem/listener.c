// SPDX-License-Identifier: GPL-2.0-only
/* Listeners: LISTEN, the queue of channels that are OPEN, ACCEPT. */
#include <linux/anon_inodes.h>
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/slab.h>

#include "event.h"
#include "ioctl.h"
#include "listener.h"
#include "trace.h"

/* ----------------------------------------------------------------- references */

static void siv_listener_free(struct kref *ref)
{
	struct siv_listener *l = container_of(ref, struct siv_listener, ref);

	siv_talk_unuse(l->talk);
	kvfree(l->allow);
	kfree(l);
}

void siv_listener_put(struct siv_listener *l)
{
	kref_put(&l->ref, siv_listener_free);
}

struct siv_listener *siv_listener_of(struct siv_talk *talk)
{
	struct siv_listener *l;

	siv_host_lock_held(talk->host);
	list_for_each_entry(l, &talk->host->listeners, link)
		if (l->talk == talk)
			return l;
	return NULL;
}

/* ----------------------------------------------------------------------- LISTEN */

static void siv_listener_unsay(struct siv_listener *l)
{
	struct siv_unlisten m = { .request = cpu_to_le64(l->request) };

	siv_talk_say(l->talk, SIV_MSG_UNLISTEN, &m, sizeof(m));
}

static void siv_listener_say(struct siv_listener *l)
{
	struct siv_listen m = {
		.request = cpu_to_le64(l->request),
		.flags = cpu_to_le32(
			l->uflags & SIVSHMEM_SEALED ? SIV_CH_SEALED : 0),
		.backlog = cpu_to_le32(l->backlog),
		.ring_max = cpu_to_le64(l->ring_max),
	};

	siv_talk_say(l->talk, SIV_MSG_LISTEN, &m, sizeof(m));
	/* closed meanwhile: what that said may have come before this */
	if (READ_ONCE(l->state) == SIV_LISTENER_ENDED)
		siv_listener_unsay(l);
}

void siv_listener_live(struct siv_talk *talk)
{
	struct siv_listener *l;

	mutex_lock(&talk->host->lock);
	l = siv_listener_of(talk);
	if (l)
		kref_get(&l->ref);
	mutex_unlock(&talk->host->lock);
	if (!l)
		return;
	siv_listener_say(l);
	siv_listener_put(l);
}

/* Out of the table, with @why; its reference is the caller's then. lock held. */
static bool siv_listener_end(struct siv_listener *l, enum siv_reason why)
{
	siv_host_lock_held(l->talk->host);
	if (l->state == SIV_LISTENER_ENDED)
		return false;
	l->why = why;
	WRITE_ONCE(l->state, SIV_LISTENER_ENDED);
	list_del_init(&l->link);
	trace_siv_listener(l->talk->host->dev->index, l->request, l->state,
			   why);
	wake_up_all(&l->wait);
	return true;
}

void siv_listener_got_result(struct siv_talk *talk, struct siv_span body)
{
	const struct siv_result *m = (const struct siv_result *)body.p;
	enum siv_reason why = siv_reason_from_code(le32_to_cpu(m->code));
	struct siv_host *host = talk->host;
	struct siv_listener *l;
	bool ended = false;

	mutex_lock(&host->lock);
	l = siv_listener_of(talk);
	if (l && l->request != le64_to_cpu(m->request))
		l = NULL;
	if (l && m->code) {
		siv_refused(host->dev, SIV_AT_LISTEN, why, 0);
		ended = siv_listener_end(l, why);
	} else if (l && l->state == SIV_LISTENER_ASKING) {
		WRITE_ONCE(l->state, SIV_LISTENER_OPEN);
		trace_siv_listener(host->dev->index, l->request, l->state,
				   SIV_OK);
		wake_up_all(&l->wait);
	}
	mutex_unlock(&host->lock);
	if (ended)
		siv_listener_put(l);
}

void siv_listener_ended(struct siv_host *host, struct siv_talk *talk,
			enum siv_reason why)
{
	struct siv_listener *l, *tmp;
	LIST_HEAD(ended);

	mutex_lock(&host->lock);
	list_for_each_entry_safe(l, tmp, &host->listeners, link)
		if ((!talk || l->talk == talk) && siv_listener_end(l, why))
			list_add(&l->link, &ended);
	mutex_unlock(&host->lock);
	list_for_each_entry_safe(l, tmp, &ended, link) {
		list_del_init(&l->link);
		siv_listener_put(l);
	}
}

/* ------------------------------------------------------------------- the queue */

bool siv_listener_queue(struct siv_channel *ch)
{
	struct siv_host *host = ch->host;
	struct siv_listener *l;
	bool queued = false;

	mutex_lock(&host->lock);
	l = ch->listener;
	if (l && l->state == SIV_LISTENER_OPEN) {
		siv_channel_get(ch);
		list_add_tail(&ch->queue, &l->queue);
		queued = true;
		wake_up_all(&l->wait);
	}
	mutex_unlock(&host->lock);
	return queued;
}

/* Take a channel off its listener; lock held. The listener's reference is returned. */
static struct siv_listener *siv_listener_unlink(struct siv_channel *ch,
						bool *queued)
{
	struct siv_listener *l = ch->listener;

	siv_host_lock_held(ch->host);
	*queued = !list_empty(&ch->queue);
	list_del_init(&ch->queue);
	ch->listener = NULL;
	if (l)
		l->waiting--;
	return l;
}

bool siv_listener_forget(struct siv_channel *ch)
{
	struct siv_listener *l;
	bool queued;

	mutex_lock(&ch->host->lock);
	l = siv_listener_unlink(ch, &queued);
	mutex_unlock(&ch->host->lock);
	if (l)
		siv_listener_put(l);
	if (queued)
		siv_channel_put(ch);
	return l;
}

/* The first in the queue, with the queue's reference; NULL if there is none. */
static struct siv_channel *siv_listener_take(struct siv_listener *l)
{
	struct siv_listener *had = NULL;
	struct siv_channel *ch;
	bool queued;

	mutex_lock(&l->talk->host->lock);
	ch = list_first_entry_or_null(&l->queue, struct siv_channel, queue);
	if (ch)
		had = siv_listener_unlink(ch, &queued);
	mutex_unlock(&l->talk->host->lock);
	if (had)
		siv_listener_put(had);
	return ch;
}

bool siv_listener_waits(struct siv_host *host)
{
	struct siv_listener *l;

	siv_host_lock_held(host);
	list_for_each_entry(l, &host->listeners, link)
		if (wq_has_sleeper(&l->wait))
			return true;
	return false;
}

static bool siv_listener_ready(struct siv_listener *l)
{
	return !list_empty_careful(&l->queue) ||
	       READ_ONCE(l->state) == SIV_LISTENER_ENDED;
}

/* Seen from the wait queue: the re-check has somebody to run for. */
static bool siv_listener_look(struct siv_listener *l)
{
	siv_host_fallback(l->talk->host);
	return siv_listener_ready(l);
}

/* ----------------------------------------------------------------------- ACCEPT */

static int siv_listener_wait(struct siv_listener *l, u32 timeout_ms)
{
	long left = timeout_ms ? (long)msecs_to_jiffies(timeout_ms) :
				 MAX_SCHEDULE_TIMEOUT;
	long ret;

	ret = wait_event_interruptible_timeout(l->wait, siv_listener_look(l),
					       left);
	if (ret < 0)
		return -EINTR;
	return ret ? 0 : -ETIMEDOUT;
}

static struct siv_channel *siv_listener_next(struct siv_listener *l,
					     bool nonblock, u32 timeout_ms)
{
	struct siv_channel *ch;
	int err;

	for (;;) {
		ch = siv_listener_take(l);
		if (ch)
			return ch;
		if (READ_ONCE(l->state) == SIV_LISTENER_ENDED)
			return ERR_PTR(siv_reason_errno(l->why) ?: -ENODEV);
		if (nonblock)
			return ERR_PTR(-EAGAIN);
		err = siv_listener_wait(l, timeout_ms);
		if (err)
			return ERR_PTR(err);
	}
}

/* Nobody will ever have it. */
static void siv_listener_drop(struct siv_channel *ch)
{
	set_bit(SIV_CHANNEL_CLOSED, &ch->flags);
	siv_channel_client->closed(ch);
	siv_channel_end(ch, SIV_R_NO_LISTENER, false);
}

static long siv_listener_accept(struct file *file, union siv_ioctl_arg *arg)
{
	const struct sivshmem_accept *a = &arg->accept;
	struct siv_listener *l = file->private_data;
	struct siv_device *dev = l->talk->host->dev;
	struct siv_channel *ch;
	struct file *made;
	int fd;

	if (a->flags)
		return siv_refused(dev, SIV_AT_ACCEPT, SIV_R_UNSUPPORTED, 0);
	if (a->reserved)
		return siv_refused(dev, SIV_AT_ACCEPT, SIV_R_ARGUMENT, 0);
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	ch = siv_listener_next(l, file->f_flags & O_NONBLOCK, a->timeout_ms);
	if (IS_ERR(ch)) {
		put_unused_fd(fd);
		return PTR_ERR(ch);
	}
	made = siv_channel_file(ch, 0);
	if (IS_ERR(made))
		siv_listener_drop(ch);
	siv_channel_put(ch);
	if (IS_ERR(made)) {
		put_unused_fd(fd);
		return PTR_ERR(made);
	}
	fd_install(fd, made);
	return fd;
}

static const struct siv_ioctl siv_listener_ioctls[] = {
	SIV_IOCTL(SIVSHMEM_ACCEPT, ACCEPT, struct sivshmem_accept, reserved,
		  false, siv_listener_accept),
};

static long siv_listener_ioctl(struct file *file, unsigned int cmd,
			       unsigned long arg)
{
	return siv_ioctl(siv_listener_ioctls, ARRAY_SIZE(siv_listener_ioctls),
			 file, cmd, arg);
}

static __poll_t siv_listener_poll(struct file *file, poll_table *wait)
{
	struct siv_listener *l = file->private_data;
	__poll_t mask = 0;

	poll_wait(file, &l->wait, wait);
	siv_host_fallback(l->talk->host);
	if (!list_empty_careful(&l->queue))
		mask |= EPOLLIN | EPOLLRDNORM;
	if (READ_ONCE(l->state) == SIV_LISTENER_ENDED)
		mask |= EPOLLERR | EPOLLHUP;
	return mask;
}

/* Whoever waited for ACCEPT is refused. */
static void siv_listener_close(struct siv_listener *l)
{
	struct siv_host *host = l->talk->host;
	struct siv_channel *ch;
	bool ended;

	mutex_lock(&host->lock);
	ended = siv_listener_end(l, SIV_R_NO_LISTENER);
	mutex_unlock(&host->lock);
	if (ended) {
		siv_listener_unsay(l);
		siv_listener_put(l); /* the table's */
	}
	while ((ch = siv_listener_take(l))) {
		siv_listener_drop(ch);
		siv_channel_put(ch);
	}
}

static int siv_listener_release(struct inode *inode, struct file *file)
{
	struct siv_listener *l = file->private_data;

	siv_listener_close(l);
	siv_listener_put(l);
	return 0;
}

static const struct file_operations siv_listener_fops = {
	.owner = THIS_MODULE,
	.release = siv_listener_release,
	.poll = siv_listener_poll,
	.unlocked_ioctl = siv_listener_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

/* -------------------------------------------------------------------- creation */

static struct siv_listener *
siv_listener_alloc(struct siv_talk *talk, const struct sivshmem_listen *ask,
		   char *allow)
{
	struct siv_listener *l = kzalloc(sizeof(*l), GFP_KERNEL);

	if (!l)
		return NULL;
	kref_init(&l->ref);
	INIT_LIST_HEAD(&l->link);
	INIT_LIST_HEAD(&l->queue);
	init_waitqueue_head(&l->wait);
	siv_talk_use_more(talk);
	l->talk = talk;
	l->request = atomic64_inc_return(&talk->host->request);
	l->uflags = ask->flags;
	l->backlog = ask->backlog;
	l->ring_max = ask->ring_max;
	l->uid = current_fsuid();
	l->allow = allow;
	l->allow_len = ask->allow_len;
	return l;
}

/* Into the table: one per identity. */
static enum siv_reason siv_listener_enlist(struct siv_listener *l)
{
	struct siv_talk *talk = l->talk;
	struct siv_host *host = talk->host;
	enum siv_reason r = SIV_OK;

	mutex_lock(&host->lock);
	if (host->ended != SIV_OK)
		r = host->ended;
	else if (talk->state == SIV_TALK_ENDED)
		r = talk->why;
	else if (siv_listener_of(talk))
		r = SIV_R_LISTENING;
	else if (talk->queued >= SIV_TALK_QUEUE_MAX)
		r = SIV_R_RATE; /* each leaves an UNLISTEN behind */
	if (r == SIV_OK) {
		kref_get(&l->ref);
		list_add_tail(&l->link, &host->listeners);
	}
	mutex_unlock(&host->lock);
	return r;
}

/* Until the host has answered. Return: 0 or an errno. */
static int siv_listener_settle(struct siv_listener *l, unsigned int timeout_ms)
{
	unsigned long until = jiffies + msecs_to_jiffies(timeout_ms);
	unsigned int slice = READ_ONCE(siv_fallback_ms);
	long ret, left;

	while (READ_ONCE(l->state) == SIV_LISTENER_ASKING) {
		left = until - jiffies;
		if (left <= 0)
			return siv_refused(l->talk->host->dev, SIV_AT_LISTEN,
					   SIV_R_TIMEOUT, 0);
		if (slice)
			left = min_t(long, left, msecs_to_jiffies(slice) ?: 1);
		ret = wait_event_interruptible_timeout(
			l->wait, READ_ONCE(l->state) != SIV_LISTENER_ASKING,
			left);
		if (ret < 0)
			return -EINTR;
		if (!ret)
			siv_host_kick(l->talk->host);
	}
	return READ_ONCE(l->state) == SIV_LISTENER_OPEN ?
		       0 :
		       siv_reason_errno(l->why);
}

struct file *siv_listener_new(struct siv_talk *talk,
			      const struct sivshmem_listen *ask, char *allow,
			      unsigned int timeout_ms)
{
	struct siv_listener *l = siv_listener_alloc(talk, ask, allow);
	struct file *file;
	enum siv_reason r;
	int err;

	if (!l) {
		kvfree(allow);
		return ERR_PTR(-ENOMEM);
	}
	file = anon_inode_getfile("[sivshmem-listener]", &siv_listener_fops, l,
				  O_RDWR);
	if (IS_ERR(file)) {
		siv_listener_put(l);
		return file;
	}
	r = siv_listener_enlist(l);
	if (r == SIV_OK) {
		/* either this or the talk's going live says it first; twice does no harm */
		if (siv_talk_is_live(talk))
			siv_listener_say(l);
		err = siv_listener_settle(l, timeout_ms);
	} else {
		WRITE_ONCE(l->state, SIV_LISTENER_ENDED);
		l->why = r;
		err = siv_refused(talk->host->dev, SIV_AT_LISTEN, r, 0);
	}
	if (!err)
		return file;
	fput(file);
	return ERR_PTR(err);
}
