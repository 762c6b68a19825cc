// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waiting: poll(), WAIT, doorbells and the re-check that heals lost ones.
 *
 * Whoever is about to sleep writes its wake-up request, executes a full barrier and looks
 * once more; the peer publishes, executes a full barrier and looks for requests (ring.h).
 * Two waiters share one word: the nearer request stands, and whoever it wakes too early
 * asks again.
 */
#include <linux/sched/clock.h>
#include <linux/sched/signal.h>

#include "channel.h"
#include "event.h"

enum {
	SIV_SPIN_MIN_NS = 2000,
	SIV_SPIN_MAX_NS = 50000,
};

/* ------------------------------------------------------------------- spinning */

void siv_spin_begin(struct siv_spin *spin, unsigned int *ns)
{
	spin->ns = ns;
	/* alone on a processor the peer, or who speaks for it, cannot run meanwhile */
	spin->until =
		local_clock() + (num_online_cpus() > 1 ? READ_ONCE(*ns) : 0);
}

bool siv_spin_more(struct siv_spin *spin)
{
	if (need_resched() || signal_pending(current) ||
	    local_clock() >= spin->until)
		return false;
	cpu_relax();
	return true;
}

void siv_spin_end(struct siv_spin *spin, bool came)
{
	unsigned int ns = READ_ONCE(*spin->ns);

	/* as long as it pays, and hardly at all where it never does */
	ns = came ? ns * 2 + SIV_SPIN_MIN_NS : ns / 2;
	WRITE_ONCE(*spin->ns,
		   clamp_t(unsigned int, ns, SIV_SPIN_MIN_NS, SIV_SPIN_MAX_NS));
}

/* ------------------------------------------------------ what the peer has said */

static siv_pos siv_peer_prod(const struct siv_channel *ch)
{
	/* before the records that it covers; pairs with siv_tx_publish() */
	return siv_peer_acquire(&ch->rx.ring.peer->prod);
}

static siv_pos siv_peer_cons(const struct siv_channel *ch)
{
	/* before what is written where it has read; pairs with siv_rx_release() */
	return siv_peer_acquire(&ch->tx.ring.peer->cons);
}

/* ----------------------------------------------------------- wake-up requests */

void siv_channel_peer_marks(struct siv_channel *ch)
{
	unsigned int marks = siv_end_get(ch->rx.ring.peer);

	if ((marks & SIV_END_WR) && !test_bit(SIV_CHANNEL_PEER_WR, &ch->flags))
		set_bit(SIV_CHANNEL_PEER_WR, &ch->flags);
	if ((marks & SIV_END_RD) && !test_bit(SIV_CHANNEL_PEER_RD, &ch->flags))
		set_bit(SIV_CHANNEL_PEER_RD, &ch->flags);
}

void siv_channel_arm_tx(struct siv_channel *ch, siv_pos target, siv_pos cons)
{
	spin_lock(&ch->lock);
	/* a nearer request that still lies ahead serves this one as well */
	if (!siv_ring_crossed(ch->tx.want, cons, target)) {
		ch->tx.want = target;
		WRITE_ONCE(ch->tx.ring.own->want_cons, target);
	}
	spin_unlock(&ch->lock);
	virt_mb(); /* request, then look; the peer publishes, then looks */
	siv_host_fallback(ch->host);
}

void siv_channel_arm_rx(struct siv_channel *ch, siv_pos target)
{
	spin_lock(&ch->lock);
	/* it only moves on: a late request of another waiter is no step back */
	if ((s64)(target - ch->rx.want) > 0) {
		ch->rx.want = target;
		WRITE_ONCE(ch->rx.ring.own->want_prod, target);
	}
	spin_unlock(&ch->lock);
	virt_mb(); /* request, then look; the peer publishes, then looks */
	siv_host_fallback(ch->host);
}

/* Hard irq. */
void siv_channel_bell_ring(struct siv_bell *bell)
{
	struct siv_channel *ch = container_of(bell, struct siv_channel, bell);

	wake_up_all(&ch->wait);
}

bool siv_channel_bell_recheck(struct siv_bell *bell)
{
	struct siv_channel *ch = container_of(bell, struct siv_channel, bell);
	siv_pos prod, cons, end;
	bool moved;
	int idx;

	if (!wq_has_sleeper(&ch->wait) || !siv_channel_enter(ch, &idx))
		return false;
	prod = siv_peer_read(&ch->rx.ring.peer->prod);
	cons = siv_peer_read(&ch->tx.ring.peer->cons);
	end = siv_peer_read(&ch->rx.ring.peer->end);
	siv_channel_leave(ch, idx);
	moved = prod != ch->seen_prod || cons != ch->seen_cons ||
		end != ch->seen_end;
	ch->seen_prod = prod;
	ch->seen_cons = cons;
	ch->seen_end = end;
	if (moved)
		wake_up_all(&ch->wait);
	return true;
}

/* ----------------------------------------------------------------------- poll */

/* What the rings hold right now, judged without changing anything. */
struct siv_view {
	siv_pos prod; /* our own positions that it was judged by */
	siv_pos cons;
	bool readable;
	bool writable;
	enum siv_reason broken; /* what breaks the ring's rules */
};

/* A whole, well-formed record at @cons? In the gate. */
static void siv_view_record(struct siv_channel *ch, siv_pos cons, u64 avail,
			    struct siv_view *v)
{
	struct siv_rx now = ch->rx.ring;
	u8 hdr[SIV_RECORD_HDR];
	u64 len;

	now.cons = cons;
	siv_rx_header_load(hdr, ch->rx.base + siv_rx_offset(&now));
	v->broken = siv_rx_header(&now, hdr, avail, &len);
	v->readable = v->broken == SIV_OK;
}

/* By read(): a reader may move our consumer meanwhile; then look again. In the gate. */
static void siv_view_rx(struct siv_channel *ch, struct siv_view *v)
{
	siv_pos cons, prod;
	unsigned int i;

	if (READ_ONCE(ch->rx.held)) {
		v->readable = true;
		return;
	}
	for (i = 0; i < 4; i++) {
		cons = READ_ONCE(ch->rx.ring.cons);
		v->cons = cons;
		/* what is behind a proved end is nobody's business, as in read() */
		if (cons >= READ_ONCE(ch->rx.fin))
			break;
		prod = siv_peer_prod(ch);
		if (prod == cons)
			return;
		if (prod - cons <= ch->rx.ring.size && !(prod % 8)) {
			siv_view_record(ch, cons, prod - cons, v);
			if (v->readable)
				return;
		} else {
			v->broken = SIV_R_RING_POSITION;
		}
		/* the record before our position: a reader may have moved that */
		smp_rmb();
		if (READ_ONCE(ch->rx.ring.cons) == cons)
			return;
		v->broken = SIV_OK;
	}
	v->readable = true; /* the end, or busy: somebody is reading */
}

/* In the gate. */
static void siv_view_tx(struct siv_channel *ch, u64 need, struct siv_view *v)
{
	siv_pos prod = READ_ONCE(ch->tx.ring.prod);
	siv_pos cons = siv_peer_cons(ch);

	v->prod = prod;
	/* a position that breaks the rules is found by the next write() */
	v->writable = prod - cons > ch->tx.ring.size ||
		      ch->tx.ring.size - (prod - cons) >= need;
}

/* By mapping: positions are our user's; any record must fit where POLLOUT is given. */
static void siv_view_map(struct siv_channel *ch, struct siv_view *v)
{
	struct siv_side *own = ch->tx.ring.own;
	siv_pos used;

	v->prod = READ_ONCE(own->prod);
	v->cons = READ_ONCE(own->cons);
	used = v->prod - siv_peer_cons(ch);
	v->readable = siv_peer_prod(ch) != v->cons;
	v->writable = used <= ch->tx.ring.size / 2;
}

static void siv_view_take(struct siv_channel *ch, bool map, u64 need,
			  struct siv_view *v)
{
	siv_channel_peer_marks(ch);
	if (map) {
		siv_view_map(ch, v);
	} else {
		siv_view_rx(ch, v);
		siv_view_tx(ch, need, v);
	}
}

/* Ask for what is not there, from where @v saw our positions. In the gate. */
static void siv_view_arm(struct siv_channel *ch, bool map, u64 need,
			 const struct siv_view *v)
{
	struct siv_side *own = ch->tx.ring.own;

	if (map) {
		if (!v->readable)
			WRITE_ONCE(own->want_prod, v->cons + 1);
		if (!v->writable)
			WRITE_ONCE(own->want_cons,
				   v->prod - ch->tx.ring.size / 2);
		virt_mb(); /* as in siv_channel_arm_rx() */
		siv_host_fallback(ch->host);
		return;
	}
	if (!v->readable)
		siv_channel_arm_rx(ch, v->cons + 1);
	if (!v->writable)
		siv_channel_arm_tx(ch, v->prod + need - ch->tx.ring.size,
				   siv_peer_read(&ch->tx.ring.peer->cons));
}

/*
 * Look, ask, look again. Another thread may read or write between the two looks: then what
 * was asked for is behind us, and nobody would ring. In the gate.
 */
static void siv_view_ask(struct siv_channel *ch, bool map, u64 need,
			 struct siv_view *v)
{
	struct siv_view asked = {};
	unsigned int i;

	siv_view_take(ch, map, need, v);
	for (i = 0; i < 4; i++) {
		if (v->broken || (v->readable && v->writable))
			return;
		asked = *v;
		siv_view_arm(ch, map, need, &asked);
		*v = (struct siv_view){};
		siv_view_take(ch, map, need, v);
		if ((v->readable || v->cons == asked.cons) &&
		    (v->writable || v->prod == asked.prod))
			return;
	}
	/* busy: somebody is reading, or writing */
	v->readable |= v->cons != asked.cons;
	v->writable |= v->prod != asked.prod;
}

/* What the state alone says. */
static __poll_t siv_poll_state(struct siv_channel *ch, u32 state)
{
	/* no call waits any more: select() knows of no HUP where it waits for room */
	const __poll_t gone = EPOLLHUP | EPOLLIN | EPOLLRDNORM | EPOLLRDHUP |
			      EPOLLOUT | EPOLLWRNORM;

	if (state == SIVSHMEM_CONNECTING)
		return 0;
	if (state == SIVSHMEM_CLOSING)
		return gone;
	if (state != SIVSHMEM_ENDED)
		return 0;
	/* revoked, broken, or never proved: an error, not only an end */
	if (READ_ONCE(ch->why) == SIV_R_PEER_GONE &&
	    !test_bit(SIV_CHANNEL_ZAP, &ch->flags) &&
	    test_bit(SIV_CHANNEL_OPENED, &ch->flags))
		return gone;
	return EPOLLERR | EPOLLHUP | EPOLLIN | EPOLLRDNORM | EPOLLRDHUP;
}

static __poll_t siv_poll_view(struct siv_channel *ch, const struct siv_view *v)
{
	bool peer_wr = test_bit(SIV_CHANNEL_PEER_WR, &ch->flags);
	bool peer_rd = test_bit(SIV_CHANNEL_PEER_RD, &ch->flags);
	bool fin = siv_channel_sealed(ch) ?
			   READ_ONCE(ch->rx.fin) != SIV_NO_FIN :
			   peer_wr;
	__poll_t mask = 0;

	if (v->readable || fin)
		mask |= EPOLLIN | EPOLLRDNORM;
	if (fin)
		mask |= EPOLLRDHUP;
	if (v->writable || peer_rd)
		mask |= EPOLLOUT | EPOLLWRNORM;
	if (fin && peer_rd)
		mask |= EPOLLHUP;
	return mask;
}

/* Return: the region may still be touched. */
static bool siv_poll_look(struct siv_channel *ch, u64 need, struct siv_view *v)
{
	bool map;
	int idx;

	do {
		map = READ_ONCE(ch->mode) == SIV_MODE_MAP;
		*v = (struct siv_view){};
		if (!siv_channel_enter(ch, &idx))
			return false;
		siv_view_ask(ch, map, need, v);
		siv_channel_leave(ch, idx);
		/* a breach, unless it was mapped meanwhile: its rings are its user's then */
	} while (v->broken != SIV_OK && !map &&
		 READ_ONCE(ch->mode) == SIV_MODE_MAP);
	return true;
}

__poll_t siv_channel_poll(struct file *file, poll_table *wait)
{
	struct siv_channel *ch = file->private_data;
	u64 need = max_t(u64, READ_ONCE(ch->tx.need), siv_ring_need(1));
	struct siv_view v;
	u32 state;

	poll_wait(file, &ch->wait, wait);
	state = siv_channel_state(ch);
	if (state == SIVSHMEM_CONNECTING)
		siv_host_fallback(ch->host);
	if (state == SIVSHMEM_CONNECTING || state == SIVSHMEM_ENDED)
		return siv_poll_state(ch, state);
	if (!siv_poll_look(ch, need, &v))
		return siv_poll_state(ch, SIVSHMEM_ENDED);
	if (v.broken != SIV_OK) {
		siv_channel_broken(ch, SIV_AT_RING, v.broken);
		return siv_poll_state(ch, SIVSHMEM_ENDED);
	}
	return siv_poll_view(ch, &v) | siv_poll_state(ch, state);
}

/* ----------------------------------------------------------------------- WAIT */

/* Has the peer come far enough? 1: yes, or its end mark; 0: no; or an errno. */
static int siv_wait_look(struct siv_channel *ch, const struct sivshmem_wait *w,
			 bool arm)
{
	bool read = w->flags == SIVSHMEM_WAIT_READ;
	struct siv_side *own = ch->rx.ring.own;
	siv_pos at;
	int idx;

	if (siv_channel_state(ch) == SIVSHMEM_ENDED ||
	    !siv_channel_enter(ch, &idx))
		return siv_channel_errno(ch);
	if (arm) {
		if (read)
			WRITE_ONCE(own->want_prod, w->position);
		else
			WRITE_ONCE(own->want_cons, w->position);
		virt_mb(); /* as in siv_channel_arm_rx() */
		siv_host_fallback(ch->host);
	}
	at = read ? siv_peer_prod(ch) : siv_peer_cons(ch);
	siv_channel_peer_marks(ch);
	siv_channel_leave(ch, idx);
	return (s64)(at - w->position) >= 0 ||
	       siv_channel_state(ch) == SIVSHMEM_CLOSING ||
	       test_bit(read ? SIV_CHANNEL_PEER_WR : SIV_CHANNEL_PEER_RD,
			&ch->flags);
}

long siv_channel_wait_ioctl(struct siv_channel *ch,
			    const struct sivshmem_wait *w)
{
	unsigned int *ns = w->flags == SIVSHMEM_WAIT_READ ? &ch->rx.spin_ns :
							    &ch->tx.spin_ns;
	long left = w->timeout_ms == U32_MAX ?
			    MAX_SCHEDULE_TIMEOUT :
			    (long)msecs_to_jiffies(w->timeout_ms);
	struct siv_spin spin;
	long ret;
	int look;

	ret = siv_channel_claim(ch, SIV_MODE_MAP);
	if (ret)
		return ret;
	look = siv_wait_look(ch, w, false);
	if (!look && !w->timeout_ms)
		return -EAGAIN;
	if (!look) {
		siv_spin_begin(&spin, ns);
		while (!look && siv_spin_more(&spin))
			look = siv_wait_look(ch, w, false);
		siv_spin_end(&spin, look);
	}
	if (!look) {
		ret = wait_event_interruptible_timeout(
			ch->wait, (look = siv_wait_look(ch, w, true)), left);
		if (ret < 0)
			return -EINTR;
		if (!look)
			return -ETIMEDOUT;
	}
	return look < 0 ? look : 0;
}
