// SPDX-License-Identifier: GPL-2.0-only
/* The channel: its life, its states, its references. See channel.h. */
#include <linux/cred.h>
#include <linux/rculist.h>
#include <linux/slab.h>

#include "channel.h"
#include "crypto.h"
#include "event.h"
#include "listener.h"
#include "pair.h"
#include "trace.h"

const struct siv_channel_client *siv_channel_client;

void siv_channel_client_set(const struct siv_channel_client *client)
{
	siv_channel_client = client;
}

/* How much of a channel an end takes away. */
enum siv_end_kind {
	SIV_END_DRAIN, /* orderly: what is unread may still be read */
	SIV_END_KEEP,  /* aborted: but a mapping stays until its owner closes */
	SIV_END_ZAP,   /* taken away */
};

/*
 * What the peer does, or is said to have done, takes no mapping away: a peer must not be
 * able to crash its partner. A right that is lost does.
 */
static enum siv_end_kind siv_end_kind(enum siv_reason why)
{
	switch (siv_reason_errno(why)) {
	case -EPIPE:
		return SIV_END_DRAIN;
	case -EPERM:
	case -ENODEV:
	case -ENOKEY:
	case -ESTALE:
	case -EKEYEXPIRED:
	case -EKEYREJECTED:
	case -EKEYREVOKED:
		return SIV_END_ZAP;
	default:
		return SIV_END_KEEP;
	}
}

bool siv_channel_sealed(const struct siv_channel *ch)
{
	return ch->uflags & SIVSHMEM_SEALED;
}

/* ------------------------------------------------------------------ the gate */

bool siv_channel_enter(struct siv_channel *ch, int *idx)
{
	return siv_windows_enter(&ch->windows, idx);
}

void siv_channel_leave(struct siv_channel *ch, int idx)
{
	siv_windows_leave(&ch->windows, idx);
}

void siv_channel_ring(struct siv_channel *ch)
{
	WRITE_ONCE(ch->bells_sent, READ_ONCE(ch->bells_sent) + 1);
	/* the other VM's eventfd for us is always its first */
	siv_device_ring(ch->host->dev, ch->peer, 0);
}

/* --------------------------------------------------------------------- states */

int siv_channel_claim(struct siv_channel *ch, enum siv_channel_mode mode)
{
	enum siv_reason why = SIV_OK;
	int err = 0;

	spin_lock(&ch->lock);
	if (ch->state == SIVSHMEM_CONNECTING)
		why = SIV_R_NOT_OPEN;
	else if (ch->mode == SIV_MODE_NONE && ch->state == SIVSHMEM_ENDED)
		err = siv_channel_errno(ch);
	else if (mode == SIV_MODE_MAP && siv_channel_sealed(ch))
		why = SIV_R_UNSUPPORTED;
	else if (ch->mode == SIV_MODE_NONE)
		WRITE_ONCE(ch->mode, mode);
	else if (ch->mode != mode)
		why = SIV_R_MODE;
	spin_unlock(&ch->lock);
	if (why != SIV_OK)
		return siv_refused(ch->host->dev, SIV_AT_ACCESS, why, ch->cid);
	return err;
}

enum siv_reason siv_channel_why(const struct siv_channel *ch)
{
	enum siv_reason why = READ_ONCE(ch->why);

	/* a handshake that failed leaves a channel that never was one */
	if (!test_bit(SIV_CHANNEL_OPENED, &ch->flags))
		return SIV_R_NOT_OPEN;
	switch (why) {
	case SIV_OK: /* the device's gate has closed; the end is being decided */
		return SIV_R_DEVICE_GONE;
	case SIV_R_RING_POSITION:
	case SIV_R_RING_RECORD:
	case SIV_R_EXHAUSTED:
	case SIV_R_TAG:
	case SIV_R_CRYPTO:
	case SIV_R_EPOCH:
	case SIV_R_DEVICE_GONE:
	case SIV_R_PEER_CLOSED:
		return why;
	default:
		return SIV_R_PEER_GONE;
	}
}

int siv_channel_errno(const struct siv_channel *ch)
{
	return siv_reason_errno(siv_channel_why(ch));
}

static void siv_channel_start_teardown(struct siv_channel *ch)
{
	if (test_and_set_bit(SIV_CHANNEL_TEARDOWN, &ch->flags))
		return;
	WRITE_ONCE(ch->windows.gone, true);
	siv_channel_get(ch);
	queue_work(siv_end_wq, &ch->teardown);
}

/*
 * Decide; true if it is to be torn down now. The first cause is kept; but an orderly close
 * is not the end yet, and who reads what is left is told what then ended it.
 */
static bool siv_channel_decide(struct siv_channel *ch, enum siv_reason why,
			       enum siv_end_kind kind)
{
	bool opened = test_bit(SIV_CHANNEL_OPENED, &ch->flags);
	bool closed = test_bit(SIV_CHANNEL_CLOSED, &ch->flags);

	lockdep_assert_held(&ch->lock);
	if (ch->why == SIV_OK || ch->state == SIVSHMEM_CLOSING)
		WRITE_ONCE(ch->why, why);
	if (kind == SIV_END_ZAP)
		set_bit(SIV_CHANNEL_ZAP, &ch->flags);
	if (kind == SIV_END_DRAIN && opened && !closed) {
		if (ch->state == SIVSHMEM_OPEN)
			siv_channel_state_set(ch, SIVSHMEM_CLOSING);
		return false;
	}
	siv_channel_state_set(ch, SIVSHMEM_ENDED);
	return kind == SIV_END_ZAP || !opened || closed ||
	       ch->mode != SIV_MODE_MAP;
}

/* Return: it is this call that has ended it. */
static bool siv_channel_end_kind(struct siv_channel *ch, enum siv_reason why,
				 enum siv_end_kind kind, bool told)
{
	u32 before, after;
	bool teardown;

	if (told)
		set_bit(SIV_CHANNEL_TOLD, &ch->flags);
	spin_lock(&ch->lock);
	before = ch->state;
	teardown = siv_channel_decide(ch, why, kind);
	after = ch->state;
	spin_unlock(&ch->lock);
	if (before != after)
		trace_siv_channel(ch->host->dev->index, ch->cid, after, why);
	if (teardown)
		siv_channel_start_teardown(ch);
	wake_up_all(&ch->wait);
	return before != SIVSHMEM_ENDED && after == SIVSHMEM_ENDED;
}

void siv_channel_end(struct siv_channel *ch, enum siv_reason why, bool told)
{
	siv_channel_end_kind(ch, why, siv_end_kind(why), told);
}

int siv_channel_broken(struct siv_channel *ch, enum siv_event_place at,
		       enum siv_reason why)
{
	/* of several threads that see the same, one */
	if (!siv_channel_end_kind(ch, why, siv_end_kind(why), false))
		return siv_channel_errno(ch);
	siv_refused(ch->host->dev, at, why, ch->cid);
	return siv_reason_errno(why);
}

/* Its talk, its certificate or its device is over: whatever the cause, nothing stays. */
static void siv_channel_take(struct siv_channel *ch, enum siv_reason why,
			     bool told)
{
	siv_channel_end_kind(ch, why, SIV_END_ZAP, told);
}

/* ------------------------------------------------------------------- teardown */

/* Nobody touches the region after this. */
static void siv_channel_let_go(struct siv_channel *ch)
{
	/* a work that was cancelled gives its reference back here */
	if (cancel_delayed_work_sync(&ch->timeout))
		siv_channel_put(ch);
	if (cancel_delayed_work_sync(&ch->linger))
		siv_channel_put(ch);
	if (cancel_work_sync(&ch->open_work))
		siv_channel_put(ch);
	/* a step of the handshake may be adding the bell: it is over after this */
	mutex_lock(&ch->connect_lock);
	siv_connect_wipe(&ch->connect);
	mutex_unlock(&ch->connect_lock);
	if (ch->belled)
		siv_host_bell_del(ch->host, &ch->bell);
	synchronize_srcu_expedited(&ch->host->dev->srcu);
	siv_windows_zap(&ch->windows);
	siv_channel_seal_wipe(ch);
}

static void siv_channel_teardown_work(struct work_struct *work)
{
	struct siv_channel *ch =
		container_of(work, struct siv_channel, teardown);
	struct siv_host *host = ch->host;

	siv_channel_let_go(ch);
	/* others show their end until they are closed; here nobody will close */
	if (siv_listener_forget(ch))
		siv_channel_client->closed(ch);
	/* the memory may be another channel's as soon as the host hears CLOSED */
	mutex_lock(&host->lock);
	memset(ch->ranges, 0, sizeof(ch->ranges));
	mutex_unlock(&host->lock);
	siv_channel_say_close(ch);

	mutex_lock(&host->lock);
	list_del_init(&ch->link);
	if (!--ch->talk->open)
		wake_up_all(&ch->talk->wait);
	mutex_unlock(&host->lock);
	siv_channel_put(ch); /* the table's */
	siv_channel_put(ch); /* the work's */
}

/* ------------------------------------------------------------- the owner's end */

/* Has the peer read all that we wrote, or will it read no more? In the gate. */
static bool siv_channel_drained(struct siv_channel *ch)
{
	const struct siv_side __peer *peer = ch->tx.ring.peer;
	siv_pos prod, cons;

	siv_channel_peer_marks(ch);
	/* by mapping the position is our user's: a wrong one only costs the linger time */
	prod = ch->mode == SIV_MODE_MAP ? READ_ONCE(ch->tx.ring.own->prod) :
					  ch->tx.ring.prod;
	cons = siv_peer_read(&peer->cons);
	return prod == cons || test_bit(SIV_CHANNEL_PEER_RD, &ch->flags);
}

static void siv_channel_linger_work(struct work_struct *work)
{
	struct siv_channel *ch =
		container_of(to_delayed_work(work), struct siv_channel, linger);
	bool drained;
	int idx;

	/* whoever has closed the gate ends it, and has the cause */
	if (!siv_channel_enter(ch, &idx)) {
		siv_channel_put(ch);
		return;
	}
	drained = siv_channel_drained(ch);
	siv_channel_leave(ch, idx);
	if (drained || siv_host_now_ms() >= ch->linger_until_ms) {
		siv_channel_end(ch, SIV_R_PEER_CLOSED, false);
		siv_channel_put(ch);
		return;
	}
	ch->linger_ms = min(2 * ch->linger_ms, 128U);
	if (!queue_delayed_work(siv_end_wq, &ch->linger,
				msecs_to_jiffies(ch->linger_ms)))
		siv_channel_put(ch);
}

/* Set our end marks and tell the peer; the direction is quiet. */
static void siv_channel_mark(struct siv_channel *ch, unsigned int marks,
			     u64 position)
{
	struct siv_side *own = ch->tx.ring.own;
	unsigned int all = 0;
	int idx;

	if (!siv_channel_enter(ch, &idx))
		return;
	if (marks & SIV_END_WR)
		set_bit(SIV_CHANNEL_OWN_WR, &ch->flags);
	if (marks & SIV_END_RD)
		set_bit(SIV_CHANNEL_OWN_RD, &ch->flags);
	if (test_bit(SIV_CHANNEL_OWN_WR, &ch->flags))
		all |= SIV_END_WR;
	if (test_bit(SIV_CHANNEL_OWN_RD, &ch->flags))
		all |= SIV_END_RD;
	if ((marks & SIV_END_WR) && ch->mode == SIV_MODE_MAP &&
	    position != U64_MAX)
		virt_store_release(&own->prod, position); /* then the mark */
	siv_end_set(own, all);
	siv_channel_ring(ch);
	siv_channel_leave(ch, idx);
}

int siv_channel_shutdown(struct siv_channel *ch, unsigned int marks,
			 u64 position)
{
	u32 state = siv_channel_state(ch);
	u64 prod;

	if (state == SIVSHMEM_CONNECTING)
		return siv_refused(ch->host->dev, SIV_AT_SHUTDOWN,
				   SIV_R_NOT_OPEN, ch->cid);
	if (state == SIVSHMEM_ENDED)
		return siv_channel_errno(ch);
	/* a writer that waits for room sees the bit and leaves */
	if (marks & SIV_END_WR)
		set_bit(SIV_CHANNEL_OWN_WR, &ch->flags);
	if (marks & SIV_END_RD)
		set_bit(SIV_CHANNEL_OWN_RD, &ch->flags);
	wake_up_all(&ch->wait);
	if (mutex_lock_interruptible(&ch->tx.io))
		return -EINTR;
	prod = ch->tx.ring.prod;
	siv_channel_mark(ch, marks, position);
	mutex_unlock(&ch->tx.io);
	if ((marks & SIV_END_WR) && siv_channel_sealed(ch))
		siv_channel_send_fin(ch, prod);
	return 0;
}

void siv_channel_close(struct siv_channel *ch)
{
	bool linger, teardown = false, over = false;

	siv_channel_client->closed(ch);
	spin_lock(&ch->lock);
	set_bit(SIV_CHANNEL_CLOSED, &ch->flags);
	linger = ch->state == SIVSHMEM_OPEN;
	if (ch->state == SIVSHMEM_CLOSING || ch->state == SIVSHMEM_ENDED) {
		over = ch->state == SIVSHMEM_CLOSING;
		siv_channel_state_set(ch, SIVSHMEM_ENDED);
		teardown = true;
	}
	spin_unlock(&ch->lock);
	if (over)
		trace_siv_channel(ch->host->dev->index, ch->cid, SIVSHMEM_ENDED,
				  ch->why);
	/* again: who accepts and closes at once may be faster than opened() */
	siv_channel_client->closed(ch);
	if (teardown) {
		siv_channel_start_teardown(ch);
		return;
	}
	if (!linger) {
		siv_channel_end(ch, SIV_R_PEER_CLOSED, false);
		return;
	}
	/* no file, so nobody is in read() or write() */
	siv_channel_mark(ch, SIV_END_WR | SIV_END_RD, U64_MAX);
	if (siv_channel_sealed(ch))
		siv_channel_send_fin(ch, ch->tx.ring.prod);
	ch->linger_ms = 1;
	ch->linger_until_ms = siv_host_now_ms() + SIV_LINGER_MS;
	siv_channel_get(ch);
	siv_channel_linger_work(&ch->linger.work);
}

/* ----------------------------------------------------------------- references */

void siv_channel_get(struct siv_channel *ch)
{
	kref_get(&ch->ref);
}

static void siv_channel_free_rcu(struct rcu_head *rcu)
{
	kfree_sensitive(container_of(rcu, struct siv_channel, rcu));
}

static void siv_channel_free(struct kref *ref)
{
	struct siv_channel *ch = container_of(ref, struct siv_channel, ref);
	struct siv_host *host = ch->host;

	siv_channel_seal_free(ch);
	siv_aead_free(ch->hs);
	kfree_sensitive(ch->grant);
	if (ch->pair)
		siv_pair_put(ch->pair);
	siv_talk_unuse(ch->talk);
	/* before the host's reference: module exit waits for that, then for RCU */
	call_rcu(&ch->rcu, siv_channel_free_rcu);
	siv_host_put(host);
}

void siv_channel_put(struct siv_channel *ch)
{
	kref_put(&ch->ref, siv_channel_free);
}

static void siv_channel_setup(struct siv_channel *ch)
{
	kref_init(&ch->ref);
	INIT_LIST_HEAD(&ch->link);
	INIT_LIST_HEAD(&ch->queue);
	spin_lock_init(&ch->lock);
	init_waitqueue_head(&ch->wait);
	mutex_init(&ch->connect_lock);
	mutex_init(&ch->tx.io);
	mutex_init(&ch->tx.seal);
	mutex_init(&ch->rx.io);
	mutex_init(&ch->rx.seal);
	INIT_DELAYED_WORK(&ch->timeout, siv_channel_timeout_work);
	INIT_DELAYED_WORK(&ch->linger, siv_channel_linger_work);
	INIT_WORK(&ch->open_work, siv_channel_open_work);
	INIT_WORK(&ch->teardown, siv_channel_teardown_work);
	ch->bell.ring = siv_channel_bell_ring;
	ch->bell.recheck = siv_channel_bell_recheck;
	ch->started_ns = ktime_get_ns();
	ch->minor = SIVSHMEM_NO_MINOR;
	ch->rx.fin = SIV_NO_FIN;
	ch->uid = current_fsuid();
}

/* Put it in the table, unless there is none any more. */
static enum siv_reason siv_channel_enlist(struct siv_channel *ch)
{
	struct siv_talk *talk = ch->talk;
	struct siv_host *host = ch->host;
	enum siv_reason r = SIV_OK;

	mutex_lock(&host->lock);
	if (host->ended != SIV_OK) {
		r = host->ended;
	} else if (host->leaving != SIV_OK) {
		r = host->leaving;
	} else if (talk->state == SIV_TALK_ENDED) {
		r = talk->why;
	} else {
		siv_channel_get(ch);
		list_add_tail(&ch->link, &host->channels);
		talk->open++;
	}
	mutex_unlock(&host->lock);
	return r;
}

/* Its transforms: for the handshake, and for records. */
static enum siv_reason siv_channel_prepare(struct siv_channel *ch)
{
	int err;

	ch->hs = siv_aead_alloc(GFP_KERNEL);
	if (!ch->hs)
		return SIV_R_NO_MEMORY;
	err = siv_aead_prepare(ch->hs, ch->suite);
	if (!err && siv_channel_sealed(ch))
		err = siv_channel_seal_init(ch, ch->suite);
	switch (err) {
	case 0:
		return SIV_OK;
	case -EPROTONOSUPPORT:
		return SIV_R_SUITE;
	case -ENOMEM:
		return SIV_R_NO_MEMORY;
	default:
		return SIV_R_CRYPTO;
	}
}

enum siv_reason siv_channel_alloc(struct siv_talk *talk, bool a, u32 uflags,
				  u16 suite, struct siv_channel **out)
{
	struct siv_channel *ch = kzalloc(sizeof(*ch), GFP_KERNEL);
	struct siv_host *host = talk->host;
	enum siv_reason r;

	if (!ch)
		return SIV_R_NO_MEMORY;
	siv_channel_setup(ch);
	siv_talk_use_more(talk);
	ch->talk = talk;
	siv_host_get(host);
	ch->host = host;
	siv_windows_init(&ch->windows, host->dev);
	ch->a = a;
	ch->uflags = uflags;
	ch->suite = suite;
	memcpy(ch->epoch, host->dev->epoch, sizeof(ch->epoch));
	memcpy(ch->region, host->dev->region, sizeof(ch->region));
	r = siv_channel_prepare(ch);
	if (r == SIV_OK)
		r = siv_channel_enlist(ch);
	if (r != SIV_OK) {
		siv_channel_put(ch);
		return r;
	}
	trace_siv_channel(host->dev->index, 0, ch->state, SIV_OK);
	*out = ch;
	return SIV_OK;
}

/* ------------------------------------------------------- the host's messages */

struct siv_channel *siv_channel_by_cid(struct siv_talk *talk, u64 cid)
{
	struct siv_channel *ch;

	siv_host_lock_held(talk->host);
	if (!cid)
		return NULL;
	list_for_each_entry(ch, &talk->host->channels, link)
		if (ch->cid == cid && ch->talk == talk) {
			siv_channel_get(ch);
			return ch;
		}
	return NULL;
}

/* What CLOSE says: of a channel that was open, a silence is a peer that is gone. */
static enum siv_reason siv_channel_close_why(const struct siv_channel *ch,
					     u32 code)
{
	enum siv_reason why = code ? siv_reason_from_code(code) :
				     SIV_R_PEER_CLOSED;

	if (why == SIV_R_TIMEOUT && test_bit(SIV_CHANNEL_OPENED, &ch->flags))
		return SIV_R_PEER_GONE;
	return why;
}

static void siv_channel_got_close(struct siv_talk *talk, struct siv_span body)
{
	const struct siv_close *m = (const struct siv_close *)body.p;
	struct siv_close closed = { .cid = m->cid };
	u32 code = le32_to_cpu(m->code);
	struct siv_channel *ch;
	enum siv_reason why;

	mutex_lock(&talk->host->lock);
	ch = siv_channel_by_cid(talk, le64_to_cpu(m->cid));
	mutex_unlock(&talk->host->lock);
	if (!ch) {
		/* ended here already, or never begun */
		siv_talk_say(talk, SIV_MSG_CLOSED, &closed, sizeof(closed));
		return;
	}
	why = siv_channel_close_why(ch, code);
	siv_channel_end(ch, why, true);
	/* a right was lost: perhaps the identity's, and then a new session says so */
	if (siv_end_kind(why) == SIV_END_ZAP)
		siv_talk_doubt(talk);
	siv_channel_put(ch);
}

static void siv_channel_message(struct siv_talk *talk, u16 type,
				struct siv_span body)
{
	switch (type) {
	case SIV_MSG_RESULT:
		siv_listener_got_result(talk, body);
		break;
	case SIV_MSG_INCOMING:
		siv_channel_got_incoming(talk, body);
		break;
	case SIV_MSG_GRANT_A:
		siv_channel_got_grant_a(talk, body);
		break;
	case SIV_MSG_GRANT_B:
		siv_channel_got_grant_b(talk, body);
		break;
	case SIV_MSG_FIN:
		siv_channel_got_fin(talk, body);
		break;
	case SIV_MSG_CLOSE:
		siv_channel_got_close(talk, body);
		break;
	case SIV_MSG_FAILED:
		siv_channel_got_failed(talk, body);
		break;
	default:
		/* acknowledgements and the like were handled by the session */
		break;
	}
}

/* A channel of @talk, or of any, that wants to send OPEN: with a reference. */
static struct siv_channel *siv_channel_wanting(struct siv_talk *talk)
{
	struct siv_channel *ch, *found = NULL;

	mutex_lock(&talk->host->lock);
	list_for_each_entry(ch, &talk->host->channels, link)
		if (ch->talk == talk &&
		    test_bit(SIV_CHANNEL_WANTS, &ch->flags)) {
			siv_channel_get(ch);
			found = ch;
			break;
		}
	mutex_unlock(&talk->host->lock);
	return found;
}

static void siv_channel_live(struct siv_talk *talk)
{
	struct siv_channel *ch;

	siv_listener_live(talk);
	while ((ch = siv_channel_wanting(talk))) {
		siv_channel_send_open(ch);
		siv_channel_put(ch);
	}
}

static void siv_channel_talk_ended(struct siv_talk *talk, enum siv_reason why)
{
	struct siv_channel *ch;

	siv_listener_ended(talk->host, talk, why);
	mutex_lock(&talk->host->lock);
	list_for_each_entry(ch, &talk->host->channels, link)
		if (ch->talk == talk)
			siv_channel_take(ch, why, false);
	mutex_unlock(&talk->host->lock);
}

/* The first channel that is still in the table, with a reference. */
static struct siv_channel *siv_channel_first(struct siv_host *host)
{
	struct siv_channel *ch;

	mutex_lock(&host->lock);
	ch = list_first_entry_or_null(&host->channels, struct siv_channel,
				      link);
	if (ch)
		siv_channel_get(ch);
	mutex_unlock(&host->lock);
	return ch;
}

static void siv_channel_quiesce(struct siv_host *host, enum siv_reason why)
{
	struct siv_channel *ch;

	siv_listener_ended(host, NULL, why);
	mutex_lock(&host->lock);
	list_for_each_entry(ch, &host->channels, link) {
		siv_channel_client->closed(ch);
		siv_channel_take(ch, why, true);
	}
	mutex_unlock(&host->lock);
	/* each teardown takes its channel out of the table */
	while ((ch = siv_channel_first(host))) {
		flush_work(&ch->teardown);
		siv_channel_put(ch);
	}
	siv_channel_client->gone(host);
}

static void siv_channel_tick(struct siv_host *host)
{
	s64 now = siv_host_time(host);
	struct siv_channel *ch;

	mutex_lock(&host->lock);
	list_for_each_entry(ch, &host->channels, link)
		if (test_bit(SIV_CHANNEL_OPENED, &ch->flags) &&
		    now > ch->not_after &&
		    !test_bit(SIV_CHANNEL_ZAP, &ch->flags)) {
			siv_refused(host->dev, SIV_AT_CHANNEL,
				    SIV_R_CERT_EXPIRED, ch->cid);
			siv_channel_take(ch, SIV_R_CERT_EXPIRED, false);
		}
	mutex_unlock(&host->lock);
}

/* What only the host can end: a handshake, or the wait for a sealed stream's proved end. */
static bool siv_channel_waits(struct siv_host *host)
{
	struct siv_channel *ch;
	bool waits;

	mutex_lock(&host->lock);
	waits = siv_listener_waits(host);
	list_for_each_entry(ch, &host->channels, link)
		if ((siv_channel_state(ch) == SIVSHMEM_CONNECTING ||
		     siv_channel_sealed(ch)) &&
		    wq_has_sleeper(&ch->wait))
			waits = true;
	mutex_unlock(&host->lock);
	return waits;
}

static const struct siv_host_client siv_channel_host_client = {
	.message = siv_channel_message,
	.live = siv_channel_live,
	.ended = siv_channel_talk_ended,
	.quiesce = siv_channel_quiesce,
	.tick = siv_channel_tick,
	.waits = siv_channel_waits,
};

int siv_channel_init(void)
{
	siv_host_client_set(&siv_channel_host_client);
	return 0;
}

void siv_channel_exit(void)
{
	/* channels are freed after an RCU grace period */
	rcu_barrier();
}
