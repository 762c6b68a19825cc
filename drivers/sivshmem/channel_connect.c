// SPDX-License-Identifier: GPL-2.0-only
/*
 * The connect handshake at either end: Noise_NNpsk2 through the host (protocol.rst,
 * "Connect"). Certificates and secrets are judged before connect_lock is taken; the lock
 * covers one step of struct siv_connect.
 */
#include <linux/ktime.h>
#include <linux/slab.h>

#include "channel.h"
#include "crypto.h"
#include "event.h"
#include "listener.h"
#include "pair.h"
#include "trace.h"

/* INCOMING on its way to the crypto workqueue. */
struct siv_incoming_work {
	struct work_struct work;
	struct siv_talk *talk;
	u64 started_ns;
	size_t len;
	u8 body[];
};

static struct siv_span siv_str(const char *s)
{
	return (struct siv_span){ .p = (const u8 *)s, .n = strlen(s) };
}

static void siv_hash_str(u8 out[SIV_HASH_LEN], const char *s)
{
	struct siv_span span = siv_str(s);

	siv_sha256v(out, &span, 1);
}

static void siv_name_copy(char out[SIV_NAME_LEN], struct siv_span name)
{
	size_t n = min_t(size_t, name.n, SIV_NAME_LEN - 1);

	memcpy(out, name.p, n);
	memset(out + n, 0, SIV_NAME_LEN - n);
}

/*
 * A certificate comes once in a session, and is remembered even if what it came with is
 * refused, or is for nobody any more. Not judged here, but for its form.
 */
static void siv_channel_remember(struct siv_talk *talk,
				 const u8 hash[SIV_HASH_LEN],
				 struct siv_span der)
{
	struct siv_pair *pair;

	if (der.n && siv_pair_find(talk, hash, der, &pair) == SIV_OK)
		siv_pair_put(pair);
}

/* What both ends know without the other. */
static void siv_channel_ids(struct siv_channel *ch, struct siv_connect_ids *ids)
{
	struct siv_host *host = ch->host;

	memset(ids, 0, sizeof(*ids));
	ids->suite = ch->suite;
	ids->flags = siv_channel_sealed(ch) ? SIV_CH_SEALED : 0;
	memcpy(ids->epoch, ch->epoch, sizeof(ids->epoch));
	siv_hash_str(ids->region_hash, ch->region);
	siv_hash_str(ids->service_hash, ch->service);
	memcpy(ids->cert_host, host->host_hash, sizeof(ids->cert_host));
}

/* -------------------------------------------------------------- both: opened */

/* What is granted may not touch what another live channel of ours has. */
static enum siv_reason siv_channel_reserve(struct siv_channel *ch)
{
	struct siv_host *host = ch->host;
	enum siv_reason r = SIV_OK;
	struct siv_range want[2];
	struct siv_channel *other;
	unsigned int i, j;

	siv_common_ranges(&ch->connect.common, &host->dev->geo, want);
	mutex_lock(&host->lock);
	list_for_each_entry(other, &host->channels, link)
		for (i = 0; i < 2; i++)
			for (j = 0; j < 2; j++)
				if (other != ch && other->ranges[j].len &&
				    siv_range_overlap(&want[i],
						      &other->ranges[j]))
					r = SIV_R_RANGE;
	if (r == SIV_OK)
		memcpy(ch->ranges, want, sizeof(ch->ranges));
	mutex_unlock(&host->lock);
	return r;
}

static struct siv_window siv_channel_window(const struct siv_device *dev,
					    const void __peer *at, u64 len)
{
	return (struct siv_window){
		.start = (const u8 __peer *)at - (const u8 __peer *)dev->base,
		.len = len,
	};
}

/* The rings, on clean memory; what COMMON says was checked against the geometry. */
static void siv_channel_rings(struct siv_channel *ch)
{
	const struct siv_common *c = &ch->connect.common;
	struct siv_window *window = ch->windows.window;
	struct siv_device *dev = ch->host->dev;
	u8 __peer *side_a = (u8 __peer *)dev->base + le64_to_cpu(c->side_off);
	u8 __peer *side_b = side_a + dev->geo.granule;
	u8 __peer *ab = (u8 __peer *)dev->base + le64_to_cpu(c->ring_ab_off);
	u8 __peer *ba = (u8 __peer *)dev->base + le64_to_cpu(c->ring_ba_off);
	u64 ab_len = le64_to_cpu(c->ring_ab_len);
	u64 ba_len = le64_to_cpu(c->ring_ba_len);
	u8 __peer *own_side = ch->a ? side_a : side_b;
	u8 __peer *tx = ch->a ? ab : ba;
	struct siv_side *own = (struct siv_side __force *)own_side;
	const struct siv_side __peer *peer =
		(const struct siv_side __peer *)(ch->a ? side_b : side_a);

	siv_tx_init(&ch->tx.ring, own, peer, ch->a ? ab_len : ba_len);
	siv_rx_init(&ch->rx.ring, own, peer, ch->a ? ba_len : ab_len);
	ch->tx.base = (u8 __force *)tx;
	ch->rx.base = ch->a ? ba : ab;
	window[SIVSHMEM_WIN_CTL_OWN] =
		siv_channel_window(dev, own_side, dev->geo.granule);
	window[SIVSHMEM_WIN_CTL_PEER] =
		siv_channel_window(dev, peer, dev->geo.granule);
	window[SIVSHMEM_WIN_TX] = siv_channel_window(dev, tx, ch->tx.ring.size);
	window[SIVSHMEM_WIN_RX] =
		siv_channel_window(dev, ch->rx.base, ch->rx.ring.size);
	ch->max_record = siv_ring_max_record(ch->tx.ring.size);
	if (siv_channel_sealed(ch))
		ch->max_record = min_t(u64, ch->max_record - SIV_TAG_LEN,
				       dev->geo.sealed_max);
}

/*
 * The peer is proved: from here on the channel may be used. connect_lock held, so that a
 * teardown comes wholly before or wholly after.
 */
static enum siv_reason siv_channel_opened(struct siv_channel *ch,
					  struct siv_pair *pair)
{
	const struct siv_common *c = &ch->connect.common;
	struct siv_host *host = ch->host;
	enum siv_reason r;
	bool live;

	lockdep_assert_held(&ch->connect_lock);
	r = siv_channel_reserve(ch);
	if (r != SIV_OK)
		return r;
	ch->common = *c;
	ch->peer = le32_to_cpu(ch->a ? c->peer_b : c->peer_a);
	ch->vector = le16_to_cpu(ch->a ? c->vector_a : c->vector_b);
	siv_channel_rings(ch);
	if (siv_channel_sealed(ch)) {
		r = siv_channel_seal_start(ch);
		if (r != SIV_OK)
			return r;
	}
	memcpy(ch->peer_cert, pair->cert.hash, sizeof(ch->peer_cert));
	siv_name_copy(ch->peer_vm, pair->cert.vm);
	siv_name_copy(ch->peer_service, pair->cert.service);
	ch->not_after = min3(pair->cert.not_after,
			     ch->talk->cert->cert.not_after,
			     READ_ONCE(host->host_not_after));
	ch->bell.vector = ch->vector;
	if (siv_host_bell_add(host, &ch->bell))
		return SIV_R_RANGE;
	ch->belled = true;
	ch->bells_before = atomic64_read(&host->dev->bells[ch->vector]);
	ch->handshake_ns = ktime_get_ns() - ch->started_ns;

	spin_lock(&ch->lock);
	live = ch->state == SIVSHMEM_CONNECTING;
	if (live) {
		set_bit(SIV_CHANNEL_OPENED, &ch->flags);
		siv_channel_state_set(ch, SIVSHMEM_OPEN);
	}
	spin_unlock(&ch->lock);
	if (!live)
		return SIV_R_STATE;
	trace_siv_channel(host->dev->index, ch->cid, SIVSHMEM_OPEN, SIV_OK);
	return SIV_OK;
}

/* ------------------------------------------------------------------ A: OPEN */

void siv_channel_send_open(struct siv_channel *ch)
{
	struct siv_host *host = ch->host;
	struct siv_connect_ids ids;
	struct siv_ephemeral e;
	struct siv_open open;
	enum siv_reason r;

	if (!test_and_clear_bit(SIV_CHANNEL_WANTS, &ch->flags))
		return;
	r = siv_pool_take(ch->talk, &e);
	if (r == SIV_OK) {
		mutex_lock(&ch->connect_lock);
		siv_channel_ids(ch, &ids);
		ids.ring_ab = ch->ring_tx;
		ids.ring_ba = ch->ring_rx;
		ids.peer_a = host->dev->peer;
		memcpy(ids.cert_a, ch->talk->cert->cert.hash,
		       sizeof(ids.cert_a));
		r = siv_connect_open(&ch->connect, &ids, e.priv, e.pub,
				     ch->request, siv_str(ch->service),
				     siv_str(ch->vm), &open);
		mutex_unlock(&ch->connect_lock);
		siv_wipe(&e, sizeof(e));
	}
	if (r == SIV_OK &&
	    siv_talk_say(ch->talk, SIV_MSG_OPEN, &open, sizeof(open)))
		r = SIV_R_HOST_GONE;
	if (r != SIV_OK) {
		siv_refused(host->dev, SIV_AT_CONNECT, r, 0);
		siv_channel_end(ch, r, false);
	}
}

void siv_channel_timeout_work(struct work_struct *work)
{
	struct siv_channel *ch = container_of(to_delayed_work(work),
					      struct siv_channel, timeout);

	if (siv_channel_state(ch) == SIVSHMEM_CONNECTING) {
		siv_refused(ch->host->dev, SIV_AT_CONNECT, SIV_R_TIMEOUT,
			    ch->cid);
		siv_channel_end(ch, SIV_R_TIMEOUT, false);
	}
	siv_channel_put(ch);
}

static void siv_channel_set_timeout(struct siv_channel *ch, unsigned int ms)
{
	siv_channel_get(ch);
	if (!queue_delayed_work(siv_end_wq, &ch->timeout, msecs_to_jiffies(ms)))
		siv_channel_put(ch);
}

void siv_channel_connect(struct siv_channel *ch,
			 const struct siv_connect_ask *ask,
			 unsigned int timeout_ms)
{
	strscpy(ch->service, ask->service, sizeof(ch->service));
	strscpy(ch->vm, ask->vm, sizeof(ch->vm));
	ch->ring_tx = ask->ring_tx;
	ch->ring_rx = ask->ring_rx;
	ch->request = atomic64_inc_return(&ch->host->request);
	if (ch->uflags & SIVSHMEM_NONBLOCK)
		siv_channel_set_timeout(ch, timeout_ms);
	set_bit(SIV_CHANNEL_WANTS, &ch->flags);
	/* either this or the talk's going live sees the other */
	smp_mb__after_atomic();
	if (siv_talk_is_live(ch->talk))
		siv_channel_send_open(ch);
}

/* ----------------------------------------------------------------- A: GRANT_A */

/* Certificate of B: who it must be. */
static enum siv_reason siv_channel_judge_b(struct siv_channel *ch,
					   const struct siv_grant_a *g,
					   struct siv_span der,
					   struct siv_pair **pair)
{
	enum siv_reason r;

	r = siv_pair_find(ch->talk, g->cert_hash, der, pair);
	if (r != SIV_OK)
		return r;
	r = siv_cert_is(&(*pair)->cert, SIV_CERT_ENDPOINT, siv_str(ch->region),
			siv_str(ch->vm), siv_str(ch->service));
	if (r == SIV_OK)
		r = siv_pair_verify(ch->talk, *pair,
				    le32_to_cpu(g->common.peer_b));
	if (r != SIV_OK) {
		siv_pair_put(*pair);
		*pair = NULL;
	}
	return r;
}

/* Noise, COMMON and the rings, then CONFIRM. */
static enum siv_reason siv_channel_step_a(struct siv_channel *ch,
					  const struct siv_grant_a *g,
					  struct siv_pair *pair,
					  const u8 prk[SIV_HASH_LEN])
{
	struct siv_confirm confirm;
	enum siv_reason r;
	u64 start;

	mutex_lock(&ch->connect_lock);
	start = ktime_get_ns();
	if (READ_ONCE(ch->why) != SIV_OK)
		r = SIV_R_STATE;
	else
		r = siv_connect_granted(&ch->connect, ch->hs, g,
					pair->cert.hash, prk,
					&ch->host->dev->geo, &confirm);
	ch->x25519_ns += ktime_get_ns() - start;
	if (r == SIV_OK)
		r = siv_channel_opened(ch, pair);
	mutex_unlock(&ch->connect_lock);
	if (r == SIV_OK &&
	    siv_talk_say(ch->talk, SIV_MSG_CONFIRM, &confirm, sizeof(confirm)))
		r = SIV_R_HOST_GONE;
	return r;
}

/* The whole grant, once, in the ioctl of the caller or in open_work. */
static void siv_channel_judge(struct siv_channel *ch)
{
	struct siv_grant_a *g = xchg(&ch->grant, NULL);
	struct siv_span der = {};
	struct siv_pair *pair;
	u8 prk[SIV_HASH_LEN];
	enum siv_reason r;

	if (!g)
		return;
	der.p = (const u8 *)(g + 1);
	der.n = le32_to_cpu(g->cert_len);
	r = siv_channel_judge_b(ch, g, der, &pair);
	if (r == SIV_OK) {
		r = siv_pair_secret(ch->talk, pair, prk, &ch->x25519_ns);
		if (r == SIV_OK)
			r = siv_channel_step_a(ch, g, pair, prk);
		siv_wipe(prk, sizeof(prk));
		siv_pair_put(pair);
	}
	kfree_sensitive(g);
	if (r == SIV_OK) {
		siv_channel_client->opened(ch);
	} else if (READ_ONCE(ch->why) == SIV_OK) {
		siv_refused(ch->host->dev, SIV_AT_GRANT, r, ch->cid);
		siv_channel_end(ch, r, false);
	}
	wake_up_all(&ch->wait);
}

void siv_channel_open_work(struct work_struct *work)
{
	struct siv_channel *ch =
		container_of(work, struct siv_channel, open_work);

	siv_channel_judge(ch);
	siv_channel_put(ch);
}

static bool siv_channel_connect_moves(struct siv_channel *ch)
{
	return READ_ONCE(ch->grant) ||
	       siv_channel_state(ch) != SIVSHMEM_CONNECTING;
}

int siv_channel_connect_wait(struct siv_channel *ch, unsigned int timeout_ms)
{
	unsigned long until = jiffies + msecs_to_jiffies(timeout_ms);
	unsigned int slice = READ_ONCE(siv_fallback_ms);
	long ret;

	while (siv_channel_state(ch) == SIVSHMEM_CONNECTING) {
		long left = until - jiffies;

		if (left <= 0) {
			siv_refused(ch->host->dev, SIV_AT_CONNECT,
				    SIV_R_TIMEOUT, ch->cid);
			siv_channel_end(ch, SIV_R_TIMEOUT, false);
			break;
		}
		if (slice)
			left = min_t(long, left, msecs_to_jiffies(slice) ?: 1);
		ret = wait_event_interruptible_timeout(
			ch->wait, siv_channel_connect_moves(ch), left);
		if (ret < 0) {
			siv_channel_end(ch, SIV_R_PEER_CLOSED, false);
			return -EINTR;
		}
		if (!ret)
			siv_host_kick(
				ch->host); /* a bell of the host's may be lost */
		siv_channel_judge(ch);
	}
	if (test_bit(SIV_CHANNEL_OPENED, &ch->flags))
		return 0;
	return siv_reason_errno(READ_ONCE(ch->why)) ?: -EIO;
}

/* The channel that a request of ours belongs to, with a reference; host->lock held. */
static struct siv_channel *siv_channel_by_request(struct siv_talk *talk,
						  u64 request)
{
	struct siv_channel *ch;

	siv_host_lock_held(talk->host);
	list_for_each_entry(ch, &talk->host->channels, link)
		if (ch->talk == talk && ch->a && ch->request == request) {
			siv_channel_get(ch);
			return ch;
		}
	return NULL;
}

/* A message that is wrong, or out of place (SIV_R_STATE): its channel ends. */
static void siv_channel_wronged(struct siv_channel *ch, enum siv_event_place at,
				enum siv_reason why)
{
	if (READ_ONCE(ch->why) != SIV_OK)
		return;
	siv_refused(ch->host->dev, at, why, ch->cid);
	siv_channel_end(ch, why, false);
}

/*
 * A grant that nobody waits for: the host gets its memory back. Nothing is said of a cid
 * that is another channel's (@other), for the host would end that one.
 */
static void siv_channel_unwanted(struct siv_talk *talk, u64 cid,
				 struct siv_channel *ch,
				 struct siv_channel *other)
{
	struct siv_failed failed = {
		.cid = cpu_to_le64(cid),
		.code = cpu_to_le32(siv_reason_code(SIV_R_TIMEOUT)),
	};

	if (!other)
		siv_talk_say(talk, SIV_MSG_FAILED, &failed, sizeof(failed));
	else if (other != ch && READ_ONCE(other->why) == SIV_OK)
		siv_refused(talk->host->dev, SIV_AT_GRANT, SIV_R_GENERATION,
			    cid);
	/* it was granted already */
	if (ch && ch->cid)
		siv_channel_wronged(ch, SIV_AT_GRANT, SIV_R_STATE);
}

void siv_channel_got_grant_a(struct siv_talk *talk, struct siv_span body)
{
	const struct siv_grant_a *m = (const struct siv_grant_a *)body.p;
	struct siv_grant_a *copy = kmemdup(body.p, body.n, GFP_KERNEL);
	struct siv_channel *ch, *other;
	u64 cid = le64_to_cpu(m->cid);
	bool waits, taken = false;

	siv_channel_remember(talk, m->cert_hash,
			     (struct siv_span){ body.p + sizeof(*m),
						body.n - sizeof(*m) });
	mutex_lock(&talk->host->lock);
	ch = siv_channel_by_request(talk, le64_to_cpu(m->request));
	other = siv_channel_by_cid(talk, cid);
	waits = ch && !ch->cid && siv_channel_state(ch) == SIVSHMEM_CONNECTING;
	if (copy && waits && !other) {
		ch->cid = cid;
		WRITE_ONCE(ch->grant, copy); /* judged after xchg() */
		taken = true;
	}
	mutex_unlock(&talk->host->lock);
	if (!taken)
		kfree(copy);
	if (waits && other) {
		/* nothing is said of the cid: it is that of a live channel */
		siv_refused(talk->host->dev, SIV_AT_GRANT, SIV_R_GENERATION,
			    cid);
		siv_channel_end(ch, SIV_R_GENERATION, true);
	} else if (!taken) {
		/* timed out, or cancelled by a signal, or never asked for */
		siv_channel_unwanted(talk, cid, ch, other);
	} else if (ch->uflags & SIVSHMEM_NONBLOCK) {
		siv_channel_get(ch);
		if (!queue_work(siv_crypto_wq, &ch->open_work))
			siv_channel_put(ch);
	} else {
		wake_up_all(&ch->wait);
	}
	if (other)
		siv_channel_put(other);
	if (ch)
		siv_channel_put(ch);
}

void siv_channel_got_failed(struct siv_talk *talk, struct siv_span body)
{
	const struct siv_failed *m = (const struct siv_failed *)body.p;
	enum siv_reason why = siv_reason_from_code(le32_to_cpu(m->code));
	struct siv_channel *ch;

	mutex_lock(&talk->host->lock);
	ch = siv_channel_by_request(talk, le64_to_cpu(m->request));
	mutex_unlock(&talk->host->lock);
	if (!ch)
		return;
	if (siv_channel_state(ch) == SIVSHMEM_CONNECTING) {
		siv_refused(ch->host->dev, SIV_AT_CONNECT, why,
			    le64_to_cpu(m->cid));
		siv_channel_end(ch, why, true);
	} else {
		/* once it has granted, the host says CLOSE */
		siv_channel_wronged(ch, SIV_AT_CONNECT, SIV_R_STATE);
	}
	siv_channel_put(ch);
}

/* ---------------------------------------------------------------- B: INCOMING */

/* REJECT, but of a cid that a live channel has: the host would end that one. */
static void siv_channel_reject(struct siv_talk *talk, __le64 cid,
			       enum siv_reason why)
{
	struct siv_reject reject = {
		.cid = cid,
		.code = cpu_to_le32(siv_reason_code(why)),
	};
	struct siv_channel *other;

	mutex_lock(&talk->host->lock);
	other = siv_channel_by_cid(talk, le64_to_cpu(cid));
	mutex_unlock(&talk->host->lock);
	siv_refused(talk->host->dev, SIV_AT_INCOMING,
		    other ? SIV_R_GENERATION : why, le64_to_cpu(cid));
	if (other)
		siv_channel_put(other);
	else
		siv_talk_say(talk, SIV_MSG_REJECT, &reject, sizeof(reject));
}

/* What can be said without any cryptography. */
static enum siv_reason siv_incoming_judge(struct siv_talk *talk,
					  struct siv_listener *l,
					  const struct siv_incoming *in)
{
	const struct siv_cert *own = &talk->cert->cert;
	struct siv_span service;

	if (!siv_name_get(in->service, &service) ||
	    service.n != own->service.n ||
	    memcmp(service.p, own->service.p, service.n))
		return SIV_R_CERT_SERVICE;
	if (le32_to_cpu(in->peer_b) != talk->host->dev->peer)
		return SIV_R_COMMON;
	if (in->prekey)
		return SIV_R_UNSUPPORTED;
	if (le16_to_cpu(in->suite) >= 32 ||
	    !(talk->host->dev->geo.suites & BIT(le16_to_cpu(in->suite))))
		return SIV_R_SUITE;
	if (le32_to_cpu(in->flags) & ~SIV_CH_FLAGS)
		return SIV_R_UNSUPPORTED;
	if ((l->uflags & SIVSHMEM_SEALED) &&
	    !(le32_to_cpu(in->flags) & SIV_CH_SEALED))
		return SIV_R_NOT_SEALED;
	if (l->ring_max && (le64_to_cpu(in->ring_ab) > l->ring_max ||
			    le64_to_cpu(in->ring_ba) > l->ring_max))
		return SIV_R_SIZE;
	return SIV_OK;
}

/* Certificate of A: any endpoint of the region that the own list allows. */
static enum siv_reason siv_incoming_judge_a(struct siv_talk *talk,
					    struct siv_listener *l,
					    const struct siv_incoming *in,
					    struct siv_pair **pair)
{
	struct siv_span der = { .p = (const u8 *)(in + 1),
				.n = le32_to_cpu(in->cert_len) };
	struct siv_span any = {};
	enum siv_reason r;

	r = siv_pair_find(talk, in->cert_hash, der, pair);
	if (r != SIV_OK)
		return r;
	r = siv_cert_is(&(*pair)->cert, SIV_CERT_ENDPOINT,
			siv_str(talk->host->dev->region), any, any);
	if (r == SIV_OK && l->allow_len &&
	    !siv_allow_has(l->allow, l->allow_len, (*pair)->cert.vm,
			   (*pair)->cert.service))
		r = SIV_R_ALLOW_LIST;
	if (r == SIV_OK)
		r = siv_pair_verify(talk, *pair, le32_to_cpu(in->peer_a));
	if (r != SIV_OK) {
		siv_pair_put(*pair);
		*pair = NULL;
	}
	return r;
}

/* Noise: message 1 rebuilt, message 2 made. */
static enum siv_reason siv_channel_step_b(struct siv_channel *ch,
					  const struct siv_incoming *in,
					  struct siv_pair *pair,
					  struct siv_accept *accept)
{
	struct siv_connect_ids ids;
	struct siv_ephemeral e;
	u8 prk[SIV_HASH_LEN];
	enum siv_reason r;
	u64 start;

	r = siv_pair_secret(ch->talk, pair, prk, &ch->x25519_ns);
	if (r != SIV_OK)
		return r;
	r = siv_pool_take(ch->talk, &e);
	if (r == SIV_OK) {
		mutex_lock(&ch->connect_lock);
		siv_channel_ids(ch, &ids);
		ids.cid = le64_to_cpu(in->cid);
		ids.ring_ab = ch->ring_rx;
		ids.ring_ba = ch->ring_tx;
		ids.peer_a = le32_to_cpu(in->peer_a);
		ids.peer_b = ch->host->dev->peer;
		memcpy(ids.cert_a, pair->cert.hash, sizeof(ids.cert_a));
		memcpy(ids.cert_b, ch->talk->cert->cert.hash,
		       sizeof(ids.cert_b));
		memcpy(ids.n, in->n, sizeof(ids.n));
		start = ktime_get_ns();
		r = siv_connect_incoming(&ch->connect, ch->hs, &ids, in, e.priv,
					 e.pub, prk, accept);
		ch->x25519_ns += ktime_get_ns() - start;
		mutex_unlock(&ch->connect_lock);
	}
	siv_wipe(&e, sizeof(e));
	siv_wipe(prk, sizeof(prk));
	return r;
}

/* A channel for it, with the listener's place in the backlog. */
static enum siv_reason siv_incoming_channel(struct siv_talk *talk,
					    struct siv_listener *l,
					    struct siv_incoming_work *w,
					    struct siv_pair *pair,
					    struct siv_channel **out)
{
	const struct siv_incoming *in = (const struct siv_incoming *)w->body;
	u32 uflags = l->uflags & (SIVSHMEM_NODE_SHARED | SIVSHMEM_NO_NODE);
	struct siv_channel *ch, *twin;
	enum siv_reason r;

	if (le32_to_cpu(in->flags) & SIV_CH_SEALED)
		uflags |= SIVSHMEM_SEALED;
	r = siv_channel_alloc(talk, false, uflags, le16_to_cpu(in->suite), &ch);
	if (r != SIV_OK)
		return r;
	ch->started_ns = w->started_ns;
	ch->ring_tx = le64_to_cpu(in->ring_ba);
	ch->ring_rx = le64_to_cpu(in->ring_ab);
	ch->uid = l->uid;
	ch->pair = pair;
	siv_pair_get(pair);
	siv_name_copy(ch->service, talk->cert->cert.service);

	mutex_lock(&talk->host->lock);
	twin = siv_channel_by_cid(talk, le64_to_cpu(in->cid));
	if (twin)
		r = SIV_R_GENERATION;
	else if (l->state != SIV_LISTENER_OPEN)
		r = SIV_R_NO_LISTENER;
	else if (l->waiting >= l->backlog)
		r = SIV_R_BACKLOG;
	if (r == SIV_OK) {
		l->waiting++;
		kref_get(&l->ref);
		ch->listener = l;
		ch->cid = le64_to_cpu(in->cid);
	}
	mutex_unlock(&talk->host->lock);
	if (twin)
		siv_channel_put(twin);
	*out = ch;
	return r;
}

static enum siv_reason siv_incoming_answer(struct siv_talk *talk,
					   struct siv_listener *l,
					   struct siv_incoming_work *w)
{
	const struct siv_incoming *in = (const struct siv_incoming *)w->body;
	struct siv_channel *ch = NULL;
	struct siv_accept accept;
	struct siv_pair *pair;
	enum siv_reason r;

	r = siv_incoming_judge(talk, l, in);
	if (r == SIV_OK)
		r = siv_incoming_judge_a(talk, l, in, &pair);
	if (r != SIV_OK)
		return r;
	r = siv_incoming_channel(talk, l, w, pair, &ch);
	if (r == SIV_OK)
		r = siv_channel_step_b(ch, in, pair, &accept);
	if (r == SIV_OK &&
	    siv_talk_say(talk, SIV_MSG_ACCEPT, &accept, sizeof(accept)))
		r = SIV_R_HOST_GONE;
	if (r == SIV_OK)
		siv_channel_set_timeout(ch, SIV_RESPONDER_MS);
	siv_pair_put(pair);
	if (!ch)
		return r;
	if (r != SIV_OK) {
		/* REJECT says it, and the host knows of no CLOSED before that */
		mutex_lock(&talk->host->lock);
		ch->cid = 0;
		mutex_unlock(&talk->host->lock);
		siv_channel_end(ch, r, true);
	}
	siv_channel_put(ch);
	return r;
}

static void siv_incoming_work(struct work_struct *work)
{
	struct siv_incoming_work *w =
		container_of(work, struct siv_incoming_work, work);
	const struct siv_incoming *in = (const struct siv_incoming *)w->body;
	struct siv_talk *talk = w->talk;
	enum siv_reason r = SIV_R_NO_LISTENER;
	struct siv_listener *l;

	mutex_lock(&talk->host->lock);
	l = siv_listener_of(talk);
	if (l)
		kref_get(&l->ref);
	mutex_unlock(&talk->host->lock);
	if (l) {
		r = siv_incoming_answer(talk, l, w);
		siv_listener_put(l);
	}
	if (r != SIV_OK)
		siv_channel_reject(talk, in->cid, r);
	siv_talk_put(talk);
	kfree(w);
}

void siv_channel_got_incoming(struct siv_talk *talk, struct siv_span body)
{
	const struct siv_incoming *m = (const struct siv_incoming *)body.p;
	struct siv_incoming_work *w;

	siv_channel_remember(talk, m->cert_hash,
			     (struct siv_span){ body.p + sizeof(*m),
						body.n - sizeof(*m) });
	w = kmalloc(struct_size(w, body, body.n), GFP_KERNEL);
	if (!w) {
		siv_channel_reject(talk, m->cid, SIV_R_NO_MEMORY);
		return;
	}
	INIT_WORK(&w->work, siv_incoming_work);
	siv_talk_get(talk);
	w->talk = talk;
	w->started_ns = ktime_get_ns();
	w->len = body.n;
	memcpy(w->body, body.p, body.n);
	queue_work(siv_crypto_wq, &w->work);
}

/* ----------------------------------------------------------------- B: GRANT_B */

void siv_channel_got_grant_b(struct siv_talk *talk, struct siv_span body)
{
	const struct siv_grant_b *m = (const struct siv_grant_b *)body.p;
	struct siv_established est;
	struct siv_channel *ch;
	enum siv_reason r;

	mutex_lock(&talk->host->lock);
	ch = siv_channel_by_cid(talk, le64_to_cpu(m->common.cid));
	mutex_unlock(&talk->host->lock);
	if (!ch)
		return; /* timed out here; the host was told or will ask */
	mutex_lock(&ch->connect_lock);
	if (ch->a || siv_channel_state(ch) != SIVSHMEM_CONNECTING)
		r = SIV_R_STATE;
	else
		r = siv_connect_confirmed(&ch->connect, ch->hs, m,
					  &ch->host->dev->geo, &est);
	if (r == SIV_OK)
		r = siv_channel_opened(ch, ch->pair);
	mutex_unlock(&ch->connect_lock);
	if (r == SIV_OK &&
	    siv_talk_say(talk, SIV_MSG_ESTABLISHED, &est, sizeof(est)))
		r = SIV_R_HOST_GONE;
	if (r == SIV_OK && !siv_listener_queue(ch))
		r = SIV_R_NO_LISTENER;
	if (r == SIV_OK)
		siv_channel_client->opened(ch);
	else
		siv_channel_wronged(ch, SIV_AT_GRANT, r);
	siv_channel_put(ch);
}

/* ------------------------------------------------------------------- the end */

void siv_channel_say_close(struct siv_channel *ch)
{
	enum siv_reason why = READ_ONCE(ch->why);
	struct siv_close close = {
		.cid = cpu_to_le64(ch->cid),
		.code = cpu_to_le32(siv_reason_code(why)),
	};
	struct siv_failed failed = { .cid = close.cid, .code = close.code };
	bool told = test_and_set_bit(SIV_CHANNEL_TOLD, &ch->flags);
	bool opened = test_bit(SIV_CHANNEL_OPENED, &ch->flags);

	if (!ch->cid)
		return; /* a grant that comes late is answered FAILED */
	if (!told && ch->a && !opened)
		siv_talk_say(ch->talk, SIV_MSG_FAILED, &failed, sizeof(failed));
	else if (!told)
		siv_talk_say(ch->talk, SIV_MSG_CLOSE, &close, sizeof(close));
	siv_talk_say(ch->talk, SIV_MSG_CLOSED, &close, sizeof(close));
}
