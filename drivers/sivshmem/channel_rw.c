// SPDX-License-Identifier: GPL-2.0-only
/*
 * Records by read() and write(): one record per call, copied between user memory and the
 * ring. User memory is touched with page faults off inside the gate; where that copies
 * short, the gate is left, the pages are brought in, and the copy goes on. What fails
 * half way publishes nothing and consumes nothing.
 */
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "channel.h"
#include "event.h"

/* What a look at a ring says. */
enum {
	SIV_LOOK_WAIT = 0,
	SIV_LOOK_READY = 1,
	SIV_LOOK_END = 2,
};

/* A call that may sleep, or may not. */
static bool siv_rw_nowait(const struct kiocb *iocb)
{
	return (iocb->ki_flags & IOCB_NOWAIT) ||
	       (iocb->ki_filp->f_flags & O_NONBLOCK);
}

static int siv_rw_lock(struct mutex *io, const struct kiocb *iocb)
{
	if (siv_rw_nowait(iocb))
		return mutex_trylock(io) ? 0 : -EAGAIN;
	return mutex_lock_interruptible(io) ? -ERESTARTSYS : 0;
}

/* ---------------------------------------------------------------------- write */

static int siv_write_look(struct siv_channel *ch, u64 need, bool arm)
{
	struct siv_tx *ring = &ch->tx.ring;
	enum siv_reason r;
	u64 room;
	int idx;

	lockdep_assert_held(&ch->tx.io);
	if (siv_channel_state(ch) != SIVSHMEM_OPEN)
		return siv_channel_errno(ch);
	if (!siv_channel_enter(ch, &idx))
		return siv_channel_errno(ch);
	r = siv_tx_room(ring, &room);
	if (r == SIV_OK && room < need && arm) {
		siv_channel_arm_tx(ch, siv_tx_target(ring, need), ring->cons);
		r = siv_tx_room(ring, &room);
	}
	siv_channel_peer_marks(ch);
	siv_channel_leave(ch, idx);
	if (test_bit(SIV_CHANNEL_OWN_WR, &ch->flags) ||
	    test_bit(SIV_CHANNEL_PEER_RD, &ch->flags))
		return -EPIPE;
	if (r != SIV_OK)
		return siv_channel_broken(ch, SIV_AT_RING, r);
	return room >= need ? SIV_LOOK_READY : SIV_LOOK_WAIT;
}

/* Until there is room. Return: 0 or an errno. */
static int siv_write_wait(struct siv_channel *ch, u64 need, bool nowait)
{
	int look = siv_write_look(ch, need, false);
	struct siv_spin spin;
	int err;

	if (look == SIV_LOOK_WAIT && !nowait) {
		siv_spin_begin(&spin, &ch->tx.spin_ns);
		while (look == SIV_LOOK_WAIT && siv_spin_more(&spin))
			look = siv_write_look(ch, need, false);
		siv_spin_end(&spin, look != SIV_LOOK_WAIT);
	}
	if (look == SIV_LOOK_WAIT && nowait) {
		/* poll() gives POLLOUT when as much is free */
		WRITE_ONCE(ch->tx.need, need);
		/* edge-triggered epoll does not ask again: ask for the bell here */
		look = siv_write_look(ch, need, true);
		if (look == SIV_LOOK_WAIT)
			return -EAGAIN;
	}
	if (look == SIV_LOOK_WAIT) {
		err = wait_event_interruptible(
			ch->wait, (look = siv_write_look(ch, need, true)));
		if (err)
			return err;
	}
	return look < 0 ? look : 0;
}

/* Part of a record from user memory to @pos of the ring. Return: bytes, or an errno. */
static ssize_t siv_write_chunk(struct siv_channel *ch, u64 pos, size_t n,
			       struct iov_iter *from)
{
	u64 at = pos & (ch->tx.ring.size - 1);
	size_t done;
	int idx;

	n = min_t(u64, n, ch->tx.ring.size - at);
	n = min_t(size_t, n, SIV_CHUNK);
	if (!siv_channel_enter(ch, &idx))
		return siv_channel_errno(ch);
	pagefault_disable();
	done = copy_from_iter(ch->tx.base + at, n, from);
	pagefault_enable();
	siv_channel_leave(ch, idx);
	if (done < n) {
		if (signal_pending(current))
			return -ERESTARTSYS;
		if (fault_in_iov_iter_readable(from, n - done) == n - done)
			return -EFAULT;
	}
	return done;
}

static ssize_t siv_write_plain(struct siv_channel *ch, u64 len,
			       struct iov_iter *from)
{
	u64 pos = ch->tx.ring.prod + SIV_RECORD_HDR;
	u64 done = 0;
	ssize_t n;

	while (done < len) {
		n = siv_write_chunk(ch, pos + done, len - done, from);
		if (n < 0)
			return n;
		done += n;
		cond_resched();
	}
	return 0;
}

/* The record's bytes are in the ring: header and position. */
static int siv_write_publish(struct siv_channel *ch, u64 len)
{
	struct siv_tx *ring = &ch->tx.ring;
	u8 *at = ch->tx.base + siv_tx_offset(ring);
	int idx;

	if (!siv_channel_enter(ch, &idx))
		return siv_channel_errno(ch);
	/* eight bytes, aligned: they never wrap */
	WRITE_ONCE(*(__le64 *)at, cpu_to_le64(len));
	if (siv_tx_publish(ring, siv_ring_need(len)))
		siv_channel_ring(ch);
	siv_channel_leave(ch, idx);
	return 0;
}

static ssize_t siv_write_record(struct siv_channel *ch, u64 len, bool nowait,
				struct iov_iter *from)
{
	bool sealed = siv_channel_sealed(ch);
	u64 inside = sealed ? len + SIV_TAG_LEN : len;
	ssize_t err;

	/* room only grows: nobody else writes */
	err = siv_write_wait(ch, siv_ring_need(inside), nowait);
	if (err)
		return err;
	if (sealed) {
		err = siv_channel_seal_load(ch, len, from);
		if (!err)
			err = siv_channel_seal_put(ch, len);
	} else {
		err = siv_write_plain(ch, len, from);
	}
	if (!err)
		err = siv_write_publish(ch, inside);
	if (err)
		return err;
	WRITE_ONCE(ch->tx.need, 0);
	WRITE_ONCE(ch->tx.records, ch->tx.records + 1);
	WRITE_ONCE(ch->tx.bytes, ch->tx.bytes + len);
	return len;
}

ssize_t siv_channel_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct siv_channel *ch = iocb->ki_filp->private_data;
	u64 len = iov_iter_count(from);
	ssize_t ret;

	ret = siv_channel_claim(ch, SIV_MODE_RW);
	if (ret)
		return ret;
	if (!len)
		return 0;
	if (len > ch->max_record)
		return siv_refused(ch->host->dev, SIV_AT_ACCESS,
				   SIV_R_RECORD_SIZE, ch->cid);
	ret = siv_rw_lock(&ch->tx.io, iocb);
	if (ret)
		return ret;
	ret = siv_write_record(ch, len, siv_rw_nowait(iocb), from);
	mutex_unlock(&ch->tx.io);
	return ret;
}

/* ----------------------------------------------------------------------- read */

/* What ends the peer's stream, looked at before the ring: it was set after the records. */
struct siv_read_ends {
	bool closing;
	bool peer_wr;
	u64 fin;
};

static struct siv_read_ends siv_read_ends(struct siv_channel *ch)
{
	struct siv_read_ends ends;

	siv_channel_peer_marks(ch);
	ends.closing = siv_channel_state(ch) == SIVSHMEM_CLOSING;
	ends.peer_wr = test_bit(SIV_CHANNEL_PEER_WR, &ch->flags);
	/* CLOSE comes after FIN */
	smp_rmb();
	ends.fin = READ_ONCE(ch->rx.fin);
	/* also where another thread has seen the mark: positions after it */
	smp_rmb();
	return ends;
}

/* Nothing is unread: is that all there will be? In the gate. */
static int siv_read_end(struct siv_channel *ch, struct siv_read_ends ends)
{
	if (test_bit(SIV_CHANNEL_OWN_RD, &ch->flags))
		return SIV_LOOK_END;
	if (siv_channel_sealed(ch)) {
		/* only an authenticated end is an end, and only where it says */
		if (ch->rx.ring.cons >= ends.fin)
			return SIV_LOOK_END;
		if (!ends.closing && ends.fin == SIV_NO_FIN)
			return SIV_LOOK_WAIT;
		return siv_refused(ch->host->dev, SIV_AT_SEAL, SIV_R_NO_FIN,
				   ch->cid);
	}
	if (ends.closing || ends.peer_wr)
		return SIV_LOOK_END;
	return SIV_LOOK_WAIT;
}

/* Has everything before the peer's FIN been read? */
static bool siv_read_fin(struct siv_channel *ch)
{
	return ch->rx.ring.cons >= READ_ONCE(ch->rx.fin);
}

/* What the next record is: its header once, in @hdr; its length in @len. */
static int siv_read_look(struct siv_channel *ch, u8 hdr[SIV_RECORD_HDR],
			 u64 *len, bool arm)
{
	struct siv_rx *ring = &ch->rx.ring;
	int look = SIV_LOOK_READY;
	struct siv_read_ends ends;
	enum siv_reason r;
	u64 avail;
	int idx;

	lockdep_assert_held(&ch->rx.io);
	if (siv_channel_state(ch) == SIVSHMEM_ENDED ||
	    !siv_channel_enter(ch, &idx))
		return siv_channel_errno(ch);
	if (siv_read_fin(ch)) {
		siv_channel_leave(ch, idx);
		return SIV_LOOK_END;
	}
	ends = siv_read_ends(ch);
	r = siv_rx_avail(ring, &avail);
	if (r == SIV_OK && !avail && arm) {
		siv_channel_arm_rx(ch, ring->prod + 1);
		ends = siv_read_ends(ch);
		r = siv_rx_avail(ring, &avail);
	}
	if (r == SIV_OK && avail) {
		siv_rx_header_load(hdr, ch->rx.base + siv_rx_offset(ring));
		r = siv_rx_header(ring, hdr, avail, len);
	} else if (r == SIV_OK) {
		look = siv_read_end(ch, ends);
	}
	siv_channel_leave(ch, idx);
	return r == SIV_OK ? look : siv_channel_broken(ch, SIV_AT_RING, r);
}

static int siv_read_wait(struct siv_channel *ch, u8 hdr[SIV_RECORD_HDR],
			 u64 *len, bool nowait)
{
	int look = siv_read_look(ch, hdr, len, false);
	struct siv_spin spin;
	int err;

	if (look == SIV_LOOK_WAIT && !nowait) {
		siv_spin_begin(&spin, &ch->rx.spin_ns);
		while (look == SIV_LOOK_WAIT && siv_spin_more(&spin))
			look = siv_read_look(ch, hdr, len, false);
		siv_spin_end(&spin, look != SIV_LOOK_WAIT);
	}
	if (look == SIV_LOOK_WAIT && nowait) {
		/* edge-triggered epoll does not ask again: ask for the bell here */
		look = siv_read_look(ch, hdr, len, true);
		if (look == SIV_LOOK_WAIT)
			return -EAGAIN;
	}
	if (look == SIV_LOOK_WAIT) {
		err = wait_event_interruptible(
			ch->wait, (look = siv_read_look(ch, hdr, len, true)));
		if (err)
			return err;
	}
	return look;
}

static ssize_t siv_read_chunk(struct siv_channel *ch, u64 pos, size_t n,
			      struct iov_iter *to)
{
	u64 at = siv_index_nospec(pos & (ch->rx.ring.size - 1),
				  ch->rx.ring.size);
	size_t done;
	int idx;

	n = min_t(u64, n, ch->rx.ring.size - at);
	n = min_t(size_t, n, SIV_CHUNK);
	if (!siv_channel_enter(ch, &idx))
		return siv_channel_errno(ch);
	pagefault_disable();
	done = copy_to_iter((const u8 __force *)ch->rx.base + at, n, to);
	pagefault_enable();
	siv_channel_leave(ch, idx);
	if (done < n) {
		if (signal_pending(current))
			return -ERESTARTSYS;
		if (fault_in_iov_iter_writeable(to, n - done) == n - done)
			return -EFAULT;
	}
	return done;
}

static ssize_t siv_read_plain(struct siv_channel *ch, u64 len,
			      struct iov_iter *to)
{
	u64 pos = ch->rx.ring.cons + SIV_RECORD_HDR;
	u64 done = 0;
	ssize_t n;

	while (done < len) {
		n = siv_read_chunk(ch, pos + done, len - done, to);
		if (n < 0)
			return n;
		done += n;
		cond_resched();
	}
	return 0;
}

/* The record was delivered: its room is the peer's again. */
static int siv_read_release(struct siv_channel *ch, u64 need)
{
	int idx;

	if (!siv_channel_enter(ch, &idx))
		return siv_channel_errno(ch);
	if (siv_rx_release(&ch->rx.ring, need))
		siv_channel_ring(ch);
	siv_channel_leave(ch, idx);
	return 0;
}

static ssize_t siv_read_record(struct siv_channel *ch, bool nowait,
			       struct iov_iter *to)
{
	bool sealed = siv_channel_sealed(ch);
	u64 len = ch->rx.held, inside = 0;
	u8 hdr[SIV_RECORD_HDR];
	ssize_t err;
	int look;

	if (!len) {
		look = siv_read_wait(ch, hdr, &inside, nowait);
		if (look < 0 || look == SIV_LOOK_END)
			return look < 0 ? look : 0;
		if (sealed && inside <= SIV_TAG_LEN)
			return siv_channel_broken(ch, SIV_AT_RING,
						  SIV_R_RING_RECORD);
		len = sealed ? inside - SIV_TAG_LEN : inside;
	}
	if (iov_iter_count(to) < len)
		return -EMSGSIZE;
	if (sealed) {
		/* opened once; kept until it could be delivered */
		err = ch->rx.held ? 0 : siv_channel_seal_get(ch, hdr, inside);
		if (!err)
			err = siv_channel_seal_deliver(ch, to);
		inside = len + SIV_TAG_LEN;
	} else {
		err = siv_read_plain(ch, len, to);
	}
	if (!err)
		err = siv_read_release(ch, siv_ring_need(inside));
	if (err)
		return err;
	WRITE_ONCE(ch->rx.held, 0);
	WRITE_ONCE(ch->rx.records, ch->rx.records + 1);
	WRITE_ONCE(ch->rx.bytes, ch->rx.bytes + len);
	return len;
}

ssize_t siv_channel_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct siv_channel *ch = iocb->ki_filp->private_data;
	ssize_t ret;

	ret = siv_channel_claim(ch, SIV_MODE_RW);
	if (ret)
		return ret;
	if (!iov_iter_count(to))
		return 0;
	ret = siv_rw_lock(&ch->rx.io, iocb);
	if (ret)
		return ret;
	ret = siv_read_record(ch, siv_rw_nowait(iocb), to);
	mutex_unlock(&ch->rx.io);
	return ret;
}
