// SPDX-License-Identifier: GPL-2.0-only OR MIT
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "simguest/internal.h"

struct sim_channel *sim_channel_new(struct sim_session *ss)
{
	struct sim_guest *g = ss->g;
	struct sim_channel *ch;
	unsigned int i;

	for (i = 0; i < SIM_CHANNELS && g->channel[i]; i++)
		;
	if (i == SIM_CHANNELS)
		return NULL;
	ch = calloc(1, sizeof(*ch));
	if (!ch)
		return NULL;
	ch->g = g;
	ch->ss = ss;
	g->channel[i] = ch;
	return ch;
}

static void unmap_rings(struct sim_channel *ch)
{
	if (ch->tx_data)
		munmap(ch->tx_data, 2 * ch->tx.size);
	if (ch->rx_data)
		munmap(ch->rx_data, 2 * ch->rx.size);
	ch->tx_data = NULL;
	ch->rx_data = NULL;
}

static void wipe_keys(struct sim_channel *ch)
{
	siv_connect_wipe(&ch->c);
	if (ch->tx_t) {
		siv_seal_wipe(&ch->tx_seal);
		siv_seal_wipe(&ch->rx_seal);
	}
	siv_aead_free(ch->tx_t);
	siv_aead_free(ch->rx_t);
	ch->tx_t = NULL;
	ch->rx_t = NULL;
	if (ch->bounce)
		siv_wipe(ch->bounce, SIV_SEALED_MAX + SIV_TAG_LEN);
	free(ch->bounce);
	ch->bounce = NULL;
}

void sim_channel_free(struct sim_channel *ch)
{
	unsigned int i;

	for (i = 0; i < SIM_CHANNELS; i++)
		if (ch->g->channel[i] == ch)
			ch->g->channel[i] = NULL;
	unmap_rings(ch);
	wipe_keys(ch);
	free(ch);
}

/* The same bytes of the region twice in a row: a record never wraps. */
static u8 *map_twice(struct sim_guest *g, u64 off, u64 len, int prot)
{
	u8 *p = mmap(NULL, 2 * len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		     0);

	if (p == MAP_FAILED)
		return NULL;
	if (mmap(p, len, prot, MAP_SHARED | MAP_FIXED, g->at.shm, (off_t)off) !=
		    MAP_FAILED &&
	    mmap(p + len, len, prot, MAP_SHARED | MAP_FIXED, g->at.shm,
		 (off_t)off) != MAP_FAILED)
		return p;
	munmap(p, 2 * len);
	return NULL;
}

static int take_keys(struct sim_channel *ch)
{
	unsigned int own = ch->c.a ? 0 : 1;

	ch->tx_t = siv_aead_alloc();
	ch->rx_t = siv_aead_alloc();
	ch->bounce = malloc(SIV_SEALED_MAX + SIV_TAG_LEN);
	if (!ch->tx_t || !ch->rx_t || !ch->bounce)
		return -ENOMEM;
	if (siv_seal_init(&ch->tx_seal, ch->tx_t, ch->c.ids.suite,
			  ch->c.r[own]) ||
	    siv_seal_init(&ch->rx_seal, ch->rx_t, ch->c.ids.suite,
			  ch->c.r[!own]))
		return -EIO;
	siv_wipe(ch->c.r, sizeof(ch->c.r));
	return 0;
}

int sim_channel_begin(struct sim_channel *ch)
{
	const struct siv_common *m = &ch->c.common;
	struct sim_guest *g = ch->g;
	u64 ab_len = siv_get_le64(&m->ring_ab_len);
	u64 ba_len = siv_get_le64(&m->ring_ba_len);
	u64 side = siv_get_le64(&m->side_off);
	struct siv_side *a = (struct siv_side *)(void *)(g->at.mem + side);
	struct siv_side *b =
		(struct siv_side *)(void *)(g->at.mem + side + g->geo.granule);

	if (ch->c.a) {
		siv_tx_init(&ch->tx, a, b, ab_len);
		siv_rx_init(&ch->rx, a, b, ba_len);
	} else {
		siv_tx_init(&ch->tx, b, a, ba_len);
		siv_rx_init(&ch->rx, b, a, ab_len);
	}
	return ch->c.ids.flags & SIV_CH_SEALED ? take_keys(ch) : 0;
}

int sim_channel_map(struct sim_channel *ch)
{
	const struct siv_common *m = &ch->c.common;
	u64 ab = siv_get_le64(&m->ring_ab_off);
	u64 ba = siv_get_le64(&m->ring_ba_off);

	if (ch->rx_data)
		return 0;
	if (!ch->tx_data)
		ch->tx_data = map_twice(ch->g, ch->c.a ? ab : ba, ch->tx.size,
					PROT_READ | PROT_WRITE);
	ch->rx_data =
		map_twice(ch->g, ch->c.a ? ba : ab, ch->rx.size, PROT_READ);
	return ch->tx_data && ch->rx_data ? 0 : -ENOMEM;
}

static void ring_peer(struct sim_channel *ch)
{
	u32 peer = siv_get_le32(ch->c.a ? &ch->c.common.peer_b :
					  &ch->c.common.peer_a);

	sim_attach_ring(&ch->g->at, peer, 0);
}

static int broken(struct sim_channel *ch, enum siv_reason why)
{
	sim_channel_end(ch, why, 0);
	return siv_reason_errno(why);
}

/* May data go? 0 if so. */
static int is_over(struct sim_channel *ch)
{
	if (ch->c.state == SIV_CONNECT_OPEN)
		return sim_channel_map(ch);
	if (ch->error)
		return siv_reason_errno(ch->error);
	return ch->code ? siv_code_errno(ch->code) : -ECONNRESET;
}

static u64 max_payload(const struct sim_channel *ch)
{
	u64 max = siv_ring_max_record(ch->tx.size);

	if (!ch->tx_t)
		return max;
	max -= SIV_TAG_LEN;
	return max < SIV_SEALED_MAX ? max : SIV_SEALED_MAX;
}

static enum siv_reason put_record(struct sim_channel *ch, const void *buf,
				  size_t len)
{
	u8 *at = ch->tx_data + siv_tx_offset(&ch->tx);
	size_t total = len + (ch->tx_t ? SIV_TAG_LEN : 0);
	enum siv_reason r;
	u8 hdr[8] = { 0 };

	siv_put_le32(hdr, (u32)total);
	if (ch->tx_t) {
		r = siv_seal_record(&ch->tx_seal, ch->tx.prod, hdr,
				    (struct siv_span){ buf, len }, ch->bounce);
		if (r)
			return r;
		buf = ch->bounce;
	}
	memcpy(at + SIV_RECORD_HDR, buf, total);
	memcpy(at, hdr, sizeof(hdr));
	if (siv_tx_publish(&ch->tx, siv_ring_need(total)))
		ring_peer(ch);
	return SIV_OK;
}

int sim_send(struct sim_channel *ch, const void *buf, size_t len)
{
	size_t total = len + (ch->tx_t ? SIV_TAG_LEN : 0);
	enum siv_reason r;
	u64 room;
	int over = is_over(ch);

	if (over)
		return over;
	if (!len)
		return 0;
	if (ch->peer_closed || ch->marks & SIV_END_WR ||
	    siv_end_get(ch->tx.peer) & SIV_END_RD)
		return -EPIPE;
	if (len > max_payload(ch))
		return -EMSGSIZE;
	r = siv_tx_room(&ch->tx, &room);
	if (r)
		return broken(ch, r);
	if (room < siv_ring_need(total)) {
		siv_tx_arm(&ch->tx,
			   siv_tx_target(&ch->tx, siv_ring_need(total)));
		r = siv_tx_room(&ch->tx, &room);
		if (r)
			return broken(ch, r);
		if (room < siv_ring_need(total))
			return -EAGAIN;
	}
	r = put_record(ch, buf, len);
	return r ? broken(ch, r) : 0;
}

/* The end of the peer's stream: 0, or -ECONNRESET if a sealed one was cut. */
static ssize_t at_end(struct sim_channel *ch)
{
	if (!ch->rx_t)
		return 0;
	if (!ch->c.fin_seen)
		return ch->peer_closed ? broken(ch, SIV_R_NO_FIN) : -EAGAIN;
	return ch->fin_pos == ch->rx.cons ? 0 : broken(ch, SIV_R_NO_FIN);
}

static ssize_t get_record(struct sim_channel *ch, u64 avail, void *buf,
			  size_t cap)
{
	const u8 *at = ch->rx_data + siv_rx_offset(&ch->rx);
	enum siv_reason r;
	u64 len, plain;
	u8 hdr[8];

	siv_rx_header_load(hdr, at);
	r = siv_rx_header(&ch->rx, hdr, avail, &len);
	if (r)
		return broken(ch, r);
	plain = len - (ch->rx_t ? SIV_TAG_LEN : 0);
	if (ch->rx_t && (len <= SIV_TAG_LEN || plain > SIV_SEALED_MAX))
		return broken(ch, SIV_R_RING_RECORD);
	if (plain > cap)
		return -EMSGSIZE;
	if (!ch->rx_t) {
		memcpy(buf, at + SIV_RECORD_HDR, len);
	} else {
		memcpy(ch->bounce, at + SIV_RECORD_HDR, len);
		r = siv_seal_open(&ch->rx_seal, ch->rx.cons, hdr,
				  (struct siv_span){ ch->bounce, len },
				  ch->bounce);
		if (r)
			return broken(ch, r);
		memcpy(buf, ch->bounce, plain);
	}
	if (siv_rx_release(&ch->rx, siv_ring_need(len)))
		ring_peer(ch);
	return (ssize_t)plain;
}

ssize_t sim_recv(struct sim_channel *ch, void *buf, size_t cap)
{
	unsigned int end;
	enum siv_reason r;
	int pass, over = is_over(ch);
	u64 avail;

	if (over)
		return over;
	for (pass = 0; pass < 2; pass++) {
		end = siv_end_get(ch->rx.peer);
		r = siv_rx_avail(&ch->rx, &avail);
		if (r)
			return broken(ch, r);
		if (avail)
			return get_record(ch, avail, buf, cap);
		if (end & SIV_END_WR || ch->c.fin_seen || ch->peer_closed)
			return at_end(ch);
		siv_rx_arm(&ch->rx);
	}
	return -EAGAIN;
}

ssize_t sim_recv_wait(struct sim_channel *ch, void *buf, size_t cap,
		      int timeout_ms)
{
	u64 end = sim_now_ms() + (u64)timeout_ms;
	ssize_t n;

	while ((n = sim_recv(ch, buf, cap)) == -EAGAIN) {
		if (sim_now_ms() >= end)
			return -ETIMEDOUT;
		if (sim_guest_step(ch->g, 100))
			return -ECONNRESET;
	}
	return n;
}

int sim_send_wait(struct sim_channel *ch, const void *buf, size_t len,
		  int timeout_ms)
{
	u64 end = sim_now_ms() + (u64)timeout_ms;
	int r;

	while ((r = sim_send(ch, buf, len)) == -EAGAIN) {
		if (sim_now_ms() >= end)
			return -ETIMEDOUT;
		if (sim_guest_step(ch->g, 100))
			return -ECONNRESET;
	}
	return r;
}

int sim_shutdown(struct sim_channel *ch)
{
	struct siv_fin m;
	enum siv_reason r;

	int over = is_over(ch);

	if (over)
		return over;
	if (ch->marks & SIV_END_WR)
		return 0;
	ch->marks |= SIV_END_WR;
	if (ch->tx_t) {
		r = siv_fin_make(&ch->c, ch->g->t, ch->tx.prod, &m);
		if (!r)
			r = sim_say(ch->ss, SIV_MSG_FIN, &m, sizeof(m));
		if (r)
			return siv_reason_errno(r);
	}
	siv_end_set(ch->tx.own, ch->marks);
	ring_peer(ch);
	return 0;
}

void sim_say_close(struct sim_session *ss, u16 type, u64 cid, u32 code)
{
	struct siv_close m = { 0 };

	siv_put_le64(&m.cid, cid);
	siv_put_le32(&m.code, code);
	(void)sim_say(ss, type, &m, sizeof(m));
}

static void say_close(struct sim_channel *ch, u16 type, u32 code)
{
	if (ch->ss)
		sim_say_close(ch->ss, type, ch->cid, code);
}

void sim_channel_orphan(struct sim_channel *ch)
{
	ch->ss = NULL;
	sim_channel_end(ch, SIV_R_HOST_GONE, 0);
}

void sim_channel_end(struct sim_channel *ch, enum siv_reason why, u32 code)
{
	bool was_granted = ch->c.state == SIV_CONNECT_OPEN ||
			   ch->c.state == SIV_CONNECT_ACCEPTED;

	if (ch->c.state == SIV_CONNECT_ENDED)
		return;
	ch->error = why;
	ch->code = code;
	if (was_granted && why)
		say_close(ch, SIV_MSG_CLOSE, siv_reason_code(why));
	unmap_rings(ch);
	wipe_keys(ch);
	ch->c.state = SIV_CONNECT_ENDED;
	if (was_granted && !ch->closed)
		say_close(ch, SIV_MSG_CLOSED, code);
	ch->closed = true;
}

void sim_close(struct sim_channel *ch)
{
	if (ch->c.state == SIV_CONNECT_OPEN) {
		(void)sim_shutdown(ch);
		say_close(ch, SIV_MSG_CLOSE, 0);
		unmap_rings(ch);
		say_close(ch, SIV_MSG_CLOSED, 0);
	}
	sim_channel_free(ch);
}
