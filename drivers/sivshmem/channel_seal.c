// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sealed records: sealed and opened in private memory only. A record is copied in whole,
 * sealed, copied out and published; nothing between sealing and publishing can fail for
 * another reason than the channel's end, so no position is sealed twice. FIN ends a
 * stream with proof.
 */
#include <linux/slab.h>
#include <linux/uio.h>

#include "channel.h"
#include "crypto.h"
#include "event.h"

/* Room for the largest record and its tag. */
static size_t siv_seal_room(u64 ring_size)
{
	return min_t(u64, siv_ring_max_record(ring_size),
		     SIV_SEALED_MAX + SIV_TAG_LEN);
}

static int siv_seal_buffer(u8 **buf, u64 ring_size)
{
	if (!*buf)
		*buf = kvmalloc(siv_seal_room(ring_size), GFP_KERNEL_ACCOUNT);
	return *buf ? 0 : -ENOMEM;
}

int siv_channel_seal_init(struct siv_channel *ch, u16 suite)
{
	int err;

	ch->tx.t = siv_aead_alloc(GFP_KERNEL);
	ch->rx.t = siv_aead_alloc(GFP_KERNEL);
	if (!ch->tx.t || !ch->rx.t)
		return -ENOMEM;
	err = siv_aead_prepare(ch->tx.t, suite);
	return err ?: siv_aead_prepare(ch->rx.t, suite);
}

enum siv_reason siv_channel_seal_start(struct siv_channel *ch)
{
	u8(*keys)[SIV_KEY_LEN] = ch->connect.r;
	enum siv_reason r;

	lockdep_assert_held(&ch->connect_lock);
	/* direction 0 is A to B */
	r = siv_seal_init(&ch->tx.keys, ch->tx.t, ch->suite,
			  keys[ch->a ? 0 : 1]);
	if (r == SIV_OK)
		r = siv_seal_init(&ch->rx.keys, ch->rx.t, ch->suite,
				  keys[ch->a ? 1 : 0]);
	siv_wipe(keys, sizeof(ch->connect.r));
	return r;
}

void siv_channel_seal_wipe(struct siv_channel *ch)
{
	if (!siv_channel_sealed(ch))
		return;
	mutex_lock(&ch->tx.seal);
	siv_seal_wipe(&ch->tx.keys);
	mutex_unlock(&ch->tx.seal);
	mutex_lock(&ch->rx.seal);
	siv_seal_wipe(&ch->rx.keys);
	/* what was opened and not delivered; a read() under way fails at the gate */
	if (READ_ONCE(ch->rx.buf))
		siv_wipe(ch->rx.buf, siv_seal_room(ch->rx.ring.size));
	mutex_unlock(&ch->rx.seal);
}

static void siv_seal_buffer_free(u8 *buf, u64 ring_size)
{
	if (!buf)
		return;
	siv_wipe(buf, siv_seal_room(ring_size));
	kvfree(buf);
}

void siv_channel_seal_free(struct siv_channel *ch)
{
	/* a user may have been copying from them until now */
	siv_seal_buffer_free(ch->tx.buf, ch->tx.ring.size);
	siv_seal_buffer_free(ch->rx.buf, ch->rx.ring.size);
	siv_aead_free(ch->tx.t);
	siv_aead_free(ch->rx.t);
}

/* ---------------------------------------------------------------------- write */

int siv_channel_seal_load(struct siv_channel *ch, u64 len,
			  struct iov_iter *from)
{
	lockdep_assert_held(&ch->tx.io);
	if (siv_seal_buffer(&ch->tx.buf, ch->tx.ring.size))
		return -ENOMEM;
	if (copy_from_iter(ch->tx.buf, len, from) == len)
		return 0;
	siv_wipe(ch->tx.buf, len);
	return -EFAULT;
}

/* Bytes of the ring from @pos on: at most two parts. */
static void siv_seal_copy_out(struct siv_channel *ch, u64 pos, const u8 *buf,
			      u64 n)
{
	u64 at = pos & (ch->tx.ring.size - 1);
	u64 first = min(n, ch->tx.ring.size - at);

	memcpy(ch->tx.base + at, buf, first);
	memcpy(ch->tx.base, buf + first, n - first);
}

int siv_channel_seal_put(struct siv_channel *ch, u64 len)
{
	struct siv_span in = { .p = ch->tx.buf, .n = len };
	u64 pos = ch->tx.ring.prod;
	u8 hdr[SIV_RECORD_HDR];
	enum siv_reason r;
	int idx;

	lockdep_assert_held(&ch->tx.io);
	siv_put_le64(hdr, len + SIV_TAG_LEN);
	mutex_lock(&ch->tx.seal);
	r = siv_seal_record(&ch->tx.keys, pos, hdr, in, ch->tx.buf);
	mutex_unlock(&ch->tx.seal);
	if (r != SIV_OK) {
		siv_wipe(ch->tx.buf, len);
		return siv_channel_broken(ch, SIV_AT_SEAL, r);
	}
	if (!siv_channel_enter(ch, &idx))
		return siv_channel_errno(ch);
	siv_seal_copy_out(ch, pos + SIV_RECORD_HDR, ch->tx.buf,
			  len + SIV_TAG_LEN);
	siv_channel_leave(ch, idx);
	return 0;
}

/* ----------------------------------------------------------------------- read */

static void siv_seal_copy_in(struct siv_channel *ch, u64 pos, u8 *buf, u64 n)
{
	u64 at = siv_index_nospec(pos & (ch->rx.ring.size - 1),
				  ch->rx.ring.size);
	u64 first = min(n, ch->rx.ring.size - at);

	siv_peer_copy(buf, ch->rx.base + at, first);
	siv_peer_copy(buf + first, ch->rx.base, n - first);
}

int siv_channel_seal_get(struct siv_channel *ch, const u8 hdr[SIV_RECORD_HDR],
			 u64 len)
{
	struct siv_span in = { .n = len };
	u64 pos = ch->rx.ring.cons;
	enum siv_reason r;
	int idx;

	lockdep_assert_held(&ch->rx.io);
	if (len > siv_seal_room(ch->rx.ring.size))
		return siv_channel_broken(ch, SIV_AT_SEAL, SIV_R_RING_RECORD);
	if (siv_seal_buffer(&ch->rx.buf, ch->rx.ring.size))
		return -ENOMEM;
	if (!siv_channel_enter(ch, &idx))
		return siv_channel_errno(ch);
	siv_seal_copy_in(ch, pos + SIV_RECORD_HDR, ch->rx.buf, len);
	siv_channel_leave(ch, idx);

	in.p = ch->rx.buf;
	mutex_lock(&ch->rx.seal);
	r = siv_seal_open(&ch->rx.keys, pos, hdr, in, ch->rx.buf);
	mutex_unlock(&ch->rx.seal);
	if (r != SIV_OK)
		return siv_channel_broken(ch, SIV_AT_SEAL, r);
	WRITE_ONCE(ch->rx.held, len - SIV_TAG_LEN);
	return 0;
}

int siv_channel_seal_deliver(struct siv_channel *ch, struct iov_iter *to)
{
	u64 len = ch->rx.held;

	lockdep_assert_held(&ch->rx.io);
	/* revoked while it was held back: it stays so */
	if (siv_channel_state(ch) == SIVSHMEM_ENDED)
		return siv_channel_errno(ch);
	if (copy_to_iter(ch->rx.buf, len, to) != len)
		return -EFAULT;
	siv_wipe(ch->rx.buf, len);
	return 0;
}

/* ------------------------------------------------------------------------ FIN */

void siv_channel_send_fin(struct siv_channel *ch, u64 position)
{
	struct siv_fin fin;
	enum siv_reason r;

	if (test_and_set_bit(SIV_CHANNEL_FIN_SENT, &ch->flags))
		return;
	mutex_lock(&ch->connect_lock);
	r = siv_fin_make(&ch->connect, ch->hs, position, &fin);
	mutex_unlock(&ch->connect_lock);
	if (r == SIV_OK)
		siv_talk_say(ch->talk, SIV_MSG_FIN, &fin, sizeof(fin));
}

void siv_channel_got_fin(struct siv_talk *talk, struct siv_span body)
{
	const struct siv_fin *m = (const struct siv_fin *)body.p;
	enum siv_reason r = SIV_R_STATE;
	struct siv_channel *ch;
	u64 position;

	mutex_lock(&talk->host->lock);
	ch = siv_channel_by_cid(talk, le64_to_cpu(m->cid));
	mutex_unlock(&talk->host->lock);
	if (!ch)
		return;
	mutex_lock(&ch->connect_lock);
	if (siv_channel_sealed(ch) && READ_ONCE(ch->why) == SIV_OK)
		r = siv_fin_open(&ch->connect, ch->hs, m, &position);
	mutex_unlock(&ch->connect_lock);
	if (r == SIV_OK) {
		WRITE_ONCE(ch->rx.fin, position);
		wake_up_all(&ch->wait);
	} else if (READ_ONCE(ch->why) == SIV_OK) {
		/* the stream has no proved end: what reads it will say so */
		siv_refused(ch->host->dev, SIV_AT_SEAL, r, ch->cid);
	}
	siv_channel_put(ch);
}
